use super::caretaker::Caretaker;
use super::{AgentDesk, PromptDesk, messages, secure};
use crate::config::Config;
use crate::mailroom;
use std::sync::Arc;
use tokio::sync::watch;

/// The one door by which a running box takes over a new configuration.
pub(super) struct Reloader {
    pub(super) certificate: Option<Arc<secure::Shown>>,
    pub(super) believed: Arc<secure::Believed>,
    pub(super) clerk: watch::Sender<mailroom::Orders>,
    pub(super) announcer: Arc<PromptDesk>,
    pub(super) caretaker: Arc<Caretaker>,
    /// Tells the engine, with the agents of the database among those of the file.
    pub(super) agents: Arc<AgentDesk>,
}

impl Reloader {
    /// Takes over what can be without a restart: for the engine in one step, so that each call goes by the old or by the new.
    pub(super) fn take_over(&self, config: &Config) {
        if let Some(certificate) = &self.certificate {
            certificate.reload(config);
        }
        if let Err(reason) = self.believed.reload(config) {
            tracing::error!("The TLS settings of the trunks stay as they were: {reason}.");
        }
        self.clerk.send_replace(messages::orders(config));
        Arc::clone(&self.announcer).reload(config);
        self.caretaker.reload(config);
        self.agents.adopt(config);
    }
}
