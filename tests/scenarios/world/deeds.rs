//! What people, networks and media do in a story.

use super::phone::Do;
use super::{BOX, Happening, Phone, World};
use callpost::engine::{Command, Input};
use callpost::media::{KeyPath, MediaEvent};
use callpost::model::{Digit, LegKey};
use callpost::sip::{Flow, Transport};
use std::time::Duration;

impl World {
    /// Registers a phone with its own contact, or removes it with 0 seconds.
    pub fn registers(&mut self, name: &str, seconds: u32) {
        self.let_phone(name, |phone| phone.register("", seconds));
    }

    /// Calls a number of the box.
    pub fn calls(&mut self, name: &str, dialed: &str) {
        let sdp = self.phone(name).sdp("sendrecv");
        self.calls_with(name, dialed, Some(sdp));
    }

    /// Calls with this SDP, or without one.
    pub fn calls_with(&mut self, name: &str, dialed: &str, sdp: Option<String>) {
        self.serial += 1;
        let order = self.serial;
        let call_id = format!("{}-{order}", name.replace(' ', "-"));
        let place = self.place(name);
        self.owners.insert(call_id.clone(), place);
        self.let_phone(name, |phone| phone.call(dialed, call_id, sdp, order));
    }

    pub fn hangs_up(&mut self, name: &str) {
        self.let_phone(name, Phone::hang_up);
    }

    /// Puts the other side on hold.
    pub fn holds(&mut self, name: &str) {
        let sdp = self.phone(name).sdp("sendonly");
        self.let_phone(name, |phone| phone.reinvite(Some(&sdp)));
    }

    pub fn resumes(&mut self, name: &str) {
        let sdp = self.phone(name).sdp("sendrecv");
        self.let_phone(name, |phone| phone.reinvite(Some(&sdp)));
    }

    /// Hands the newest call on to a number.
    pub fn transfers(&mut self, name: &str, to: &str) {
        self.let_phone(name, |phone| phone.refer(to, ""));
    }

    /// Joins the two others of its two calls.
    pub fn transfers_attended(&mut self, name: &str) {
        self.let_phone(name, Phone::refer_to_newest);
    }

    /// Sings keys that the media hear in the voice.
    pub fn sings(&mut self, name: &str, keys: &str) {
        let Some(leg) = self.leg_of(name) else {
            panic!("{name} is in no call")
        };
        for key in keys.chars() {
            let (digit, path) = (Digit::from_char(key).unwrap(), KeyPath::Tone);
            self.media(MediaEvent::DigitPressed { leg, digit, path });
        }
    }

    /// Presses keys that the media hear (RFC 4733).
    pub fn presses(&mut self, name: &str, keys: &str) {
        let Some(leg) = self.leg_of(name) else {
            panic!("{name} is in no call")
        };
        for key in keys.chars() {
            let digit = Digit::from_char(key).unwrap();
            let path = KeyPath::Event;
            self.media(MediaEvent::DigitPressed { leg, digit, path });
        }
    }

    /// Presses a key that comes by INFO.
    pub fn presses_by_info(&mut self, name: &str, key: char) {
        self.let_phone(name, |phone| phone.info(key));
    }

    /// A deed of a phone, at once.
    pub fn let_phone(&mut self, name: &str, deed: impl FnOnce(&mut Phone) -> Vec<Do>) {
        let place = self.place(name);
        self.let_phone_at(place, deed);
        self.settle();
    }

    pub fn let_phone_at(&mut self, place: usize, deed: impl FnOnce(&mut Phone) -> Vec<Do>) {
        let deeds = deed(&mut self.phones[place]);
        self.carry_out(place, deeds);
    }

    /// The media report something.
    pub fn media(&mut self, event: MediaEvent) {
        let line = match &event {
            MediaEvent::DigitPressed { leg, digit, path } => {
                let how = if *path == KeyPath::Tone {
                    "sings"
                } else {
                    "presses"
                };
                Some(format!("media: {} {how} {digit}", self.leg_name(*leg)))
            }
            MediaEvent::WentDead { leg } => {
                Some(format!("media: nothing comes from {}", self.leg_name(*leg)))
            }
            MediaEvent::FellSilent { leg } => Some(format!("media: {} is silent", self.leg_name(*leg))),
            MediaEvent::OpenFailed { leg, reason } => {
                Some(format!("media: no port for {}: {reason}", self.leg_name(*leg)))
            }
            MediaEvent::PlayFinished { .. } | MediaEvent::Measured { .. } | MediaEvent::Closed { .. } => None,
        };
        if let Some(line) = line {
            self.write(|| line);
        }
        self.handle(Input::Media(event));
        self.settle();
    }

    /// A thread loses a leg.
    pub fn lose_media(&mut self, leg: LegKey) {
        for (after, report) in self.studio.lose(self.now, leg) {
            self.plan(after, Happening::Report(report));
        }
        self.settle();
    }

    /// A message from anywhere.
    pub fn inject(&mut self, from: &str, bytes: Vec<u8>) {
        let flow = Flow {
            transport: Transport::Udp,
            local: BOX.parse().unwrap(),
            peer: from.parse().unwrap(),
            connection: None,
        };
        let at = self.at();
        self.ladder.message(at, "stranger", "box", &bytes, "");
        self.plan(Duration::ZERO, Happening::ToBox(flow, bytes));
        self.settle();
    }

    pub fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
        self.settle();
    }

    /// Anything else that can happen to the appliance.
    pub fn input(&mut self, input: Input<'_>) {
        self.handle(input);
        self.settle();
    }
}
