use crate::model::Secret;
use crate::store::seal::SealKey;
use serde::Deserialize;

/// The `[cdr]` section: how long call records are kept, and in how much room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days until a call record and its details may go; 0 keeps them for ever. None goes before every enabled upstream
    /// and every required consumer has it.
    pub retention_days: u32,
    /// The largest the database may grow, in megabytes. Reached: the oldest records go, delivered or not, and those
    /// that were not are counted and alarmed.
    pub max_megabytes: u32,
    /// Megabytes of the disk set aside, so that call records are still written when it is full; 0 sets none aside.
    pub reserve_megabytes: u32,
    /// Names of the consumers that have to acknowledge a record before it may go.
    pub required_consumers: Vec<String>,
    /// What the keys of PBXs are sealed with at rest: 64 hexadecimal digits, or `seal_key_file` with the path of a file
    /// or the name of a systemd credential. Without it the box makes `seal.key` in its data directory.
    pub seal_key: Option<Secret>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retention_days: 365,
            max_megabytes: 1024,
            reserve_megabytes: 8,
            required_consumers: Vec::new(),
            seal_key: None,
        }
    }
}

/// With less, the tables themselves leave no room for records.
const LEAST_MEGABYTES: u32 = 16;

impl Config {
    /// What is wrong with it: the key, and what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if self.max_megabytes < LEAST_MEGABYTES {
            mistakes.push((
                "max_megabytes",
                format!(
                    "{} leaves no room for records — use {LEAST_MEGABYTES} or more; 1024 is usual",
                    self.max_megabytes
                ),
            ));
        }
        if self.reserve_megabytes > self.max_megabytes {
            mistakes.push((
                "reserve_megabytes",
                "more than max_megabytes — use less; 8 is usual".to_owned(),
            ));
        }
        let given = self.seal_key.as_ref().is_some_and(|key| !key.expose().is_empty());
        if given && self.seal_key().is_none() {
            mistakes.push((
                "seal_key",
                "is no key — use 64 hexadecimal digits, as `openssl rand -hex 32` makes them".to_owned(),
            ));
        }
        if self.required_consumers.iter().any(String::is_empty) {
            mistakes.push((
                "required_consumers",
                "a consumer without a name — take it out or name it".to_owned(),
            ));
        }
        mistakes
    }

    /// The key that is given here, when it is one.
    pub(in crate::store) fn seal_key(&self) -> Option<SealKey> {
        SealKey::parse(self.seal_key.as_ref()?.expose())
    }
}
