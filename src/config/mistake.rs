use std::fmt;
use std::path::PathBuf;

/// Where something stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A line of a file, counted from 1.
    Line(PathBuf, usize),
    /// A file as a whole.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(out, "{}:{line}", file.display()),
            Self::File(file) => write!(out, "{}", file.display()),
            Self::Variable(name) => write!(out, "environment {name}"),
        }
    }
}

/// One thing that is wrong, with its cure: `config/callpost.toml:12: sip.listn: unknown key — did you mean `listen`?`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// At which key, such as `group.sales.ring_seconds`; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        write!(out, "{} — {}", self.problem, self.cure)
    }
}

/// All of them, one a line, in the order of files and lines.
pub fn report(mistakes: &[Mistake]) -> String {
    let mut sorted: Vec<&Mistake> = mistakes.iter().collect();
    sorted.sort();
    sorted.iter().map(|mistake| format!("{mistake}\n")).collect()
}
