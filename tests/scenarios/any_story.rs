//! Random stories: whatever happens in whatever order, the promises are kept.
//!
//! Each story is told from a number, so that one that fails can be told again, aloud:
//! `CALLPOST_STORY=1234 cargo test --test scenarios any_story`.

use crate::world::{Manner, OnCancel, Site, State, Weather, World, agent, agent_at, agent_of_pbx, group};
use callpost::agents::{AgentState, Overflow};
use callpost::engine::{Command, Input};
use callpost::media::{MediaEvent, PlayId};
use callpost::model::{ConsentRule, Digit, LegId, LegKey, RecordAction, RecordWhen, RecordingRules};
use callpost::sip::{Flow, Transport};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How the network is in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Every message arrives at once.
    Fine,
    /// Messages are late, overtake each other and come twice.
    Slow,
    /// A fifth of them never come.
    Lossy,
}

/// Steps of a story; about a third of them are calls.
const STEPS: u32 = 300;

#[test]
fn whatever_happens_on_a_good_network_the_promises_are_kept() {
    tell_all(Kind::Fine, 40_000);
}

#[test]
fn whatever_happens_when_messages_are_late_doubled_and_out_of_order_the_promises_are_kept() {
    tell_all(Kind::Slow, 40_000);
}

#[test]
fn whatever_happens_when_a_fifth_of_all_messages_is_lost_the_promises_are_kept() {
    tell_all(Kind::Lossy, 20_000);
}

/// Tells stories until so many calls have been made, on every core.
fn tell_all(kind: Kind, calls: usize) {
    if let Some(seed) = std::env::var("CALLPOST_STORY")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Story::new(seed, kind, true).tell();
        return;
    }
    let (next, made) = (AtomicU64::new(1), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while made.load(Ordering::Relaxed) < calls {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    made.fetch_add(tell(seed, kind), Ordering::Relaxed);
                }
            });
        }
    });
}

/// Tells one story; when it fails, tells it again, aloud.
fn tell(seed: u64, kind: Kind) -> usize {
    let told = catch_unwind(AssertUnwindSafe(|| Story::new(seed, kind, false).tell()));
    told.unwrap_or_else(|fault| {
        announce(seed, kind);
        let _ = catch_unwind(AssertUnwindSafe(|| Story::new(seed, kind, true).tell()));
        announce(seed, kind);
        resume_unwind(fault)
    })
}

#[expect(clippy::print_stderr, reason = "a story that fails is told")]
fn announce(seed: u64, kind: Kind) {
    eprintln!("the {kind:?} story CALLPOST_STORY={seed} breaks a promise");
}

struct Story {
    world: World,
    kind: Kind,
    callers: u32,
}

impl Story {
    fn new(seed: u64, kind: Kind, aloud: bool) -> Self {
        let mut world = World::unregistered(house(seed), seed);
        world.ladder.quiet = !aloud;
        world.ladder.aloud = aloud;
        for name in ["ali", "mona", "omar"] {
            world.registers(name, 3600);
        }
        world.weather = match kind {
            Kind::Fine => Weather::default(),
            Kind::Slow => Weather {
                lost_percent: 0,
                doubled_percent: 10,
                latency_ms: 300,
            },
            Kind::Lossy => Weather {
                lost_percent: 20,
                doubled_percent: 5,
                latency_ms: 100,
            },
        };
        Self {
            world,
            kind,
            callers: 0,
        }
    }

    /// Tells it and gives the number of calls that were let in.
    fn tell(mut self) -> usize {
        for _ in 0..STEPS {
            let pause = match self.roll(4) {
                0 => 0,
                1 => self.roll(100),
                _ => self.roll(2_500),
            };
            self.world.after_seconds(pause as f64 / 1000.0);
            self.step();
        }
        if self.roll(20) == 0 {
            self.world.input(Input::Shutdown);
        }
        self.end();
        self.world.call_count()
    }

    fn step(&mut self) {
        match self.roll(100) {
            0..34 => self.somebody_calls(),
            34..50 => self.a_caller_hangs_up(),
            50..56 => self.an_agent_hangs_up(),
            56..60 => self.a_call_is_handed_on(),
            60..74 => self.a_key_is_pressed(),
            74..80 => self.media_change(),
            80..85 => self.media_report(),
            85..92 => self.a_phone_changes_its_manner(),
            92..94 => self.a_person_commands(),
            94..96 => self.a_phone_comes_or_goes(),
            96 if self.roll(2) == 0 => drop(self.world.engine.snapshot(self.world.now)),
            96 => self.the_network_breaks(),
            97 => self.the_journal_changes(),
            98 => self.a_stranger_speaks(),
            _ if self.roll(2) == 0 => self.the_clock_is_set(),
            _ => self.world.input(Input::DeadlineReached), // It may come early.
        }
    }

    fn somebody_calls(&mut self) {
        self.callers += 1;
        let inside = self.roll(6) == 0;
        let name = if inside {
            self.pick(&["ali", "mona", "omar"]).to_owned()
        } else {
            let name = format!("c{}", self.callers);
            self.world.caller(&name, &format!("05{:08}", self.callers));
            name
        };
        let dialed = self.pick(&[
            "8000", "8000", "8000", "8001", "8001", "8001", "8002", "8003", "1001", "9999",
        ]);
        let manner = &mut self.world.phone(&name).manner.clone();
        (manner.never_acks, manner.acks_bare) = (self.roll(30) == 0, self.roll(30) == 0);
        if !inside {
            self.world.set(&name, manner.clone());
        }
        let sdp = self.world.phone(&name).sdp("sendrecv");
        let sdp = match self.roll(40) {
            0 => Some(sdp.replace("RTP/AVP 0 8 101", "RTP/AVP 18")),
            1 => Some("no sdp at all".to_owned()),
            2..6 => None,
            _ => Some(sdp),
        };
        self.world.calls_with(&name, dialed, sdp);
    }

    fn a_caller_hangs_up(&mut self) {
        let open = self.open_talks(|name| name.starts_with('c'));
        self.hang_up_one_of(open);
    }

    fn an_agent_hangs_up(&mut self) {
        let open = self.open_talks(|name| !name.starts_with('c'));
        self.hang_up_one_of(open);
    }

    /// By anybody, to anywhere, with and without reports.
    fn a_call_is_handed_on(&mut self) {
        let outside = self.roll(6) == 0;
        let Some((place, _)) = self.choose_talk(|name| name.starts_with('c') == outside) else {
            return;
        };
        let to = self.pick(&[
            "1001", "1002", "1003", "300", "8000", "8001", "8002", "8003", "9999", "",
        ]);
        let more = self.pick(&[
            "",
            "",
            "",
            "Refer-Sub: false\r\n",
            "Refer-To: <sip:1001@callpost>\r\n",
        ]);
        if self.roll(3) == 0 {
            self.world
                .let_phone_at(place, crate::world::Phone::refer_to_newest);
            return self.world.settle();
        }
        self.world.phones[place].manner.stays_after_transfer = self.roll(3) == 0;
        self.world.let_phone_at(place, |phone| phone.refer(to, more));
        self.world.settle();
    }

    fn hang_up_one_of(&mut self, open: Vec<(usize, String)>) {
        if let Some((place, call_id)) = self.choose(open) {
            self.world.let_phone_at(place, |phone| phone.hang_up_on(&call_id));
            self.world.settle();
        }
    }

    fn a_key_is_pressed(&mut self) {
        let key = self
            .pick(&["1", "1", "#", "#", "*", "7", "0"])
            .chars()
            .next()
            .unwrap_or('1');
        let by_info = self.roll(3);
        if by_info > 0
            && let Some((place, _)) = self.choose_talk(|name| name.starts_with('c'))
        {
            self.world.let_phone_at(place, |phone| phone.info(key));
        }
        if by_info < 2
            && let Some(leg) = self.some_leg()
        {
            let digit = Digit::from_char(key).unwrap();
            self.world.media(MediaEvent::DigitPressed {
                leg,
                digit,
                path: callpost::media::KeyPath::Event,
            });
        }
        self.world.settle();
    }

    fn media_change(&mut self) {
        let Some((place, _)) = self.choose_talk(|_| true) else {
            return;
        };
        let how = self.roll(4);
        self.world.let_phone_at(place, |phone| match how {
            0 => phone.reinvite(None),
            1 => phone.reinvite(Some("m=nonsense")),
            2 => {
                let sdp = phone.sdp("sendonly");
                phone.reinvite(Some(&sdp))
            }
            _ => {
                let sdp = phone.sdp("sendrecv");
                phone.reinvite(Some(&sdp))
            }
        });
        self.world.settle();
    }

    fn media_report(&mut self) {
        let Some(leg) = self.some_leg() else { return };
        let event = match self.roll(12) {
            0 => MediaEvent::WentDead { leg },
            1 => return self.world.studio.broken_ports = 1,
            2 => return self.world.lose_media(leg),
            3..8 => MediaEvent::FellSilent { leg },
            _ => MediaEvent::PlayFinished {
                leg,
                play: PlayId(self.roll(6) as u32),
            },
        };
        self.world.media(event);
    }

    fn a_phone_changes_its_manner(&mut self) {
        let name = self.pick(&["ali", "mona", "omar", "layla", "door"]);
        let after = self.roll(12_000) as f64 / 1000.0;
        let manner = match self.roll(16) {
            0 | 1 => Manner::rings(),
            2 => Manner::dead(),
            3 => Manner::refuses(486),
            4 => Manner::refuses_after(after, 603),
            5 => Manner::refuses_after(after, 480),
            6 => Manner::refuses(302),
            7 => Manner::answers_when_cancelled(),
            8 => Manner {
                on_cancel: OnCancel::RingOn,
                rings_again: Some(7.0),
                ..Manner::answers_after(after)
            },
            9 => Manner {
                ring_after: Some(after),
                ..Manner::rings()
            },
            10 => Manner::answers_silently_after(after),
            11 => Manner {
                challenge: Some(407),
                ..Manner::answers_after(after)
            },
            12 => Manner {
                sdp: Some(String::new()),
                ..Manner::answers_after(after)
            },
            13 => Manner::answers_after(0.0),
            _ => Manner::answers_after(after),
        };
        self.world.set(name, manner);
    }

    fn a_person_commands(&mut self) {
        let open: Vec<_> = self.world.open_calls();
        if self.roll(2) == 0
            && let Some((_, call)) = self.choose(open)
        {
            if self.roll(3) > 0 {
                let actions = [
                    RecordAction::Start,
                    RecordAction::Stop,
                    RecordAction::Pause,
                    RecordAction::Resume,
                ];
                let action = actions[self.roll(4) as usize];
                let by = "office".to_owned();
                return self.world.command(Command::Record { call, action, by });
            }
            return self.world.command(Command::HangUp(call));
        }
        let agent = self.pick(&["ali", "mona", "omar", "layla", "nobody"]).into();
        let state = match self.roll(4) {
            0 => AgentState::OnBreak,
            1 => AgentState::Offline,
            _ => AgentState::Available,
        };
        self.world.command(Command::SetAgentState {
            agent,
            state,
            reason: None,
        });
    }

    fn a_phone_comes_or_goes(&mut self) {
        let name = self.pick(&["ali", "mona", "omar"]);
        let seconds = if self.roll(4) == 0 { 0 } else { 3600 };
        self.world.registers(name, seconds);
    }

    fn the_network_breaks(&mut self) {
        let name = self.pick(&["ali", "mona", "omar", "door"]);
        let peer = self.world.phone(name).address;
        let local = crate::world::BOX.parse().unwrap();
        self.world.input(Input::Unreachable(Flow {
            transport: Transport::Udp,
            local,
            peer,
            connection: None,
        }));
    }

    fn the_journal_changes(&mut self) {
        match self.roll(6) {
            0 => self.world.journal_takes = None,
            1 => self.world.journal_takes = Some(Duration::from_millis(self.roll(4_000))),
            2 => self.world.journal_writes = !self.world.journal_writes,
            3 => self.world.input(Input::JournalBehind(true)),
            _ => {
                self.world.journal_takes = Some(Duration::ZERO);
                self.world.input(Input::JournalBehind(false));
            }
        }
    }

    /// Somebody else says BYE, CANCEL or ACK in a call that is not theirs, or nonsense.
    fn a_stranger_speaks(&mut self) {
        let Some((place, call_id)) = self.choose_talk(|_| true) else {
            return;
        };
        let talk = &self.world.phones[place].talks[&call_id];
        let method = ["BYE", "CANCEL", "ACK", "INFO", "INVITE"][self.world.dice.roll(5) as usize];
        let text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bK-thief-{call_id}\r\n\
             Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {call_id}\r\nCSeq: 9999 {method}\r\n\
             Contact: <sip:thief@203.0.113.66>\r\nContent-Length: 0\r\n\r\n",
            talk.target, talk.us, talk.them
        );
        self.world.inject("203.0.113.66:5060", text.into_bytes());
    }

    fn the_clock_is_set(&mut self) {
        let unix_ms = 1_790_000_000_000 + i64::try_from(self.roll(1_000_000)).unwrap_or_default();
        self.world.input(Input::ClockSynced(unix_ms));
    }

    /// Everybody goes home; nothing may be left.
    fn end(&mut self) {
        self.world.weather = Weather::default();
        self.world.journal_takes = Some(Duration::ZERO);
        for _ in 0..3 {
            for (place, call_id) in self.open_talks(|_| true) {
                self.world.let_phone_at(place, |phone| phone.hang_up_on(&call_id));
            }
            self.world.after_seconds(5.0);
        }
        // Who lost the last word of its phone is noticed by the silence on the line, or by a technician.
        for (_, call) in self.world.open_calls() {
            self.world.command(Command::HangUp(call));
        }
        self.world.peace();
        if self.kind != Kind::Lossy {
            self.world.check_losers(self.kind == Kind::Fine);
            self.check_no_ghosts();
        }
    }

    /// No phone believes that it is still in a call, or rings for one. Nothing can be done about a phone that goes
    /// on ringing after it was told, or that wakes up when the box has given up on it.
    fn check_no_ghosts(&self) {
        for phone in &self.world.phones {
            for talk in phone.talks.values() {
                let was_told = talk.state == State::Ringing && !talk.reasons.is_empty();
                let woke_late =
                    matches!(talk.state, State::Ringing | State::Up) && phone.ignored.contains(&talk.call_id);
                let over = matches!(talk.state, State::Over | State::Fresh) || was_told || woke_late;
                assert!(
                    over,
                    "{} is left in {:?} of {}",
                    phone.name, talk.state, talk.call_id
                );
            }
        }
    }

    fn open_talks(&self, whose: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
        let phones = self
            .world
            .phones
            .iter()
            .enumerate()
            .filter(|(_, phone)| whose(&phone.name));
        let talks = phones.flat_map(|(place, phone)| phone.talks.values().map(move |talk| (place, talk)));
        let open = talks.filter(|(_, talk)| talk.state != State::Over);
        open.map(|(place, talk)| (place, talk.call_id.clone())).collect()
    }

    fn choose_talk(&mut self, whose: impl Fn(&str) -> bool) -> Option<(usize, String)> {
        let open = self.open_talks(whose);
        self.choose(open)
    }

    /// A leg of a live call, or one that has been or might have been.
    fn some_leg(&mut self) -> Option<LegKey> {
        let open = self.world.open_calls();
        let (call, _) = self.choose(open)?;
        let leg = if self.roll(3) > 0 {
            LegId::CALLER
        } else {
            LegId(self.roll(5) as u32)
        };
        Some(LegKey { call, leg })
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.world.dice.roll(sides)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let place = self.roll(from.len() as u64) as usize;
        from[place]
    }

    fn choose<T>(&mut self, from: Vec<T>) -> Option<T> {
        if from.is_empty() {
            return None;
        }
        let place = self.roll(from.len() as u64) as usize;
        from.into_iter().nth(place)
    }
}

/// A house with every kind of phone; the number decides what happens to callers nobody takes.
fn house(seed: u64) -> Site {
    let overflow = match seed % 5 {
        0 => Overflow::HangUp,
        1 => Overflow::Group("night".into()),
        2 => Overflow::Agent("mona".into()),
        3 => Overflow::Flow("main".into()),
        _ => Overflow::Voicemail,
    };
    let mut recording = RecordingRules::plain(seed % 8 != 6);
    if seed % 3 == 1 {
        recording.usual = RecordWhen::Ringing;
    }
    recording.consent = (seed % 5 == 2).then(|| ConsentRule {
        prompt: "recorded".into(),
        opt_out: Digit::from_char('1'),
        opt_in: None,
    });
    let mut site = Site::office()
        .ringing(1 + (seed % 3) as u32)
        .overflowing_to(overflow);
    site.agents = vec![
        agent("ali", "1001"),
        agent("mona", "1002"),
        agent("omar", "1003"),
        agent_of_pbx("layla", "300"),
        agent_at("door", "sip:door@192.0.2.77:5070"),
    ];
    site.groups
        .push(group("night", 1, 15, Overflow::Group("sales".into())));
    if let Some(night) = site.groups.last_mut() {
        night.wrap_up = Duration::from_secs(5);
    }
    site.agents[1].groups.push("night".into());
    site.rules.push(callpost::routing::Rule {
        pattern: callpost::routing::Pattern::Exactly("8003".into()),
        then: callpost::routing::Decision::Group("night".into()),
        record: Some(false),
    });
    site.recording = seed.is_multiple_of(2).then_some(recording);
    site.record = false;
    site.most_calls = 30;
    site.rtp_ports = if seed.is_multiple_of(4) {
        (10_000, 10_031)
    } else {
        (10_000, 10_999)
    };
    site
}
