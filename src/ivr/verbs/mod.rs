//! One file a verb. To add one: write the file, then add its line to each of the four lists here.

mod gather;
mod goto;
mod hangup;
mod hours;
mod language;
mod menu;
mod messages;
mod pause;
mod play;
mod ring;
mod say;
mod set;
mod tell;
mod voicemail;

pub(super) use messages::Messages;
pub(super) use ring::Ring;
pub(super) use voicemail::Voicemail;

use super::survey::Survey;
use super::walk::{Next, Progress, Walk};
use super::{Input, RingResult};
use serde::{Deserialize, Deserializer};
use std::time::Instant;

/// What a step does; `verb = "…"` in a flow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is documented by the struct it holds")]
pub enum Verb {
    Gather(gather::Gather),
    Goto(goto::Goto),
    Hangup(hangup::Hangup),
    Hours(hours::Hours),
    Language(language::ChooseLanguage),
    Menu(menu::Menu),
    Messages(messages::Messages),
    Pause(pause::Pause),
    Play(play::Play),
    Ring(ring::Ring),
    Say(say::Say),
    Set(set::Set),
    Tell(tell::Tell),
    Voicemail(voicemail::Voicemail),
}

impl Verb {
    /// The names of all verbs.
    pub const NAMES: [&str; 14] = [
        "gather",
        "goto",
        "hangup",
        "hours",
        "language",
        "menu",
        "messages",
        "pause",
        "play",
        "ring",
        "say",
        "set",
        "tell",
        "voicemail",
    ];

    /// Reads the keys of a step (all but `verb`) for the verb of this name; `None` when there is no such verb.
    /// Unlike the derived reading of the whole step, errors keep their place in the file.
    pub fn read<'de, D: Deserializer<'de>>(name: &str, keys: D) -> Option<Result<Self, D::Error>> {
        Some(match name {
            "gather" => Deserialize::deserialize(keys).map(Self::Gather),
            "goto" => Deserialize::deserialize(keys).map(Self::Goto),
            "hangup" => Deserialize::deserialize(keys).map(Self::Hangup),
            "hours" => Deserialize::deserialize(keys).map(Self::Hours),
            "language" => Deserialize::deserialize(keys).map(Self::Language),
            "menu" => Deserialize::deserialize(keys).map(Self::Menu),
            "messages" => Deserialize::deserialize(keys).map(Self::Messages),
            "pause" => Deserialize::deserialize(keys).map(Self::Pause),
            "play" => Deserialize::deserialize(keys).map(Self::Play),
            "ring" => Deserialize::deserialize(keys).map(Self::Ring),
            "say" => Deserialize::deserialize(keys).map(Self::Say),
            "set" => Deserialize::deserialize(keys).map(Self::Set),
            "tell" => Deserialize::deserialize(keys).map(Self::Tell),
            "voicemail" => Deserialize::deserialize(keys).map(Self::Voicemail),
            _ => return None,
        })
    }

    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        match self {
            Self::Gather(verb) => verb.handle(walk, progress, now, input),
            Self::Goto(verb) => verb.handle(),
            Self::Hangup(verb) => verb.handle(walk, input),
            Self::Hours(verb) => verb.handle(walk, now, input),
            Self::Language(verb) => verb.handle(walk, progress, now, input),
            Self::Menu(verb) => verb.handle(walk, progress, now, input),
            Self::Messages(verb) => verb.handle(walk, progress, now, input),
            Self::Pause(verb) => verb.handle(progress, now, input),
            Self::Play(verb) => verb.handle(walk, input),
            Self::Ring(verb) => verb.handle(walk, input),
            Self::Say(verb) => verb.handle(walk, input),
            Self::Set(verb) => verb.handle(walk),
            Self::Tell(verb) => verb.handle(walk, input),
            Self::Voicemail(verb) => verb.handle(walk, progress, now, input),
        }
    }

    /// What the step names and does, for `Flow::check`.
    pub(super) fn survey(&self) -> Survey<'_> {
        let mut survey = Survey::default();
        match self {
            Self::Gather(verb) => verb.survey(&mut survey),
            Self::Goto(verb) => verb.survey(&mut survey),
            Self::Hangup(verb) => verb.survey(&mut survey),
            Self::Hours(verb) => verb.survey(&mut survey),
            Self::Language(verb) => verb.survey(&mut survey),
            Self::Menu(verb) => verb.survey(&mut survey),
            Self::Messages(verb) => verb.survey(&mut survey),
            Self::Pause(verb) => verb.survey(&mut survey),
            Self::Play(verb) => verb.survey(&mut survey),
            Self::Ring(verb) => verb.survey(&mut survey),
            Self::Say(verb) => verb.survey(&mut survey),
            Self::Set(verb) => verb.survey(&mut survey),
            Self::Tell(verb) => verb.survey(&mut survey),
            Self::Voicemail(verb) => verb.survey(&mut survey),
        }
        survey
    }

    /// Whether keys pressed in this step are nobody's business.
    pub(super) fn keeps_secret(&self, progress: &Progress) -> bool {
        match self {
            Self::Gather(verb) => verb.is_secret(),
            Self::Messages(_) => progress
                .listening
                .as_ref()
                .is_some_and(|listening| listening.keeps_secret()),
            Self::Goto(_)
            | Self::Hangup(_)
            | Self::Hours(_)
            | Self::Language(_)
            | Self::Menu(_)
            | Self::Pause(_)
            | Self::Play(_)
            | Self::Ring(_)
            | Self::Say(_)
            | Self::Set(_)
            | Self::Tell(_)
            | Self::Voicemail(_) => false,
        }
    }

    /// Whether the step has a way on after ringing ended so.
    pub(super) fn takes_back(&self, result: RingResult) -> bool {
        match self {
            Self::Ring(verb) => verb.takes_back(result),
            // Whoever called a sender back in vain hears the next message.
            Self::Messages(_) => true,
            Self::Gather(_)
            | Self::Goto(_)
            | Self::Hangup(_)
            | Self::Hours(_)
            | Self::Language(_)
            | Self::Menu(_)
            | Self::Pause(_)
            | Self::Play(_)
            | Self::Say(_)
            | Self::Set(_)
            | Self::Tell(_)
            | Self::Voicemail(_) => false,
        }
    }
}
