//! What would happen to a call: the same `call` machine that serves callers, in virtual time, with agents who let it ring
//! unless somebody is said to answer.

use super::clock;
use crate::agents::{Agent, Reach};
use crate::call::{
    Action, Call, Candidate, Entry, Event, FlowSought, Found, Outside, Overflow, Policy, Setup, Sought, Way,
    Who,
};
use crate::config::{Config, Group};
use crate::engine::overflow;
use crate::http::{Rung, Story};
use crate::ivr::{BoxAnswer, BoxQuestion, BoxRoom, Flow};
use crate::media::{Found as Heard, Sounds};
use crate::model::{
    CallId, Cdr, Destination, Digit, Direction, LegId, Number, Playable, RecordingId, RecordingKind, Tone,
    WallClock,
};
use crate::routing::{Decision, Origin};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A flow that a rehearsed caller cannot leave.
const MOST_STEPS: usize = 2000;
const PICKS_UP_AFTER: Duration = Duration::from_secs(4);
const TALKS_FOR: Duration = Duration::from_secs(60);
/// How long a rehearsed message is.
const SPEAKS_FOR: Duration = Duration::from_secs(10);

/// Plays the story to its end.
///
/// # Errors
/// Why it cannot be told: a number nobody has, a key that is none.
pub fn rehearse(config: &Config, sounds: &dyn Sounds, story: &Story) -> Result<Vec<Rung>, String> {
    let caller = Number::from(story.from.as_str());
    let dialed = Number::from(story.to.as_str());
    let origin = origin(config, &caller);
    let entry = entry(config, &caller, &dialed, &origin)?;
    let mut rehearsal = Rehearsal::new(config, sounds, story, (caller, dialed), &origin, entry)?;
    rehearsal.run();
    Ok(rehearsal.rungs)
}

/// Whether a rehearsed caller never came to an end.
pub(super) fn walks_in_circles(rungs: &[Rung]) -> bool {
    rungs.last().is_some_and(|rung| rung.what == "circles")
}

fn entry(config: &Config, caller: &Number, dialed: &Number, origin: &Origin) -> Result<Entry, String> {
    Ok(match config.plan().decide(dialed, origin) {
        Decision::Flow(name) => {
            let flow = config.all_flows().get(&name).cloned();
            Entry::Flow(flow.ok_or_else(|| format!("there is no flow {name}"))?)
        }
        Decision::Group(group) => Entry::Ring(Who::Group(group)),
        Decision::Agent(agent) => Entry::Ring(Who::Agent(agent)),
        Decision::Outside(outside) => {
            let ring_time = Duration::from_secs(u64::from(config.dialing.ring_seconds));
            let ways = outside.ways.into_iter().map(|way| {
                let shown = way.caller_id.unwrap_or_else(|| caller.clone());
                let trunk = config.trunks.iter().find(|own| own.name == way.trunk);
                let form = trunk.map(|trunk| trunk.for_sip(&config.dialing.country_code).manners.number_form);
                Way {
                    trunk: way.trunk,
                    number: way.number,
                    caller_id: form.map_or_else(|| shown.clone(), |form| form.write(shown.as_str()).into()),
                }
            });
            Entry::Outside(Outside {
                ways: ways.collect(),
                ring_time,
            })
        }
        Decision::Refused(reason) => {
            return Err(format!(
                "{dialed} is not dialled outside: {reason}; the caller hears 403; see [dialing]"
            ));
        }
        Decision::Unknown => {
            return Err(format!(
                "{dialed} is no number here: the caller hears 404; see [[number]] and [[route]]"
            ));
        }
    })
}

fn origin(config: &Config, caller: &Number) -> Origin {
    let is_ours = config
        .agents
        .iter()
        .any(|agent| agent.extension.as_ref() == Some(caller));
    match config.trunks.first() {
        _ if is_ours => Origin::Phone(caller.clone()),
        Some(trunk) => Origin::Trunk(trunk.name.clone()),
        None => Origin::Trunk("trunk".into()),
    }
}

struct Rehearsal<'a> {
    story: &'a Story,
    config: &'a Config,
    sounds: &'a dyn Sounds,
    call: Call,
    started: Instant,
    now: Instant,
    events: VecDeque<(Duration, Event)>,
    keys: VecDeque<Digit>,
    rungs: Vec<Rung>,
}

impl<'a> Rehearsal<'a> {
    fn new(
        config: &'a Config,
        sounds: &'a dyn Sounds,
        story: &'a Story,
        (caller, dialed): (Number, Number),
        origin: &Origin,
        entry: Entry,
    ) -> Result<Self, String> {
        let keys: Option<VecDeque<Digit>> = story.press.chars().map(Digit::from_char).collect();
        let started = clock::monotonic();
        let unix_ms = story.at_unix_ms.unwrap_or_else(clock::wall_unix_ms);
        let setup = Setup {
            id: CallId::new(unix_ms, &[0; 10]),
            recording: RecordingId(uuid::Uuid::nil()),
            message: RecordingId(uuid::Uuid::nil()),
            site: config.site.name.clone(),
            direction: if let Origin::Phone(_) = origin {
                Direction::Internal
            } else {
                Direction::Inbound
            },
            caller_number: caller,
            caller_name: None,
            caller_agent: None,
            dialed_number: dialed,
            diverted: Vec::new(),
            trunk: None,
            sip_call_id: None,
            languages: config.site.languages.clone().into(),
            clock: WallClock::new(started, unix_ms, true, config.site.zone()),
        };
        let policy = Policy {
            record: config.recording.rules().into(),
            number_records: None,
            pause_between_rounds: Duration::from_secs(3),
            longest_talk: Duration::from_secs(12 * 3600),
        };
        Ok(Self {
            story,
            sounds,
            config,
            call: Call::new(started, setup, policy, entry),
            started,
            now: started,
            events: VecDeque::from([(Duration::ZERO, Event::CallerArrived)]),
            keys: keys.ok_or("keys are 0-9, *, # and A-D")?,
            rungs: Vec::new(),
        })
    }

    fn run(&mut self) {
        for _ in 0..MOST_STEPS {
            let Some((at, event)) = self.next_event() else {
                return;
            };
            self.now = self.started + at;
            for action in self.call.handle(self.now, event) {
                self.follow(action);
            }
            if self.call.has_ended() {
                return;
            }
        }
        self.tell("note", "circles", Vec::new());
    }

    /// The next thing that happens by itself, or the call's own deadline if that comes first.
    fn next_event(&mut self) -> Option<(Duration, Event)> {
        self.events.make_contiguous().sort_by_key(|(at, _)| *at);
        let deadline = self.call.next_deadline().map(|at| at - self.started);
        match (self.events.front().map(|(at, _)| *at), deadline) {
            (Some(at), Some(deadline)) if deadline < at => Some((deadline, Event::DeadlineReached)),
            (Some(_), _) => self.events.pop_front(),
            (None, Some(deadline)) => match self.keys.pop_front() {
                // The flow waits: for a key, as far as the caller is concerned.
                Some(key) => Some((self.elapsed() + Duration::from_secs(1), self.press(key))),
                None => Some((deadline, Event::DeadlineReached)),
            },
            (None, None) => None,
        }
    }

    fn press(&mut self, key: Digit) -> Event {
        self.now += Duration::from_secs(1);
        self.tell("caller", "presses", vec![("key", key.to_string())]);
        Event::DigitPressed(key)
    }

    fn elapsed(&self) -> Duration {
        self.now - self.started
    }

    fn soon(&mut self, after: Duration, event: Event) {
        self.events.push_back((self.elapsed() + after, event));
    }

    fn follow(&mut self, action: Action) {
        match action {
            Action::Ring(_) => self.tell("box", "ringing", Vec::new()),
            Action::Answer(_) => self.tell("box", "answers", Vec::new()),
            Action::Play { items, repeat, .. } => self.play(&items, repeat),
            // Nobody hands a call on here.
            Action::Unbridge(_)
            | Action::RingThrough(..)
            | Action::Mix(_)
            | Action::PlayMusic(_)
            | Action::FindTarget(..)
            | Action::MoveHere(..)
            | Action::TakeIn(_)
            | Action::TellTransferor(..)
            | Action::ChangeRecording(..) => {}
            Action::StopPlaying(_)
            | Action::WatchSilence(_)
            | Action::TakeFor { .. }
            | Action::ChangeBox(_)
            | Action::Note(..) => {}
            Action::AskBox(question) => {
                let answer = self.ask_box(&question);
                self.soon(Duration::ZERO, Event::BoxAnswered(answer));
            }
            Action::FindAgents(sought) => {
                let found = self.find(sought);
                self.soon(Duration::ZERO, Event::AgentsFound(found));
            }
            Action::FindFlow(sought) => {
                let flow = self.flow(&sought);
                self.soon(Duration::ZERO, Event::FlowFound(flow));
            }
            Action::Dial(leg, candidate) => self.dial(leg, &candidate),
            Action::DialOutside { leg, way, .. } => self.dial_outside(leg, &way),
            Action::Release(leg, cause) => {
                let cause = format!("{cause:?}");
                match self.call.agent_of(leg).map(ToString::to_string) {
                    Some(agent) => self.tell("box", "lets_go", vec![("whom", agent), ("cause", cause)]),
                    None => self.tell("box", "lets_caller_go", vec![("cause", cause)]),
                }
            }
            Action::Bridge(_, leg) => {
                let agent = self.call.agent_of(leg).map(ToString::to_string);
                self.tell("box", "connects", vec![("agent", agent.unwrap_or_default())]);
                self.soon(TALKS_FOR, Event::LegLeft(LegId::CALLER));
            }
            Action::Record { kind, .. } => match kind {
                RecordingKind::Conversation => self.tell("box", "records_conversation", Vec::new()),
                RecordingKind::Voicemail => {
                    self.tell("box", "records_voicemail", Vec::new());
                    self.soon(SPEAKS_FOR, Event::FellSilent);
                }
            },
            Action::StopRecording(_) => self.tell("box", "ends_recording", Vec::new()),
            // Nobody changes a recording here.
            Action::PauseRecording(_) | Action::ResumeRecording(_) => {}
            Action::FileCdr(cdr) => self.tell("record", "record", record(&cdr)),
        }
    }

    fn play(&mut self, items: &[Playable], repeat: bool) {
        let words: Vec<String> = items.iter().map(name).collect();
        self.tell("box", "plays", vec![("what", words.join(", "))]);
        if !repeat {
            let length = items.iter().map(|item| self.length(item)).sum();
            self.soon(length, Event::PlayFinished);
        }
    }

    fn length(&self, item: &Playable) -> Duration {
        match self.sounds.find(item) {
            Heard::Ready(sound) => sound.duration(),
            Heard::Later | Heard::Missing => match item {
                Playable::Text { text, .. } => {
                    Duration::from_millis(70) * u32::try_from(text.chars().count()).unwrap_or(0)
                }
                Playable::Tone(_) => Duration::from_millis(500),
                Playable::Message(_) => SPEAKS_FOR,
                Playable::Prompt { .. } => Duration::ZERO,
            },
        }
    }

    fn dial(&mut self, leg: LegId, candidate: &Candidate) {
        let agent = candidate.agent.to_string();
        let values = vec![("agent", agent), ("number", candidate.number.clone())];
        self.tell("box", "rings", values);
        self.soon(Duration::from_millis(200), Event::LegRinging(leg));
        if self.story.answer.as_deref() == Some(candidate.agent.as_str()) {
            self.soon(PICKS_UP_AFTER, Event::LegAnswered(leg));
        }
    }

    fn dial_outside(&mut self, leg: LegId, way: &Way) {
        let values = vec![
            ("number", way.number.to_string()),
            ("trunk", way.trunk.to_string()),
            ("shown", way.caller_id.to_string()),
        ];
        self.tell("box", "dials", values);
        self.soon(Duration::from_millis(800), Event::LegRinging(leg));
        if self.story.answer.as_deref() == Some(way.trunk.as_str()) {
            self.soon(PICKS_UP_AFTER, Event::LegAnswered(leg));
        }
    }

    fn find(&self, sought: Sought) -> Found {
        let group = match &sought.who {
            Who::Group(name) => self.config.groups.iter().find(|group| group.name == *name),
            Who::Agent(_) => None,
        };
        let rung = group.map(Group::as_rung);
        let wanted = |agent: &Agent| match &sought.who {
            Who::Group(name) => agent.groups.contains(name),
            Who::Agent(id) => agent.id == *id,
        };
        let on_duty = |agent: &Agent| {
            self.story
                .agents
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|id| id == agent.id.as_str()))
        };
        let candidates: Vec<Candidate> = self
            .config
            .roster()
            .iter()
            .filter(|agent| wanted(agent) && on_duty(agent))
            .map(candidate)
            .collect();
        Found {
            somebody_on_duty: !candidates.is_empty(),
            candidates,
            ring_time: rung
                .as_ref()
                .map_or(Duration::from_secs(60), |group| group.ring_time),
            attempts: rung.as_ref().map_or(1, |group| group.attempts),
            overflow: rung.map_or(Overflow::HangUp, |group| overflow(&group)),
            sought,
        }
    }

    fn flow(&self, sought: &FlowSought) -> Option<Arc<Flow>> {
        match sought {
            FlowSought::Named(name) => self.config.all_flows().get(name).cloned(),
            FlowSought::Mailbox(mailbox) => Some(Arc::new(Flow::mailbox(mailbox))),
        }
    }

    /// Boxes are empty here, and nobody knows a PIN.
    fn ask_box(&self, question: &BoxQuestion) -> BoxAnswer {
        match question {
            BoxQuestion::Leave(mailbox) => {
                let book = self.config.box_book();
                let rules = book.rules(mailbox);
                BoxAnswer::Room(BoxRoom {
                    max_seconds: rules.max_seconds,
                    min_seconds: rules.min_seconds,
                    silence_seconds: rules.silence_seconds,
                    review: rules.review,
                    ..BoxRoom::default()
                })
            }
            BoxQuestion::OpenOwn => BoxAnswer::NotOwn,
            BoxQuestion::Open { .. } => BoxAnswer::Refused,
        }
    }

    fn tell(&mut self, who: &'static str, what: &'static str, values: Vec<(&'static str, String)>) {
        let at_ms = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.rungs.push(Rung {
            at_ms,
            who,
            what,
            text: sentence(what, &values),
            values,
        });
    }
}

/// The sentence of a rung in English; the pages have it in their languages.
fn sentence(what: &str, values: &[(&'static str, String)]) -> String {
    let value = |name: &str| {
        let found = values.iter().find(|(own, _)| *own == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    match what {
        "presses" => format!("presses {}", value("key")),
        "ringing" => "tells the caller that phones ring".to_owned(),
        "answers" => "answers".to_owned(),
        "plays" => format!("plays {}", value("what")),
        "rings" => format!("rings {} at {}", value("agent"), value("number")),
        "dials" => format!(
            "dials {} by trunk {}, showing {}",
            value("number"),
            value("trunk"),
            value("shown")
        ),
        "lets_go" => format!("lets {} go ({})", value("whom"), value("cause")),
        "lets_caller_go" => format!("lets caller go ({})", value("cause")),
        "connects" => format!("connects the caller with {}", value("agent")),
        "records_conversation" => "records the conversation".to_owned(),
        "records_voicemail" => "records the voicemail".to_owned(),
        "ends_recording" => "ends the recording".to_owned(),
        "record" => {
            let agent = match value("agent") {
                "" => String::new(),
                agent => format!(", agent {agent}"),
            };
            let (status, seconds) = (value("status"), value("seconds"));
            let (keys, steps) = (value("keys"), value("steps"));
            format!("{status}{agent}, {seconds} s, keys “{keys}”, steps {steps}")
        }
        _ => "… and so on: this caller walks in circles".to_owned(),
    }
}

fn candidate(agent: &Agent) -> Candidate {
    let destination = match &agent.reach {
        Reach::Extension(extension) => Destination::Registered {
            extension: extension.clone(),
            contact: String::new(),
        },
        Reach::Trunk(trunk, number) => Destination::Trunk {
            trunk: trunk.clone(),
            number: number.clone(),
        },
        Reach::Contact(uri) => Destination::Contact(uri.clone()),
    };
    Candidate {
        agent: agent.id.clone(),
        number: agent.number().to_owned(),
        destination,
    }
}

fn name(item: &Playable) -> String {
    match item {
        Playable::Prompt { language, name } => format!("{language}/{name}"),
        Playable::Text { language, text } => format!("“{text}” ({language})"),
        Playable::Message(_) => "what was recorded".to_owned(),
        Playable::Tone(Tone::Ringback) => "the ringing tone".to_owned(),
        Playable::Tone(Tone::Beep) => "a beep".to_owned(),
        Playable::Tone(Tone::Comfort) => "a breath of noise".to_owned(),
        Playable::Tone(Tone::Silence) => "silence".to_owned(),
        Playable::Tone(Tone::Key(key)) => format!("the tone of {key}"),
    }
}

fn record(cdr: &Cdr) -> Vec<(&'static str, String)> {
    let stages: Vec<&str> = cdr.stages.iter().map(|step| step.as_str()).collect();
    let seconds = Duration::from_millis(cdr.duration_ms).as_secs_f64();
    vec![
        ("status", cdr.status.as_str().to_owned()),
        (
            "agent",
            cdr.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
        ("seconds", format!("{seconds:.1}")),
        ("keys", cdr.digits.clone()),
        ("steps", stages.join(" → ")),
    ]
}
