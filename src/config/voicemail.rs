use super::Mistake;
use super::section::Section;
use serde::Deserialize;

/// `[voicemail]`: the codes that phones dial to hear messages, and the rules of every box that does not write its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voicemail {
    /// What an agent's phone dials to hear the messages of its own boxes; no code when empty.
    pub listen_code: String,
    /// What everybody dials to hear the messages of a box by its number and PIN; no code when empty.
    pub ask_code: String,
    /// Whether every agent has a box, written down or not. Without it, callers of an agent without one are told that
    /// nobody is there.
    pub agents: bool,
    /// The longest message.
    pub max_seconds: u32,
    /// The shortest message that counts; who says less is asked once more.
    pub min_seconds: u32,
    /// Silence that ends a message.
    pub silence_seconds: u32,
    /// Messages a box holds; then callers are told that it is full.
    pub most_messages: u32,
    /// Days a message is kept; 0 keeps it until somebody throws it away.
    pub keep_days: u32,
    /// Whether a caller who ends the message with `#` may hear it, erase it, say it again or mark it as urgent.
    pub review: bool,
}

impl Default for Voicemail {
    fn default() -> Self {
        Self {
            listen_code: "*97".to_owned(),
            ask_code: "*98".to_owned(),
            agents: false,
            max_seconds: 120,
            min_seconds: 1,
            silence_seconds: 5,
            most_messages: 100,
            keep_days: 90,
            review: true,
        }
    }
}

/// The numbers of a box and how far they may go: the key, the least, the most, and what is usual.
pub(super) const LIMITS: [(&str, u32, u32, u32); 4] = [
    ("max_seconds", 1, 3600, 120),
    ("min_seconds", 0, 60, 1),
    ("silence_seconds", 1, 60, 5),
    ("most_messages", 1, 1000, 100),
];

impl Section<Voicemail> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        let own = &self.value;
        for (key, code) in [("listen_code", &own.listen_code), ("ask_code", &own.ask_code)] {
            let dialled = |letter: char| letter.is_ascii_digit() || "*#".contains(letter);
            if !code.chars().all(dialled) || code.len() > 16 {
                let problem = format!("\"{code}\" cannot be dialled");
                mistakes.push(self.mistake(key, problem, "use digits, * and #, such as \"*97\""));
            }
        }
        if !own.listen_code.is_empty() && own.listen_code == own.ask_code {
            let cure = "use another code, or \"\" for none";
            mistakes.push(self.mistake("ask_code", "is the listen_code", cure));
        }
        let values = [
            own.max_seconds,
            own.min_seconds,
            own.silence_seconds,
            own.most_messages,
        ];
        for ((key, least, most, usual), value) in LIMITS.into_iter().zip(values) {
            if !(least..=most).contains(&value) {
                let cure = format!("use {least} to {most}; {usual} is usual");
                mistakes.push(self.mistake(key, value.to_string(), cure));
            }
        }
    }
}
