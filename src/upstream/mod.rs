//! Forwards finished call records to the outside: oldest first, at least once, never in a call's way.
//!
//! One task a destination takes records from the store's outbox, hands them to its sink, and tells the outbox
//! what became of them. A sink says what to do next, not what went wrong: done, try later, or refused. To add
//! a destination of another kind, write its file in `sinks/` and its line in each list there.

mod back_off;
mod config;
mod forwarder;
mod signature;
mod sinks;
#[cfg(test)]
mod tests;

pub use back_off::BackOff;
pub use config::{Config, Kind};
pub use forwarder::{Upstreams, Waker};
pub use sinks::DeliveryError;
