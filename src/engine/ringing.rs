//! What a caller hears while phones ring: the tone of their own network, ours, or what a trunk sends before the answer
//! (RFC 3960).

use super::Engine;
use crate::call::Event;
use crate::media::MediaOrder;
use crate::model::{CallKey, LegId, LegKey, Playable, Tone};
use crate::sdp::Flowing;
use crate::sip::SessionId;
use std::time::Instant;

/// The status that says: phones ring.
const RINGS: u16 = 180;
/// The status that says: there is something to be heard.
const HEARD: u16 = 183;

impl Engine {
    /// Tells the caller that phones ring.
    pub(super) fn ring(&mut self, now: Instant, key: CallKey, leg: LegId) {
        let Some(line) = self.line(key, leg) else { return };
        let session = line.session;
        let is_heard = self
            .calls
            .get(&key)
            .is_some_and(|live| live.hears_early.is_some());
        let rings_itself = self.settings.early_ringback && !is_heard;
        if line.answer.is_none() && !line.offered_early && self.sip.needs_offer_early(session) {
            return self.offer_early(now, key, leg, RINGS);
        }
        let Some(line) = self.line(key, leg) else { return };
        let answer = line.answer.clone().filter(|_| rings_itself);
        let Some((sdp, mut agreed)) = answer else {
            return self.sip.ring(now, session);
        };
        // Until it is answered nothing has to come from it, so that its silence is no dead line.
        if agreed.flowing == Flowing::Both {
            agreed.flowing = Flowing::SendOnly;
        }
        if self.sip.ring_early(now, session, HEARD, sdp) {
            self.start_media(key, leg, agreed);
            self.play(key, leg, vec![Playable::Tone(Tone::Ringback)], true);
        }
    }

    /// A phone we invited sends sound before it is picked up; whether anybody hears it is the call's to say.
    pub(super) fn early_media(&mut self, session: SessionId, body: Vec<u8>) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        let peer = self.sip.signals_to(session);
        let Some(line) = self.line_mut(call, leg).filter(|line| !line.is_up) else {
            return;
        };
        if let Some(peer) = peer {
            line.negotiator.now_facing(peer);
        }
        line.early = Some(body);
        self.tell(call, Event::LegSpeaks(leg));
    }

    /// Lets the party whose call it is hear a leg that has not been picked up, and be heard: keys for a menu that answers
    /// late are pressed now. What it sends is not counted as a conversation, and its silence ends nothing.
    pub(super) fn ring_through(&mut self, now: Instant, key: CallKey, front: LegId, leg: LegId) {
        let Some(line) = self.line_mut(key, leg) else {
            return;
        };
        let Some(body) = line.early.take() else { return };
        let Ok(agreed) = line.negotiator.answered(&body) else {
            return self.ring_unless_up(now, key, front);
        };
        self.start_media(key, leg, agreed);
        if self
            .calls
            .get(&key)
            .is_some_and(|live| live.hears_early == Some(leg))
        {
            return; // It has only moved.
        }
        if !self.opens_early(now, key, front) {
            return self.ring_unless_up(now, key, front);
        }
        self.bridge(key, front, leg);
        if let Some(live) = self.calls.get_mut(&key) {
            live.hears_early = Some(leg);
        }
    }

    fn ring_unless_up(&mut self, now: Instant, key: CallKey, front: LegId) {
        if self.line(key, front).is_some_and(|line| !line.is_up) {
            self.ring(now, key, front);
        }
    }

    /// Opens the sound of a caller who has not been answered; `false` when they cannot hear anything yet.
    fn opens_early(&mut self, now: Instant, key: CallKey, front: LegId) -> bool {
        let Some(line) = self.line(key, front) else {
            return false;
        };
        if line.is_up || line.offered_early {
            return true;
        }
        let session = line.session;
        match line.answer.clone() {
            Some((sdp, agreed)) => {
                let is_told = self.sip.ring_early(now, session, HEARD, sdp);
                if is_told {
                    self.start_media(key, front, agreed);
                }
                is_told
            }
            None if self.sip.takes_offer_early(session) => {
                self.offer_early(now, key, front, HEARD);
                true
            }
            None => false,
        }
    }

    /// Our offer to a caller whose INVITE had none, before the answer; theirs comes with the PRACK (RFC 3262 §5).
    fn offer_early(&mut self, now: Instant, key: CallKey, leg: LegId, status: u16) {
        let Some(line) = self.line_mut(key, leg) else {
            return;
        };
        let session = line.session;
        let sdp = line.negotiator.offer();
        line.offered_early = true;
        self.open_media(key, leg);
        self.sip.ring_early(now, session, status, sdp);
    }

    /// Lets two legs talk. Two who hear each other already go on as they are.
    pub(super) fn bridge(&mut self, key: CallKey, a: LegId, b: LegId) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let (before, mixed) = (std::mem::replace(&mut live.hearing, vec![a, b]), live.mixes);
        live.mixes = false;
        let goes_on = live.hears_early.take() == Some(b) && before == live.hearing && !mixed;
        if !goes_on {
            let (a, b) = (LegKey { call: key, leg: a }, LegKey { call: key, leg: b });
            self.media(MediaOrder::Bridge { a, b });
        }
    }
}
