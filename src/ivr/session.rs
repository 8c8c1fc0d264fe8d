use super::walk::{Exit, Next, Progress, Walk};
use super::{BoxDeed, Caller, EndCause, Flow, Input, RingResult, Turn, Verb};
use crate::model::{FlowName, Language, StepName, WallClock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Steps remembered for the call record. A caller who walks in circles fills this and no more.
const LONGEST_RECORD: usize = 200;

/// One caller's walk through a [`Flow`].
#[derive(Debug, Clone)]
pub struct Session {
    flow: Arc<Flow>,
    step: StepName,
    progress: Progress,
    leaving: Option<Exit>,
    walk: Walk,
    stages: Vec<StepName>,
    place: Place,
    playing: bool,
}

/// Where the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Inside,
    Beyond,
}

impl Session {
    /// A caller about to enter a flow; [`Input::Entered`] begins it. `languages` are the site's, the preferred one
    /// first; `clock` tells the `hours` steps what time it is.
    pub fn new(flow: Arc<Flow>, languages: &[Language], caller: Caller, clock: WallClock) -> Self {
        let languages = match languages {
            [] => vec![flow.language.clone().unwrap_or_else(|| Language::from("en"))],
            languages => languages.to_vec(),
        };
        let language = languages.first().cloned().unwrap_or_else(|| Language::from("en"));
        let walk = Walk {
            caller,
            languages,
            language,
            clock,
            keys: Default::default(),
            collected: BTreeMap::new(),
            end_cause: EndCause::Normal,
            deeds: Vec::new(),
        };
        let mut session = Self {
            step: flow.start.clone(),
            flow,
            progress: Progress::default(),
            leaving: None,
            walk,
            stages: Vec::new(),
            place: Place::Before,
            playing: false,
        };
        session.speak_the_flows_language();
        session
    }

    /// Puts the caller at the door of another flow, with the language, keys, values and stages so far;
    /// [`Input::Entered`] begins it.
    pub fn move_to(&mut self, flow: Arc<Flow>) {
        self.step = flow.start.clone();
        self.flow = flow;
        self.progress = Progress::default();
        self.leaving = None;
        self.walk.keys.drop_unused();
        self.place = Place::Before;
    }

    /// Corrects the clock, when the box has learnt the time.
    pub fn set_clock(&mut self, clock: WallClock) {
        self.walk.clock = clock;
    }

    /// Takes one input and follows the steps until one of them says something to the outside.
    pub fn handle(&mut self, now: Instant, input: Input) -> Turn {
        let offered = match &input {
            Input::Digit(key) => self.walk.keys.press(now, *key),
            Input::PlayFinished => {
                self.playing = false;
                true
            }
            Input::DeadlineReached => self.take_due_deadline(now),
            Input::Entered | Input::RingEnded(_) | Input::MessageTaken(_) | Input::BoxAnswered(_) => true,
        };
        match (self.place, &input) {
            (Place::Before, Input::Entered) => {
                self.place = Place::Inside;
                let start = Exit::Step(self.step.clone());
                self.follow(now, Next::Go(start))
            }
            (Place::Inside, Input::Entered) | (Place::Before | Place::Beyond, _) => Turn::Wait,
            (Place::Inside, _) if !offered => Turn::Wait,
            (Place::Inside, _) => {
                let next = match self.leaving.clone() {
                    Some(exit) => leave(exit, &input),
                    None => self.ask_step(now, &input),
                };
                self.follow(now, next)
            }
        }
    }

    /// When to send the next [`Input::DeadlineReached`].
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.place {
            Place::Inside => self.progress.deadline,
            Place::Before | Place::Beyond => None,
        }
    }

    /// The flow the caller is in.
    pub fn flow(&self) -> &FlowName {
        &self.flow.name
    }

    /// The step the caller is in.
    pub fn step(&self) -> &StepName {
        &self.step
    }

    /// The language the caller hears.
    pub fn language(&self) -> &Language {
        &self.walk.language
    }

    /// The steps in the order they were entered, the first 200 of them.
    pub fn stages(&self) -> &[StepName] {
        &self.stages
    }

    /// Every key the caller pressed, the first 200 of them; secret ones as `x`.
    pub fn digits(&self) -> &str {
        self.walk.keys.record()
    }

    /// Whether the step keeps the keys to itself: a log or journal may tell that one was pressed, not which.
    pub fn keeps_secret(&self) -> bool {
        self.place == Place::Inside && self.verb().is_some_and(|verb| verb.keeps_secret(&self.progress))
    }

    /// The values that `gather` and `set` steps stored; secret ones as `x`.
    pub fn collected(&self) -> &BTreeMap<String, String> {
        &self.walk.collected
    }

    /// Whether the flow has a step for this end of a ringing. If not, [`Input::RingEnded`] is answered with
    /// [`Turn::Overflow`].
    pub fn takes_back(&self, result: RingResult) -> bool {
        self.place == Place::Inside && self.verb().is_some_and(|verb| verb.takes_back(result))
    }

    /// Whether the flow waits for [`Input::MessageTaken`].
    pub fn awaits_message(&self) -> bool {
        self.place == Place::Inside
            && self.leaving.is_none()
            && matches!(self.verb(), Some(Verb::Voicemail(_) | Verb::Messages(_)))
    }

    /// What the flow has done to message boxes since somebody asked, in order.
    pub fn take_deeds(&mut self) -> Vec<BoxDeed> {
        std::mem::take(&mut self.walk.deeds)
    }

    /// With which cause the flow ends the call.
    pub fn end_cause(&self) -> EndCause {
        self.walk.end_cause
    }

    /// Goes from step to step until one of them speaks. `Flow::check` refuses circles in which no step waits, so
    /// such a circle can only come from keys typed ahead, which cut every announcement short: they are dropped
    /// after one round. The bound is for flows that nobody checked.
    fn follow(&mut self, now: Instant, mut next: Next) -> Turn {
        let round = self.flow.steps.len() + 1;
        let mut entered = 0;
        loop {
            match next {
                Next::Stay(turn) => return self.say(turn),
                Next::PlayThen(items, exit) if items.is_empty() => next = Next::Go(exit),
                Next::PlayThen(items, exit) => {
                    self.leaving = Some(exit);
                    self.progress.deadline = None;
                    return self.say(Turn::Play(items));
                }
                Next::Go(Exit::Step(step)) if entered < 2 * round => {
                    entered += 1;
                    if entered > round {
                        self.walk.keys.drop_unused();
                    }
                    next = self.enter(now, step);
                }
                Next::Go(Exit::Step(_) | Exit::HangUp) => return self.say(Turn::HangUp),
            }
        }
    }

    fn enter(&mut self, now: Instant, step: StepName) -> Next {
        self.step = step;
        self.progress = Progress::default();
        self.leaving = None;
        if self.stages.len() < LONGEST_RECORD {
            self.stages.push(self.step.clone());
        }
        self.ask_step(now, &Input::Entered)
    }

    fn ask_step(&mut self, now: Instant, input: &Input) -> Next {
        let flow = Arc::clone(&self.flow);
        match flow.steps.get(&self.step) {
            Some(verb) => verb.handle(&mut self.walk, &mut self.progress, now, input),
            None => Next::Go(Exit::HangUp), // `Flow::check` refuses such a flow.
        }
    }

    /// Remembers what the outside now does.
    fn say(&mut self, turn: Turn) -> Turn {
        match &turn {
            Turn::Play(_) => self.playing = true,
            Turn::Hush if !self.playing => return Turn::Wait,
            // What plays was cut by a key; and who hears something has been answered long ago.
            Turn::Answer if self.playing => return self.say(Turn::Hush),
            Turn::Hush | Turn::Ring(_) | Turn::CallBack(_) | Turn::AskBox(_) | Turn::TakeMessage { .. } => {
                self.playing = false;
            }
            Turn::Overflow(_) | Turn::HangUp => {
                self.playing = false;
                self.place = Place::Beyond;
            }
            Turn::Wait | Turn::Answer => {}
        }
        turn
    }

    /// Whether the deadline has really come; a step is asked about it once.
    fn take_due_deadline(&mut self, now: Instant) -> bool {
        let due = self.progress.deadline.is_some_and(|deadline| deadline <= now);
        if due {
            self.progress.deadline = None;
        }
        due
    }

    fn speak_the_flows_language(&mut self) {
        if let Some(language) = self.flow.language.clone() {
            self.walk.speak(&language);
        }
    }

    fn verb(&self) -> Option<&Verb> {
        self.flow.steps.get(&self.step)
    }
}

/// While the last prompt of a step plays: its end leads on, and so does a key, which the next step then finds.
/// A farewell is not cut: there is nothing after it to press a key for.
fn leave(exit: Exit, input: &Input) -> Next {
    match input {
        Input::PlayFinished => Next::Go(exit),
        Input::Digit(_) if exit != Exit::HangUp => Next::Go(exit),
        Input::Digit(_)
        | Input::Entered
        | Input::DeadlineReached
        | Input::RingEnded(_)
        | Input::MessageTaken(_)
        | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::{Rehearsal, TAKEN};

    const OFFICE: &str = r#"
        name = "office"
        start = "welcome"
        [step.welcome]
        verb = "play"
        prompt = "welcome"
        next = "news"
        [step.news]
        verb = "play"
        prompt = "news"
        next = "menu"
        [step.menu]
        verb = "menu"
        prompt = "main-menu"
        keys = { 1 = "sales" }
        [step.sales]
        verb = "ring"
        group = "sales"
        no_answer = "welcome"
    "#;

    #[test]
    fn a_key_typed_ahead_skips_the_announcements_and_chooses_in_the_next_menu() {
        let mut caller = Rehearsal::of(OFFICE);
        assert_eq!(caller.enter(), "play en/welcome");
        assert_eq!(caller.press("1"), "ring sales");
        assert_eq!(caller.session.digits(), "1");
        let stages: Vec<&str> = caller.session.stages().iter().map(|step| step.as_str()).collect();
        assert_eq!(stages, ["welcome", "news", "menu", "sales"]);
    }

    #[test]
    fn an_announcement_that_a_key_cuts_is_silent_in_the_pause_that_follows() {
        let mut caller = Rehearsal::of(
            r#"
            name = "pause"
            start = "welcome"
            [step.welcome]
            verb = "play"
            prompt = "welcome"
            next = "wait"
            [step.wait]
            verb = "pause"
            seconds = 2
            "#,
        );
        caller.enter();
        assert_eq!(caller.press("1"), "hush");
        assert_eq!(caller.after_seconds(2.0), "hang up");
    }

    #[test]
    fn a_key_in_a_circle_of_announcements_cuts_one_and_the_caller_stays() {
        let mut caller = Rehearsal::of(
            r#"
            name = "music"
            start = "a"
            [step.a]
            verb = "play"
            prompt = "one"
            next = "b"
            [step.b]
            verb = "play"
            prompt = "two"
            next = "a"
            "#,
        );
        assert_eq!(caller.enter(), "play en/one");
        assert!(caller.press("5").starts_with("play en/"));
        assert!(caller.press("5").starts_with("play en/"));
        assert!(caller.heard().starts_with("play en/"));
    }

    #[test]
    fn a_circle_that_nobody_checked_ends_the_call_instead_of_the_daemon() {
        let mut caller = Rehearsal::of(
            r#"
            name = "circle"
            start = "a"
            [step.a]
            verb = "goto"
            next = "b"
            [step.b]
            verb = "goto"
            next = "a"
            "#,
        );
        assert_eq!(caller.enter(), "hang up");
        assert_eq!(caller.press("1"), "wait");
    }

    #[test]
    fn inputs_that_come_late_or_twice_change_nothing() {
        let mut caller = Rehearsal::of(OFFICE);
        assert_eq!(caller.press("1"), "wait");
        assert_eq!(caller.heard(), "wait");
        caller.enter();
        assert_eq!(caller.enter(), "wait");
        assert_eq!(caller.input(super::Input::DeadlineReached), "wait");
        assert_eq!(caller.input(TAKEN), "wait");
    }

    #[test]
    fn an_overflow_into_another_flow_keeps_language_and_keys() {
        let mut caller = Rehearsal::of(
            r#"
            name = "first"
            start = "sales"
            language = "ar"
            [step.sales]
            verb = "ring"
            group = "sales"
            "#,
        );
        caller.enter();
        caller.press("7");
        let result = super::RingResult::Busy;
        assert!(!caller.session.takes_back(result));
        assert_eq!(caller.input(super::Input::RingEnded(result)), "overflow of sales");
        let mailbox = super::Flow::mailbox(&crate::model::Mailbox::Group("sales".into()));
        caller.session.move_to(std::sync::Arc::new(mailbox));
        assert_eq!(
            caller.enter(),
            "take a message after ar/voicemail-greeting (120 s, 5 s)"
        );
        assert!(caller.session.awaits_message());
        assert_eq!(caller.session.digits(), "7");
    }

    #[test]
    fn fuzzed_inputs_never_panic_and_never_grow_the_record() {
        let mut dice = crate::model::Dice::from_number(7);
        let mut caller = Rehearsal::of(OFFICE);
        caller.enter();
        for _ in 0..20_000 {
            match dice.roll(6) {
                0 => caller.press("1"),
                1 => caller.press("9"),
                2 => caller.heard(),
                3 => caller.after_seconds(3.0),
                4 => caller.input(super::Input::RingEnded(super::RingResult::NoAnswer)),
                _ => caller.input(TAKEN),
            };
        }
        assert!(caller.session.stages().len() <= super::LONGEST_RECORD);
        assert!(caller.session.digits().len() <= 200);
    }
}
