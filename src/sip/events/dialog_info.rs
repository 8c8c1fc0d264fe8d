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
    /// What a call that rings is called, for those who may take it (RFC 3891).
    pub name: Option<CallName>,
}

/// How the watched phone knows a call (§4.1.1): what a `Replaces` is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the phone.
    pub local_tag: String,
    /// Ours.
    pub remote_tag: String,
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
/// the lamp off. Whoever may take a call that rings is told its `names` as well (§4.1.1).
pub(in crate::sip) fn body(entity: &str, realm: &str, version: u32, lines: &[Line], names: bool) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"full\" entity=\"{}\">\r\n",
        Escaped(entity)
    );
    for line in lines {
        let direction = if line.placed { "initiator" } else { "recipient" };
        let remote = format!("sip:{}@{realm}", UserPart(line.remote.as_str()));
        // Writing to a string cannot fail.
        let _ = write!(text, "<dialog id=\"{}\"", Escaped(&line.id));
        if let Some(name) = line.name.as_ref().filter(|_| names) {
            let _ = write!(
                text,
                " call-id=\"{}\" local-tag=\"{}\" remote-tag=\"{}\"",
                Escaped(&name.call_id),
                Escaped(&name.local_tag),
                Escaped(&name.remote_tag),
            );
        }
        let _ = write!(
            text,
            " direction=\"{direction}\"><state>{}</state><remote><identity>{}</identity>\
             <target uri=\"{}\"/></remote></dialog>\r\n",
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
            name: Some(CallName {
                call_id: "a&b".to_owned(),
                local_tag: "theirs".to_owned(),
                remote_tag: "ours".to_owned(),
            }),
        };
        let named = body(
            "sip:1001@callpost",
            "callpost",
            3,
            std::slice::from_ref(&ringing),
            true,
        );
        let name = "id=\"7-1\" call-id=\"a&amp;b\" local-tag=\"theirs\" remote-tag=\"ours\" direction";
        assert!(named.contains(name), "{named}");
        let text = body("sip:1001@callpost", "callpost", 3, &[ringing], false);
        assert!(text.contains("version=\"3\" state=\"full\" entity=\"sip:1001@callpost\""));
        assert!(text.contains("<dialog id=\"7-1\" direction=\"recipient\"><state>early</state>"));
        assert!(text.contains("sip:05%3C0@callpost"), "{text}");
        let idle = body("sip:1001@callpost", "callpost", 4, &[], true);
        assert!(!idle.contains("<dialog ") && idle.ends_with("</dialog-info>\r\n"));
    }
}
