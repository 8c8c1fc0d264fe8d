use super::RtpCounters;
use super::legs::Leg;
use super::worker::{BUFFER, Worker};
use crate::media::{Frame, Heard, KeyPath, Kind, MediaEvent, Packet};
use crate::model::Tone;
use mio::Token;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

/// Datagrams read from one socket before the others have their turn.
const BURST: usize = 32;
/// The socket on the even port.
pub(super) const RTP: usize = 0;
/// The socket on the odd port.
pub(super) const RTCP: usize = 1;

/// The token of a leg's socket.
pub(super) fn token(place: usize, socket: usize) -> Token {
    Token(place * 2 + socket)
}

impl Worker {
    /// Reads a socket that was told of: to its end, or until its share of the turn is used.
    pub(super) fn read(&mut self, now: Instant, token: Token) {
        let (place, socket) = (token.0 / 2, token.0 % 2);
        self.at_hand = Some(place);
        for _ in 0..BURST {
            let Some(leg) = self.legs.get_mut(place) else {
                return;
            };
            if socket == RTCP && leg.is_flooded() {
                return;
            }
            let from = if socket == RTP {
                &leg.sockets.rtp
            } else {
                &leg.sockets.rtcp
            };
            match from.recv_from(&mut self.buffer[..]) {
                Ok((length, from)) if socket == RTCP => self.hear_report(now, place, length, from),
                Ok((length, from)) => self.hear(now, place, length, from),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.counts.socket_errors += 1,
            }
        }
        if !self.unfinished.contains(&token) {
            self.unfinished.push(token);
        }
    }

    /// Walks one datagram through: understand, tell, tape, pass on.
    fn hear(&mut self, now: Instant, place: usize, length: usize, from: SocketAddr) {
        self.counts.received += 1;
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        let datagram = self
            .buffer
            .get_mut(..length)
            .filter(|_| length < BUFFER)
            .unwrap_or_default();
        match leg.session.receive(now, from, datagram) {
            Heard::Stranger => self.counts.strangers += 1,
            Heard::Junk => self.counts.junk += 1,
            Heard::Rejected => self.counts.rejected += 1,
            Heard::Nothing => {}
            Heard::Report(heard) => self.count_report(heard),
            Heard::Packet(packet, digit) => {
                let (key, peer, mixer) = (leg.key, leg.peer, leg.mixer);
                let tape = leg.tape.filter(|_| !leg.is_secret);
                let guest_on = leg.guest_on.filter(|_| !leg.is_secret);
                let sings = leg.session.hears_tone();
                if let Some(digit) = digit {
                    let path = key_path(packet.kind);
                    self.outbox.say(MediaEvent::DigitPressed {
                        leg: key,
                        digit,
                        path,
                    });
                }
                if let Some(tape) = tape {
                    self.taping.put(now, tape, &packet, &self.buffer[..]);
                }
                if let Some(tape) = guest_on {
                    self.taping
                        .put_guest(now, (tape, place), &packet, &self.buffer[..]);
                }
                if let Some(mixer) = mixer {
                    let key = digit.filter(|_| packet.kind == Kind::Event);
                    self.hear_mixed(now, (mixer, place), &packet, key, sings);
                }
                if let Some(peer) = peer {
                    self.pass_on(now, peer, &packet, sings);
                }
            }
        }
    }

    /// Sends a packet of one leg to the other, in the turn it came in. Full socket: the packet is lost and counted.
    /// A key that is sung is left out where the engine has it told by telephone-event.
    fn pass_on(&mut self, now: Instant, peer: usize, packet: &Packet, sings: bool) {
        let Some(leg) = self.legs.get_mut(peer) else {
            return;
        };
        if sings && leg.session.takes_events() {
            return leg.session.leave_out(packet);
        }
        let Some((range, to)) = leg.session.relay(now, packet, &mut self.buffer[..]) else {
            return;
        };
        send(leg, &mut self.buffer[..], range, to, &mut self.counts);
    }

    /// Sends the next frame of every leg of a phase.
    pub(super) fn play_phase(&mut self, now: Instant, phase: usize) {
        let mut next = 0;
        while let Some(place) = self.playout.leg(phase, next) {
            self.at_hand = Some(place);
            if self.play_frame(now, place) {
                next += 1;
                continue;
            }
            if let Some(leg) = self.legs.get_mut(place) {
                leg.phase = None;
            }
            self.playout.leave(phase, place);
        }
    }

    /// Sends the next frame of a leg; false when nothing plays any more.
    fn play_frame(&mut self, now: Instant, place: usize) -> bool {
        let Some(leg) = self.legs.get_mut(place) else {
            return false;
        };
        if leg.session.is_pressing() {
            self.play_key(now, place);
            return true;
        }
        match leg.session.frame(now, &mut self.frame) {
            Frame::Send { length, to } => {
                send(leg, &mut self.frame, 0..length, to, &mut self.counts);
                true
            }
            Frame::Nothing => {
                self.ask_again(place);
                true
            }
            Frame::Finished(play) => {
                let leg = leg.key;
                self.outbox.say(MediaEvent::PlayFinished { leg, play });
                false
            }
            Frame::Idle => false,
        }
    }

    /// Sends the next frame of the keys that a leg is told.
    fn play_key(&mut self, now: Instant, place: usize) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        if let Some(digit) = leg.session.wants_tone() {
            let (tone, rest) = (self.tones.get(Tone::Key(digit)), self.tones.get(Tone::Silence));
            leg.session.sing(tone, rest);
        }
        if let Some((length, to)) = leg.session.key_frame(now, &mut self.frame) {
            send(leg, &mut self.frame, 0..length, to, &mut self.counts);
        }
    }

    /// Looks again for a sound that was still being made.
    fn ask_again(&mut self, place: usize) {
        let awaited = self
            .legs
            .get_mut(place)
            .and_then(|leg| leg.session.waits_for().cloned());
        let Some(playable) = awaited else {
            return;
        };
        let found = self.find(&playable);
        if let Some(leg) = self.legs.get_mut(place) {
            leg.session.supply(found);
        }
    }
}

/// A key comes in a packet of its own, or in the voice.
fn key_path(kind: Kind) -> KeyPath {
    match kind {
        Kind::Audio(_) => KeyPath::Tone,
        Kind::Event | Kind::Noise | Kind::Other => KeyPath::Event,
    }
}

/// The one way out of a leg for voice: protects the packet where it lies, and sends it. Full socket: the packet is lost
/// and counted.
pub(super) fn send(
    leg: &mut Leg,
    buffer: &mut [u8],
    range: Range<usize>,
    to: SocketAddr,
    counts: &mut RtpCounters,
) {
    let Some(range) = leg.session.protect(buffer, range) else {
        return;
    };
    match leg.sockets.rtp.send_to(buffer.get(range).unwrap_or_default(), to) {
        Ok(_) => counts.sent += 1,
        Err(_) => counts.socket_errors += 1,
    }
}
