//! A box with phones that prove their passwords, for stories about what phones ask besides calls.

use super::{Event, Output, UserAgent};
use crate::model::{Dice, Number};
use crate::sip::digest::{Algorithm, Ha1, Secret, answer};
use crate::sip::transaction::tests::origin;
use crate::sip::{
    Account, Flow, Listener, Message, Method, RegistrationTimes, Settings, Transport, reason_phrase,
};
use std::time::{Duration, Instant};

pub(in crate::sip) const BOX: &str = "192.0.2.1:5060";

/// The box and its network.
pub(in crate::sip) struct Office {
    pub(in crate::sip) agent: UserAgent,
    pub(in crate::sip) now: Instant,
    pub(in crate::sip) events: Vec<Event>,
    /// What the box asked of phones, not yet looked at.
    pub(in crate::sip) inbox: Vec<(Flow, String)>,
    /// Responses that came later than the request.
    pub(in crate::sip) late: Vec<String>,
    serial: u32,
}

/// A telephone.
#[derive(Clone)]
pub(in crate::sip) struct Desk {
    pub(in crate::sip) extension: &'static str,
    pub(in crate::sip) flow: Flow,
}

impl Desk {
    pub(in crate::sip) fn new(extension: &'static str, peer: &str) -> Self {
        let flow = format!("udp {peer} {BOX}").parse().unwrap();
        Self { extension, flow }
    }

    pub(in crate::sip) fn over_tcp(extension: &'static str, peer: &str, connection: u64) -> Self {
        let flow: Flow = format!("tcp {peer} {BOX}").parse().unwrap();
        let flow = Flow {
            connection: Some(connection),
            ..flow
        };
        Self { extension, flow }
    }

    pub(in crate::sip) fn contact(&self) -> String {
        let parameter = self.flow.transport.uri_parameter();
        format!("<sip:{}@{}{parameter}>", self.extension, self.flow.peer)
    }
}

/// The value of a header.
pub(in crate::sip) fn line<'m>(message: &'m str, name: &str) -> &'m str {
    let mut lines = message.split("\r\n");
    let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}

/// The status of a response, or the method of a request.
pub(in crate::sip) fn first_word(message: &str) -> &str {
    message.trim_start_matches("SIP/2.0 ").split(' ').next().unwrap()
}

/// Header lines and body of a request.
#[derive(Default)]
pub(in crate::sip) struct Ask<'a> {
    pub(in crate::sip) to_tag: &'a str,
    pub(in crate::sip) call_id: &'a str,
    pub(in crate::sip) lines: &'a str,
    pub(in crate::sip) body: &'a str,
}

impl Office {
    pub(in crate::sip) fn new() -> Self {
        Self::asking_phones(None)
    }

    pub(in crate::sip) fn asking_phones(qualify_every: Option<Duration>) -> Self {
        Self::with(["1001", "1002", "1003"].map(Number::from).to_vec(), qualify_every)
    }

    pub(in crate::sip) fn with(extensions: Vec<Number>, qualify_every: Option<Duration>) -> Self {
        let address = BOX.parse().unwrap();
        let account = |extension: Number| Account {
            ha1: Ha1::new(extension.as_str(), "callpost", "password"),
            extension,
            pickup: Vec::new(),
        };
        let settings = Settings {
            realm: "callpost".to_owned(),
            digests: vec![Algorithm::Md5],
            product: "callpost".to_owned(),
            registrations: RegistrationTimes::default(),
            qualify_every,
            listeners: [Transport::Udp, Transport::Tcp]
                .map(|transport| Listener { transport, address })
                .to_vec(),
            accounts: extensions.into_iter().map(account).collect(),
            trunks: Vec::new(),
            guard: Default::default(),
        };
        let now = origin();
        Self {
            agent: UserAgent::new(now, settings, Dice::from_number(7)),
            now,
            events: Vec::new(),
            inbox: Vec::new(),
            late: Vec::new(),
            serial: 0,
        }
    }

    /// A request as it is, without a password; the responses to it.
    pub(in crate::sip) fn bare(
        &mut self,
        desk: &Desk,
        method: &str,
        user: &str,
        ask: &Ask<'_>,
        proof: &str,
    ) -> Vec<String> {
        self.serial += 1;
        let number = self.serial;
        let Desk { extension, flow } = desk;
        let tag = if ask.to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={}", ask.to_tag)
        };
        let fallback = format!("call-{extension}");
        let call_id = if ask.call_id.is_empty() {
            &fallback
        } else {
            ask.call_id
        };
        let text = format!(
            "{method} sip:{user}@callpost SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bKo{number};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{extension}@callpost>;tag=f\r\nTo: <sip:{user}@callpost>{tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {number} {method}\r\nContact: {}\r\n{}{proof}Content-Length: {}\r\n\r\n{}",
            flow.transport.via(),
            flow.peer,
            desk.contact(),
            ask.lines,
            ask.body.len(),
            ask.body,
        );
        self.agent.receive(self.now, flow, text.as_bytes());
        self.collect()
    }

    /// The same with the password, once the box has asked for it; the final answer.
    pub(in crate::sip) fn ask(&mut self, desk: &Desk, method: &str, user: &str, ask: &Ask<'_>) -> String {
        let first = self.bare(desk, method, user, ask, "").pop().unwrap_or_default();
        if first_word(&first) != "401" {
            return first;
        }
        let message = Message::parse(first.as_bytes()).unwrap();
        let challenges = message.challenges().unwrap();
        let uri = format!("sip:{user}@callpost");
        let secret = Secret::Password("password");
        let proof = answer(
            &challenges,
            desk.extension,
            secret,
            Method::from_token(method),
            &uri,
            1,
            "cnonce",
        );
        let proof = format!("Authorization: {}\r\n", proof.unwrap());
        self.bare(desk, method, user, ask, &proof)
            .pop()
            .unwrap_or_default()
    }

    /// Registers for an hour, or for as long as these lines say.
    pub(in crate::sip) fn register(&mut self, desk: &Desk, lines: &str) -> String {
        let call_id = format!("reg-{}-{}", desk.extension, desk.flow.peer);
        let ask = Ask {
            call_id: &call_id,
            lines: if lines.is_empty() {
                "Expires: 3600\r\n"
            } else {
                lines
            },
            ..Ask::default()
        };
        self.ask(desk, "REGISTER", desk.extension, &ask)
    }

    /// Subscribes; the answer.
    pub(in crate::sip) fn subscribe(&mut self, desk: &Desk, watched: &str, lines: &str) -> String {
        self.ask(
            desk,
            "SUBSCRIBE",
            watched,
            &Ask {
                lines,
                ..Ask::default()
            },
        )
    }

    /// What the box has asked since the last look, each answered with this status.
    pub(in crate::sip) fn answered_with(&mut self, status: u16) -> Vec<String> {
        let asked = std::mem::take(&mut self.inbox);
        for (flow, request) in &asked {
            self.reply(flow, request, status);
        }
        asked.into_iter().map(|(_, request)| request).collect()
    }

    pub(in crate::sip) fn reply(&mut self, flow: &Flow, request: &str, status: u16) {
        let to = line(request, "To");
        let to = if to.contains("tag=") {
            to.to_owned()
        } else {
            format!("{to};tag=x")
        };
        let text = format!(
            "SIP/2.0 {status} {}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
            reason_phrase(status),
            line(request, "Via"),
            line(request, "From"),
            line(request, "Call-ID"),
            line(request, "CSeq"),
        );
        self.agent.receive(self.now, flow, text.as_bytes());
        let responses = self.collect();
        self.late.extend(responses);
    }

    /// Lets time pass; phones are silent meanwhile.
    pub(in crate::sip) fn pass(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.deadline_reached(self.now);
            let responses = self.collect();
            self.late.extend(responses);
        }
        self.now = until;
    }

    /// Lets time pass; phones answer whatever the box asks, with this status. What it asked.
    pub(in crate::sip) fn pass_answering(&mut self, seconds: f64, status: u16) -> Vec<String> {
        let until = self.now + Duration::from_secs_f64(seconds);
        let mut all = self.answered_with(status);
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.deadline_reached(self.now);
            let responses = self.collect();
            self.late.extend(responses);
            all.extend(self.answered_with(status));
        }
        self.now = until;
        all
    }

    /// Takes what the box sent: responses are returned, requests wait in the inbox.
    pub(in crate::sip) fn collect(&mut self) -> Vec<String> {
        let mut responses = Vec::new();
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Send { flow, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    if text.starts_with("SIP/2.0 ") {
                        responses.push(text);
                    } else {
                        self.inbox.push((flow, text));
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::Keep { .. } | Output::Close(_) | Output::Resolve(_) => {}
            }
        }
        responses
    }
}
