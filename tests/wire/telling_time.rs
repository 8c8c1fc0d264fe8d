//! Whether the time an answer takes tells who is at home.

use crate::harness::digest::{self, Credentials};
use crate::harness::sip::{Draft, Message};
use crate::harness::{Appliance, Household, PATIENCE, Street};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Names of each kind, and tries of each name: fewer than those after which nobody's password is looked at any more.
const NAMES: u32 = 50;
const TRIES: u32 = 80;

/// ROBUSTNESS 28: of 4,000 answers for names there are and 4,000 for names there are not, to a first request and to a
/// wrong password, the times are no better than a coin at telling which was which. An area under the curve of 0.5 is
/// the coin; chance alone strays from it by 0.0065, and 0.03 is what is let pass.
#[test]
#[ignore = "times are for a quiet machine: `just telling-time`"]
fn the_time_an_answer_takes_does_not_tell_who_is_at_home() {
    let street = Street::claim();
    let household = (0..NAMES).fold(Household::new(), |household, number| {
        household.phone(&format!("k{number}"), &known(number), &[])
    });
    // A guesser who is never shut out learns the most.
    let trusted = format!("[guard]\ntrusted=[\"{}/32\"]", street.house(77));
    let _appliance = Appliance::open(&street, &household.section(&trusted));
    let mut guesser = Guesser::at(&street);
    for number in 0..100 {
        guesser.guess(&known(number % NAMES)); // Both sides get warm.
    }
    let mut times = [const { Vec::new() }; 4];
    for round in 0..NAMES * TRIES {
        let number = round % NAMES;
        // Now one comes first, now the other, so that what else the machine does hits both alike.
        for kind in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let user = if kind == 0 { known(number) } else { unknown(number) };
            let [first, second] = guesser.guess(&user);
            times[kind].push(first);
            times[kind + 2].push(second);
        }
    }
    let [known_first, unknown_first, known_wrong, unknown_wrong] = times;
    for (what, known, unknown) in [
        ("a first request", known_first, unknown_first),
        ("a wrong password", known_wrong, unknown_wrong),
    ] {
        let area = area_under_the_curve(&known, &unknown);
        eprintln!(
            "{what}: {area:.4} of {} times each; the medians are {:?} and {:?}",
            known.len(),
            median(known),
            median(unknown)
        );
        assert!(
            (area - 0.5).abs() <= 0.03,
            "{what} tells who is at home: {area:.4}"
        );
    }
}

fn known(number: u32) -> String {
    format!("30{number:02}")
}

fn unknown(number: u32) -> String {
    format!("39{number:02}")
}

struct Guesser {
    socket: UdpSocket,
    host: String,
    here: String,
    said: u32,
}

impl Guesser {
    fn at(street: &Street) -> Self {
        let socket = UdpSocket::bind((street.house(77), 5060)).expect("a port is free");
        socket.connect(street.box_sip()).expect("the box is there");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out can be set");
        Self {
            here: format!("{}:5060", street.house(77)),
            host: street.box_sip().ip().to_string(),
            socket,
            said: 0,
        }
    }

    /// Tries a wrong password; how long the challenge took, and the refusal.
    fn guess(&mut self, user: &str) -> [Duration; 2] {
        let target = format!("sip:{}", self.host);
        self.said += 1;
        let address = format!("<sip:{user}@{}>", self.host);
        let request = Draft::request("REGISTER", &target)
            .with("Via", &self.via(1))
            .with("Max-Forwards", "70")
            .with("From", &format!("{address};tag=t{:06}", self.said))
            .with("To", &address)
            .with("Call-ID", &format!("c{:06}", self.said))
            .with("CSeq", "1 REGISTER")
            .with("Contact", &format!("<sip:{user}@{}>", self.here));
        let (first, challenge) = self.ask(&request);
        let credentials = Credentials {
            user,
            password: "a wrong one",
            algorithm: "SHA-256",
        };
        let asked = challenge.header("WWW-Authenticate");
        let answer = digest::answer(asked, credentials, "REGISTER", &target);
        let again = request
            .with("Via", &self.via(2))
            .with("CSeq", "2 REGISTER")
            .with("Authorization", &answer);
        let (second, refusal) = self.ask(&again);
        assert_eq!(refusal.status(), Some(401));
        [first, second]
    }

    fn ask(&self, request: &Draft) -> (Duration, Message) {
        let text = request.text();
        let mut buffer = [0; 4096];
        let began = Instant::now();
        self.socket.send(text.as_bytes()).expect("a datagram leaves");
        let length = self.socket.recv(&mut buffer).expect("the box answers");
        let took = began.elapsed();
        (took, Message::read(&buffer[..length]).expect("a message"))
    }

    fn via(&self, number: u32) -> String {
        format!(
            "SIP/2.0/UDP {};branch=z9hG4bK{:06}x{number};rport",
            self.here, self.said
        )
    }
}

/// How often a time of the first kind is longer than one of the second, ties by halves (Mann and Whitney).
fn area_under_the_curve(first: &[Duration], second: &[Duration]) -> f64 {
    let mut second = second.to_vec();
    second.sort();
    let wins = first.iter().map(|time| {
        let below = second.partition_point(|other| other < time);
        let up_to = second.partition_point(|other| other <= time);
        (below + up_to) as f64 / 2.0
    });
    wins.sum::<f64>() / (first.len() * second.len()) as f64
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
}
