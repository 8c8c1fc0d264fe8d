/// What can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::sip) enum Package {
    /// Messages in a box: RFC 3842.
    MessageSummary,
    /// What an extension's calls are doing: RFC 4235.
    Dialog,
    /// Which phones an extension has: RFC 3680.
    Reg,
}

impl Package {
    /// For Allow-Events (RFC 6665 §8.2.2).
    pub(in crate::sip) const ALL: &'static str = "message-summary, dialog, reg";

    /// The package of this name; names are compared byte by byte (§4.1.2.1).
    pub(in crate::sip) fn from_name(name: &str) -> Option<Self> {
        match name {
            "message-summary" => Some(Self::MessageSummary),
            "dialog" => Some(Self::Dialog),
            "reg" => Some(Self::Reg),
            _ => None,
        }
    }

    /// The name in Event.
    pub(in crate::sip) fn name(self) -> &'static str {
        match self {
            Self::MessageSummary => "message-summary",
            Self::Dialog => "dialog",
            Self::Reg => "reg",
        }
    }

    /// What its bodies are.
    pub(in crate::sip) fn content_type(self) -> &'static str {
        match self {
            Self::MessageSummary => "application/simple-message-summary",
            Self::Dialog => "application/dialog-info+xml",
            Self::Reg => "application/reginfo+xml",
        }
    }

    /// Whether only the extension itself may look (RFC 3842 §3.7, RFC 3680 §4.6): lamps show the calls of colleagues,
    /// the other two are private.
    pub(in crate::sip) fn is_private(self) -> bool {
        match self {
            Self::MessageSummary | Self::Reg => true,
            Self::Dialog => false,
        }
    }
}
