//! `callpost cdr list|export|replay`.

use callpost::model::{CallId, Cdr, Direction, Entry, HangupBy, Stamp, Status};
use callpost::store::{Batch, Clock, Opened, Options, Reader, Store};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NOON: i64 = 1_795_165_200_000;
pub(crate) const TOKEN: &str = "a-token-for-tests-only";

fn cdr(number: u32) -> Cdr {
    let id = CallId(uuid::Uuid::from_u128(u128::from(number) + 1000));
    let started_at = Stamp {
        unix_ms: NOON + i64::from(number) * 60_000,
        offset_seconds: 3 * 3600,
    };
    Cdr {
        cdr_id: id,
        call_id: id,
        version: 1,
        is_final: true,
        site: "branch-01".to_owned(),
        direction: Direction::Inbound,
        caller_number: format!("+9665000000{number:02}").into(),
        caller_name: Some("=1+1".to_owned()),
        dialed_number: "920000123".into(),
        callee_number: None,
        outbound_caller_id: None,
        started_at,
        ringing_at: None,
        answered_at: None,
        ended_at: Some(started_at),
        clock_synced: true,
        duration_ms: 9000,
        talk_ms: 0,
        ring_ms: 9000,
        wait_ms: 9000,
        hold_ms: 0,
        status: if number == 3 {
            Status::Busy
        } else {
            Status::NoAnswer
        },
        sip_code: None,
        q850: None,
        hangup_by: HangupBy::Caller,
        cause: None,
        agent: Some("ali".into()),
        group: None,
        flow: None,
        stages: Vec::new(),
        digits: String::new(),
        collected: Default::default(),
        language: None,
        recording: None,
        earlier_recordings: Vec::new(),
        voicemail: None,
        trunk: None,
        legs: Vec::new(),
        customer: None,
        order: None,
        notes: Vec::new(),
        tags: Vec::new(),
        transfers: Vec::new(),
        sip_call_id: None,
        origin: None,
        linked: None,
        diverted: Vec::new(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn open(dir: &Path, upstream: &str) -> Store {
    let mut options = Options::new(Clock {
        now: Instant::now,
        unix_ms: Arc::new(|| NOON),
    });
    options.upstreams = vec![upstream.to_owned()];
    let Opened { store, .. } = Store::open(dir, options).unwrap();
    store
}

/// A box with calls on record, all of them delivered.
pub(crate) struct House {
    pub(crate) place: TempDir,
    pub(crate) http: SocketAddr,
}

impl House {
    pub(crate) fn with(records: u32) -> Self {
        Self::of(records, "archive")
    }

    /// One whose destination has this name.
    pub(crate) fn of(records: u32, upstream: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let free = |listener: TcpListener| listener.local_addr().unwrap();
        let http = free(TcpListener::bind("127.0.0.1:0").unwrap());
        let sip = free(TcpListener::bind("127.0.0.1:0").unwrap());
        let config = format!(
            "[site]\nname = \"branch-01\"\ntimezone = \"Asia/Riyadh\"\ndata_dir = \"{}\"\n\
             [sip]\nlisten = [\"udp://{sip}\"]\n[http]\nlisten = \"{http}\"\n\
             [[upstream]]\nname = \"{upstream}\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret = \"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"\n",
            place.path().join("data").display()
        );
        std::fs::write(place.path().join("callpost.toml"), config).unwrap();
        let house = Self { place, http };
        let store = open(&house.data(), upstream);
        for number in 1..=records {
            store
                .journal()
                .try_append(Entry::CallClosed(Box::new(cdr(number))))
                .unwrap();
        }
        // Answered after everything before it is on disk.
        store.accounts().remove_user("nobody").unwrap();
        let Batch::Items(items) = store.outbox().next_batch(upstream, 1000).unwrap() else {
            panic!("nothing was queued")
        };
        let seqs: Vec<u64> = items.iter().map(|item| item.seq).collect();
        store.outbox().delivered(upstream, &seqs).unwrap();
        store.shutdown();
        house
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.place.path().join("data")
    }

    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
        command.env_remove("CALLPOST_ADMIN_TOKEN").stdin(Stdio::null());
        command
    }

    pub(crate) fn callpost(&self, words: &[&str]) -> Output {
        let config = self.place.path().join("callpost.toml");
        self.program()
            .args(words)
            .arg("--config")
            .arg(config)
            .output()
            .unwrap()
    }

    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = self.callpost(words);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.says(words)).unwrap()
    }

    fn pending(&self) -> u64 {
        Reader::beside(&self.data()).unwrap().backlog().unwrap()[0].pending
    }

    /// Starts the daemon and waits until it serves calls.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon_of(&self.place.path().join("callpost.toml"), None)
    }

    /// The same on another configuration, and on other data.
    pub(crate) fn daemon_of(&self, config: &Path, data: Option<&Path>) -> Daemon {
        let mut command = self.program();
        command
            .arg("run")
            .arg("--config")
            .arg(config)
            .env("CALLPOST_ADMIN_TOKEN", TOKEN);
        if let Some(data) = data {
            command.arg("--data-dir").arg(data);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..400 {
            if self.is_healthy() {
                return Daemon(child);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(Daemon(child));
        panic!("the daemon does not serve calls")
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.http) else {
            return false;
        };
        let request = format!(
            "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.http
        );
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }
}

/// Ends with the test, by its own process.
pub(crate) struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn seqs(records: &Value) -> Vec<u64> {
    let records = records.as_array().unwrap().iter();
    records.map(|record| record["seq"].as_u64().unwrap()).collect()
}

#[test]
fn records_are_listed_newest_first_and_narrowed() {
    let house = House::with(5);
    assert_eq!(seqs(&house.json(&["cdr", "list", "--json"])), [5, 4, 3, 2, 1]);
    for (words, expected) in [
        (vec!["--limit", "2"], vec![5, 4]),
        (vec!["--status", "busy"], vec![3]),
        (vec!["--from", "2026-11-20 12:04"], vec![5, 4]),
        (vec!["--to", "2026-11-20T12:02:00+03:00"], vec![2, 1]),
        (vec!["--from", "2026-11-21"], vec![]),
        (vec!["--number", "00000004", "--number-match", "suffix"], vec![4]),
        (vec!["--agent", "mona"], vec![]),
    ] {
        let all = [vec!["cdr", "list", "--json"], words.clone()].concat();
        assert_eq!(seqs(&house.json(&all)), expected, "{words:?}");
    }
    let shown = house.says(&["cdr", "list"]);
    assert_eq!(shown.lines().count(), 6);
    assert!(
        shown.contains("2026-11-20T12:03:00+03:00") && shown.contains("BUSY"),
        "{shown}"
    );
    let wrong = house.callpost(&["cdr", "list", "--from", "yesterday"]);
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("\"yesterday\" is no time"));
}

/// ROBUSTNESS 60
#[test]
fn records_are_exported_as_a_table_and_as_lines_of_json() {
    let house = House::with(5);
    let table = house.says(&["cdr", "export"]);
    let lines: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].starts_with("seq,cdr_id,version,final,site,direction,status,caller_number,"));
    assert!(lines[1].contains(",'+966500000001,'=1+1,"), "{}", lines[1]);
    let file = house.place.path().join("calls.jsonl");
    let path = file.to_str().unwrap();
    house.says(&[
        "cdr",
        "export",
        "--format",
        "jsonl",
        "--status",
        "NO_ANSWER",
        "--output",
        path,
    ]);
    let text = std::fs::read_to_string(&file).unwrap();
    let parsed: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(seqs(&Value::from(parsed)), [1, 2, 4, 5]);
    assert!(!house.place.path().join("calls.jsonl.part").exists());
}

#[test]
fn a_range_is_sent_again_without_a_daemon() {
    let house = House::with(5);
    let counted = house.json(&[
        "cdr",
        "replay",
        "--upstream",
        "archive",
        "--from-seq",
        "2",
        "--to-seq",
        "4",
        "--dry-run",
        "--json",
    ]);
    assert_eq!(
        (
            counted["records"].as_u64(),
            counted["queued"].as_u64(),
            house.pending()
        ),
        (Some(3), Some(0), 0)
    );
    let done = house.json(&[
        "cdr",
        "replay",
        "--upstream",
        "archive",
        "--from-seq",
        "2",
        "--to-seq",
        "4",
        "--json",
    ]);
    assert_eq!((done["queued"].as_u64(), house.pending()), (Some(3), 3));
    let again = house.says(&["cdr", "replay", "--upstream", "archive", "--from", "2026-11-20"]);
    assert!(
        again.starts_with("2 of 5 records are queued for archive"),
        "{again}"
    );
    for (words, complaint) in [
        (vec!["--upstream", "archive"], "name a range"),
        (
            vec!["--upstream", "nobody", "--from-seq", "1"],
            "no upstream named",
        ),
    ] {
        let refused = house.callpost(&[vec!["cdr", "replay"], words].concat());
        assert!(!refused.status.success());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(complaint), "{said}");
    }
}

#[test]
fn beside_a_running_daemon_records_are_read_and_a_replay_goes_through_it() {
    let house = House::with(5);
    let _daemon = house.daemon();
    assert_eq!(seqs(&house.json(&["cdr", "list", "--json"])), [5, 4, 3, 2, 1]);
    let words = [
        "cdr",
        "replay",
        "--upstream",
        "archive",
        "--from-seq",
        "1",
        "--json",
    ];
    let done = house.json(&words);
    assert_eq!((done["queued"].as_u64(), house.pending()), (Some(5), 5));
    let with = [words.as_slice(), &["--token", TOKEN]].concat();
    assert_eq!(house.json(&with)["queued"], 0, "they wait already");
    let wrong = house.callpost(&[words.as_slice(), &["--token", "wrong"]].concat());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("401"));
}
