//! The box itself: the real program, started on the test's street.

use super::household::Household;
use super::http::{self, Answer};
use super::peer::Peer;
use super::record::Record;
use super::street::Street;
use super::wav::{self, Wav};
use super::{PATIENCE, eventually};
use serde_json::Value;
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The token the tests show to the API.
pub(crate) const TOKEN: &str = "a-token-for-tests-only";

/// A `callpost` that runs, or that has been stopped and can be started again on the same data.
#[derive(Debug)]
pub(crate) struct Appliance {
    // Before `folder`: the program ends before its files go.
    peer: Option<Peer>,
    folder: TempDir,
    http: SocketAddrV4,
}

impl Appliance {
    /// Furnishes the household and starts the box on it; returns once it serves calls.
    pub(crate) fn open(street: &Street, household: &Household) -> Self {
        Self::open_on(street, household, |_data| ())
    }

    /// Opens the box once its data directory is made ready.
    pub(crate) fn open_on(street: &Street, household: &Household, make_ready: impl FnOnce(&Path)) -> Self {
        let mut appliance = Self::furnished(street, household, make_ready);
        appliance.start();
        appliance
    }

    /// Opens the box with something more in its surroundings.
    pub(crate) fn open_with(
        street: &Street,
        household: &Household,
        adjust: impl FnOnce(&mut Command),
    ) -> Self {
        let mut appliance = Self::furnished(street, household, |_data| ());
        appliance.start_with(adjust);
        appliance
    }

    /// A box that has not been started yet.
    pub(crate) fn furnished(street: &Street, household: &Household, make_ready: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callpost-wire-")
            .tempdir()
            .expect("a folder can be made");
        household.furnish(folder.path(), street);
        make_ready(&folder.path().join("data"));
        Self {
            peer: None,
            folder,
            http: street.box_http(),
        }
    }

    /// Starts the box again after [`Self::kill`] or [`Self::stop`].
    #[track_caller]
    pub(crate) fn start(&mut self) {
        self.start_with(|_command| ());
    }

    /// The same with something more in its surroundings.
    #[track_caller]
    pub(crate) fn start_with(&mut self, adjust: impl FnOnce(&mut Command)) {
        let mut command = self.command();
        adjust(&mut command);
        let mut peer = Peer::start("callpost", &mut command, self.folder.path().join("callpost.log"));
        eventually("callpost serves calls", PATIENCE, || {
            if let Some(status) = peer.ended() {
                panic!("callpost ended with {status} at its start");
            }
            let answer = http::ask(self.http, "GET", "/health", &[], "")?;
            (answer.status == 200).then_some(())
        });
        self.peer = Some(peer);
    }

    /// What starts the box on its configuration and data.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
        command
            .arg("run")
            .arg("--config")
            .arg(self.folder.path().join("callpost.toml"))
            .arg("--data-dir")
            .arg(self.data())
            .env("CALLPOST_ADMIN_TOKEN", TOKEN)
            .current_dir(self.folder.path());
        command
    }

    /// Cuts the power.
    pub(crate) fn kill(&mut self) {
        if let Some(mut peer) = self.peer.take() {
            peer.kill();
        }
    }

    /// Asks the box to stop, as a service manager does, and returns at once.
    #[track_caller]
    pub(crate) fn ask_to_stop(&self) {
        self.peer.as_ref().expect("callpost runs").terminate();
    }

    /// Waits until the box that was asked to stop has ended; its exit code has to be 0.
    #[track_caller]
    pub(crate) fn until_stopped(&mut self) {
        let mut peer = self.peer.take().expect("callpost runs");
        let status = peer.wait(PATIENCE);
        assert!(
            status.success(),
            "callpost ends cleanly on SIGTERM, not with {status}"
        );
    }

    /// Stops the box and waits for its end.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.ask_to_stop();
        self.until_stopped();
    }

    /// Its process id.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        self.peer.as_ref().expect("callpost runs").pid()
    }

    /// Has the box read its configuration and its certificate again.
    pub(crate) fn reread(&self) {
        self.signal("-HUP");
    }

    /// Writes another household over its own, and has it read.
    pub(crate) fn refurnish(&self, street: &Street, household: &Household) {
        household.furnish(self.folder.path(), street);
        self.reread();
    }

    /// It says and hears nothing until it wakes.
    pub(crate) fn sleep(&self) {
        self.signal("-STOP");
    }

    /// It goes on after [`Self::sleep`].
    pub(crate) fn wake(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.pid().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal is sent");
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Asks the API with the admin token.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        let token = format!("Authorization: Bearer {TOKEN}");
        http::ask(self.http, "GET", path, &[token], "").unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    /// The status of an answer, when there is one.
    pub(crate) fn try_get(&self, path: &str) -> Option<u16> {
        http::ask(self.http, "GET", path, &[], "").map(|answer| answer.status)
    }

    /// Asks for a change with the admin token; it has to be taken.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let headers = [
            format!("Authorization: Bearer {TOKEN}"),
            "Content-Type: application/json".to_owned(),
        ];
        let answer = http::ask(self.http, "POST", path, &headers, body);
        let answer = answer.unwrap_or_else(|| panic!("no answer to POST {path}"));
        assert!(
            (200..300).contains(&answer.status),
            "POST {path}: {} {}",
            answer.status,
            answer.text()
        );
        answer
    }

    /// Sends a page's form with the admin token.
    #[track_caller]
    pub(crate) fn submit(&self, path: &str, form: &str) -> Answer {
        let headers = [
            format!("Authorization: Bearer {TOKEN}"),
            "Content-Type: application/x-www-form-urlencoded".to_owned(),
        ];
        let answer = http::ask(self.http, "POST", path, &headers, form);
        answer.unwrap_or_else(|| panic!("no answer to POST {path}"))
    }

    /// Sends a sound file with the admin token.
    #[track_caller]
    pub(crate) fn upload(&self, path: &str, file: &[u8]) -> Answer {
        let headers = [
            format!("Authorization: Bearer {TOKEN}"),
            "Content-Type: audio/wav".to_owned(),
        ];
        let answer = http::ask(self.http, "PUT", path, &headers, file);
        answer.unwrap_or_else(|| panic!("no answer to PUT {path}"))
    }

    /// Asks for something to be taken away with the admin token; the status of the answer.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> u16 {
        let token = format!("Authorization: Bearer {TOKEN}");
        let answer = http::ask(self.http, "DELETE", path, &[token], "");
        answer
            .unwrap_or_else(|| panic!("no answer to DELETE {path}"))
            .status
    }

    /// Runs another command of the program on this box's configuration; what it printed, when it was content.
    pub(crate) fn run(&self, words: &[&str]) -> Option<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
        command
            .args(words)
            .arg("--config")
            .arg(self.folder.path().join("callpost.toml"));
        command
            .env("CALLPOST_ADMIN_TOKEN", TOKEN)
            .current_dir(self.folder.path());
        let output = command.output().expect("callpost starts");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(printed)
    }

    /// Where its configuration and its log lie.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("callpost.log")).unwrap_or_default()
    }

    /// The whole snapshot.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let answer = self.get("/api/v1/status");
        assert_eq!(answer.status, 200, "the status is shown: {}", answer.text());
        answer.json()
    }

    /// Waits until the snapshot satisfies the test; returns that one.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, PATIENCE, || Some(self.status()).filter(&wanted))
    }

    /// Waits until so many contacts are registered.
    #[track_caller]
    pub(crate) fn until_registered(&self, contacts: usize) {
        self.until(&format!("{contacts} contacts are registered"), |status| {
            count(status, "registrations") == contacts
        });
    }

    /// Waits until no call, port or leg is left.
    #[track_caller]
    pub(crate) fn until_quiet(&self) {
        self.until("calls and ports are all back", |status| {
            count(status, "calls") == 0 && status["ports"]["used"] == 0
        });
    }

    /// Every record so far, oldest first.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut path = "/api/v1/cdrs?limit=200".to_owned();
        loop {
            let page = self.get(&path).json();
            records.extend(
                page["items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned()
                    .map(Record),
            );
            if page["has_more"] != true {
                return records;
            }
            let cursor = page["next_cursor"]
                .as_str()
                .expect("a page with more behind it has a cursor");
            path = format!("/api/v1/cdrs?limit=200&after={cursor}");
        }
    }

    /// Waits until this many calls are on record, and sees that it is not one more.
    #[track_caller]
    pub(crate) fn until_recorded(&self, calls: usize) -> Vec<Record> {
        let records = eventually(&format!("{calls} calls are on record"), PATIENCE, || {
            Some(self.records()).filter(|records| records.len() >= calls)
        });
        assert_eq!(records.len(), calls, "one record a call: {records:#?}");
        records
    }

    /// The one call's record.
    #[track_caller]
    pub(crate) fn only_record(&self) -> Record {
        self.until_recorded(1).remove(0)
    }

    /// Fetches a recording or a message.
    #[track_caller]
    pub(crate) fn recording(&self, id: &str) -> Wav {
        let answer = self.get(&format!("/api/v1/recordings/{id}"));
        assert_eq!(answer.status, 200, "the recording is there: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("audio/wav"));
        wav::read(&answer.body)
    }

    /// What the process holds for itself in kB, RssAnon of /proc, once the prompts are decoded. Pages of the program file
    /// are not counted: they come and go as they are needed, and the system takes them back when it wants.
    pub(crate) fn memory_kb(&self) -> u64 {
        // The thread that reads messages begins when the prompts are there.
        eventually("the prompts are ready", PATIENCE, || {
            self.has_thread("messages").then_some(())
        });
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or_default()
    }

    fn has_thread(&self, name: &str) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid()))
            .into_iter()
            .flatten();
        threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok())
            .any(|comm| comm.trim_end() == name)
    }

    /// Open file descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .map(Iterator::count)
            .unwrap_or_default()
    }

    /// Waits until what strangers opened is closed.
    pub(crate) fn until_handles_are_back(&self, before: usize) {
        let told = format!("no more than {before} handles and {OWN_HANDLES} of its own are open");
        eventually(&told, 2 * PATIENCE, || {
            (self.descriptors() <= before + OWN_HANDLES).then_some(())
        });
    }
}

/// What the box may open for itself whenever it comes to it: a reader of the journal, a look at the disk, a look-up of a
/// name.
pub(crate) const OWN_HANDLES: usize = 8;

/// How many entries a list of the snapshot has.
pub(crate) fn count(status: &Value, list: &str) -> usize {
    status[list].as_array().map_or(usize::MAX, Vec::len)
}

/// The state of an agent in a snapshot.
pub(crate) fn agent_state<'a>(status: &'a Value, id: &str) -> &'a str {
    let agents = status["agents"].as_array().into_iter().flatten();
    agents
        .filter(|agent| agent["id"] == id)
        .find_map(|agent| agent["state"].as_str())
        .unwrap_or("unknown")
}
