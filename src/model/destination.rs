use super::{Number, TrunkName};
use serde::{Deserialize, Serialize};

/// Where an agent's phone is. `agents` finds it, `call` dials it, only `engine` looks inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A phone registered here: the extension and which of its contacts (the contact URI as registered).
    Registered {
        /// The user part of the address of record.
        extension: Number,
        /// The contact URI.
        contact: String,
    },
    /// A phone behind a trunk.
    Trunk {
        /// Through which trunk.
        trunk: TrunkName,
        /// Which number there.
        number: Number,
    },
    /// A fixed SIP address, `sip:user@host:port`.
    Contact(String),
}
