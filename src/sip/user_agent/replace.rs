//! An INVITE that takes the place of a session: RFC 3891, as the side that is asked.

use super::session::State;
use super::{Origin, SessionId, UserAgent};
use crate::sip::Message;

impl UserAgent {
    /// The session an INVITE takes the place of, or the status of its refusal (§3). Only the party at the other end of a
    /// session may put another phone there (ROBUSTNESS 40): the same account, or the same trunk.
    pub(super) fn replaced_by(
        &self,
        request: &Message<'_>,
        origin: &Origin,
    ) -> Result<Option<SessionId>, u16> {
        let Some(name) = request.replaces().map_err(|fault| fault.status)? else {
            return Ok(None);
        };
        let id = self.session_named(&name).ok_or(481_u16)?;
        let session = self.sessions.get(&id).ok_or(481_u16)?;
        let is_theirs = match origin {
            Origin::Trunk(trunk) => session.trunk.as_ref() == Some(trunk),
            Origin::Phone(extension) => session.phone.as_ref() == Some(extension),
        };
        if !is_theirs {
            return Err(403);
        }
        match session.state {
            State::Leaving => Err(603),
            State::Up { .. } if session.farewell.is_some() => Err(603),
            State::Up { .. } if name.early_only => Err(486),
            State::Up { .. } => Ok(Some(id)),
            // An early dialog that the other side began cannot be taken over, and ours has no name yet.
            State::Asked { .. } | State::Answered { .. } | State::Inviting { .. } => Err(481),
        }
    }
}
