use super::playing::Ringing;
use crate::model::{Codec, PromptName};
use crate::sdp::Srtp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// `[media]`: ports, codecs and time-outs of voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// First and last UDP port for voice. A call leg takes an even port and the odd one above it.
    pub rtp_ports: [u16; 2],
    /// Codecs to offer and accept, the preferred first: `PCMU`, `PCMA`, `G722`, `opus`, at least one law of G.711
    /// among them. What two sides do not have in common is transcoded. G.729 is passed on where both sides have
    /// nothing else, and needs no word here.
    pub codecs: Vec<String>,
    /// A call ends when one side has sent nothing for this long and is not on hold; 0 never ends it.
    pub rtp_timeout_seconds: u32,
    /// The prompt that is heard by whoever is on hold, over and over; nothing for silence.
    pub music_on_hold: String,
    /// While agents' phones ring, the box plays the ringing tone itself to callers it has not answered.
    pub early_ringback: bool,
    /// Whose ringing tone callers hear: `eu`, `us`, `gb`, `ae`, `sa`, `in`, `au`, `fr` or `jp`.
    pub ringback_country: String,
    /// The address written into SDP, where a router in front of the box maps it one to one.
    pub advertised_address: Option<IpAddr>,
    /// Whether voice is encrypted: `off`, `allowed` where both sides can, or `required`. A trunk or an agent may have a
    /// wish of its own.
    pub srtp: Srtp,
    /// Whether the keys may travel in SIP over UDP, TCP and WebSocket without TLS, where others can read them.
    pub srtp_over_plain_sip: bool,
    /// Whether crypto lines count in streams that call themselves plain (`RTP/AVP`), and are offered so.
    pub srtp_best_effort: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rtp_ports: [10_000, 10_999],
            codecs: Codec::ALL.map(|codec| codec.name().to_owned()).to_vec(),
            rtp_timeout_seconds: 30,
            music_on_hold: "hold-music".to_owned(),
            early_ringback: false,
            ringback_country: "eu".to_owned(),
            advertised_address: None,
            srtp: Srtp::default(),
            srtp_over_plain_sip: false,
            srtp_best_effort: false,
        }
    }
}

impl Config {
    /// The RTP time-out; none when it is switched off.
    pub fn rtp_timeout(&self) -> Option<Duration> {
        let seconds = u64::from(self.rtp_timeout_seconds);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// The codecs of the section that this version serves, the preferred first.
    pub fn known_codecs(&self) -> Vec<Codec> {
        let mut codecs: Vec<Codec> = Vec::new();
        for codec in self.codecs.iter().filter_map(|name| Codec::from_name(name)) {
            if codec.is_decoded() && !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        codecs
    }

    /// The codecs that prompts are kept ready in: both laws of G.711, and those of a wide band where one of them is
    /// preferred to G.711. Elsewhere few legs speak them, and a leg encodes what it hears as it goes: frames of every
    /// prompt would take more memory and more of the start than all else.
    pub fn ready_codecs(&self) -> Vec<Codec> {
        let known = self.known_codecs();
        if known.first().is_some_and(|first| first.is_wideband()) {
            known
        } else {
            Codec::G711.to_vec()
        }
    }

    /// The prompt for whoever waits; none for silence.
    pub fn music(&self) -> Option<PromptName> {
        (!self.music_on_hold.is_empty()).then(|| PromptName::from(self.music_on_hold.as_str()))
    }

    /// The ringing tone of the country; the usual one of Europe when it is not known.
    pub fn ringing(&self) -> Ringing {
        Ringing::of(&self.ringback_country).unwrap_or_default()
    }

    /// The even ports that have their odd one in the range, in order.
    pub fn port_pairs(&self) -> impl Iterator<Item = u16> + use<> {
        let [first, last] = self.rtp_ports;
        (first..last).filter(|port| port % 2 == 0)
    }

    /// What is wrong with the section: the key, and what is wrong with a cure, for each mistake.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let [first, last] = self.rtp_ports;
        if first == 0 || self.port_pairs().next().is_none() {
            let cure = "use an even port and a higher last port; [10000, 10999] serves 500 legs";
            mistakes.push((
                "rtp_ports",
                format!("[{first}, {last}] holds no port pair — {cure}"),
            ));
        }
        for name in self.codecs.iter().filter(|name| !is_codec(name)) {
            let cure = "use PCMU, PCMA, G722 or opus";
            mistakes.push((
                "codecs",
                format!("\"{name}\" is not a codec of this box — {cure}"),
            ));
        }
        if !self.known_codecs().into_iter().any(Codec::is_g711) {
            mistakes.push((
                "codecs",
                "no G.711 — name at least one of PCMU and PCMA".to_owned(),
            ));
        }
        if Ringing::of(&self.ringback_country).is_none() {
            let country = &self.ringback_country;
            let cure = format!("use one of {}", Ringing::COUNTRIES.join(", "));
            mistakes.push((
                "ringback_country",
                format!("the ringing tone of \"{country}\" is not known — {cure}"),
            ));
        }
        if (1..5).contains(&self.rtp_timeout_seconds) {
            let seconds = self.rtp_timeout_seconds;
            let cure = "use 5 or more, or 0 for never; 30 is usual";
            mistakes.push((
                "rtp_timeout_seconds",
                format!("{seconds} ends calls at a short silence — {cure}"),
            ));
        }
        mistakes
    }
}

fn is_codec(name: &str) -> bool {
    Codec::from_name(name).is_some_and(Codec::is_decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_serves_five_hundred_legs() {
        let config = Config::default();
        assert!(config.mistakes().is_empty());
        assert_eq!(config.port_pairs().count(), 500);
        assert_eq!(config.port_pairs().next(), Some(10_000));
        assert_eq!(config.rtp_timeout(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let codecs = vec!["G723".to_owned()];
        let config = Config {
            rtp_ports: [11, 11],
            codecs,
            rtp_timeout_seconds: 2,
            ..Config::default()
        };
        let keys: Vec<_> = config.mistakes().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["rtp_ports", "codecs", "codecs", "rtp_timeout_seconds"]);
    }

    #[test]
    fn codecs_are_kept_in_their_order_each_once() {
        let codecs = ["OPUS", "pcma", "G722", "PCMU", "PCMA"]
            .map(str::to_owned)
            .to_vec();
        let config = Config {
            codecs,
            ..Config::default()
        };
        assert!(config.mistakes().is_empty());
        assert_eq!(
            config.known_codecs(),
            [Codec::Opus, Codec::Pcma, Codec::G722, Codec::Pcmu]
        );
    }

    #[test]
    fn a_last_port_without_its_odd_neighbour_is_left_out() {
        let config = Config {
            rtp_ports: [10_001, 10_004],
            ..Config::default()
        };
        assert_eq!(config.port_pairs().collect::<Vec<_>>(), [10_002]);
    }
}
