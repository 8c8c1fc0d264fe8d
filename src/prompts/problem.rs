use std::fmt;
use std::path::PathBuf;

/// A prompt that cannot be used, or speech that cannot be made, with its cause and cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which file or program.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} — {}", self.path.display(), self.problem, self.cure)
    }
}
