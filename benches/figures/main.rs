//! The figures of the product, measured: `just bench`, or
//! `cargo bench --bench figures [callpost|asterisk] [signalling] [long]`, where `signalling` leaves the conversations out.
//!
//! The box (the release build) and, where it is installed, Asterisk beside it are driven by the same crowd of callers
//! and agents on loopback, one after the other in one run. CPU is user + system time of the process from
//! /proc/PID/stat, memory VmRSS and PSS, both read from outside. Every figure is a median; `null` was not measured,
//! and the reason is printed. Nothing here passes or fails: the machine may be shared, so compare within one run.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: a benchmark reads the clock"
)]
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a benchmark prints")]

mod crowd;
mod process;
mod rows;
mod subject;
mod table;

#[path = "../../tests/wire/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the wire tests; the figures need a part of it"
)]
mod harness;

use subject::Kind;

fn main() {
    // Cargo hands its own switches to every benchmark; only names count here.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let choice = rows::Choice {
        long: asked.iter().any(|word| word == "long"),
        signalling_alone: asked.iter().any(|word| word == "signalling"),
    };
    let asked: Vec<String> = asked
        .into_iter()
        .filter(|word| !["long", "signalling"].contains(&word.as_str()))
        .collect();
    let wanted = |kind: Kind| asked.is_empty() || asked.iter().any(|word| word == kind.name());
    let mut columns = Vec::new();
    for kind in [Kind::Callpost, Kind::Asterisk] {
        if !wanted(kind) {
            continue;
        }
        if kind == Kind::Asterisk && !harness::setup::is_there("asterisk") {
            eprintln!(
                "Asterisk is not installed (tests/peers/setup-peers.sh asterisk); its column is left out."
            );
            continue;
        }
        eprintln!("measuring {} …", kind.name());
        columns.push((kind, rows::measure(kind, choice)));
    }
    println!("{}", table::machine());
    println!("{}", table::markdown(&columns));
    println!("{}", table::json(&columns));
}
