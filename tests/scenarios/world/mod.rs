//! The appliance with its outside replaced: a virtual clock, scripted phones, an obedient studio and journal.
//!
//! A story tells the phones how to behave, lets somebody call, lets time pass, and looks at the ladder. Whatever
//! the story, the world watches that the appliance keeps its promises; [`World::story`] ends it and asks for peace.

mod deeds;
mod diagnosis;
mod ladder;
mod manner;
mod outside;
mod phone;
mod promises;
mod site;
mod studio;
mod talk;
mod wire;

pub use manner::{Early, Manner, OnCancel};
pub use phone::Phone;
pub use site::{BOX, PASSWORD, PBX, Site, agent, agent_at, agent_of_pbx, group};
pub use studio::Studio;
pub use talk::{Side, State};

use callpost::engine::{Engine, Input, Notice};
use callpost::media::MediaEvent;
use callpost::model::{
    Binding, CallId, CallKey, Cdr, Dice, Entry, Greeting, LegId, LegKey, Mailbox, MessageState, WallClock,
};
use callpost::sip::{Flow, Message, ResolveError, Target};
use jiff::tz::TimeZone;
use ladder::Ladder;
use phone::Wake;
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
    /// What DNS says of a name, and for how long.
    pub names: BTreeMap<String, (Result<Vec<Target>, ResolveError>, Duration)>,
    pub cdrs: Vec<Cdr>,
    pub notices: Vec<Notice>,
    pub entries: Vec<Entry>,
    pub dice: Dice,
    /// Every message that went by, unless nobody looks.
    post: Vec<diagnosis::Letter>,
    /// Whose messages these Call-IDs are.
    dialogs: HashMap<String, (CallId, LegId)>,
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
    /// The Call-IDs of those who won.
    winners: std::collections::HashSet<String>,
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
    Resolved(u64, Result<Vec<Target>, ResolveError>, Duration),
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
            names: BTreeMap::new(),
            cdrs: Vec::new(),
            notices: Vec::new(),
            entries: Vec::new(),
            dice,
            post: Vec::new(),
            dialogs: HashMap::new(),
            agenda: BTreeMap::new(),
            serial: 0,
            calls: BTreeMap::new(),
            by_call_id: HashMap::new(),
            hearing: None,
            by_id: HashMap::new(),
            owners: HashMap::new(),
            losers: Vec::new(),
            winners: std::collections::HashSet::new(),
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

    /// Stops the box and starts another one with what the journal knows of the phones.
    pub fn restarts(&mut self, site: Site) {
        let mut bindings: BTreeMap<(String, String), Binding> = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Bound(binding) = entry {
                bindings.insert(
                    (binding.extension.to_string(), binding.contact.clone()),
                    binding.clone(),
                );
            } else if let Entry::Refreshed(refreshed) = entry {
                for binding in refreshed {
                    bindings.insert(
                        (binding.extension.to_string(), binding.contact.clone()),
                        binding.clone(),
                    );
                }
            } else if let Entry::Unbound { extension, contact } = entry {
                bindings.remove(&(extension.to_string(), contact.clone()));
            }
        }
        let (messages, greetings) = self.boxes();
        let clock = WallClock::new(self.start, EPOCH_MS, true, TimeZone::UTC);
        let (dice, bindings) = (self.dice.fork(), bindings.into_values().collect());
        self.engine = Engine::new(self.now, site.settings(), clock, dice, bindings);
        self.engine
            .restore_mailboxes(self.now, messages, greetings.into_iter().collect());
        self.write(|| "the box starts again".to_owned());
        self.settle();
    }

    /// What the journal knows of messages and greetings.
    pub fn boxes(&self) -> (Vec<callpost::model::Message>, BTreeMap<Mailbox, Greeting>) {
        let (mut messages, mut greetings) = (BTreeMap::new(), BTreeMap::new());
        for entry in &self.entries {
            if let Entry::MessageLeft { message, .. } = entry {
                messages.insert(message.id, (**message).clone());
            } else if let Entry::MessageMarked { id, state } = entry {
                if let Some(message) = messages.get_mut(id) {
                    message.state = *state;
                }
            } else if let Entry::GreetingSet { mailbox, greeting } = entry {
                match greeting {
                    Some(greeting) => greetings.insert(mailbox.clone(), greeting.clone()),
                    None => greetings.remove(mailbox),
                };
            }
        }
        messages.retain(|_, message| message.state != MessageState::Deleted);
        (messages.into_values().collect(), greetings)
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

    fn plan(&mut self, after: Duration, happening: Happening) {
        self.serial += 1;
        self.agenda.insert((self.now + after, self.serial), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToBox(flow, bytes) => {
                self.keep_letter(false, flow, &bytes);
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
            Happening::Resolved(token, result, ttl) => self.handle(Input::Resolved { token, result, ttl }),
            Happening::Journaled(call, on_disk) => {
                if let Some(watched) = self.calls.get_mut(&call) {
                    watched.journaled = true;
                }
                self.handle(Input::Journaled { call, on_disk });
            }
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        let outputs = self.engine.handle(self.now, input);
        for output in outputs {
            self.obey(output);
        }
    }

    pub fn write(&mut self, line: impl FnOnce() -> String) {
        let at = self.at();
        self.ladder.write(at, line);
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
