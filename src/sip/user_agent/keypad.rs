//! Keys by INFO (RFC 6086 §1.1: the usage that was there before packages), both ways and in both bodies that phones
//! use: `application/dtmf-relay` with `Signal=5` and `Duration=160`, and `application/dtmf` with the key alone.

use super::session::State;
use super::{Event, Owner, SessionId, UserAgent};
use crate::model::Digit;
use crate::sip::transaction::ServerId;
use crate::sip::{Draft, Flow, Message, Method, Name};
use std::collections::VecDeque;
use std::time::Instant;

/// Keys that wait for the answer to the one before. Full: the newest is dropped; a phone that answers nothing cannot
/// be told anything.
const MOST_WAITING: usize = 32;
/// How long we say that a key was held, in milliseconds.
const HELD_MS: u32 = 100;
/// A body longer than this tells of no key.
const LONGEST_BODY: usize = 256;

/// A key in the body of an INFO, and in what words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// `application/dtmf-relay`.
    Relay,
    /// `application/dtmf`.
    Plain,
}

/// The keys a session's peer is told of, and the words it uses itself.
#[derive(Debug, Default)]
pub(super) struct Keypad {
    waiting: VecDeque<Digit>,
    /// The key whose INFO waits for its answer.
    asking: Option<Digit>,
    /// What the peer has used; we say `dtmf-relay` unless it says otherwise.
    words: Option<Words>,
}

impl UserAgent {
    pub(super) fn hear_info(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        // Nothing is known that INFO could carry by name (RFC 6086 §4.2.2).
        if request.header(Name::Other("Info-Package")).is_some() {
            let response = Draft::response(request, flow.peer, 469, None)
                .header(Name::Other("Recv-Info"), "")
                .header(Name::Server, &self.settings.product)
                .finish();
            return self.transactions.respond(now, server, 469, response);
        }
        let kind = request.content_type().ok().flatten();
        let words = if kind.is_some_and(|kind| kind.is("application/dtmf-relay")) {
            Some(Words::Relay)
        } else if kind.is_some_and(|kind| kind.is("application/dtmf")) {
            Some(Words::Plain)
        } else {
            None
        };
        let Some(words) = words else {
            // An INFO without a body only asks whether we are there.
            if request.body().is_empty() {
                return self.respond(now, flow, request, server, 200);
            }
            let response = Draft::response(request, flow.peer, 415, None)
                .header(Name::Accept, "application/dtmf-relay, application/dtmf")
                .header(Name::Server, &self.settings.product)
                .finish();
            return self.transactions.respond(now, server, 415, response);
        };
        let Some(signal) = read(request.body()) else {
            return self.respond(now, flow, request, server, 400);
        };
        self.respond(now, flow, request, server, 200);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.keypad.words = Some(words);
        }
        if let Signal::Key(digit) = signal {
            self.tell(id, Event::Digit { session: id, digit });
        }
    }

    /// Tells the far side of a key by INFO, once it has answered those before it. When it does not take it,
    /// [`Event::DigitRefused`] follows.
    pub fn press(&mut self, now: Instant, id: SessionId, digit: Digit) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.keypad.asking.is_none() {
            self.send_info(now, id, digit, None);
        } else if session.keypad.waiting.len() < MOST_WAITING {
            session.keypad.waiting.push_back(digit);
        }
    }

    fn send_info(
        &mut self,
        now: Instant,
        id: SessionId,
        digit: Digit,
        credentials: Option<(Name<'static>, String)>,
    ) {
        let client = self.new_client();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_up = matches!(session.state, State::Up { .. } | State::Answered { .. });
        // Before the answer whoever is heard may be asked in the dialog that its sound came in (RFC 3261 §12.1.2).
        let early = session.heard_early.as_ref().map(|heard| (*heard.dialog).clone());
        let early = early.filter(|_| matches!(session.state, State::Inviting { .. }));
        if !(is_up || early.is_some()) || session.farewell.is_some() {
            session.keypad.waiting.clear();
            session.keypad.asking = None;
            return;
        }
        session.keypad.asking = Some(digit);
        let words = session.keypad.words.unwrap_or(Words::Relay);
        let cseq = session.dialog.next_cseq();
        let dialog = early.as_ref().unwrap_or(&session.dialog);
        let mut draft = dialog
            .request(Method::Info, client, cseq)
            .header(Name::UserAgent, &self.settings.product);
        let owner = if credentials.is_some() {
            Owner::LastKey(id)
        } else {
            Owner::Key(id)
        };
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let (kind, body) = write(words, digit);
        let info = draft.body(kind, body.as_bytes());
        let flow = dialog.next_hop(session.follows_target);
        self.transactions.ask(now, client, flow, info, owner);
    }

    /// Our INFO was answered. A trunk may challenge it once.
    pub(super) fn key_answered(&mut self, now: Instant, id: SessionId, response: &Message<'_>, once: bool) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            return;
        }
        let asking = self.sessions.get(&id).and_then(|session| session.keypad.asking);
        if matches!(status, 401 | 407)
            && once
            && let Some(digit) = asking
            && let Some(credentials) = self.credentials_within(id, response, Method::Info)
        {
            return self.send_info(now, id, digit, Some(credentials));
        }
        self.key_done(now, id, status < 300);
    }

    /// An INFO is settled: the next key follows. Who does not take one takes none.
    pub(super) fn key_done(&mut self, now: Instant, id: SessionId, is_ok: bool) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let refused = session.keypad.asking.take().filter(|_| !is_ok);
        if let Some(digit) = refused {
            let waiting = std::mem::take(&mut session.keypad.waiting);
            for digit in std::iter::once(digit).chain(waiting) {
                self.tell(id, Event::DigitRefused { session: id, digit });
            }
        } else if let Some(next) = session.keypad.waiting.pop_front() {
            self.send_info(now, id, next, None);
        }
    }
}

/// What a body tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Key(Digit),
    /// The hook, which means nothing here.
    Flash,
}

fn write(words: Words, digit: Digit) -> (&'static str, String) {
    match words {
        Words::Relay => {
            let body = format!("Signal={digit}\r\nDuration={HELD_MS}\r\n");
            ("application/dtmf-relay", body)
        }
        Words::Plain => ("application/dtmf", digit.to_string()),
    }
}

/// Reads either body; some phones send the lines of one under the name of the other. None when it tells of no key.
fn read(body: &[u8]) -> Option<Signal> {
    let text = std::str::from_utf8(body.get(..body.len().min(LONGEST_BODY))?).ok()?;
    let named = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then_some(value)
    });
    let value = named.unwrap_or(text).trim();
    let digit = match value {
        // Some phones send the numbers of telephone-events.
        "10" => Digit::from_char('*'),
        "11" => Digit::from_char('#'),
        "12" => Digit::from_char('A'),
        "13" => Digit::from_char('B'),
        "14" => Digit::from_char('C'),
        "15" => Digit::from_char('D'),
        "16" | "!" => return Some(Signal::Flash),
        word if word.eq_ignore_ascii_case("flash") || word.eq_ignore_ascii_case("hf") => {
            return Some(Signal::Flash);
        }
        word if word.eq_ignore_ascii_case("star") => Digit::from_char('*'),
        word if word.eq_ignore_ascii_case("pound") || word.eq_ignore_ascii_case("hash") => {
            Digit::from_char('#')
        }
        one => {
            let mut letters = one.chars();
            let first = letters.next()?;
            Digit::from_char(first).filter(|_| letters.next().is_none())
        }
    };
    digit.map(Signal::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: char) -> Option<Signal> {
        Digit::from_char(key).map(Signal::Key)
    }

    #[test]
    fn both_bodies_are_read_as_phones_write_them() {
        let table: [(&[u8], Option<Signal>); 22] = [
            (b"Signal=5\r\nDuration=160\r\n", key('5')),
            (b"Signal=5\nDuration=160", key('5')),
            (b"Signal= #\r\nDuration= 250\r\n", key('#')),
            (b"signal = *\r\n", key('*')),
            (b"Duration=160\r\nSignal=0\r\n", key('0')),
            (b"Signal=10\r\nDuration=160\r\n", key('*')),
            (b"Signal=11\r\n", key('#')),
            (b"Signal=15\r\n", key('D')),
            (b"Signal=d\r\n", key('D')),
            (b"Signal=star\r\n", key('*')),
            (b"5", key('5')),
            (b" 5 \r\n", key('5')),
            (b"#", key('#')),
            (b"16", Some(Signal::Flash)),
            (b"Signal=hf\r\n", Some(Signal::Flash)),
            (b"", None),
            (b"\r\n", None),
            (b"Signal=\r\nDuration=160\r\n", None),
            (b"Signal=55\r\n", None),
            (b"Duration=160\r\n", None),
            (b"x", None),
            (b"\xff\xfe", None),
        ];
        for (body, expected) in table {
            assert_eq!(read(body), expected, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for code in 0..16 {
            let digit = Digit::from_event(code).unwrap();
            for words in [Words::Relay, Words::Plain] {
                let (_, body) = write(words, digit);
                assert_eq!(read(body.as_bytes()), Some(Signal::Key(digit)));
            }
        }
    }

    #[test]
    fn no_body_however_mangled_makes_it_panic() {
        let mut dice = crate::model::Dice::from_number(9);
        for _ in 0..5000 {
            let length = dice.roll(600) as usize;
            let body: Vec<u8> = (0..length).map(|_| dice.number() as u8).collect();
            let _ = read(&body);
        }
    }
}
