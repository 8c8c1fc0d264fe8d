use serde::{Deserialize, Serialize};
use std::fmt;

/// What an agent is doing. One set for every dialect; the dialects map it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Can be rung.
    Available,
    /// A phone of theirs rings.
    Ringing,
    /// In a call.
    Busy,
    /// Finishing the last call's work; becomes available by itself.
    WrapUp,
    /// Away by choice.
    OnBreak,
    /// No phone to ring.
    Offline,
}

impl fmt::Display for AgentState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Available => "available",
            Self::Ringing => "ringing",
            Self::Busy => "busy",
            Self::WrapUp => "wrap_up",
            Self::OnBreak => "on_break",
            Self::Offline => "offline",
        })
    }
}
