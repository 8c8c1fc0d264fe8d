//! What went over the wire, call by call: the SIP messages of the last days, for whoever asks why.
//!
//! The engine's thread lays a copy of each message of a call into a [`Tap`], a few hundred nanoseconds each. One quiet
//! thread (`writer.rs`) takes them away once a second, finds whose they are (`sieve.rs`), takes out what nobody should
//! read (`discreet.rs`) and writes them into a ring of files in `traces/` (`segments.rs`). Registrations and
//! keep-alives are not written: an idle box writes nothing. What belongs to no call never reaches the disk, so that
//! nobody fills it from outside.
//!
//! A [`TraceReader`] gives a call's messages back; `ladder.rs` makes them steps between parties, `pcap.rs` a capture
//! that Wireshark opens. All of it may be thrown away at any time: the journal does not need it.

mod config;
mod discreet;
mod drawing;
mod frame;
mod ladder;
mod pcap;
mod reader;
mod segments;
mod sieve;
mod skim;
mod tap;
mod writer;

pub use config::Config;
pub use drawing::{Party, Rung, columns, draw, draw_rungs};
pub use frame::{Traced, Way};
pub use ladder::{Step, steps};
pub use pcap::capture;
pub use reader::{Span, TraceReader};
pub use tap::{Tap, TraceCounts};
pub use writer::{TraceError, Tracing};
