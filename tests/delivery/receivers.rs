//! Receivers that verify our signatures with the published Standard Webhooks libraries.

use crate::driver::{Driven, Task};
use crate::hostile::{OLD_SECRET, SECRET};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How many records each receiver gets.
const RECORDS: u32 = 25;
/// A secret that was never ours.
const FOREIGN: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// DC-007: while a secret is changed, a receiver with the new one and one with the old one both take everything.
#[test]
fn the_published_libraries_accept_what_is_signed_with_either_secret_of_a_rotation() {
    let messages = accepted("");
    assert!(
        messages.iter().all(|count| *count == RECORDS as usize),
        "{messages:?}"
    );
}

/// DC-007: the same in the envelope of the standard, one by one and several in a message.
#[test]
fn the_published_libraries_accept_envelopes_and_batches() {
    let messages = accepted("format = \"standard\"\n");
    assert!(
        messages.iter().all(|count| *count == RECORDS as usize),
        "{messages:?}"
    );
    let messages = accepted("format = \"standard\"\nbatch = 10\n");
    assert!(
        messages.iter().all(|count| *count < RECORDS as usize),
        "{messages:?}"
    );
}

/// Delivers to a receiver of each library with each secret; every record has to be verified once, none refused. How
/// many messages each receiver got.
fn accepted(keys: &str) -> Vec<usize> {
    let receivers = [
        Library::Python.receive(SECRET),
        Library::Python.receive(OLD_SECRET),
        Library::Node.receive(SECRET),
        Library::Node.receive(OLD_SECRET),
    ];
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut task = Task::new(folder.path()).filing(0, RECORDS);
    for (number, receiver) in receivers.iter().enumerate() {
        task.upstreams.push(destination(number, receiver) + keys);
    }
    task.at_once = RECORDS;
    task.drain = true;
    let (_, status) = Driven::start(&task).finish(Duration::from_secs(60));
    assert!(status.success(), "everything is delivered");
    receivers.into_iter().map(verified).collect()
}

/// How many messages the receiver has verified; together they held every record once.
#[track_caller]
fn verified(receiver: Running) -> usize {
    let said = receiver.end();
    let records = said.iter().map(|word| {
        let counted = word.strip_prefix("ok ").and_then(|word| word.split_once(' '));
        counted.and_then(|(_, count)| count.parse::<u32>().ok())
    });
    let records: Option<Vec<u32>> = records.collect();
    let records = records.unwrap_or_else(|| panic!("none is refused: {said:?}"));
    assert_eq!(
        records.iter().sum::<u32>(),
        RECORDS,
        "each record is verified: {said:?}"
    );
    let ids: BTreeSet<&str> = said.iter().filter_map(|word| word.split(' ').nth(1)).collect();
    assert_eq!(
        ids.len(),
        records.len(),
        "each message has an id of its own: {said:?}"
    );
    records.len()
}

/// DC-007: the library is no rubber stamp.
#[test]
fn the_published_libraries_refuse_what_is_signed_with_another_secret() {
    for library in [Library::Python, Library::Node] {
        let receiver = library.receive(FOREIGN);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut task = Task::new(folder.path()).filing(0, 1);
        task.upstreams.push(destination(0, &receiver));
        task.drain = true;
        let _sender = Driven::start(&task);
        let word = receiver.word();
        assert!(word.starts_with("refused "), "{word}");
    }
}

fn destination(number: usize, receiver: &Running) -> String {
    format!(
        "name = \"receiver-{number}\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/cdrs\"\nsecret = \"{SECRET}\"\n\
         previous_secret = \"{OLD_SECRET}\"\n",
        receiver.port
    )
}

/// A published library.
#[derive(Debug, Clone, Copy)]
enum Library {
    /// `standardwebhooks` of PyPI.
    Python,
    /// `standardwebhooks` of npm.
    Node,
}

impl Library {
    /// Installs the library unless it is there, and starts a receiver that verifies with this secret.
    #[track_caller]
    fn receive(self, secret: &str) -> Running {
        self.install();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery");
        let mut command = match self {
            Self::Python => {
                let mut python = Command::new(self.folder().join("bin/python"));
                python.arg(scripts.join("receiver.py")).arg(secret);
                python
            }
            Self::Node => {
                let mut node = Command::new("node");
                node.arg(scripts.join("receiver.mjs"))
                    .arg(secret)
                    .arg(self.folder());
                node
            }
        };
        Running::start(&mut command)
    }

    fn folder(self) -> PathBuf {
        let peers = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../peers");
        match self {
            Self::Python => peers.join("standardwebhooks-python"),
            Self::Node => peers.join("standardwebhooks-node"),
        }
    }

    /// By package name, from its own registry, once.
    #[track_caller]
    fn install(self) {
        let folder = self.folder();
        fs::create_dir_all(&folder).expect("a folder can be made");
        // Tests run side by side; the first installs, the others wait here and find it done.
        let lock = File::create(folder.with_extension("lock")).expect("the lock file opens");
        lock.lock().expect("the lock can be waited for");
        let is_done = folder.join("installed");
        if is_done.exists() {
            return;
        }
        match self {
            Self::Python => {
                run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
                let mut pip = Command::new(folder.join("bin/pip"));
                run(pip.args([
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "standardwebhooks",
                ]));
            }
            Self::Node => {
                let mut npm = Command::new("npm");
                npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
                run(npm.arg(&folder).arg("standardwebhooks"));
            }
        }
        File::create(is_done).expect("it can be noted");
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}; see tests/peers/setup-peers.sh"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}

/// A receiver that runs; ended by its own id when dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    port: u16,
    words: Receiver<String>,
}

impl Running {
    #[track_caller]
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (say, words) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let mut running = Self {
            child,
            port: 0,
            words,
        };
        let port = running.word();
        let port = port.strip_prefix("port ").and_then(|port| port.parse().ok());
        running.port = port.expect("the receiver says its port first");
        running
    }

    #[track_caller]
    fn word(&self) -> String {
        let word = self.words.recv_timeout(Duration::from_secs(30));
        word.expect("the receiver says something")
    }

    /// Ends it; what it said about deliveries.
    fn end(mut self) -> Vec<String> {
        self.child.kill().ok();
        self.child.wait().ok();
        self.words.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
