//! A thousand boxes on one server, and one box with a long backlog: what the server needs, how long it takes.
//!
//! Starts nats-server and PostgreSQL itself, on loopback. `cargo bench --bench fleet`; takes a few minutes.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench reads the clock, prints what it measured, and stops where it cannot"
)]

#[path = "../tests/delivery/crowd.rs"]
mod crowd;
#[path = "../tests/delivery/house.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod house;
#[path = "../tests/delivery/servers.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod servers;

use crowd::Plan;
use house::House;
use servers::{Kind, Server};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

const FLEET: Plan = Plan {
    boxes: 1000,
    records: 20,
    pause: Duration::from_millis(20),
    wait: Duration::from_secs(5),
};
/// Records of one box that wait when its destination comes back.
const BACKLOG: u32 = 100_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Only the parts that are named, or all: `cargo bench --bench fleet -- one-box fleet nats postgres`.
        let wished: Vec<String> = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with("--"))
            .collect();
        let is_wished = |part: &str, kind: &str| {
            let named = |word: &str| wished.iter().any(|wish| wish == word);
            (named(part) || !(named("one-box") || named("fleet")))
                && (named(kind) || !(named("nats") || named("postgres")))
        };
        println!("One box, {BACKLOG} records waiting, through the store and the forwarder:");
        if is_wished("one-box", "nats") {
            let server = nats();
            drain("NATS JetStream", &server, &nats_keys(&server)).await;
        }
        if is_wished("one-box", "postgres") {
            let server = postgres().await;
            drain("PostgreSQL", &server, &postgres_keys(&server)).await;
        }
        println!(
            "{} boxes, {} records each, an outage of all in the middle:",
            FLEET.boxes, FLEET.records
        );
        if is_wished("fleet", "nats") {
            let mut server = nats();
            let keys = nats_keys(&server);
            println!(
                "  NATS JetStream: {}",
                crowd::run(FLEET, &mut server, &keys).await
            );
        }
        if is_wished("fleet", "postgres") {
            let mut server = postgres().await;
            let keys = postgres_keys(&server);
            println!("  PostgreSQL: {}", crowd::run(FLEET, &mut server, &keys).await);
        }
    });
}

fn nats() -> Server {
    Server::start(Kind::Nats {
        tls: false,
        login: false,
    })
}

fn nats_keys(server: &Server) -> String {
    format!("type = 'nats'\nurl = 'nats://127.0.0.1:{}'", server.port)
}

/// With every commit on the disk, as in earnest. Without passwords: proving one is work for the box, and the work of a
/// thousand would fall on this machine.
async fn postgres() -> Server {
    let server = Server::start(Kind::Postgres { tls: false });
    let address = format!(
        "host=127.0.0.1 port={} user=callpost password=hush dbname=postgres",
        server.port
    );
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("ALTER SYSTEM SET fsync = on").await.unwrap();
    std::fs::write(
        server.folder().join("data/pg_hba.conf"),
        "host all all 127.0.0.1/32 trust\n",
    )
    .unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    server
}

fn postgres_keys(server: &Server) -> String {
    format!(
        "type = 'postgres'\nurl = 'postgres://callpost@127.0.0.1:{}/postgres'\npassword = 'hush'",
        server.port
    )
}

/// Files the backlog while the forwarder is not running yet, then lets it run.
async fn drain(name: &str, server: &Server, keys: &str) {
    let mut house = House::closed(keys);
    house.file(0..BACKLOG);
    house
        .until("the backlog to be filed", |backlog| {
            backlog.pending >= u64::from(BACKLOG)
        })
        .await;
    let before = resident_kb();
    let (_, cpu) = crowd::weight(server.pid());
    let own_cpu = own_cpu();
    let begun = Instant::now();
    house.start();
    let backlog = house.settled(u64::from(BACKLOG)).await;
    let seconds = begun.elapsed().as_secs_f64();
    let server_cpu = crowd::weight(server.pid()).1.saturating_sub(cpu);
    let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / f64::from(BACKLOG);
    println!(
        "  {name}: {:.0} rows/s, {} parked, resident {:+} kB, CPU a row: server {:.0} µs, box {:.0} µs",
        f64::from(BACKLOG) / seconds,
        backlog.parked,
        resident_kb() - before,
        each(server_cpu),
        each(self::own_cpu().saturating_sub(own_cpu))
    );
    house.close().await;
}

fn resident_kb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Time on the processor so far, without the servers.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let words: Vec<u64> = rest
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    Duration::from_millis((words[11] + words[12]) * 10)
}
