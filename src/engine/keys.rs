//! A key of one leg: the call hears it once, and whoever listens on the other leg is told in the form that leg wants.

use super::Engine;
use super::line::Line;
use crate::agents::Reach;
use crate::call::Event;
use crate::media::{KeyPath, MediaOrder};
use crate::model::{CallKey, Destination, Digit, Dtmf, LegKey, TrunkName};
use crate::sip::SessionId;
use std::time::Instant;

impl Engine {
    pub(super) fn info_digit(&mut self, now: Instant, session: SessionId, digit: Digit) {
        if let Some(key) = self.leg_of(session) {
            self.digit(now, key, digit, KeyPath::Info);
        }
    }

    /// Only the keys of whose call it is mean something to the call; an agent's go on to
    /// the other side, and may be a code of the site.
    pub(super) fn digit(&mut self, now: Instant, key: LegKey, digit: Digit, path: KeyPath) {
        let Some(line) = self.line_mut(key.call, key.leg) else {
            return;
        };
        line.tells_by(path);
        if !line.echo.is_news(now, digit, path) {
            return;
        }
        self.pass_on(now, key, digit, path);
        let Some(live) = self.calls.get(&key.call) else {
            return;
        };
        if live.call.front() == key.leg {
            self.tell(key.call, Event::DigitPressed(digit));
        } else if live.call.is_talking(key.leg) {
            self.tell(key.call, Event::AgentPressed(key.leg, digit));
        }
    }

    /// Tells each leg that hears this one of its key, unless the voice brings it anyway.
    fn pass_on(&mut self, now: Instant, key: LegKey, digit: Digit, path: KeyPath) {
        let Some(live) = self.calls.get(&key.call) else {
            return;
        };
        let Some(from) = live.line(key.leg).filter(|_| live.hearing.contains(&key.leg)) else {
            return;
        };
        let (mut by_info, mut by_media) = (Vec::new(), Vec::new());
        for to in live.hearing.iter().filter(|leg| **leg != key.leg) {
            let Some(line) = live.line(*to) else { continue };
            let form = line.wants_keys();
            let comes_anyway = match (path, form) {
                (KeyPath::Event, KeyPath::Event) => !live.mixes && is_relayed(from, line),
                (KeyPath::Tone, KeyPath::Tone) => true,
                // A phone that sings each key besides telling of it is heard singing.
                (KeyPath::Info | KeyPath::Event, KeyPath::Tone) => from.sings,
                (_, KeyPath::Info) | (KeyPath::Info | KeyPath::Tone, KeyPath::Event) => false,
            };
            match form {
                _ if comes_anyway => {}
                KeyPath::Info => by_info.push(line.session),
                KeyPath::Event | KeyPath::Tone => by_media.push(live.leg_key(*to)),
            }
        }
        for session in by_info {
            self.sip.press(now, session, digit);
        }
        for leg in by_media {
            self.media(MediaOrder::SendDigit { leg, digit });
        }
    }

    /// A far side does not take keys by INFO after all: this one and those that follow go through the media.
    pub(super) fn digit_refused(&mut self, session: SessionId, digit: Digit) {
        let Some(leg) = self.leg_of(session) else { return };
        let Some(line) = self.line_mut(leg.call, leg.leg) else {
            return;
        };
        line.refuses_info = true;
        if line.is_open {
            self.media(MediaOrder::SendDigit { leg, digit });
        }
    }

    /// How keys are told to and by this destination.
    pub(super) fn dtmf_of(&self, destination: &Destination) -> Dtmf {
        match destination {
            Destination::Registered { extension, .. } => self
                .roster
                .agent_at(extension)
                .map_or(Dtmf::Auto, |agent| agent.dtmf),
            Destination::Trunk { trunk, number } => self
                .roster
                .agents()
                .find(|agent| matches!(&agent.reach, Reach::Trunk(own, at) if own == trunk && at == number))
                .map(|agent| agent.dtmf)
                .filter(|dtmf| *dtmf != Dtmf::Auto)
                .unwrap_or_else(|| self.dtmf_of_trunk(trunk)),
            Destination::Contact(uri) => self
                .roster
                .agents()
                .find(|agent| matches!(&agent.reach, Reach::Contact(own) if own == uri))
                .map_or(Dtmf::Auto, |agent| agent.dtmf),
        }
    }

    /// How keys are told to and by who calls.
    pub(super) fn dtmf_of_origin(&self, origin: &crate::sip::Origin) -> Dtmf {
        match origin {
            crate::sip::Origin::Trunk(trunk) => self.dtmf_of_trunk(trunk),
            crate::sip::Origin::Phone(extension) => self
                .roster
                .agent_at(extension)
                .map_or(Dtmf::Auto, |agent| agent.dtmf),
        }
    }

    fn dtmf_of_trunk(&self, trunk: &TrunkName) -> Dtmf {
        let rules = self.settings.trunks.get(trunk);
        rules.map_or(Dtmf::Auto, |rules| rules.dtmf)
    }

    /// While a flow asks for a secret, the caller's voice and keys are kept off the tape. Asked after each event of a
    /// call.
    pub(super) fn keep_secrets(&mut self, key: CallKey) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let secret = live.call.keeps_secret();
        if live.keeps_secret != secret {
            live.keeps_secret = secret;
            let leg = live.leg_key(live.call.front());
            self.media(MediaOrder::KeepSecret { leg, secret });
        }
    }
}

impl Line {
    /// Remembers how the far side tells of its keys.
    fn tells_by(&mut self, path: KeyPath) {
        match path {
            KeyPath::Event => {}
            KeyPath::Info => self.tells_by_info = true,
            KeyPath::Tone => self.sings = true,
        }
    }

    /// The form in which the far side is told of keys.
    fn wants_keys(&self) -> KeyPath {
        let takes_events = self
            .agreed
            .is_some_and(|agreed| agreed.send_telephone_event.is_some());
        let by_info = match self.dtmf {
            Dtmf::Info => true,
            Dtmf::Auto => self.tells_by_info && !takes_events,
            Dtmf::Rfc4733 | Dtmf::Inband => false,
        };
        match (by_info && !self.refuses_info, takes_events) {
            (true, _) => KeyPath::Info,
            (false, true) => KeyPath::Event,
            (false, false) => KeyPath::Tone,
        }
    }
}

/// Whether the media pass telephone-events of one leg to the other as they come: their voices need no mixing, and so
/// both count by the same clock.
fn is_relayed(from: &Line, to: &Line) -> bool {
    match (from.agreed, to.agreed) {
        (Some(from), Some(to)) => from.codec.passes_as(to.codec),
        (None, _) | (_, None) => false,
    }
}
