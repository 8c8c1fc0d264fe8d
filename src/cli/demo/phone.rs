use super::ladder::Ladder;
use crate::app::{monotonic, random_seed};
use crate::media::{Sound, g711};
use crate::model::{Codec, Destination, Dice, Digit, TrunkName};
use crate::sdp::{Agreed, Negotiator};
use crate::sip::{
    self, Event, Farewell, Flow, Invitation, Listener, Output, RegistrationTimes, Secret, SessionId,
    Transport, Trunk, UserAgent,
};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a phone of the demo is for.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// Registers, rings, and is picked up after a while or never.
    Agent {
        extension: &'static str,
        password: String,
        answer_after: Option<Duration>,
    },
    /// Dials.
    Caller,
}

/// What a person does with a phone.
#[derive(Debug)]
pub(super) enum Order {
    Dial(String),
    Press(Digit),
    HangUp,
}

/// What has happened to a phone so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) registered: bool,
    pub(super) rang: bool,
    pub(super) answered: bool,
    pub(super) left: bool,
    /// The Reason headers of the CANCEL or BYE that ended it.
    pub(super) reasons: Vec<String>,
    /// Milliseconds of sound that was not silence.
    pub(super) heard_ms: u64,
    /// The newest second of what was heard.
    pub(super) heard: Vec<i16>,
}

/// A phone on a thread of its own: SIP by the same machine the box uses, turned round; RTP on a plain socket.
pub(super) struct Phone {
    pub(super) name: &'static str,
    pub(super) hz: u32,
    orders: Sender<Order>,
    seen: Arc<Mutex<Seen>>,
}

impl Phone {
    pub(super) fn start(
        name: &'static str,
        hz: u32,
        socket: UdpSocket,
        server: SocketAddr,
        role: Role,
        ladder: &Ladder,
    ) -> anyhow::Result<Self> {
        let (orders, inbox) = channel();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let set = Set::new(name, hz, socket, server, role, ladder.clone(), Arc::clone(&seen))?;
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || set.run(&inbox))?;
        Ok(Self {
            name,
            hz,
            orders,
            seen,
        })
    }

    pub(super) fn order(&self, order: Order) {
        // A phone that has ended is found out by waiting for it.
        let _ = self.orders.send(order);
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Waits until the phone has seen it.
    pub(super) fn wait(
        &self,
        patience: Duration,
        what: &str,
        is_so: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<()> {
        let happened = super::wait_until(monotonic() + patience, || is_so(&lock(&self.seen)));
        anyhow::ensure!(
            happened,
            "{} did not {what} within {} s",
            self.name,
            patience.as_secs()
        );
        Ok(())
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The inside of a phone.
struct Set {
    name: &'static str,
    role: Role,
    socket: UdpSocket,
    local: SocketAddr,
    agent: UserAgent,
    voice: Voice,
    call: Option<Ongoing>,
    dice: Dice,
    ladder: Ladder,
    seen: Arc<Mutex<Seen>>,
}

struct Ongoing {
    session: SessionId,
    negotiator: Negotiator,
    offer: Option<Vec<u8>>,
    answer_at: Option<Instant>,
}

const TURN: Duration = Duration::from_millis(2);

impl Set {
    fn new(
        name: &'static str,
        hz: u32,
        socket: UdpSocket,
        server: SocketAddr,
        role: Role,
        ladder: Ladder,
        seen: Arc<Mutex<Seen>>,
    ) -> anyhow::Result<Self> {
        socket.set_read_timeout(Some(TURN))?;
        let local = socket.local_addr()?;
        let mut dice = Dice::new(random_seed());
        let agent = UserAgent::new(monotonic(), settings(name, local, server, &role), dice.fork());
        let voice = Voice::open(local, hz)?;
        Ok(Self {
            name,
            role,
            socket,
            local,
            agent,
            voice,
            call: None,
            dice,
            ladder,
            seen,
        })
    }

    fn run(mut self, inbox: &Receiver<Order>) {
        let mut buffer = vec![0; 65_535];
        loop {
            match inbox.try_recv() {
                Ok(order) => self.obey(order),
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
            }
            if let Ok((length, peer)) = self.socket.recv_from(&mut buffer) {
                let bytes = buffer.get(..length).unwrap_or_default();
                self.note_received(bytes);
                let flow = Flow {
                    transport: Transport::Udp,
                    local: self.local,
                    peer,
                    connection: None,
                };
                self.agent.receive(monotonic(), &flow, bytes);
            }
            let now = monotonic();
            if self.agent.next_deadline().is_some_and(|at| at <= now) {
                self.agent.deadline_reached(now);
            }
            self.pick_up(now);
            self.carry_out(now);
            self.voice.turn(now, &self.seen);
        }
    }

    fn obey(&mut self, order: Order) {
        let now = monotonic();
        match order {
            Order::Dial(number) => self.dial(now, &number),
            Order::Press(digit) => {
                self.ladder
                    .note(self.name, "box", &format!("key {digit} (RFC 4733)"));
                self.voice.press(digit);
            }
            Order::HangUp => {
                if let Some(call) = self.call.take() {
                    let farewell = Farewell {
                        status: 480,
                        retry_after_seconds: None,
                        reasons: &[],
                    };
                    self.agent.release(now, call.session, farewell);
                    self.voice.stop();
                }
            }
        }
        self.carry_out(now);
    }

    fn dial(&mut self, now: Instant, number: &str) {
        let invitation = Invitation {
            destination: Destination::Trunk {
                trunk: TrunkName::from("box"),
                number: number.into(),
            },
            caller_number: "+966501234567".into(),
            caller_name: Some("Layla".to_owned()),
            referred_by: None,
            replaces: None,
            hidden: false,
            elsewhere: false,
        };
        let Some(route) = self.agent.route(now, &invitation.destination) else {
            return;
        };
        let mut negotiator = self.negotiator();
        let offer = negotiator.offer();
        let session = self.agent.invite(now, &invitation, route, offer);
        self.call = Some(Ongoing {
            session,
            negotiator,
            offer: None,
            answer_at: None,
        });
    }

    fn negotiator(&mut self) -> Negotiator {
        Negotiator::new(
            self.local.ip(),
            self.voice.port,
            &[Codec::Pcmu],
            self.dice.number() >> 2,
        )
    }

    fn pick_up(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        if call.answer_at.is_none_or(|at| at > now) {
            return;
        }
        call.answer_at = None;
        let Some(Ok((answer, agreed))) = call.offer.take().map(|offer| call.negotiator.answer(&offer)) else {
            return;
        };
        self.agent.answer(now, call.session, answer);
        self.voice.start(now, &agreed);
        lock(&self.seen).answered = true;
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Send { flow, bytes } => {
                    self.note_sent(&bytes);
                    // A lost datagram is sent again by its transaction.
                    let _ = self.socket.send_to(&bytes, flow.peer);
                }
                Output::Close(_) => {}
                Output::Resolve(_) => {} // A demo phone knows the address of its box.
                Output::Keep { .. } => {}
                Output::Event(event) => self.hear(now, event),
            }
        }
    }

    fn hear(&mut self, now: Instant, event: Event) {
        match event {
            Event::Registered { outcome: Ok(_), .. } => lock(&self.seen).registered = true,
            Event::Incoming(incoming) => {
                let Role::Agent { answer_after, .. } = &self.role else {
                    return;
                };
                let answer_at = answer_after.map(|after| now + after);
                let negotiator = self.negotiator();
                self.agent.ring(now, incoming.session);
                self.call = Some(Ongoing {
                    session: incoming.session,
                    negotiator,
                    offer: incoming.offer,
                    answer_at,
                });
                lock(&self.seen).rang = true;
            }
            Event::Answered { body, .. } => {
                let Some(call) = &mut self.call else { return };
                if let Ok(agreed) = call.negotiator.answered(&body) {
                    self.voice.start(now, &agreed);
                    lock(&self.seen).answered = true;
                }
            }
            Event::Left(_)
            | Event::NeverAcknowledged(_)
            | Event::Expired(_)
            | Event::CutOff(_)
            | Event::Refused { .. } => {
                self.call = None;
                self.voice.stop();
                lock(&self.seen).left = true;
            }
            Event::Registered { .. }
            | Event::Ringing(_)
            | Event::EarlyMedia { .. }
            | Event::Redirected { .. }
            | Event::Words { .. }
            | Event::Confirmed { .. }
            | Event::Offered { .. }
            | Event::RefreshWanted(_)
            | Event::Reanswered { .. }
            | Event::Digit { .. }
            | Event::Referred(_)
            | Event::Bound(_)
            | Event::Refreshed { .. }
            | Event::Unbound(_)
            | Event::PhoneProbed { .. }
            | Event::Banned(_)
            | Event::WeakerDigest { .. }
            | Event::Stranger { .. }
            | Event::Noise { .. }
            | Event::DigitRefused { .. }
            | Event::TrunkProbed { .. } => {}
        }
    }

    fn note_sent(&self, bytes: &[u8]) {
        if let Some(line) = ladder_line(bytes) {
            self.ladder.note(self.name, "box", &line);
        }
    }

    fn note_received(&self, bytes: &[u8]) {
        let Ok(message) = sip::Message::parse(bytes) else {
            return;
        };
        if let Some(line) = ladder_line(bytes) {
            self.ladder.note("box", self.name, &line);
        }
        if matches!(message.method(), sip::Method::Cancel | sip::Method::Bye) && message.is_request() {
            let reasons = message
                .lines(sip::Name::Reason)
                .map(|value| sip::text(value).into_owned())
                .collect();
            lock(&self.seen).reasons = reasons;
        }
    }
}

/// A message in a few words; probes of the trunk are left out.
fn ladder_line(bytes: &[u8]) -> Option<String> {
    let message = sip::Message::parse(bytes).ok()?;
    let method = message.method();
    if method == sip::Method::Options {
        return None;
    }
    let elsewhere = message
        .lines(sip::Name::Reason)
        .any(|reason| sip::text(reason).contains("elsewhere"));
    let reason = if elsewhere { " (elsewhere)" } else { "" };
    let what = match message.status() {
        Some(status) => format!("{status} {}", sip::reason_phrase(status)),
        None => method.to_string(),
    };
    Some(what + reason)
}

/// A phone sees the box as its one trunk.
fn settings(name: &str, local: SocketAddr, server: SocketAddr, role: &Role) -> sip::Settings {
    let (register, credentials) = match role {
        Role::Agent {
            extension, password, ..
        } => (
            true,
            Some(Secret {
                username: (*extension).to_owned(),
                password: password.clone(),
            }),
        ),
        Role::Caller => (false, None),
    };
    sip::Settings {
        realm: local.to_string(),
        digests: sip::digest::Algorithm::ALL.to_vec(),
        product: format!("demo phone {name}"),
        registrations: RegistrationTimes::default(),
        qualify_every: None,
        listeners: vec![Listener {
            transport: Transport::Udp,
            address: local,
        }],
        accounts: Vec::new(),
        trunks: vec![Trunk {
            credentials,
            register,
            ..Trunk::new(
                TrunkName::from("box"),
                &server.ip().to_string(),
                Some(server.port()),
                None,
            )
        }],
        guard: sip::guard::Rules::default(),
    }
}

/// The phone's ear and mouth: says one tone, hears what comes.
struct Voice {
    socket: UdpSocket,
    port: u16,
    tone: Sound,
    stream: Option<Stream>,
    keys: Vec<[u8; 4]>,
}

struct Stream {
    to: SocketAddr,
    event_type: Option<u8>,
    next: Instant,
    sequence: u16,
    timestamp: u32,
    at: usize,
}

const FRAME: usize = 160;
const SSRC: u32 = 0x6465_6d6f;

impl Voice {
    fn open(local: SocketAddr, hz: u32) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((local.ip(), 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        Ok(Self {
            socket,
            port,
            tone: tone(hz),
            stream: None,
            keys: Vec::new(),
        })
    }

    fn start(&mut self, now: Instant, agreed: &Agreed) {
        self.stream = Some(Stream {
            to: agreed.remote,
            event_type: agreed.send_telephone_event,
            next: now,
            sequence: 1,
            timestamp: 0,
            at: 0,
        });
    }

    fn stop(&mut self) {
        self.stream = None;
    }

    /// Queues the packets of a key: eight updates of 20 ms, then the end three times (RFC 4733 §2.5.1).
    fn press(&mut self, digit: Digit) {
        let packet = |end: u8, units: u16| {
            let [high, low] = (units * 160).to_be_bytes();
            [digit.event(), end << 7 | 10, high, low]
        };
        // Sent newest last, so the list is kept in reverse.
        let mut packets: Vec<[u8; 4]> = (1..=8).map(|units| packet(0, units)).collect();
        packets.extend([packet(1, 8); 3]);
        packets.reverse();
        self.keys = packets;
    }

    fn turn(&mut self, now: Instant, seen: &Mutex<Seen>) {
        let mut buffer = [0; 2048];
        while let Ok((length, _)) = self.socket.recv_from(&mut buffer) {
            hear(buffer.get(..length).unwrap_or_default(), &mut lock(seen));
        }
        let Some(stream) = &mut self.stream else { return };
        while stream.next <= now {
            stream.next += Duration::from_millis(20);
            let packet = match (self.keys.pop(), stream.event_type) {
                (Some(event), Some(kind)) => stream.packet(kind, &event),
                (Some(_) | None, _) => {
                    let audio = self.tone.bytes(Codec::Pcmu);
                    let start = stream.at % audio.len().max(FRAME);
                    let frame = audio.get(start..start + FRAME).unwrap_or(&[0xff; FRAME]);
                    stream.at += FRAME;
                    let packet = stream.packet(0, frame);
                    stream.timestamp += 160;
                    packet
                }
            };
            // Nobody listening yet is no fault of the phone.
            let _ = self.socket.send_to(&packet, stream.to);
        }
    }
}

impl Stream {
    /// An RTP packet (RFC 3550 §5.1). Packets of one key share its time stamp.
    fn packet(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

fn hear(packet: &[u8], seen: &mut Seen) {
    let Some(audio) = packet
        .get(12..)
        .filter(|_| packet.get(1).is_some_and(|kind| kind & 0x7f == 0))
    else {
        return;
    };
    let samples: Vec<i16> = audio
        .iter()
        .map(|byte| g711::linear(Codec::Pcmu, *byte))
        .collect();
    if samples.iter().any(|sample| sample.unsigned_abs() > 500) {
        seen.heard_ms += 20;
    }
    seen.heard.extend(samples);
    let surplus = seen.heard.len().saturating_sub(8000);
    seen.heard.drain(..surplus);
}

/// One second of a tone at a third of full scale; every whole number of Hz fits without a click.
fn tone(hz: u32) -> Sound {
    let sample = |at: u32| {
        let angle = std::f64::consts::TAU * f64::from(hz) * f64::from(at) / 8000.0;
        #[expect(clippy::cast_possible_truncation, reason = "a third of full scale fits")]
        let sample = (angle.sin() * 10_000.0) as i16;
        sample
    };
    let samples: Vec<i16> = (0..8000).map(sample).collect();
    Sound::from_pcm_8k(&samples)
}
