use super::sinks::{DeliveryError, Sink};
use super::{BackOff, Config};
use crate::model::Dice;
use crate::store::{Batch, Clock, Outbox, OutboxItem, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// The running forwarders, one task a destination.
#[derive(Debug)]
pub struct Upstreams {
    waker: Waker,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Tells the forwarders that a record was committed. Cheap to clone; waking never blocks.
#[derive(Debug, Clone, Default)]
pub struct Waker {
    bells: Vec<Arc<Notify>>,
}

impl Waker {
    /// There is something to forward.
    pub fn wake(&self) {
        for bell in &self.bells {
            bell.notify_one();
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
        clock: &Clock,
        back_off: BackOff,
        dice: &mut Dice,
    ) -> Result<Self, String> {
        let (stop, stopped) = watch::channel(false);
        let mut forwarders = Vec::new();
        for config in configs.iter().filter(|config| config.enabled) {
            let sink =
                Sink::build(config, clock).map_err(|reason| format!("upstream {}: {reason}", config.name))?;
            forwarders.push(Forwarder {
                name: config.name.clone(),
                sink,
                outbox: outbox.clone(),
                clock: clock.clone(),
                back_off,
                dice: dice.fork(),
                bell: Arc::default(),
                stopped: stopped.clone(),
                is_troubled: false,
            });
        }
        let waker = Waker {
            bells: forwarders
                .iter()
                .map(|forwarder| Arc::clone(&forwarder.bell))
                .collect(),
        };
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

/// Records taken at a time; after a kill at most so many go out twice.
const BATCH: usize = 32;
/// How often a record is refused before it is parked.
const REFUSALS: u32 = 5;
/// The store is asked again after this, whatever the clock did meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// One destination's task.
struct Forwarder {
    name: String,
    sink: Sink,
    outbox: Outbox,
    clock: Clock,
    back_off: BackOff,
    dice: Dice,
    bell: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    /// So that an outage is told once in the log, not at every attempt.
    is_troubled: bool,
}

/// How a batch ended.
enum Turn {
    /// Ask for the next.
    GoOn,
    /// The end of the task.
    Stop,
}

impl Forwarder {
    async fn run(mut self) {
        loop {
            let turn = match self.ask(|outbox, name| outbox.next_batch(name, BATCH)).await {
                Ok(Batch::Items(items)) => self.deliver(items).await,
                Ok(Batch::WaitUntil(at_ms)) => self.sleep(self.until(at_ms)).await,
                Ok(Batch::Empty) => self.wait_for_the_bell().await,
                Err(StoreError::Closed) => Turn::Stop,
                Err(error) => {
                    tracing::warn!(upstream = %self.name, %error, "The outbox cannot be read: {error}.");
                    self.sleep(Duration::from_secs(5)).await
                }
            };
            match turn {
                Turn::GoOn => {}
                Turn::Stop => return,
            }
        }
    }

    /// The store blocks on the disk, so it is asked on a thread that may.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Outbox, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (outbox, name) = (self.outbox.clone(), self.name.clone());
        let answer = tokio::task::spawn_blocking(move || question(&outbox, &name)).await;
        answer.unwrap_or(Err(StoreError::Closed))
    }

    fn until(&self, at_ms: i64) -> Duration {
        let left = at_ms.saturating_sub((self.clock.unix_ms)());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).clamp(Duration::from_millis(1), LONGEST_SLEEP)
    }

    async fn sleep(&self, time: Duration) -> Turn {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => Turn::GoOn,
            _ = stopped.wait_for(|is_stopped| *is_stopped) => Turn::Stop,
        }
    }

    async fn wait_for_the_bell(&self) -> Turn {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = self.bell.notified() => Turn::GoOn,
            _ = stopped.wait_for(|is_stopped| *is_stopped) => Turn::Stop,
        }
    }

    /// Delivers in order until one is not taken; those behind it go back unsent.
    async fn deliver(&mut self, items: Vec<OutboxItem>) -> Turn {
        let mut delivered = Vec::new();
        let mut waiting = items.into_iter();
        while let Some(item) = waiting.next() {
            let Some(result) = self.try_one(&item).await else {
                let unsent = std::iter::once(item)
                    .chain(waiting)
                    .map(|item| item.seq)
                    .collect();
                self.settle(delivered, unsent).await;
                return Turn::Stop;
            };
            match result {
                Ok(()) => delivered.push(item.seq),
                Err(error) => {
                    let unsent = waiting.map(|item| item.seq).collect();
                    self.settle(delivered, unsent).await;
                    self.put_off(&item, error).await;
                    return Turn::GoOn;
                }
            }
        }
        self.settle(delivered, Vec::new()).await;
        Turn::GoOn
    }

    /// One attempt; nothing when the stop came first.
    async fn try_one(&mut self, item: &OutboxItem) -> Option<Result<(), DeliveryError>> {
        tokio::select! {
            result = self.sink.deliver(item) => Some(result),
            _ = self.stopped.wait_for(|is_stopped| *is_stopped) => None,
        }
    }

    async fn settle(&mut self, delivered: Vec<u64>, unsent: Vec<u64>) {
        if !delivered.is_empty() && std::mem::take(&mut self.is_troubled) {
            tracing::info!(upstream = %self.name, "Upstream {} takes records again.", self.name);
        }
        self.tell(move |outbox, name| {
            if !delivered.is_empty() {
                outbox.delivered(name, &delivered)?;
            }
            if unsent.is_empty() {
                Ok(())
            } else {
                outbox.put_back(name, &unsent)
            }
        })
        .await;
    }

    async fn put_off(&mut self, item: &OutboxItem, error: DeliveryError) {
        let seq = item.seq;
        let (reason, asked, is_final) = match error {
            DeliveryError::TryLater { reason, asked } => (reason, asked, false),
            DeliveryError::Refused(reason) => (reason, None, item.attempts + 1 >= REFUSALS),
        };
        if is_final {
            tracing::error!(upstream = %self.name, seq, reason, "Record {seq} is parked for upstream {}: {reason}.", self.name);
            return self
                .tell(move |outbox, name| outbox.park(name, seq, &reason))
                .await;
        }
        if !std::mem::replace(&mut self.is_troubled, true) {
            tracing::warn!(upstream = %self.name, seq, reason, "Upstream {} takes no records: {reason}.", self.name);
        }
        let wait = self.back_off.wait(item.attempts, asked, &mut self.dice);
        let at_ms =
            (self.clock.unix_ms)().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        self.tell(move |outbox, name| outbox.retry(name, seq, at_ms, &reason))
            .await;
    }

    /// Tells the outbox what became of records, again and again while the database cannot be written: what it
    /// is not told stays under way there until the next start.
    async fn tell(&self, word: impl Fn(&Outbox, &str) -> Result<(), StoreError> + Clone + Send + 'static) {
        loop {
            match self.ask(word.clone()).await {
                Ok(()) | Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::warn!(upstream = %self.name, %error, "The outbox cannot be told: {error}.")
                }
            }
            match self.sleep(Duration::from_secs(1)).await {
                Turn::GoOn => {}
                Turn::Stop => return,
            }
        }
    }
}
