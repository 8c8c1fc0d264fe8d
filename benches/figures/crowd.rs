//! A crowd of callers and agents on one thread: hundreds of calls and their audio, so that what is measured is the
//! subject and not the crowd.

use crate::harness::rtp::packet;
use crate::harness::sip::{Draft, Message, sdp};
use crate::harness::street::Street;
use crate::harness::wav::to_mu_law;
use crate::harness::{digest, tone};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

/// How long anything may take before the row is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// The socket of callers' SIP.
const CALLERS: Token = Token(0);
/// The socket of agents' SIP.
const AGENTS: Token = Token(1);
/// The socket all callers' audio shares.
const CALLER_VOICE: Token = Token(2);
/// The socket all agents' audio shares.
const AGENT_VOICE: Token = Token(3);

/// What the agents' phones do when they are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// Pick up at once.
    PickUp,
    /// Ring until somebody says otherwise.
    Ring,
}

/// Everybody who calls and is called.
pub(crate) struct Crowd {
    server: SocketAddrV4,
    poll: Poll,
    sockets: [UdpSocket; 4],
    addresses: [SocketAddrV4; 4],
    /// How called phones behave from now on.
    pub(crate) manners: Manners,
    calls: HashMap<String, Call>,
    legs: HashMap<String, Leg>,
    answers: HashMap<String, Message>,
    named: u32,
    /// Callers hang up as soon as they are answered, and are forgotten when that is agreed on.
    hurried: Option<Storm>,
    /// Audio packets sent and received since [`Self::talk`] began.
    pub(crate) packets: (u64, u64),
}

/// Many short calls, counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Storm {
    /// Calls begun.
    pub(crate) calls: u32,
    /// Calls that were not taken.
    pub(crate) refused: u32,
    /// Answers that came again, and requests whose answer took so long that a phone would have asked again.
    pub(crate) twice: u32,
}

/// RFC 3261 T1: a request that has no answer by then is sent again.
const T1: Duration = Duration::from_millis(500);

/// A caller's side of a call.
struct Call {
    asked: Instant,
    invite: Draft,
    phase: Phase,
    to: String,
    target: String,
    audio: Option<SocketAddrV4>,
}

impl Call {
    /// RFC 3261 §17.1.1.3.
    fn ack_of_refusal(&self) -> String {
        let first_line = self.invite.first_line.replacen("INVITE", "ACK", 1);
        let ack = self.invite.clone().beginning(&first_line);
        let ack = ack.with("CSeq", "1 ACK").with("To", &self.to);
        ack.carrying("text/plain", "").text()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dialing,
    Up,
    Over,
    Refused,
}

/// A called phone's side.
struct Leg {
    invite: Message,
    tag: String,
    audio: SocketAddrV4,
    up: bool,
    cancelled: Option<Instant>,
}

impl Crowd {
    /// Gathers on the street: callers at its trunk address, agents at house 40.
    pub(crate) fn gather(street: &Street) -> Result<Self, String> {
        let (callers, agents) = (street.pbx(), street.house(40));
        let homes = [
            (callers, 5060),
            (agents, 5060),
            (callers, 30_000),
            (agents, 30_000),
        ];
        let poll = Poll::new().map_err(|error| error.to_string())?;
        let mut sockets = Vec::new();
        for (number, (host, port)) in homes.into_iter().enumerate() {
            let mut socket = open(host, port).map_err(|error| format!("{host}:{port}: {error}"))?;
            poll.registry()
                .register(&mut socket, Token(number), Interest::READABLE)
                .map_err(|error| error.to_string())?;
            sockets.push(socket);
        }
        Ok(Self {
            server: street.box_sip(),
            poll,
            sockets: sockets.try_into().map_err(|_| "four sockets".to_owned())?,
            addresses: homes.map(|(host, port)| SocketAddrV4::new(host, port)),
            manners: Manners::PickUp,
            calls: HashMap::new(),
            legs: HashMap::new(),
            answers: HashMap::new(),
            named: 0,
            hurried: None,
            packets: (0, 0),
        })
    }

    /// A caller dials; returns the Call-ID.
    pub(crate) fn dial(&mut self, number: &str) -> String {
        let target = format!("sip:{number}@{}", self.server);
        let sdp = sdp(self.addresses[CALLER_VOICE.0], "sendrecv");
        let invite = self.request("INVITE", &target).offering(&sdp);
        let call_id = invite.header("Call-ID").to_owned();
        self.say(CALLERS, &invite.text());
        let call = Call {
            asked: Instant::now(),
            invite,
            phase: Phase::Dialing,
            to: String::new(),
            target,
            audio: None,
        };
        self.calls.insert(call_id.clone(), call);
        call_id
    }

    /// So many calls a second for so long, each hung up as soon as it is answered.
    pub(crate) fn storm(&mut self, number: &str, rate: u32, length: Duration) -> Result<Storm, String> {
        self.hurried = Some(Storm::default());
        let begin = Instant::now();
        let mut dialled = 0;
        while begin.elapsed() < length {
            let due = (begin.elapsed().as_secs_f64() * f64::from(rate)) as u32;
            for _ in dialled..due {
                self.dial(number);
            }
            dialled = due;
            self.listen(Duration::from_millis(1))?;
        }
        self.until("every call of the storm is over", |crowd| crowd.calls.is_empty())?;
        let mut storm = self.hurried.take().unwrap_or_default();
        storm.calls = dialled;
        Ok(storm)
    }

    /// In a storm: counts this answer and goes on at once.
    fn hurry(&mut self, mut storm: Storm, message: &Message, code: u16) -> Storm {
        let call_id = message.header("Call-ID").to_owned();
        let Some(call) = self.calls.get_mut(&call_id) else {
            // It is over already, so this was said before.
            storm.twice += 1;
            return storm;
        };
        storm.twice += u32::from(call.asked.elapsed() > T1);
        if message.header("CSeq").ends_with("BYE") {
            self.calls.remove(&call_id);
            return storm;
        }
        let again = call.phase == Phase::Up;
        message.header("To").clone_into(&mut call.to);
        if code >= 300 {
            storm.refused += 1;
            let ack = call.ack_of_refusal();
            self.say(CALLERS, &ack);
            self.calls.remove(&call_id);
            return storm;
        }
        call.phase = Phase::Up;
        call.target = message.contact();
        call.asked = Instant::now();
        storm.twice += u32::from(again);
        let ack = self.within(&call_id, "ACK", 1);
        self.say(CALLERS, &ack);
        if !again {
            let bye = self.within(&call_id, "BYE", 2);
            self.say(CALLERS, &bye);
        }
        storm
    }

    /// How many calls are up on both sides' word.
    pub(crate) fn up(&self) -> usize {
        self.calls.values().filter(|call| call.phase == Phase::Up).count()
    }

    /// How many phones have been called and are neither up nor cancelled.
    pub(crate) fn ringing(&self) -> usize {
        self.legs
            .values()
            .filter(|leg| !leg.up && leg.cancelled.is_none())
            .count()
    }

    /// Waits until so many calls are up.
    pub(crate) fn until_up(&mut self, calls: usize) -> Result<(), String> {
        self.until("all calls are up", |crowd| crowd.up() == calls)
    }

    /// Waits until so many phones ring.
    pub(crate) fn until_ringing(&mut self, phones: usize) -> Result<(), String> {
        self.until("all phones ring", |crowd| crowd.ringing() == phones)
    }

    /// Every caller hangs up; waits until that is agreed on by all.
    pub(crate) fn hang_up(&mut self) -> Result<(), String> {
        let standing: Vec<String> = self
            .calls
            .iter()
            .filter(|(_, call)| call.phase == Phase::Up)
            .map(|(call_id, _)| call_id.clone())
            .collect();
        for call_id in standing {
            let bye = self.within(&call_id, "BYE", 2);
            self.say(CALLERS, &bye);
        }
        self.until("all calls are over", |crowd| {
            crowd.legs.values().all(|leg| !leg.up) && crowd.calls.values().all(|call| call.phase != Phase::Up)
        })?;
        self.calls.clear();
        self.legs.clear();
        Ok(())
    }

    /// Everybody who is up talks for so long, 50 packets a second each way. Phones do not tick together: in each
    /// 20 ms every call has a moment of its own among ten.
    pub(crate) fn talk(&mut self, length: Duration) -> Result<(), String> {
        self.packets = (0, 0);
        let payload: Vec<u8> = (0..160)
            .map(|index| to_mu_law(tone::sample(440, index)))
            .collect();
        let callers: Vec<SocketAddrV4> = self.calls.values().filter_map(|call| call.audio).collect();
        let agents: Vec<SocketAddrV4> = self
            .legs
            .values()
            .filter(|leg| leg.up)
            .map(|leg| leg.audio)
            .collect();
        let begin = Instant::now();
        for moment in 0.. {
            let due = begin + Duration::from_millis(2) * moment;
            if due >= begin + length {
                return Ok(());
            }
            // Awake: to wake whoever sleeps is work of the one who sends, and would count as the subject's.
            while Instant::now() < due {
                self.listen(Duration::ZERO)?;
            }
            let number = moment / 10;
            let slot = usize::try_from(moment % 10).unwrap_or_default();
            for (voice, peers) in [(CALLER_VOICE, &callers), (AGENT_VOICE, &agents)] {
                for (place, peer) in peers.iter().enumerate().skip(slot).step_by(10) {
                    self.speak(voice, place, *peer, number, &payload);
                }
            }
        }
        Ok(())
    }

    fn speak(&mut self, voice: Token, place: usize, peer: SocketAddrV4, number: u32, payload: &[u8]) {
        let sequence = u16::try_from(number % 65_536).unwrap_or_default();
        let ssrc = 1 + u32::try_from(place + voice.0 * 100_000).unwrap_or_default();
        let bytes = packet(0, sequence, number.wrapping_mul(160), ssrc, payload);
        // A full socket loses the packet, as a network would; the count tells.
        if self.sockets[voice.0]
            .send_to(&bytes, SocketAddr::V4(peer))
            .is_ok()
        {
            self.packets.0 += 1;
        }
    }

    /// The first phone that rings picks up; returns how long it took until the last of the others was cancelled.
    pub(crate) fn pick_up_one(&mut self) -> Result<Duration, String> {
        let Some(winner) = self
            .legs
            .iter()
            .find(|(_, leg)| !leg.up)
            .map(|(call_id, _)| call_id.clone())
        else {
            return Err("no phone rings".to_owned());
        };
        let others = self.ringing() - 1;
        let begin = Instant::now();
        self.pick_up(&winner);
        self.until("all others are cancelled", |crowd| {
            crowd.cancelled().count() >= others
        })?;
        let last = self.cancelled().max().unwrap_or(begin);
        Ok(last.saturating_duration_since(begin))
    }

    fn cancelled(&self) -> impl Iterator<Item = Instant> {
        self.legs.values().filter_map(|leg| leg.cancelled)
    }

    /// One phone registers with digest, answering the challenge. It speaks from the agents' address: the callers'
    /// is a trunk's, and trunks do not register.
    pub(crate) fn register(&mut self, extension: &str) -> Result<(), String> {
        let target = format!("sip:{}", self.server.ip());
        let who = format!("<sip:{extension}@{}>", self.server.ip());
        let tag = self.fresh("f");
        let contact = format!("<sip:{extension}@{}>", self.addresses[AGENTS.0]);
        let draft = self
            .request("REGISTER", &target)
            .with("From", &format!("{who};tag={tag}"))
            .with("To", &who);
        let draft = draft
            .with("Via", &self.via(AGENTS))
            .with("Contact", &contact)
            .with("Expires", "600");
        let challenge = self.ask(&draft)?;
        let asked: Vec<&str> = challenge.headers("WWW-Authenticate").collect();
        let asked = asked
            .iter()
            .find(|challenge| digest::asks_for(challenge, "MD5"))
            .ok_or("no MD5 challenge")?;
        let password = format!("secret-{extension}");
        let credentials = digest::Credentials {
            user: extension,
            password: &password,
            algorithm: "MD5",
        };
        let answer = digest::answer(asked, credentials, "REGISTER", &target);
        let via = self.via(AGENTS);
        let again = draft
            .with("Via", &via)
            .with("CSeq", "2 REGISTER")
            .with("Authorization", &answer);
        match self.ask(&again)?.status() {
            Some(200) => Ok(()),
            other => Err(format!("REGISTER is answered {other:?}")),
        }
    }

    fn ask(&mut self, draft: &Draft) -> Result<Message, String> {
        let call_id = draft.header("Call-ID").to_owned();
        self.say(AGENTS, &draft.text());
        self.until("a request is answered", |crowd| {
            crowd.answers.contains_key(&call_id)
        })?;
        self.answers
            .remove(&call_id)
            .ok_or_else(|| "no answer".to_owned())
    }

    fn until(&mut self, what: &str, mut wanted: impl FnMut(&Self) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self) {
            if Instant::now() > deadline {
                return Err(format!("it never happened that {what}"));
            }
            self.listen(Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// Waits for packets at most so long and takes all that have come.
    fn listen(&mut self, within: Duration) -> Result<(), String> {
        let mut events = Events::with_capacity(8);
        // The system counts in milliseconds and rounds up; a zero asks without waiting.
        let within = if within < Duration::from_millis(1) {
            Duration::ZERO
        } else {
            within
        };
        if let Err(error) = self.poll.poll(&mut events, Some(within))
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(error.to_string());
        }
        let mut buffer = [0; 4096];
        for event in &events {
            let token = event.token();
            while let Ok((length, _)) = self.sockets[token.0].recv_from(&mut buffer) {
                match token {
                    CALLER_VOICE | AGENT_VOICE => self.packets.1 += 1,
                    _ => self.hear(token, &buffer[..length]),
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, token: Token, datagram: &[u8]) {
        let Some(message) = Message::read(datagram) else {
            return;
        };
        match (message.request(), token) {
            (None, _) => self.hear_response(message),
            (Some("INVITE"), AGENTS) => self.called(message),
            (Some("CANCEL"), AGENTS) => self.called_off(&message),
            (Some("ACK"), _) => {}
            (Some("BYE"), _) => {
                self.say(token, &message.reply("200 OK", "").text());
                let call_id = message.header("Call-ID");
                if let Some(leg) = self.legs.get_mut(call_id) {
                    leg.up = false;
                }
                if let Some(call) = self.calls.get_mut(call_id) {
                    call.phase = Phase::Over;
                }
            }
            (Some(_), _) => self.say(token, &message.reply("200 OK", "any").text()),
        }
    }

    fn hear_response(&mut self, message: Message) {
        let Some(code) = message.status().filter(|code| *code >= 200) else {
            return;
        };
        if let Some(storm) = self.hurried {
            self.hurried = Some(self.hurry(storm, &message, code));
            return;
        }
        let call_id = message.header("Call-ID").to_owned();
        let Some(call) = self.calls.get_mut(&call_id) else {
            self.answers.insert(call_id, message);
            return;
        };
        if message.header("CSeq").ends_with("BYE") {
            call.phase = Phase::Over;
            return;
        }
        message.header("To").clone_into(&mut call.to);
        if code == 200 {
            call.phase = Phase::Up;
            call.target = message.contact();
            call.audio = Some(message.audio());
            let ack = self.within(&call_id, "ACK", 1);
            self.say(CALLERS, &ack);
        } else {
            call.phase = Phase::Refused;
            let ack = call.ack_of_refusal();
            self.say(CALLERS, &ack);
        }
    }

    fn called(&mut self, invite: Message) {
        let call_id = invite.header("Call-ID").to_owned();
        if self.legs.contains_key(&call_id) {
            return;
        }
        let tag = self.fresh("t");
        let audio = invite.audio();
        self.legs.insert(
            call_id.clone(),
            Leg {
                invite,
                tag,
                audio,
                up: false,
                cancelled: None,
            },
        );
        match self.manners {
            Manners::PickUp => self.pick_up(&call_id),
            Manners::Ring => {
                let leg = &self.legs[&call_id];
                let ringing = leg
                    .invite
                    .reply("180 Ringing", &leg.tag)
                    .with("Contact", &self.agents_contact());
                self.say(AGENTS, &ringing.text());
            }
        }
    }

    fn pick_up(&mut self, call_id: &str) {
        let (contact, audio) = (self.agents_contact(), self.addresses[AGENT_VOICE.0]);
        let Some(leg) = self.legs.get_mut(call_id) else {
            return;
        };
        leg.up = true;
        let answer = leg.invite.reply("200 OK", &leg.tag).with("Contact", &contact);
        let answer = answer.offering(&sdp(audio, "sendrecv")).text();
        self.say(AGENTS, &answer);
    }

    fn called_off(&mut self, cancel: &Message) {
        let now = Instant::now();
        let Some(leg) = self.legs.get_mut(cancel.header("Call-ID")) else {
            return;
        };
        leg.cancelled.get_or_insert(now);
        let agreed = cancel.reply("200 OK", &leg.tag).text();
        let gone = leg.invite.reply("487 Request Terminated", &leg.tag).text();
        self.say(AGENTS, &agreed);
        self.say(AGENTS, &gone);
    }

    fn agents_contact(&self) -> String {
        format!("<sip:agent@{}>", self.addresses[AGENTS.0])
    }

    /// A caller's request outside any call.
    fn request(&mut self, method: &str, target: &str) -> Draft {
        let here = self.addresses[CALLERS.0];
        let draft = Draft::request(method, target);
        draft
            .with("Via", &self.via(CALLERS))
            .with("Max-Forwards", "70")
            .with("From", &format!("<sip:caller@{here}>;tag={}", self.fresh("f")))
            .with("To", &format!("<{target}>"))
            .with("Call-ID", &self.fresh("c"))
            .with("CSeq", &format!("1 {method}"))
            .with("Contact", &format!("<sip:caller@{here}>"))
    }

    /// A caller's request within a call.
    fn within(&mut self, call_id: &str, method: &str, cseq: u32) -> String {
        let via = self.via(CALLERS);
        let call = &self.calls[call_id];
        Draft::request(method, &call.target)
            .with("Via", &via)
            .with("Max-Forwards", "70")
            .with("From", call.invite.header("From"))
            .with("To", &call.to)
            .with("Call-ID", call_id)
            .with("CSeq", &format!("{cseq} {method}"))
            .text()
    }

    fn via(&mut self, token: Token) -> String {
        let branch = self.fresh("b");
        format!(
            "SIP/2.0/UDP {};branch=z9hG4bK{branch};rport",
            self.addresses[token.0]
        )
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}{}x{}", std::process::id(), self.named)
    }

    fn say(&self, token: Token, text: &str) {
        // A full socket would lose it; with four megabytes of buffer it is not full.
        self.sockets[token.0]
            .send_to(text.as_bytes(), SocketAddr::V4(self.server))
            .ok();
    }
}

/// A socket with room for what arrives while the crowd is busy elsewhere.
fn open(host: Ipv4Addr, port: u16) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_recv_buffer_size(4 << 20)?;
    socket.set_send_buffer_size(4 << 20)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((host, port)).into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
