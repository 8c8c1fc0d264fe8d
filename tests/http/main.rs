//! The API and the pages, in process: a real router, a real store, an engine that plays along.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]

mod cdrs;
mod doors;
mod live;
mod login;
mod pages;
mod recordings;
mod sockets;
mod world;
