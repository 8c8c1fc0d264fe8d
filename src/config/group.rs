use super::Mistake;
use super::section::Section;
use crate::agents::{self, Overflow, Strategy};
use crate::model::{GroupName, PromptName};
use serde::Deserialize;
use std::time::Duration;

/// `[[group]]`: agents who ring together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// In which order its agents ring; `ring_all` rings every free agent at once.
    #[serde(default = "ring_all")]
    strategy: StrategyName,
    /// How long one round rings.
    #[serde(default = "ring_seconds")]
    pub ring_seconds: u32,
    /// How many rounds.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// How long an agent stays out after a call.
    #[serde(default)]
    pub wrap_up_seconds: u32,
    /// What happens when nobody took the call: `voicemail`, `flow:…`, `group:…`, `agent:…` or `hangup`.
    #[serde(default = "voicemail")]
    overflow: OverflowName,
    /// Whether its agents may take calls that ring at each other's phones, by a key with a lamp (BLF) or Replaces.
    #[serde(default)]
    pub pickup: bool,
    /// The prompt that its callers hear when they wait; the site's when nothing is written.
    #[serde(default)]
    pub music_on_hold: Option<PromptName>,
}

fn ring_all() -> StrategyName {
    StrategyName(Strategy::RingAll)
}

fn ring_seconds() -> u32 {
    30
}

fn attempts() -> u32 {
    2
}

fn voicemail() -> OverflowName {
    OverflowName(Overflow::Voicemail)
}

impl Group {
    /// What happens when nobody took the call in any round.
    pub fn overflow(&self) -> &Overflow {
        &self.overflow.0
    }

    /// The group as the agents' room knows it.
    pub fn as_rung(&self) -> agents::Group {
        agents::Group {
            name: self.name.clone(),
            strategy: self.strategy.0,
            ring_time: Duration::from_secs(self.ring_seconds.into()),
            attempts: self.attempts,
            wrap_up: Duration::from_secs(self.wrap_up_seconds.into()),
            overflow: self.overflow.0.clone(),
            music: self.music_on_hold.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct StrategyName(Strategy);

impl TryFrom<String> for StrategyName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "ring_all" => Ok(Self(Strategy::RingAll)),
            _ => Err(format!(
                "\"{text}\" is not served by this version; use \"ring_all\""
            )),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct OverflowName(Overflow);

impl TryFrom<String> for OverflowName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let overflow = match text.split_once(':') {
            None if text == "voicemail" => Overflow::Voicemail,
            None if text == "hangup" => Overflow::HangUp,
            Some(("flow", name)) => Overflow::Flow(name.into()),
            Some(("group", name)) => Overflow::Group(name.into()),
            Some(("agent", name)) => Overflow::Agent(name.into()),
            None | Some(_) => {
                let cure = "use \"voicemail\", \"hangup\", \"flow:NAME\", \"group:NAME\" or \"agent:ID\"";
                return Err(format!("\"{text}\" is no place to go; {cure}"));
            }
        };
        Ok(Self(overflow))
    }
}

impl Section<Group> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        let group = &self.value;
        if group.ring_seconds == 0 {
            mistakes.push(self.mistake("ring_seconds", "0 never rings", "use 1 or more; 30 is usual"));
        }
        if group.ring_seconds > 600 {
            let problem = format!("{} is longer than any caller waits", group.ring_seconds);
            mistakes.push(self.mistake("ring_seconds", problem, "use 600 or less; 30 is usual"));
        }
        if group.attempts == 0 {
            mistakes.push(self.mistake("attempts", "0 never rings", "use 1 or more; 2 is usual"));
        }
        if group.attempts > 100 {
            mistakes.push(self.mistake("attempts", "rings for ever", "use 100 or less; 2 is usual"));
        }
        if group.wrap_up_seconds > 3600 {
            let problem = format!("{} keeps agents away", group.wrap_up_seconds);
            mistakes.push(self.mistake("wrap_up_seconds", problem, "use 3600 or less"));
        }
    }
}
