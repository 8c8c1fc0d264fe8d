//! Whoever guesses PINs by telephone waits longer and longer (ROBUSTNESS 43).

use crate::model::Mailbox;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Wrong PINs of one caller before that caller has to wait.
const FREE_OF_CALLER: u32 = 3;
/// The first wait of a caller; each further wrong PIN doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Wrong PINs for one box, by whomever, before it opens to nobody from elsewhere for a while.
const FREE_OF_BOX: u32 = 10;
/// That while.
const BOX_WAIT: Duration = Duration::from_secs(15 * 60);
/// Callers and boxes remembered. Full: the one that failed longest ago is forgotten.
const MOST: usize = 1024;

/// Who was wrong how often, and when.
#[derive(Debug, Default)]
pub(super) struct PinGuard {
    callers: HashMap<String, Failures>,
    boxes: HashMap<Mailbox, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl PinGuard {
    /// Whether this caller may try, and whether this box may be tried.
    pub(super) fn admits(&self, now: Instant, caller: &str, mailbox: Option<&Mailbox>) -> bool {
        let caller_waits = self
            .callers
            .get(caller)
            .is_some_and(|failures| now < failures.last + failures.wait());
        let box_waits = mailbox
            .and_then(|mailbox| self.boxes.get(mailbox))
            .is_some_and(|failures| failures.count >= FREE_OF_BOX && now < failures.last + BOX_WAIT);
        !caller_waits && !box_waits
    }

    /// The PIN was wrong, or there is no such box.
    pub(super) fn failed(&mut self, now: Instant, caller: &str, mailbox: Option<&Mailbox>) {
        count(&mut self.callers, now, caller.to_owned());
        if let Some(mailbox) = mailbox {
            count(&mut self.boxes, now, mailbox.clone());
        }
    }

    /// The PIN was right.
    pub(super) fn succeeded(&mut self, caller: &str, mailbox: &Mailbox) {
        self.callers.remove(caller);
        self.boxes.remove(mailbox);
    }
}

impl Failures {
    fn wait(self) -> Duration {
        let Some(more) = self.count.checked_sub(FREE_OF_CALLER) else {
            return Duration::ZERO;
        };
        FIRST_WAIT.saturating_mul(1 << more.min(10)).min(LONGEST_WAIT)
    }
}

fn count<K: Eq + Hash + Clone>(failures: &mut HashMap<K, Failures>, now: Instant, key: K) {
    // Who has been right or silent for so long begins anew.
    failures.retain(|_, failures| now < failures.last + 2 * LONGEST_WAIT);
    if failures.len() >= MOST && !failures.contains_key(&key) {
        let oldest = failures.iter().min_by_key(|(_, failures)| failures.last);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            failures.remove(&oldest);
        }
    }
    let entry = failures.entry(key).or_insert(Failures { count: 0, last: now });
    entry.count = entry.count.saturating_add(1);
    entry.last = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn origin() -> Instant {
        Instant::now()
    }

    /// ROBUSTNESS 43.
    #[test]
    fn a_caller_who_guesses_waits_twice_as_long_each_time() {
        let (start, mut guard) = (origin(), PinGuard::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..2 {
            guard.failed(start, "0501", None);
            assert!(guard.admits(start, "0501", None));
        }
        guard.failed(start, "0501", None);
        assert!(!guard.admits(at(29), "0501", None));
        assert!(guard.admits(at(30), "0501", None) && guard.admits(start, "0502", None));
        guard.failed(at(30), "0501", None);
        assert!(!guard.admits(at(89), "0501", None));
        assert!(guard.admits(at(90), "0501", None));
        guard.succeeded("0501", &Mailbox::House);
        guard.failed(at(90), "0501", None);
        assert!(guard.admits(at(90), "0501", None));
    }

    #[test]
    fn many_callers_who_guess_at_one_box_find_it_shut() {
        let (start, mut guard) = (origin(), PinGuard::default());
        for caller in 0..10 {
            let caller = format!("05{caller}");
            assert!(guard.admits(start, &caller, Some(&Mailbox::House)));
            guard.failed(start, &caller, Some(&Mailbox::House));
        }
        assert!(!guard.admits(start, "0600", Some(&Mailbox::House)));
        let later = start + Duration::from_secs(15 * 60);
        assert!(guard.admits(later, "0600", Some(&Mailbox::House)));
    }

    #[test]
    fn a_thousand_numbers_fill_no_memory() {
        let (start, mut guard) = (origin(), PinGuard::default());
        for caller in 0..5000 {
            guard.failed(start + Duration::from_millis(caller), &caller.to_string(), None);
        }
        assert_eq!(guard.callers.len(), MOST);
    }
}
