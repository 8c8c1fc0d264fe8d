use super::codec::ticks;
use super::keys::{Inband, Keys, KeysTold, Presses};
use super::playing::{FRAME, Found, Next, Piece, Player};
use super::quality::{Reception, Reported};
use super::rtcp::{self, Reports, Writer};
use super::rtp::{HEADER, Header, Kind, Latch, Outgoing, Packet, Source, Step, TAIL, Verdict, is_marked};
use super::srtp::Protection;
use super::voice::Silence;
use super::{PlayId, g711};
use crate::model::{Codec, Dice, Digit, Playable, Quality};
use crate::sdp::{Agreed, Flowing};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Bytes of a packet with one frame of ours, and of the room behind it that [`Session::protect`] may need.
pub const PACKET: usize = HEADER + FRAME + TAIL;

/// The media of one leg: what it hears from its peer, and the one stream its peer hears.
///
/// Nothing is accepted but from the agreed address and nothing is sent anywhere else; before [`Session::start`]
/// nothing at all. No function called for a packet allocates.
#[derive(Debug)]
pub struct Session {
    pub(super) agreed: Option<Agreed>,
    protection: Protection,
    pub(super) latch: Latch,
    source: Source,
    reception: Reception,
    reports: Reports,
    keys: Keys,
    /// Listens for tones, where nobody agreed on telephone-event.
    pub(super) inband: Option<Box<Inband>>,
    pub(super) presses: Presses,
    pub(super) told: KeysTold,
    silence: Option<Silence>,
    player: Option<Player>,
    pub(super) outgoing: Outgoing,
    /// Whether what was sent last came from a mixer.
    carries: bool,
    heard_at: Instant,
    told_dead: bool,
    strangers: u64,
    rejected: u64,
}

/// What a datagram turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It did not come from the agreed address.
    Stranger,
    /// It is not RTP.
    Junk,
    /// Voice is encrypted here and this is not: the wrong tag, a repetition, or no protection at all.
    Rejected,
    /// RTP that changes nothing: a repetition, or anything while it is on hold.
    Nothing,
    /// A report, on the port that it shares with RTP.
    Report(HeardReport),
    /// Something for [`Session::relay`] and the tape, and the key when it tells of a new press.
    Packet(Packet, Option<Digit>),
}

/// What a datagram on the RTCP port turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardReport {
    /// A report of the peer.
    Taken,
    /// It did not come from where the peer's reports come from.
    Stranger,
    /// It is not RTCP.
    Junk,
}

/// A report to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// How many bytes of the buffer.
    pub length: usize,
    /// Where to.
    pub to: SocketAddr,
    /// Whether it leaves from the RTP port (RFC 5761).
    pub muxed: bool,
}

/// What the leg sends at a playout tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// This, once [`Session::protect`] had it.
    Send {
        /// How many bytes of the buffer.
        length: usize,
        /// To this address.
        to: SocketAddr,
    },
    /// Nothing, but it still plays.
    Nothing,
    /// Nothing, and the order has been heard to its end.
    Finished(PlayId),
    /// Nothing plays.
    Idle,
}

/// What [`Session::check`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overdue {
    /// The silence that was watched for has come.
    pub silent: bool,
    /// The peer has sent nothing for the RTP time-out.
    pub dead: bool,
}

impl Session {
    /// A leg whose outgoing stream begins with random numbers (RFC 3550 §5.1).
    pub fn new(now: Instant, dice: &mut Dice) -> Self {
        let [s0, s1, s2, s3, t0, t1, t2, t3, q0, q1] = dice.bytes();
        let (ssrc, timestamp) = (
            u32::from_be_bytes([s0, s1, s2, s3]),
            u32::from_be_bytes([t0, t1, t2, t3]),
        );
        Self {
            agreed: None,
            protection: Protection::default(),
            latch: Latch::default(),
            source: Source::default(),
            reception: Reception::new(now),
            reports: Reports::new(now, dice),
            keys: Keys::default(),
            inband: None,
            presses: Presses::default(),
            told: KeysTold::default(),
            silence: None,
            player: None,
            // Below the middle, so that nobody who misses the first packets takes it for a turn of the counter.
            outgoing: Outgoing::new(now, ssrc, u16::from_be_bytes([q0 & 0x7f, q1]), timestamp),
            carries: false,
            heard_at: now,
            told_dead: false,
            strangers: 0,
            rejected: 0,
        }
    }

    /// Takes what offer and answer settled, first or after a re-INVITE.
    pub fn start(&mut self, now: Instant, agreed: Agreed) {
        let resumed = self.agreed.is_none_or(|before| before.flowing != agreed.flowing);
        // Told once already, before the answer perhaps: from now on silence counts anew.
        if resumed || self.told_dead {
            self.heard_at = now;
            self.told_dead = false;
        }
        self.protection.settle(agreed.secured);
        self.inband = match agreed.receive_telephone_event {
            Some(_) => None,
            None => self.inband.take().or_else(|| Some(Box::new(Inband::new()))),
        };
        if self.agreed.is_some_and(|before| before.remote != agreed.remote) {
            self.latch.forget();
        }
        self.reports.start(now);
        self.outgoing.count_at(agreed.codec.clock_rate());
        self.agreed = Some(agreed);
    }

    /// Understands a datagram that came to the leg's RTP port. What is protected is opened where it lies.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) -> Heard {
        let Some(agreed) = self.agreed else {
            return Heard::Nothing;
        };
        if rtcp::is_rtcp(datagram) {
            return if agreed.rtcp_mux {
                Heard::Report(self.hear_report(now, from, datagram))
            } else {
                self.refuse(is_same(from, self.latch.place(&agreed)))
            };
        }
        let is_peer = is_same(from, self.latch.place(&agreed));
        // Whoever cannot be learned anyway costs no cryptography.
        if !is_peer && !is_marked(&agreed, from.ip()) {
            return self.refuse(false);
        }
        let Some(length) = self.protection.open(datagram) else {
            return self.reject(is_peer);
        };
        let datagram = datagram.get(..length).unwrap_or_default();
        let Some(header) = Header::read(datagram) else {
            return self.refuse(is_peer);
        };
        if !is_peer {
            match self.latch.judge(now, &agreed, from, &header) {
                Verdict::Peer => {}
                Verdict::Perhaps => return Heard::Nothing,
                Verdict::Stranger => return self.refuse(false),
            }
        }
        self.latch.hear(now, &header);
        let payload = datagram.get(header.start..header.end).unwrap_or_default();
        let kind = if payload.is_empty() {
            Kind::Other
        } else {
            carries(&agreed, header.payload_type)
        };
        self.understand(now, &agreed, header, payload, kind)
    }

    /// What is not protected as agreed is the peer's mistake, or anything of a stranger.
    fn reject(&mut self, is_peer: bool) -> Heard {
        if !is_peer {
            return self.refuse(false);
        }
        self.rejected += 1;
        Heard::Rejected
    }

    /// What is not RTP is junk of the peer, or anything of a stranger.
    fn refuse(&mut self, is_peer: bool) -> Heard {
        if is_peer {
            return Heard::Junk;
        }
        self.strangers += 1;
        Heard::Stranger
    }

    /// Understands a datagram that came to the leg's RTCP port. It changes figures, and nothing else: no report ends a
    /// call, moves a stream or keeps a dead one alive.
    pub fn hear_report(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) -> HeardReport {
        let Some(agreed) = self.agreed else {
            return HeardReport::Stranger;
        };
        let is_peer = is_same(from, self.latch.rtcp_place(&agreed));
        if !is_peer && !is_marked(&agreed, from.ip()) {
            return HeardReport::Stranger;
        }
        // Some phones knock at the port with a plain report before they have keys; that is no attack worth counting.
        let Some(length) = self.unprotect_report(datagram) else {
            return HeardReport::Junk;
        };
        let datagram = datagram.get(..length).unwrap_or_default();
        let Some(told) = rtcp::read(datagram, self.outgoing.reported(now).ssrc) else {
            return HeardReport::Junk;
        };
        if !is_peer && !self.latch.learns_rtcp(from, told.sender) {
            return HeardReport::Stranger;
        }
        self.reports.hear(now, &told);
        HeardReport::Taken
    }

    /// The report that is due, written into `buffer`; none when none is.
    pub fn report(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Report> {
        if !self.reports.is_due(now) {
            return None;
        }
        self.write_report(now, false, buffer)
    }

    /// The last report, with a goodbye; none before the peer was known.
    pub fn farewell(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Report> {
        self.write_report(now, true, buffer)
    }

    fn write_report(&mut self, now: Instant, goodbye: bool, buffer: &mut [u8]) -> Option<Report> {
        let agreed = self.agreed?;
        let (own, heard) = (self.outgoing.reported(now), self.reception.heard());
        let mut writer = Writer::new(&mut *buffer);
        self.reports.write(now, own, heard, goodbye, &mut writer)?;
        let length = writer.length();
        let length = self.protect_report(buffer, length)?;
        let to = self.latch.rtcp_place(&agreed);
        // Port 9 and an address of nobody stand for a peer that does not want to hear anything.
        (!to.ip().is_unspecified()).then_some(Report {
            length,
            to,
            muxed: agreed.rtcp_mux,
        })
    }

    fn understand(
        &mut self,
        now: Instant,
        agreed: &Agreed,
        header: Header,
        payload: &[u8],
        kind: Kind,
    ) -> Heard {
        let codec = kind.codec();
        let length = codec.map(|codec| ticks(codec, payload));
        let clock = agreed.codec.clock_rate();
        let step = self.source.step(now, &header, length, clock);
        if step == Step::Repeats {
            self.reception.count(now, &header, codec, false);
            return Heard::Nothing;
        }
        let begins = step == Step::Begins;
        self.heard_at = now;
        self.told_dead = false;
        let is_new = self.reception.count(now, &header, codec, begins);
        if !is_new || !agreed.flowing.receives() {
            return Heard::Nothing;
        }
        if begins && let Some(inband) = &mut self.inband {
            inband.forget();
        }
        let digit = self.listen(now, &header, kind, payload);
        let packet = Packet {
            kind,
            begins,
            ticks: length.unwrap_or(0),
            header,
        };
        Heard::Packet(packet, digit)
    }

    fn listen(&mut self, now: Instant, header: &Header, kind: Kind, payload: &[u8]) -> Option<Digit> {
        match kind {
            Kind::Audio(codec) => {
                if let Some(silence) = &mut self.silence {
                    silence.hear(now, codec, payload);
                }
                self.listen_for_tones(header, codec, payload)
            }
            Kind::Event => {
                if let Some(silence) = &mut self.silence {
                    silence.hear_key(now);
                }
                self.keys.hear(now, header, payload)
            }
            Kind::Noise | Kind::Other => None,
        }
    }

    /// Makes a packet of the other leg into one of this leg's stream, where it lies in `buffer`. Gives the bytes to
    /// send and where to; none when this leg's peer does not take it now.
    pub fn relay(
        &mut self,
        now: Instant,
        packet: &Packet,
        buffer: &mut [u8],
    ) -> Option<(Range<usize>, SocketAddr)> {
        let agreed = self
            .agreed
            .filter(|agreed| agreed.flowing.sends() && self.player.is_none())
            .filter(|_| !self.presses.are_under_way());
        let Some(agreed) = agreed else {
            self.outgoing.interrupt();
            return None;
        };
        let taken = number(&agreed, packet.kind)
            .filter(|_| packet.kind != Kind::Event || !self.told.already(now, packet, buffer));
        let Some(payload_type) = taken else {
            self.outgoing.leave_out(packet);
            return None;
        };
        // The new header goes right before the payload, over whatever sources and extension stood there.
        let range = packet.header.start.checked_sub(HEADER)?..packet.header.end;
        let bytes = buffer.get_mut(range.clone())?;
        let (header, payload) = bytes.split_first_chunk_mut()?;
        if let Some(codec) = packet.kind.codec() {
            g711::transcode(codec, agreed.codec, payload);
        }
        self.outgoing
            .relay(now, packet, packet.ticks)
            .write(payload_type, header);
        Some((range, self.latch.place(&agreed)))
    }

    /// Sends 20 ms of what was mixed for this leg, written into `packet`; an empty payload is a pause, after which a new
    /// stretch begins (RFC 3550 §5.1). Gives the length and where to; none in a pause, when something plays here, when a
    /// key is told, or when this leg's peer does not listen.
    pub fn carry(&mut self, now: Instant, payload: &[u8], packet: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let agreed = self
            .agreed
            .filter(|agreed| agreed.flowing.sends() && self.player.is_none())
            .filter(|_| !self.presses.are_under_way());
        let Some(agreed) = agreed.filter(|_| !payload.is_empty()) else {
            self.carries = false;
            return None;
        };
        let (header, room) = packet.split_first_chunk_mut()?;
        room.get_mut(..payload.len())?.copy_from_slice(payload);
        let begins = !std::mem::replace(&mut self.carries, true);
        self.outgoing
            .own(now, begins, agreed.codec.clock_rate() / 50)
            .write(agreed.send_payload_type, header);
        Some((HEADER + payload.len(), self.latch.place(&agreed)))
    }

    /// What offer and answer settled; none before [`Session::start`].
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Makes a packet of [`Session::relay`] or [`Session::frame`] ready for the network, right before it is sent: the
    /// last thing that may touch it. `buffer` has [`PACKET`]'s room behind `range`. Gives the bytes to send; none when it
    /// may not be sent.
    pub fn protect(&mut self, buffer: &mut [u8], range: Range<usize>) -> Option<Range<usize>> {
        let length = range.len().saturating_sub(HEADER);
        let sealed = self.protection.seal(buffer, range)?;
        self.outgoing.count_octets(length);
        Some(sealed)
    }

    /// Opens a report (RTCP) of the peer where it lies. Gives the length of what is left; none when it is not to be
    /// believed.
    pub fn unprotect_report(&mut self, datagram: &mut [u8]) -> Option<usize> {
        self.protection.open_report(datagram)
    }

    /// Makes the report in the first `length` bytes ready for the network; `buffer` has 20 bytes of room behind it. Gives
    /// the length to send; none when it may not be sent.
    pub fn protect_report(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        self.protection.seal_report(buffer, length)
    }

    /// Plays these, and cuts what plays now.
    pub fn play(&mut self, play: PlayId, pieces: Vec<Piece>, repeat: bool) {
        self.player = Some(Player::new(play, pieces, repeat));
    }

    /// Stops what plays.
    pub fn stop_playing(&mut self) {
        self.player = None;
    }

    /// Whether something plays; then [`Session::frame`] is to be called every 20 ms.
    pub fn is_playing(&self) -> bool {
        self.player.is_some()
    }

    /// The next 20 ms of what plays, written into `packet`. While the peer does not listen, time goes on unheard;
    /// before [`Session::start`] the order waits.
    pub fn frame(&mut self, now: Instant, packet: &mut [u8; PACKET]) -> Frame {
        let Some(player) = &mut self.player else {
            return Frame::Idle;
        };
        let Some(agreed) = self.agreed else {
            return Frame::Nothing;
        };
        match player.next(agreed.codec) {
            Next::Frame { audio, begins } if agreed.flowing.sends() && !audio.is_empty() => {
                let Some((header, payload)) = packet.split_first_chunk_mut() else {
                    return Frame::Nothing;
                };
                let Some(place) = payload.get_mut(..audio.len()) else {
                    return Frame::Nothing;
                };
                place.copy_from_slice(audio);
                self.outgoing
                    .own(now, begins, agreed.codec.clock_rate() / 50)
                    .write(agreed.send_payload_type, header);
                Frame::Send {
                    length: HEADER + audio.len(),
                    to: self.latch.place(&agreed),
                }
            }
            Next::Frame { .. } | Next::Waiting => Frame::Nothing,
            Next::Finished(play) => {
                self.player = None;
                Frame::Finished(play)
            }
        }
    }

    /// A sound to look for again, because it was still being made.
    pub fn waits_for(&self) -> Option<&Playable> {
        self.player.as_ref()?.waits_for()
    }

    /// The answer to [`Session::waits_for`].
    pub fn supply(&mut self, found: Found) {
        if let Some(player) = &mut self.player {
            player.supply(found);
        }
    }

    /// What was relayed to this leg ends, or begins from another side.
    pub fn interrupt(&mut self) {
        self.carries = false;
        self.outgoing.interrupt();
    }

    /// Begins or ends the watch for silence.
    pub fn watch_silence(&mut self, now: Instant, after: Option<Duration>) {
        self.silence = after.map(|after| Silence::new(now, after));
    }

    /// Whether silence is being watched for.
    pub fn watches_silence(&self) -> bool {
        self.silence.is_some()
    }

    /// Looks whether a time has run out; each is told once. A leg on hold is never dead.
    pub fn check(&mut self, now: Instant, rtp_timeout: Option<Duration>) -> Overdue {
        let silent = self.silence.as_ref().is_some_and(|silence| silence.is_over(now));
        if silent {
            self.silence = None;
        }
        let talks = self.agreed.is_some_and(|agreed| agreed.flowing == Flowing::Both);
        let quiet = now.saturating_duration_since(self.heard_at);
        let dead = talks && !self.told_dead && rtp_timeout.is_some_and(|most| quiet >= most);
        self.told_dead |= dead;
        Overdue { silent, dead }
    }

    /// What was measured; none when no packet came.
    pub fn quality(&self) -> Option<Quality> {
        let reported = Reported {
            sent: self.outgoing.sent(),
            covered: self.outgoing.covered(),
            codec: self.agreed.map(|agreed| agreed.codec),
            round_trip: self.reports.round_trip(),
            there: self.reports.there(),
        };
        let nothing_heard = || {
            (self.rejected > 0).then(|| Quality {
                packets_sent: reported.sent,
                ..Quality::default()
            })
        };
        let measured = self.reception.quality(&reported).or_else(nothing_heard)?;
        Some(Quality {
            packets_rejected: self.rejected,
            srtp: self.protection.suite(),
            ..measured
        })
    }

    /// Datagrams from addresses that the SDP did not name.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }
}

impl Kind {
    /// The codec of voice.
    pub fn codec(self) -> Option<Codec> {
        match self {
            Self::Audio(codec) => Some(codec),
            Self::Event | Self::Noise | Self::Other => None,
        }
    }
}

/// Flow label and scope of IPv6 are no part of an address in SDP.
fn is_same(from: SocketAddr, place: SocketAddr) -> bool {
    from.port() == place.port() && from.ip() == place.ip()
}

/// What a payload number carries. Besides the agreed ones, where G.711 was agreed both of its static numbers are
/// understood, and the peer's own number of telephone-event: some phones send what they should receive.
fn carries(agreed: &Agreed, payload_type: u8) -> Kind {
    if Some(payload_type) == agreed.receive_telephone_event {
        return Kind::Event;
    }
    if payload_type == agreed.receive_payload_type || payload_type == agreed.send_payload_type {
        return Kind::Audio(agreed.codec);
    }
    if Some(payload_type) == agreed.send_telephone_event {
        return Kind::Event;
    }
    if Some(payload_type) == agreed.noise {
        return Kind::Noise;
    }
    let fixed = Codec::G711
        .into_iter()
        .filter(|_| agreed.codec.is_g711())
        .find(|codec| codec.payload_type() == Some(payload_type));
    fixed.map_or(Kind::Other, Kind::Audio)
}

/// The number this leg's peer knows it by; none when the peer cannot take it as it is.
fn number(agreed: &Agreed, kind: Kind) -> Option<u8> {
    match kind {
        Kind::Audio(codec) => codec.passes_as(agreed.codec).then_some(agreed.send_payload_type),
        Kind::Event => agreed.send_telephone_event,
        Kind::Noise => agreed.noise,
        Kind::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::g711;
    use super::*;
    use crate::media::clock::origin;
    use crate::media::playing::Sound;
    use std::sync::Arc;

    const PEER: &str = "127.0.0.9:4000";

    fn agreed(codec: Codec, flowing: Flowing) -> Agreed {
        Agreed {
            receive_telephone_event: Some(96),
            flowing,
            ..Agreed::plain(PEER.parse().unwrap(), codec)
        }
    }

    fn session(codec: Codec) -> Session {
        let mut session = Session::new(origin(), &mut Dice::from_number(1));
        session.start(origin(), agreed(codec, Flowing::Both));
        session
    }

    fn rtp(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend([0, 0, 0, 7]);
        packet.extend(payload);
        packet
    }

    fn hear(session: &mut Session, datagram: &[u8]) -> Heard {
        session.receive(origin(), PEER.parse().unwrap(), &mut datagram.to_vec())
    }

    /// A frame of G.711, for the peer.
    fn sent() -> Frame {
        Frame::Send {
            length: HEADER + FRAME,
            to: PEER.parse().unwrap(),
        }
    }

    fn packet(heard: Heard) -> Packet {
        let Heard::Packet(packet, _) = heard else {
            panic!("{heard:?}")
        };
        packet
    }

    #[test]
    fn a_stranger_is_counted_and_changes_nothing() {
        let mut session = session(Codec::Pcmu);
        for stranger in ["127.0.0.9:4002", "127.0.0.8:4000", "[::1]:4000"] {
            let mut datagram = rtp(96, 1, 0, &[5, 0x80, 0, 160]);
            assert_eq!(
                session.receive(origin(), stranger.parse().unwrap(), &mut datagram),
                Heard::Stranger
            );
        }
        assert_eq!(session.strangers(), 3);
        assert_eq!(session.quality(), None);
    }

    #[test]
    fn before_the_start_nothing_is_heard_and_nothing_sent() {
        let mut session = Session::new(origin(), &mut Dice::from_number(1));
        assert_eq!(hear(&mut session, &rtp(0, 1, 0, &[1; 160])), Heard::Nothing);
        session.play(
            PlayId(1),
            vec![Piece::Ready(Arc::new(Sound::from_pcm_8k(&[0; 160])))],
            false,
        );
        let mut buffer = [0; PACKET];
        for _ in 0..10 {
            assert_eq!(session.frame(origin(), &mut buffer), Frame::Nothing);
        }
        session.start(origin(), agreed(Codec::Pcmu, Flowing::Both));
        assert_eq!(session.frame(origin(), &mut buffer), sent());
    }

    #[test]
    fn a_packet_is_relayed_in_the_other_legs_law_and_number() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcma));
        let mut datagram = rtp(0, 9, 160, &[0xce; 160]);
        let packet = packet(hear(&mut a, &datagram));
        let (range, to) = b.relay(origin(), &packet, &mut datagram).unwrap();
        assert_eq!(to, PEER.parse().unwrap());
        let sent = &datagram[range];
        assert_eq!((sent.len(), sent[1] & 0x7f), (172, 8));
        assert_eq!(sent[12], g711::pcma_from_linear(g711::linear(Codec::Pcmu, 0xce)));
    }

    #[test]
    fn sources_extension_and_padding_stay_behind() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcmu));
        let mut datagram = vec![
            0xb1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 1, 1, 1, 0xbe, 0xde, 0, 1, 9, 9, 9, 9,
        ];
        datagram.extend([0x55; 80]);
        datagram.extend([0, 0, 0, 4]);
        let packet = packet(hear(&mut a, &datagram));
        let (range, _) = b.relay(origin(), &packet, &mut datagram).unwrap();
        let sent = &datagram[range];
        assert_eq!((sent.len(), sent[0]), (92, 0x80));
        assert!(sent[12..].iter().all(|byte| *byte == 0x55));
    }

    #[test]
    fn a_key_is_told_once_and_relayed_with_the_other_legs_number() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcmu));
        let mut digits = 0;
        for sequence in 1..=5 {
            let mut datagram = rtp(96, sequence, 800, &[5, 0x0a, 0, sequence as u8]);
            let Heard::Packet(packet, digit) = hear(&mut a, &datagram) else {
                panic!()
            };
            digits += usize::from(digit == Digit::from_char('5'));
            let (range, _) = b.relay(origin(), &packet, &mut datagram).unwrap();
            assert_eq!(datagram[range][1] & 0x7f, 101);
        }
        assert_eq!(digits, 1);
    }

    #[test]
    fn a_phone_without_telephone_event_gets_no_event_and_sees_no_loss() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcmu));
        b.start(
            origin(),
            Agreed {
                send_telephone_event: None,
                ..agreed(Codec::Pcmu, Flowing::Both)
            },
        );
        let mut sequences = Vec::new();
        for (sequence, kind) in [(1u16, 0), (2, 96), (3, 96), (4, 0)] {
            let mut datagram = rtp(kind, sequence, u32::from(sequence) * 160, &[5; 160]);
            let packet = packet(hear(&mut a, &datagram));
            if let Some((range, _)) = b.relay(origin(), &packet, &mut datagram) {
                sequences.push(u16::from_be_bytes([
                    datagram[range.start + 2],
                    datagram[range.start + 3],
                ]));
            }
        }
        assert_eq!(sequences.len(), 2);
        assert_eq!(sequences[1], sequences[0].wrapping_add(1));
    }

    #[test]
    fn comfort_noise_nobody_agreed_on_is_left_out_without_a_hole() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcmu));
        let mut sequences = Vec::new();
        for (sequence, kind) in [(1u16, 0), (2, 13), (3, 0)] {
            let mut datagram = rtp(kind, sequence, u32::from(sequence) * 160, &[5; 160]);
            let packet = packet(hear(&mut a, &datagram));
            if let Some((range, _)) = b.relay(origin(), &packet, &mut datagram) {
                sequences.push(u16::from_be_bytes([
                    datagram[range.start + 2],
                    datagram[range.start + 3],
                ]));
            }
        }
        assert_eq!(sequences.len(), 2);
        assert_eq!(sequences[1], sequences[0].wrapping_add(1));
        assert_eq!(a.quality().unwrap().packets_received, 3);
    }

    #[test]
    fn on_hold_nothing_is_passed_on_in_the_direction_that_is_held() {
        for (flowing, heard, sent) in [
            (Flowing::Both, true, true),
            (Flowing::SendOnly, false, true),
            (Flowing::ReceiveOnly, true, false),
            (Flowing::Neither, false, false),
        ] {
            let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcmu));
            let mut datagram = rtp(0, 1, 0, &[1; 160]);
            let packet = packet(hear(&mut b, &datagram));
            a.start(origin(), agreed(Codec::Pcmu, flowing));
            assert_eq!(
                matches!(hear(&mut a, &datagram), Heard::Packet(..)),
                heard,
                "{flowing:?}"
            );
            assert_eq!(
                a.relay(origin(), &packet, &mut datagram).is_some(),
                sent,
                "{flowing:?}"
            );
        }
    }

    #[test]
    fn a_prompt_is_heard_frame_by_frame_and_then_finished() {
        let mut session = session(Codec::Pcma);
        session.play(
            PlayId(4),
            vec![Piece::Ready(Arc::new(Sound::from_pcm_8k(&[1000; 320])))],
            false,
        );
        let mut buffer = [0; PACKET];
        assert_eq!(session.frame(origin(), &mut buffer), sent());
        assert_eq!((buffer[1], buffer[12]), (0x88, 0xfb));
        assert_eq!(session.frame(origin(), &mut buffer), sent());
        assert_eq!(buffer[1], 0x08);
        assert_eq!(session.frame(origin(), &mut buffer), Frame::Finished(PlayId(4)));
        assert_eq!(session.frame(origin(), &mut buffer), Frame::Idle);
    }

    #[test]
    fn while_held_a_prompt_runs_unheard_to_its_end() {
        let mut session = session(Codec::Pcmu);
        session.start(origin(), agreed(Codec::Pcmu, Flowing::ReceiveOnly));
        session.play(
            PlayId(4),
            vec![Piece::Ready(Arc::new(Sound::from_pcm_8k(&[1000; 320])))],
            false,
        );
        let mut buffer = [0; PACKET];
        assert_eq!(session.frame(origin(), &mut buffer), Frame::Nothing);
        assert_eq!(session.frame(origin(), &mut buffer), Frame::Nothing);
        assert_eq!(session.frame(origin(), &mut buffer), Frame::Finished(PlayId(4)));
    }

    #[test]
    fn a_leg_is_dead_after_the_time_out_once_and_never_on_hold() {
        let start = origin();
        let second = Duration::from_secs(1);
        let timeout = Some(30 * second);
        let mut session = session(Codec::Pcmu);
        assert!(!session.check(start + 29 * second, timeout).dead);
        assert!(session.check(start + 31 * second, timeout).dead);
        assert!(!session.check(start + 32 * second, timeout).dead);
        session.start(start + 40 * second, agreed(Codec::Pcmu, Flowing::ReceiveOnly));
        assert!(!session.check(start + 400 * second, timeout).dead);
        session.start(start + 500 * second, agreed(Codec::Pcmu, Flowing::Both));
        assert!(!session.check(start + 520 * second, timeout).dead);
        assert!(!session.check(start + 900 * second, None).dead);
    }

    /// A caller who hears the ringing tone for minutes says nothing, and need not: the time counts from the answer.
    #[test]
    fn a_caller_who_was_only_sent_to_is_missed_no_sooner_than_after_the_answer() {
        let start = origin();
        let second = Duration::from_secs(1);
        let timeout = Some(30 * second);
        let mut session = session(Codec::Pcmu);
        session.start(start, agreed(Codec::Pcmu, Flowing::SendOnly));
        for waited in 1..300 {
            assert!(!session.check(start + waited * second, timeout).dead, "{waited}");
        }
        session.start(start + 300 * second, agreed(Codec::Pcmu, Flowing::Both));
        assert!(!session.check(start + 329 * second, timeout).dead);
        assert!(session.check(start + 330 * second, timeout).dead);
    }

    #[test]
    fn silence_is_told_once() {
        let start = origin();
        let mut session = session(Codec::Pcmu);
        session.watch_silence(start, Some(Duration::from_secs(3)));
        assert!(!session.check(start + Duration::from_secs(2), None).silent);
        assert!(session.check(start + Duration::from_secs(4), None).silent);
        assert!(!session.check(start + Duration::from_secs(9), None).silent);
    }

    #[test]
    fn junk_of_every_length_is_survived() {
        let (mut a, mut b) = (session(Codec::Pcmu), session(Codec::Pcma));
        let mut dice = Dice::from_number(9);
        for round in 0..50_000u32 {
            let mut junk: Vec<u8> = (0..dice.roll(200)).map(|_| dice.number() as u8).collect();
            if let (Some(first), true) = (junk.first_mut(), round % 2 == 0) {
                *first = *first & 0x3f | 0x80;
            }
            if let Heard::Packet(packet, _) = hear(&mut a, &junk) {
                b.relay(origin(), &packet, &mut junk);
            }
        }
        b.quality();
        a.quality().unwrap();
    }
}
