//! A process that files and forwards call records the way the daemon does, made to be killed.
//!
//! The test program starts itself again with a [`Task`] in its environment; that second process opens a store, files
//! calls, forwards them, and says on its standard output what the store has acknowledged. Whoever started it may kill
//! it at any moment: what it said stays in the pipe.

mod child;
mod desk;
#[path = "../../../src/store/tests/sample.rs"]
#[allow(dead_code, reason = "the store's own tests use all of it")]
mod sample;

pub(crate) use child::{Driven, Word};
pub(crate) use desk::open_here;
pub(crate) use sample::{call_id, ended};

use desk::Desk;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;

/// Where the task is handed over.
const TASK: &str = "CALLPOST_CRASH_TASK";

/// What the second process has to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The data directory.
    pub(crate) dir: PathBuf,
    /// The number of its first call; the identity of a call follows from its number.
    pub(crate) first: u32,
    /// Calls are filed until this many records are in the store …
    pub(crate) until_records: u64,
    /// … or this many were filed here.
    pub(crate) at_most: u32,
    /// How many calls are under way at the same time.
    pub(crate) at_once: u32,
    /// `[[upstream]]` sections as TOML, one each; every record is forwarded to all of them.
    pub(crate) upstreams: Vec<String>,
    /// Waits until everything is delivered before it ends.
    pub(crate) drain: bool,
    /// Opens the store again and again while it cannot be opened, as a service manager would.
    pub(crate) persistent: bool,
    /// Ends without a word to the store once it has filed everything.
    pub(crate) abrupt: bool,
    /// Gives a call up after this long, in milliseconds.
    pub(crate) patience_ms: u64,
}

impl Task {
    /// Opens the store in `dir` and does nothing more.
    pub(crate) fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            first: 0,
            until_records: 0,
            at_most: 0,
            at_once: 1,
            upstreams: Vec::new(),
            drain: false,
            persistent: false,
            abrupt: false,
            patience_ms: 20_000,
        }
    }

    /// Files this many calls, numbered from `first`.
    pub(crate) fn filing(mut self, first: u32, calls: u32) -> Self {
        self.first = first;
        self.at_most = calls;
        self.until_records = u64::MAX;
        self
    }

    /// Forwards every record to this webhook.
    pub(crate) fn forwarding(mut self, url: &str, keys: &str) -> Self {
        self.upstreams.push(format!(
            "name = \"head-office\"\ntype = \"webhook\"\nurl = \"{url}\"\n{keys}"
        ));
        self
    }
}

/// Not a test of its own: the second process begins here.
#[test]
fn this_is_the_process_that_is_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Task = serde_json::from_str(&task).expect("the task can be read");
    say("", "");
    Desk::work(&task);
}

/// Says a word to whoever started this process; one write each, so that a kill leaves no half of one.
fn say(word: &str, rest: impl std::fmt::Display) {
    let line = format!("\n@ {word} {rest}\n");
    // The one who listened may have gone.
    drop(std::io::stdout().lock().write_all(line.as_bytes()));
    drop(std::io::stdout().lock().flush());
}
