//! Ten thousand calls by SIPp, and the box is as it was: memory, ports, calls, file handles.
//!
//! Takes about three minutes, most of it waiting for SIPp's calls and for the 32 seconds RFC 3261 lets a
//! transaction linger.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: the load test reads the clock"
)]
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what was measured is shown"
)]

#[path = "../wire/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the wire tests; load needs a part of it"
)]
mod harness;

use harness::appliance::OWN_HANDLES;
use harness::sipp::script;
use harness::street::Street;
use harness::{Appliance, Household, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Agents who each have a number of their own, so that no call finds its agent in another call.
const AGENTS: u32 = 200;
/// Phones nobody picks up.
const SLEEPERS: u32 = 100;
/// What a call may leave behind in all: noise of the allocator, not a leak.
const TOLERANCE_KB: u64 = 1024;

/// DC-001, DC-003, DC-006: nothing is kept of a call but its record.
#[test]
fn ten_thousand_calls_leave_memory_ports_calls_and_files_where_they_began() {
    let street = Street::claim();
    let site = Site {
        agents: street.house(40),
        sleepers: street.house(41),
        street,
    };
    let appliance = Appliance::open(&site.street, &site.household());

    // Caches fill, the database's among them, and the allocator takes what it will keep; what comes after is measured
    // against that.
    site.wave(&appliance, 25);
    let before = settled(&appliance);
    site.wave(&appliance, 100);
    let mut last = before;
    let after = eventually("memory is back where it began", Duration::from_secs(60), || {
        let now = Footprint::of(&appliance);
        if now.memory_kb.abs_diff(last.memory_kb) >= TOLERANCE_KB / 4 {
            println!("before {before:?}, now {now:?}");
            last = now;
        }
        let back = now.memory_kb <= before.memory_kb + TOLERANCE_KB
            && now.descriptors <= before.descriptors + OWN_HANDLES;
        back.then_some(now)
    });
    println!("before {before:?}, after 10,000 calls {after:?}");
    every_call_is_on_record(&appliance, 12_500);
}

/// The addresses of the load.
struct Site {
    street: Street,
    agents: Ipv4Addr,
    sleepers: Ipv4Addr,
}

impl Site {
    fn household(&self) -> Household {
        let mut household = Household::new()
            .number("7000", r#"flow="wait""#)
            .flow("wait", WAITING);
        for number in 0..AGENTS {
            let (id, uri) = (
                format!("a{number}"),
                format!("sip:a{number}@{}:5060", self.agents),
            );
            household = household
                .contact(&id, &uri, &[])
                .number(&agents_line(number), &format!("agent=\"{id}\""));
        }
        for number in 0..SLEEPERS {
            let (id, uri) = (
                format!("s{number}"),
                format!("sip:s{number}@{}:5060", self.sleepers),
            );
            household = household
                .contact(&id, &uri, &[])
                .number(&sleepers_line(number), &format!("agent=\"{id}\""));
        }
        household
    }

    /// A hundred calls for each unit: 60 into a menu, 30 to an agent and recorded, 10 given up while ringing.
    fn wave(&self, appliance: &Appliance, units: u32) {
        let (street, server) = (&self.street, self.street.box_sip());
        let agents = script("agent_answers", self.agents)
            .calls(30 * units)
            .untraced()
            .within_seconds(150);
        let agents = agents.pausing(Duration::from_millis(20)).wait_for_calls();
        let sleepers = script("agent_rings_out", self.sleepers)
            .calls(10 * units)
            .untraced()
            .within_seconds(150);
        let sleepers = sleepers.wait_for_calls();

        let into_the_menu = script("caller_talks", street.pbx()).calls(60 * units).rate(90);
        let into_the_menu = into_the_menu
            .pausing(Duration::from_millis(300))
            .untraced()
            .within_seconds(150);
        let into_the_menu = into_the_menu.call(server, "7000");
        let to_agents = script_on("caller_talks_to_a_line", street.pbx(), 5062)
            .calls(30 * units)
            .rate(45);
        let to_agents = to_agents.lines(&(0..AGENTS).map(agents_line).collect::<Vec<_>>());
        let to_agents = to_agents
            .pausing(Duration::from_millis(300))
            .untraced()
            .within_seconds(150);
        let to_agents = to_agents.call(server, "a line");
        let given_up = script_on("caller_gives_up_a_line", street.pbx(), 5064)
            .calls(10 * units)
            .rate(15);
        let given_up = given_up.lines(&(0..SLEEPERS).map(sleepers_line).collect::<Vec<_>>());
        let given_up = given_up
            .pausing(Duration::from_millis(100))
            .untraced()
            .within_seconds(150);
        let given_up = given_up.call(server, "a line");

        for script in [into_the_menu, to_agents, given_up, agents, sleepers] {
            script.finish();
        }
        appliance.until_quiet();
    }
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Footprint {
    memory_kb: u64,
    descriptors: usize,
}

impl Footprint {
    fn of(appliance: &Appliance) -> Self {
        Self {
            memory_kb: appliance.memory_kb(),
            descriptors: appliance.descriptors(),
        }
    }
}

/// The footprint once the last transaction is forgotten: 64 × T1 after the last message (RFC 3261 §17.2.2).
fn settled(appliance: &Appliance) -> Footprint {
    let quiet_since = Instant::now();
    eventually(
        "the last transaction is forgotten",
        Duration::from_secs(60),
        || (quiet_since.elapsed() > Duration::from_secs(33)).then(|| Footprint::of(appliance)),
    )
}

fn every_call_is_on_record(appliance: &Appliance, calls: usize) {
    let records = appliance.until_recorded(calls);
    let ids: BTreeSet<_> = records.iter().map(|record| record.text("cdr_id")).collect();
    assert_eq!(ids.len(), calls, "no call is on record twice");
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &records {
        *statuses.entry(record.text("status")).or_default() += 1;
    }
    let answered = records
        .iter()
        .filter(|record| !record.text("agent").is_empty())
        .count();
    assert_eq!(
        answered,
        calls * 3 / 10,
        "every call for an agent was taken: {statuses:?}"
    );
}

fn agents_line(number: u32) -> String {
    format!("8{number:03}")
}

fn sleepers_line(number: u32) -> String {
    format!("9{number:03}")
}

fn script_on(name: &str, host: Ipv4Addr, port: u16) -> harness::sipp::Script {
    harness::sipp::Script::new(name, std::net::SocketAddrV4::new(host, port))
}

/// A long wait that needs audio.
const WAITING: &str = r#"
name = "wait"
start = "wait"
[step.wait]  verb="pause"  seconds=60  next="bye"
[step.bye]   verb="hangup"
"#;
