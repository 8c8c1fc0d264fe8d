//! Many boxes in one process: each has its own sink, its own site and its own records, and knows nothing of the others.
//! They come one after another, deliver, lose the server all at once, and bring what has gathered when it is back.
#![expect(clippy::unwrap_used, reason = "a simulation that cannot run should stop")]

use super::house::{call_id, cdr_of, context};
use super::servers::Server;
use callpost::model::Dice;
use callpost::store::OutboxItem;
use callpost::upstream::{Config, Delivered, Sink, Verdict};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many boxes, how many records each, and how they come.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) boxes: u32,
    pub(super) records: u32,
    /// Between the start of one box and the next.
    pub(super) pause: Duration,
    /// After an attempt in vain, give or take a fifth, as the forwarder waits with `longest_wait_seconds`.
    pub(super) wait: Duration,
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Figures {
    /// From the first box's start until every box had brought the first half of its records.
    pub(super) arriving: Duration,
    /// From the server's return until everything was there.
    pub(super) draining: Duration,
    pub(super) most_connections: usize,
    pub(super) server_peak_kb: u64,
    pub(super) server_cpu: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "first half after {:.1} s, drained {:.1} s after the outage, {} connections at most, server {} MB and {:.1} s of CPU",
            self.arriving.as_secs_f64(),
            self.draining.as_secs_f64(),
            self.most_connections,
            self.server_peak_kb / 1024,
            self.server_cpu.as_secs_f64()
        )
    }
}

/// How the server's state is looked at while it runs.
#[derive(Default)]
struct Peaks {
    connections: usize,
    memory_kb: u64,
    cpu: Duration,
}

/// The site of a box.
pub(super) fn site(of_box: u32) -> String {
    format!("site-{of_box:04}")
}

/// Runs the plan against a server that is there; `keys` are those of the destination.
pub(super) async fn run(plan: Plan, server: &mut Server, keys: &str) -> Figures {
    let (grow, goal) = watch::channel(plan.records / 2);
    let delivered = Arc::new(AtomicU64::new(0));
    let config: Config = toml::from_str(&format!("name = 'fleet'\n{keys}")).unwrap();
    let begun = Instant::now();
    let mut boxes = JoinSet::new();
    for of_box in 1..=plan.boxes {
        boxes.spawn(live(
            plan,
            of_box,
            config.clone(),
            goal.clone(),
            Arc::clone(&delivered),
        ));
    }
    let mut peaks = Peaks::default();
    watch_until(&delivered, plan.boxes * (plan.records / 2), server, &mut peaks).await;
    let arriving = begun.elapsed();

    server.stop();
    grow.send(plan.records).unwrap();
    // Long enough for every box to have tried in vain.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.start_again();
    let back = Instant::now();
    let before = peaks.cpu;
    peaks.cpu = Duration::ZERO;
    watch_until(&delivered, plan.boxes * plan.records, server, &mut peaks).await;
    let draining = back.elapsed();
    while let Some(ended) = boxes.join_next().await {
        ended.unwrap();
    }
    Figures {
        arriving,
        draining,
        most_connections: peaks.connections,
        server_peak_kb: peaks.memory_kb,
        server_cpu: before + peaks.cpu,
    }
}

/// One box: tries, waits as the forwarder does when it is not taken, and ends when all its records are there.
async fn live(
    plan: Plan,
    of_box: u32,
    config: Config,
    mut goal: watch::Receiver<u32>,
    delivered: Arc<AtomicU64>,
) {
    tokio::time::sleep(plan.pause * of_box).await;
    let appliance = format!("0193b000-0000-7000-9000-{of_box:012x}");
    let mut sink = Sink::build(&config, &context(&site(of_box), &appliance)).unwrap();
    let mut dice = Dice::from_number(u64::from(of_box));
    let mut done = 0;
    while done < plan.records {
        let filed = *goal.borrow_and_update();
        if done == filed {
            goal.changed().await.unwrap();
            continue;
        }
        let waiting: Vec<OutboxItem> = (done..filed).map(|n| item(of_box, n)).collect();
        let taken = acknowledged(sink.deliver(&waiting).await);
        if taken > 0 {
            done += taken;
            delivered.fetch_add(taken.into(), Ordering::SeqCst);
        } else {
            let jitter = u32::try_from(dice.roll(401)).unwrap();
            tokio::time::sleep(plan.wait * (800 + jitter) / 1000).await;
        }
    }
}

fn acknowledged(delivered: Delivered) -> u32 {
    let Delivered::Each(verdicts) = delivered else {
        return 0;
    };
    let done = verdicts
        .iter()
        .take_while(|verdict| **verdict == Verdict::Done)
        .count();
    u32::try_from(done).unwrap()
}

fn item(of_box: u32, n: u32) -> OutboxItem {
    OutboxItem {
        seq: u64::from(n) + 1,
        cdr_id: call_id(of_box, n),
        version: 1,
        attempts: 0,
        body: cdr_of(&site(of_box), of_box, n).to_string(),
    }
}

async fn watch_until(delivered: &AtomicU64, all: u32, server: &Server, peaks: &mut Peaks) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while delivered.load(Ordering::SeqCst) < u64::from(all) {
        peaks.connections = peaks.connections.max(connections(server.port));
        let (memory_kb, cpu) = weight(server.pid());
        peaks.memory_kb = peaks.memory_kb.max(memory_kb);
        peaks.cpu = peaks.cpu.max(cpu);
        assert!(
            Instant::now() < deadline,
            "{} of {all} delivered: {}",
            delivered.load(Ordering::SeqCst),
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    peaks.cpu = peaks.cpu.max(weight(server.pid()).1);
}

/// Established connections that the server holds.
fn connections(port: u16) -> usize {
    let place = format!("0100007F:{port:04X}");
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    sockets
        .lines()
        .filter(|line| {
            let mut words = line.split_whitespace().skip(1);
            words.next() == Some(place.as_str()) && words.nth(1) == Some("01")
        })
        .count()
}

/// Memory and time on the processor of a program and its children. Memory that several share is counted once.
pub(super) fn weight(pid: u32) -> (u64, Duration) {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(one) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // Behind the program's name, which may hold anything.
        let words: Vec<u64> = stat
            .rsplit_once(')')
            .map(|(_, rest)| {
                rest.split_whitespace()
                    .map(|word| word.parse().unwrap_or(0))
                    .collect()
            })
            .unwrap_or_default();
        if words.len() > 14 && (one == pid || words[1] == u64::from(pid)) {
            // Ended children are in the parent's account: utime, stime, cutime, cstime.
            let ticks: u64 = words[11..=14].iter().sum();
            parents.insert(one, ticks);
        }
    }
    let memory_kb = parents.keys().map(|one| proportional_kb(*one)).sum();
    let ticks: u64 = parents.values().sum();
    (memory_kb, Duration::from_millis(ticks * 10))
}

fn proportional_kb(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
