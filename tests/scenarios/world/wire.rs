//! The network between the phones and the box.

use super::phone::{self, Do, Phone};
use super::{BOX, Happening, Weather, World};
use callpost::sip::{Flow, Message, Method};
use std::time::Duration;

impl World {
    pub(super) fn box_sends(&mut self, flow: Flow, bytes: &[u8]) {
        let message = Message::parse(bytes)
            .unwrap_or_else(|_| panic!("the box wrote this:\n{}", String::from_utf8_lossy(bytes)));
        if message.method() == Method::Options && message.is_request() {
            return self.answer_probe(flow, &message);
        }
        self.keep_letter(true, flow, bytes);
        self.check_journal_first(&message);
        let place = self.phone_for(&flow, &message);
        let name = place
            .map_or("nobody", |place| self.phones[place].name.as_str())
            .to_owned();
        let copies = self.copies(&flow);
        let at = self.at();
        let fate = if copies == 0 { " ✗ lost" } else { "" };
        self.ladder.message(at, "box", &name, bytes, fate);
        let Some(place) = place else { return };
        if message.is_request() {
            self.owners.entry(message.call_id().to_owned()).or_insert(place);
        }
        for _ in 0..copies {
            let latency = self.latency();
            self.plan(latency, Happening::ToPhone(place, bytes.to_vec()));
        }
    }

    pub(super) fn answer_probe(&mut self, flow: Flow, probe: &Message<'_>) {
        let is_there = self
            .phones
            .iter()
            .any(|phone| phone.address == flow.peer && !phone.manner.dead);
        if is_there {
            let answer = phone::respond(probe, 200, "OK", "probe", "<sip:pbx>", "", None);
            self.plan(Duration::ZERO, Happening::ToBox(flow, answer));
        }
    }

    /// Several phones may be behind one address: the one in this call, or the one that is meant, or the first.
    pub(super) fn phone_for(&self, flow: &Flow, message: &Message<'_>) -> Option<usize> {
        let here = |phone: &Phone| phone.address == flow.peer && phone.connection == flow.connection;
        let owner = self.owners.get(message.call_id()).copied();
        if let Some(owner) = owner.filter(|place| here(&self.phones[*place])) {
            return Some(owner);
        }
        let find =
            |test: &dyn Fn(&Phone) -> bool| self.phones.iter().position(|phone| here(phone) && test(phone));
        let user = message
            .request_uri()
            .and_then(|uri| uri.user().map(|user| user.into_owned()));
        find(&|phone| user.as_deref() == Some(phone.user.as_str())).or_else(|| find(&|_| true))
    }

    pub(super) fn carry_out(&mut self, place: usize, deeds: Vec<Do>) {
        for deed in deeds {
            match deed {
                Do::Send(bytes) => self.phone_sends(place, bytes),
                Do::Later(after, wake) => self.plan(after, Happening::Wake(place, wake)),
            }
        }
    }

    pub(super) fn phone_sends(&mut self, place: usize, bytes: Vec<u8>) {
        let phone = &self.phones[place];
        let flow = Flow {
            transport: phone.transport,
            local: BOX.parse().unwrap(),
            peer: phone.address,
            connection: phone.connection,
        };
        let name = phone.name.clone();
        let copies = self.copies(&flow);
        let at = self.at();
        let fate = if copies == 0 { " ✗ lost" } else { "" };
        self.ladder.message(at, &name, "box", &bytes, fate);
        for _ in 0..copies {
            let latency = self.latency();
            self.plan(latency, Happening::ToBox(flow, bytes.clone()));
        }
    }

    pub(super) fn copies(&mut self, flow: &Flow) -> u32 {
        let Weather {
            lost_percent,
            doubled_percent,
            ..
        } = self.weather;
        if flow.transport.is_reliable() || lost_percent + doubled_percent == 0 {
            return 1;
        }
        match self.dice.roll(100) {
            roll if roll < lost_percent => 0,
            roll if roll < lost_percent + doubled_percent => 2,
            _ => 1,
        }
    }

    pub(super) fn latency(&mut self) -> Duration {
        match self.weather.latency_ms {
            0 => Duration::ZERO,
            most => Duration::from_millis(self.dice.roll(most + 1)),
        }
    }
}
