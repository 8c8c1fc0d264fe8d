use super::{Network, Rules};
use serde::Deserialize;

/// `[egress]`: which places this box may connect to because of a configured address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Ranges that names, and addresses given through the API, may lead to although they are not on the public
    /// internet: `["10.0.0.0/8", "127.0.0.1"]`.
    pub allow: Vec<String>,
}

impl Config {
    /// What is wrong with this section: the key, and the problem with its cure behind a dash.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let wrong = self.allow.iter().filter_map(|text| text.parse::<Network>().err());
        wrong
            .map(|problem| {
                (
                    "allow",
                    format!("{problem} — write one such as 10.0.0.0/8 or 192.168.1.20"),
                )
            })
            .collect()
    }

    /// The rules this makes; a range that cannot be read allows nothing.
    pub fn rules(&self) -> Rules {
        Rules::new(self.allow.iter().filter_map(|text| text.parse().ok()).collect())
    }
}
