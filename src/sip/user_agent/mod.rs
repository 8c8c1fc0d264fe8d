//! The user agent: calls, registrations and probes on top of transactions and dialogs.
//!
//! It takes messages and orders and gives messages and events; what an event means for a call is not its concern.
//! A request is admitted in `admit`, served outside of dialogs in `serve` and inside in `within`; `invite` asks others,
//! `hear` takes their responses, `guarded` is where strangers are stopped, `part` ends a session whatever state it is
//! in. `reliable` is RFC 3262, `early` what is heard before an answer,
//! `session_timer` with `refresh` RFC 4028, `subscribe` RFC 6665, `relay` and
//! `words` RFC 3428, `refer`
//! RFC 3515, `redirect` what becomes of 3xx, `replace` RFC 3891; `phones` asks whether registered phones are there, `cut_off` waits for one whose
//! connection closed.

mod admit;
mod challenged;
mod chores;
mod cut_off;
mod departing;
mod diverted;
mod early;
mod failover;
mod flows;
mod guarded;
mod hear;
mod identity;
mod invite;
mod io;
mod keypad;
mod offer;
mod part;
mod phones;
mod probe;
mod redirect;
mod refer;
mod refresh;
mod registration;
mod relay;
mod reliable;
mod replace;
mod serve;
mod session;
mod session_timer;
mod subscribe;
mod targets;
mod wake;
mod within;
mod words;

#[cfg(test)]
pub(in crate::sip) mod office;
#[cfg(test)]
mod phone_stories;
#[cfg(test)]
mod relay_stories;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod trunk_stories;

pub use io::{
    Counts, Event, Farewell, Incoming, Invitation, Origin, Outage, Output, Referral, Replaced, Replacing,
    Route, SessionId,
};
pub use phones::Reach;

use super::digest::Authenticator;
use super::events::{Notifier, Package, SubscriptionId};
use super::guard::Guard;
use super::registrar::{Binding, Registrar, Unbound};
use super::settings::{Account, Settings};
use super::transaction::{ClientId, Lapsed, Transactions};
use super::{Draft, Flow, Malformed, Message, Method, Name, Query, StatusLine};
use crate::model::{self, Dice, Number, TrunkName};
use bytes::Bytes;
use chores::Chores;
use departing::Departures;
use phones::Phones;
use relay::Relays;
use session::Session;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What the box understands, for Allow.
const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO, UPDATE, PRACK, REFER, SUBSCRIBE, NOTIFY, MESSAGE";

/// The connection that a phone opened is gone, and nothing else leads to it (RFC 5626 §11.6).
const FLOW_FAILED: u16 = 430;

/// The extensions the box knows, for Supported (§20.37).
const SUPPORTED: &str = "100rel, timer, replaces, norefersub";

/// Everything SIP that lives longer than a message.
#[derive(Debug)]
pub struct UserAgent {
    settings: Settings,
    dice: Dice,
    accounts: HashMap<Number, Account>,
    transactions: Transactions<Owner>,
    sessions: HashMap<SessionId, Session>,
    by_tag: HashMap<Box<str>, SessionId>,
    /// Which session wants to be woken when.
    wakes: BTreeSet<(Instant, SessionId)>,
    /// The realm each trunk's challenges have named; others get no answer.
    realms: HashMap<TrunkName, String>,
    registrar: Registrar,
    authenticator: Authenticator,
    chores: Chores,
    departures: Departures,
    notifier: Notifier,
    relays: Relays,
    phones: Phones,
    guard: Guard,
    /// How long the message is that is being heard, in bytes.
    hearing: usize,
    counts: Counts,
    last_session: u64,
    started: Instant,
    /// Where the response being heard came from.
    heard_from: Option<IpAddr>,
    questions: VecDeque<Query>,
    last_question: u64,
    events: VecDeque<Event>,
    sends: VecDeque<(Flow, Bytes)>,
    /// Connections whose peers turned out to be known, and how long they may be silent.
    kept: VecDeque<(u64, Duration)>,
    /// Connections to be closed.
    closes: Vec<u64>,
}

/// Whom the outcome of a request of ours concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The INVITE of a session.
    Invite(SessionId),
    /// An INVITE of a session that was given up for another target.
    GivenUp(SessionId),
    /// The BYE of a session.
    Bye(SessionId),
    /// The same once more, with credentials.
    LastBye(SessionId),
    /// A re-INVITE or UPDATE of a session.
    Within(SessionId),
    /// A NOTIFY of a session about its REFER.
    Report(SessionId),
    /// The same once more, with credentials.
    LastReport(SessionId),
    /// A PRACK of a session.
    Prack(SessionId),
    /// The same once more, with credentials.
    LastPrack(SessionId),
    /// A key by INFO.
    Key(SessionId),
    /// The same once more, with credentials.
    LastKey(SessionId),
    /// The probe of a trunk, by its place.
    Probe(usize),
    /// Our registration with a trunk, by its place.
    Register(usize),
    /// Our leave-taking from a trunk that is no more, by its number.
    Departure(u64),
    /// The NOTIFY of a subscription.
    Notify(SubscriptionId),
    /// A NOTIFY that a phone did not ask for, by the number of its binding.
    Unasked(u64),
    /// A MESSAGE on its way, by its number.
    Relay(u64),
    /// Whether a phone is there, by the number of its binding.
    Phone(u64),
    /// Nobody waits for it.
    Nobody,
}

impl UserAgent {
    /// A user agent at rest; trunks are probed and registered with from now on.
    pub fn new(now: Instant, settings: Settings, mut dice: Dice) -> Self {
        let accounts: HashMap<Number, Account> = settings
            .accounts
            .iter()
            .map(|account| (account.extension.clone(), account.clone()))
            .collect();
        let guard = Guard::new(now, settings.guard.clone(), accounts.keys(), &mut dice);
        let registrar = Registrar::new(settings.registrations);
        let authenticator = Authenticator::new(&settings.realm, &settings.digests, now, &mut dice);
        let chores = Chores::new(now, &settings, &mut dice);
        let transactions = Transactions::new(&settings.listeners);
        Self {
            settings,
            dice,
            accounts,
            transactions,
            sessions: HashMap::new(),
            by_tag: HashMap::new(),
            wakes: BTreeSet::new(),
            realms: HashMap::new(),
            registrar,
            authenticator,
            chores,
            departures: Departures::default(),
            notifier: Notifier::default(),
            relays: Relays::default(),
            phones: Phones::default(),
            guard,
            hearing: 0,
            counts: Counts::default(),
            last_session: 0,
            started: now,
            heard_from: None,
            questions: VecDeque::new(),
            last_question: 0,
            events: VecDeque::new(),
            sends: VecDeque::new(),
            kept: VecDeque::new(),
            closes: Vec::new(),
        }
    }

    /// Takes the registrations of the last run.
    pub fn restore(&mut self, now: Instant, now_unix_ms: i64, bindings: Vec<model::Binding>) {
        let gone = self.registrar.restore(now, now_unix_ms, bindings);
        for binding in self.registrar.all() {
            self.guard
                .lives_at(now, &binding.extension, binding.flow.peer.ip());
        }
        self.unbound(now, gone);
        self.ask_all_phones(now);
    }

    /// Takes over new accounts and trunks. The sockets and the realm stay until a restart: every stored password
    /// and every dialog hangs on them.
    pub fn reconfigure(&mut self, now: Instant, mut settings: Settings) {
        settings.listeners = self.settings.listeners.clone();
        settings.realm = self.settings.realm.clone();
        for trunk in &mut settings.trunks {
            let known = self.settings.trunks.iter().find(|own| own.is_where(trunk));
            if let Some(known) = known {
                trunk.targets = known.targets.clone();
            }
        }
        let accounts = settings
            .accounts
            .iter()
            .map(|account| (account.extension.clone(), account.clone()))
            .collect();
        let before = std::mem::replace(&mut self.accounts, accounts);
        self.let_go_of_strangers(now, &before);
        self.guard
            .reconfigure(settings.guard.clone(), self.accounts.keys());
        let old = std::mem::replace(&mut self.settings, settings);
        self.take_over_chores(now, &old);
        let trunks = &self.settings.trunks;
        self.realms.retain(|name, _| {
            let is_same = |trunk: &&super::Trunk| {
                trunk.name == *name && old.trunks.iter().any(|own| own.registers_like(trunk))
            };
            trunks.iter().any(|trunk| is_same(&trunk))
        });
        let (accounts, notifier) = (&self.accounts, &mut self.notifier);
        notifier.keep_only(now, |extension| accounts.contains_key(extension));
        if old.qualify_every != self.settings.qualify_every {
            self.ask_all_phones(now);
        }
    }

    /// Who may speak SIP with us now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A message came.
    pub fn receive(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        self.counts.received += 1;
        if !self.is_heard(now, flow) {
            return;
        }
        if flows::is_stun(flow, bytes) {
            return self.hear_stun(flow, bytes);
        }
        self.hearing = bytes.len();
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => self.hear_request(now, flow, &message),
            Ok(message) => self.hear_response(now, flow, &message),
            Err(malformed) => self.complain(now, flow, bytes, &malformed),
        }
        self.notify(now);
        self.flush();
    }

    /// What cannot be read is answered if it asks for an answer and can be given one.
    fn complain(&mut self, now: Instant, flow: &Flow, bytes: &[u8], malformed: &Malformed<'_>) {
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return; // A keep-alive (RFC 5626 §3.5.1, and phones that send NULs).
        }
        self.hear_noise(now, flow, malformed.fault);
        if !self.pays(now, flow) {
            return;
        }
        let tag = self.dice.token();
        if let (Some(answer), Some(via)) = (malformed.answer(flow.peer, &tag), malformed.top_via()) {
            let back = super::transaction::answer_flow(flow, &via);
            let answer = self.fit(now, flow, answer);
            self.sends.extend(answer.map(|answer| (back, answer)));
        }
    }

    /// A stream is gone: what waited for answers there waits no more, and phones known only by it are unreachable.
    pub fn stream_closed(&mut self, now: Instant, connection: u64) {
        let gone = self.registrar.flow_closed(connection);
        self.unbound(now, gone);
        self.notifier.flow_closed(now, connection);
        self.cut_off_sessions(now, connection);
        let lost = self
            .transactions
            .flow_is_dead(now, |flow| flow.connection == Some(connection));
        self.lose(now, lost, FLOW_FAILED);
    }

    /// A stream could not be opened.
    pub fn unreachable(&mut self, now: Instant, flow: &Flow) {
        let lost = self.transactions.flow_is_dead(now, |own| {
            own.transport == flow.transport && own.peer == flow.peer
        });
        let status = if flow.connection.is_some() {
            FLOW_FAILED
        } else {
            503
        };
        self.lose(now, lost, status);
    }

    fn lose(&mut self, now: Instant, owners: Vec<Owner>, status: u16) {
        for owner in owners {
            self.no_answer(now, owner, status);
        }
        self.notify(now);
        self.flush();
    }

    /// When to call [`UserAgent::deadline_reached`].
    pub fn next_deadline(&self) -> Option<Instant> {
        [
            self.transactions.next_deadline(),
            self.registrar.next_deadline(),
            self.chores.next_deadline(),
            self.departures.next_deadline(),
            self.notifier.next_deadline(),
            self.phones.next_deadline(),
            self.next_question(),
            self.wakes.first().map(|(at, _)| *at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Time has passed.
    pub fn deadline_reached(&mut self, now: Instant) {
        while let Some(lapsed) = self.transactions.next_lapsed(now) {
            match lapsed {
                Lapsed::NoAnswer(owner) => self.no_answer(now, owner, 408),
                Lapsed::NoAck(owner) => self.no_ack(now, owner),
            }
        }
        self.wake_sessions(now);
        let gone = self.registrar.expire(now);
        self.unbound(now, gone);
        self.ask_for_names(now);
        self.do_chores(now);
        self.ask_phones(now);
        self.notifier.wake(now);
        self.notify(now);
        self.flush();
    }

    /// The next thing to do; messages before events, so that a CANCEL is not kept waiting by what follows from it.
    pub fn next_output(&mut self) -> Option<Output> {
        self.flush();
        if let Some((flow, bytes)) = self.sends.pop_front() {
            return Some(Output::Send { flow, bytes });
        }
        if let Some((connection, silent_for)) = self.kept.pop_front() {
            return Some(Output::Keep {
                connection,
                silent_for,
            });
        }
        if let Some(connection) = self.closes.pop() {
            return Some(Output::Close(connection));
        }
        self.next_query()
            .or_else(|| self.events.pop_front().map(Output::Event))
    }

    /// The contact URIs of an extension's phones that are there, the preferred first.
    pub fn contacts(&self, now: Instant, extension: &Number) -> impl Iterator<Item = &str> {
        self.phones_to_ring(now, extension)
            .map(|binding| binding.contact.as_str())
    }

    /// Every registered contact.
    pub fn registrations(&self, now: Instant) -> impl Iterator<Item = &Binding> {
        let live = move |binding: &&Binding| binding.expires_at > now;
        self.registrar.all().filter(live)
    }

    /// One registered contact, by its URI.
    pub fn registration(&self, extension: &Number, contact: &str) -> Option<&Binding> {
        self.registrar.find(extension, contact)
    }

    /// Subscriptions that are held.
    pub fn subscriptions(&self) -> usize {
        self.notifier.len()
    }

    /// The Call-ID of a session that is still there.
    pub fn call_id(&self, id: SessionId) -> Option<&str> {
        let session = self.sessions.get(&id)?;
        Some(session.dialog.call_id.as_str())
    }

    /// Counts since start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Transactions and sessions that are not yet forgotten.
    pub fn load(&self) -> (usize, usize) {
        (self.transactions.len(), self.sessions.len())
    }

    /// Gives the room of a past rush back.
    pub fn shrink(&mut self) {
        const SMALL: usize = 64;
        self.transactions.shrink();
        self.sessions.shrink_to(SMALL);
        self.by_tag.shrink_to(SMALL);
        self.notifier.shrink();
        self.events.shrink_to(SMALL);
        self.sends.shrink_to(SMALL);
    }

    /// Phones whose account is gone, or has another password, are not registered any more: whoever has the new one
    /// registers again.
    fn let_go_of_strangers(&mut self, now: Instant, before: &HashMap<Number, Account>) {
        let is_same = |old: &Account| {
            let new = self.accounts.get(&old.extension);
            new.is_some_and(|new| new.ha1 == old.ha1)
        };
        let mut strangers: Vec<&Number> = before
            .values()
            .filter(|old| !is_same(old))
            .map(|old| &old.extension)
            .collect();
        strangers.sort_unstable(); // A story with a seed tells the same again.
        for extension in strangers {
            let gone = self.registrar.forget(extension);
            self.unbound(now, gone);
        }
    }

    fn unbound(&mut self, now: Instant, gone: Vec<Unbound>) {
        for unbound in &gone {
            self.notifier.changed(now, Package::Reg, &unbound.extension);
        }
        self.events.extend(gone.into_iter().map(Event::Unbound));
    }

    fn flush(&mut self) {
        self.sends.extend(self.transactions.take_sends());
    }

    fn new_client(&mut self) -> ClientId {
        ClientId::new(&self.dice.token())
    }

    /// A response without a transaction: for requests that are not worth remembering.
    fn reply<'s>(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        status: impl Into<StatusLine<'s>>,
        more: impl FnOnce(Draft) -> Draft,
    ) {
        if request.method() == Method::Ack {
            return;
        }
        let tag = self.dice.token();
        let draft = Draft::response(request, flow.peer, status, Some(&tag));
        let draft = more(draft).header(Name::Server, &self.settings.product);
        let back = super::transaction::answer_flow(flow, request.top_via());
        let answer = self.fit(now, flow, draft.finish());
        self.sends.extend(answer.map(|answer| (back, answer)));
    }
}
