//! What a technician asks of the box as a whole, carried out.

use super::selftest::selftest;
use crate::config::Config;
use crate::http::{BoxFuture, Caretaker as Face, SelfTest};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The running box's caretaker.
pub(super) struct Caretaker {
    config: Mutex<Arc<Config>>,
    data_dir: PathBuf,
    runtime: Handle,
    selftest: watch::Sender<SelfTest>,
}

impl Caretaker {
    pub(super) fn new(config: &Config, data_dir: PathBuf, runtime: Handle) -> Self {
        Self {
            config: Mutex::new(Arc::new(config.clone())),
            data_dir,
            runtime,
            selftest: watch::Sender::new(SelfTest::default()),
        }
    }

    /// Takes over a new configuration.
    pub(super) fn reload(&self, config: &Config) {
        *self.config() = Arc::new(config.clone());
    }

    fn config(&self) -> MutexGuard<'_, Arc<Config>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Face for Caretaker {
    fn begin_selftest(&self) -> bool {
        let begins = self
            .selftest
            .send_if_modified(|now| !std::mem::replace(&mut now.running, true));
        if !begins {
            return false;
        }
        let (config, data_dir) = (Arc::clone(&self.config()), self.data_dir.clone());
        let told = self.selftest.clone();
        let so_far = self.selftest.clone();
        let look = async move {
            let each = |line: &crate::checkup::Line, _left: usize| {
                so_far.send_modify(|now| now.so_far.push(line.clone()));
            };
            selftest(Config::clone(&config), data_dir, each).await
        };
        // In a task of its own: a look that panicked would stay under way for ever otherwise.
        let running = self.runtime.spawn(look);
        self.runtime.spawn(async move {
            let report = running.await.ok();
            told.send_modify(|now| {
                now.running = false;
                now.so_far.clear();
                if report.is_some() {
                    now.report = report;
                }
            });
        });
        true
    }

    fn selftest(&self) -> SelfTest {
        self.selftest.borrow().clone()
    }

    fn selftest_ends(&self, patience: Duration) -> BoxFuture<'_, ()> {
        let mut seen = self.selftest.subscribe();
        Box::pin(async move {
            // The sender lives as long as we do; too late is an end as well.
            let _ = tokio::time::timeout(patience, seen.wait_for(|now| !now.running)).await;
        })
    }
}
