//! A town of phones whose power comes back: they all register at once, ask again when nobody answers, and are counted.

use super::digest::{self, Credentials};
use super::household::{Household, password};
use super::sip::{Draft, Message};
use super::street::Street;
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// Houses of the street that phones live in; the box, the PBX and the visitors of tests live in others.
const HOUSES: std::ops::Range<u8> = 60..240;
/// RFC 3261 T1 and T2: when a request is said again, and the longest pause between two times.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// RFC 3261 64·T1: a phone that was not answered by then gives up.
const GIVES_UP: Duration = Duration::from_secs(32);

/// The town: some phones in each house, on one socket of that house.
pub(crate) struct Town {
    server: SocketAddrV4,
    houses: Vec<UdpSocket>,
    phones: u32,
    /// How often the power has come back.
    returns: u32,
}

/// How one return went.
#[derive(Debug, Default)]
pub(crate) struct Return {
    /// Phones that are registered again.
    pub(crate) back: u32,
    /// What the others were told, or that they heard nothing: by status, 0 for silence.
    pub(crate) lost: HashMap<u16, u32>,
    /// Requests that had to be said again.
    pub(crate) said_again: u32,
    /// How long each phone waited, the shortest first.
    pub(crate) waited: Vec<Duration>,
}

/// A phone that is registering.
struct Asking {
    request: Draft,
    house: usize,
    began: Instant,
    said: Instant,
    pause: Duration,
    answers: bool,
}

/// The extension of the phone with this number.
fn extension(number: u32) -> String {
    format!("5{number:05}")
}

/// A household with this many phones, each with a password of its own.
pub(crate) fn furnished(household: Household, phones: u32) -> Household {
    (0..phones).fold(household, |household, number| {
        household.phone(&format!("t{number}"), &extension(number), &[])
    })
}

impl Town {
    /// Builds it; the power is still off.
    pub(crate) fn build(street: &Street, phones: u32) -> Self {
        let houses = HOUSES.map(|number| {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
            socket.set_recv_buffer_size(1 << 20).expect("room to receive");
            socket.set_nonblocking(true).expect("it does not wait");
            let at = SocketAddr::from((street.house(number), 5060));
            socket
                .bind(&at.into())
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            socket.into()
        });
        Self {
            server: street.box_sip(),
            houses: houses.collect(),
            phones,
            returns: 0,
        }
    }

    /// The power comes back: every phone begins within this time, as new as from its box, and goes on until it is
    /// registered or gives up.
    pub(crate) fn power_on(&mut self, within: Duration) -> Return {
        self.returns += 1;
        let (mut outcome, mut asking) = (Return::default(), HashMap::new());
        let (began, mut next) = (Instant::now(), 0);
        while next < self.phones || !asking.is_empty() {
            let passed = began.elapsed().as_secs_f64() / within.as_secs_f64();
            let due = ((f64::from(self.phones) * passed) as u32 + 1).min(self.phones);
            for number in next..due {
                let (call_id, phone) = self.wake(number);
                self.say(&phone);
                asking.insert(call_id, phone);
            }
            next = due;
            if !self.listen(&mut asking, &mut outcome) {
                self.repeat(&mut asking, &mut outcome);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        outcome.waited.sort();
        outcome
    }

    /// A phone with its first request: a Call-ID nobody had before, and CSeq 1.
    fn wake(&self, number: u32) -> (String, Asking) {
        let (extension, returns) = (extension(number), self.returns);
        let house = number as usize % self.houses.len();
        let here = self.houses[house].local_addr().expect("it is bound");
        let host = self.server.ip();
        let call_id = format!("c{number}r{returns}");
        let request = Draft::request("REGISTER", &format!("sip:{host}"))
            .with("Via", &via(here, &call_id, 1))
            .with("Max-Forwards", "70")
            .with("From", &format!("<sip:{extension}@{host}>;tag=f{call_id}"))
            .with("To", &format!("<sip:{extension}@{host}>"))
            .with("Call-ID", &call_id)
            .with("CSeq", "1 REGISTER")
            .with("Contact", &format!("<sip:{extension}@{here}>"))
            .with("Expires", "600")
            .with("User-Agent", "Desk Phone 1.0");
        let now = Instant::now();
        let phone = Asking {
            request,
            house,
            began: now,
            said: now,
            pause: T1,
            answers: false,
        };
        (call_id, phone)
    }

    /// Takes what has come; whether anything had.
    fn listen(&self, asking: &mut HashMap<String, Asking>, outcome: &mut Return) -> bool {
        let (mut any, mut buffer) = (false, [0; 4096]);
        for house in &self.houses {
            while let Ok(length) = house.recv(&mut buffer) {
                any = true;
                let Some(message) = Message::read(&buffer[..length]) else {
                    continue;
                };
                self.hear(&message, asking, outcome);
            }
        }
        any
    }

    fn hear(&self, message: &Message, asking: &mut HashMap<String, Asking>, outcome: &mut Return) {
        if message.request() == Some("OPTIONS") {
            // The box looks whether the phone is there.
            let extension = message.first_line.split([':', '@']).nth(1).unwrap_or_default();
            let number = extension.get(1..).and_then(|number| number.parse::<usize>().ok());
            let house = &self.houses[number.unwrap_or_default() % self.houses.len()];
            let here = message.reply("200 OK", "here").text();
            house.send_to(here.as_bytes(), self.server).ok();
            return;
        }
        let call_id = message.header("Call-ID");
        let Some(phone) = asking.get_mut(call_id) else {
            return;
        };
        match message.status() {
            Some(401) if !phone.answers => {
                phone.answer(
                    message,
                    self.houses[phone.house].local_addr().expect("it is bound"),
                );
                self.say(phone);
            }
            // The challenge came twice.
            Some(401) if message.header("CSeq").starts_with("1 ") => {}
            Some(100..=199) | None => {}
            Some(status) => {
                let phone = asking.remove(call_id);
                if status == 200 {
                    outcome.back += 1;
                    outcome.waited.extend(phone.map(|phone| phone.began.elapsed()));
                } else {
                    *outcome.lost.entry(status).or_default() += 1;
                }
            }
        }
    }

    /// Who heard nothing for long enough says it again, or gives up.
    fn repeat(&self, asking: &mut HashMap<String, Asking>, outcome: &mut Return) {
        asking.retain(|_, phone| {
            let goes_on = phone.began.elapsed() < GIVES_UP;
            if !goes_on {
                *outcome.lost.entry(0).or_default() += 1;
            } else if phone.said.elapsed() >= phone.pause {
                outcome.said_again += 1;
                phone.said = Instant::now();
                phone.pause = (phone.pause * 2).min(T2);
                self.say(phone);
            }
            goes_on
        });
    }

    fn say(&self, phone: &Asking) {
        // What the kernel does not take now is said again.
        self.houses[phone.house]
            .send_to(phone.request.text().as_bytes(), self.server)
            .ok();
    }
}

impl Asking {
    fn answer(&mut self, challenge: &Message, here: SocketAddr) {
        let request = self.request.clone();
        let extension = request
            .header("From")
            .split([':', '@'])
            .nth(1)
            .unwrap_or_default();
        let asked = challenge
            .headers("WWW-Authenticate")
            .find(|asked| digest::asks_for(asked, "SHA-256"))
            .unwrap_or_else(|| panic!("SHA-256 is not offered: {challenge:?}"));
        let credentials = Credentials {
            user: extension,
            password: &password(extension),
            algorithm: "SHA-256",
        };
        let target = request.first_line.split(' ').nth(1).unwrap_or_default();
        let answer = digest::answer(asked, credentials, "REGISTER", target);
        self.request = request
            .clone()
            .with("Via", &via(here, request.header("Call-ID"), 2))
            .with("CSeq", "2 REGISTER")
            .with("Authorization", &answer);
        self.answers = true;
        self.said = Instant::now();
        self.pause = T1;
    }
}

fn via(here: SocketAddr, call_id: &str, number: u32) -> String {
    format!("SIP/2.0/UDP {here};branch=z9hG4bK{call_id}x{number};rport")
}
