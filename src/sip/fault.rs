use super::name::Name;
use std::fmt;

/// What is wrong with a message, said so that a technician finds the header: `Bad Via: no host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The part that is wrong: a header's full name, `Request-Line`, `Status-Line` or `message`.
    pub part: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
    /// The status that tells the sender: mostly 400 (RFC 3261 §21.4.1).
    pub status: u16,
}

impl Fault {
    /// A header that does not follow its grammar: 400.
    pub fn header(name: Name<'_>, problem: &'static str) -> Self {
        Self::part(name.label(), problem)
    }

    /// A part that does not follow its grammar: 400.
    pub(crate) fn part(part: &'static str, problem: &'static str) -> Self {
        Self {
            part,
            problem,
            status: 400,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Bad {}: {}", self.part, self.problem)
    }
}

impl std::error::Error for Fault {}
