//! What a softphone fetches once to set itself up: behind a long code, for a day.

use super::people::Digest;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So long a code is good for.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
/// Codes at a time. Full: the oldest is forgotten, and its sheet is made anew.
const MOST: usize = 64;

/// Files for softphones, each given out once.
#[derive(Default)]
pub(super) struct Vouchers(VecDeque<Voucher>);

struct Voucher {
    code: Digest,
    until: Instant,
    file: String,
}

impl Vouchers {
    /// Keeps a file behind a code.
    pub(super) fn keep(&mut self, now: Instant, code: Digest, file: String) {
        self.0.retain(|voucher| voucher.until > now);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(Voucher {
            code,
            until: now + GOOD_FOR,
            file,
        });
    }

    /// Gives out the file of a code; nobody gets it a second time.
    pub(super) fn take(&mut self, now: Instant, code: &Digest) -> Option<String> {
        self.0.retain(|voucher| voucher.until > now);
        let place = self.0.iter().position(|voucher| voucher.code.matches(code))?;
        self.0.remove(place).map(|voucher| voucher.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn a_file_is_given_out_once_and_for_a_day() {
        let (now, mut vouchers) = (Instant::now(), Vouchers::default());
        let code = |number: usize| Digest::of(&number.to_string());
        vouchers.keep(now, code(1), "one".to_owned());
        vouchers.keep(now, code(2), "two".to_owned());
        assert_eq!(vouchers.take(now, &code(1)).as_deref(), Some("one"));
        assert_eq!(vouchers.take(now, &code(1)), None);
        assert_eq!(vouchers.take(now + GOOD_FOR, &code(2)), None);
        for number in 0..=MOST {
            vouchers.keep(now, code(number), String::new());
        }
        assert_eq!(vouchers.take(now, &code(0)), None);
        assert!(vouchers.take(now, &code(1)).is_some());
    }
}
