//! The power goes, the disk fails, the process is killed: what was acknowledged is there afterwards.
//!
//! `just crash` runs these for long; a plain test run does fewer rounds. `just powercut` cuts the power of a whole
//! file system. A test's doc comment names the rows of the acceptance list it proves.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: these tests read the clock"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was measured is shown"
)]

mod driver;
#[path = "../wire/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the wire tests; these need a part of it"
)]
mod harness;
#[path = "../delivery/hostile/mod.rs"]
#[allow(dead_code, reason = "the delivery tests use all of it")]
mod hostile;
mod ledger;

mod daemon;
mod disk_full;
mod faults;
mod idle;
mod kills;
mod powercut;
mod read_only;
mod upgrade;

// What the store's samples of records are made of.
use callpost::model;

/// How many rounds: `usual`, unless `just crash` asks for another number.
fn rounds(usual: u32) -> u32 {
    let asked = std::env::var("CALLPOST_ROUNDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(usual)
}

/// The dice of a run; `CALLPOST_SEED` tells the same story again.
fn dice(usual: u64) -> callpost::model::Dice {
    let asked = std::env::var("CALLPOST_SEED").ok();
    let seed = asked.and_then(|asked| asked.parse().ok()).unwrap_or(usual);
    callpost::model::Dice::from_number(seed)
}

/// A folder whose files cost the disk nothing.
fn in_memory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder can be made")
}
