use serde::{Deserialize, Serialize};

/// Whether voice is encrypted with a peer; the value of `srtp` in the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// Never: who offers nothing else is refused.
    Off,
    /// Where both sides can.
    #[default]
    Allowed,
    /// Always: who cannot is refused.
    Required,
}

/// What one leg may do about encryption: the configured wish, and what the way of its SIP permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Security {
    /// What is wished for.
    pub srtp: Srtp,
    /// Whether keys may be sent: nobody on the way can read the SIP, or that was allowed expressly (RFC 4568 §9.1).
    pub keys_may_travel: bool,
    /// Whether our offer for an invitation is an encrypted one.
    pub offers: bool,
    /// Whether crypto lines count in a plain `RTP/AVP` stream as well.
    pub best_effort: bool,
}

impl Security {
    /// No encryption at all.
    pub const NONE: Self = Self {
        srtp: Srtp::Off,
        keys_may_travel: false,
        offers: false,
        best_effort: false,
    };

    /// Whether encrypted voice can be agreed on.
    pub(super) fn can_encrypt(self) -> bool {
        self.srtp != Srtp::Off && self.keys_may_travel
    }

    /// Whether plain voice may be agreed on.
    pub(super) fn may_be_plain(self) -> bool {
        self.srtp != Srtp::Required
    }
}
