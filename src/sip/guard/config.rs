use super::Rules;
use crate::model::Number;
use crate::sip::Network;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[guard]`: who is trusted, and how strangers are treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses and networks that are never slowed or shut out, such as `192.168.1.0/24`. The `host` and `allow` of a
    /// trunk are trusted without being named here.
    pub trusted: Vec<String>,
    /// Leave requests unanswered that come from programs known to look for boxes to break into.
    pub drop_scanners: bool,
    /// Calls one phone may begin in a minute; twenty may come at once. A further one is told to try again (503).
    pub calls_per_minute: u32,
    /// Numbers whose calls are let in even when the box is full.
    pub emergency: Vec<String>,
    /// How long an address is shut out after ten wrong passwords within a minute, in minutes.
    pub ban_minutes: u32,
}

impl Default for Config {
    fn default() -> Self {
        let emergency = [
            "112", "911", "999", "997", "998", "110", "113", "114", "115", "000",
        ];
        Self {
            trusted: Vec::new(),
            drop_scanners: true,
            calls_per_minute: 60,
            emergency: emergency.map(str::to_owned).to_vec(),
            ban_minutes: 15,
        }
    }
}

impl Config {
    /// The same as the guard takes it.
    pub fn rules(&self) -> Rules {
        let networks = self.trusted.iter().filter_map(|network| network.parse().ok());
        Rules {
            trusted: networks.collect(),
            drop_scanners: self.drop_scanners,
            ban: Duration::from_secs(u64::from(self.ban_minutes) * 60),
            calls_a_minute: self.calls_per_minute,
            emergency: self
                .emergency
                .iter()
                .map(|number| Number::from(number.as_str()))
                .collect(),
        }
    }

    /// What is wrong with the section: the key, and what is wrong with a cure, for each mistake.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        for network in &self.trusted {
            if let Err(problem) = network.parse::<Network>() {
                mistakes.push(("trusted", format!("{problem} — write it as \"192.168.1.0/24\"")));
            }
        }
        if !(1..=1440).contains(&self.ban_minutes) {
            let cure = "use 1 to 1440; 15 is usual";
            mistakes.push(("ban_minutes", format!("{} — {cure}", self.ban_minutes)));
        }
        if !(1..=6000).contains(&self.calls_per_minute) {
            let cure = "use 1 to 6000; 60 is usual";
            mistakes.push(("calls_per_minute", format!("{} — {cure}", self.calls_per_minute)));
        }
        let plain = |number: &String| {
            !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c))
        };
        if let Some(odd) = self.emergency.iter().find(|number| !plain(number)) {
            mistakes.push((
                "emergency",
                format!("\"{odd}\" is no number that can be dialled — write digits, such as \"112\""),
            ));
        }
        mistakes
    }
}
