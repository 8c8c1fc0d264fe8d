//! What is handed to the outside arrives there: hostile receivers, published libraries, real servers.
//!
//! A test's doc comment names the rows of the acceptance list it proves.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: these tests read the clock"
)]
#![expect(clippy::print_stdout, reason = "what was measured is shown")]

#[path = "../crash/driver/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the crash tests use all of it")]
mod driver;
#[path = "../crash/ledger.rs"]
#[allow(dead_code, reason = "the crash tests use all of it")]
mod ledger;

#[allow(dead_code, reason = "shared with the crash tests")]
mod hostile;
mod hostile_run;
mod receivers;

// One file a kind of destination, against the real server where there is one; then many boxes on one server.
mod crowd;
mod file;
mod fleet;
mod house;
#[cfg(feature = "mail")]
mod mail;
mod mqtt;
mod nats;
mod postgres;
mod servers;
mod syslog;

// What the store's samples of records are made of.
use callpost::model;
