//! A telephony appliance in one binary.
//!
//! A pure core that decides and a thin shell that obeys. Read the rooms in this order; each may use only
//! the rooms above it (`tests/architecture.rs` holds the arrows).
//!
//! Pure — no socket, file, clock, thread or dice of their own:
//! * [`model`]     — the nouns every room shares
//! * [`sdp`]       — offers and answers
//! * [`sip`]       — messages, transactions, dialogs, digest, registrar
//! * [`media`]     — one media session: RTP, digits, prompts, quality
//! * [`ivr`]       — which prompt next, which group to ring
//! * [`routing`]   — what happens to a call for this number
//! * [`agents`]    — who can take a call right now
//! * [`call`]      — one call: events in, actions out
//! * [`engine`]    — the whole appliance as one machine
//! * [`verdict`]   — what was wrong with a call, in plain words
//!
//! Shell — threads and the outside:
//! * [`net`]       — SIP sockets and the RTP threads
//! * [`prompts`]   — sound files and speech into ready frames
//! * [`recording`] — audio files: written, mended
//! * [`store`]     — SQLite: journal, CDRs, outbox
//! * [`egress`]    — the one careful way out to configured addresses
//! * [`upstream`]  — forwards the outbox
//! * [`mailroom`]  — messages by e-mail and in writing
//! * [`trace`]     — what went over the wire, call by call
//! * [`keeping`]   — how long recordings stay here, and where copies go
//! * [`connectors`] — call records of a PBX beside the box
//! * [`backup`]    — the whole box in one sealed file, and back
//! * [`checkup`]   — what stands between the box and its work, looked at from here
//! * [`http`]      — REST and pages
//!
//! Top:
//! * [`config`]    — files and environment into one validated `Config`
//! * [`app`]       — starts the threads, reads the clock, orders the shutdown
//! * [`cli`]       — one file a subcommand

pub mod agents;
pub mod app;
pub mod backup;
pub mod call;
pub mod checkup;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod egress;
pub mod engine;
pub mod http;
pub mod ivr;
pub mod keeping;
pub mod mailroom;
pub mod media;
pub mod model;
pub mod net;
pub mod prompts;
pub mod recording;
pub mod routing;
pub mod sdp;
pub mod sip;
pub mod store;
pub mod trace;
pub mod upstream;
pub mod verdict;
