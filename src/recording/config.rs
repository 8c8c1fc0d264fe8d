use super::vault::Keys;
use crate::model::{ConsentRule, Digit, RecordRule, RecordWhen, RecordingRules, Secret};
use serde::Deserialize;
use std::path::PathBuf;

/// `[recording]`: whether conversations are recorded, for how long they are kept, and where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Record conversations; `record` of a `[[number]]` overrides it. Messages for a voicemail box are always
    /// recorded.
    pub enabled: bool,
    /// Days until a recording may be removed.
    pub retention_days: u32,
    /// Megabytes of the disk that recordings leave free. With less, running ones are ended and none is begun, until
    /// there is room again; calls and their records go on. 0 leaves nothing free.
    pub keep_free_megabytes: u32,
    /// Where conversations go; `<data_dir>/recordings` when not given. Messages go to `<data_dir>/voicemail`.
    pub dir: Option<PathBuf>,
    /// When a conversation's recording begins: `answer`, or `ringing` for callers the box hears before somebody answers.
    pub start: RecordWhen,
    /// `[[recording.rule]]` says for some calls when to record, or not to: `record` is `answer`, `ringing` or `never`, and
    /// `direction`, `trunk`, `group`, `agent`, `number` and `percent` say for which. The first that fits counts; `record` of
    /// a `[[number]]` wins over all.
    pub rule: Vec<RecordRule>,
    /// The announcement that both sides hear before a conversation with somebody outside is recorded, by its prompt's name,
    /// such as `recorded`. Nothing is recorded before it has ended. Empty: none.
    pub consent_prompt: String,
    /// The key by which the caller refuses while the announcement plays. Empty: none.
    pub consent_opt_out_key: String,
    /// The key the caller has to press while the announcement plays for anything to be recorded. Empty: none is needed.
    pub consent_opt_in_key: String,
    /// Keys by which an agent starts and stops the recording while talking, such as `*1`. Empty: none.
    pub record_keys: String,
    /// Keys by which an agent pauses and resumes the recording while talking, such as `*2`. Empty: none.
    pub pause_keys: String,
    /// What recordings are encrypted with at rest: 64 hexadecimal digits, or `seal_key_file` with the path of a file or the
    /// name of a systemd credential. One key a line: the first encrypts, all of them open. Without it nothing is encrypted.
    pub seal_key: Option<Secret>,
    /// Whether recordings are compressed after their calls: `none`, or `opus` for Opus in Ogg, a fifth of the size.
    pub archive: Archive,
    /// Minutes after the end of a recording until it is compressed.
    pub archive_after_minutes: u32,
}

/// How recordings are compressed after their calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Archive {
    /// Not at all.
    None,
    /// Opus in Ogg (RFC 7845).
    Opus,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            retention_days: 90,
            keep_free_megabytes: 64,
            dir: None,
            start: RecordWhen::Answer,
            rule: Vec::new(),
            consent_prompt: String::new(),
            consent_opt_out_key: String::new(),
            consent_opt_in_key: String::new(),
            record_keys: String::new(),
            pause_keys: String::new(),
            seal_key: None,
            archive: Archive::None,
            archive_after_minutes: 60,
        }
    }
}

impl Config {
    /// What is wrong with it: the key, and what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if self.retention_days == 0 {
            mistakes.push((
                "retention_days",
                "0 keeps nothing — use 1 or more; 90 is usual".to_owned(),
            ));
        }
        for (key, text) in [
            ("record_keys", &self.record_keys),
            ("pause_keys", &self.pause_keys),
        ] {
            if digits(text).is_none_or(|keys| keys.len() == 1 || keys.len() > LONGEST_CODE) {
                let cure = format!("`{text}` is no code — use 2 to {LONGEST_CODE} keys, such as *1");
                mistakes.push((key, cure));
            }
        }
        if !self.record_keys.is_empty()
            && self.record_keys.ends_with(&self.pause_keys)
            && !self.pause_keys.is_empty()
            || !self.record_keys.is_empty() && self.pause_keys.ends_with(&self.record_keys)
        {
            let cure = "one code ends with the other — use two that differ, such as *1 and *2";
            mistakes.push(("pause_keys", cure.to_owned()));
        }
        for (key, text) in [
            ("consent_opt_out_key", &self.consent_opt_out_key),
            ("consent_opt_in_key", &self.consent_opt_in_key),
        ] {
            if digits(text).is_none_or(|keys| keys.len() > 1) {
                mistakes.push((key, format!("`{text}` is no key — use one of 0-9, * or #")));
            } else if !text.is_empty() && self.consent_prompt.is_empty() {
                mistakes.push((
                    key,
                    "nobody hears of it — name the announcement in consent_prompt".to_owned(),
                ));
            }
        }
        if !self.consent_opt_in_key.is_empty() && self.consent_opt_in_key == self.consent_opt_out_key {
            let cure = "the same key agrees and refuses — use two keys, such as 1 and 9";
            mistakes.push(("consent_opt_in_key", cure.to_owned()));
        }
        for rule in &self.rule {
            if rule.percent.is_some_and(|percent| percent > 100) {
                let cure = "percent is more than 100 — use 0 to 100";
                mistakes.push(("rule", cure.to_owned()));
            }
        }
        if self.has_seal_key() && self.keys().is_none() {
            let cure = "is no key — use 64 hexadecimal digits a line, as `openssl rand -hex 32` makes them";
            mistakes.push(("seal_key", cure.to_owned()));
        }
        mistakes
    }

    /// Which conversations are recorded.
    pub fn rules(&self) -> RecordingRules {
        let one = |text: &str| digits(text).and_then(|keys| keys.first().copied());
        RecordingRules {
            usual: if self.enabled {
                self.start
            } else {
                RecordWhen::Never
            },
            rules: self.rule.clone(),
            consent: (!self.consent_prompt.is_empty()).then(|| ConsentRule {
                prompt: self.consent_prompt.as_str().into(),
                opt_out: one(&self.consent_opt_out_key),
                opt_in: one(&self.consent_opt_in_key),
            }),
            record_keys: digits(&self.record_keys).unwrap_or_default(),
            pause_keys: digits(&self.pause_keys).unwrap_or_default(),
        }
    }

    fn has_seal_key(&self) -> bool {
        self.seal_key
            .as_ref()
            .is_some_and(|keys| !keys.expose().trim().is_empty())
    }

    /// The keys that encrypt and open recordings; nothing when none is configured, or when one is no key.
    pub fn keys(&self) -> Option<Keys> {
        let keys = self.seal_key.as_ref().filter(|_| self.has_seal_key())?;
        Keys::parse(keys.expose())
    }

    /// `keep_free_megabytes` in bytes.
    pub fn keep_free_bytes(&self) -> u64 {
        u64::from(self.keep_free_megabytes) * 1024 * 1024
    }
}

/// The longest code of keys.
const LONGEST_CODE: usize = 8;

/// The keys that are written; nothing when one is no key of a telephone.
fn digits(text: &str) -> Option<Vec<Digit>> {
    text.chars().map(Digit::from_char).collect()
}
