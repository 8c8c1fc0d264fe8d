//! One call as a scripted phone sees it.

use super::phone::respond;
use callpost::sip::{Message, Name, reason_phrase};
use std::net::SocketAddr;

/// One call as a phone sees it.
pub struct Talk {
    pub call_id: String,
    pub side: Side,
    pub state: State,
    /// Younger calls have higher numbers.
    pub order: u64,
    pub our_tag: String,
    /// Our From (or, for the called side, the To we answer with).
    pub us: String,
    pub them: String,
    pub target: String,
    pub cseq: u32,
    pub their_cseq: u32,
    pub branch: String,
    /// The caller's offer; nothing when the box is to make one.
    pub sdp: Option<String>,
    /// The INVITE's last response, for those who ask again.
    pub response: Option<Vec<u8>>,
    /// The statuses the box gave to our INVITE.
    pub told: Vec<u16>,
    /// To as the box's 180 had it.
    pub early: String,
    /// The final status we gave.
    pub said: Option<u16>,
    /// Reason values of the box's CANCEL or BYE.
    pub reasons: Vec<String>,
    /// Hang up as soon as that is allowed.
    pub wants_out: bool,
    pub proved: bool,
    /// The number we called.
    pub dialed: String,
    /// What the box said of our REFER.
    pub notified: Vec<u16>,
    /// We hung up ourselves.
    pub byed: bool,
    /// What our last re-INVITE offered.
    pub offered: Option<String>,
    /// Our last INVITE had no SDP, so the ACK has the answer.
    pub asked_for_offer: bool,
    invite: Option<Vec<u8>>,
    contact: String,
}

/// Who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Calls,
    Called,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Fresh,
    Ringing,
    Up,
    Over,
}

impl Talk {
    pub fn new(side: Side, order: u64, call_id: String, target: &str) -> Self {
        Self {
            our_tag: format!("tag{order}"),
            call_id,
            side,
            state: State::Fresh,
            order,
            us: String::new(),
            them: String::new(),
            target: target.to_owned(),
            cseq: 0,
            their_cseq: 0,
            branch: String::new(),
            sdp: None,
            response: None,
            told: Vec::new(),
            early: String::new(),
            said: None,
            reasons: Vec::new(),
            wants_out: false,
            proved: false,
            dialed: String::new(),
            notified: Vec::new(),
            byed: false,
            offered: None,
            asked_for_offer: false,
            invite: None,
            contact: String::new(),
        }
    }

    /// The call an INVITE of the box begins.
    pub fn called(invite: &Message<'_>, order: u64, user: &str, address: SocketAddr) -> Self {
        let text = |name| String::from_utf8_lossy(invite.header(name).unwrap_or_default()).into_owned();
        let target = invite
            .contact_uri()
            .ok()
            .flatten()
            .map(|uri| uri.as_bytes().to_vec())
            .unwrap_or_default();
        let target = String::from_utf8_lossy(&target).into_owned();
        let mut talk = Self::new(Side::Called, order, invite.call_id().to_owned(), &target);
        talk.us = format!("{};tag={}", text(Name::To), talk.our_tag);
        talk.them = text(Name::From);
        talk.their_cseq = invite.cseq().number;
        talk.contact = format!("<sip:{user}@{address}>");
        talk.invite = Some(respondable(invite));
        talk
    }

    /// A response to the INVITE.
    pub fn reply(&self, status: u16, more: &str, body: Option<&str>) -> Vec<u8> {
        let Some(invite) = &self.invite else {
            return Vec::new();
        };
        let Ok(invite) = Message::parse(invite) else {
            return Vec::new();
        };
        respond(
            &invite,
            status,
            reason_phrase(status),
            &self.our_tag,
            &self.contact,
            more,
            body,
        )
    }

    /// Speaks in the dialog that the 180 made.
    pub fn take_tag_of_180(&mut self) {
        self.them = self.early.clone();
    }

    pub fn note_reasons(&mut self, request: &Message<'_>) {
        self.reasons = request
            .lines(Name::Reason)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
    }

    /// Whether the box said that somebody else took the call, in both languages (RFC 3326).
    pub fn was_told_elsewhere(&self) -> bool {
        self.reasons
            .iter()
            .any(|reason| reason == "SIP;cause=200;text=\"Call completed elsewhere\"")
            && self
                .reasons
                .iter()
                .any(|reason| reason.starts_with("Q.850;cause=26"))
    }
}

/// The INVITE without its body, enough to answer it later.
fn respondable(invite: &Message<'_>) -> Vec<u8> {
    let mut text = b"INVITE sip:x SIP/2.0\r\n".to_vec();
    for name in [Name::Via, Name::From, Name::To, Name::CSeq] {
        for line in invite.lines(name) {
            text.extend_from_slice(format!("{name}: ").as_bytes());
            text.extend_from_slice(line);
            text.extend_from_slice(b"\r\n");
        }
    }
    text.extend_from_slice(format!("Call-ID: {}\r\nMax-Forwards: 70\r\n\r\n", invite.call_id()).as_bytes());
    text
}
