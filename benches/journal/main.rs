//! The journal at a million records: what it takes on disk, whether writing stays flat, what resident memory grows by, and
//! how long a list takes with every filter. `just bench-journal`, or with a number of records and a directory:
//! `cargo bench --bench journal -- 100000 /var/tmp/journal`. With `cold` as the third word each list begins without a page
//! of the database in memory.
#![allow(missing_docs, reason = "a benchmark")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise, prints, and reads the clock"
)]

mod records;

use callpost::model::{AgentId, CallNote, Direction, Entry, GroupName, Status};
use callpost::store::{
    Batch, CdrFilter, Clock, Journal, NumberMatch, Opened, Options, OriginMatch, Reader, Store, StoreReply,
};
use records::{NUMBERS, SPAN_MS, START_MS, record};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let records: u32 = arguments.next().map_or(1_000_000, |word| word.parse().unwrap());
    let kept = arguments.next().map(PathBuf::from);
    let is_cold = arguments.next().is_some_and(|word| word == "cold");
    let temporary = tempfile::tempdir().unwrap();
    let dir = kept.as_deref().unwrap_or(temporary.path());
    let (store, replies) = open(dir);
    if store.reader().bounds().unwrap().latest_seq < u64::from(records) {
        fill(&store.journal(), &replies, records);
    }
    println!(
        "stored: {:.0} MB for {records} records and their outbox",
        size(dir) / 1e6
    );
    let forget = || {
        if is_cold {
            forget(dir)
        }
    };
    lists(&store.reader(), records, if is_cold { 20 } else { 60 }, &forget);
    drain(&store);
    store.shutdown();
}

fn open(dir: &Path) -> (Store, Receiver<StoreReply>) {
    let (say, replies) = channel();
    let mut options = Options::new(Clock {
        now: Instant::now,
        unix_ms: Arc::new(|| START_MS + SPAN_MS),
    });
    options.upstreams = vec!["head-office".to_owned()];
    options.on_reply = Box::new(move |reply| {
        if matches!(reply, StoreReply::CallClosed { .. }) {
            // The receiver ends with the filling.
            let _ = say.send(reply);
        }
    });
    let Opened { store, .. } = Store::open(dir, options).unwrap();
    (store, replies)
}

/// Has the kernel drop what it keeps of the database, as if nobody had read it since the power came on.
fn forget(dir: &Path) {
    let database = format!("if={}", dir.join("callpost.db").display());
    let dropped = std::process::Command::new("dd")
        .args([&database, "iflag=nocache", "count=0", "status=none"])
        .status()
        .unwrap();
    assert!(dropped.success());
}

fn size(dir: &Path) -> f64 {
    ["callpost.db", "callpost.db-wal"]
        .map(|name| std::fs::metadata(dir.join(name)).map_or(0, |facts| facts.len()))
        .iter()
        .sum::<u64>() as f64
}

/// VmRSS in kilobytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Calls end one after the other, a few hundred at a time, as fast as the writer takes them.
fn fill(journal: &Journal, replies: &Receiver<StoreReply>, records: u32) {
    const LOT: u32 = 200;
    let before = resident();
    let tenth = (records / 10).max(1);
    let mut begun = Instant::now();
    let mut rates = Vec::new();
    for first in (0..records).step_by(LOT as usize) {
        let lot = first..(first + LOT).min(records);
        for n in lot.clone() {
            let (cdr, notes) = record(n, records);
            notes
                .into_iter()
                .for_each(|note: CallNote| append(journal, Entry::CallNoted(note)));
            append(journal, Entry::CallClosed(Box::new(cdr)));
        }
        for _ in lot.clone() {
            replies.recv().unwrap();
        }
        if lot.end % tenth == 0 {
            rates.push(f64::from(tenth) / begun.elapsed().as_secs_f64());
            begun = Instant::now();
        }
    }
    let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
    println!("inserts: {} rows/s by tenths", rates.join(" "));
    println!("memory: VmRSS {before} kB before, {} kB after", resident());
}

fn append(journal: &Journal, entry: Entry) {
    let mut entry = entry;
    while let Err(back) = journal.try_append(entry) {
        entry = back;
        std::thread::yield_now();
    }
}

fn lists(reader: &Reader, records: u32, rounds: u32, forget: &dyn Fn()) {
    let newest = |filter: CdrFilter| CdrFilter {
        newest_first: true,
        limit: 100,
        ..filter
    };
    let paged = |filter: CdrFilter| CdrFilter {
        by_start: true,
        latest_only: true,
        count: true,
        ..newest(filter)
    };
    let all = CdrFilter::default;
    let caller = |dice: u32| records::caller(dice % NUMBERS);
    println!("lists of 100 records: p50 and p99 in ms by the clock; the same in ms of CPU");
    let time = |dice: u32| START_MS + SPAN_MS / 1000 * i64::from(dice % 1000);
    let agent = |dice: u32| {
        Some(AgentId::from(
            records::AGENTS[dice as usize % records::AGENTS.len()],
        ))
    };
    let status = |dice: u32| {
        Some(
            [
                Status::Answer,
                Status::Canceled,
                Status::Busy,
                Status::NoAnswer,
                Status::Failed,
                Status::Voicemail,
            ][dice as usize % 6],
        )
    };
    let direction =
        |dice: u32| Some([Direction::Inbound, Direction::Outbound, Direction::Internal][dice as usize % 3]);
    type Ask<'a> = Box<dyn Fn(u32) -> CdrFilter + 'a>;
    let asks: Vec<(&str, Ask<'_>)> = vec![
        ("the newest", Box::new(|_| all())),
        (
            "after any place",
            Box::new(|dice| CdrFilter {
                after: Some(u64::from(dice % records)),
                ..all()
            }),
        ),
        (
            "status",
            Box::new(|dice| CdrFilter {
                status: status(dice),
                ..all()
            }),
        ),
        (
            "direction",
            Box::new(|dice| CdrFilter {
                direction: direction(dice),
                ..all()
            }),
        ),
        (
            "agent",
            Box::new(|dice| CdrFilter {
                agent: agent(dice),
                ..all()
            }),
        ),
        (
            "group",
            Box::new(|dice| CdrFilter {
                group: Some(GroupName::from(records::GROUPS[dice as usize % 4])),
                ..all()
            }),
        ),
        (
            "origin",
            Box::new(|dice| CdrFilter {
                origin: Some(if dice % 2 == 0 {
                    OriginMatch::Own
                } else {
                    OriginMatch::Source("onepos".to_owned())
                }),
                ..all()
            }),
        ),
        (
            "a week",
            Box::new(|dice| CdrFilter {
                from_ms: Some(time(dice)),
                to_ms: Some(time(dice) + 7 * 86_400_000),
                ..all()
            }),
        ),
        (
            "a day and status",
            Box::new(|dice| CdrFilter {
                from_ms: Some(time(dice)),
                to_ms: Some(time(dice) + 86_400_000),
                status: status(dice / 7),
                ..all()
            }),
        ),
        (
            "agent and status",
            Box::new(|dice| CdrFilter {
                agent: agent(dice),
                status: status(dice / 7),
                ..all()
            }),
        ),
        (
            "everything at once",
            Box::new(|dice| CdrFilter {
                agent: agent(dice),
                status: status(dice / 7),
                direction: direction(dice / 3),
                from_ms: Some(time(dice)),
                ..all()
            }),
        ),
        (
            "number, exact",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Exact(caller(dice))),
                ..all()
            }),
        ),
        (
            "number, exact, in every call",
            Box::new(|_| CdrFilter {
                number: Some(NumberMatch::Exact(records::OURS.to_owned())),
                ..all()
            }),
        ),
        (
            "number, prefix of 8",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Prefix(caller(dice)[..8].to_owned())),
                ..all()
            }),
        ),
        (
            "number, prefix of 4",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Prefix(caller(dice)[..4].to_owned())),
                ..all()
            }),
        ),
        (
            "number, suffix of 4",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Suffix(caller(dice)[9..].to_owned())),
                ..all()
            }),
        ),
        (
            "number, any 5",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Any(caller(dice)[7..12].to_owned())),
                ..all()
            }),
        ),
        (
            "number, any 3",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Any(caller(dice)[9..12].to_owned())),
                ..all()
            }),
        ),
        (
            "number, any, nowhere",
            Box::new(|_| CdrFilter {
                number: Some(NumberMatch::Any("999999999".to_owned())),
                ..all()
            }),
        ),
        (
            "number, prefix of 8, and status",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Prefix(caller(dice)[..8].to_owned())),
                status: status(dice / 7),
                ..all()
            }),
        ),
        (
            "number, suffix of 4, and status",
            Box::new(|dice| CdrFilter {
                number: Some(NumberMatch::Suffix(caller(dice)[9..].to_owned())),
                status: status(dice / 7),
                ..all()
            }),
        ),
    ];
    let mut dice = 12_345_u32;
    let mut every = Vec::new();
    for (name, ask) in &asks {
        for numbered in [false, true] {
            let mut times = Vec::new();
            for _ in 0..rounds {
                forget();
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let filter = ask(dice >> 4);
                let filter = if numbered { paged(filter) } else { newest(filter) };
                times.push(timed(reader, &filter));
            }
            every.extend(times.iter().copied());
            tell(
                &format!("{name}{}", if numbered { ", numbered and counted" } else { "" }),
                times,
            );
        }
    }
    let mut times = Vec::new();
    for page in 0..u64::from(rounds) {
        forget();
        let filter = CdrFilter {
            offset: u64::from(records / rounds) * page,
            ..paged(all())
        };
        times.push(timed(reader, &filter));
    }
    every.extend(times.iter().copied());
    tell("any numbered page", times);
    tell("all of these", every);
}

/// What one list took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

fn timed(reader: &Reader, filter: &CdrFilter) -> Took {
    let (begun, used) = (Instant::now(), cpu_used());
    reader.cdrs(filter).unwrap();
    Took {
        wall: begun.elapsed(),
        cpu: cpu_used() - used,
    }
}

/// What this thread has computed so far: the first number of its schedule statistics is nanoseconds on a core.
fn cpu_used() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split_whitespace().next().unwrap().parse().unwrap())
}

fn tell(name: &str, times: Vec<Took>) {
    let ordered = |part: fn(&Took) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(part).collect();
        all.sort();
        let at = |part: usize| all[(all.len() * part / 100).min(all.len() - 1)].as_secs_f64() * 1e3;
        (at(50), at(99))
    };
    let (wall, cpu) = (ordered(|took| took.wall), ordered(|took| took.cpu));
    println!(
        "  {name:<50} {:7.2} {:7.2}   {:7.2} {:7.2}",
        wall.0, wall.1, cpu.0, cpu.1
    );
}

/// As a forwarder reads: a batch, then its acknowledgement.
fn drain(store: &Store) {
    let outbox = store.outbox();
    for size in [1, 32, 500] {
        let (mut rows, begun) = (0_usize, Instant::now());
        while begun.elapsed() < Duration::from_secs(3) {
            let Batch::Items(items) = outbox.next_batch("head-office", size).unwrap() else {
                break;
            };
            let seqs: Vec<u64> = items.iter().map(|item| item.seq).collect();
            outbox.delivered("head-office", &seqs).unwrap();
            rows += items.len();
        }
        println!(
            "drain in batches of {size}: {:.0} rows/s",
            rows as f64 / begun.elapsed().as_secs_f64()
        );
    }
}
