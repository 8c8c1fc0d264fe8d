use serde::{Deserialize, Serialize};

/// How the far side of a leg wants to be told of keys, and how it tells of them itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtmf {
    /// By telephone-event where both agree on it, else as it tells of its own keys: by INFO or by tones.
    #[default]
    Auto,
    /// By telephone-event (RFC 4733), and by tones where the far side does not know it.
    Rfc4733,
    /// By SIP INFO; telephone-event is not offered.
    Info,
    /// By tones in the voice; telephone-event is not offered.
    Inband,
}

impl Dtmf {
    /// Whether telephone-event is offered and accepted.
    pub fn agrees_on_events(self) -> bool {
        match self {
            Self::Auto | Self::Rfc4733 => true,
            Self::Info | Self::Inband => false,
        }
    }
}
