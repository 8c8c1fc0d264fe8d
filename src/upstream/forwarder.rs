use super::sinks::{Sink, SinkContext};
use super::{BackOff, Config, Delivered, Order, Policy, Setback, Verdict};
use crate::model::Dice;
use crate::store::{Batch, Clock, Outbox, OutboxItem, StoreError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

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
        context: &SinkContext,
        back_off: BackOff,
        dice: &mut Dice,
    ) -> Result<Self, String> {
        let (stop, stopped) = watch::channel(false);
        let mut forwarders = Vec::new();
        for config in configs.iter().filter(|config| config.enabled) {
            let sink = Sink::build(config, context)
                .map_err(|reason| format!("upstream {}: {reason}", config.name))?;
            forwarders.push(Forwarder {
                name: config.name.clone(),
                policy: config.policy,
                sink,
                outbox: outbox.clone(),
                clock: context.clock.clone(),
                back_off: back_off.capped(config.policy.longest_wait()),
                dice: dice.fork(),
                bell: Arc::default(),
                stopped: stopped.clone(),
                is_troubled: false,
                one_by_one: 0,
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

/// Records taken from the outbox at a time.
const FETCH: usize = 128;
/// What was acknowledged is told to the outbox at least this often; after a kill no more goes out twice.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// The store is asked again after this, whatever the clock did meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// One destination's task.
struct Forwarder {
    name: String,
    policy: Policy,
    sink: Sink,
    outbox: Outbox,
    clock: Clock,
    back_off: BackOff,
    dice: Dice,
    bell: Arc<Notify>,
    stopped: watch::Receiver<bool>,
    /// So that an outage is told once in the log, not at every attempt.
    is_troubled: bool,
    /// How many records still have to be handed over alone, after a batch was refused as a whole.
    one_by_one: usize,
}

/// How a batch ended.
enum Turn {
    /// Ask for the next.
    GoOn,
    /// The end of the task.
    Stop,
}

/// What became of the records of one fetch, as far as it is known.
#[derive(Default)]
struct Tally {
    done: Vec<u64>,
    put_back: Vec<u64>,
    refused: Vec<(OutboxItem, Setback)>,
    never: Vec<(OutboxItem, Setback)>,
    /// The destination is in trouble: the record it began with, and what went wrong.
    trouble: Option<(OutboxItem, Setback)>,
    gone: Option<Setback>,
    stopped: bool,
}

impl Tally {
    /// Whether nothing further may be sent now.
    fn is_over(&self, strict: bool) -> bool {
        self.trouble.is_some() || self.gone.is_some() || self.stopped || (strict && !self.refused.is_empty())
    }

    /// Notes what a sink said about these records. Says how many of them a sink wants one by one.
    fn note(&mut self, items: Vec<OutboxItem>, delivered: Delivered) -> usize {
        match delivered {
            Delivered::Each(verdicts) => self.note_each(items, verdicts),
            Delivered::OneByOne(setback) => {
                let count = items.len();
                if count == 1 {
                    self.refused
                        .extend(items.into_iter().map(|item| (item, setback.clone())));
                } else {
                    self.put_back.extend(items.iter().map(|item| item.seq));
                    return count;
                }
            }
            Delivered::BackOff(setback) => self.note_trouble(items, setback),
            Delivered::Gone(setback) => {
                self.put_back.extend(items.iter().map(|item| item.seq));
                self.gone = Some(setback);
            }
        }
        0
    }

    fn note_each(&mut self, items: Vec<OutboxItem>, verdicts: Vec<Verdict>) {
        let mut verdicts = verdicts.into_iter();
        for item in items {
            match verdicts.next() {
                Some(Verdict::Done) => self.done.push(item.seq),
                Some(Verdict::TryLater(setback)) => self.note_trouble(vec![item], setback),
                Some(Verdict::Refused(setback)) => self.refused.push((item, setback)),
                Some(Verdict::Never(setback)) => self.never.push((item, setback)),
                None => self.put_back.push(item.seq),
            }
        }
    }

    fn note_trouble(&mut self, items: Vec<OutboxItem>, setback: Setback) {
        let mut items = items.into_iter();
        if self.trouble.is_none() {
            self.trouble = items.next().map(|item| (item, setback));
        }
        self.put_back.extend(items.map(|item| item.seq));
    }
}

impl Forwarder {
    async fn run(mut self) {
        loop {
            let turn = match self.ask(|outbox, name| outbox.next_batch(name, FETCH)).await {
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
        let mut tally = Tally::default();
        let mut waiting: VecDeque<OutboxItem> = items.into();
        let mut told = Instant::now();
        while !waiting.is_empty() && !tally.is_over(self.policy.order == Order::Strict) {
            let most = if self.one_by_one > 0 {
                1
            } else {
                self.sink.batch().max(1)
            };
            let items: Vec<OutboxItem> = waiting.drain(..most.min(waiting.len())).collect();
            let begun = Instant::now();
            let count = items.len();
            self.one_by_one = self.one_by_one.saturating_sub(count);
            match self.try_these(&items).await {
                Some(delivered) => self.one_by_one += tally.note(items, delivered),
                None => {
                    tally.put_back.extend(items.iter().map(|item| item.seq));
                    tally.stopped = true;
                }
            }
            if told.elapsed() >= TELL_EVERY {
                self.tell_done(std::mem::take(&mut tally.done)).await;
                told = Instant::now();
            }
            self.keep_the_pace(count, begun.elapsed()).await;
        }
        tally.put_back.extend(waiting.iter().map(|item| item.seq));
        self.settle(tally).await
    }

    /// One attempt; nothing when the stop came first.
    async fn try_these(&mut self, items: &[OutboxItem]) -> Option<Delivered> {
        tokio::select! {
            delivered = self.sink.deliver(items) => Some(delivered),
            _ = self.stopped.wait_for(|is_stopped| *is_stopped) => None,
        }
    }

    /// Waits as long as so many records may take at least.
    async fn keep_the_pace(&mut self, count: usize, taken: Duration) {
        let Some(each) = Duration::from_secs(1).checked_div(self.policy.rate_per_second) else {
            return;
        };
        let share = each.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        if share > taken {
            // A stop is seen by the next attempt.
            self.sleep(share - taken).await;
        }
    }

    async fn settle(&mut self, tally: Tally) -> Turn {
        let went_well = !tally.done.is_empty() && tally.trouble.is_none();
        if went_well && std::mem::take(&mut self.is_troubled) {
            tracing::info!(upstream = %self.name, "Upstream {} takes records again.", self.name);
        }
        self.tell_done(tally.done).await;
        if !tally.put_back.is_empty() {
            let put_back = tally.put_back;
            self.tell(move |outbox, name| outbox.put_back(name, &put_back))
                .await;
        }
        for (item, setback) in tally.never {
            self.park(&item, setback).await;
        }
        for (item, setback) in tally.refused {
            self.put_off_refused(&item, setback).await;
        }
        if let Some((item, setback)) = tally.trouble {
            self.put_off(&item, setback).await;
        }
        if let Some(setback) = tally.gone {
            tracing::error!(upstream = %self.name, reason = %setback, "Upstream {} is gone: {setback}. Records wait.", self.name);
            return self.wait_for_the_bell().await;
        }
        if tally.stopped { Turn::Stop } else { Turn::GoOn }
    }

    async fn tell_done(&self, done: Vec<u64>) {
        if !done.is_empty() {
            self.tell(move |outbox, name| outbox.delivered(name, &done)).await;
        }
    }

    async fn park(&self, item: &OutboxItem, setback: Setback) {
        let (seq, reason) = (item.seq, setback.reason);
        tracing::error!(upstream = %self.name, seq, reason, "Record {seq} is parked for upstream {}: {reason}.", self.name);
        self.tell(move |outbox, name| outbox.park(name, seq, &reason))
            .await;
    }

    /// A working destination will not take this one: it is asked a few times more at short intervals.
    async fn put_off_refused(&mut self, item: &OutboxItem, setback: Setback) {
        if item.attempts + 1 >= self.policy.park_after {
            return self.park(item, setback).await;
        }
        let wait = self.back_off.wait(0, setback.asked, &mut self.dice);
        self.retry(item.seq, wait, setback.reason).await;
    }

    async fn put_off(&mut self, item: &OutboxItem, setback: Setback) {
        let (seq, reason) = (item.seq, setback.reason);
        if !std::mem::replace(&mut self.is_troubled, true) {
            tracing::warn!(upstream = %self.name, seq, reason, "Upstream {} takes no records: {reason}.", self.name);
        }
        let wait = self.back_off.wait(item.attempts, setback.asked, &mut self.dice);
        self.retry(seq, wait, reason).await;
    }

    async fn retry(&self, seq: u64, wait: Duration, reason: String) {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let at_ms = (self.clock.unix_ms)().saturating_add(wait_ms);
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
