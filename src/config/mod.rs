//! Files and environment into one validated [`Config`], gathered from each room's own section.
//!
//! [`Config::load`] finds the file, lays `CALLPOST__SECTION__KEY` variables over it, brings in secrets from their
//! files, reads every section, flow and the list of prompts, and then looks whether all of it fits together. It tells
//! every [`Mistake`] at once, each with its place and its cure; a configuration with a mistake is never used.

mod agent;
mod changes;
mod draft;
mod effect;
mod encryption;
mod environment;
mod fitting;
mod flows;
mod gathered;
mod group;
mod kept;
mod links;
mod load;
mod mailbox;
mod masks;
mod mistake;
mod named;
mod number;
mod pbx;
mod plain_words;
mod reader;
mod recorded;
mod route;
mod secret;
mod section;
mod shipped;
mod site;
mod source;
mod texts;
mod tls_files;
mod trunk;
mod voicemail;

pub use crate::model::Secret;
pub use agent::Agent;
pub use changes::{Change, How, KeyChange};
pub use gathered::Config;
pub use group::Group;
pub use kept::{AgentFault, LeftOut};
pub use load::{Loaded, Surroundings, Unloadable};
pub use mailbox::Mailbox;
pub use masks::Masks;
pub use mistake::{Mistake, Place, report};
pub use number::NumberRule;
pub use pbx::Pbx;
pub use route::Route;
pub use site::Site;
pub use texts::Texts;
pub use trunk::Trunk;
pub use voicemail::Voicemail;
