//! `Retry-After`: RFC 3261 §20.33.

use super::delta_seconds;
use crate::sip::grammar::{Scanner, trim};
use crate::sip::params::Params;
use std::fmt;

/// When to try again, and for how long that may succeed. The comment is for people and passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds to wait.
    pub seconds: u32,
    /// `duration`: seconds for which the callee can then be reached.
    pub duration: Option<u32>,
}

impl RetryAfter {
    /// Reads a whole value.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(trim(value));
        let seconds = delta_seconds(scanner.take_while(|byte| byte.is_ascii_digit()))?;
        scanner.skip_space();
        comment(&mut scanner)?;
        let params = Params::scan(&mut scanner)?;
        let duration = params.find("duration").map(|param| param.raw.unwrap_or_default());
        let duration = duration.map(delta_seconds).transpose()?;
        scanner.finish(Self { seconds, duration })
    }
}

/// `comment` of §25.1: parentheses nest, and a backslash takes the next byte with it.
fn comment(scanner: &mut Scanner<'_>) -> Result<(), &'static str> {
    if scanner.peek() != Some(b'(') {
        return Ok(());
    }
    let mut open = 0_u32;
    while let [byte] = scanner.take(1) {
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            b'\\' => drop(scanner.take(1)),
            _ => {}
        }
        if open == 0 {
            return Ok(());
        }
    }
    Err("a parenthesis is missing")
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.seconds)?;
        self.duration
            .map_or(Ok(()), |seconds| write!(out, ";duration={seconds}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_past_the_comment() {
        let found = RetryAfter::parse(b"18000 (back (about) \\) five);duration=3600;x=y").unwrap();
        assert_eq!((found.seconds, found.duration), (18_000, Some(3600)));
        assert_eq!(found.to_string(), "18000;duration=3600");
        assert_eq!(RetryAfter::parse(b" 120 ").unwrap().seconds, 120);
        for bad in [
            "",
            "soon",
            "120 (open",
            "120 ) x",
            "120;duration=x",
            "120 x",
            "(note) 120",
        ] {
            assert!(RetryAfter::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
