use crate::media::MediaEvent;
use std::collections::VecDeque;
use std::sync::Arc;

/// Gives an event to the engine without ever waiting. When the engine's queue is full the event comes back.
pub type ToEngine = Arc<dyn Fn(MediaEvent) -> Result<(), MediaEvent> + Send + Sync>;

/// Events kept for an engine that is behind. Full: keys are dropped and counted; all else is still kept, because
/// there is at most a handful of it for each leg and calls depend on it.
const KEPT: usize = 1024;

/// What the engine is to hear, in order.
pub(super) struct Outbox {
    engine: ToEngine,
    kept: VecDeque<MediaEvent>,
    dropped: u64,
}

impl Outbox {
    /// An outbox for this engine.
    pub(super) fn new(engine: ToEngine) -> Self {
        Self {
            engine,
            kept: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Says it now, or as soon as the engine can hear it.
    pub(super) fn say(&mut self, event: MediaEvent) {
        self.deliver();
        if !self.kept.is_empty() {
            self.keep(event);
        } else if let Err(event) = (self.engine)(event) {
            self.keep(event);
        }
    }

    /// Says it now or not at all: it will be said again.
    pub(super) fn mention(&mut self, event: MediaEvent) {
        self.deliver();
        if self.kept.is_empty() {
            // A busy engine does without.
            let _ = (self.engine)(event);
        }
    }

    fn keep(&mut self, event: MediaEvent) {
        let is_key = matches!(event, MediaEvent::DigitPressed { .. });
        if is_key && self.kept.len() >= KEPT {
            self.dropped += 1;
        } else {
            self.kept.push_back(event);
        }
    }

    /// Tries again what was kept.
    pub(super) fn deliver(&mut self) {
        while let Some(event) = self.kept.pop_front() {
            if let Err(event) = (self.engine)(event) {
                self.kept.push_front(event);
                return;
            }
        }
    }

    /// Whether something waits to be tried again.
    pub(super) fn is_waiting(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Events dropped since the last question.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallKey, Digit, LegId, LegKey};
    use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

    fn engine(queue: SyncSender<MediaEvent>) -> ToEngine {
        Arc::new(move |event| {
            queue.try_send(event).map_err(|error| match error {
                TrySendError::Full(event) | TrySendError::Disconnected(event) => event,
            })
        })
    }

    #[test]
    fn events_wait_in_order_for_a_busy_engine_and_only_keys_are_ever_dropped() {
        let (queue, events) = sync_channel(1);
        let mut outbox = Outbox::new(engine(queue));
        let leg = LegKey {
            call: CallKey(1),
            leg: LegId::CALLER,
        };
        let key = MediaEvent::DigitPressed {
            leg,
            digit: Digit::from_char('1').unwrap(),
            path: crate::media::KeyPath::Event,
        };
        for _ in 0..KEPT + 10 {
            outbox.say(key.clone());
        }
        outbox.say(MediaEvent::FellSilent { leg });
        assert!(outbox.is_waiting());
        assert_eq!(outbox.take_dropped(), 9);
        let mut heard = Vec::new();
        while let Ok(event) = events.try_recv() {
            heard.push(event);
            outbox.deliver();
        }
        assert_eq!(heard.len(), KEPT + 2);
        assert_eq!(heard.last(), Some(&MediaEvent::FellSilent { leg }));
        assert!(!outbox.is_waiting());
    }
}
