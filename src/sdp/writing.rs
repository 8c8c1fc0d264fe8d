use super::Flowing;
use super::crypto::{self, OwnLine};
use super::description::Stream;
use super::opus;
use super::secrecy::Transport;
use crate::model::Codec;
use std::fmt::Write;
use std::net::IpAddr;

/// One `m=` line of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Our audio stream.
    Audio,
    /// A stream of the peer's that we do not take; it keeps its place with port 0 (RFC 3264 §6).
    Refused {
        /// `video`, …
        media: String,
        /// As the peer wrote it.
        transport: String,
        /// As the peer wrote them.
        formats: String,
    },
}

impl Line {
    /// Refuses this stream.
    pub(super) fn refused(stream: &Stream) -> Self {
        Self::Refused {
            media: stream.media.clone(),
            transport: stream.transport.clone(),
            formats: stream.formats.clone(),
        }
    }
}

/// Our audio stream as we describe it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Audio<'a> {
    /// Where we receive.
    pub(super) port: u16,
    /// Payload numbers and codecs, the preferred first.
    pub(super) codecs: &'a [(u8, Codec)],
    /// Payload numbers and clocks of telephone-event, one for each clock of the codecs.
    pub(super) telephone_events: &'a [(u8, u32)],
    /// Payload number of comfort noise, when the peer named it.
    pub(super) noise: Option<u8>,
    /// Milliseconds of audio in a packet.
    pub(super) packet_ms: u16,
    /// Which way it flows.
    pub(super) flowing: Flowing,
    /// Whether RTCP comes to the same port.
    pub(super) rtcp_mux: bool,
}

/// `IN IP4 192.0.2.1`, as `o=` and `c=` want it.
pub(super) fn place(ip: IpAddr) -> String {
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!("IN {family} {ip}")
}

/// Everything after the `o=` line.
pub(super) fn body(ip: IpAddr, lines: &[Line], audio: Audio<'_>, secrecy: (Transport, &[OwnLine])) -> String {
    let mut text = format!("s=-\r\nc={}\r\nt=0 0\r\n", place(ip));
    for line in lines {
        match line {
            Line::Audio => write_audio(&mut text, audio, secrecy),
            Line::Refused {
                media,
                transport,
                formats,
            } => {
                let _ = write!(text, "m={media} 0 {transport} {formats}\r\n");
            }
        }
    }
    text
}

/// What is to be known about a codec of ours.
fn write_parameters(text: &mut String, number: u8, codec: Codec) {
    match codec {
        Codec::Opus => opus::write_own(text, number),
        // Without its words about silence it suits both sides, whatever each of them knows (RFC 7261 §3).
        Codec::G729 => {
            let _ = write!(text, "a=fmtp:{number} annexb=no\r\n");
        }
        Codec::Pcmu | Codec::Pcma | Codec::G722 => {}
    }
}

/// `write!` to a `String` cannot fail.
fn write_audio(text: &mut String, audio: Audio<'_>, (transport, keys): (Transport, &[OwnLine])) {
    let _ = write!(text, "m=audio {} {}", audio.port, transport.word());
    for (number, _) in audio.codecs {
        let _ = write!(text, " {number}");
    }
    for number in audio
        .noise
        .iter()
        .chain(audio.telephone_events.iter().map(|(number, _)| number))
    {
        let _ = write!(text, " {number}");
    }
    text.push_str("\r\n");
    for (number, codec) in audio.codecs {
        let _ = write!(
            text,
            "a=rtpmap:{number} {}/{}{}\r\n",
            codec.name(),
            codec.clock_rate(),
            if *codec == Codec::Opus { "/2" } else { "" }
        );
        write_parameters(text, *number, *codec);
    }
    if let Some(number) = audio.noise {
        let _ = write!(text, "a=rtpmap:{number} CN/8000\r\n");
    }
    for (number, clock) in audio.telephone_events {
        let _ = write!(
            text,
            "a=rtpmap:{number} telephone-event/{clock}\r\na=fmtp:{number} 0-16\r\n"
        );
    }
    crypto::write(text, keys);
    let _ = write!(
        text,
        "a=ptime:{}\r\na={}\r\n",
        audio.packet_ms,
        audio.flowing.word()
    );
    if audio.rtcp_mux {
        text.push_str("a=rtcp-mux\r\n");
    }
}
