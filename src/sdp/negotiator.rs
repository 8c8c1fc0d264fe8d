use super::address::usable;
use super::crypto::CryptoLine;
use super::description::{Description, Place, Stream};
use super::hidden::Hidden;
use super::numbers::Numbers;
use super::own::OwnPlaces;
use super::secrecy::Secrecy;
use super::writing::{self, Audio, Line};
use super::{Agreed, Flowing, SdpError, Security};
use crate::model::{Codec, Dice};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

/// Milliseconds of audio in a packet; what G.711 has when nobody says otherwise (RFC 3551 §4.5). The box asks
/// everybody for these and plays in these: who likes longer ones (`a=ptime`) gets them too, who takes only shorter ones
/// (`a=maxptime`) is refused. What is relayed keeps the length its sender chose.
const PACKET_MS: u16 = 20;

/// The offer/answer machine of one leg (RFC 3264): takes the peer's bodies, gives ours, knows what is agreed.
///
/// A refused body changes nothing: what was agreed before goes on, as RFC 3261 §14.1 asks of a failed re-INVITE.
#[derive(Debug)]
pub struct Negotiator {
    local_ip: IpAddr,
    port: u16,
    own: OwnPlaces,
    codecs: Vec<Codec>,
    preferred: Option<Codec>,
    /// What the box does not decode may be agreed on where nothing else is.
    passing: bool,
    session_id: u64,
    version: u64,
    /// Our last body after its `o=` line; the version rises when it changes.
    said: Option<Said>,
    /// The `m=` lines of the session in their order, which never changes again (RFC 3264 §8).
    lines: Vec<Line>,
    /// Whether telephone-event is offered and accepted.
    events: bool,
    /// What payload numbers mean on this leg.
    numbers: Numbers,
    secrecy: Secrecy,
    offered: bool,
    agreed: Option<Agreed>,
    hidden: Hidden,
}

/// A body, which may hold keys and is not shown.
struct Said(String);

impl fmt::Debug for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Said(…)")
    }
}

impl Negotiator {
    /// A leg that receives RTP at `local_ip` and `port`; `codecs` in the order the box prefers.
    pub fn new(local_ip: IpAddr, port: u16, codecs: &[Codec], session_id: u64) -> Self {
        Self {
            local_ip,
            port,
            own: OwnPlaces::new(local_ip, port..=port.saturating_add(1)),
            codecs: codecs.to_vec(),
            preferred: None,
            passing: false,
            session_id,
            version: 0,
            said: None,
            lines: vec![Line::Audio],
            events: true,
            numbers: Numbers::default(),
            secrecy: Secrecy::none(),
            offered: false,
            agreed: None,
            hidden: Hidden::default(),
        }
    }

    /// Refuses a peer that names any of these ports at our own address: media would run in a circle.
    #[must_use]
    pub fn guarding(mut self, own_ports: RangeInclusive<u16>) -> Self {
        self.own.ports(own_ports);
        self
    }

    /// Refuses a peer that names this address of ours with a guarded port, or exactly this socket.
    #[must_use]
    pub fn owning(mut self, ip: IpAddr, sockets: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.own.address(ip);
        sockets.into_iter().for_each(|socket| self.own.socket(socket));
        self
    }

    /// Whether telephone-event (RFC 4733) is offered and accepted; it is, unless this says otherwise.
    #[must_use]
    pub fn with_events(mut self, events: bool) -> Self {
        self.events = events;
        self
    }

    /// Where the peer's signalling comes from, and what the configuration says of a router in front of it.
    #[must_use]
    pub fn facing(mut self, peer: IpAddr, behind_nat: Option<bool>) -> Self {
        self.hidden = Hidden::new(peer, behind_nat);
        self
    }

    /// The peer signals from another address than the one that was called first.
    pub fn now_facing(&mut self, peer: IpAddr) {
        self.hidden.moves_to(peer);
    }

    /// May encrypt voice, with keys from these dice.
    #[must_use]
    pub fn securing(mut self, security: Security, dice: Dice) -> Self {
        self.secrecy = Secrecy::new(security, dice);
        self
    }

    /// May not encrypt voice, because its keys could be read on the way, and knows whether plain voice is enough.
    #[must_use]
    pub fn wary(mut self, security: Security) -> Self {
        self.secrecy = Secrecy::without_keys(security);
        self
    }

    /// Whether anything can be offered: not where encryption is required and its keys have no way.
    pub fn can_offer(&self) -> bool {
        self.secrecy.can_offer()
    }

    /// Whether our last offer is an encrypted one.
    pub fn offers_keys(&self) -> bool {
        self.offered && !self.secrecy.said().1.is_empty()
    }

    /// Puts this codec first: with the codec of the other leg nothing has to be transcoded.
    pub fn prefer(&mut self, codec: Codec) {
        if let Some(place) = self.codecs.iter().position(|known| *known == codec) {
            self.codecs[..=place].rotate_right(1);
            self.preferred = Some(codec);
        }
    }

    /// Agrees even on a codec that the box does not decode where it has no other in common with the peer: it will be
    /// passed on to a side that has it too.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.passing = true;
        self
    }

    /// Offers this codec alone, because the other leg speaks nothing else and the box cannot change it.
    pub fn only(&mut self, codec: Codec) {
        self.codecs = vec![codec];
        self.preferred = Some(codec);
    }

    /// What is agreed now.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Our offer: every codec of ours, telephone-event at each of their clocks, both ways. A number keeps the meaning it
    /// has had on this leg (RFC 3264 §8.3.2).
    pub fn offer(&mut self) -> Vec<u8> {
        self.offered = true;
        let codecs = self.numbers.of_codecs(&self.codecs);
        let events = if self.events {
            self.numbers.of_events(&self.codecs)
        } else {
            Vec::new()
        };
        self.secrecy
            .prepare_offer(self.agreed.map(|agreed| agreed.secured));
        self.say(Audio {
            port: self.port,
            codecs: &codecs,
            telephone_events: &events,
            noise: None,
            packet_ms: PACKET_MS,
            flowing: Flowing::Both,
            rtcp_mux: false,
        })
    }

    /// Our offer without encryption, after the peer turned down an encrypted one. None when nothing encrypted was
    /// offered, when something is agreed already, and where plain voice is not allowed.
    pub fn offer_plain(&mut self) -> Option<Vec<u8>> {
        (self.agreed.is_none() && self.secrecy.turn_down()).then(|| self.offer())
    }

    /// Our last body again, under the same version, as an offer: it says that nothing has changed (RFC 4028 §7.4).
    pub fn offer_again(&mut self) -> Vec<u8> {
        match self.said.take() {
            Some(Said(body)) => {
                self.offered = true;
                self.sign(body)
            }
            None => self.offer(),
        }
    }

    /// The peer's answer to our last offer. May come more than once, first early and then for good.
    ///
    /// # Errors
    /// [`SdpError`] when the answer cannot be used; what was agreed before stands.
    pub fn answered(&mut self, body: &[u8]) -> Result<Agreed, SdpError> {
        if !self.offered {
            return Err(SdpError::NotOffered);
        }
        let answer = Description::read(body)?;
        let place = self
            .lines
            .iter()
            .position(|line| *line == Line::Audio)
            .unwrap_or(0);
        let stream = answer.streams.get(place).ok_or(SdpError::Refused)?;
        if !stream.is_live_audio() {
            return Err(SdpError::Refused);
        }
        let secured = self.secrecy.settle(stream)?;
        let mut agreed = self.settle(stream, None)?;
        agreed.secured = secured;
        // The box does not offer it, so an answer cannot accept it (RFC 5761 §5.1.1).
        agreed.rtcp_mux = false;
        agreed.remote_rtcp = self.remote_rtcp(stream, agreed.remote);
        // The numbers in the answer are those the peer receives; it sends with those of our offer (RFC 3264 §6.1).
        agreed.receive_payload_type = self.numbers.of_codec(agreed.codec);
        agreed.receive_telephone_event = agreed
            .send_telephone_event
            .map(|_| self.numbers.of_event(agreed.telephone_event_clock));
        self.agreed = Some(agreed);
        Ok(agreed)
    }

    /// Our answer to the peer's offer, first or in mid-call, and what it settles.
    ///
    /// # Errors
    /// [`SdpError`] when the offer cannot be used; what was agreed before stands.
    pub fn answer(&mut self, offer: &[u8]) -> Result<(Vec<u8>, Agreed), SdpError> {
        let offer = Description::read(offer)?;
        let (place, mut agreed, line) = self.choose(&offer)?;
        let before = self.agreed.and_then(|agreed| agreed.secured);
        if let Some(stream) = offer.streams.get(place) {
            agreed.secured = self.secrecy.accept(stream, line, before)?;
        }
        self.lines = offer.streams.iter().map(Line::refused).collect();
        if let Some(line) = self.lines.get_mut(place) {
            *line = Line::Audio;
        }
        self.numbers
            .learn_codec(agreed.receive_payload_type, agreed.codec);
        let events: Vec<_> = agreed
            .receive_telephone_event
            .map(|number| (number, agreed.telephone_event_clock))
            .into_iter()
            .collect();
        for (number, clock) in &events {
            self.numbers.learn_event(*number, *clock);
        }
        self.offered = false;
        self.agreed = Some(agreed);
        let body = self.say(Audio {
            port: self.port,
            codecs: &[(agreed.receive_payload_type, agreed.codec)],
            telephone_events: &events,
            noise: agreed.noise,
            packet_ms: agreed.packet_ms,
            flowing: agreed.flowing,
            rtcp_mux: agreed.rtcp_mux,
        });
        Ok((body, agreed))
    }

    /// The first audio stream that can be used, an encrypted one before a plain one, with the line that encrypts it. When
    /// none can, the first one's fault is the answer's.
    fn choose(&self, offer: &Description) -> Result<(usize, Agreed, Option<CryptoLine>), SdpError> {
        let in_use = self.agreed.and_then(|agreed| agreed.secured);
        let in_use = in_use.map(|secured| secured.suite);
        let mut fault = SdpError::NoAudio;
        let mut plain = None;
        let live = offer
            .streams
            .iter()
            .enumerate()
            .filter(|(_, stream)| stream.is_live_audio());
        for (place, stream) in live {
            let settled = self
                .secrecy
                .pick(stream, in_use)
                .and_then(|line| Ok((place, self.settle(stream, self.wanted())?, line)));
            match settled {
                Ok(secured @ (.., Some(_))) => return Ok(secured),
                Ok(first @ (.., None)) => plain = plain.or(Some(first)),
                Err(SdpError::NoAudio) => {}
                Err(other) => {
                    if fault == SdpError::NoAudio {
                        fault = other;
                    }
                }
            }
        }
        plain.ok_or(fault)
    }

    /// The codec to keep when the peer offers it: the other leg's, else the one in use.
    fn wanted(&self) -> Option<Codec> {
        self.preferred.or(self.agreed.map(|agreed| agreed.codec))
    }

    fn settle(&self, stream: &Stream, wanted: Option<Codec>) -> Result<Agreed, SdpError> {
        let ours = |(_, codec): &&(u8, Codec)| self.codecs.contains(codec);
        let kept = stream
            .codecs
            .iter()
            .find(|(_, codec)| Some(*codec) == wanted)
            .filter(ours);
        let passed = || {
            stream
                .codecs
                .iter()
                .find(|(_, codec)| self.passing && !codec.is_decoded())
        };
        let chosen = kept.or_else(|| stream.codecs.iter().find(ours)).or_else(passed);
        let Some((number, codec)) = chosen else {
            let names: Vec<_> = self.codecs.iter().map(|codec| codec.name()).collect();
            return Err(SdpError::NoCommonCodec(names.join(" ")));
        };
        if let Some(longest) = stream.longest_packet_ms.filter(|longest| *longest < PACKET_MS) {
            return Err(SdpError::ShortPackets(longest));
        }
        let remote = self.remote(stream)?;
        let event = stream.telephone_event_beside(*codec).filter(|_| self.events);
        let telephone_event = event.map(|(number, _)| number);
        let deaf = stream.connection == Place::Nowhere;
        Ok(Agreed {
            remote,
            remote_rtcp: if stream.rtcp_mux {
                remote
            } else {
                self.remote_rtcp(stream, remote)
            },
            rtcp_mux: stream.rtcp_mux,
            learns_from: self.learns_from(stream),
            codec: *codec,
            send_payload_type: *number,
            receive_payload_type: *number,
            send_telephone_event: telephone_event,
            receive_telephone_event: telephone_event,
            telephone_event_clock: event.map_or(codec.clock_rate(), |(_, clock)| clock),
            noise: stream.noise(codec.clock_rate()),
            opus: stream.opus(*number),
            packet_ms: PACKET_MS,
            flowing: Flowing::of(stream.flowing.sends() && !deaf, stream.flowing.receives()),
            secured: None,
        })
    }

    /// Where the peer receives. A peer that holds by `0.0.0.0` keeps its former address, and gets nothing there.
    fn remote(&self, stream: &Stream) -> Result<SocketAddr, SdpError> {
        let ip = match &stream.connection {
            Place::At(ip) => usable(*ip, self.local_ip)?,
            Place::Nowhere => {
                return Ok(self
                    .agreed
                    .map_or_else(|| self.nowhere(stream.port), |agreed| agreed.remote));
            }
            Place::Missing => return Err(SdpError::Unreadable("no c= line".to_owned())),
            Place::Other(text) => return Err(SdpError::AddressFamily(text.clone())),
        };
        let remote = SocketAddr::new(ip, stream.port);
        if self.own.is(remote) {
            return Err(SdpError::Address(remote.to_string(), "the box's own port"));
        }
        Ok(remote)
    }

    /// From where the peer's place may be learned: see [`Hidden`].
    fn learns_from(&self, stream: &Stream) -> Option<IpAddr> {
        match &stream.connection {
            Place::At(named) => self.hidden.learns_from(*named),
            // On hold by 0.0.0.0 nothing new is learned; what was agreed stands.
            Place::Nowhere => self.agreed.and_then(|agreed| agreed.learns_from),
            Place::Missing | Place::Other(_) => None,
        }
    }

    fn nowhere(&self, port: u16) -> SocketAddr {
        match self.local_ip {
            IpAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
            IpAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
        }
    }

    /// `a=rtcp` when it names a usable place, else the next port (RFC 3550 §11, RFC 3605).
    fn remote_rtcp(&self, stream: &Stream, remote: SocketAddr) -> SocketAddr {
        let (port, ip) = stream.rtcp.unwrap_or((remote.port().saturating_add(1), None));
        let ip = ip
            .and_then(|ip| usable(ip, self.local_ip).ok())
            .unwrap_or(remote.ip());
        let asked = SocketAddr::new(ip, port);
        let next = SocketAddr::new(remote.ip(), remote.port().saturating_add(1));
        let mut fit = [asked, next].into_iter().filter(|place| !self.own.is(*place));
        fit.next().unwrap_or(remote)
    }

    /// Puts the `o=` line before a body; its version rises only when the body changed (RFC 3264 §8).
    fn say(&mut self, audio: Audio<'_>) -> Vec<u8> {
        let body = writing::body(self.local_ip, &self.lines, audio, self.secrecy.said());
        if self.said.as_ref().is_none_or(|said| said.0 != body) {
            self.version += 1;
        }
        self.sign(body)
    }

    fn sign(&mut self, body: String) -> Vec<u8> {
        let place = writing::place(self.local_ip);
        let text = format!(
            "v=0\r\no=callpost {} {} {place}\r\n{body}",
            self.session_id, self.version
        );
        self.said = Some(Said(body));
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of the peer with these lines in its head.
    fn headed(head: &str, lines: &str) -> Vec<u8> {
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n{head}t=0 0\r\n{lines}").into_bytes()
    }

    fn leg() -> Negotiator {
        Negotiator::new("192.0.2.1".parse().unwrap(), 10_000, &Codec::G711, 77)
    }

    fn peer(lines: &str) -> Vec<u8> {
        format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}")
            .into_bytes()
    }

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn an_offer_names_every_codec_telephone_event_and_both_ways() {
        assert_eq!(
            text(leg().offer()),
            "v=0\r\no=callpost 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             m=audio 10000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
        );
    }

    #[test]
    fn the_version_rises_only_when_the_body_changes() {
        let mut leg = leg();
        let first = text(leg.offer());
        assert_eq!(text(leg.offer()), first);
        leg.prefer(Codec::Pcma);
        let second = text(leg.offer());
        assert!(second.contains("o=callpost 77 2 "), "{second}");
        assert!(second.contains("RTP/AVP 8 0 101"), "{second}");
    }

    #[test]
    fn an_answer_takes_the_peers_first_codec_and_its_numbers() {
        let offer = "m=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n";
        let (body, agreed) = leg().answer(&peer(offer)).unwrap();
        assert_eq!(agreed.remote, "192.0.2.9:4000".parse().unwrap());
        assert_eq!(agreed.remote_rtcp, "192.0.2.9:4001".parse().unwrap());
        assert_eq!((agreed.codec, agreed.send_payload_type), (Codec::Pcma, 8));
        assert_eq!(
            (agreed.send_telephone_event, agreed.receive_telephone_event),
            (Some(96), Some(96))
        );
        let body = text(body);
        assert!(
            body.contains("m=audio 10000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 tele"),
            "{body}"
        );
    }

    #[test]
    fn a_codec_under_a_dynamic_number_keeps_it() {
        let (body, agreed) = leg()
            .answer(&peer("m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 PCMA/8000\r\n"))
            .unwrap();
        assert_eq!(
            (
                agreed.codec,
                agreed.send_payload_type,
                agreed.receive_payload_type
            ),
            (Codec::Pcma, 111, 111)
        );
        assert_eq!(agreed.send_telephone_event, None);
        assert!(text(body).contains("m=audio 10000 RTP/AVP 111\r\na=rtpmap:111 PCMA/8000\r\na=ptime"));
    }

    #[test]
    fn an_answer_may_choose_other_numbers_than_the_offer() {
        let mut leg = leg();
        leg.offer();
        let answer =
            "m=audio 4000 RTP/AVP 98 99\r\na=rtpmap:98 PCMA/8000\r\na=rtpmap:99 telephone-event/8000\r\n";
        let agreed = leg.answered(&peer(answer)).unwrap();
        assert_eq!((agreed.send_payload_type, agreed.receive_payload_type), (98, 8));
        assert_eq!(
            (agreed.send_telephone_event, agreed.receive_telephone_event),
            (Some(99), Some(101))
        );
    }

    #[test]
    fn holding_is_mirrored_in_every_form() {
        // What the phone says, how it flows for the box, what the box answers.
        let table = [
            ("", "a=sendrecv", Flowing::Both, "a=sendrecv"),
            ("", "a=sendonly", Flowing::ReceiveOnly, "a=recvonly"),
            ("", "a=recvonly", Flowing::SendOnly, "a=sendonly"),
            ("", "a=inactive", Flowing::Neither, "a=inactive"),
            (
                "c=IN IP4 0.0.0.0\r\n",
                "a=sendrecv",
                Flowing::ReceiveOnly,
                "a=recvonly",
            ),
            (
                "c=IN IP4 0.0.0.0\r\n",
                "a=sendonly",
                Flowing::ReceiveOnly,
                "a=recvonly",
            ),
            (
                "c=IN IP4 0.0.0.0\r\n",
                "a=recvonly",
                Flowing::Neither,
                "a=inactive",
            ),
            (
                "c=IN IP4 0.0.0.0\r\n",
                "a=inactive",
                Flowing::Neither,
                "a=inactive",
            ),
        ];
        for (connection, word, flowing, reply) in table {
            let mut leg = leg();
            leg.answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
            let offer = peer(&format!("m=audio 4000 RTP/AVP 0\r\n{connection}{word}\r\n"));
            let (body, agreed) = leg.answer(&offer).unwrap();
            assert_eq!(agreed.flowing, flowing, "{connection}{word}");
            assert_eq!(
                agreed.remote,
                "192.0.2.9:4000".parse().unwrap(),
                "{connection}{word}"
            );
            assert!(
                text(body).ends_with(&format!("{reply}\r\n")),
                "{connection}{word}"
            );
        }
    }

    #[test]
    fn hold_and_resume_keep_codec_and_numbers_and_count_versions() {
        let mut leg = leg();
        leg.prefer(Codec::Pcma);
        leg.offer();
        leg.answered(&peer(
            "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        ))
        .unwrap();
        let again = "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
        let (held, agreed) = leg.answer(&peer(&format!("{again}a=sendonly\r\n"))).unwrap();
        assert_eq!(agreed.codec, Codec::Pcma);
        assert!(text(held).contains("o=callpost 77 2 "));
        let (resumed, agreed) = leg.answer(&peer(again)).unwrap();
        assert_eq!(agreed.flowing, Flowing::Both);
        let resumed = text(resumed);
        assert!(resumed.contains("o=callpost 77 3 "), "{resumed}");
        let (same, _) = leg.answer(&peer(again)).unwrap();
        assert_eq!(text(same), resumed);
    }

    #[test]
    fn other_streams_keep_their_place_with_port_zero() {
        let offer = "m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 8\r\nm=image 6000 udptl t38\r\n";
        let mut leg = leg();
        let (body, agreed) = leg.answer(&peer(offer)).unwrap();
        assert_eq!(agreed.remote.port(), 4000);
        let body = text(body);
        let lines: Vec<_> = body.lines().filter(|line| line.starts_with("m=")).collect();
        let answered = [
            "m=video 0 RTP/AVP 31",
            "m=audio 10000 RTP/AVP 0",
            "m=audio 0 RTP/AVP 8",
            "m=image 0 udptl t38",
        ];
        assert_eq!(lines, answered);
        // And so they do when the next offer is ours.
        let next = text(leg.offer());
        let lines: Vec<_> = next.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(lines[0], "m=video 0 RTP/AVP 31");
        assert_eq!(lines[1], "m=audio 10000 RTP/AVP 0 8 101");
        let answer = "m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 8\r\nm=image 0 udptl t38\r\n";
        assert_eq!(leg.answered(&peer(answer)).unwrap().remote.port(), 4000);
    }

    #[test]
    fn the_second_audio_stream_serves_when_the_first_cannot() {
        let offer = "m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\n";
        let (_, agreed) = leg().answer(&peer(offer)).unwrap();
        assert_eq!(agreed.remote.port(), 4002);
    }

    #[test]
    fn a_late_offer_is_answered_in_the_ack() {
        let mut leg = leg();
        leg.offer();
        assert_eq!(
            leg.answered(&peer("m=audio 4000 RTP/AVP 8\r\n")).unwrap().codec,
            Codec::Pcma
        );
    }

    #[test]
    fn the_final_answer_may_differ_from_the_early_one() {
        let mut leg = leg();
        leg.offer();
        leg.answered(&peer("m=audio 4000 RTP/AVP 8\r\n")).unwrap();
        assert_eq!(
            leg.answered(&peer("m=audio 4010 RTP/AVP 8\r\n"))
                .unwrap()
                .remote
                .port(),
            4010
        );
    }

    #[test]
    fn an_answer_nobody_asked_for_changes_nothing() {
        let mut leg = leg();
        assert_eq!(
            leg.answered(&peer("m=audio 4000 RTP/AVP 0\r\n")),
            Err(SdpError::NotOffered)
        );
        leg.answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
        assert_eq!(
            leg.answered(&peer("m=audio 4002 RTP/AVP 0\r\n")),
            Err(SdpError::NotOffered)
        );
        assert_eq!(leg.agreed().unwrap().remote.port(), 4000);
    }

    #[test]
    fn a_refused_re_invite_leaves_the_call_as_it_is() {
        let mut leg = leg();
        let (_, before) = leg.answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
        assert_eq!(
            leg.answer(&peer("m=audio 0 RTP/AVP 0\r\n")).unwrap_err(),
            SdpError::NoAudio
        );
        assert!(leg.answer(&peer("m=audio 4000 RTP/SAVP 0\r\n")).is_err());
        assert_eq!(leg.agreed(), Some(&before));
    }

    #[test]
    fn each_refusal_names_its_status_and_warning() {
        let table = [
            ("m=audio 4000 RTP/SAVP 0\r\n", 488, 302),
            ("m=audio 4000 RTP/AVP 18\r\n", 488, 305),
            ("m=video 4000 RTP/AVP 31\r\n", 488, 304),
            ("m=audio 0 RTP/AVP 0\r\n", 488, 304),
            ("", 488, 304),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 239.1.1.1/127\r\n", 488, 330),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::9\r\n", 488, 301),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example\r\n", 488, 301),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 127.0.0.1\r\n", 488, 399),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", 488, 399),
            ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 169.254.7.7\r\n", 488, 399),
            ("m=audio 10000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n", 488, 399),
            ("m=audio 70000 RTP/AVP 0\r\n", 400, 307),
        ];
        for (lines, status, warning) in table {
            let error = leg().answer(&peer(lines)).unwrap_err();
            assert_eq!(
                (error.status(), error.warning().0),
                (status, warning),
                "{lines}: {error}"
            );
        }
    }

    #[test]
    fn every_port_of_the_box_is_guarded() {
        let circle = peer("m=audio 10998 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n");
        assert!(leg().answer(&circle).is_ok());
        assert!(leg().guarding(10_000..=10_999).answer(&circle).is_err());
    }

    #[test]
    fn an_answer_that_switches_the_stream_off_is_a_refusal() {
        let mut leg = leg();
        leg.offer();
        for answer in ["m=audio 0 RTP/AVP 0\r\n", "m=video 5000 RTP/AVP 31\r\n", ""] {
            assert_eq!(leg.answered(&peer(answer)), Err(SdpError::Refused), "{answer}");
        }
    }

    #[test]
    fn rtcp_goes_where_it_is_asked_unless_that_is_a_trap() {
        let offer = |rtcp: &str| peer(&format!("m=audio 4000 RTP/AVP 0\r\na=rtcp:{rtcp}\r\n"));
        let rtcp = |value: &str| leg().answer(&offer(value)).unwrap().1.remote_rtcp.to_string();
        assert_eq!(rtcp("5005"), "192.0.2.9:5005");
        assert_eq!(rtcp("5005 IN IP4 192.0.2.10"), "192.0.2.10:5005");
        assert_eq!(rtcp("5005 IN IP4 127.0.0.1"), "192.0.2.9:5005");
        assert_eq!(rtcp("nonsense"), "192.0.2.9:4001");
    }

    /// RFC 3264 §6.1, §8.4
    #[test]
    fn the_direction_may_stand_in_the_head_and_each_stream_may_overrule_it() {
        let place = "c=IN IP4 192.0.2.9\r\n";
        let table = [
            ("a=sendrecv", "", "a=sendrecv"),
            ("a=sendonly", "", "a=recvonly"),
            ("a=recvonly", "", "a=sendonly"),
            ("a=inactive", "", "a=inactive"),
            ("a=inactive", "a=sendrecv\r\n", "a=sendrecv"),
            ("a=sendrecv", "a=sendonly\r\n", "a=recvonly"),
            ("a=sendonly", "a=inactive\r\n", "a=inactive"),
        ];
        for (head, own, reply) in table {
            let offer = headed(
                &format!("{place}{head}\r\n"),
                &format!("m=audio 4000 RTP/AVP 0\r\n{own}"),
            );
            let (body, _) = leg().answer(&offer).unwrap();
            assert!(text(body).ends_with(&format!("{reply}\r\n")), "{head} {own}");
        }
        // The old hold in the head: nothing is sent there (§8.4), in either family.
        let (_, agreed) = leg()
            .answer(&headed("c=IN IP4 0.0.0.0\r\n", "m=audio 4000 RTP/AVP 0\r\n"))
            .unwrap();
        assert_eq!(agreed.flowing, Flowing::ReceiveOnly);
        let mut six = Negotiator::new("2001:db8::1".parse().unwrap(), 10_000, &Codec::G711, 77);
        let (_, agreed) = six
            .answer(&headed("c=IN IP6 ::\r\n", "m=audio 4000 RTP/AVP 0\r\n"))
            .unwrap();
        assert_eq!(agreed.flowing, Flowing::ReceiveOnly);
    }

    #[test]
    fn an_offer_that_repeats_what_was_said_keeps_its_version_and_numbers() {
        let mut leg = leg();
        let offer = "m=audio 4000 RTP/AVP 111 96\r\na=rtpmap:111 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n";
        let (said, before) = leg.answer(&peer(offer)).unwrap();
        assert_eq!(text(leg.offer_again()), text(said));
        let again = leg.answered(&peer(offer)).unwrap();
        assert_eq!(again, before);
        // A new offer has every codec again, under the numbers this leg knows.
        assert!(text(leg.offer()).contains("m=audio 10000 RTP/AVP 0 111 96\r\n"));
    }

    #[test]
    fn a_leg_that_said_nothing_yet_offers_for_the_first_time() {
        assert_eq!(text(leg().offer_again()), text(leg().offer()));
    }

    #[test]
    fn two_legs_keep_their_own_numbers_for_the_same_codec() {
        let offer = |number: u8| {
            peer(&format!(
                "m=audio 4000 RTP/AVP {number}\r\na=rtpmap:{number} PCMU/8000\r\n"
            ))
        };
        let (mut one, mut other) = (leg(), leg());
        let (_, at_one) = one.answer(&offer(111)).unwrap();
        let (_, at_other) = other.answer(&offer(96)).unwrap();
        assert_eq!((at_one.send_payload_type, at_other.send_payload_type), (111, 96));
        assert_eq!(at_one.codec, at_other.codec);
        assert!(text(one.offer()).contains("RTP/AVP 111 8 101\r\n"));
        assert!(text(other.offer()).contains("RTP/AVP 96 8 101\r\n"));
    }

    #[test]
    fn telephone_event_at_another_clock_than_the_codecs_is_not_taken() {
        let offer = "m=audio 4000 RTP/AVP 111 0 100\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:100 telephone-event/48000\r\n";
        let (body, agreed) = leg().answer(&peer(offer)).unwrap();
        assert_eq!((agreed.codec, agreed.send_telephone_event), (Codec::Pcmu, None));
        assert!(!text(body).contains("telephone-event"));
    }

    #[test]
    fn a_peer_is_sent_packets_it_takes_or_is_refused() {
        let offer = |lines: &str| peer(&format!("m=audio 4000 RTP/AVP 0\r\n{lines}"));
        for lines in [
            "",
            "a=ptime:10\r\n",
            "a=ptime:60\r\n",
            "a=maxptime:20\r\n",
            "a=maxptime:150\r\n",
        ] {
            let (body, agreed) = leg().answer(&offer(lines)).unwrap();
            assert_eq!(agreed.packet_ms, 20, "{lines}");
            assert!(text(body).contains("a=ptime:20\r\n"), "{lines}");
        }
        let error = leg().answer(&offer("a=maxptime:10\r\n")).unwrap_err();
        assert_eq!((error.status(), error.warning().0), (488, 306));
    }

    #[test]
    fn lines_of_ice_and_bundles_are_passed_over_and_encryption_alone_is_refused() {
        let ice = "a=group:BUNDLE 0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\na=fingerprint:sha-256 00:11\r\na=setup:actpass\r\n\
                   m=audio 4000 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 UDP 1 192.0.2.9 4000 typ host\r\n\
                   a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\r\na=rtcp-mux\r\n";
        let body = text(leg().answer(&peer(ice)).unwrap().0);
        for line in [
            "candidate",
            "ice-",
            "fingerprint",
            "setup",
            "crypto",
            "mid",
            "BUNDLE",
        ] {
            assert!(!body.contains(line), "{line}: {body}");
        }
        for transport in ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVPF", "RTP/AVPF", "udp"] {
            let error = leg()
                .answer(&peer(&format!("m=audio 4000 {transport} 0\r\n")))
                .unwrap_err();
            assert_eq!((error.status(), error.warning().0), (488, 302), "{transport}");
            let both = format!("m=audio 4000 {transport} 0\r\nm=audio 4002 RTP/AVP 0\r\n");
            let (body, agreed) = leg().answer(&peer(&both)).unwrap();
            assert_eq!(agreed.remote.port(), 4002, "{transport}");
            assert!(text(body).contains(&format!("m=audio 0 {transport} 0\r\nm=audio 10000 ")));
        }
    }

    /// ROBUSTNESS 45
    #[test]
    fn addresses_that_media_may_not_go_to_are_refused_in_offers_and_answers() {
        let places = [
            ("127.0.0.1", 4000),
            ("0.0.0.1", 4000),
            ("255.255.255.255", 4000),
            ("224.0.0.1", 4000),
            ("239.255.255.250", 1900),
            ("169.254.1.1", 4000),
            ("240.1.2.3", 4000),
            ("192.0.2.1", 10_000),
            ("192.0.2.1", 10_998),
            ("192.0.2.1", 5060),
            ("10.0.0.1", 10_000),
        ];
        let guarded = || {
            leg()
                .guarding(10_000..=10_999)
                .owning("10.0.0.1".parse().unwrap(), ["192.0.2.1:5060".parse().unwrap()])
        };
        for (ip, port) in places {
            let body = headed(
                &format!("c=IN IP4 {ip}\r\n"),
                &format!("m=audio {port} RTP/AVP 0\r\n"),
            );
            let error = guarded().answer(&body).unwrap_err();
            assert_eq!(error.status(), 488, "{ip}:{port}");
            let (code, warning) = error.warning();
            let group = ip.starts_with("22") || ip.starts_with("239");
            assert_eq!(code, if group { 330 } else { 399 }, "{ip}:{port}");
            assert!(group || warning.contains("address not usable"), "{warning}");
            let mut asking = guarded();
            asking.offer();
            assert_eq!(asking.answered(&body), Err(error), "{ip}:{port}");
            assert_eq!(asking.agreed(), None);
            // RTCP is not led there either.
            let rtcp = headed(
                "c=IN IP4 192.0.2.9\r\n",
                &format!("m=audio 4000 RTP/AVP 0\r\na=rtcp:{port} IN IP4 {ip}\r\n"),
            );
            let (_, agreed) = guarded().answer(&rtcp).unwrap();
            assert_eq!(agreed.remote_rtcp.ip(), agreed.remote.ip(), "{ip}:{port}");
        }
    }

    #[test]
    fn on_loopback_the_peer_may_be_on_loopback_but_not_be_the_box() {
        let home = || Negotiator::new("127.0.0.1".parse().unwrap(), 10_000, &Codec::G711, 77);
        let from = |port: u16| headed("c=IN IP4 127.0.0.1\r\n", &format!("m=audio {port} RTP/AVP 0\r\n"));
        assert!(home().answer(&from(4000)).is_ok());
        assert!(home().answer(&from(10_000)).is_err());
    }

    #[test]
    fn no_body_however_mangled_makes_it_panic() {
        let mut dice = crate::model::Dice::from_number(4);
        let good = peer(
            "m=audio 4000 RTP/AVP 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=rtcp:5 IN IP4 1.2.3.4\r\n",
        );
        let mut leg = leg();
        for _ in 0..20_000 {
            let mut body = good.clone();
            for _ in 0..=dice.roll(6) {
                let place = dice.roll(body.len() as u64) as usize;
                body[place] = dice.number() as u8;
            }
            let _ = leg.answer(&body);
            leg.offer();
            let _ = leg.answered(&body);
        }
    }

    /// RFC 5761 §5.1.1.
    #[test]
    fn one_port_for_both_is_agreed_on_when_the_peer_offers_it_and_not_otherwise() {
        let offer = "m=audio 4000 RTP/AVP 0\r\na=rtcp:4007\r\na=rtcp-mux\r\n";
        let (body, agreed) = leg().answer(&peer(offer)).unwrap();
        assert!(text(body).contains("a=rtcp-mux\r\n"));
        assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp), (true, agreed.remote));
        let (body, agreed) = leg().answer(&peer("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
        assert!(!text(body).contains("rtcp"));
        assert!(!agreed.rtcp_mux);
        // Nobody asked for it.
        let mut leg = leg();
        assert!(!text(leg.offer()).contains("rtcp-mux"));
        let agreed = leg.answered(&peer(offer)).unwrap();
        assert!(!agreed.rtcp_mux);
        assert_eq!(agreed.remote_rtcp, "192.0.2.9:4007".parse().unwrap());
    }

    #[test]
    fn a_peer_that_is_said_to_be_behind_a_router_may_be_learned_from_where_it_signals() {
        let offer = peer("m=audio 4000 RTP/AVP 0\r\n");
        let signals = "198.51.100.4".parse().unwrap();
        let agreed = |leg: Negotiator| leg_answers(leg, &offer).learns_from;
        assert_eq!(agreed(leg()), None);
        assert_eq!(agreed(leg().facing(signals, None)), None);
        assert_eq!(agreed(leg().facing(signals, Some(true))), Some(signals));
        let mut moved = leg().facing("198.51.100.9".parse().unwrap(), Some(true));
        moved.now_facing(signals); // Another target of the trunk has answered.
        assert_eq!(agreed(moved), Some(signals));
        let mut held = leg().facing(signals, Some(true));
        held.answer(&offer).unwrap();
        let hold = headed("c=IN IP4 0.0.0.0\r\n", "m=audio 4000 RTP/AVP 0\r\n");
        assert_eq!(held.answer(&hold).unwrap().1.learns_from, Some(signals));
    }

    fn leg_answers(mut leg: Negotiator, offer: &[u8]) -> Agreed {
        leg.answer(offer).unwrap().1
    }
}
