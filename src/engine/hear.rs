//! What SIP and the media tell becomes call events.

use super::{Engine, Notice, Output};
use crate::call::{Cause, Event};
use crate::media::MediaEvent;
use crate::model::{CallKey, LegId, LegKey, Quality};
use crate::sdp::{Agreed, Flowing};
use crate::sip::{self, SessionId};
use std::time::Instant;

impl Engine {
    pub(super) fn hear_sip(&mut self, now: Instant, event: sip::Event) {
        match event {
            sip::Event::Incoming(incoming) => self.arrive(now, *incoming),
            sip::Event::Ringing(session) => {
                self.rings_by_name(session);
                self.tell_leg(session, Event::LegRinging);
            }
            sip::Event::EarlyMedia { session, body } => self.early_media(session, body),
            sip::Event::Answered { session, body } => self.phone_answered(now, session, &body),
            sip::Event::Confirmed { session, body } => self.caller_confirmed(session, body),
            sip::Event::Redirected { session, status, to } => self.redirected(now, session, status, to),
            sip::Event::Refused { session, status } => self.phone_refused(now, session, status),
            sip::Event::Left(session) => self.far_side_left(now, session),
            sip::Event::NeverAcknowledged(session) => self.never_acknowledged(now, session),
            sip::Event::Expired(session) => self.session_expired(now, session),
            sip::Event::RefreshWanted(session) => self.refresh(now, session),
            sip::Event::Reanswered { session, body } => self.reanswered(now, session, &body),
            sip::Event::Offered { session, body } => self.offered(now, session, body),
            sip::Event::Referred(referral) => self.referred(now, *referral),
            sip::Event::Words { session, words } => self.pass_words(now, session, words),
            sip::Event::Digit { session, digit } => self.info_digit(now, session, digit),
            sip::Event::DigitRefused { session, digit } => self.digit_refused(session, digit),
            sip::Event::Bound(binding) => {
                let extension = binding.extension.clone();
                let address = binding.flow.peer.to_string();
                self.out
                    .push(Output::Notice(Notice::PhoneRegistered { extension, address }));
                self.keep_binding(now, &binding);
            }
            sip::Event::Refreshed { binding, before } => self.keep_refresh(now, &binding, before),
            sip::Event::Unbound(gone) => {
                self.out.push(Output::Notice(Notice::PhoneGone {
                    extension: gone.extension.clone(),
                }));
                self.keep_unbound(gone);
            }
            sip::Event::PhoneProbed { extension, is_there } => {
                let answers = is_there;
                self.out
                    .push(Output::Notice(Notice::PhoneChanged { extension, answers }));
            }
            sip::Event::CutOff(session) => self.cut_off(now, session),
            sip::Event::Banned(ban) => self.tell_log(Notice::AddressBanned {
                source: ban.source,
                user: ban.user,
                minutes: (ban.until - ban.since).as_secs() / 60,
            }),
            sip::Event::WeakerDigest { extension, address } => {
                self.tell_log(Notice::WeakerDigest { extension, address });
            }
            sip::Event::Stranger { method, address } => self.tell_log(Notice::Stranger { method, address }),
            sip::Event::Noise { address, fault } => self.tell_log(Notice::Noise {
                address,
                fault: fault.to_string(),
            }),
            sip::Event::TrunkProbed { trunk, outcome } => self.trunk_probed(now, trunk, outcome),
            sip::Event::Registered { trunk, outcome } => self.trunk_registered(now, trunk, outcome.err()),
        }
    }

    fn tell_log(&mut self, notice: Notice) {
        self.out.push(Output::Notice(notice));
    }

    pub(super) fn leg_of(&self, session: SessionId) -> Option<LegKey> {
        self.sessions.get(&session).copied()
    }

    fn tell_leg(&mut self, session: SessionId, event: impl FnOnce(LegId) -> Event) {
        if let Some(key) = self.leg_of(session) {
            self.tell(key.call, event(key.leg));
        }
    }

    fn phone_answered(&mut self, now: Instant, session: SessionId, body: &[u8]) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        // Behind a fail-over another target than the first has answered.
        let peer = self.sip.signals_to(session);
        let Some(line) = self.line_mut(call, leg) else {
            return;
        };
        if let Some(peer) = peer {
            line.negotiator.now_facing(peer);
        }
        line.is_up = true;
        line.early = None;
        // A 200 that says nothing means what was agreed on meanwhile.
        let said = match line.agreed.filter(|_| body.is_empty()) {
            Some(agreed) => Ok(agreed),
            None => line.negotiator.answered(body),
        };
        match said {
            Ok(agreed) => {
                self.start_media(call, leg, agreed);
                self.tell(call, Event::LegAnswered(leg));
                self.note_hold(call, leg, agreed);
            }
            Err(_) => match line.negotiator.offer_plain() {
                // It picked up and left the encryption out: it is asked once more, in the call, and hears it then.
                Some(offer) => {
                    line.is_unsettled = true;
                    self.sip.reoffer(now, session, &offer);
                }
                None => self.cannot_talk(now, session, LegKey { call, leg }),
            },
        }
    }

    /// A phone picked up, and nothing it can hear was agreed on.
    fn cannot_talk(&mut self, now: Instant, session: SessionId, key: LegKey) {
        self.sip
            .release(now, session, super::farewell::farewell(Cause::Incompatible));
        self.drop_line(now, key.call, key.leg);
        let refusal = self.refusal_for(key, 488);
        self.tell(key.call, Event::LegRefused(key.leg, refusal));
    }

    /// The ACK of a caller whose INVITE or re-INVITE carried no offer brings the answer to ours.
    fn caller_confirmed(&mut self, session: SessionId, body: Option<Vec<u8>>) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        let Some(line) = self.line_mut(call, leg) else {
            return;
        };
        match body.map(|body| line.negotiator.answered(&body)) {
            Some(Ok(agreed)) => self.change_media(call, leg, agreed),
            // An ACK without an answer, or with one that does not fit: what was agreed before stands, if anything was.
            None | Some(Err(_)) if line.agreed.is_some() => {}
            None => self.tell(call, Event::CannotServe(Cause::Incompatible, "no_common_codec")),
            Some(Err(error)) => self.tell(call, Event::CannotServe(Cause::Incompatible, error.word())),
        }
    }

    /// The far side and we agreed anew; the call hears of hold and resume.
    pub(super) fn change_media(&mut self, call: CallKey, leg: LegId, agreed: Agreed) {
        self.start_media(call, leg, agreed);
        self.note_hold(call, leg, agreed);
    }

    fn note_hold(&mut self, call: CallKey, leg: LegId, agreed: Agreed) {
        let Some(line) = self.line_mut(call, leg) else {
            return;
        };
        let is_held = agreed.flowing != Flowing::Both;
        let was_held = std::mem::replace(&mut line.is_held, is_held);
        match (was_held, is_held) {
            (false, true) => self.tell(call, Event::LegHeld(leg)),
            (true, false) => self.tell(call, Event::LegResumed(leg)),
            (true, true) | (false, false) => {}
        }
    }

    pub(super) fn phone_refused(&mut self, now: Instant, session: SessionId, status: u16) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        if self.invite_plainly(now, LegKey { call, leg }, status) {
            return;
        }
        self.drop_line(now, call, leg);
        let refusal = self.refusal_for(LegKey { call, leg }, status);
        self.tell(call, Event::LegRefused(leg, refusal));
    }

    fn far_side_left(&mut self, now: Instant, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        if let Some(live) = self.calls.get_mut(&call)
            && leg == LegId::CALLER
            && live.line(leg).is_some_and(|line| !line.is_up)
        {
            live.sip_code = Some(487);
        }
        self.drop_line(now, call, leg);
        self.tell(call, Event::LegLeft(leg));
    }

    fn never_acknowledged(&mut self, now: Instant, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        self.drop_line(now, call, leg);
        self.leg_failed(now, LegKey { call, leg }, Cause::Failed, "no_ack");
    }

    /// The phone's connection closed and it did not come back on another.
    fn cut_off(&mut self, now: Instant, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        self.drop_line(now, call, leg);
        self.leg_failed(now, LegKey { call, leg }, Cause::Failed, "connection_lost");
    }

    fn session_expired(&mut self, now: Instant, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        self.drop_line(now, call, leg);
        self.leg_failed(now, LegKey { call, leg }, Cause::Failed, "session_expired");
    }

    /// The far side takes no UPDATE, so the session is kept alive with an offer of what there is.
    fn refresh(&mut self, now: Instant, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        if let Some(line) = self.line_mut(call, leg) {
            let offer = line.negotiator.offer_again();
            self.sip.reoffer(now, session, &offer);
        }
    }

    fn reanswered(&mut self, now: Instant, session: SessionId, body: &[u8]) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        let Some(line) = self.line_mut(call, leg) else {
            return;
        };
        let was_unsettled = std::mem::take(&mut line.is_unsettled);
        match line.negotiator.answered(body) {
            Ok(agreed) if was_unsettled => {
                self.start_media(call, leg, agreed);
                self.tell(call, Event::LegAnswered(leg));
                self.note_hold(call, leg, agreed);
            }
            Ok(agreed) => self.change_media(call, leg, agreed),
            Err(_) if was_unsettled => self.cannot_talk(now, session, LegKey { call, leg }),
            // An answer that does not fit: what was agreed before stands.
            Err(_) => {}
        }
    }

    /// A re-INVITE: hold, resume, or the phone moved. Answered here; the call only hears of hold.
    fn offered(&mut self, now: Instant, session: SessionId, body: Option<Vec<u8>>) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        let Some(line) = self.line_mut(call, leg) else {
            return;
        };
        let Some(body) = body else {
            let offer = line.negotiator.offer();
            return self.sip.accept_offer(now, session, offer);
        };
        match line.negotiator.answer(&body) {
            Ok((answer, agreed)) if line.is_up => {
                self.sip.accept_offer(now, session, answer);
                self.change_media(call, leg, agreed);
            }
            // Before the answer (RFC 3311): what is heard already goes on as agreed now, the rest waits for the answer.
            Ok((answer, agreed)) => {
                line.agreed = Some(agreed);
                if let Some(waiting) = &mut line.answer {
                    *waiting = (answer.clone(), agreed);
                }
                let is_heard = line.is_open;
                self.sip.accept_offer(now, session, answer);
                if is_heard {
                    self.start_media(call, leg, agreed);
                }
            }
            Err(error) => {
                self.sip.warn(session, error.warning());
                self.sip.refuse_offer(now, session, error.status());
            }
        }
    }

    pub(super) fn hear_media(&mut self, now: Instant, event: MediaEvent) {
        match event {
            MediaEvent::OpenFailed { leg, reason } => self.open_failed(now, leg, reason),
            MediaEvent::PlayFinished { leg, play } => {
                let is_latest = self
                    .line(leg.call, leg.leg)
                    .is_some_and(|line| line.plays == play.0);
                if is_latest {
                    self.tell(leg.call, Event::PlayFinished);
                }
            }
            MediaEvent::DigitPressed { leg, digit, path } => self.digit(now, leg, digit, path),
            MediaEvent::FellSilent { leg } => self.tell(leg.call, Event::FellSilent),
            MediaEvent::WentDead { leg } => self.tell(leg.call, Event::LegWentDead(leg.leg)),
            MediaEvent::Measured { leg, quality } => {
                if let Some(line) = self.line_mut(leg.call, leg.leg) {
                    line.quality = Some(quality);
                }
            }
            MediaEvent::Closed {
                leg,
                quality,
                strangers,
            } => self.media_closed(now, leg, quality, strangers),
        }
    }

    /// Somebody else has the port. It is not given out again, and the leg cannot live.
    fn open_failed(&mut self, now: Instant, key: LegKey, reason: String) {
        self.out.push(Output::Notice(Notice::PortFailed { reason }));
        let Some(live) = self.calls.get_mut(&key.call) else {
            return;
        };
        let Some(line) = live.line_mut(key.leg) else {
            return;
        };
        line.is_open = false;
        line.port = 0;
        self.leg_failed(now, key, Cause::Congestion, "no_ports");
    }

    fn media_closed(&mut self, now: Instant, key: LegKey, quality: Option<Quality>, strangers: u64) {
        self.counters.rtp_strangers += strangers;
        self.counters.rtp_rejected += quality.map_or(0, |quality| quality.packets_rejected);
        match self.closing.remove(&key) {
            Some(port) => self.ports.give_back(port),
            // Nobody asked for it: the thread lost the leg to a fault, and a call without sound is none.
            None if self.line(key.call, key.leg).is_some_and(|line| line.is_open) => {
                self.leg_failed(now, key, Cause::Failed, "media_failed");
            }
            None => {}
        }
        match self.calls.get_mut(&key.call) {
            Some(live) => live.qualities.push((key.leg, quality)),
            None => self.measured(key, quality),
        }
    }
}
