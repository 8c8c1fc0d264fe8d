use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Progress, Taking, Walk};
use crate::ivr::{BoxAnswer, BoxDeed, BoxQuestion, BoxRoom, Input, Taken, TakenBy, Turn};
use crate::model::{AgentId, GroupName, Mailbox, MessageSound, Playable, PromptName, StepName};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Greets, beeps and records a message. It ends by `#`, silence, the limit or hanging up; after `#` the caller may hear
/// it, erase it or say it again. Then the caller is thanked and goes to `next`, or the call ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voicemail {
    /// The group whose box it is; the box of the house when neither group nor agent is named.
    #[serde(default)]
    group: Option<GroupName>,
    /// The agent whose box it is.
    #[serde(default)]
    agent: Option<AgentId>,
    /// The greeting, in the place of the box's own; `""` for none.
    #[serde(default)]
    prompt: Option<PromptName>,
    /// The longest message; the box's own limit when absent.
    #[serde(default)]
    max_seconds: Option<u32>,
    /// Silence that ends the message; the box's own when absent.
    #[serde(default)]
    silence_seconds: Option<u32>,
    /// Whether a caller who pressed `#` may hear, erase or repeat the message; as the box says when absent.
    #[serde(default)]
    review: Option<bool>,
    /// What is said after the message; `""` for nothing.
    #[serde(default = "thanks")]
    thanks_prompt: PromptName,
    /// Where to go after the message.
    #[serde(default)]
    next: Option<StepName>,
}

/// How long a caller is given to decide what becomes of the message.
const DECIDES_WITHIN: Duration = Duration::from_secs(4);
/// How often a caller who said nothing is asked again.
const TRIES: u8 = 2;

fn thanks() -> PromptName {
    PromptName::from("thank-you")
}

impl Voicemail {
    pub(in crate::ivr) fn of(mailbox: &Mailbox) -> Self {
        let (group, agent) = match mailbox {
            Mailbox::House => (None, None),
            Mailbox::Group(group) => (Some(group.clone()), None),
            Mailbox::Agent(agent) => (None, Some(agent.clone())),
        };
        Self {
            group,
            agent,
            prompt: None,
            max_seconds: None,
            silence_seconds: None,
            review: None,
            thanks_prompt: thanks(),
            next: None,
        }
    }

    fn mailbox(&self) -> Mailbox {
        match (&self.agent, &self.group) {
            (Some(agent), _) => Mailbox::Agent(agent.clone()),
            (None, Some(group)) => Mailbox::Group(group.clone()),
            (None, None) => Mailbox::House,
        }
    }

    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        let key = walk.keys.take();
        walk.keys.drop_unused();
        match input {
            Input::Entered => Next::Stay(Turn::AskBox(BoxQuestion::Leave(self.mailbox()))),
            Input::BoxAnswered(BoxAnswer::Room(room)) if room.is_full => {
                Next::PlayThen(say(walk, "vm-full"), Exit::to(self.next.as_ref()))
            }
            Input::BoxAnswered(BoxAnswer::Room(room)) => {
                let greeting = self.greeting(walk, room);
                progress.taking = Some(Taking {
                    room: room.clone(),
                    reviews: false,
                });
                self.take(room, greeting)
            }
            Input::BoxAnswered(_) => self.leave(walk),
            Input::MessageTaken(taken) => self.taken(walk, progress, *taken),
            Input::Digit(_) => match (key, &progress.taking) {
                (Some(key), Some(taking)) if taking.reviews => {
                    let room = taking.room.clone();
                    self.decide(walk, progress, &room, key.as_char())
                }
                _ => Next::Stay(Turn::Wait),
            },
            Input::PlayFinished if is_reviewing(progress) => {
                progress.deadline = Some(now + DECIDES_WITHIN);
                Next::Stay(Turn::Wait)
            }
            Input::DeadlineReached if is_reviewing(progress) => self.keep(walk),
            Input::PlayFinished | Input::DeadlineReached | Input::RingEnded(_) => Next::Stay(Turn::Wait),
        }
    }

    fn greeting(&self, walk: &Walk, room: &BoxRoom) -> Vec<Playable> {
        match (&self.prompt, &room.greeting) {
            (Some(prompt), _) => walk.prompts([prompt]),
            (None, Some(Playable::Prompt { name, .. })) => walk.prompts([name]),
            (None, Some(recorded)) => vec![recorded.clone()],
            (None, None) => say(walk, "voicemail-greeting"),
        }
    }

    fn take(&self, room: &BoxRoom, greeting: Vec<Playable>) -> Next {
        Next::Stay(Turn::TakeMessage {
            mailbox: self.mailbox(),
            is_greeting: false,
            greeting,
            max_seconds: self.max_seconds.unwrap_or(room.max_seconds),
            min_seconds: room.min_seconds,
            silence_seconds: self.silence_seconds.unwrap_or(room.silence_seconds),
        })
    }

    fn taken(&self, walk: &mut Walk, progress: &mut Progress, taken: Taken) -> Next {
        let Some(taking) = &mut progress.taking else {
            return self.leave(walk);
        };
        if !taken.is_long_enough {
            walk.deeds.push(BoxDeed::Drop);
            progress.tries = progress.tries.saturating_add(1);
            if progress.tries >= TRIES {
                return Next::PlayThen(say(walk, "goodbye"), Exit::to(self.next.as_ref()));
            }
            let room = taking.room.clone();
            return self.take(&room, say(walk, "vm-too-short"));
        }
        if taken.by == TakenBy::Key && self.review.unwrap_or(taking.room.review) {
            taking.reviews = true;
            return review(walk, progress);
        }
        self.keep(walk)
    }

    /// The caller has chosen what becomes of the message.
    fn decide(&self, walk: &mut Walk, progress: &mut Progress, room: &BoxRoom, key: char) -> Next {
        match key {
            '1' => {
                progress.deadline = None;
                let mut items = vec![Playable::Message(MessageSound::JustTaken)];
                items.extend(say(walk, "vm-review"));
                Next::Stay(Turn::Play(items))
            }
            '3' => {
                walk.deeds.push(BoxDeed::Drop);
                Next::PlayThen(say(walk, "vm-erased"), Exit::to(self.next.as_ref()))
            }
            '4' => {
                walk.deeds.push(BoxDeed::Drop);
                if let Some(taking) = &mut progress.taking {
                    taking.reviews = false;
                }
                progress.deadline = None;
                self.take(room, Vec::new())
            }
            '5' => {
                walk.deeds.push(BoxDeed::MarkUrgent);
                self.keep(walk)
            }
            '2' | '#' => self.keep(walk),
            _ => review(walk, progress),
        }
    }

    fn keep(&self, walk: &mut Walk) -> Next {
        walk.deeds.push(BoxDeed::Keep);
        Next::PlayThen(walk.prompts([&self.thanks_prompt]), Exit::to(self.next.as_ref()))
    }

    /// There is nothing to leave a message in.
    fn leave(&self, walk: &Walk) -> Next {
        Next::PlayThen(say(walk, "goodbye"), Exit::to(self.next.as_ref()))
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey
            .groups
            .extend(self.group.iter().map(|group| ("group", group)));
        survey.prompts([("thanks_prompt", &self.thanks_prompt)]);
        let written = self.prompt.iter().filter(|name| !name.as_str().is_empty());
        survey.prompts.extend(written.map(|name| ("prompt", name)));
        survey.later("next", &self.next);
        if self.agent.is_some() && self.group.is_some() {
            survey.wrong("agent", "stands beside `group`", "keep one of the two");
        }
        if self
            .max_seconds
            .is_some_and(|seconds| !(1..=3600).contains(&seconds))
        {
            survey.wrong(
                "max_seconds",
                "is no length for a message",
                "use 1 to 3600; 120 is usual",
            );
        }
        if self
            .silence_seconds
            .is_some_and(|seconds| !(1..=60).contains(&seconds))
        {
            survey.wrong(
                "silence_seconds",
                "is no pause between words",
                "use 1 to 60; 5 is usual",
            );
        }
    }
}

fn is_reviewing(progress: &Progress) -> bool {
    progress.taking.as_ref().is_some_and(|taking| taking.reviews)
}

fn review(walk: &Walk, progress: &mut Progress) -> Next {
    progress.deadline = None;
    Next::Stay(Turn::Play(say(walk, "vm-review")))
}

fn say(walk: &Walk, name: &str) -> Vec<Playable> {
    walk.prompts([&PromptName::from(name)])
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::{Rehearsal, TAKEN};
    use crate::ivr::{BoxDeed, Input, Taken, TakenBy};
    use crate::model::{MessageSound, Playable};

    const BOX: &str = r#"
        name = "box"
        start = "box"
        [step.box]
        verb = "voicemail"
        group = "sales"
        max_seconds = 30
        "#;

    #[test]
    fn a_message_is_taken_and_the_caller_is_thanked() {
        let mut caller = Rehearsal::of(BOX);
        caller.room.review = false;
        assert_eq!(
            caller.enter(),
            "take a message after en/voicemail-greeting (30 s, 5 s)"
        );
        assert!(caller.session.awaits_message());
        assert_eq!(caller.press("#"), "wait");
        assert_eq!(caller.input(TAKEN), "play en/thank-you");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::Keep]);
        assert!(!caller.session.awaits_message());
        assert_eq!(caller.heard(), "hang up");
    }

    #[test]
    fn a_caller_who_pressed_hash_hears_the_message_says_it_again_and_keeps_it_as_urgent() {
        let mut caller = Rehearsal::of(BOX);
        caller.enter();
        assert_eq!(caller.input(TAKEN), "play en/vm-review");
        assert_eq!(caller.press("1"), "play what was just said + en/vm-review");
        assert_eq!(caller.press("4"), "take a message after  (30 s, 5 s)");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::Drop]);
        assert_eq!(caller.input(TAKEN), "play en/vm-review");
        assert_eq!(caller.press("5"), "play en/thank-you");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::MarkUrgent, BoxDeed::Keep]);
    }

    #[test]
    fn a_caller_who_decides_nothing_has_left_the_message_and_one_who_erases_it_has_not() {
        let mut caller = Rehearsal::of(BOX);
        caller.enter();
        caller.input(TAKEN);
        assert_eq!(caller.heard(), "wait");
        assert_eq!(caller.after_seconds(4.0), "play en/thank-you");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::Keep]);
        let mut caller = Rehearsal::of(BOX);
        caller.enter();
        caller.input(TAKEN);
        assert_eq!(caller.press("3"), "play en/vm-erased");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::Drop]);
    }

    #[test]
    fn a_caller_who_said_nothing_is_asked_once_more() {
        let too_short = Input::MessageTaken(Taken {
            by: TakenBy::Itself,
            is_long_enough: false,
        });
        let mut caller = Rehearsal::of(BOX);
        caller.enter();
        assert_eq!(
            caller.input(too_short.clone()),
            "take a message after en/vm-too-short (30 s, 5 s)"
        );
        assert_eq!(caller.input(too_short), "play en/goodbye");
        assert_eq!(caller.session.take_deeds(), [BoxDeed::Drop, BoxDeed::Drop]);
    }

    #[test]
    fn a_full_box_says_so_and_takes_nothing() {
        let mut caller = Rehearsal::of(BOX);
        caller.room.is_full = true;
        assert_eq!(caller.enter(), "play en/vm-full");
        assert_eq!(caller.heard(), "hang up");
    }

    #[test]
    fn a_box_greets_with_what_its_owner_recorded() {
        let mut caller = Rehearsal::of(BOX);
        caller.room.greeting = Some(Playable::Message(MessageSound::File("g.wav".into())));
        assert_eq!(caller.enter(), "take a message after message g.wav (30 s, 5 s)");
    }
}
