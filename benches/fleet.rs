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
        println!("one box, {BACKLOG} records waiting, through the store and the forwarder:");
        let nats = nats();
        drain("NATS JetStream", &nats_keys(&nats)).await;
        drop(nats);
        let postgres = postgres().await;
        drain("PostgreSQL", &postgres_keys(&postgres)).await;
        drop(postgres);

        println!(
            "{} boxes, {} records each, an outage of all in the middle:",
            FLEET.boxes, FLEET.records
        );
        let mut nats = self::nats();
        let keys = nats_keys(&nats);
        println!("  NATS JetStream: {}", crowd::run(FLEET, &mut nats, &keys).await);
        drop(nats);
        let mut postgres = self::postgres().await;
        let keys = postgres_keys(&postgres);
        println!("  PostgreSQL: {}", crowd::run(FLEET, &mut postgres, &keys).await);
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

/// With every commit on the disk, as in earnest.
async fn postgres() -> Server {
    let server = Server::start(Kind::Postgres { tls: false });
    let address = format!(
        "host=127.0.0.1 port={} user=callpost password=hush dbname=postgres",
        server.port
    );
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("ALTER SYSTEM SET fsync = on").await.unwrap();
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
async fn drain(name: &str, keys: &str) {
    let mut house = House::closed(keys);
    house.file(0..BACKLOG);
    house
        .until("the backlog to be filed", |backlog| {
            backlog.pending >= u64::from(BACKLOG)
        })
        .await;
    let before = resident_kb();
    let begun = Instant::now();
    house.start();
    let backlog = house.settled(u64::from(BACKLOG)).await;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "  {name}: {:.0} rows/s, {} parked, resident {:+} kB",
        f64::from(BACKLOG) / seconds,
        backlog.parked,
        resident_kb() - before
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
