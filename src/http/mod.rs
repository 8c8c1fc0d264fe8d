//! REST and pages: how people and programs look at the appliance and steer it.
//!
//! [`serve`] answers on one port. Every route but a few open ones stands behind a guard that wants a token or a
//! session; each names the scope it needs in one table (`routes/mod.rs`). The room never touches a live call: it shows
//! a published [`Snapshot`](crate::engine::Snapshot) and sends a [`Command`](crate::engine::Command). It is the only
//! room that knows browser JSON.

mod agent_book;
mod announcer;
mod caretaker;
mod config;
mod cors;
mod cursor;
mod dialects;
mod door;
mod faces;
mod file_body;
mod guard;
mod hosts;
mod logins;
mod multipart;
mod paged_body;
mod pages;
mod people;
mod porch;
mod problem;
mod range;
mod raw_blanks;
mod reception;
mod router;
mod routes;
mod same;
mod serve;
mod settings;
mod shelf;
mod vouchers;
mod witness;

pub use agent_book::{
    AgentBook, AgentCard, AgentOrder, AgentRefusal, AgentSource, AgentTrouble, FormFault, PhoneWays,
};
pub use announcer::{Announcement, Announcer, AnnouncerTrouble, PromptOrigin};
pub use caretaker::{Caretaker, SelfTest};
pub use config::Config;
pub use dialects::{InternalAs, Network, OneposConfig, VoicemailAs};
pub use door::{DOOR, open_door};
pub use faces::{
    BoxFuture, Busy, Certificate, Destinations, Disk, EngineDoor, ErrandCounts, Faces, Health, HealthReport,
    Outside, RecorderWork, Seat, TelephoneDoor, Unrecorded,
};
pub use people::{
    ClaimCode, PeopleDesk, PeopleError, PersonView, TokenKey, TokenView, TokenWish, offer_claim,
};
pub use router::{RouteFacts, router, routes};
pub use serve::serve;
pub use settings::{
    Applied, Basis, ChangeOrder, ChangeView, Checked, Draft, Fault, FlowFile, KeyView, Part, PartText,
    ReadOnly, Refused, RehearsalRefused, Rung, SettingsDoor, SettingsView, Story, TakenBack, TrialView,
    VersionTexts, VersionView,
};
pub use shelf::{DistantSound, Playing, Shelf, ShelfTrouble, Sound, Warrant};
