//! `Subscription-State`: RFC 6665 §8.2.3.

use super::delta_seconds;
use crate::sip::grammar::Scanner;
use crate::sip::params::Params;
use std::fmt;

/// How a subscription stands, in a NOTIFY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// Where it is.
    pub state: Standing<'a>,
    /// `reason`: why it ended (`deactivated`, `timeout`, `noresource`, …, §4.1.3).
    pub reason: Option<&'a str>,
    /// `expires`: seconds left.
    pub expires: Option<u32>,
    /// `retry-after`: seconds to wait before subscribing anew.
    pub retry_after: Option<u32>,
}

/// `substate-value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Accepted.
    Active,
    /// Received, not yet decided on.
    Pending,
    /// Over.
    Terminated,
    /// A later standard's; treat it as pending.
    Other(&'a str),
}

impl<'a> Standing<'a> {
    fn of(word: &'a str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "active" => Self::Active,
            "pending" => Self::Pending,
            "terminated" => Self::Terminated,
            _ => Self::Other(word),
        }
    }

    fn word(&self) -> &'a str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Terminated => "terminated",
            Self::Other(word) => word,
        }
    }
}

impl<'a> SubscriptionState<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let state = Standing::of(scanner.token().ok_or("no state")?);
        let params = Params::scan(&mut scanner)?;
        let seconds = |name| {
            let raw = params.find(name).map(|param| param.raw.unwrap_or_default());
            raw.map(delta_seconds).transpose()
        };
        let found = Self {
            state,
            reason: params.token("reason"),
            expires: seconds("expires")?,
            retry_after: seconds("retry-after")?,
        };
        scanner.finish(found)
    }
}

impl fmt::Display for SubscriptionState<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.state.word())?;
        if let Some(reason) = self.reason {
            write!(out, ";reason={reason}")?;
        }
        if let Some(seconds) = self.expires {
            write!(out, ";expires={seconds}")?;
        }
        if let Some(seconds) = self.retry_after {
            write!(out, ";retry-after={seconds}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_their_times_are_read() {
        let read = |text: &'static str| SubscriptionState::parse(text.as_bytes()).unwrap();
        let active = read("Active ;expires= 60000");
        assert_eq!((active.state, active.expires), (Standing::Active, Some(60_000)));
        let over = read("terminated;reason=probation;retry-after=30");
        assert_eq!((over.reason, over.retry_after), (Some("probation"), Some(30)));
        assert_eq!(over.to_string(), "terminated;reason=probation;retry-after=30");
        assert_eq!(read("waiting").state, Standing::Other("waiting"));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            ";expires=1",
            "active;expires=soon",
            "active;expires",
            "active x",
        ] {
            assert!(SubscriptionState::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
