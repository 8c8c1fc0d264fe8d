use super::allow::Network;
use serde::Deserialize;

/// `[http.onepos]`: records for programs that were written to pull from a hosted PBX.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The tenant that pullers name. Any other gets an empty page; left empty, every name is answered.
    pub domain: String,
    /// What a call between two phones of this box is shown as, since pullers know two directions only:
    /// `outbound`, `inbound`, or `omit`.
    pub internal_as: InternalAs,
    /// What a call that ended with a message is shown as, since pullers know five states only: `NO_ANSWER` or
    /// `ANSWER`.
    pub voicemail_as: VoicemailAs,
    /// Addresses and networks, such as `10.0.0.0/8`, that need no token here. Whoever sits there may read call
    /// records and hear recordings, and so may any web page opened there.
    pub allow: Vec<Network>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: String::new(),
            internal_as: InternalAs::Outbound,
            voicemail_as: VoicemailAs::NoAnswer,
            allow: Vec::new(),
        }
    }
}

/// What a call between two phones of this box is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternalAs {
    /// As if it had left through a trunk.
    Outbound,
    /// As if it had come by a trunk.
    Inbound,
    /// Not at all.
    Omit,
}

/// What a call that ended with a message is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VoicemailAs {
    /// Nobody answered.
    NoAnswer,
    /// The box answered.
    Answer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_who_may_come_and_what_they_see() {
        let text = "domain = \"tazaspa\"\ninternal_as = \"omit\"\nvoicemail_as = \"ANSWER\"\nallow = [\"10.0.0.0/8\"]";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(
            (config.internal_as, config.voicemail_as),
            (InternalAs::Omit, VoicemailAs::Answer)
        );
        assert!(config.allow[0].holds("10.1.2.3".parse().unwrap()));
        for wrong in [
            "internal_as = \"local\"",
            "voicemail_as = \"VOICEMAIL\"",
            "allow = [\"10.0.0.0/33\"]",
            "domian = \"x\"",
        ] {
            assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
    }
}
