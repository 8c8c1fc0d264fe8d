//! What would happen to a call: the same `call` machine the daemon runs, in virtual time, with agents who let it ring.

use super::{complain, say};
use crate::agents::{Agent, Reach};
use crate::app::monotonic;
use crate::call::{
    Action, Call, Candidate, Entry, Event, FlowSought, Found, Outside, Overflow, Policy, Setup, Sought, Way,
    Who,
};
use crate::config::Config;
use crate::engine::overflow;
use crate::ivr::{BoxAnswer, BoxQuestion, BoxRoom, Flow};
use crate::media::{Found as Heard, Sounds as _};
use crate::model::{
    CallId, Cdr, Destination, Digit, Direction, LegId, Number, Playable, RecordingId, Tone, WallClock,
};
use crate::prompts::Library;
use crate::routing::{Decision, Origin};
use anyhow::Context as _;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys are pressed one after the other, each as soon as the flow waits for one. Nobody picks up unless named with
/// --answer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost simulate --from 0501234567 --to 1000 --press 12 --agents ali,mona --answer ali"
)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The caller's number.
    #[arg(long)]
    from: String,
    /// The number dialled.
    #[arg(long)]
    to: String,
    /// When, as in 2026-11-20T20:10:00+03:00; now otherwise.
    #[arg(long)]
    at: Option<String>,
    /// The keys the caller presses.
    #[arg(long, default_value = "")]
    press: String,
    /// Agents on duty, by id and comma; all of them otherwise.
    #[arg(long, value_delimiter = ',')]
    agents: Option<Vec<String>>,
    /// The agent who picks up after four seconds of ringing.
    #[arg(long)]
    answer: Option<String>,
}

pub(super) fn simulate(arguments: &Arguments) -> ExitCode {
    match ladder(arguments) {
        Ok(ladder) => {
            say(ladder.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// A flow that a simulated caller cannot leave.
const MOST_STEPS: usize = 2000;
const PICKS_UP_AFTER: Duration = Duration::from_secs(4);
const TALKS_FOR: Duration = Duration::from_secs(60);
/// How long a simulated message is.
const SPEAKS_FOR: Duration = Duration::from_secs(10);

fn ladder(arguments: &Arguments) -> anyhow::Result<String> {
    let config = Config::load(arguments.config.as_deref())?.config;
    let caller = Number::from(arguments.from.as_str());
    let dialed = Number::from(arguments.to.as_str());
    let origin = origin(&config, &caller);
    let entry = match config.plan().decide(&dialed, &origin) {
        Decision::Flow(name) => Entry::Flow(
            config
                .flows
                .get(&name)
                .cloned()
                .with_context(|| format!("there is no flow {name}"))?,
        ),
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
            anyhow::bail!("{dialed} is not dialled outside: {reason}; the caller hears 403; see [dialing]")
        }
        Decision::Unknown => {
            anyhow::bail!("{dialed} is no number here: the caller hears 404; see [[number]] and [[route]]")
        }
    };
    let mut rehearsal = Rehearsal::new(arguments, config, caller, dialed, &origin, entry)?;
    rehearsal.run();
    Ok(rehearsal.ladder)
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
    arguments: &'a Arguments,
    config: Config,
    library: Library,
    call: Call,
    started: Instant,
    now: Instant,
    events: VecDeque<(Duration, Event)>,
    keys: VecDeque<Digit>,
    ladder: String,
}

impl<'a> Rehearsal<'a> {
    fn new(
        arguments: &'a Arguments,
        config: Config,
        caller: Number,
        dialed: Number,
        origin: &Origin,
        entry: Entry,
    ) -> anyhow::Result<Self> {
        let keys: Option<VecDeque<Digit>> = arguments.press.chars().map(Digit::from_char).collect();
        let started = monotonic();
        let unix_ms = match &arguments.at {
            Some(text) => {
                let time: jiff::Timestamp = text
                    .parse()
                    .with_context(|| format!("--at {text}: write it like 2026-11-20T20:10:00+03:00"))?;
                time.as_millisecond()
            }
            None => crate::app::wall_unix_ms(),
        };
        let languages: Arc<[_]> = config.site.languages.clone().into();
        let library = Library::load(&config.prompts, &languages, None, &[]).library;
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
            languages,
            clock: WallClock::new(started, unix_ms, true, config.site.zone()),
        };
        let policy = Policy {
            record: config.recording.rules().into(),
            number_records: None,
            pause_between_rounds: Duration::from_secs(3),
            longest_talk: Duration::from_secs(12 * 3600),
        };
        Ok(Self {
            arguments,
            library,
            config,
            call: Call::new(started, setup, policy, entry),
            started,
            now: started,
            events: VecDeque::from([(Duration::ZERO, Event::CallerArrived)]),
            keys: keys.context("--press takes 0-9, *, # and A-D")?,
            ladder: String::new(),
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
        self.write("      ", "… and so on: this caller walks in circles");
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
        self.write("caller", &format!("presses {key}"));
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
            Action::Ring(_) => self.write("box   ", "tells the caller that phones ring"),
            Action::Answer(_) => self.write("box   ", "answers"),
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
                let whom = self
                    .call
                    .agent_of(leg)
                    .map_or_else(|| "caller".to_owned(), ToString::to_string);
                self.write("box   ", &format!("lets {whom} go ({cause:?})"));
            }
            Action::Bridge(_, leg) => {
                let agent = self
                    .call
                    .agent_of(leg)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                self.write("box   ", &format!("connects the caller with {agent}"));
                self.soon(TALKS_FOR, Event::LegLeft(LegId::CALLER));
            }
            Action::Record { kind, .. } => {
                self.write(
                    "box   ",
                    &format!("records the {}", format!("{kind:?}").to_lowercase()),
                );
                if kind == crate::model::RecordingKind::Voicemail {
                    self.soon(SPEAKS_FOR, Event::FellSilent);
                }
            }
            Action::StopRecording(_) => self.write("box   ", "ends the recording"),
            // Nobody changes a recording here.
            Action::PauseRecording(_) | Action::ResumeRecording(_) => {}
            Action::FileCdr(cdr) => self.write("record", &record(&cdr)),
        }
    }

    fn play(&mut self, items: &[Playable], repeat: bool) {
        let words: Vec<String> = items.iter().map(name).collect();
        self.write("box   ", &format!("plays {}", words.join(", ")));
        if !repeat {
            let length = items.iter().map(|item| self.length(item)).sum();
            self.soon(length, Event::PlayFinished);
        }
    }

    fn length(&self, item: &Playable) -> Duration {
        match self.library.find(item) {
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
        self.write(
            "box   ",
            &format!("rings {} at {}", candidate.agent, candidate.number),
        );
        self.soon(Duration::from_millis(200), Event::LegRinging(leg));
        if self.arguments.answer.as_deref() == Some(candidate.agent.as_str()) {
            self.soon(PICKS_UP_AFTER, Event::LegAnswered(leg));
        }
    }

    fn dial_outside(&mut self, leg: LegId, way: &Way) {
        let (number, trunk, shown) = (&way.number, &way.trunk, &way.caller_id);
        self.write(
            "box   ",
            &format!("dials {number} by trunk {trunk}, showing {shown}"),
        );
        self.soon(Duration::from_millis(800), Event::LegRinging(leg));
        if self.arguments.answer.as_deref() == Some(trunk.as_str()) {
            self.soon(PICKS_UP_AFTER, Event::LegAnswered(leg));
        }
    }

    fn find(&self, sought: Sought) -> Found {
        let group = match &sought.who {
            Who::Group(name) => self.config.groups.iter().find(|group| group.name == *name),
            Who::Agent(_) => None,
        };
        let rung = group.map(crate::config::Group::as_rung);
        let wanted = |agent: &Agent| match &sought.who {
            Who::Group(name) => agent.groups.contains(name),
            Who::Agent(id) => agent.id == *id,
        };
        let on_duty = |agent: &Agent| {
            self.arguments
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

    fn write(&mut self, who: &str, what: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.ladder,
            "{:>7.1}s  {who}  {what}",
            self.elapsed().as_secs_f64()
        );
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

fn record(cdr: &Cdr) -> String {
    let stages: Vec<&str> = cdr.stages.iter().map(|step| step.as_str()).collect();
    let agent = cdr
        .agent
        .as_ref()
        .map(|agent| format!(", agent {agent}"))
        .unwrap_or_default();
    format!(
        "{}{agent}, {:.1} s, keys “{}”, steps {}",
        cdr.status.as_str(),
        Duration::from_millis(cdr.duration_ms).as_secs_f64(),
        cdr.digits,
        stages.join(" → ")
    )
}
