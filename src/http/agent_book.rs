use crate::model::{AgentId, Secret, WrittenAgent};
use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Agents as they are written down: in the configuration file, where they are only read, and in the database, where
/// people make, change and remove them. Every method may wait for the disk, so async code calls it from
/// `spawn_blocking`.
pub trait AgentBook: Send + Sync {
    /// Every agent, those who are not enabled or left out included; those of the file first.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn cards(&self) -> Result<Vec<AgentCard>, StoreError>;

    /// Makes an agent or changes one. On disk and in force when this returns: the phone can register.
    ///
    /// # Errors
    /// [`AgentRefusal`]; nothing has changed then.
    fn write(&self, order: AgentOrder) -> Result<AgentCard, AgentRefusal>;

    /// Removes an agent. The phone is not registered any more; calls under way go on.
    ///
    /// # Errors
    /// [`AgentRefusal`]; nothing has changed then.
    fn remove(&self, id: &AgentId) -> Result<(), AgentRefusal>;

    /// Where phones find the box.
    fn ways(&self) -> PhoneWays;
}

/// An agent as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentCard {
    /// Who it is.
    #[serde(flatten)]
    pub written: WrittenAgent,
    /// Where.
    pub source: AgentSource,
    /// Whether there is a password. It is never shown.
    pub has_password: bool,
    /// Why the agent is not there although it is written down.
    pub trouble: Option<AgentTrouble>,
    /// How often it was written; 0 for an agent of the file.
    pub version: u64,
    /// When it was written last, in milliseconds since 1970; `null` for an agent of the file.
    pub changed_at_unix_ms: Option<i64>,
    /// By whom.
    pub changed_by: Option<String>,
}

/// Where an agent is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentSource {
    /// In the configuration file; changed there.
    File,
    /// In the database; changed by the API and the page.
    Database,
}

/// Why an agent of the database is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "code", content = "agent")]
pub enum AgentTrouble {
    /// The file names an agent of this identity too, and wins.
    InFile,
    /// This other agent has the extension.
    ExtensionTaken(AgentId),
    /// The trunk is not in the file any more.
    NoTrunk,
    /// The password was given for another realm, or never.
    NoPassword,
}

/// What somebody wants of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOrder {
    /// Who it is to be.
    pub written: WrittenAgent,
    /// A password in place of the one there is.
    pub password: Option<Secret>,
    /// Whether it is to be a new one.
    pub is_new: bool,
    /// Only when it is at this version still.
    pub of_version: Option<u64>,
    /// Who wants it.
    pub by: String,
}

/// Why nothing was done about an agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentRefusal {
    /// There is none of this identity.
    #[error("there is no agent with this id")]
    NotFound,
    /// It stands in the configuration file.
    #[error("this agent stands in the configuration file and is changed there")]
    FromFile,
    /// There is one already.
    #[error("there is an agent with this id already")]
    Taken,
    /// It is at another version by now.
    #[error("somebody else has changed this agent meanwhile")]
    Overtaken,
    /// There are as many as there can be.
    #[error("there are {0} agents already")]
    Full(u64),
    /// Something is wrong with it.
    #[error("{}", listed(.0))]
    Faults(Vec<FormFault>),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Something that is wrong, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormFault {
    /// Which key; empty when all of it is meant.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

fn listed(faults: &[FormFault]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|FormFault { key, problem, cure }| match key.as_str() {
            "" => format!("The agent {problem} — {cure}."),
            key => format!("{key} {problem} — {cure}."),
        })
        .collect();
    lines.join(" ")
}

/// Where phones find the box, and how they show who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneWays {
    /// The realm of the digest.
    pub realm: String,
    /// What passwords are proven with, the favourite first: `SHA-256`, `MD5`.
    pub digests: Vec<&'static str>,
    /// Where SIP is spoken: `udp`, `tcp`, `tls`, `ws` or `wss`, with the address as configured.
    pub sockets: Vec<(&'static str, SocketAddr)>,
}
