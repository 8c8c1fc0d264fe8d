//! SIP: what a message says, who asks and who answers, who is registered. Pure: bytes and instants come in as
//! arguments, bytes and facts go out.
//!
//! A packet becomes a [`Message`] without being copied; what cannot be served becomes a [`Malformed`] that knows
//! its own answer; what is sent is written by a [`Draft`]. Each header is a type in `headers/`, each machine
//! stands in its own file and names the sections of the RFC it carries out.

pub mod limits;
mod fault;
mod text;
mod grammar;
mod params;
mod host;
mod uri;
mod method;
mod status;
mod name;
mod headers;
mod start_line;
mod message;
mod malformed;
mod write;
mod framing;
mod flow;
mod config;
pub mod digest;
mod registrar;
mod settings;
mod transaction;
mod dialog;
mod user_agent;

#[cfg(test)]
mod torture;
#[cfg(test)]
mod properties;

pub use config::{Config, Listen};
pub use fault::Fault;
pub use flow::{Flow, Transport};
pub use framing::{Broken, Frame, Framer, PONG};
pub use grammar::Elements;
pub use headers::{CSeq, Challenge, Contact, Contacts, ContentType, Credentials, NameAddr, RAck, Reason, Via};
pub use host::Host;
pub use malformed::Malformed;
pub use message::{Header, Message};
pub use method::Method;
pub use name::Name;
pub use params::{Param, Params};
pub use registrar::{Binding, Change, Registered, Registrar, RegistrationTimes, Unbound};
pub use start_line::StartLine;
pub use status::reason_phrase;
pub use text::text;
pub use uri::{Scheme, Uri};
pub use write::{Address, Draft, Echo, Quoted, StatusLine, UserPart};
pub use settings::{Account, Listener, Network, Secret, Settings, Trunk};
pub use user_agent::{
    Counts, Event, Farewell, Incoming, Invitation, Origin, Output, Route, SessionId, UserAgent,
};
