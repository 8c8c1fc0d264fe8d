//! What stands between the box and its work, looked at from the box: its network, names, clock, disk, database, trunks
//! and receivers. One [`Line`] a thing, each with its cause and its cure in plain words.
//!
//! Nothing here changes anything: a trunk is asked by OPTIONS and by a REGISTER without a contact, which only asks what
//! is registered (RFC 3261 §10.2.3); receivers are greeted, not written to; the disk gets a file that is taken away
//! again. So a look goes well beside the running daemon, and without one. [`look`] does it all; what it is to look at
//! comes in as [`Wanted`].

mod alg;
mod asking;
mod clock;
mod database;
mod disk;
mod dns;
mod files;
mod network;
mod ports;
mod reach;
mod report;
mod resources;
mod round;
mod server;
mod surroundings;
#[cfg(test)]
mod tests;
mod trunk;
mod wanted;

pub use report::{Area, Line, Outcome, Report, Step, Whom};
pub use round::{broken, look};
pub use wanted::{
    ClockReading, FileProblem, Greeting, KnownCertificate, Server, ServerKind, TrunkWanted, Wanted,
};
