//! Forwards call records to the outside: at least once, in order, never in a call's way.
//!
//! One task a destination takes records from the store's outbox, hands them to its sink, and tells the outbox
//! what became of them. A sink says what to do next, not what went wrong: done, try later, refused, or for the
//! whole destination: leave it alone for a while, or for good. To add a destination of another kind, write its
//! file in `sinks/` and its line in each list there and in [`Kind`].

mod back_off;
mod config;
mod flat;
mod forwarder;
mod sinks;
mod tally;
#[cfg(test)]
mod tests;
mod upstreams;
mod verdict;
mod watch;

pub use back_off::BackOff;
pub use config::{Config, Kind, Order, Policy, Target};
pub use sinks::{Sink, SinkContext};
pub use upstreams::{Upstreams, Waker};
pub use verdict::{Delivered, Setback, Verdict};
pub use watch::{DeliveryAlarm, DeliveryTrouble, DeliveryWatch};
