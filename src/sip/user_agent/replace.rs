//! An INVITE that takes the place of a session: RFC 3891 §3, as the side that is asked.
//!
//! Knowing a dialog's name is no right to it (ROBUSTNESS 40). A session may be replaced by its own party; a phone that
//! rings by a colleague of a group whose phones may pick up for each other; a conversation by somebody to whom its party has
//! handed it on: a trunk with `takes_over`, or such a colleague with the party's word, Referred-By.

use super::session::{Session, State};
use super::{Origin, Replacing, SessionId, UserAgent};
use crate::model::Number;
use crate::sip::{CallName, Message};

impl UserAgent {
    /// What an INVITE takes the place of, or the status of its refusal (§3).
    pub(super) fn replaced_by(
        &self,
        request: &Message<'_>,
        origin: &Origin,
    ) -> Result<Option<Replacing>, u16> {
        let Some(name) = request.replaces().map_err(|fault| fault.status)? else {
            return Ok(None);
        };
        let id = self.session_named(&name).ok_or(481_u16)?;
        let session = self.sessions.get(&id).ok_or(481_u16)?;
        let is_own = session.is_with(origin);
        let is_early = matches!(session.state, State::Asked { .. } | State::Inviting { .. });
        let may = is_own
            || if is_early {
                self.may_take_ringing(session, origin)
            } else {
                self.is_handed_on(session, origin, request)
            };
        if !may {
            return Err(403);
        }
        match session.state {
            State::Leaving => Err(603),
            State::Inviting { .. } | State::Answered { .. } | State::Up { .. }
                if session.farewell.is_some() =>
            {
                Err(603)
            }
            // An early dialog that the other side began.
            State::Asked { .. } => Err(481),
            State::Inviting { .. } => Ok(Some(Replacing::Ringing(id))),
            State::Answered { .. } | State::Up { .. } if name.early_only => Err(486),
            State::Answered { .. } | State::Up { .. } if is_own => Ok(Some(Replacing::Own(id))),
            State::Answered { .. } | State::Up { .. } => Ok(Some(Replacing::Another(id))),
        }
    }

    /// Whether a phone may take calls that ring at another one.
    pub(super) fn may_pick_up(&self, who: &Number, rung: &Number) -> bool {
        let account = |extension| self.accounts.get(extension);
        let pair = account(who).zip(account(rung));
        who == rung || pair.is_some_and(|(who, rung)| who.may_pick_up_for(rung))
    }

    /// Whether somebody else may take the calls that ring at this phone.
    pub fn is_picked_up_for(&self, rung: &Number) -> bool {
        let account = self.accounts.get(rung);
        account.is_some_and(|account| !account.pickup.is_empty())
    }

    /// What a call of ours is called at the phone that rings with it; nothing before it rings and once it is answered.
    pub fn ringing_name(&self, id: SessionId) -> Option<CallName> {
        let session = self.sessions.get(&id)?;
        let rings = matches!(session.state, State::Inviting { .. });
        let local_tag = session.rings_with.as_ref().filter(|_| rings)?;
        Some(CallName {
            call_id: session.dialog.call_id.clone(),
            local_tag: local_tag.to_string(),
            remote_tag: session.dialog.local_tag.clone(),
        })
    }

    fn may_take_ringing(&self, session: &Session, origin: &Origin) -> bool {
        match (origin, &session.phone) {
            (Origin::Phone(who), Some(rung)) => self.may_pick_up(who, rung),
            (Origin::Phone(_), None) | (Origin::Trunk(_), _) => false,
        }
    }

    /// Whether the party of this conversation has handed it on to whoever asks: a trunk that is trusted is believed, since
    /// only that party could tell it the name; a colleague has to bring the party's word for it, Referred-By.
    fn is_handed_on(&self, session: &Session, origin: &Origin, request: &Message<'_>) -> bool {
        match (origin, &session.phone) {
            (Origin::Trunk(name), _) => {
                let mut trunks = self.settings.trunks.iter();
                trunks.any(|trunk| trunk.name == *name && trunk.takes_over)
            }
            (Origin::Phone(who), Some(party)) => {
                let referrer = request.referred_by().ok().flatten();
                let says_so = referrer.and_then(|by| Some(by.uri().user()? == party.as_str()));
                says_so == Some(true) && self.may_pick_up(who, party)
            }
            (Origin::Phone(_), None) => false,
        }
    }
}

impl Session {
    /// Whether this is who is at the other end.
    fn is_with(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Trunk(trunk) => self.trunk.as_ref() == Some(trunk),
            Origin::Phone(extension) => self.phone.as_ref() == Some(extension),
        }
    }
}
