use super::section::Section;
use super::voicemail::{LIMITS, Voicemail};
use super::{Mistake, Secret};
use crate::engine::BoxRules;
use crate::mailroom::is_address;
use crate::model::{Language, Mailbox as BoxName, MessageErrand, Number, PromptName};
use serde::Deserialize;
use std::time::Duration;

/// `[[mailbox]]`: a box for messages, with rules of its own. Every group has one, written down or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Whose it is: `group:sales`, `agent:ali`, or `house` for messages that belong to nobody in particular.
    pub name: BoxName,
    /// The number it is opened by from elsewhere; an agent's box is also opened by the agent's extension.
    #[serde(default)]
    pub number: Option<Number>,
    /// The PIN it is opened by from elsewhere, 4 to 16 digits; `pin_file` names a file with it. Without one it is opened
    /// by its owner's phone alone.
    #[serde(default)]
    pub pin: Secret,
    /// The prompt that greets callers, until the owner records a greeting by phone.
    #[serde(default)]
    pub greeting: Option<PromptName>,
    /// The longest message; as `[voicemail]` says when absent.
    #[serde(default)]
    pub max_seconds: Option<u32>,
    /// The shortest message that counts; as `[voicemail]` says when absent.
    #[serde(default)]
    pub min_seconds: Option<u32>,
    /// Silence that ends a message; as `[voicemail]` says when absent.
    #[serde(default)]
    pub silence_seconds: Option<u32>,
    /// Messages it holds; as `[voicemail]` says when absent.
    #[serde(default)]
    pub most_messages: Option<u32>,
    /// Days a message is kept; as `[voicemail]` says when absent.
    #[serde(default)]
    pub keep_days: Option<u32>,
    /// Whether a caller who pressed `#` may decide what becomes of the message; as `[voicemail]` says when absent.
    #[serde(default)]
    pub review: Option<bool>,
    /// How long an agent's phone rings before its callers are led to the box.
    #[serde(default = "ring_seconds")]
    pub ring_seconds: u32,
    /// The address new messages are sent to; nowhere when empty. Needs `[mail]`.
    #[serde(default)]
    pub email: String,
    /// The language of those e-mails; the site's first one when absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// Whether new messages are written down, when `[transcription]` names somebody who does.
    #[serde(default = "yes")]
    pub transcribe: bool,
}

fn ring_seconds() -> u32 {
    25
}

fn yes() -> bool {
    true
}

impl Mailbox {
    /// The box as the engine knows it.
    pub(super) fn rules(&self, usual: &Voicemail, mails: bool, transcribes: bool) -> BoxRules {
        let transcribe = (transcribes && self.transcribe).then_some(MessageErrand::Transcribe);
        let mail = (mails && !self.email.is_empty()).then_some(MessageErrand::Mail);
        let most = self.most_messages.unwrap_or(usual.most_messages);
        BoxRules {
            number: self.number.clone(),
            pin: Some(self.pin.clone()).filter(|pin| !pin.expose().is_empty()),
            greeting: self.greeting.clone(),
            max_seconds: self.max_seconds.unwrap_or(usual.max_seconds),
            min_seconds: self.min_seconds.unwrap_or(usual.min_seconds),
            silence_seconds: self.silence_seconds.unwrap_or(usual.silence_seconds),
            most_messages: usize::try_from(most).unwrap_or(usize::MAX),
            review: self.review.unwrap_or(usual.review),
            ring_time: Duration::from_secs(self.ring_seconds.into()),
            language: self.language.clone(),
            // The e-mail says what the message says, so it goes last.
            errands: transcribe.into_iter().chain(mail).collect(),
        }
    }
}

impl Voicemail {
    /// A box nobody wrote anything about, as the engine knows it.
    pub(super) fn rules(&self, transcribes: bool) -> BoxRules {
        let most = usize::try_from(self.most_messages).unwrap_or(usize::MAX);
        BoxRules {
            max_seconds: self.max_seconds,
            min_seconds: self.min_seconds,
            silence_seconds: self.silence_seconds,
            most_messages: most,
            review: self.review,
            errands: transcribes
                .then_some(MessageErrand::Transcribe)
                .into_iter()
                .collect(),
            ..BoxRules::default()
        }
    }
}

impl Section<Mailbox> {
    /// `can_mail`: whether `[mail]` names a server; `languages` are the site's.
    pub(super) fn check(&self, can_mail: bool, languages: &[Language], mistakes: &mut Vec<Mistake>) {
        let own = &self.value;
        let pin = own.pin.expose();
        let is_pin = (4..=16).contains(&pin.len()) && pin.bytes().all(|key| key.is_ascii_digit());
        if !pin.is_empty() && !is_pin {
            mistakes.push(self.mistake("pin", "is no PIN", "use 4 to 16 digits"));
        }
        let is_simple = pin.bytes().all(|key| Some(&key) == pin.as_bytes().first())
            || "0123456789876543210".contains(pin);
        if is_pin && is_simple {
            mistakes.push(self.mistake("pin", "is the first one anybody tries", "mix the digits"));
        }
        let is_number = |number: &Number| {
            let text = number.as_str();
            (1..=16).contains(&text.len()) && text.bytes().all(|key| key.is_ascii_digit())
        };
        if own.number.as_ref().is_some_and(|number| !is_number(number)) {
            mistakes.push(self.mistake("number", "cannot be typed", "use up to 16 digits"));
        }
        if !own.email.is_empty() && !is_address(&own.email) {
            let problem = format!("\"{}\" is no address", own.email);
            mistakes.push(self.mistake("email", problem, "write one such as sales@example.com"));
        }
        if !own.email.is_empty() && !can_mail {
            mistakes.push(self.mistake("email", "cannot be written to", "name a server under [mail]"));
        }
        if let Some(language) = own
            .language
            .as_ref()
            .filter(|it| !languages.contains(it) && it.as_str() != "vi")
        {
            let known: Vec<&str> = languages.iter().map(Language::as_str).collect();
            let problem = format!("the site does not speak `{language}`");
            mistakes.push(self.mistake("language", problem, format!("use one of: {}", known.join(", "))));
        }
        let values = [
            own.max_seconds,
            own.min_seconds,
            own.silence_seconds,
            own.most_messages,
        ];
        for ((key, least, most, usual), value) in LIMITS.into_iter().zip(values) {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                let cure = format!("use {least} to {most}; {usual} is usual");
                mistakes.push(self.mistake(key, value.to_string(), cure));
            }
        }
        if !(1..=600).contains(&own.ring_seconds) {
            let problem = own.ring_seconds.to_string();
            mistakes.push(self.mistake("ring_seconds", problem, "use 1 to 600; 25 is usual"));
        }
    }
}
