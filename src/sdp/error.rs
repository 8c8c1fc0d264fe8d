use thiserror::Error;

/// Why an offer or an answer cannot be used. [`SdpError::status`] and [`SdpError::warning`] say how to refuse it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SdpError {
    /// The body is not SDP (RFC 8866).
    #[error("SDP not readable: {0}")]
    Unreadable(String),
    /// The body is larger than any phone needs.
    #[error("SDP too large: {0}")]
    TooLarge(&'static str),
    /// No audio stream is offered, or all are switched off.
    #[error("No audio stream")]
    NoAudio,
    /// The audio stream does not use plain RTP/AVP.
    #[error("Transport {0} is not supported; use RTP/AVP")]
    Transport(String),
    /// No codec of the box is among the formats.
    #[error("No common audio codec; offer one of {0}")]
    NoCommonCodec(String),
    /// The connection is not an IP address of the family the leg uses.
    #[error("Address {0} cannot be used on this leg")]
    AddressFamily(String),
    /// The connection is a multicast group.
    #[error("Multicast address {0} is not available")]
    Multicast(String),
    /// The address is one that media must never go to.
    #[error("Media address not usable: {0}, {1}")]
    Address(String, &'static str),
    /// The peer takes only packets shorter than the box sends.
    #[error("Packets of at most {0} ms are not sent; take 20 ms")]
    ShortPackets(u16),
    /// Encrypted voice is offered, and none of its crypto lines can be used.
    #[error("No usable crypto line; offer AES_CM_128_HMAC_SHA1_80 with a key of 30 bytes")]
    NoUsableKey,
    /// Encrypted voice is offered with a key that others on the way could read.
    #[error("RTP/SAVP is taken over TLS only, where nobody reads its key")]
    KeyInTheOpen,
    /// Plain voice is offered where only encrypted voice is taken.
    #[error("Voice has to be encrypted; offer RTP/SAVP with a crypto line")]
    PlainVoice,
    /// The answer to our encrypted offer brings no key for it.
    #[error("The answer has no crypto line of the offer")]
    KeyNotAnswered,
    /// The peer's answer switched our stream off.
    #[error("The answer refuses the audio stream")]
    Refused,
    /// An answer came although nothing was offered.
    #[error("Answer without an offer")]
    NotOffered,
}

impl SdpError {
    /// The SIP status that refuses an offer with this fault: 400 or 488 (RFC 3261 §21.4.1, §21.4.26).
    pub fn status(&self) -> u16 {
        match self {
            Self::Unreadable(_) | Self::TooLarge(_) => 400,
            Self::NoAudio
            | Self::Transport(_)
            | Self::NoCommonCodec(_)
            | Self::AddressFamily(_)
            | Self::Multicast(_)
            | Self::Address(..)
            | Self::ShortPackets(_)
            | Self::NoUsableKey
            | Self::KeyInTheOpen
            | Self::PlainVoice
            | Self::KeyNotAnswered
            | Self::Refused
            | Self::NotOffered => 488,
        }
    }

    /// The word for the record of a call that ended by it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoCommonCodec(_) => "no_common_codec",
            Self::Unreadable(_) | Self::TooLarge(_) => "sdp_unreadable",
            Self::NoAudio | Self::Refused | Self::NotOffered => "no_audio",
            Self::Transport(_) => "media_transport",
            Self::AddressFamily(_) | Self::Multicast(_) | Self::Address(..) => "media_address",
            Self::ShortPackets(_) => "packet_length",
            Self::NoUsableKey | Self::KeyInTheOpen | Self::PlainVoice | Self::KeyNotAnswered => {
                "media_encryption"
            }
        }
    }

    /// Code and text of the Warning header (RFC 3261 §20.43); the text holds neither quotes nor line ends.
    pub fn warning(&self) -> (u16, String) {
        let code = match self {
            Self::Transport(_) | Self::KeyInTheOpen | Self::PlainVoice => 302,
            Self::NoAudio => 304,
            Self::NoCommonCodec(_) => 305,
            Self::ShortPackets(_) => 306,
            Self::AddressFamily(_) => 301,
            Self::Multicast(_) => 330,
            Self::Unreadable(_) | Self::TooLarge(_) => 307,
            Self::Address(..)
            | Self::NoUsableKey
            | Self::KeyNotAnswered
            | Self::Refused
            | Self::NotOffered => 399,
        };
        let text = self
            .to_string()
            .chars()
            .filter(|letter| !letter.is_control())
            .map(tame)
            .take(120)
            .collect();
        (code, text)
    }
}

/// Quotes and backslashes would end or bend the quoted string that the text is put into.
fn tame(letter: char) -> char {
    match letter {
        '"' | '\\' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_text_cannot_break_out_of_its_header() {
        let (code, text) = SdpError::Transport("X\"\r\nVia: evil\\".to_owned()).warning();
        assert_eq!(code, 302);
        assert_eq!(text, "Transport X'Via: evil' is not supported; use RTP/AVP");
    }
}
