//! A leg's peer is told of keys, and heard when it sings them.

use super::echo::{Echo, KeyPath};
use super::presses::{Told, write_event};
use crate::media::playing::Sound;
use crate::media::rtp::{HEADER, Header, Packet};
use crate::media::{PACKET, Session, g711};
use crate::model::{Codec, Digit};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// Only where nobody agreed on telephone-event: then a key can come in no other way.
    pub(in crate::media) fn listen_for_tones(
        &mut self,
        header: &Header,
        codec: Codec,
        payload: &[u8],
    ) -> Option<Digit> {
        let inband = self.inband.as_mut()?;
        let (sequence, timestamp) = (header.sequence, header.timestamp);
        if codec.is_g711() {
            let voice = payload.iter().map(|byte| g711::linear(codec, *byte));
            return inband.hear(sequence, timestamp, codec.clock_rate(), voice);
        }
        inband.hear_coded(sequence, timestamp, codec, payload)
    }

    /// Tells the peer of a key, after those that wait. A key that was just passed on as it came is its echo.
    pub fn press(&mut self, now: Instant, digit: Digit) {
        if self.told.echo.is_news(now, digit, KeyPath::Info) {
            self.presses.press(digit);
        }
    }

    /// Whether keys are being told; then [`Session::key_frame`] is to be called every 20 ms, before
    /// [`Session::frame`] and in its place.
    pub fn is_pressing(&self) -> bool {
        self.presses.are_under_way()
    }

    /// The key whose tone is needed before the next [`Session::key_frame`]: the peer takes no telephone-event.
    pub fn wants_tone(&self) -> Option<Digit> {
        self.presses.wants_tone().filter(|_| !self.takes_events())
    }

    /// The answer to [`Session::wants_tone`]: the tone, and silence to come after it.
    pub fn sing(&mut self, tone: Arc<Sound>, rest: Arc<Sound>) {
        self.presses.sing(tone, rest);
    }

    /// Whether the peer takes telephone-events.
    pub fn takes_events(&self) -> bool {
        self.agreed
            .is_some_and(|agreed| agreed.send_telephone_event.is_some())
    }

    /// Whether a key sounds in the voice now, as far as somebody listens for one.
    pub fn hears_tone(&self) -> bool {
        self.inband.as_ref().is_some_and(|inband| inband.sounds())
    }

    /// Leaves a packet of the other leg out, so that those after it move up.
    pub fn leave_out(&mut self, packet: &Packet) {
        self.outgoing.leave_out(packet);
    }

    /// The next 20 ms of the keys that are told, written into `packet`: its length and where it goes. Nobody to tell:
    /// they are forgotten.
    pub fn key_frame(&mut self, now: Instant, packet: &mut [u8; PACKET]) -> Option<(usize, SocketAddr)> {
        let Some(agreed) = self.agreed.filter(|agreed| agreed.flowing.sends()) else {
            self.presses.forget();
            return None;
        };
        let (clock, to) = (agreed.codec.clock_rate(), self.latch.place(&agreed));
        match self.presses.tick(now, agreed.codec, clock, &mut self.outgoing) {
            Told::Event(stamp, event) => {
                let payload_type = agreed.send_telephone_event?;
                write_event(stamp, event, payload_type, packet).map(|length| (length, to))
            }
            Told::Tone { audio, begins } => {
                let (header, payload) = packet.split_first_chunk_mut()?;
                let payload = payload.get_mut(..audio.len())?;
                payload.copy_from_slice(audio);
                let length = HEADER + audio.len();
                self.outgoing
                    .own(now, begins, clock / 50)
                    .write(agreed.send_payload_type, header);
                Some((length, to))
            }
            Told::Pause | Told::Done => None,
        }
    }
}

/// Which keys the peer has been told of, as they came from the other leg or by our own reports.
#[derive(Debug, Default)]
pub(in crate::media) struct KeysTold {
    echo: Echo,
    /// The press that is passed on: source, time stamp, and whether the peer knows it already.
    passing: Option<(u32, u32, bool)>,
}

impl KeysTold {
    /// Whether the press that this report belongs to has been told by a report of ours.
    pub(in crate::media) fn already(&mut self, now: Instant, packet: &Packet, buffer: &[u8]) -> bool {
        let (source, stamp) = (packet.header.ssrc, packet.header.timestamp);
        if let Some((_, _, known)) = self.passing.filter(|press| (press.0, press.1) == (source, stamp)) {
            return known;
        }
        let code = packet.payload(buffer).first().copied();
        let digit = code.and_then(Digit::from_event);
        let known = digit.is_some_and(|digit| !self.echo.is_news(now, digit, KeyPath::Event));
        self.passing = Some((source, stamp, known));
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Heard;
    use crate::media::clock::origin;
    use crate::media::playing::Tones;
    use crate::model::{Dice, Tone};
    use crate::sdp::Agreed;
    use std::time::Duration;

    const PEER: &str = "127.0.0.9:4000";

    fn session(events: bool) -> Session {
        let number = events.then_some(101);
        let mut session = Session::new(origin(), &mut Dice::from_number(1));
        session.start(
            origin(),
            Agreed {
                send_telephone_event: number,
                receive_telephone_event: number,
                ..Agreed::plain(PEER.parse().unwrap(), Codec::Pcmu)
            },
        );
        session
    }

    fn digit(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    fn rtp(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        packet
    }

    /// What a leg hears of a sung key.
    fn sung(session: &mut Session, key: char) -> usize {
        let tone = Tones::default().get(Tone::Key(digit(key)));
        let frames = tone.bytes(Codec::Pcmu).chunks(160);
        let heard = frames.enumerate().filter(|(number, frame)| {
            let mut datagram = rtp(0, *number as u16, *number as u32 * 160, frame);
            let heard = session.receive(origin(), PEER.parse().unwrap(), &mut datagram);
            matches!(heard, Heard::Packet(_, Some(heard)) if heard == digit(key))
        });
        heard.count()
    }

    #[test]
    fn tones_are_listened_for_only_where_nobody_agreed_on_telephone_event() {
        assert_eq!(
            (sung(&mut session(false), '5'), sung(&mut session(true), '5')),
            (1, 0)
        );
    }

    #[test]
    fn a_key_that_was_passed_on_is_not_told_again_and_the_next_press_is() {
        let (mut from, mut to) = (session(true), session(true));
        let mut pass = |to: &mut Session, sequence: u16, timestamp| {
            let mut datagram = rtp(101, sequence, timestamp, &[5, 0x0a, 0, 160]);
            let Heard::Packet(packet, _) = from.receive(origin(), PEER.parse().unwrap(), &mut datagram)
            else {
                panic!()
            };
            to.relay(origin(), &packet, &mut datagram).is_some()
        };
        assert!(pass(&mut to, 1, 800));
        to.press(origin(), digit('5'));
        assert!(!to.is_pressing(), "the INFO of the press that was passed on");
        to.press(origin(), digit('5'));
        assert!(to.is_pressing(), "the INFO of the next press comes first");
        while to.is_pressing() {
            to.key_frame(origin(), &mut [0; PACKET]);
        }
        assert!(!pass(&mut to, 2, 4000), "and its events change nothing");
        assert!(!pass(&mut to, 3, 4000));
        assert!(pass(&mut to, 4, 8000));
    }

    #[test]
    fn events_that_a_peer_does_not_take_have_not_told_it_anything() {
        let (mut from, mut to) = (session(true), session(false));
        let mut datagram = rtp(101, 1, 800, &[5, 0x0a, 0, 160]);
        let Heard::Packet(packet, _) = from.receive(origin(), PEER.parse().unwrap(), &mut datagram) else {
            panic!()
        };
        assert!(to.relay(origin(), &packet, &mut datagram).is_none());
        to.press(origin(), digit('5'));
        assert!(to.is_pressing());
    }

    #[test]
    fn a_key_is_told_in_the_form_that_was_agreed_on_and_the_voice_waits() {
        for (events, packets, payload_type) in [(true, 7, 101), (false, 10, 0)] {
            let (mut session, mut packet) = (session(events), [0; PACKET]);
            session.press(origin(), digit('5'));
            assert_eq!(session.wants_tone(), (!events).then(|| digit('5')));
            if !events {
                let mut tones = Tones::default();
                session.sing(tones.get(Tone::Key(digit('5'))), tones.get(Tone::Silence));
            }
            let mut sent = 0;
            for tick in 0..20 {
                let now = origin() + Duration::from_millis(tick * 20);
                if session.key_frame(now, &mut packet).is_some() {
                    assert_eq!(packet[1] & 0x7f, payload_type);
                    sent += 1;
                }
            }
            assert_eq!(sent, packets);
            assert!(!session.is_pressing());
        }
    }

    #[test]
    fn keys_for_a_leg_on_hold_are_forgotten() {
        let mut session = session(true);
        let agreed = Agreed {
            flowing: crate::sdp::Flowing::Neither,
            ..Agreed::plain(PEER.parse().unwrap(), Codec::Pcmu)
        };
        session.start(origin(), agreed);
        session.press(origin(), digit('5'));
        assert!(session.key_frame(origin(), &mut [0; PACKET]).is_none());
        assert!(!session.is_pressing());
    }
}
