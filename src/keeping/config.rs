use super::{DiskTakes, NightTime};
use serde::Deserialize;

/// `[retention]`: what takes recordings away beside `[recording] retention_days`, and when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days until a message of a voicemail box goes.
    pub voicemail_days: u32,
    /// Days until personal data goes: recordings, messages and call records. Where another rule is shorter, that counts.
    pub personal_data_days: Option<u32>,
    /// When recordings are looked through, by the site's clock: `"03:15"`. They are at each start too.
    pub at: NightTime,
    /// With fewer megabytes free on the disk, recordings go before their time, the oldest first; four times
    /// `[recording] keep_free_megabytes` when absent, 0 for never.
    pub below_megabytes: Option<u32>,
    /// Which go then: `"copied"` (those with a verified copy), `"oldest"` (those, then the others), `"nothing"`.
    pub when_full: DiskTakes,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            voicemail_days: 90,
            personal_data_days: None,
            at: NightTime::default(),
            below_megabytes: None,
            when_full: DiskTakes::Copied,
        }
    }
}

impl Config {
    /// What is wrong with this section beside `[recording] keep_free_megabytes`: the key, and the problem with its cure
    /// behind a dash.
    pub fn mistakes(&self, keep_free_megabytes: u32) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.voicemail_days == 0 {
            found.push((
                "voicemail_days",
                "0 keeps nothing — use 1 or more; 90 is usual".to_owned(),
            ));
        }
        if self.personal_data_days == Some(0) {
            let what = "0 keeps nothing — use 1 or more, or leave it out";
            found.push(("personal_data_days", what.to_owned()));
        }
        if let Some(mark) = self
            .below_megabytes
            .filter(|mark| (1..=keep_free_megabytes).contains(mark))
        {
            let what = format!(
                "{mark} is not more than [recording] keep_free_megabytes ({keep_free_megabytes}), where recording stops — \
                 use {} or so",
                keep_free_megabytes.saturating_mul(4)
            );
            found.push(("below_megabytes", what));
        }
        found
    }

    /// `below_megabytes` in bytes.
    pub fn mark_bytes(&self, keep_free_megabytes: u32) -> u64 {
        let megabytes = self
            .below_megabytes
            .unwrap_or_else(|| keep_free_megabytes.saturating_mul(4));
        u64::from(megabytes) << 20
    }

    /// The shorter of two rules in days, of which the first may be 0 for ever.
    pub fn shorter(&self, days: u32) -> u32 {
        match self.personal_data_days {
            Some(fewer) if days == 0 || fewer < days => fewer,
            Some(_) | None => days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_names_its_key() {
        let keys = |text: &str| -> Vec<&'static str> {
            let config: Config = toml::from_str(text).unwrap();
            config.mistakes(64).into_iter().map(|(key, _)| key).collect()
        };
        assert!(keys("").is_empty());
        assert!(keys("below_megabytes = 0\npersonal_data_days = 30\nat = \"23:59\"").is_empty());
        assert_eq!(keys("voicemail_days = 0"), ["voicemail_days"]);
        assert_eq!(keys("personal_data_days = 0"), ["personal_data_days"]);
        assert_eq!(keys("below_megabytes = 64"), ["below_megabytes"]);
        assert!(toml::from_str::<Config>("at = \"3\"").is_err());
    }

    #[test]
    fn the_mark_lies_above_where_recording_stops() {
        assert_eq!(Config::default().mark_bytes(64), 256 << 20);
        let never: Config = toml::from_str("below_megabytes = 0").unwrap();
        assert_eq!(never.mark_bytes(64), 0);
    }

    /// S3-103
    #[test]
    fn records_are_personal_data_too() {
        let config: Config = toml::from_str("personal_data_days = 30").unwrap();
        assert_eq!(
            [config.shorter(365), config.shorter(0), config.shorter(7)],
            [30, 30, 7]
        );
        assert_eq!(Config::default().shorter(0), 0);
    }
}
