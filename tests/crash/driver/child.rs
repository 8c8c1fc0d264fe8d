//! The second process as its starter sees it.

use super::{TASK, Task};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What the second process said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// The store is open; what it found.
    Open {
        /// How long that took.
        ms: u64,
        /// Calls of the run before that were closed as interrupted.
        interrupted: usize,
    },
    /// The store could not be opened.
    NotOpen(String),
    /// The store has set a damaged database aside. Nothing a kill or a fault may lead to.
    SetAside(String),
    /// The row of this call is on disk.
    Opened(u32),
    /// This call was refused: its row could not be written.
    Refused(u32),
    /// The record of this call is on disk as this row.
    Filed(u32, u64),
    /// The store says that it cannot be written.
    Trouble(String),
    /// This call got no answer in time.
    Stuck(u32),
    /// It has done everything; the store says whether it is in trouble.
    Done,
}

impl Word {
    /// Whether it acknowledges a record.
    pub(crate) fn is_filed(&self) -> bool {
        matches!(self, Self::Filed(..))
    }

    fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.strip_prefix("@ ")?.split_once(' ')?;
        let numbers: Vec<u64> = rest.split(' ').filter_map(|part| part.parse().ok()).collect();
        let number = |place: usize| numbers.get(place).copied().unwrap_or_default();
        let call = u32::try_from(number(0)).unwrap_or(u32::MAX);
        match word {
            "open" => Some(Self::Open {
                ms: number(0),
                interrupted: usize::try_from(number(1)).unwrap_or(usize::MAX),
            }),
            "not-open" => Some(Self::NotOpen(rest.to_owned())),
            "set-aside" => Some(Self::SetAside(rest.to_owned())),
            "opened" => Some(Self::Opened(call)),
            "refused" => Some(Self::Refused(call)),
            "filed" => Some(Self::Filed(call, number(1))),
            "trouble" => Some(Self::Trouble(rest.to_owned())),
            "stuck" => Some(Self::Stuck(call)),
            "done" => Some(Self::Done),
            _ => None,
        }
    }
}

/// A running second process; killed by its own id when dropped.
#[derive(Debug)]
pub(crate) struct Driven {
    child: Child,
    words: Receiver<Word>,
}

impl Driven {
    /// Starts it.
    pub(crate) fn start(task: &Task) -> Self {
        Self::start_with(task, &[])
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_with(task: &Task, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program knows itself"));
        command
            .args(["--exact", "driver::this_is_the_process_that_is_killed"])
            .args(["--nocapture", "--test-threads=1"])
            .env(
                TASK,
                serde_json::to_string(task).expect("the task can be written"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        for (name, value) in variables {
            command.env(name, value);
        }
        let mut child = command.spawn().expect("the second process starts");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (say, words) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(word) = Word::read(&line)
                    && say.send(word).is_err()
                {
                    return;
                }
            }
        });
        Self { child, words }
    }

    /// Its next word, or nothing when none comes in time.
    pub(crate) fn word(&self, within: Duration) -> Option<Word> {
        self.words.recv_timeout(within).ok()
    }

    /// What it says until its store is open.
    #[track_caller]
    pub(crate) fn until_open(&self) -> Word {
        loop {
            match self.word(Duration::from_secs(60)) {
                Some(word @ Word::Open { .. }) => return word,
                Some(Word::SetAside(reason)) => panic!("a database was set aside: {reason}"),
                Some(_) => {}
                None => panic!("the store does not open"),
            }
        }
    }

    /// Kills it, and returns everything it still said.
    pub(crate) fn kill(&mut self) -> Vec<Word> {
        // An error says that it has ended already, which is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
        self.words.iter().collect()
    }

    /// Waits until it ends by itself; its words and how it ended.
    #[track_caller]
    pub(crate) fn finish(&mut self, within: Duration) -> (Vec<Word>, ExitStatus) {
        let deadline = Instant::now() + within;
        let mut words = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.words.recv_timeout(left) {
                Ok(word) => words.push(word),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let last = words.last();
                    panic!("the second process has not ended after {within:?}; it last said {last:?}");
                }
            }
        }
        (words, self.child.wait().expect("the system knows our child"))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
