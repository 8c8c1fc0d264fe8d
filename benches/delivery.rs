//! A backlog drained to a webhook on loopback: how many records a second, in order, and what memory grows by meanwhile.
//! `just bench-delivery`, or with a number of records: `cargo bench --bench delivery -- 1000000`.
#![allow(missing_docs, reason = "a benchmark")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first surprise, prints, and reads the clock"
)]

#[path = "journal/records.rs"]
#[allow(dead_code, reason = "the other benchmark uses the rest")]
mod records;

use callpost::egress::{Egress, PinsInMemory, Rules};
use callpost::model::{Dice, Entry};
use callpost::store::{Clock, Opened, Options, Store, StoreReply};
use callpost::upstream::{BackOff, Config, SinkContext, Upstreams};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let records: u32 = arguments.next().map_or(100_000, |word| word.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    for (name, keys) in [("one by one", ""), ("a hundred a message", "batch = 100")] {
        drain(&place.path().join(name), name, keys, records);
    }
}

fn clock() -> Clock {
    let unix_ms =
        || i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    Clock {
        now: Instant::now,
        unix_ms: Arc::new(unix_ms),
    }
}

fn drain(dir: &Path, name: &str, keys: &str, records: u32) {
    let store = filled(dir, records);
    let (say, seqs) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cdrs", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            receive(stream.unwrap(), &say);
        }
    });
    let config = format!("name = \"crm\"\ntype = \"webhook\"\nurl = \"{url}\"\n{keys}");
    let config: Config = toml::from_str(&config).unwrap();
    let context = SinkContext {
        site: "bench".to_owned(),
        appliance_id: store.appliance_id().to_owned(),
        clock: clock(),
        egress: Egress::new(Rules::default(), Arc::new(PinsInMemory::default())),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let before = resident_kb();
    let begun = Instant::now();
    let inside = runtime.enter();
    let outbox = store.outbox();
    let mut dice = Dice::from_number(1);
    let upstreams = Upstreams::start(&[config], &outbox, &context, BackOff::default(), &mut dice).unwrap();
    drop(inside);
    let counting = std::thread::spawn(move || {
        let (mut last, mut most) = (0, before);
        for n in 1..=records {
            let seq: u64 = seqs.recv_timeout(Duration::from_secs(60)).unwrap();
            assert_eq!(seq, last + 1, "in order, each once");
            last = seq;
            if n % 1000 == 0 {
                most = most.max(resident_kb());
            }
        }
        (begun.elapsed(), most)
    });
    let (took, most) = runtime.block_on(async {
        while !counting.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        upstreams.shutdown().await;
        counting.join().unwrap()
    });
    println!(
        "{name}: {records} records in {:.1} s, {:.0} rows/s, in order; VmRSS {before} kB, at most {} kB more",
        took.as_secs_f64(),
        f64::from(records) / took.as_secs_f64(),
        most - before,
    );
    store.shutdown();
}

fn filled(dir: &Path, records: u32) -> Store {
    std::fs::create_dir_all(dir).unwrap();
    let (say, replies) = channel();
    let mut options = Options::new(clock());
    options.upstreams = vec!["crm".to_owned()];
    options.on_reply = Box::new(move |reply| {
        if matches!(reply, StoreReply::CallClosed { .. }) {
            // The receiver ends with the filling.
            let _ = say.send(());
        }
    });
    let Opened { store, .. } = Store::open(dir, options).unwrap();
    let journal = store.journal();
    for n in 0..records {
        let mut entry = Entry::CallClosed(Box::new(records::record(n, records).0));
        while let Err(back) = journal.try_append(entry) {
            entry = back;
            std::thread::yield_now();
        }
    }
    (0..records).for_each(|_| replies.recv().unwrap());
    store
}

/// Acknowledges every message of a connection, and says which records were in it.
fn receive(stream: TcpStream, say: &Sender<u64>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.split_once(':') else {
                if line == "\r\n" {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).unwrap();
        writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        for rest in std::str::from_utf8(&body).unwrap().split("{\"seq\":").skip(1) {
            let digits = rest.split(',').next().unwrap();
            // The counting is over when it has seen enough.
            let _ = say.send(digits.parse().unwrap());
        }
    }
}

/// VmRSS in kilobytes.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
