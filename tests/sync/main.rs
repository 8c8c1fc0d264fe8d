//! The fetching of a PBX's call records: a real store, a real desk, real sockets, and a PBX stand-in.
//!
//! The vendor's PBX cannot be had, so the other side is built from what its clients tell (`stand_in.rs`): parameters,
//! paging, types and errors are theirs.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]
#![expect(clippy::print_stdout, reason = "figures are for people")]

mod crowd;
mod https;
mod linking;
mod paging;
mod quarantine;
mod schedule;
mod secrets;
mod sources;
mod stand_in;
mod trouble;
mod world;
