use super::{BoxAnswer, BoxQuestion, BoxRoom, Caller, Flow, Input, Session, Taken, TakenBy, Turn};
use crate::model::{Digit, Language, MessageSound, Playable, WallClock};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Thursday 2025-11-20, 12:00 in Riyadh.
const NOON_UNIX_MS: i64 = 1_763_629_200_000;

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
pub(super) fn origin() -> Instant {
    Instant::now()
}

/// The caller has pressed `#` after a message.
pub(super) const TAKEN: Input = Input::MessageTaken(Taken {
    by: TakenBy::Key,
    is_long_enough: true,
});

/// A caller in a flow, and a clock that the test turns.
pub(super) struct Rehearsal {
    pub(super) session: Session,
    /// What the box of every question is like.
    pub(super) room: BoxRoom,
    now: Instant,
}

impl Rehearsal {
    /// A call of +966501234567 to 1000 at noon, in English and Arabic.
    pub(super) fn of(flow: &str) -> Self {
        let flow: Flow = toml::from_str(flow).unwrap();
        let languages = [Language::from("en"), Language::from("ar")];
        let caller = Caller {
            number: "+966501234567".into(),
            name: None,
            dialed: "1000".into(),
        };
        let now = origin();
        let zone = TimeZone::get("Asia/Riyadh").unwrap();
        let clock = WallClock::new(now, NOON_UNIX_MS, true, zone);
        Self {
            session: Session::new(Arc::new(flow), &languages, caller, clock),
            room: BoxRoom::default(),
            now,
        }
    }

    /// The box has booted without a clock.
    pub(super) fn forget_the_time(&mut self) {
        self.session
            .set_clock(WallClock::new(self.now, 0, false, TimeZone::UTC));
    }

    /// The caller arrives.
    pub(super) fn enter(&mut self) -> String {
        self.input(Input::Entered)
    }

    /// Presses keys one after the other; tells the last answer.
    pub(super) fn press(&mut self, keys: &str) -> String {
        keys.chars()
            .map(|key| self.input(Input::Digit(Digit::from_char(key).unwrap())))
            .last()
            .unwrap_or_default()
    }

    /// The prompts have been heard.
    pub(super) fn heard(&mut self) -> String {
        self.input(Input::PlayFinished)
    }

    /// Turns the clock on, and says so if that reaches the deadline.
    pub(super) fn after_seconds(&mut self, seconds: f64) -> String {
        self.now += Duration::from_secs_f64(seconds);
        match self.session.next_deadline() {
            Some(deadline) if deadline <= self.now => self.input(Input::DeadlineReached),
            Some(_) | None => "nothing is due".to_owned(),
        }
    }

    pub(super) fn input(&mut self, input: Input) -> String {
        let mut turn = self.session.handle(self.now, input);
        while let Turn::AskBox(BoxQuestion::Leave(_)) = turn {
            let room = Input::BoxAnswered(BoxAnswer::Room(self.room.clone()));
            turn = self.session.handle(self.now, room);
        }
        tell(&turn)
    }
}

/// A turn in few words: `play en/welcome`, `ring sales`.
pub(super) fn tell(turn: &Turn) -> String {
    match turn {
        Turn::Wait => "wait".to_owned(),
        Turn::Hush => "hush".to_owned(),
        Turn::Answer => "answer".to_owned(),
        Turn::Play(items) => format!("play {}", names(items)),
        Turn::Ring(group) => format!("ring {group}"),
        Turn::TakeMessage {
            greeting,
            max_seconds,
            silence_seconds,
            ..
        } => {
            format!(
                "take a message after {} ({max_seconds} s, {silence_seconds} s)",
                names(greeting)
            )
        }
        Turn::AskBox(BoxQuestion::Leave(mailbox)) => format!("ask about {mailbox}"),
        Turn::AskBox(BoxQuestion::OpenOwn) => "open the caller's own box".to_owned(),
        Turn::AskBox(BoxQuestion::Open { number, pin }) => {
            format!("open box {number} with PIN {}", pin.expose())
        }
        Turn::CallBack(number) => format!("call {number} back"),
        Turn::Overflow(group) => format!("overflow of {group}"),
        Turn::HangUp => "hang up".to_owned(),
    }
}

fn names(items: &[Playable]) -> String {
    let names: Vec<String> = items
        .iter()
        .map(|item| match item {
            Playable::Prompt { language, name } => format!("{language}/{name}"),
            Playable::Text { language, text } => format!("{language} {text:?}"),
            Playable::Tone(tone) => format!("{tone:?}"),
            Playable::Message(MessageSound::JustTaken) => "what was just said".to_owned(),
            Playable::Message(MessageSound::File(path)) => format!("message {path}"),
        })
        .collect();
    names.join(" + ")
}
