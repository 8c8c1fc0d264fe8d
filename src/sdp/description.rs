use super::crypto::{CryptoLine, MOST_LINES};
use super::{Flowing, OpusWishes, SdpError};
use crate::model::Codec;
use sdp_types::{Attribute, Connection, Media, Session};
use std::net::IpAddr;

/// Largest body read, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Most lines read; a browser's offer has three hundred.
const MAX_LINES: usize = 1_024;
/// Most `m=` lines read.
const MAX_STREAMS: usize = 32;
/// Most formats read in one `m=` line.
const MAX_FORMATS: usize = 64;
/// Payload numbers have seven bits.
const NUMBERS: usize = 128;

/// The peer's offer or answer, reduced to what negotiation needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// One for each `m=` line, in their order, which an answer has to keep (RFC 3264 §6).
    pub(super) streams: Vec<Stream>,
}

/// One `m=` line with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    /// `audio`, `video`, …
    pub(super) media: String,
    /// 0 means: not this one.
    pub(super) port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, …
    pub(super) transport: String,
    /// The formats as written.
    pub(super) formats: String,
    /// Where media goes.
    pub(super) connection: Place,
    /// Codecs of ours among the formats, in the peer's order, with their payload numbers.
    pub(super) codecs: Vec<(u8, Codec)>,
    /// Payload numbers and clocks in Hz of telephone-event, in the peer's order (RFC 4733 §2.5.1.1).
    pub(super) telephone_events: Vec<(u8, u32)>,
    /// Payload numbers and clocks in Hz of comfort noise (RFC 3389 §4).
    noises: Vec<(u8, u32)>,
    /// What is said of each number in `a=fmtp`.
    parameters: Vec<(u8, String)>,
    /// `a=ptime`: milliseconds of audio the peer likes in a packet (RFC 8866 §6.4).
    pub(super) packet_ms: Option<u16>,
    /// `a=maxptime`: the most milliseconds it takes in one.
    pub(super) longest_packet_ms: Option<u16>,
    /// `a=rtcp` (RFC 3605).
    pub(super) rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=rtcp-mux` (RFC 5761 §5.1.1): the peer can have both on one port.
    pub(super) rtcp_mux: bool,
    /// Which way it flows, seen from the box.
    pub(super) flowing: Flowing,
    /// The crypto lines that can be used, in the peer's order (RFC 4568).
    pub(super) crypto: Vec<CryptoLine>,
}

/// What a `c=` line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// There is none.
    Missing,
    /// `0.0.0.0` or `::` — the peer does not want to hear anything (RFC 3264 §8.4).
    Nowhere,
    /// An address.
    At(IpAddr),
    /// Something that is not an address literal.
    Other(String),
}

impl Description {
    /// Reads a body.
    ///
    /// # Errors
    /// [`SdpError::Unreadable`] or [`SdpError::TooLarge`].
    pub(super) fn read(body: &[u8]) -> Result<Self, SdpError> {
        if body.len() > MAX_BYTES {
            return Err(SdpError::TooLarge("more than 16 kB"));
        }
        if body.split(|byte| *byte == b'\n').count() > MAX_LINES {
            return Err(SdpError::TooLarge("more than 1024 lines"));
        }
        let session =
            Session::parse(&telling_lines(body)).map_err(|error| SdpError::Unreadable(error.to_string()))?;
        if session.medias.len() > MAX_STREAMS {
            return Err(SdpError::TooLarge("more than 32 streams"));
        }
        let streams = session
            .medias
            .iter()
            .map(|media| Stream::read(media, &session))
            .collect::<Result<_, _>>()?;
        Ok(Self { streams })
    }
}

impl Stream {
    fn read(media: &Media, session: &Session) -> Result<Self, SdpError> {
        if media.fmt.split_ascii_whitespace().count() > MAX_FORMATS {
            return Err(SdpError::TooLarge("more than 64 formats"));
        }
        if ![&media.media, &media.proto, &media.fmt]
            .into_iter()
            .all(|words| is_plain(words))
        {
            return Err(SdpError::Unreadable("an m= line that is not text".to_owned()));
        }
        let connection = media.connections.first().or(session.connection.as_ref());
        let mut stream = Self {
            media: media.media.clone(),
            port: media.port,
            transport: media.proto.clone(),
            formats: media.fmt.clone(),
            connection: connection.map_or(Place::Missing, Place::read),
            codecs: Vec::new(),
            telephone_events: Vec::new(),
            noises: Vec::new(),
            parameters: Vec::new(),
            packet_ms: value(&media.attributes, "ptime").and_then(milliseconds),
            longest_packet_ms: value(&media.attributes, "maxptime").and_then(milliseconds),
            rtcp: value(&media.attributes, "rtcp").and_then(rtcp),
            rtcp_mux: has(&media.attributes, "rtcp-mux"),
            flowing: flowing(&media.attributes)
                .or_else(|| flowing(&session.attributes))
                .unwrap_or(Flowing::Both),
            crypto: crypto(&media.attributes),
        };
        stream.read_formats(&media.attributes);
        Ok(stream)
    }

    /// Finds our codecs and telephone-event. Static numbers need no `a=rtpmap` (RFC 3551 §6).
    fn read_formats(&mut self, attributes: &[Attribute]) {
        let maps = Maps::read(attributes);
        self.parameters = attributes.iter().filter_map(parameters).collect();
        for number in self.formats.split_ascii_whitespace().filter_map(payload_number) {
            match maps.meaning(number) {
                Some(Meaning::Audio(codec)) => {
                    if !self
                        .codecs
                        .iter()
                        .any(|(known, same)| *known == number || *same == codec)
                    {
                        self.codecs.push((number, codec));
                    }
                }
                Some(Meaning::TelephoneEvent(clock)) => {
                    if self.telephone_event(clock).is_none() {
                        self.telephone_events.push((number, clock));
                    }
                }
                Some(Meaning::Noise(clock)) => self.noises.push((number, clock)),
                Some(Meaning::Foreign) | None => {}
            }
        }
    }

    /// The peer's number for telephone-event at this clock. Events share the time stamps of the audio they lie in, so
    /// only those at the clock of the chosen codec can be used (RFC 4733 §2.1).
    pub(super) fn telephone_event(&self, clock: u32) -> Option<u8> {
        let mut events = self.telephone_events.iter();
        events
            .find(|(_, known)| *known == clock)
            .map(|(number, _)| *number)
    }

    /// The peer's number for telephone-event beside this codec, and its clock. Some phones that speak Opus name
    /// telephone-event at 8000 Hz alone and send it so; it is better than no keys.
    pub(super) fn telephone_event_beside(&self, codec: Codec) -> Option<(u8, u32)> {
        let usual = if codec == Codec::Opus {
            8000
        } else {
            codec.clock_rate()
        };
        [codec.clock_rate(), usual]
            .into_iter()
            .find_map(|clock| Some((self.telephone_event(clock)?, clock)))
    }

    /// The peer's number for comfort noise at this clock.
    pub(super) fn noise(&self, clock: u32) -> Option<u8> {
        let mut noises = self.noises.iter();
        noises
            .find(|(_, known)| *known == clock)
            .map(|(number, _)| *number)
    }

    /// What the peer wants of the Opus it calls by this number.
    pub(super) fn opus(&self, number: u8) -> OpusWishes {
        let mut said = self.parameters.iter().filter(|(known, _)| *known == number);
        said.next()
            .map(|(_, words)| OpusWishes::read(words))
            .unwrap_or_default()
    }

    /// Whether this stream is on and carries audio.
    pub(super) fn is_live_audio(&self) -> bool {
        self.port != 0 && self.media.eq_ignore_ascii_case("audio")
    }
}

impl Place {
    fn read(connection: &Connection) -> Self {
        match connection.try_address() {
            Ok(address) if address.ip.to_canonical().is_unspecified() => Self::Nowhere,
            Ok(address) => Self::At(address.ip),
            Err(_) => Self::Other(connection.connection_address.clone()),
        }
    }
}

/// What a payload number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Audio(Codec),
    TelephoneEvent(u32),
    Noise(u32),
    Foreign,
}

/// The `a=rtpmap` lines of a stream, found by number in one step, so that a long list costs its length once.
struct Maps([Option<Meaning>; NUMBERS]);

impl Maps {
    fn read(attributes: &[Attribute]) -> Self {
        let mut maps = Self([None; NUMBERS]);
        let lines = attributes
            .iter()
            .filter(|line| line.attribute.eq_ignore_ascii_case("rtpmap"));
        for (number, format) in lines.filter_map(|line| line.value.as_deref()?.trim().split_once(' ')) {
            let slot = payload_number(number).and_then(|number| maps.0.get_mut(usize::from(number)));
            if let Some(slot @ None) = slot {
                *slot = Some(meaning(format.trim()));
            }
        }
        maps
    }

    fn meaning(&self, number: u8) -> Option<Meaning> {
        let mapped = self.0.get(usize::from(number)).copied().flatten();
        let fixed = Codec::KNOWN
            .into_iter()
            .find(|codec| codec.payload_type() == Some(number));
        // Comfort noise has a static number too, at 8000 Hz (RFC 3389 §4).
        let noise = (number == 13).then_some(Meaning::Noise(8000));
        mapped.or(fixed.map(Meaning::Audio)).or(noise)
    }
}

/// Reads `PCMU/8000` or `PCMU/8000/1`.
fn meaning(format: &str) -> Meaning {
    let mut parts = format.split('/');
    let name = parts.next().unwrap_or_default();
    let clock = parts.next().and_then(|clock| clock.parse::<u32>().ok());
    let channels = parts.next().map_or("1", str::trim);
    if let Some(clock) = clock
        && name.eq_ignore_ascii_case("telephone-event")
    {
        return Meaning::TelephoneEvent(clock);
    }
    if let Some(clock) = clock
        && name.eq_ignore_ascii_case("CN")
    {
        return Meaning::Noise(clock);
    }
    match Codec::from_name(name) {
        Some(codec) if clock == Some(codec.clock_rate()) && channels == channels_of(codec) => {
            Meaning::Audio(codec)
        }
        Some(_) | None => Meaning::Foreign,
    }
}

/// Reads `111 useinbandfec=1` of an `a=fmtp` line.
fn parameters(line: &Attribute) -> Option<(u8, String)> {
    let said = line
        .value
        .as_deref()
        .filter(|_| line.attribute.eq_ignore_ascii_case("fmtp"))?;
    let (number, words) = said.trim().split_once(' ')?;
    Some((payload_number(number)?, words.to_owned()))
}

/// Opus is always written with two channels, though one is what is sent (RFC 7587 §7).
fn channels_of(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "2",
        Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::G729 => "1",
    }
}

fn payload_number(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number| usize::from(*number) < NUMBERS)
}

fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|line| line.attribute.eq_ignore_ascii_case(name))?
        .value
        .as_deref()
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|line| line.attribute.trim().eq_ignore_ascii_case(name))
}

fn flowing(attributes: &[Attribute]) -> Option<Flowing> {
    attributes
        .iter()
        .find_map(|line| Flowing::from_peers_word(line.attribute.trim()))
}

/// Reads `20` or `20.5`; what is not a number of milliseconds is as good as nothing.
fn milliseconds(value: &str) -> Option<u16> {
    let whole = value.trim().split('.').next()?;
    whole.parse().ok().filter(|ms| *ms != 0)
}

fn crypto(attributes: &[Attribute]) -> Vec<CryptoLine> {
    let lines = attributes
        .iter()
        .filter(|line| line.attribute.eq_ignore_ascii_case("crypto"));
    lines
        .take(MOST_LINES)
        .filter_map(|line| CryptoLine::read(line.value.as_deref()?))
        .collect()
}

/// Words of an `m=` line go back to the peer in our answer, so they may hold nothing that ends a line or a text.
fn is_plain(words: &str) -> bool {
    words.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Reads `53020` or `53020 IN IP4 126.16.64.4`.
fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    Some((port, words.nth(2).and_then(|address| address.parse().ok())))
}

/// The lines that negotiation reads. The rest of a body — names, e-mail, keys, time zones — may be in any
/// character set and as wrong as it likes without costing a call.
fn telling_lines(body: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(body.len());
    for line in body.split(|byte| *byte == b'\n').filter(|line| is_telling(line)) {
        kept.extend_from_slice(line);
        kept.push(b'\n');
    }
    kept
}

fn is_telling(line: &[u8]) -> bool {
    let Some((kind, rest)) = line.split_first() else {
        return false;
    };
    match kind {
        b'v' | b'c' | b'm' => true,
        b'a' => {
            let name = rest.get(1..).unwrap_or_default();
            let end = name
                .iter()
                .position(|byte| b":\r ".contains(byte))
                .unwrap_or(name.len());
            let name = name.get(..end).unwrap_or_default();
            let known: [&[u8]; 11] = [
                b"crypto",
                b"rtpmap",
                b"fmtp",
                b"rtcp",
                b"rtcp-mux",
                b"ptime",
                b"maxptime",
                b"sendrecv",
                b"sendonly",
                b"recvonly",
                b"inactive",
            ];
            known.iter().any(|known| name.eq_ignore_ascii_case(known)) && std::str::from_utf8(line).is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(lines: &str) -> Stream {
        let body =
            format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}");
        Description::read(body.as_bytes()).unwrap().streams.remove(0)
    }

    #[test]
    fn static_numbers_need_no_rtpmap_and_dynamic_ones_do() {
        let stream = audio(
            "m=audio 4000 RTP/AVP 8 0 96 97 101\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n",
        );
        assert_eq!(stream.codecs, [(8, Codec::Pcma), (0, Codec::Pcmu)]);
        assert_eq!(stream.telephone_event(8000), Some(101));
    }

    #[test]
    fn an_rtpmap_overrules_a_static_number() {
        let stream =
            audio("m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/16000\r\na=rtpmap:97 pcmu/8000/1\r\n");
        assert_eq!(stream.codecs, [(97, Codec::Pcmu)]);
    }

    #[test]
    fn telephone_event_is_found_at_each_clock_it_is_named_with() {
        let stream = audio(
            "m=audio 4000 RTP/AVP 0 100 101 102 103\r\na=rtpmap:100 telephone-event/48000\r\n\
             a=rtpmap:101 Telephone-Event/8000\r\na=rtpmap:102 telephone-event/16000/1\r\na=rtpmap:103 telephone-event/8000\r\n",
        );
        let table = [
            (8000, Some(101)),
            (16000, Some(102)),
            (48000, Some(100)),
            (32000, None),
        ];
        for (clock, number) in table {
            assert_eq!(stream.telephone_event(clock), number, "{clock} Hz");
        }
    }

    #[test]
    fn lengths_of_packets_are_read() {
        let table = [
            ("", None, None),
            ("a=ptime:30\r\na=maxptime:60\r\n", Some(30), Some(60)),
            ("a=maxptime: 20.5 \r\n", None, Some(20)),
            ("a=ptime:0\r\na=maxptime:99999\r\n", None, None),
            ("a=ptime\r\na=maxptime:-20\r\n", None, None),
        ];
        for (lines, liked, longest) in table {
            let stream = audio(&format!("m=audio 4000 RTP/AVP 0\r\n{lines}"));
            assert_eq!(
                (stream.packet_ms, stream.longest_packet_ms),
                (liked, longest),
                "{lines}"
            );
        }
    }

    #[test]
    fn lines_nobody_needs_may_be_broken() {
        let body = b"v=0\r\no=- 99999999999999999999999999 1 IN IP4 192.0.2.9\r\ns=\xe9t\xe9\r\ne=\xff\r\nb=AS:lots\r\n\
            c=IN IP4 192.0.2.9\r\nt=now then\r\nz=?\r\nm=audio 4000 RTP/AVP 0\r\na=tool:\xff\r\na=sendonly\r\n";
        let description = Description::read(body).unwrap();
        assert_eq!(description.streams[0].flowing, Flowing::ReceiveOnly);
    }

    #[test]
    fn bare_line_feeds_are_line_ends_too() {
        let body = b"v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0\na=recvonly\n";
        assert_eq!(
            Description::read(body).unwrap().streams[0].flowing,
            Flowing::SendOnly
        );
    }

    #[test]
    fn the_streams_own_lines_overrule_the_sessions() {
        let stream = audio(
            "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\na=inactive\r\na=rtcp:5001 IN IP4 192.0.2.11\r\n",
        );
        assert_eq!(stream.connection, Place::At("192.0.2.10".parse().unwrap()));
        assert_eq!(stream.flowing, Flowing::Neither);
        assert_eq!(stream.rtcp, Some((5001, Some("192.0.2.11".parse().unwrap()))));
    }

    #[test]
    fn what_is_not_sdp_is_named() {
        let cases: [&[u8]; 9] = [
            b"",
            b"hello",
            b"m=audio 1 RTP/AVP 0\r\n",
            b"v=1\r\n",
            b"v=0\r\nm=audio 99999 RTP/AVP 0\r\n",
            b"v=0\r\nm=audio\r\n",
            b"v=0\r\nc=IN IP4\r\n",
            b"v=0\r\nm=audio 1 RTP/AVP \xff\r\n",
            b"v=0\r\nm=au\0dio 1 RTP/AVP 0\r\n",
        ];
        for body in cases {
            let error = Description::read(body).unwrap_err();
            assert_eq!(error.status(), 400, "{body:?}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let head = "v=0\r\nc=IN IP4 192.0.2.9\r\n";
        let streams = format!("{head}{}", "m=audio 4000 RTP/AVP 0\r\n".repeat(33));
        let formats = format!("{head}m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(65));
        let size = format!("{head}m=audio 4000 RTP/AVP 0\r\n{}", "a=x\r\n".repeat(4000));
        for bomb in [streams, formats, size] {
            assert!(matches!(
                Description::read(bomb.as_bytes()),
                Err(SdpError::TooLarge(_))
            ));
        }
    }
}
