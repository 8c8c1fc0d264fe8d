use super::forwarder::Forwarder;
use super::sinks::SinkContext;
use super::watch::DeliveryWatch;
use super::{BackOff, Config};
use crate::model::Dice;
use crate::store::{Outbox, Reader};
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// The running forwarders, one task a destination.
#[derive(Debug)]
pub struct Upstreams {
    waker: Waker,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Tells the forwarders that there is something to do. Cheap to clone; never blocks.
#[derive(Debug, Clone, Default)]
pub struct Waker {
    bells: Vec<Bells>,
}

/// What wakes one forwarder.
#[derive(Debug, Clone, Default)]
pub(super) struct Bells {
    /// Records were committed.
    pub(super) news: Arc<Notify>,
    /// Somebody wants it to look now, whatever it is waiting for.
    pub(super) hurry: Arc<Notify>,
}

impl Waker {
    /// There is something to forward. A destination that is left alone stays so.
    pub fn wake(&self) {
        for bells in &self.bells {
            bells.news.notify_one();
        }
    }

    /// Somebody changed what is to be done: enabled a destination, wants a try now, queued records again. Every
    /// forwarder looks at once.
    pub fn hurry(&self) {
        for bells in &self.bells {
            bells.hurry.notify_one();
        }
    }
}

impl Upstreams {
    /// Starts a task for each enabled destination. Must be called inside the tokio runtime.
    ///
    /// # Errors
    /// When a section is wrong, with its name; `config` finds that earlier.
    pub fn start(
        configs: &[Config],
        outbox: &Outbox,
        context: &SinkContext,
        back_off: BackOff,
        dice: &mut Dice,
    ) -> Result<Self, String> {
        let (stop, stopped) = watch::channel(false);
        let mut waker = Waker::default();
        let mut forwarders = Vec::new();
        for config in configs.iter().filter(|config| config.enabled) {
            let bells = Bells::default();
            waker.bells.push(bells.clone());
            let forwarder = Forwarder::new(config, outbox, context, bells, stopped.clone())
                .map_err(|reason| format!("upstream {}: {reason}", config.name))?;
            forwarders.push(forwarder.with_waits(back_off, dice.fork()));
        }
        let tasks = forwarders
            .into_iter()
            .map(|forwarder| tokio::spawn(forwarder.run()))
            .collect();
        Ok(Self { waker, stop, tasks })
    }

    /// What the store's callback wakes.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Starts to look, every half minute, whether a technician should know of a destination. Must be called inside
    /// the tokio runtime.
    pub fn watch(&mut self, reader: Reader, configs: &[Config], context: &SinkContext) -> DeliveryWatch {
        let watch = DeliveryWatch::default();
        let looking = watch
            .clone()
            .look(reader, configs, context, self.stop.subscribe());
        self.tasks.push(tokio::spawn(looking));
        watch
    }

    /// Ends the tasks. A record whose answer has not come by then goes out again at the next start, under the
    /// same id.
    pub async fn shutdown(self) {
        // No receiver means that every task has ended already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "A forwarder had died before the shutdown.");
            }
        }
    }
}
