//! The whole appliance as one machine: SIP becomes call events, call actions become SIP and media orders.
//!
//! [`Engine::handle`] takes one [`Input`] with its instant and answers with [`Output`]s; nothing else happens. The
//! engine owns every call, the roster, the RTP ports and the SIP user agent. Each file below is one direction of
//! that translation.

mod act;
mod arrive;
mod ask_box;
mod box_rules;
mod command;
mod deadlines;
mod farewell;
mod file;
mod guests;
mod hear;
mod io;
mod keys;
mod lamps;
mod line;
mod look;
mod machine;
mod mailbox;
mod nat;
mod notice;
mod outside;
mod pin_guard;
mod ports;
mod refreshes;
mod replace;
mod ringing;
mod secure;
mod settings;
mod snapshot;
mod transfer;
mod trunks;

pub use crate::call::GuestKind;
pub use crate::sip::guard::Source;
pub(crate) use act::overflow;
pub use box_rules::{BoxBook, BoxRules};
pub use command::Command;
pub use guests::Wanted;
pub use io::{Input, Output};
pub use machine::Engine;
pub use notice::Notice;
pub use settings::{Encryption, Settings, TrunkRules};
pub use snapshot::{
    AgentView, Alarm, BanView, CallView, Counters, LegView, Load, MailboxView, PortsView, QueueView,
    RegistrationView, Severity, Snapshot, TrunkView,
};
