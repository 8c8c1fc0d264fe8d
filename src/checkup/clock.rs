//! The clock: whether it was set, whether somebody keeps it right, and whether others have the same time.

use super::{Area, Line, Wanted, Whom};
use jiff::fmt::rfc2822::DateTimeParser;

/// A server's `Date` is in whole seconds and a little old when it arrives.
const TOLERATED_MS: i64 = 5_000;
/// TLS and the receivers of records suffer from more.
const GRAVE_MS: i64 = 120_000;
/// The kernel adds this much a day at most in silence; more is a quartz out of its tolerance.
const ODD_PPM: f64 = 250.0;

/// What time it was at a server when it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    of: String,
    /// Ours minus theirs.
    ahead_ms: i64,
}

impl Foreign {
    /// Reads a `Date` header (RFC 9110 §6.6.1) that arrived at this time.
    pub(super) fn read(of: &str, date: &str, now_unix_ms: i64) -> Option<Self> {
        let at = DateTimeParser::new()
            .parse_timestamp(date.replace(" GMT", " +0000"))
            .ok()?;
        Some(Self {
            of: of.to_owned(),
            ahead_ms: now_unix_ms.saturating_sub(at.as_millisecond()),
        })
    }
}

pub(super) fn look(wanted: &Wanted, others: &[Foreign]) -> Line {
    let line = |text: String| Line::ok(Area::Clock, "", text);
    let cure = "let the box ask a time server (systemd-timesyncd or chrony), one in your network if there is no internet";
    if !wanted.clock_looks_set {
        return Line::fail(
            Area::Clock,
            "",
            "the clock was not set since the start: records of calls are marked and get their true times once it is",
            cure,
            Whom::Network,
        );
    }
    if let Some(worst) = others.iter().max_by_key(|other| other.ahead_ms.abs())
        && worst.ahead_ms.abs() > TOLERATED_MS
    {
        let (by, way) = (
            worst.ahead_ms.abs() / 1000,
            if worst.ahead_ms > 0 { "ahead of" } else { "behind" },
        );
        let text = format!("the clock is {by} s {way} that of {}", worst.of);
        return if worst.ahead_ms.abs() > GRAVE_MS {
            Line::fail(Area::Clock, "", text, cure, Whom::Network)
        } else {
            Line::warn(Area::Clock, "", text, cure, Whom::Network)
        };
    }
    let agreed = match others.first() {
        Some(other) => format!(", and that of {} agrees", other.of),
        None => String::new(),
    };
    match wanted.clock {
        None => line(format!("set{agreed}; the kernel does not say who keeps it right")),
        Some(clock) if !clock.synced => Line::warn(
            Area::Clock,
            "",
            format!("set{agreed}, but no time server keeps it right: it drifts by seconds a day"),
            cure,
            Whom::Network,
        ),
        Some(clock) if clock.frequency_ppm.abs() > ODD_PPM => Line::warn(
            Area::Clock,
            "",
            format!(
                "kept right{agreed}, but the board's own clock runs {:.0} millionths off",
                clock.frequency_ppm
            ),
            "nothing to do while a time server is there; without one it is minutes wrong after a few weeks",
            Whom::Box,
        ),
        Some(clock) => line(format!(
            "kept right{agreed}: off by {:.1} ms at most, the board's own clock by {:.1} millionths",
            clock.max_error_ms, clock.frequency_ppm
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_compared_with_ours() {
        let foreign = Foreign::read("head-office", "Fri, 20 Nov 2026 09:00:00 GMT", 1_795_165_203_000);
        assert_eq!(foreign.map(|foreign| foreign.ahead_ms), Some(3_000));
        assert_eq!(Foreign::read("x", "yesterday", 0), None);
    }
}
