//! An INVITE that takes the place of a session (RFC 3891), whose right to that `sip` has found good: another phone of the
//! same party goes on with the call, somebody goes on with it in the party's place, or a colleague answers a call that
//! rings elsewhere.

use super::Engine;
use super::farewell::farewell;
use super::line::Line;
use crate::call::{Cause, Event, Newcomer};
use crate::model::{CallKey, LegId, LegKey, NoteKind};
use crate::sip::{Farewell, Incoming, Origin, Replacing, SessionId};
use std::time::Instant;

/// The dialog is not there, or not any more (§3).
const NO_SUCH_DIALOG: u16 = 481;
/// It is there, and is not to be replaced now.
const DECLINED: u16 = 603;

impl Engine {
    pub(super) fn take_place(&mut self, now: Instant, incoming: &Incoming, of: Replacing) {
        let refused = match of {
            Replacing::Own(old) => self.replace_session(now, incoming, old),
            Replacing::Another(old) => self.let_in(now, incoming, old, Event::TakenOver, DECLINED),
            Replacing::Ringing(old) => self.let_in(now, incoming, old, Event::PickedUp, NO_SUCH_DIALOG),
        };
        if let Err(status) = refused {
            let farewell = Farewell {
                status,
                retry_after_seconds: None,
                reasons: &[],
            };
            self.sip.release(now, incoming.session, farewell);
        }
    }

    /// A call of the same party takes the place of one of its sessions: the leg stays, the phone is another. The status
    /// when that cannot be.
    fn replace_session(&mut self, now: Instant, incoming: &Incoming, old: SessionId) -> Result<(), u16> {
        let LegKey { call, leg } = self.leg_of(old).ok_or(NO_SUCH_DIALOG)?;
        let local = incoming.flow.local.ip();
        let known = self.line(call, leg);
        let known = known.filter(|line| line.is_up && line.local == local);
        let port = known.map(|line| line.port).ok_or(488_u16)?;
        let mut negotiator = self.negotiator_of(incoming, port);
        let offer = incoming.offer.as_ref();
        let answer = offer.map(|offer| negotiator.answer(offer)).transpose();
        let answer = answer.map_err(|error| {
            self.sip.warn(incoming.session, error.warning());
            error.status()
        })?;
        let sdp = answer.as_ref().map(|(sdp, _)| sdp.clone());
        let sdp = sdp.unwrap_or_else(|| negotiator.offer());
        self.sessions.remove(&old);
        self.seat(incoming.session, LegKey { call, leg });
        let Some(line) = self.line_mut(call, leg) else {
            return Err(NO_SUCH_DIALOG);
        };
        (line.session, line.negotiator) = (incoming.session, negotiator);
        // Without an offer it is the ACK that brings what is agreed, and says whether the hold is over.
        if let Some((_, agreed)) = answer {
            self.change_media(call, leg, agreed);
        }
        self.sip.answer(now, incoming.session, sdp);
        self.sip.release(now, old, farewell(Cause::Transferred));
        let number = incoming.caller_number.as_str().to_owned();
        self.note(now, call, NoteKind::Transferred, Some(leg), number);
        Ok(())
    }

    /// Somebody comes to a call as a leg of their own. When the call does not take them in, this is the status they are
    /// told.
    fn let_in(
        &mut self,
        now: Instant,
        incoming: &Incoming,
        old: SessionId,
        event: fn(LegId, Newcomer) -> Event,
        otherwise: u16,
    ) -> Result<(), u16> {
        let LegKey { call, leg } = self.leg_of(old).ok_or(NO_SUCH_DIALOG)?;
        let port = self.ports.take().ok_or(503_u16)?;
        let mut negotiator = self.negotiator_of(incoming, port);
        let offer = incoming.offer.as_ref();
        let answer = match offer.map(|offer| negotiator.answer(offer)).transpose() {
            Ok(answer) => answer,
            Err(error) => {
                self.ports.give_back(port);
                self.sip.warn(incoming.session, error.warning());
                return Err(error.status());
            }
        };
        let local = incoming.flow.local.ip();
        // Which leg it becomes is the call's to say.
        let mut line = Line::new(LegId::CALLER, incoming.session, local, port, negotiator);
        line.dtmf = self.dtmf_of_origin(&incoming.origin);
        line.answer = answer;
        let newcomer = match &incoming.origin {
            Origin::Phone(extension) => Newcomer {
                agent: self.roster.agent_at(extension).map(|agent| agent.id.clone()),
                number: extension.as_str().to_owned(),
            },
            Origin::Trunk(trunk) => {
                line.trunk = Some(trunk.clone());
                Newcomer {
                    agent: None,
                    number: incoming.caller_number.as_str().to_owned(),
                }
            }
        };
        self.newcomer = Some(line);
        self.happen(now, call, event(leg, newcomer));
        match self.newcomer.take() {
            None => Ok(()),
            Some(line) => {
                self.ports.give_back(line.port);
                Err(otherwise)
            }
        }
    }

    /// The call takes the newcomer in, as this leg.
    pub(super) fn take_in(&mut self, now: Instant, key: CallKey, leg: LegId) {
        let Some(mut line) = self.newcomer.take() else {
            return;
        };
        let Some(live) = self.calls.get_mut(&key) else {
            return self.newcomer = Some(line);
        };
        line.leg = leg;
        let session = line.session;
        live.lines.push(line);
        self.seat(session, LegKey { call: key, leg });
        self.answer(now, key, leg);
    }
}
