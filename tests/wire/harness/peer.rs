//! A program the test started.

use super::eventually;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A child process with its output in a file. Ended by its own id when dropped; when the test fails, its last words
/// are printed.
#[derive(Debug)]
pub(crate) struct Peer {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Peer {
    /// Starts the command; what it says goes to `log`, after what an earlier run said there.
    pub(crate) fn start(name: &str, command: &mut Command, log: PathBuf) -> Self {
        Self::spawn(name, command.stdin(Stdio::null()), log)
    }

    /// The same for a program that takes its orders from a keyboard: they are written to what comes back.
    pub(crate) fn start_listening(name: &str, command: &mut Command, log: PathBuf) -> (Self, ChildStdin) {
        let mut peer = Self::spawn(name, command.stdin(Stdio::piped()), log);
        let keyboard = peer.child.stdin.take().expect("the keyboard is a pipe");
        (peer, keyboard)
    }

    fn spawn(name: &str, command: &mut Command, log: PathBuf) -> Self {
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the log file opens");
        let errors = output.try_clone().expect("the log file can be shared");
        let child = command
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log,
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the system knows our child")
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("{} has ended", self.name);
        eventually(&what, within, || self.ended())
    }

    /// Asks it to end: SIGTERM.
    pub(crate) fn terminate(&self) {
        // The standard library can only kill; the shell's own `kill` is there on every system.
        let ended = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.pid()))
            .status();
        assert!(
            ended.is_ok_and(|status| status.success()),
            "{} takes a SIGTERM",
            self.name
        );
    }

    /// Ends it at once, as a power cut would: SIGKILL.
    pub(crate) fn kill(&mut self) {
        // An error says that it has ended already, which is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Everything it has said.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!(
                "──── {} said, at the end:\n{}",
                self.name,
                last_lines(&self.log(), 60)
            );
        }
    }
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
