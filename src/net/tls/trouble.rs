//! What is wrong with the files of a certificate.

use std::fmt;
use std::path::PathBuf;

/// Which of the files of [`TlsFiles`](super::TlsFiles) is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate that is shown to whoever asks for no other.
    Certificate,
    /// Its key.
    Key,
    /// A certificate beside the first, or its key.
    Other,
    /// The authorities of those who come in.
    ClientCa,
}

/// A file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsTrouble {
    /// Which one is meant.
    pub part: TlsPart,
    /// Where it lies.
    pub path: PathBuf,
    /// Why, in words that follow its name.
    pub problem: String,
    /// What to do about it.
    pub cure: &'static str,
}

impl fmt::Display for TlsTrouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.path.display(), self.problem)
    }
}
