//! The appliance with its outside replaced: a virtual clock, scripted phones, an obedient studio and journal.
//!
//! A story tells the phones how to behave, lets somebody call, lets time pass, and looks at the ladder. Whatever
//! the story, the world watches that the appliance keeps its promises; [`World::story`] ends it and asks for peace.

mod ladder;
mod manner;
mod phone;
mod site;
mod studio;
mod talk;

pub use manner::{Manner, OnCancel};
pub use phone::Phone;
pub use site::{BOX, PASSWORD, PBX, Site, agent, agent_at, agent_of_pbx, group};
pub use studio::Studio;
pub use talk::{Side, State};

use callpost::agents::AgentState;
use callpost::engine::{Command, Engine, Input, Notice, Output};
use callpost::media::{MediaEvent, MediaOrder};
use callpost::model::{
    Binding, CallId, CallKey, Cdr, Dice, Digit, Entry, LegId, LegKey, LegRole, NoteKind, Status, TapeDone,
    WallClock,
};
use callpost::sip::{Flow, Message, Method, Transport};
use jiff::tz::TimeZone;
use ladder::Ladder;
use phone::{Do, Wake};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use studio::Report;

/// The appliance and everything around it.
pub struct World {
    pub engine: Engine,
    pub start: Instant,
    pub now: Instant,
    pub ladder: Ladder,
    pub phones: Vec<Phone>,
    pub studio: Studio,
    pub weather: Weather,
    /// How long the journal takes to write, or nothing when it never answers.
    pub journal_takes: Option<Duration>,
    /// Whether the journal can write at all.
    pub journal_writes: bool,
    pub cdrs: Vec<Cdr>,
    pub notices: Vec<Notice>,
    pub entries: Vec<Entry>,
    pub dice: Dice,
    agenda: BTreeMap<(Instant, u64), Happening>,
    serial: u64,
    calls: BTreeMap<CallKey, Watched>,
    by_call_id: HashMap<String, CallKey>,
    /// The Call-ID of the message the appliance is hearing.
    hearing: Option<String>,
    by_id: HashMap<CallId, CallKey>,
    /// Which phone has the call of this Call-ID.
    owners: HashMap<String, usize>,
    /// Phones that rang or answered when a call was won by another, by Call-ID: they have to be told.
    losers: Vec<(usize, String)>,
}

/// What the wall clock shows when a story begins.
const EPOCH_MS: i64 = 1_790_000_000_000;

/// What the network does to datagrams.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub lost_percent: u64,
    pub doubled_percent: u64,
    /// Each message takes up to so long.
    pub latency_ms: u64,
}

/// A call of the appliance as the world watches it.
struct Watched {
    id: CallId,
    caller: String,
    caller_phone: usize,
    invited: Instant,
    /// Since when the journal's word is there.
    journaled: bool,
    agents: BTreeMap<LegId, String>,
    closed: u32,
}

/// What is going to happen.
enum Happening {
    ToBox(Flow, Vec<u8>),
    ToPhone(usize, Vec<u8>),
    Wake(usize, Wake),
    Report(Report),
    Journaled(CallKey, bool),
}

impl World {
    /// The office with all its phones registered and the PBX there.
    pub fn office() -> Self {
        Self::of(Site::office())
    }

    /// A site with all its phones registered.
    pub fn of(site: Site) -> Self {
        let mut world = Self::unregistered(site, 1);
        for name in world.names() {
            if world.phone(&name).password.is_some() {
                world.registers(&name, 3600);
            }
        }
        world.settle();
        world.ladder.lines.clear();
        world
    }

    /// The same on a board that does not know the time yet.
    pub fn unsynced(site: Site) -> Self {
        let mut world = Self::at_start(site, 1, 0);
        world.registers("ali", 3600);
        world
    }

    /// A site whose phones are silent so far.
    pub fn unregistered(site: Site, seed: u64) -> Self {
        Self::at_start(site, seed, EPOCH_MS)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn at_start(site: Site, seed: u64, unix_ms: i64) -> Self {
        let start = Instant::now();
        let mut dice = Dice::from_number(seed);
        let clock = WallClock::new(start, unix_ms, unix_ms > 0, TimeZone::UTC);
        let phones = phones_of(&site);
        let engine = Engine::new(start, site.settings(), clock, dice.fork(), Vec::new());
        let mut world = Self {
            engine,
            start,
            now: start,
            ladder: Ladder::default(),
            phones,
            studio: Studio::default(),
            weather: Weather::default(),
            journal_takes: Some(Duration::ZERO),
            journal_writes: true,
            cdrs: Vec::new(),
            notices: Vec::new(),
            entries: Vec::new(),
            dice,
            agenda: BTreeMap::new(),
            serial: 0,
            calls: BTreeMap::new(),
            by_call_id: HashMap::new(),
            hearing: None,
            by_id: HashMap::new(),
            owners: HashMap::new(),
            losers: Vec::new(),
        };
        world.caller("caller", "0501234567");
        world.settle();
        world
    }

    /// One more phone behind the PBX, to call from.
    pub fn caller(&mut self, name: &str, number: &str) {
        self.phones.push(Phone::new(name, number, PBX.parse().unwrap()));
    }

    /// A further phone for an extension.
    pub fn second_phone(&mut self, name: &str, extension: &str) {
        let place = u16::try_from(self.phones.len()).unwrap();
        let mut phone = Phone::new(name, extension, SocketAddr::from(([192, 0, 2, 50], 6000 + place)));
        phone.password = Some(PASSWORD.to_owned());
        self.phones.push(phone);
    }

    pub fn names(&self) -> Vec<String> {
        self.phones.iter().map(|phone| phone.name.clone()).collect()
    }

    pub fn place(&self, name: &str) -> usize {
        self.phones
            .iter()
            .position(|phone| phone.name == name)
            .unwrap_or_else(|| panic!("no phone {name}"))
    }

    pub fn phone(&mut self, name: &str) -> &mut Phone {
        let place = self.place(name);
        &mut self.phones[place]
    }

    /// Tells a phone how to take calls from now on.
    pub fn set(&mut self, name: &str, manner: Manner) {
        self.phone(name).manner = manner;
    }

    // What people do.

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

    /// Presses keys that the media hear (RFC 4733).
    pub fn presses(&mut self, name: &str, keys: &str) {
        let Some(leg) = self.leg_of(name) else {
            panic!("{name} is in no call")
        };
        for key in keys.chars() {
            let digit = Digit::from_char(key).unwrap();
            self.media(MediaEvent::DigitPressed { leg, digit });
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
            MediaEvent::DigitPressed { leg, digit } => {
                Some(format!("media: {} presses {digit}", self.leg_name(*leg)))
            }
            MediaEvent::WentDead { leg } => {
                Some(format!("media: nothing comes from {}", self.leg_name(*leg)))
            }
            MediaEvent::FellSilent { leg } => Some(format!("media: {} is silent", self.leg_name(*leg))),
            MediaEvent::OpenFailed { leg, reason } => {
                Some(format!("media: no port for {}: {reason}", self.leg_name(*leg)))
            }
            MediaEvent::PlayFinished { .. } | MediaEvent::Closed { .. } => None,
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

    // Time.

    /// Lets so many seconds pass, deadline by deadline.
    pub fn after_seconds(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        self.run_until(until);
    }

    pub fn run_until(&mut self, until: Instant) {
        let mut at_once = 0;
        loop {
            let deadline = self.engine.next_deadline();
            let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = deadline
                .into_iter()
                .chain(agenda)
                .min()
                .filter(|next| *next <= until)
            else {
                break;
            };
            at_once = if next > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 100_000, "the appliance turns in circles");
            self.now = self.now.max(next);
            if agenda == Some(next) {
                let Some((_, happening)) = self.agenda.pop_first() else {
                    break;
                };
                self.happen(happening);
            } else {
                self.handle(Input::DeadlineReached);
                let after = self.engine.next_deadline();
                assert!(
                    after.is_none_or(|after| after > self.now),
                    "a deadline that was reached is still there"
                );
            }
        }
        self.now = self.now.max(until);
    }

    /// Lets everything happen that happens now.
    pub fn settle(&mut self) {
        self.run_until(self.now);
    }

    /// Ends the story: after 70 quiet seconds nothing may be left of it. Gives the ladder with the records.
    pub fn story(&mut self) -> String {
        self.peace();
        let mut text = self.ladder.lines.join("\n");
        for cdr in &self.cdrs {
            text.push('\n');
            text.push_str(&ladder::cdr(cdr));
        }
        text
    }

    /// Waits until nothing should be left, and makes sure of it.
    pub fn peace(&mut self) {
        self.after_seconds(70.0);
        // Trunks are probed every 30 seconds; look when no probe is under way.
        let since = (self.now - self.start).as_secs_f64();
        self.after_seconds(30.0 - since % 30.0 + 10.0);
        assert!(self.engine.is_idle(), "a call outlived its story");
        let load = self.engine.load();
        let lost = self.studio.failed.len();
        assert_eq!(
            (load.transactions, load.sessions),
            (0, 0),
            "transactions, sessions left"
        );
        assert!(load.ports <= lost, "{} ports left", load.ports);
        assert!(
            self.studio.open.is_empty(),
            "media left open: {:?}",
            self.studio.open
        );
        for watched in self.calls.values() {
            assert_eq!(watched.closed, 1, "records of the call of {}", watched.caller);
        }
        for agent in self.engine.snapshot(self.now).agents {
            let rests = !matches!(agent.state, AgentState::Ringing | AgentState::Busy);
            assert!(rests, "{} is left {}", agent.id, agent.state);
        }
    }

    /// Stops the box and starts another one with what the journal knows of the phones.
    pub fn restarts(&mut self, site: Site) {
        let mut bindings: BTreeMap<(String, String), Binding> = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Bound(binding) = entry {
                bindings.insert(
                    (binding.extension.to_string(), binding.contact.clone()),
                    binding.clone(),
                );
            } else if let Entry::Unbound { extension, contact } = entry {
                bindings.remove(&(extension.to_string(), contact.clone()));
            }
        }
        let clock = WallClock::new(self.start, EPOCH_MS, true, TimeZone::UTC);
        let (dice, bindings) = (self.dice.fork(), bindings.into_values().collect());
        self.engine = Engine::new(self.now, site.settings(), clock, dice, bindings);
        self.write(|| "the box starts again".to_owned());
        self.settle();
    }

    /// Whether everybody who lost a call heard why. `in_these_words` when nothing else can have been under way.
    pub fn check_losers(&self, in_these_words: bool) {
        for (place, call_id) in &self.losers {
            let phone = &self.phones[*place];
            let talk = &phone.talks[call_id];
            let refused = talk.said.is_some_and(|status| status >= 300 && status != 487);
            let told = if in_these_words {
                talk.was_told_elsewhere()
            } else {
                !talk.reasons.is_empty()
            };
            let hung_up = talk.byed;
            assert!(
                refused || told || hung_up,
                "{} lost {call_id} and heard {:?}",
                phone.name,
                talk.reasons
            );
        }
    }

    /// The only record there is.
    pub fn cdr(&self) -> &Cdr {
        assert_eq!(self.cdrs.len(), 1, "records");
        &self.cdrs[0]
    }

    /// The leg a phone is in, in the newest call.
    pub fn leg_of(&self, name: &str) -> Option<LegKey> {
        let place = self.place(name);
        self.calls
            .iter()
            .rev()
            .filter(|(_, watched)| watched.closed == 0)
            .find_map(|(key, watched)| {
                if watched.caller_phone == place {
                    return Some(LegKey {
                        call: *key,
                        leg: LegId::CALLER,
                    });
                }
                let found = watched.agents.iter().rev().find(|(_, agent)| *agent == name);
                found.map(|(leg, _)| LegKey {
                    call: *key,
                    leg: *leg,
                })
            })
    }

    /// The identity of the newest call.
    pub fn call_id(&self) -> CallId {
        self.calls
            .last_key_value()
            .map(|(_, watched)| watched.id)
            .unwrap()
    }

    /// Calls that were let in.
    pub fn call_count(&self) -> usize {
        self.calls.len()
    }

    /// Calls that are not filed yet.
    pub fn open_calls(&self) -> Vec<(CallKey, CallId)> {
        let open = self.calls.iter().filter(|(_, watched)| watched.closed == 0);
        open.map(|(key, watched)| (*key, watched.id)).collect()
    }

    pub fn at(&self) -> Duration {
        self.now - self.start
    }

    // How it goes round.

    fn plan(&mut self, after: Duration, happening: Happening) {
        self.serial += 1;
        self.agenda.insert((self.now + after, self.serial), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToBox(flow, bytes) => {
                self.hearing = Message::parse(&bytes)
                    .ok()
                    .map(|message| message.call_id().to_owned());
                self.handle(Input::Message {
                    flow: &flow,
                    bytes: &bytes,
                });
                self.hearing = None;
            }
            Happening::ToPhone(place, bytes) => {
                self.serial += 1;
                let order = self.serial;
                let deeds = self.phones[place].hear(&bytes, order);
                self.carry_out(place, deeds);
            }
            Happening::Wake(place, wake) => {
                let deeds = self.phones[place].wake(wake);
                self.carry_out(place, deeds);
            }
            Happening::Report(Report::Media(event)) => self.handle(Input::Media(event)),
            Happening::Report(Report::Tape(done)) => self.tape_done(done),
            Happening::Report(Report::Played(leg, play)) => {
                if self.studio.finishes(leg, play) {
                    self.handle(Input::Media(MediaEvent::PlayFinished { leg, play }));
                }
            }
            Happening::Journaled(call, on_disk) => {
                if let Some(watched) = self.calls.get_mut(&call) {
                    watched.journaled = true;
                }
                self.handle(Input::Journaled { call, on_disk });
            }
        }
    }

    fn tape_done(&mut self, done: TapeDone) {
        if let Err(reason) = &done.result {
            self.write(|| format!("recorder: {reason}"));
        }
        self.handle(Input::Tape(done));
    }

    fn handle(&mut self, input: Input<'_>) {
        let outputs = self.engine.handle(self.now, input);
        for output in outputs {
            self.obey(output);
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Send { flow, bytes } => self.box_sends(flow, &bytes),
            Output::Media(order) => self.order(&order),
            Output::Tape(message) => self.studio.tape(self.now, message),
            Output::Journal(entry) => self.keep(entry),
            Output::Notice(notice) => self.notice(notice),
        }
    }

    fn order(&mut self, order: &MediaOrder) {
        if !self.ladder.quiet
            && let Some(line) = ladder::order(order, |leg| self.leg_name(leg))
        {
            self.write(|| format!("media: {line}"));
        }
        if let MediaOrder::Bridge { a, .. } = order {
            self.note_losers(*a);
        }
        for (after, report) in self.studio.obey(self.now, order) {
            self.plan(after, Happening::Report(report));
        }
    }

    /// Whoever rings for this call now, or has just answered, and did not win has to be told.
    fn note_losers(&mut self, caller: LegKey) {
        let Some(watched) = self.calls.get(&caller.call) else {
            return;
        };
        let caller = &self.phones[watched.caller_phone];
        if caller.talks.len() > 1 {
            return; // Its number does not tell which call a phone rings for.
        }
        let number = format!("sip:{}@", caller.user);
        for (place, phone) in self.phones.iter().enumerate() {
            let in_it = phone.talks.values().filter(|talk| {
                let is_open = matches!(talk.state, State::Ringing | State::Up) && talk.reasons.is_empty();
                is_open && talk.side == Side::Called && talk.them.contains(&number)
            });
            let lost = in_it.filter(|talk| Some(&talk.call_id) != self.hearing.as_ref());
            self.losers.extend(lost.map(|talk| (place, talk.call_id.clone())));
        }
    }

    fn keep(&mut self, entry: Entry) {
        match &entry {
            Entry::CallOpened { call, cdr } => self.call_opened(*call, cdr),
            Entry::CallNoted(note) => {
                if note.kind == NoteKind::Dialed
                    && let Some(leg) = note.leg
                    && let Some(key) = self.by_id.get(&note.call_id)
                    && let Some(watched) = self.calls.get_mut(key)
                {
                    watched.agents.insert(leg, note.detail.clone());
                }
            }
            Entry::CallClosed(cdr) => self.call_closed(cdr),
            Entry::Bound(binding) => {
                let extension = binding.extension.clone();
                self.write(|| format!("journal: {extension} bound"));
            }
            Entry::Unbound { extension, .. } => {
                let extension = extension.clone();
                self.write(|| format!("journal: {extension} unbound"));
            }
            Entry::RecordingOpened(_) => {}
        }
        if !self.ladder.quiet {
            self.entries.push(entry);
        }
    }

    fn call_opened(&mut self, call: CallKey, cdr: &Cdr) {
        let call_id = self.hearing.clone().expect("a call was opened without an INVITE");
        let caller_phone = *self.owners.get(&call_id).expect("a call from nobody");
        let watched = Watched {
            id: cdr.call_id,
            caller: self.phones[caller_phone].name.clone(),
            caller_phone,
            invited: self.now,
            journaled: false,
            agents: BTreeMap::new(),
            closed: 0,
        };
        let before = self.calls.insert(call, watched);
        assert!(before.is_none(), "a call was opened twice");
        self.by_call_id.insert(call_id, call);
        self.by_id.insert(cdr.call_id, call);
        self.write(|| "journal: call opened".to_owned());
        if let Some(after) = self.journal_takes {
            let on_disk = self.journal_writes;
            self.plan(after, Happening::Journaled(call, on_disk));
        }
    }

    fn call_closed(&mut self, cdr: &Cdr) {
        let key = self.by_id.get(&cdr.call_id);
        match key.and_then(|key| self.calls.get_mut(key)) {
            Some(watched) => watched.closed += 1,
            None => assert!(cdr.cause.is_some(), "a record without a call: {cdr:?}"),
        }
        check_record(cdr);
        self.write(|| format!("journal: call closed, {}", cdr.status.as_str()));
        self.cdrs.push(cdr.clone());
    }

    fn notice(&mut self, notice: Notice) {
        match &notice {
            Notice::CallRefused { .. }
            | Notice::PortFailed { .. }
            | Notice::PhoneGone { .. }
            | Notice::TrunkChanged { up: false, .. } => self.write(|| format!("log: {notice}")),
            Notice::RecordingFailed { reason, .. } => {
                self.write(|| format!("log: recording failed: {reason}"))
            }
            Notice::JournalLate { .. } => self.write(|| "log: the journal is late".to_owned()),
            Notice::CallArrived { .. }
            | Notice::CallAnswered { .. }
            | Notice::CallEnded { .. }
            | Notice::PhoneRegistered { .. }
            | Notice::TrunkChanged { up: true, .. } => {}
        }
        if !self.ladder.quiet {
            self.notices.push(notice);
        }
    }

    fn box_sends(&mut self, flow: Flow, bytes: &[u8]) {
        let message = Message::parse(bytes)
            .unwrap_or_else(|_| panic!("the box wrote this:\n{}", String::from_utf8_lossy(bytes)));
        if message.method() == Method::Options && message.is_request() {
            return self.answer_probe(flow, &message);
        }
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

    /// Nothing that makes a telephone ring or speak leaves before the journal has the call.
    fn check_journal_first(&self, message: &Message<'_>) {
        if message.method() == Method::Invite
            && message
                .status()
                .is_some_and(|status| (101..300).contains(&status))
            && let Some(watched) = self
                .by_call_id
                .get(message.call_id())
                .and_then(|key| self.calls.get(key))
        {
            let patience = self.now - watched.invited >= Duration::from_secs(2);
            assert!(
                watched.journaled || patience,
                "a caller was served before the journal had the call"
            );
        }
    }

    fn answer_probe(&mut self, flow: Flow, probe: &Message<'_>) {
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
    fn phone_for(&self, flow: &Flow, message: &Message<'_>) -> Option<usize> {
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

    fn carry_out(&mut self, place: usize, deeds: Vec<Do>) {
        for deed in deeds {
            match deed {
                Do::Send(bytes) => self.phone_sends(place, bytes),
                Do::Later(after, wake) => self.plan(after, Happening::Wake(place, wake)),
            }
        }
    }

    fn phone_sends(&mut self, place: usize, bytes: Vec<u8>) {
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

    fn copies(&mut self, flow: &Flow) -> u32 {
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

    fn latency(&mut self) -> Duration {
        match self.weather.latency_ms {
            0 => Duration::ZERO,
            most => Duration::from_millis(self.dice.roll(most + 1)),
        }
    }

    fn leg_name(&self, leg: LegKey) -> String {
        let Some(watched) = self.calls.get(&leg.call) else {
            return leg.to_string();
        };
        if leg.leg == LegId::CALLER {
            return watched.caller.clone();
        }
        watched
            .agents
            .get(&leg.leg)
            .cloned()
            .unwrap_or_else(|| leg.to_string())
    }

    pub fn write(&mut self, line: impl FnOnce() -> String) {
        let at = self.at();
        self.ladder.write(at, line);
    }
}

/// What is true of every record.
fn check_record(cdr: &Cdr) {
    assert!(cdr.is_final && cdr.ended_at.is_some(), "{cdr:?}");
    let answered = cdr.agent.is_some();
    assert_eq!(answered, cdr.answered_at.is_some(), "{cdr:?}");
    if answered {
        assert_eq!(
            (cdr.status, cdr.wait_ms + cdr.talk_ms),
            (Status::Answer, cdr.duration_ms),
            "{cdr:?}"
        );
    } else {
        assert_eq!((cdr.talk_ms, cdr.wait_ms), (0, cdr.duration_ms), "{cdr:?}");
    }
    assert!(
        cdr.ring_ms <= cdr.wait_ms && cdr.hold_ms <= cdr.duration_ms,
        "{cdr:?}"
    );
    let winners = cdr
        .legs
        .iter()
        .filter(|leg| leg.role == LegRole::Agent && leg.result == "answered")
        .count();
    assert_eq!(winners, usize::from(answered), "{cdr:?}");
    for leg in &cdr.legs {
        assert!(leg.ended_at.is_some() && leg.result != "dialed", "{leg:?}");
    }
}

/// A phone for each agent, registered or not.
fn phones_of(site: &Site) -> Vec<Phone> {
    use callpost::agents::Reach;
    let mut phones = Vec::new();
    for (place, agent) in (10_u8..).zip(&site.agents) {
        let own = SocketAddr::from(([192, 0, 2, place], 5060));
        phones.push(match &agent.reach {
            Reach::Extension(number) => {
                let mut phone = Phone::new(agent.id.as_str(), number.as_str(), own);
                phone.password = Some(PASSWORD.to_owned());
                phone
            }
            Reach::Trunk(_, number) => Phone::new(agent.id.as_str(), number.as_str(), PBX.parse().unwrap()),
            Reach::Contact(uri) => {
                let (user, address) = uri.trim_start_matches("sip:").split_once('@').unwrap();
                Phone::new(agent.id.as_str(), user, address.parse().unwrap())
            }
        });
    }
    phones
}
