//! A scripted telephone: speaks SIP as RFC 3261 asks of a phone, and behaves as the story tells it.

use super::manner::{Early, Manner, OnCancel};
use super::talk::{Side, State, Talk};
use callpost::sip::digest::{Secret, answer};
use callpost::sip::{Message, Method, Name, Transport, reason_phrase};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// RFC 3261 T1 and T2, for the phone's own retransmissions.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const LIFE: Duration = Duration::from_secs(32);

/// One telephone.
pub struct Phone {
    pub name: String,
    /// The user part of its address, and its user name.
    pub user: String,
    pub address: SocketAddr,
    pub transport: Transport,
    pub connection: Option<u64>,
    pub password: Option<String>,
    pub manner: Manner,
    pub talks: BTreeMap<String, Talk>,
    /// Calls it did not hear at first, being switched off.
    pub ignored: BTreeSet<String>,
    /// Headers of its INVITEs besides the usual ones.
    pub more_headers: String,
    /// The extension it registers, when that is not its own.
    pub claims: Option<String>,
    /// The bodies of the INFOs it got.
    pub keys_told: String,
    /// The status of the last answer to a REGISTER.
    pub registered: Option<u16>,
    /// The INVITE it heard last.
    pub last_invite: String,
    /// The NOTIFY it heard last.
    pub last_notify: String,
    registering: Option<Registering>,
    /// What it subscribed to last: which extension, and the header lines.
    watching: Option<(String, String)>,
    repeats: BTreeMap<u64, Repeat>,
    serial: u64,
}

struct Registering {
    call_id: String,
    cseq: u32,
    contact: String,
    expires: u32,
    proved: bool,
}

/// A message that is sent again until it is answered.
struct Repeat {
    until: String,
    bytes: Vec<u8>,
    interval: Duration,
    left: Duration,
}

/// What a phone wants done.
pub enum Do {
    Send(Vec<u8>),
    Later(Duration, Wake),
}

/// What a phone wants to be woken for.
#[derive(Debug, Clone)]
pub enum Wake {
    /// Ring, for this Call-ID.
    Ring(String),
    /// Send sound, for this Call-ID.
    Speak(String, Early),
    /// Give this final answer.
    Final(String, u16),
    /// Send a message again.
    Repeat(u64),
    /// Offer this SDP again, for this Call-ID.
    OfferAgain(String, Option<String>),
}

impl Phone {
    pub fn new(name: &str, user: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            user: user.to_owned(),
            address,
            transport: Transport::Udp,
            connection: None,
            password: None,
            manner: Manner::rings(),
            talks: BTreeMap::new(),
            ignored: BTreeSet::new(),
            more_headers: String::new(),
            claims: None,
            keys_told: String::new(),
            registered: None,
            last_invite: String::new(),
            last_notify: String::new(),
            registering: None,
            watching: None,
            repeats: BTreeMap::new(),
            serial: 0,
        }
    }

    /// The only call this phone is in, or the last one.
    pub fn talk(&mut self) -> Option<&mut Talk> {
        let newest = self
            .talks
            .values()
            .max_by_key(|talk| talk.order)
            .map(|talk| talk.call_id.clone());
        newest.and_then(|call_id| self.talks.get_mut(&call_id))
    }

    pub fn register(&mut self, contact: &str, expires: u32) -> Vec<Do> {
        let call_id = format!("register-{}", self.name);
        let cseq = self.registering.as_ref().map_or(0, |last| last.cseq);
        let contact = if contact.is_empty() {
            self.contact()
        } else {
            contact.to_owned()
        };
        self.registering = Some(Registering {
            call_id,
            cseq,
            contact,
            expires,
            proved: false,
        });
        self.send_register(None)
    }

    fn send_register(&mut self, credentials: Option<String>) -> Vec<Do> {
        let branch = self.branch();
        let (transport, address, user) = (self.transport.via(), self.address, self.user.clone());
        let aor = self.claims.clone().unwrap_or_else(|| user.clone());
        let Some(registering) = &mut self.registering else {
            return Vec::new();
        };
        registering.cseq += 1;
        let proof = credentials
            .map(|value| format!("Authorization: {value}\r\n"))
            .unwrap_or_default();
        let text = format!(
            "REGISTER sip:callpost SIP/2.0\r\nVia: SIP/2.0/{transport} {address};branch={branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@callpost>;tag=r\r\nTo: <sip:{aor}@callpost>\r\n\
             Call-ID: {}\r\nCSeq: {} REGISTER\r\nContact: {}\r\nExpires: {}\r\n{proof}Content-Length: 0\r\n\r\n",
            registering.call_id, registering.cseq, registering.contact, registering.expires,
        );
        self.ask(branch, text.into_bytes())
    }

    /// Subscribes to something about an extension.
    pub fn watch(&mut self, watched: &str, package: &str) -> Vec<Do> {
        let lines = format!("Event: {package}\r\nExpires: 3600\r\n");
        self.watching = Some((watched.to_owned(), lines));
        self.send_subscribe("", 1)
    }

    fn send_subscribe(&mut self, proof: &str, cseq: u32) -> Vec<Do> {
        let branch = self.branch();
        let (transport, address, user) = (self.transport.via(), self.address, self.user.clone());
        let Some((watched, lines)) = &self.watching else {
            return Vec::new();
        };
        let text = format!(
            "SUBSCRIBE sip:{watched}@callpost SIP/2.0\r\nVia: SIP/2.0/{transport} {address};branch={branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@callpost>;tag=w\r\nTo: <sip:{watched}@callpost>\r\n\
             Call-ID: watch-{}-{watched}\r\nCSeq: {cseq} SUBSCRIBE\r\nContact: {}\r\n{lines}{proof}Content-Length: 0\r\n\r\n",
            self.name,
            self.contact(),
        );
        self.ask(branch, text.into_bytes())
    }

    /// Calls a number of the box.
    pub fn call(&mut self, dialed: &str, call_id: String, sdp: Option<String>, order: u64) -> Vec<Do> {
        let target = format!("sip:{dialed}@callpost");
        let mut talk = Talk::new(Side::Calls, order, call_id, &target);
        let us = format!(
            "\"{}\" <sip:{}@callpost>;tag={}",
            self.name, self.user, talk.our_tag
        );
        let them = format!("<{target}>");
        (talk.us, talk.them, talk.sdp) = (us, them, sdp);
        talk.dialed = dialed.to_owned();
        let call_id = talk.call_id.clone();
        self.talks.insert(call_id.clone(), talk);
        self.send_invite(&call_id, None)
    }

    fn send_invite(&mut self, call_id: &str, credentials: Option<String>) -> Vec<Do> {
        let branch = self.branch();
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        talk.branch = branch.clone();
        talk.cseq += 1;
        talk.asked_for_offer = talk.sdp.is_none();
        let (cseq, sdp) = (talk.cseq, talk.sdp.clone());
        let proof = credentials
            .map(|value| format!("Authorization: {value}\r\n"))
            .unwrap_or_default();
        let proof = proof + &self.more_headers;
        let invite = self.request("INVITE", call_id, &branch, cseq, &proof, sdp.as_deref());
        self.ask(branch, invite)
    }

    /// Ends the newest call, whatever it is doing.
    pub fn hang_up(&mut self) -> Vec<Do> {
        let Some(call_id) = self.talk().map(|talk| talk.call_id.clone()) else {
            return Vec::new();
        };
        self.hang_up_on(&call_id)
    }

    pub fn hang_up_on(&mut self, call_id: &str) -> Vec<Do> {
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        match (talk.side, talk.state) {
            (_, State::Up) => {
                talk.state = State::Over;
                talk.byed = true;
                self.send_within(call_id, "BYE", "", None)
            }
            (Side::Calls, State::Fresh) => {
                talk.wants_out = true;
                Vec::new()
            }
            (Side::Calls, State::Ringing) if !talk.wants_out => {
                talk.wants_out = true;
                self.send_cancel(call_id)
            }
            (Side::Called, State::Fresh | State::Ringing) => self.finish(call_id, 480),
            (Side::Calls, State::Ringing) | (_, State::Over) => Vec::new(),
        }
    }

    fn send_cancel(&mut self, call_id: &str) -> Vec<Do> {
        let Some(talk) = self.talks.get(call_id) else {
            return Vec::new();
        };
        let (branch, cseq) = (talk.branch.clone(), talk.cseq);
        let cancel = self.request("CANCEL", call_id, &branch, cseq, "", None);
        self.ask(format!("{branch} CANCEL"), cancel)
    }

    /// A request inside the dialog.
    pub fn send_within(&mut self, call_id: &str, method: &str, more: &str, body: Option<&str>) -> Vec<Do> {
        let branch = self.branch();
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        talk.cseq += 1;
        let cseq = talk.cseq;
        let request = self.request(method, call_id, &branch, cseq, more, body);
        self.ask(branch, request)
    }

    /// Changes the media of the newest call; without SDP, asks the box for an offer.
    pub fn reinvite(&mut self, sdp: Option<&str>) -> Vec<Do> {
        let Some(call_id) = self.talk().map(|talk| talk.call_id.clone()) else {
            return Vec::new();
        };
        self.reinvite_in(&call_id, sdp)
    }

    fn reinvite_in(&mut self, call_id: &str, sdp: Option<&str>) -> Vec<Do> {
        let talk = self.talks.get_mut(call_id);
        let Some(talk) = talk.filter(|talk| talk.state == State::Up) else {
            return Vec::new();
        };
        talk.asked_for_offer = sdp.is_none();
        talk.offered = sdp.map(str::to_owned);
        self.send_within(call_id, "INVITE", "", sdp)
    }

    /// Presses a key of the newest call, by INFO.
    pub fn info(&mut self, key: char) -> Vec<Do> {
        let Some(talk) = self.talk().filter(|talk| talk.state == State::Up) else {
            return Vec::new();
        };
        let call_id = talk.call_id.clone();
        let body = format!("Signal={key}\r\nDuration=160\r\n");
        let branch = self.branch();
        let Some(talk) = self.talks.get_mut(&call_id) else {
            return Vec::new();
        };
        talk.cseq += 1;
        let cseq = talk.cseq;
        let info = self.request_with(
            "INFO",
            &call_id,
            &branch,
            cseq,
            "",
            Some(("application/dtmf-relay", &body)),
        );
        self.ask(branch, info)
    }

    /// Says something in writing to whoever it talks with.
    pub fn writes(&mut self, text: &str) -> Vec<Do> {
        let Some(call_id) = self.talk().map(|talk| talk.call_id.clone()) else {
            return Vec::new();
        };
        let branch = self.branch();
        let Some(talk) = self.talks.get_mut(&call_id) else {
            return Vec::new();
        };
        talk.cseq += 1;
        let cseq = talk.cseq;
        let message = self.request_with("MESSAGE", &call_id, &branch, cseq, "", Some(("text/plain", text)));
        self.ask(branch, message)
    }

    /// An INFO of the newest call with whatever body.
    pub fn info_with(&mut self, kind: &str, body: &str) -> Vec<Do> {
        let Some(talk) = self.talk().filter(|talk| talk.state == State::Up) else {
            return Vec::new();
        };
        let call_id = talk.call_id.clone();
        let branch = self.branch();
        let Some(talk) = self.talks.get_mut(&call_id) else {
            return Vec::new();
        };
        talk.cseq += 1;
        let cseq = talk.cseq;
        let info = self.request_with("INFO", &call_id, &branch, cseq, "", Some((kind, body)));
        self.ask(branch, info)
    }

    /// Wants the newest call handed on to this number.
    pub fn refer(&mut self, to: &str, more: &str) -> Vec<Do> {
        let Some(talk) = self.talk().filter(|talk| talk.state == State::Up) else {
            return Vec::new();
        };
        let call_id = talk.call_id.clone();
        let more = format!("Refer-To: <sip:{to}@callpost>\r\n{more}");
        self.send_within(&call_id, "REFER", &more, None)
    }

    /// Wants the two others of its two calls joined: the older call handed on to the party of the newer.
    pub fn refer_to_newest(&mut self) -> Vec<Do> {
        let mut live: Vec<&Talk> = self
            .talks
            .values()
            .filter(|talk| talk.state != State::Over)
            .collect();
        live.sort_by_key(|talk| talk.order);
        let [older, .., newer] = live.as_slice() else {
            return Vec::new();
        };
        let tag = |address: &str| address.rsplit(";tag=").next().unwrap_or_default().to_owned();
        let them = if newer.early.is_empty() || newer.them.contains(";tag=") {
            newer.them.clone()
        } else {
            newer.early.clone()
        };
        let more = format!(
            "Refer-To: <sip:{}@callpost?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>\r\n",
            newer.dialed,
            newer.call_id,
            tag(&them),
            newer.our_tag
        );
        let call_id = older.call_id.clone();
        self.send_within(&call_id, "REFER", &more, None)
    }

    /// What becomes of a call that this phone wanted handed on.
    fn hear_notify(&mut self, request: &Message<'_>, call_id: String) -> Vec<Do> {
        let answer = |phone: &Self, status| vec![Do::Send(phone.response(request, status, "", None))];
        let frag = String::from_utf8_lossy(request.body()).into_owned();
        let status = frag.split(' ').nth(1).and_then(|word| word.parse::<u16>().ok());
        if status.is_none() {
            return answer(self, 200); // Of a lamp, not of a REFER.
        }
        let Some(talk) = self
            .talks
            .get_mut(&call_id)
            .filter(|talk| talk.state == State::Up)
        else {
            return answer(self, 481);
        };
        talk.notified.extend(status);
        let mut deeds = answer(self, 200);
        if status == Some(200) && !self.manner.stays_after_transfer {
            deeds.extend(self.hang_up_on(&call_id));
        }
        deeds
    }

    /// A message came.
    pub fn hear(&mut self, bytes: &[u8], order: u64) -> Vec<Do> {
        if bytes.starts_with(b"INVITE ") {
            self.last_invite = String::from_utf8_lossy(bytes).into_owned();
        } else if bytes.starts_with(b"NOTIFY ") {
            self.last_notify = String::from_utf8_lossy(bytes).into_owned();
        }
        let message = Message::parse(bytes)
            .unwrap_or_else(|_| panic!("the box wrote this:\n{}", String::from_utf8_lossy(bytes)));
        if message.is_request() {
            self.hear_request(&message, order)
        } else {
            self.hear_response(&message)
        }
    }

    fn hear_request(&mut self, request: &Message<'_>, order: u64) -> Vec<Do> {
        let call_id = request.call_id().to_owned();
        if self.manner.dead && !self.talks.contains_key(&call_id) {
            self.ignored.insert(call_id);
            return Vec::new();
        }
        match request.method() {
            Method::Invite => self.hear_invite(request, call_id, order),
            Method::Ack => {
                let cseq = request.cseq().number;
                self.answered(&format!("final {call_id} {cseq}"));
                Vec::new()
            }
            Method::Cancel => self.hear_cancel(request, &call_id),
            Method::Bye => {
                let Some(talk) = self.talks.get_mut(&call_id) else {
                    return vec![Do::Send(self.response(request, 481, "", None))];
                };
                talk.state = State::Over;
                talk.note_reasons(request);
                self.answered(&format!("final {call_id} {}", self.talks[&call_id].their_cseq));
                vec![Do::Send(self.response(request, 200, "", None))]
            }
            Method::Notify => self.hear_notify(request, call_id),
            Method::Info if self.manner.refuses_info => vec![Do::Send(self.response(request, 415, "", None))],
            Method::Info => {
                self.keys_told
                    .push_str(std::str::from_utf8(request.body()).unwrap_or_default().trim());
                self.keys_told.push(' ');
                vec![Do::Send(self.response(request, 200, "", None))]
            }
            Method::Options
            | Method::Register
            | Method::Update
            | Method::Prack
            | Method::Subscribe
            | Method::Refer
            | Method::Message
            | Method::Publish
            | Method::Other(_) => vec![Do::Send(self.response(request, 200, "", None))],
        }
    }

    fn hear_invite(&mut self, request: &Message<'_>, call_id: String, order: u64) -> Vec<Do> {
        if let Some(talk) = self.talks.get(&call_id)
            && talk.their_cseq >= request.cseq().number
        {
            return talk.response.clone().map(Do::Send).into_iter().collect(); // It came again.
        }
        let talk = Talk::called(request, order, &self.user, self.address);
        self.talks.insert(call_id.clone(), talk);
        let seconds = Duration::from_secs_f64;
        let manner = self.manner.clone();
        if let Some(status) = manner.challenge
            && request.header(Name::Authorization).is_none()
            && request.header(Name::ProxyAuthorization).is_none()
        {
            return self.finish(&call_id, status);
        }
        if let Some(status) = manner.turns_keys_down
            && String::from_utf8_lossy(request.body()).contains("a=crypto")
        {
            return self.finish(&call_id, status);
        }
        let mut deeds = Vec::new();
        match manner.ring_after {
            Some(0.0) => deeds.extend(self.ring(&call_id)),
            Some(after) => deeds.push(Do::Later(seconds(after), Wake::Ring(call_id.clone()))),
            None => {}
        }
        match manner.early {
            Some((0.0, early)) => deeds.extend(self.speak(&call_id, early)),
            Some((after, early)) => {
                deeds.push(Do::Later(seconds(after), Wake::Speak(call_id.clone(), early)));
            }
            None => {}
        }
        match manner.then {
            Some((0.0, status)) => deeds.extend(self.finish(&call_id, status)),
            Some((after, status)) => deeds.push(Do::Later(seconds(after), Wake::Final(call_id, status))),
            None => {}
        }
        deeds
    }

    fn hear_cancel(&mut self, request: &Message<'_>, call_id: &str) -> Vec<Do> {
        let Some(talk) = self.talks.get_mut(call_id) else {
            return vec![Do::Send(self.response(request, 481, "", None))];
        };
        talk.note_reasons(request);
        let rings = matches!(talk.state, State::Fresh | State::Ringing);
        let mut deeds = Vec::new();
        if rings && self.manner.on_cancel == OnCancel::Answer {
            deeds.extend(self.finish(call_id, 200));
        }
        deeds.push(Do::Send(self.response(request, 200, "", None)));
        if rings && self.manner.on_cancel == OnCancel::Stop {
            deeds.extend(self.finish(call_id, 487));
        }
        deeds
    }

    /// What was waited for has come.
    pub fn wake(&mut self, wake: Wake) -> Vec<Do> {
        match wake {
            Wake::Ring(call_id) => self.ring(&call_id),
            Wake::Speak(call_id, early) => self.speak(&call_id, early),
            Wake::Final(call_id, status) => self.finish(&call_id, status),
            Wake::OfferAgain(call_id, sdp) => self.reinvite_in(&call_id, sdp.as_deref()),
            Wake::Repeat(id) => {
                let Some(repeat) = self.repeats.get_mut(&id) else {
                    return Vec::new();
                };
                if repeat.left < repeat.interval {
                    self.repeats.remove(&id);
                    return Vec::new();
                }
                repeat.left -= repeat.interval;
                repeat.interval = (repeat.interval * 2).min(T2);
                vec![
                    Do::Send(repeat.bytes.clone()),
                    Do::Later(repeat.interval, Wake::Repeat(id)),
                ]
            }
        }
    }

    fn ring(&mut self, call_id: &str) -> Vec<Do> {
        let again = self.manner.rings_again;
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        if !matches!(talk.state, State::Fresh | State::Ringing) {
            return Vec::new();
        }
        talk.state = State::Ringing;
        let ringing = talk.reply(180, "", None);
        talk.response = Some(ringing.clone());
        let mut deeds = vec![Do::Send(ringing)];
        if let Some(seconds) = again {
            deeds.push(Do::Later(
                Duration::from_secs_f64(seconds),
                Wake::Ring(call_id.to_owned()),
            ));
        }
        deeds
    }

    /// Sends sound before it is picked up.
    fn speak(&mut self, call_id: &str, early: Early) -> Vec<Do> {
        let sdp = self.sdp("sendrecv");
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        if !matches!(talk.state, State::Fresh | State::Ringing) {
            return Vec::new();
        }
        talk.state = State::Ringing;
        let more = match early {
            Early::Reliable => "Require: 100rel\r\nRSeq: 7\r\n",
            Early::Plain | Early::Forked => "",
        };
        let first = talk.reply(183, more, Some(&sdp));
        talk.response = Some(first.clone());
        let mut deeds = vec![Do::Send(first)];
        if early == Early::Forked {
            let text = String::from_utf8_lossy(&talk.reply(183, "", Some(&sdp))).into_owned();
            let other = text.replace(&talk.our_tag, "fork").replace(" 4000 ", " 4100 ");
            deeds.push(Do::Send(other.into_bytes()));
        }
        deeds
    }

    /// A final answer to the INVITE, repeated until its ACK comes.
    fn finish(&mut self, call_id: &str, status: u16) -> Vec<Do> {
        let sdp = self.manner.sdp.clone().unwrap_or_else(|| self.sdp("sendrecv"));
        let more = match status {
            200 => self.manner.more.to_owned(),
            302 => format!(
                "Contact: <{}>\r\n",
                self.manner.moved_to.as_deref().unwrap_or("sip:moved@192.0.2.99")
            ),
            401 | 407 => {
                let name = if status == 401 {
                    "WWW-Authenticate"
                } else {
                    "Proxy-Authenticate"
                };
                format!("{name}: Digest realm=\"pbx\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n")
            }
            _ => String::new(),
        };
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        if !matches!(talk.state, State::Fresh | State::Ringing) {
            return Vec::new();
        }
        talk.state = if status < 300 { State::Up } else { State::Over };
        talk.said = Some(status);
        let is_said = matches!(self.manner.early, Some((_, Early::Reliable)));
        let body = (status < 300 && !sdp.is_empty() && !is_said).then_some(sdp.as_str());
        let response = talk.reply(status, &more, body);
        talk.response = Some(response.clone());
        let key = format!("final {call_id} {}", talk.their_cseq);
        self.ask(key, response)
    }

    fn hear_response(&mut self, response: &Message<'_>) -> Vec<Do> {
        let Some(status) = response.status() else {
            return Vec::new();
        };
        let branch = response.top_via().branch.unwrap_or_default().to_owned();
        let is_cancel = response.method() == Method::Cancel;
        let key = if is_cancel {
            format!("{branch} CANCEL")
        } else {
            branch.clone()
        };
        if status >= 200 || response.method() == Method::Invite {
            self.answered(&key);
        }
        if response.method() == Method::Register {
            self.hear_registered(response, status)
        } else if response.method() == Method::Subscribe && status == 401 && response.cseq().number == 1 {
            let uri = self
                .watching
                .as_ref()
                .map(|(watched, _)| format!("sip:{watched}@callpost"));
            let proof = uri.and_then(|uri| self.proof(response, Method::Subscribe, &uri));
            let proof = proof.map(|proof| format!("Authorization: {proof}\r\n"));
            proof.map_or_else(Vec::new, |proof| self.send_subscribe(&proof, 2))
        } else if response.method() == Method::Invite {
            self.hear_invited(response, status, &branch)
        } else {
            Vec::new()
        }
    }

    fn hear_registered(&mut self, response: &Message<'_>, status: u16) -> Vec<Do> {
        self.registered = Some(status);
        let Some(registering) = &mut self.registering else {
            return Vec::new();
        };
        if status != 401 || registering.proved {
            return Vec::new();
        }
        registering.proved = true;
        let Some(proof) = self.proof(response, Method::Register, "sip:callpost") else {
            return Vec::new();
        };
        self.send_register(Some(proof))
    }

    fn proof(&self, response: &Message<'_>, method: Method<'_>, uri: &str) -> Option<String> {
        let password = self.password.as_ref()?;
        let challenges = response.challenges().ok()?;
        answer(
            &challenges,
            &self.user,
            Secret::Password(password),
            method,
            uri,
            1,
            "cnonce",
        )
    }

    /// The box answers our INVITE.
    fn hear_invited(&mut self, response: &Message<'_>, status: u16, branch: &str) -> Vec<Do> {
        let call_id = response.call_id().to_owned();
        let Some(talk) = self.talks.get_mut(&call_id) else {
            return Vec::new();
        };
        if talk.told.last() != Some(&status) {
            talk.told.push(status);
        }
        let opens_the_call = talk.branch == branch;
        talk.early = String::from_utf8_lossy(response.header(Name::To).unwrap_or_default()).into_owned();
        match status {
            0..=199 if opens_the_call && talk.state == State::Fresh => {
                talk.state = State::Ringing;
                if talk.wants_out {
                    self.send_cancel(&call_id)
                } else {
                    self.acknowledge_ringing(response, &call_id)
                }
            }
            0..=199 if response.rseq() != Ok(None) => self.acknowledge_ringing(response, &call_id),
            0..=199 => Vec::new(),
            200..=299 => self.hear_answer(response, &call_id, opens_the_call),
            300.. => self.hear_refusal(response, &call_id, branch, opens_the_call),
        }
    }

    /// A PRACK for a provisional response that asks for it (RFC 3262 §4).
    fn acknowledge_ringing(&mut self, response: &Message<'_>, call_id: &str) -> Vec<Do> {
        let (Ok(Some(rseq)), Some(talk)) = (response.rseq(), self.talks.get_mut(call_id)) else {
            return Vec::new();
        };
        let outside = std::mem::replace(&mut talk.them, talk.early.clone());
        let rack = format!("RAck: {rseq} {} INVITE\r\n", response.cseq().number);
        let offered = talk.asked_for_offer && !response.body().is_empty();
        if offered {
            talk.asked_for_offer = false;
        }
        let sdp = offered.then(|| self.sdp("sendrecv"));
        let deeds = self.send_within(call_id, "PRACK", &rack, sdp.as_deref());
        if let Some(talk) = self.talks.get_mut(call_id) {
            talk.them = outside;
        }
        deeds
    }

    /// A 200: acknowledged each time it comes; and if we have given up meanwhile, ended at once.
    fn hear_answer(&mut self, response: &Message<'_>, call_id: &str, opens_the_call: bool) -> Vec<Do> {
        let Some(talk) = self.talks.get_mut(call_id) else {
            return Vec::new();
        };
        if let Ok(Some(contact)) = response.contact_uri() {
            talk.target = String::from_utf8_lossy(contact.as_bytes()).into_owned();
        }
        talk.them = String::from_utf8_lossy(response.header(Name::To).unwrap_or_default()).into_owned();
        let gave_up = talk.state == State::Over || talk.wants_out;
        if !gave_up {
            talk.state = State::Up;
        }
        let leaves = gave_up && opens_the_call && !std::mem::replace(&mut talk.byed, true);
        if leaves {
            talk.state = State::Over;
        }
        let with_answer = talk.asked_for_offer && !self.manner.acks_bare;
        if self.manner.never_acks {
            return Vec::new();
        }
        let branch = self.branch();
        let body = with_answer.then(|| self.sdp("sendrecv"));
        let cseq = response.cseq().number;
        let mut deeds = vec![Do::Send(self.request(
            "ACK",
            call_id,
            &branch,
            cseq,
            "",
            body.as_deref(),
        ))];
        if leaves {
            deeds.extend(self.send_within(call_id, "BYE", "", None));
        }
        deeds
    }

    /// A refusal: acknowledged each time it comes; a challenge is answered once.
    fn hear_refusal(
        &mut self,
        response: &Message<'_>,
        call_id: &str,
        branch: &str,
        opens_the_call: bool,
    ) -> Vec<Do> {
        let mut deeds = vec![Do::Send(self.ack_of_refusal(call_id, branch, response))];
        let has_password = self.password.is_some();
        let Some(talk) = self.talks.get_mut(call_id) else {
            return deeds;
        };
        if !opens_the_call {
            // RFC 3261 §14.1: the caller waits longer than the called side.
            if response.status() == Some(491) && self.manner.tries_again {
                let seconds = if talk.side == Side::Calls { 2.5 } else { 1.0 };
                let again = Wake::OfferAgain(call_id.to_owned(), talk.offered.clone());
                deeds.push(Do::Later(Duration::from_secs_f64(seconds), again));
            }
            return deeds;
        }
        let is_challenge = response.status() == Some(401) && has_password;
        if is_challenge && !std::mem::replace(&mut talk.proved, true) {
            let uri = talk.target.clone();
            let proof = self.proof(response, Method::Invite, &uri);
            deeds.extend(self.send_invite(call_id, proof));
        } else {
            talk.state = State::Over;
        }
        deeds
    }

    /// The same path and number as the INVITE, To as the response has it (RFC 3261 §17.1.1.3).
    fn ack_of_refusal(&self, call_id: &str, branch: &str, response: &Message<'_>) -> Vec<u8> {
        let talk = &self.talks[call_id];
        format!(
            "ACK {} SIP/2.0\r\nVia: SIP/2.0/{} {};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {}\r\n\
             To: {}\r\nCall-ID: {call_id}\r\nCSeq: {} ACK\r\nContent-Length: 0\r\n\r\n",
            talk.target,
            self.transport.via(),
            self.address,
            talk.us,
            String::from_utf8_lossy(response.header(Name::To).unwrap_or_default()),
            response.cseq().number,
        )
        .into_bytes()
    }

    /// Sends, and sends again until `until` is answered.
    fn ask(&mut self, until: String, bytes: Vec<u8>) -> Vec<Do> {
        self.serial += 1;
        let id = self.serial;
        let mut deeds = vec![Do::Send(bytes.clone())];
        if !self.transport.is_reliable() {
            self.repeats.insert(
                id,
                Repeat {
                    until,
                    bytes,
                    interval: T1,
                    left: LIFE,
                },
            );
            deeds.push(Do::Later(T1, Wake::Repeat(id)));
        }
        deeds
    }

    fn answered(&mut self, key: &str) {
        self.repeats.retain(|_, repeat| repeat.until != key);
    }

    fn branch(&mut self) -> String {
        self.serial += 1;
        format!("z9hG4bK-{}-{}", self.name.replace(' ', "-"), self.serial)
    }

    pub fn contact(&self) -> String {
        let transport = self.transport.uri_parameter();
        format!("<sip:{}@{}{transport}>", self.user, self.address)
    }

    /// What the phone says of its audio.
    pub fn sdp(&self, direction: &str) -> String {
        let ip = self.address.ip();
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
        )
    }

    fn request(
        &self,
        method: &str,
        call_id: &str,
        branch: &str,
        cseq: u32,
        more: &str,
        sdp: Option<&str>,
    ) -> Vec<u8> {
        self.request_with(
            method,
            call_id,
            branch,
            cseq,
            more,
            sdp.map(|sdp| ("application/sdp", sdp)),
        )
    }

    fn request_with(
        &self,
        method: &str,
        call_id: &str,
        branch: &str,
        cseq: u32,
        more: &str,
        body: Option<(&str, &str)>,
    ) -> Vec<u8> {
        let talk = &self.talks[call_id];
        let (kind, body) = body.map_or((String::new(), ""), |(kind, body)| {
            (format!("Content-Type: {kind}\r\n"), body)
        });
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/{} {};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {}\r\n\
             To: {}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {}\r\n{more}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            talk.target,
            self.transport.via(),
            self.address,
            talk.us,
            talk.them,
            self.contact(),
            body.len(),
        )
        .into_bytes()
    }

    fn response(&self, request: &Message<'_>, status: u16, more: &str, body: Option<&str>) -> Vec<u8> {
        let tag = self
            .talks
            .get(request.call_id())
            .map_or("stray", |talk| talk.our_tag.as_str());
        respond(
            request,
            status,
            reason_phrase(status),
            tag,
            &self.contact(),
            more,
            body,
        )
    }
}

/// The text of a response to a request.
pub fn respond(
    request: &Message<'_>,
    status: u16,
    reason: &str,
    tag: &str,
    contact: &str,
    more: &str,
    body: Option<&str>,
) -> Vec<u8> {
    let line = |name| String::from_utf8_lossy(request.header(name).unwrap_or_default()).into_owned();
    let mut text = format!("SIP/2.0 {status} {reason}\r\n");
    for via in request.lines(Name::Via) {
        text += &format!("Via: {}\r\n", String::from_utf8_lossy(via));
    }
    let to = line(Name::To);
    let to = if to.contains(";tag=") {
        to
    } else {
        format!("{to};tag={tag}")
    };
    let contact = if more.contains("Contact:") {
        String::new()
    } else {
        format!("Contact: {contact}\r\n")
    };
    text += &format!(
        "From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}{more}",
        line(Name::From),
        request.call_id(),
        line(Name::CSeq),
    );
    if body.is_some() {
        text += "Content-Type: application/sdp\r\n";
    }
    text += &format!(
        "Content-Length: {}\r\n\r\n{}",
        body.map_or(0, str::len),
        body.unwrap_or_default()
    );
    text.into_bytes()
}
