use super::sinks::{Sink, SinkContext};
use super::tally::Tally;
use super::upstreams::Bells;
use super::{BackOff, Config, Delivered, Order, Policy, Setback};
use crate::model::Dice;
use crate::store::{Batch, Clock, Outbox, OutboxItem, StoreError};
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Records taken from the outbox at a time, or as many as the sink takes.
const FETCH: usize = 128;
/// What was acknowledged is told to the outbox at least this often; after a kill no more goes out twice.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// The store is asked again after this, whatever the clock did meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// One destination's task.
///
/// A destination that takes nothing is left alone for a while, longer each time; then one record is tried, and only
/// when that is taken the others follow. A record that is refused by a destination that works has tries of its own.
pub(super) struct Forwarder {
    name: String,
    policy: Policy,
    sink: Sink,
    /// Another one means that the destination leads elsewhere now.
    target: String,
    outbox: Outbox,
    clock: Clock,
    back_off: BackOff,
    dice: Dice,
    bells: Bells,
    stopped: watch::Receiver<bool>,
    /// Tries in vain since something was taken.
    failures: u32,
    /// When it was to be tried again (ms since 1970). A try before that is one somebody asked for, and says nothing about
    /// how long the next has to wait.
    retry_at_ms: Option<i64>,
    /// How many records still have to be handed over alone, after a batch was refused as a whole.
    one_by_one: usize,
}

/// What to do after a batch.
enum Turn {
    /// Ask for the next.
    GoOn,
    /// The end of the task.
    Stop,
}

impl Forwarder {
    pub(super) fn new(
        config: &Config,
        outbox: &Outbox,
        context: &SinkContext,
        bells: Bells,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, String> {
        Ok(Self {
            name: config.name.clone(),
            policy: config.policy,
            sink: Sink::build(config, context)?,
            target: digest(&format!("{:?}", config.target)),
            outbox: outbox.clone(),
            clock: context.clock.clone(),
            back_off: BackOff::default(),
            dice: Dice::new([0; 32]),
            bells,
            stopped,
            failures: 0,
            retry_at_ms: None,
            one_by_one: 0,
        })
    }

    pub(super) fn with_waits(mut self, back_off: BackOff, dice: Dice) -> Self {
        self.back_off = back_off.capped(self.policy.longest_wait());
        self.dice = dice;
        self
    }

    pub(super) async fn run(mut self) {
        let target = self.target.clone();
        if let Ok(standing) = self.ask(move |outbox, name| outbox.begin(name, &target)).await {
            self.failures = standing.failures;
        }
        loop {
            let (order, fetch) = (self.policy.order, self.sink.batch().max(FETCH));
            let batch = self.ask(move |outbox, name| match order {
                Order::Strict => outbox.next_batch(name, fetch),
                Order::NewestToo => outbox.next_fair_batch(name, fetch),
            });
            let turn = match batch.await {
                Ok(Batch::Items(items)) => self.deliver(items).await,
                Ok(Batch::WaitUntil(at_ms)) => self.sleep(self.until(at_ms)).await,
                Ok(Batch::Empty) => self.wait_for_news().await,
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
            () = self.bells.hurry.notified() => Turn::GoOn,
            _ = stopped.wait_for(|is_stopped| *is_stopped) => Turn::Stop,
        }
    }

    async fn wait_for_news(&self) -> Turn {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = self.bells.news.notified() => Turn::GoOn,
            () = self.bells.hurry.notified() => Turn::GoOn,
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
            let (count, begun) = (items.len(), Instant::now());
            self.one_by_one = self.one_by_one.saturating_sub(count);
            match self.try_these(&items).await {
                Some(delivered) => self.one_by_one += tally.note(items, delivered),
                None => {
                    tally.put_back(&items);
                    tally.stopped = true;
                }
            }
            if told.elapsed() >= TELL_EVERY {
                self.tell_done(std::mem::take(&mut tally.done)).await;
                told = Instant::now();
            }
            self.keep_the_pace(count, begun.elapsed()).await;
        }
        tally.put_back(&waiting);
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

    /// Tells the outbox what became of the records. What a destination in trouble did not take waits with it.
    async fn settle(&mut self, tally: Tally) -> Turn {
        if tally.took_some {
            self.retry_at_ms = None;
        }
        if tally.took_some && std::mem::take(&mut self.failures) > 0 && tally.trouble.is_none() {
            tracing::info!(upstream = %self.name, "Upstream {} takes records again.", self.name);
        }
        self.tell_done(tally.done).await;
        for (item, setback) in tally.never {
            self.park(&item, setback).await;
        }
        for (item, setback) in tally.refused {
            self.put_off_refused(&item, setback).await;
        }
        match (tally.gone, tally.trouble) {
            (Some(setback), _) => self.give_up(tally.put_back, setback).await,
            (None, Some(setback)) => self.leave_alone(tally.put_back, setback).await,
            (None, None) if !tally.put_back.is_empty() => {
                let seqs = tally.put_back;
                self.tell(move |outbox, name| outbox.put_back(name, &seqs)).await;
            }
            (None, None) => {}
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

    /// A destination that works will not take this one: it is asked a few times more at short intervals.
    async fn put_off_refused(&mut self, item: &OutboxItem, setback: Setback) {
        if item.attempts.saturating_add(1) >= self.policy.park_after {
            return self.park(item, setback).await;
        }
        let (seq, reason) = (item.seq, setback.reason);
        let wait = self.back_off.wait(0, setback.asked, &mut self.dice);
        let at_ms = self.after(wait);
        self.tell(move |outbox, name| outbox.retry(name, seq, at_ms, &reason))
            .await;
    }

    async fn leave_alone(&mut self, seqs: Vec<u64>, setback: Setback) {
        let Setback { reason, code, asked } = setback;
        if self.failures == 0 {
            tracing::warn!(upstream = %self.name, reason, "Upstream {} takes no records: {reason}.", self.name);
        }
        let now = (self.clock.unix_ms)();
        if self.retry_at_ms.is_some_and(|at_ms| now < at_ms) {
            // As long as the wait that was cut short.
            self.failures = self.failures.saturating_sub(1);
        }
        let wait = self.back_off.wait(self.failures, asked, &mut self.dice);
        let at_ms = self.after(wait);
        self.retry_at_ms = Some(at_ms);
        self.failures = self.failures.saturating_add(1);
        let failures = self.failures;
        self.tell(move |outbox, name| outbox.back_off(name, &seqs, at_ms, &reason, code, failures))
            .await;
    }

    async fn give_up(&mut self, seqs: Vec<u64>, setback: Setback) {
        let Setback { reason, code, .. } = setback;
        tracing::error!(
            upstream = %self.name, reason,
            "Upstream {} is gone: {reason}. Its records wait until it is enabled again or leads elsewhere.", self.name
        );
        self.tell(move |outbox, name| outbox.gone(name, &seqs, &reason, code))
            .await;
    }

    fn after(&self, wait: Duration) -> i64 {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        (self.clock.unix_ms)().saturating_add(wait_ms)
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

/// A short text that changes with the long one and does not tell it.
fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
