use std::fmt;
use std::time::Duration;

/// What became of the records that were handed to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// One verdict for each, in their order. Those at the end left without one were not tried.
    Each(Vec<Verdict>),
    /// At least one of them is refused, and nobody knows which: hand them over one by one.
    OneByOne(Setback),
    /// Nothing was taken, and nothing will be for a while.
    BackOff(Setback),
    /// Nothing was taken, and nothing will be: the destination says that it is gone (HTTP 410).
    Gone(Setback),
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledged.
    Done,
    /// Not taken, by a destination that is in trouble: keep it and those behind it, and try again later.
    TryLater(Setback),
    /// The destination works and will not take this record; after a few more tries it is parked and the others go
    /// on.
    Refused(Setback),
    /// The destination will never take this record: it is parked at once.
    Never(Setback),
}

/// What went wrong, for the log, the status and the next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// In plain words, without secrets.
    pub reason: String,
    /// The status the destination answered, where its protocol has numbers.
    pub code: Option<u16>,
    /// How long it asked to be left alone.
    pub asked: Option<Duration>,
}

impl Setback {
    /// A setback that is only words.
    pub fn new(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            code: None,
            asked: None,
        }
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl Delivered {
    /// All `count` records were acknowledged.
    pub fn all(count: usize) -> Self {
        Self::Each(vec![Verdict::Done; count])
    }

    /// Nothing was taken; try again later.
    pub fn later(reason: impl ToString) -> Self {
        Self::BackOff(Setback::new(reason))
    }
}
