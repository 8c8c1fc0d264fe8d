use super::flat::{Beside, Shared};
use super::sinks::{self, file, mqtt, nats, postgres, syslog, webhook};
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess};
use std::time::Duration;

/// `[[upstream]]`: a destination that every call record is forwarded to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its name: in the status, in the log, and in the database, where the records it has not acknowledged wait.
    pub name: String,
    /// Whether records are queued and sent. What waits for a disabled destination keeps waiting.
    pub enabled: bool,
    /// How it is delivered to, whatever its kind.
    pub policy: Policy,
    /// Its kind, and the keys of that kind.
    pub target: Target,
}

/// What kind of destination it is: the key `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An HTTP POST for each record, or for several.
    Webhook,
    /// A line of a local file for each record.
    File,
    /// A message of a NATS JetStream stream for each record.
    Nats,
    /// A row of a PostgreSQL table for each version of a record.
    Postgres,
    /// An MQTT message for each record.
    Mqtt,
    /// A syslog message for each record.
    Syslog,
}

impl Kind {
    /// Every kind, as it is written.
    pub const NAMES: [&'static str; 6] = ["webhook", "file", "nats", "postgres", "mqtt", "syslog"];

    /// The kind that is written like this.
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// The keys of one kind of destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `type = "webhook"`.
    Webhook(Box<webhook::Section>),
    /// `type = "file"`.
    File(file::Section),
    /// `type = "nats"`.
    Nats(nats::Section),
    /// `type = "postgres"`.
    Postgres(postgres::Section),
    /// `type = "mqtt"`.
    Mqtt(mqtt::Section),
    /// `type = "syslog"`.
    Syslog(syslog::Section),
}

/// How a destination is delivered to, whatever its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How often a record is refused before it is parked and the others go on.
    pub park_after: u32,
    /// The most records a second; 0 for as fast as they are acknowledged.
    pub rate_per_second: u32,
    /// Which of the waiting records go first.
    pub order: Order,
    /// An alarm is raised when the oldest record has waited longer.
    pub alarm_after_minutes: u32,
    /// The longest pause between two tries.
    pub longest_wait_seconds: u32,
}

/// Which of the waiting records go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The oldest, always: each arrives after the one filed before it.
    #[default]
    Strict,
    /// Four of the oldest, then one of the newest, so that what happens now is seen while a backlog drains.
    NewestToo,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            park_after: 5,
            rate_per_second: 0,
            order: Order::Strict,
            alarm_after_minutes: 60,
            longest_wait_seconds: 24 * 3600,
        }
    }
}

impl Policy {
    /// See the field.
    pub(super) fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.longest_wait_seconds.into())
    }
}

/// A mistake in a section: the key, the problem, the cure.
pub(super) type SectionMistake = (&'static str, String, String);

impl Config {
    /// Reads a section whose `type` is known to be this, or is missing or wrong.
    ///
    /// # Errors
    /// The deserializer's, with the key it is about.
    pub fn read<'de, D: Deserializer<'de>>(kind: Option<Kind>, table: D) -> Result<Self, D::Error> {
        let mut common = Common::default();
        let beside = Beside {
            table,
            shared: &mut common,
        };
        let target = match kind {
            Some(Kind::Webhook) => {
                webhook::Section::deserialize(beside).map(|section| Target::Webhook(Box::new(section)))?
            }
            Some(Kind::File) => file::Section::deserialize(beside).map(Target::File)?,
            Some(Kind::Nats) => nats::Section::deserialize(beside).map(Target::Nats)?,
            Some(Kind::Postgres) => postgres::Section::deserialize(beside).map(Target::Postgres)?,
            Some(Kind::Mqtt) => mqtt::Section::deserialize(beside).map(Target::Mqtt)?,
            Some(Kind::Syslog) => syslog::Section::deserialize(beside).map(Target::Syslog)?,
            None => {
                // Told is only what is wrong whatever the type is.
                beside.deserialize_any(IgnoredAny)?;
                return Err(D::Error::missing_field("type"));
            }
        };
        Ok(Self {
            name: common.name.ok_or_else(|| D::Error::missing_field("name"))?,
            enabled: common.enabled.unwrap_or(true),
            policy: common.policy,
            target,
        })
    }

    /// What kind of destination it is.
    pub fn kind(&self) -> Kind {
        match self.target {
            Target::Webhook(_) => Kind::Webhook,
            Target::File(_) => Kind::File,
            Target::Nats(_) => Kind::Nats,
            Target::Postgres(_) => Kind::Postgres,
            Target::Mqtt(_) => Kind::Mqtt,
            Target::Syslog(_) => Kind::Syslog,
        }
    }

    /// What is wrong with this section.
    pub fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = match &self.target {
            Target::Webhook(section) => section.mistakes(),
            Target::File(section) => section.mistakes(),
            Target::Nats(section) => section.mistakes(),
            Target::Postgres(section) => section.mistakes(),
            Target::Mqtt(section) => section.mistakes(),
            Target::Syslog(section) => section.mistakes(),
        };
        if !sinks::is_built(self.kind()) {
            let cure = "take a build with every destination, or another type";
            found.push(("type", sinks::LEFT_OUT.to_owned(), cure.to_owned()));
        }
        let counted = [
            ("park_after", self.policy.park_after, "5"),
            ("alarm_after_minutes", self.policy.alarm_after_minutes, "60"),
            ("longest_wait_seconds", self.policy.longest_wait_seconds, "86400"),
        ];
        for (key, value, usual) in counted {
            if value == 0 {
                found.push((key, "is 0".to_owned(), format!("use 1 or more; {usual} is usual")));
            }
        }
        found
    }
}

/// Without knowing the type beforehand, the table has to be kept until it is found.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        let kind = table.get("type").cloned().and_then(|kind| kind.try_into().ok());
        Self::read(kind, toml::Value::Table(table)).map_err(D::Error::custom)
    }
}

/// The shared keys as they are met.
#[derive(Default)]
struct Common {
    name: Option<String>,
    enabled: Option<bool>,
    policy: Policy,
}

impl Shared for Common {
    const KEYS: &'static [&'static str] = &[
        "name",
        "type",
        "enabled",
        "park_after",
        "rate_per_second",
        "order",
        "alarm_after_minutes",
        "longest_wait_seconds",
    ];

    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => self.name = Some(map.next_value()?),
            "type" => drop(map.next_value::<Kind>()?),
            "enabled" => self.enabled = Some(map.next_value()?),
            "park_after" => self.policy.park_after = map.next_value()?,
            "rate_per_second" => self.policy.rate_per_second = map.next_value()?,
            "order" => self.policy.order = map.next_value()?,
            "alarm_after_minutes" => self.policy.alarm_after_minutes = map.next_value()?,
            "longest_wait_seconds" => self.policy.longest_wait_seconds = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let config: Config = toml::from_str(text).unwrap();
        config.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    fn error(text: &str) -> String {
        toml::from_str::<Config>(text).unwrap_err().to_string()
    }

    #[test]
    fn each_mistake_names_its_key() {
        let good = "name='a'\ntype='webhook'\nurl='https://example.com/cdrs'\nsecret='whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'";
        assert!(keys(good).is_empty());
        assert_eq!(
            keys("name='a'\ntype='webhook'\nsecret='hunter2'"),
            ["url", "secret"]
        );
        assert_eq!(keys("name='a'\ntype='webhook'\nurl='ftp://example.com'"), ["url"]);
        assert_eq!(
            keys("name='a'\ntype='webhook'\nurl='https://sam:pw@example.com'"),
            ["url"]
        );
        assert_eq!(keys("name='a'\ntype='file'"), ["path"]);
        assert_eq!(
            keys("name='a'\ntype='file'\npath='x'\npark_after=0"),
            ["park_after"]
        );
    }

    #[test]
    fn every_kind_has_its_name() {
        assert!(Kind::NAMES.iter().all(|name| Kind::named(name).is_some()));
        assert_eq!(Kind::named("pigeon"), None);
    }

    #[test]
    fn keys_of_another_kind_are_unknown() {
        assert!(error("name='a'\ntype='pigeon'").contains("pigeon"));
        let unknown = error("name='a'\ntype='file'\nurl='x'");
        assert!(
            unknown.contains("unknown field `url`, expected one of `name`"),
            "{unknown}"
        );
        assert!(error("type='file'").contains("missing field `name`"));
        assert!(error("name='a'").contains("missing field `type`"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let config: Config = toml::from_str("name='a'\ntype='webhook'\nsecret='whsec_hush'").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
