use super::Number;
use serde::{Deserialize, Serialize};

/// One station that forwarded a call before it came to us, as the trunk tells it (RFC 5806, RFC 7044), or that sent on one
/// of ours (RFC 3261 §21.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverted {
    /// Whose calls are forwarded; `anonymous` when that is not to be shown.
    pub number: Number,
    /// Why: `unconditional`, `user-busy`, `no-answer`, … or what History-Info says, such as `SIP;cause=486`.
    pub reason: Option<String>,
}
