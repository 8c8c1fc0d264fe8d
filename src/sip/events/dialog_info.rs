//! `dialog`: RFC 4235, which the lamps of a phone's keys are lit by.

use super::xml::Escaped;
use crate::model::Number;
use crate::sip::UserPart;
use std::fmt::Write as _;

/// One call of an extension, as those who watch it see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Tells it from the extension's other calls, for as long as it lasts.
    pub id: String,
    /// Whether the extension placed the call; otherwise it is called.
    pub placed: bool,
    /// How far it is.
    pub state: LampState,
    /// The number at the other end.
    pub remote: Number,
}

/// How far a call is (§3.7.1): the states a lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LampState {
    /// Ringing, or waiting for an answer: the lamp blinks.
    Early,
    /// Somebody talks: the lamp is lit.
    Confirmed,
}

impl LampState {
    fn word(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Confirmed => "confirmed",
        }
    }
}

/// The body of a NOTIFY (§4): every call there is. An extension without one is told with an empty list, which turns
/// the lamp off.
pub(in crate::sip) fn body(entity: &str, realm: &str, version: u32, lines: &[Line]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"full\" entity=\"{}\">\r\n",
        Escaped(entity)
    );
    for line in lines {
        let direction = if line.placed { "initiator" } else { "recipient" };
        let remote = format!("sip:{}@{realm}", UserPart(line.remote.as_str()));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "<dialog id=\"{}\" direction=\"{direction}\"><state>{}</state><remote><identity>{}</identity>\
             <target uri=\"{}\"/></remote></dialog>\r\n",
            Escaped(&line.id),
            line.state.word(),
            Escaped(&remote),
            Escaped(&remote),
        );
    }
    text.push_str("</dialog-info>\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4235 §4.
    #[test]
    fn every_call_is_told_with_its_direction_and_state() {
        let ringing = Line {
            id: "7-1".to_owned(),
            placed: false,
            state: LampState::Early,
            remote: "05<0".into(),
        };
        let text = body("sip:1001@callpost", "callpost", 3, &[ringing]);
        assert!(text.contains("version=\"3\" state=\"full\" entity=\"sip:1001@callpost\""));
        assert!(text.contains("<dialog id=\"7-1\" direction=\"recipient\"><state>early</state>"));
        assert!(text.contains("sip:05%3C0@callpost"), "{text}");
        let idle = body("sip:1001@callpost", "callpost", 4, &[]);
        assert!(!idle.contains("<dialog ") && idle.ends_with("</dialog-info>\r\n"));
    }
}
