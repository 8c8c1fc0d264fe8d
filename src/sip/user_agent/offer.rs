//! The SDP of an INVITE, re-INVITE or UPDATE, and what is said when it is not taken: 406, 415 or 488 with a Warning
//! (RFC 3261 §20.43, §21.4.26).

use super::{SessionId, UserAgent};
use crate::sip::{Draft, Fault, Message, Name, Warning, reason_phrase};
use std::borrow::Cow;

/// The only bodies an INVITE may have.
pub(super) const SDP: &str = "application/sdp";

/// Who warns: a pseudonym, which §20.43 allows, so that nothing is told of the box's addresses.
const AGENT: &str = "callpost";

/// Why the body of a request is no offer.
pub(super) struct Objection {
    pub(super) status: u16,
    pub(super) reason: Cow<'static, str>,
}

impl Objection {
    pub(super) fn plain(status: u16) -> Self {
        Self {
            status,
            reason: reason_phrase(status).into(),
        }
    }

    fn of(fault: Fault) -> Self {
        Self {
            status: fault.status,
            reason: fault.to_string().into(),
        }
    }

    /// What the response has to say beside its status (§21.4.7, §21.4.13).
    pub(super) fn said(&self, draft: Draft) -> Draft {
        let warn = |draft: Draft, text: &str| draft.header(Name::Warning, warning_of(399, text));
        match self.status {
            415 => warn(draft, "Only SDP is read")
                .header(Name::Accept, SDP)
                .header(Name::AcceptEncoding, "identity"),
            406 => warn(draft, "The answer would be SDP"),
            _ => draft,
        }
    }
}

/// The offer in a request, whole or as a part of its body (§8.2.3); nothing when there is no body.
pub(super) fn offer_in(request: &Message<'_>) -> Result<Option<Vec<u8>>, Objection> {
    let offer = request.part(SDP).map_err(Objection::of)?;
    if offer.is_none() && !request.body().is_empty() {
        return Err(Objection::plain(415));
    }
    match request.accepts(SDP) {
        Ok(true) => Ok(offer.map(<[u8]>::to_vec)),
        // Our answer would be SDP (§20.1).
        Ok(false) => Err(Objection::plain(406)),
        Err(fault) => Err(Objection::of(fault)),
    }
}

/// A Warning value for a code and text, if there are any.
pub(super) fn warning(warning: Option<&(u16, String)>) -> Option<String> {
    warning.map(|(code, text)| warning_of(*code, text))
}

fn warning_of(code: u16, text: &str) -> String {
    let (agent, text) = (AGENT, text.into());
    Warning { code, agent, text }.to_string()
}

impl UserAgent {
    /// What the next refusal of this session's offer says beside its status: a code of RFC 3261 §20.43 and its text.
    pub fn warn(&mut self, id: SessionId, warning: (u16, String)) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.warning = Some(warning);
        }
    }
}
