//! The API and the pages, in process: a real router, a real store, an engine that plays along.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]

mod allowance;
mod audit;
mod bans;
mod calls_page;
mod cdrs;
mod consumers;
mod destinations;
mod doors;
mod evidence;
mod exchange;
mod export;
mod graphql;
mod guests;
mod keeping;
mod live;
mod login;
mod messages;
mod notes;
mod onepos;
mod pages;
mod people;
mod phones_page;
mod prompts;
mod quarantine;
mod recordings;
mod selftest;
mod settings;
mod sockets;
mod sources;
#[path = "../sync/stand_in.rs"]
#[expect(dead_code, reason = "shared with the tests of the sync itself")]
mod stand_in;
mod sync_page;
mod traces;
mod upstreams;
mod world;
mod written_agents;
