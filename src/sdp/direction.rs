use super::Flowing;

impl Flowing {
    /// Whether the box may send.
    pub fn sends(self) -> bool {
        match self {
            Self::Both | Self::SendOnly => true,
            Self::ReceiveOnly | Self::Neither => false,
        }
    }

    /// Whether the box may receive.
    pub fn receives(self) -> bool {
        match self {
            Self::Both | Self::ReceiveOnly => true,
            Self::SendOnly | Self::Neither => false,
        }
    }

    /// The flow for these two.
    pub(super) fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::Both,
            (true, false) => Self::SendOnly,
            (false, true) => Self::ReceiveOnly,
            (false, false) => Self::Neither,
        }
    }

    /// The attribute that says so, from the box's mouth (RFC 8866 §6.7).
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Both => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::ReceiveOnly => "recvonly",
            Self::Neither => "inactive",
        }
    }

    /// What the peer's attribute means for the box: its `sendonly` is our receiving (RFC 3264 §6.1).
    pub(super) fn from_peers_word(word: &str) -> Option<Self> {
        match word {
            "sendrecv" => Some(Self::Both),
            "sendonly" => Some(Self::ReceiveOnly),
            "recvonly" => Some(Self::SendOnly),
            "inactive" => Some(Self::Neither),
            _ => None,
        }
    }
}
