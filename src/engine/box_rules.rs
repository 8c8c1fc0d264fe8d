use crate::model::{Language, Mailbox, MessageErrand, Number, PromptName, Secret};
use std::collections::BTreeMap;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// The rules of every message box.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoxBook {
    /// Those of a box nobody wrote anything about.
    pub usual: BoxRules,
    /// Those of the others.
    pub boxes: BTreeMap<Mailbox, BoxRules>,
}

/// The rules of one message box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxRules {
    /// The number it is opened by from elsewhere; an agent's box also by the agent's extension.
    pub number: Option<Number>,
    /// The PIN it is opened by from elsewhere; nobody does without one.
    pub pin: Option<Secret>,
    /// The greeting, until somebody records one by phone; the usual one when absent.
    pub greeting: Option<PromptName>,
    /// The longest message in seconds.
    pub max_seconds: u32,
    /// The shortest message that counts, in seconds.
    pub min_seconds: u32,
    /// Silence that ends a message, in seconds.
    pub silence_seconds: u32,
    /// Messages it holds, new and saved.
    pub most_messages: usize,
    /// Whether a caller who pressed `#` may hear, erase or repeat the message.
    pub review: bool,
    /// How long an agent's phone rings before its callers are led here.
    pub ring_time: Duration,
    /// In which language its owner is written to.
    pub language: Option<Language>,
    /// What is done about a new message, in this order.
    pub errands: Vec<MessageErrand>,
}

impl Default for BoxRules {
    fn default() -> Self {
        Self {
            number: None,
            pin: None,
            greeting: None,
            max_seconds: 120,
            min_seconds: 1,
            silence_seconds: 5,
            most_messages: 100,
            review: true,
            ring_time: Duration::from_secs(25),
            language: None,
            errands: Vec::new(),
        }
    }
}

impl BoxBook {
    /// The rules of a box.
    pub fn rules(&self, mailbox: &Mailbox) -> &BoxRules {
        self.boxes.get(mailbox).unwrap_or(&self.usual)
    }

    /// Whether an agent has a box of its own, so that callers are led there.
    pub fn is_written(&self, mailbox: &Mailbox) -> bool {
        self.boxes.contains_key(mailbox)
    }
}

impl BoxRules {
    /// Whether this is the box's PIN. Takes as long for a wrong one as for the right one.
    pub fn is_pin(&self, typed: &str) -> bool {
        let Some(pin) = &self.pin else { return false };
        let (pin, typed) = (pin.expose().as_bytes(), typed.as_bytes());
        !pin.is_empty() && bool::from(pin.ct_eq(typed))
    }
}
