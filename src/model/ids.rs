use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// Declares a cheaply cloned name, so that a group can never be passed where an agent is meant.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(/// One person (or door, or fax) who can take calls; the key of `[[agent]]`.
    AgentId);
name!(/// A ring group; the key of `[[group]]`.
    GroupName);
name!(/// A trunk to a PBX or carrier; the key of `[[trunk]]`.
    TrunkName);
name!(/// A call flow; the `name` in `flows/*.toml`.
    FlowName);
name!(/// One step of a flow; the key of `[step.…]`.
    StepName);
name!(/// A prompt without language and file ending; `prompts/<language>/<name>.wav`.
    PromptName);
name!(/// A language tag such as `en` or `ar`.
    Language);
name!(/// A telephone number or user part as it was dialled or shown, after trimming of visual separators.
    Number);

impl Number {
    /// The caller withheld the number.
    pub fn anonymous() -> Self {
        Self::from("anonymous")
    }
}

/// One leg of one call; the caller is always [`LegId::CALLER`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegId(pub u32);

impl LegId {
    /// The leg that brought the call in.
    pub const CALLER: Self = Self(0);
}

impl fmt::Display for LegId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "leg {}", self.0)
    }
}

impl fmt::Debug for LegId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::CALLER {
            out.write_str("caller")
        } else {
            write!(out, "leg{}", self.0)
        }
    }
}

/// A call's place in this run of the daemon; small, and never reused before 2³² calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey(pub u32);

/// One leg among all legs of this run: SIP, media and recorder name a leg by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegKey {
    /// The call the leg belongs to.
    pub call: CallKey,
    /// Which of its legs.
    pub leg: LegId,
}

impl fmt::Display for LegKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.call.0, self.leg.0)
    }
}

/// A call's identity for the outside: UUID version 7 (RFC 9562 §5.7), so identities sort by time.
/// It is also the `cdr_id`: a call has one record, so both names hold one value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub Uuid);

impl CallId {
    /// Builds the identity from a wall-clock time in milliseconds and ten random bytes.
    pub fn new(unix_ms: i64, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(unix_ms).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// A recording or a voicemail message. A call has at most one of each; the identity is made like a [`CallId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordingId(pub Uuid);

impl fmt::Display for RecordingId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for RecordingId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}
