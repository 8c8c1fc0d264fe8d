use serde::{Deserialize, Serialize};
use std::fmt;

/// An audio codec the box can negotiate. Names are those of the IANA RTP payload format registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law, static payload number 0.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law, static payload number 8.
    #[serde(rename = "PCMA")]
    Pcma,
    /// G.722 at 64 kbit/s, static payload number 9: voice up to 7 kHz in the bandwidth of G.711.
    #[serde(rename = "G722")]
    G722,
    /// Opus (RFC 6716, RFC 7587), a dynamic payload number.
    #[serde(rename = "opus")]
    Opus,
    /// G.729, static payload number 18. It is passed on between two sides that both have it, and never decoded.
    #[serde(rename = "G729")]
    G729,
}

impl Codec {
    /// Every codec the box speaks itself, in the order it prefers.
    pub const ALL: [Self; 4] = [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus];
    /// The two laws of G.711: a byte a sample, from one to the other by table.
    pub const G711: [Self; 2] = [Self::Pcmu, Self::Pcma];
    /// Every codec the box can name: those it speaks, and what it only passes on.
    pub const KNOWN: [Self; 5] = [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus, Self::G729];

    /// The name in `a=rtpmap` (RFC 3551 §6, RFC 7587 §7).
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus => "opus",
            Self::G729 => "G729",
        }
    }

    /// The name as people write it.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Pcmu => "G.711 µ-law",
            Self::Pcma => "G.711 A-law",
            Self::G722 => "G.722",
            Self::Opus => "Opus",
            Self::G729 => "G.729",
        }
    }

    /// The clock of RTP time stamps in Hz. That of G.722 is half its sample rate, an old mistake that stands
    /// (RFC 3551 §4.5.2); that of Opus is 48000 whatever it carries (RFC 7587 §4.1).
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 | Self::G729 => 8000,
            Self::Opus => 48_000,
        }
    }

    /// Samples a second of its audio.
    pub fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G729 => 8000,
            Self::G722 => 16_000,
            Self::Opus => 48_000,
        }
    }

    /// The static payload number (RFC 3551 §6); none when it has to be agreed on.
    pub fn payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::Opus => None,
            Self::G729 => Some(18),
        }
    }

    /// Whether the box can turn it into samples and back.
    pub fn is_decoded(self) -> bool {
        self != Self::G729
    }

    /// Whether it is one of the two laws of G.711.
    pub fn is_g711(self) -> bool {
        Self::G711.contains(&self)
    }

    /// Whether it carries more than the 3.4 kHz of a telephone line.
    pub fn is_wideband(self) -> bool {
        self.sample_rate() > 8000
    }

    /// Whether a payload of one can go to a peer that agreed on the other: as it is, or from law to law by table.
    pub fn passes_as(self, other: Self) -> bool {
        self == other || (self.is_g711() && other.is_g711())
    }

    /// The byte that means silence in G.711. Every other codec says silence in more than one byte; of those it is 0.
    pub fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xff,
            Self::Pcma => 0xd5,
            Self::G722 | Self::Opus | Self::G729 => 0,
        }
    }

    /// Finds a codec by its registered name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::KNOWN
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_name_a_codec_as_its_rtpmap_does() {
        for codec in Codec::KNOWN {
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
            assert_eq!(serde_json::to_value(codec).unwrap(), codec.name());
        }
        assert_eq!(Codec::from_name("OPUS"), Some(Codec::Opus));
        assert_eq!(Codec::from_name("G723"), None);
    }

    #[test]
    fn only_the_laws_of_g711_pass_as_each_other() {
        assert!(Codec::Pcmu.passes_as(Codec::Pcma) && Codec::G729.passes_as(Codec::G729));
        assert!(!Codec::Pcmu.passes_as(Codec::G722) && !Codec::Opus.passes_as(Codec::G729));
        assert!(Codec::ALL.iter().all(|codec| codec.is_decoded()) && !Codec::G729.is_decoded());
    }
}
