//! SIP: what a message says, who asks and who answers, who is registered. Pure: bytes and instants come in as
//! arguments, bytes and facts go out.
//!
//! A packet becomes a [`Message`] without being copied; what cannot be served becomes a [`Malformed`] that knows
//! its own answer; what is sent is written by a [`Draft`]. Each header is a type in `headers/`, each machine
//! stands in its own file and names the sections of the RFC it carries out; `docs/sip-rfcs.md` leads from a section to
//! its file.
//!
//! | where | what |
//! |---|---|
//! | `start_line`, `message`, `reading`, `name`, `grammar`, `text`, `params` | RFC 3261 §7, §25 |
//! | `uri`, `host` | §19.1; RFC 3966, 5118 |
//! | `headers/` | §20, one file each; each names its standard |
//! | `multipart` | RFC 2046 §5.1, RFC 5621 |
//! | `write` | §8.1.1, §8.2.6, §18.2.1; RFC 3581 |
//! | `framing` | §18.3, §7.5; RFC 5626 §4.4.1 |
//! | `stun` | RFC 8489, for RFC 5626 §4.4.2 |
//! | `malformed`, `fault`, `limits`, `status` | §21 |
//! | `digest/` | §22; RFC 7616, 8760, 2617 |
//! | `guard/` | §26: who is heard at all |
//! | `registrar/` | §10.3; RFC 3327, 5626 |
//! | `transaction/` | §17; RFC 6026 |
//! | `dialog` | §12 |
//! | `events/` | RFC 6665; `message_summary` RFC 3842, `dialog_info` RFC 4235, `reg_info` RFC 3680 |
//! | `target_set` | RFC 3263 §4, RFC 2782 |
//! | `user_agent/` | §8, §9, §11, §13–§15; `session_timer`, `refresh` RFC 4028, 3311; `reliable` RFC 3262; `challenged` §22.2; `subscribe` RFC 6665 §4, `relay` RFC 3428, `phones` §11 |

mod fault;
pub mod limits;
mod text;

mod grammar;
mod params;

mod host;
mod uri;

mod method;
mod name;
mod start_line;
mod status;

mod headers;

mod malformed;
mod message;
mod multipart;
mod reading;

mod write;

mod flow;
mod framing;
mod stun;

pub mod digest;
pub mod guard;
mod registrar;

mod transaction;

mod dialog;

mod events;

mod user_agent;

mod config;
mod manners;
mod settings;
mod target_set;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod torture;

pub use config::{CertificateFiles, Config, DnsServer, Listen};
pub use events::{CallName, LampState, Line, Messages};
pub use fault::Fault;
pub use flow::{Flow, Transport};
pub use framing::{Broken, Frame, Framer, PONG};
pub use grammar::Elements;
pub use headers::{
    Accept, CSeq, Challenge, Contact, Contacts, ContentDisposition, ContentType, Credentials, Diversion,
    EventPackage, HistoryInfo, Join, NameAddr, Privacy, RAck, Reason, ReferTo, ReferredBy, Refresher,
    Replaces, RetryAfter, SessionExpires, Standing, SubscriptionState, Via, Warning,
};
pub use host::Host;
pub use malformed::Malformed;
pub use manners::{CallerId, Manners, NumberForm};
pub use message::{Header, Message};
pub use method::Method;
pub use name::Name;
pub use params::{Param, Params};
pub use registrar::{Binding, Change, Registered, Registrar, RegistrationTimes, Unbound};
pub use settings::{Account, Listener, Network, Secret, Settings, Trunk};
pub use start_line::StartLine;
pub use status::reason_phrase;
pub use target_set::{Query, ResolveError, Target, TargetSet};
pub use text::text;
pub use uri::{Scheme, Uri};
pub use user_agent::{
    Counts, Event, Farewell, Incoming, Invitation, Origin, Outage, Output, Reach, Referral, Replaced,
    Replacing, Route, SessionId, UserAgent,
};
pub use write::{Address, Draft, Echo, Quoted, StatusLine, UserPart};
