use super::deadlines::Deadlines;
use super::file::Filing;
use super::line::{Line, Live};
use super::mailbox::Mailboxes;
use super::outside::DialBook;
use super::pin_guard::PinGuard;
use super::ports::Ports;
use super::refreshes::Refreshes;
use super::trunks::TrunkHealth;
use super::{Command, Counters, Input, Notice, Output, Settings};
use crate::agents::Roster;
use crate::call::{Event, Policy};
use crate::model::{Binding, CallId, CallKey, Dice, Entry, LegKey, TrunkName, WallClock};
use crate::sip::{self, SessionId, UserAgent};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The whole appliance. Owns every call and every registration.
#[derive(Debug)]
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) dice: Dice,
    pub(super) clock: WallClock,
    pub(super) started: Instant,
    pub(super) sip: UserAgent,
    pub(super) roster: Roster,
    pub(super) calls: HashMap<CallKey, Live>,
    pub(super) sessions: HashMap<SessionId, LegKey>,
    pub(super) ports: Ports,
    /// Ports whose sockets are being closed.
    pub(super) closing: HashMap<LegKey, u16>,
    /// Calls that ended and wait for the last facts of their record.
    pub(super) filings: BTreeMap<CallKey, Filing>,
    pub(super) trunks: HashMap<TrunkName, TrunkHealth>,
    pub(super) dial_book: DialBook,
    pub(super) refreshes: Refreshes,
    pub(super) mailboxes: Mailboxes,
    pub(super) pin_guard: PinGuard,
    pub(super) counters: Counters,
    pub(super) journal_behind: bool,
    pub(super) draining: bool,
    pub(super) shutting_down: bool,
    /// Somebody who comes to a call by themselves, until the call has taken them in.
    pub(super) newcomer: Option<Line>,
    pub(super) out: Vec<Output>,
    mail: VecDeque<(CallKey, Event)>,
    deadlines: Deadlines,
    last_key: u32,
}

/// Pause between rounds that ended early because every phone refused.
const PAUSE_BETWEEN_ROUNDS: Duration = Duration::from_secs(3);
/// A conversation longer than this is a phone somebody forgot.
const LONGEST_TALK: Duration = Duration::from_secs(12 * 3600);

impl Engine {
    /// An appliance at rest. `bindings` are the registrations of the last run.
    pub fn new(
        now: Instant,
        settings: Settings,
        clock: WallClock,
        mut dice: Dice,
        bindings: Vec<Binding>,
    ) -> Self {
        let mut sip = UserAgent::new(now, settings.sip.clone(), dice.fork());
        sip.restore(now, clock.stamp(now).unix_ms, bindings);
        let roster = Roster::new(settings.agents.clone(), settings.groups.clone());
        let ports = Ports::new(settings.rtp_ports.0, settings.rtp_ports.1);
        Self {
            settings,
            dice,
            clock,
            started: now,
            sip,
            roster,
            calls: HashMap::new(),
            sessions: HashMap::new(),
            ports,
            closing: HashMap::new(),
            filings: BTreeMap::new(),
            trunks: HashMap::new(),
            dial_book: DialBook::default(),
            refreshes: Refreshes::default(),
            mailboxes: Mailboxes::default(),
            pin_guard: PinGuard::default(),
            counters: Counters::default(),
            journal_behind: false,
            draining: false,
            shutting_down: false,
            newcomer: None,
            out: Vec::new(),
            mail: VecDeque::new(),
            deadlines: Deadlines::default(),
            last_key: 0,
        }
    }

    /// Takes one input and says what to do about it.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) -> Vec<Output> {
        match input {
            Input::Message { flow, bytes } => self.sip.receive(now, flow, bytes),
            Input::StreamClosed(connection) => self.sip.stream_closed(now, connection),
            Input::Unreachable(flow) => self.sip.unreachable(now, &flow),
            Input::Media(event) => self.hear_media(now, event),
            Input::Tape(done) => self.tape_done(now, done),
            Input::Journaled { call, on_disk } => self.journaled(now, call, on_disk),
            Input::Resolved { token, result, ttl } => self.sip.resolved(now, token, result, ttl),
            Input::Command(command) => self.obey(now, command),
            Input::JournalBehind(behind) => self.journal_behind = behind,
            Input::ClockSynced(unix_ms) => self.sync_clock(now, unix_ms),
            Input::Reload(settings) => self.reload(now, *settings),
            Input::Drain => self.drain(now),
            Input::Shutdown => self.shut_down(now),
            Input::DeadlineReached => self.deadline_reached(now),
        }
        self.settle(now);
        std::mem::take(&mut self.out)
    }

    /// When to send the next [`Input::DeadlineReached`]. It may come early; that costs one look.
    pub fn next_deadline(&self) -> Option<Instant> {
        let filing = self.filings.values().map(Filing::due).min();
        let sip = self.sip.next_deadline();
        [sip, self.deadlines.next(), filing, self.refreshes.due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether no call is live, every record is filed, and no registrar is being taken leave of.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.filings.is_empty() && !self.sip.is_parting()
    }

    /// Works off what one input set in motion, until nothing moves.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.sip.next_output() {
                match output {
                    sip::Output::Send { flow, bytes } => {
                        self.counters.sip_sent += 1;
                        self.out.push(Output::Send { flow, bytes });
                    }
                    sip::Output::Keep {
                        connection,
                        silent_for,
                    } => {
                        self.out.push(Output::Keep {
                            connection,
                            silent_for,
                        });
                    }
                    sip::Output::Close(connection) => self.out.push(Output::Close(connection)),
                    sip::Output::Resolve(query) => self.out.push(Output::Resolve(query)),
                    sip::Output::Event(event) => self.hear_sip(now, event),
                }
            }
            match self.mail.pop_front() {
                Some((key, event)) => self.happen(now, key, event),
                None if self.light_lamps(now) => {}
                None => break,
            }
        }
    }

    /// Tells a call; it hears it when the current work is done.
    pub(super) fn tell(&mut self, key: CallKey, event: Event) {
        self.mail.push_back((key, event));
    }

    pub(super) fn happen(&mut self, now: Instant, key: CallKey, event: Event) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let actions = live.call.handle(now, event);
        for action in actions {
            self.act(now, key, action);
        }
        self.keep_secrets(key);
        self.hint(key);
    }

    /// Puts the call's next deadline into the queue, if it is a new one.
    pub(super) fn hint(&mut self, key: CallKey) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let next = live.next_deadline();
        if next != live.hinted {
            live.hinted = next;
            if let Some(at) = next {
                self.deadlines.note(at, key);
            }
        }
    }

    fn deadline_reached(&mut self, now: Instant) {
        self.sip.deadline_reached(now);
        while let Some(key) = self.deadlines.pop_due(now) {
            let Some(live) = self.calls.get_mut(&key) else {
                continue;
            };
            live.hinted = None;
            if live.journal_due.is_some_and(|due| due <= now) {
                let call = live.call.setup().id;
                self.out.push(Output::Notice(Notice::JournalLate { call }));
                self.journaled(now, key, false);
            } else if live.call.next_deadline().is_some_and(|due| due <= now) {
                // The next hint follows once the call has heard it; until then its deadline is this one.
                self.tell(key, Event::DeadlineReached);
            } else {
                self.hint(key);
            }
        }
        self.file_overdue(now);
        self.journal_due_refreshes(now);
    }

    /// The journal has spoken, or has been silent too long: either way the caller is served. A box whose disk
    /// fails still answers the telephone; the alarm says what is at stake.
    fn journaled(&mut self, _now: Instant, key: CallKey, _on_disk: bool) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        if live.journal_due.take().is_some() {
            self.tell(key, Event::CallerArrived);
        }
    }

    fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::HangUp(id) => {
                if let Some(key) = self.key_of(id) {
                    self.tell(key, Event::HangUpOrdered);
                }
            }
            Command::LiftBan(source) => {
                if self.sip.lift_ban(now, source) {
                    self.out.push(Output::Notice(Notice::BanLifted { source }));
                }
            }
            Command::Transfer { call, to, kind } => self.transfer_ordered(call, to, kind),
            Command::Hold(id) => {
                if let Some(key) = self.key_of(id) {
                    self.tell(key, Event::HoldOrdered(true));
                }
            }
            Command::Resume(id) => {
                if let Some(key) = self.key_of(id) {
                    self.tell(key, Event::HoldOrdered(false));
                }
            }
            Command::Record { call, action, by } => {
                if let Some(key) = self.key_of(call) {
                    self.tell(key, Event::RecordOrdered(action, by));
                }
            }
            Command::Join { call, who, kind } => self.join_ordered(now, call, who, kind),
            Command::SetAgentState { agent, state, reason } => {
                // The API has checked the name against the snapshot; an agent removed since is no loss.
                let _ = self.roster.set_state(now, &agent, state, reason);
            }
            Command::MailboxHeard(mailbox) => self.mailbox_heard(now, &mailbox),
            Command::MarkMessage(id, state) => self.mark_message(now, id, state),
        }
    }

    pub(super) fn key_of(&self, id: CallId) -> Option<CallKey> {
        self.calls
            .values()
            .find(|live| live.call.setup().id == id)
            .map(|live| live.key)
    }

    fn sync_clock(&mut self, now: Instant, unix_ms: i64) {
        self.clock.sync(now, unix_ms);
        for live in self.calls.values_mut() {
            live.call.set_clock(self.clock.clone());
        }
    }

    /// Who may call and who is called changes at once; sockets, realm and RTP ports stay until a restart.
    fn reload(&mut self, now: Instant, settings: Settings) {
        self.roster
            .reconfigure(settings.agents.clone(), settings.groups.clone());
        self.sip.reconfigure(now, settings.sip.clone());
        let old = std::mem::take(&mut self.settings.sip.trunks);
        self.forget_changed_trunks(&old);
        let (rtp_ports, sip) = (self.settings.rtp_ports, self.sip.settings().clone());
        self.settings = Settings {
            rtp_ports,
            sip,
            ..settings
        };
        self.clock.set_zone(self.settings.zone.clone());
        self.light_all_message_lamps(now);
    }

    /// Gives the room of a past rush back.
    pub fn shrink(&mut self) {
        const SMALL: usize = 64;
        self.sip.shrink();
        self.calls.shrink_to(SMALL);
        self.sessions.shrink_to(SMALL);
        self.closing.shrink_to(SMALL);
        self.mail.shrink_to(SMALL);
        self.deadlines.shrink();
    }

    /// Whether every call has been told to end.
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down
    }

    /// No new calls. Registrars are told, so that they send none; phones that watch something are asked to come again
    /// when the box is back; the journal learns everything about phones that it does not know yet.
    fn drain(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.draining, true) {
            self.sip.take_leave(now);
            self.journal_refreshes(now);
            self.sip.end_subscriptions(now);
        }
    }

    fn shut_down(&mut self, now: Instant) {
        self.drain(now);
        self.shutting_down = true;
        let mut keys: Vec<CallKey> = self.calls.keys().copied().collect();
        keys.sort_unstable(); // A story with a seed tells the same again.
        for key in keys {
            self.tell(key, Event::ShutdownOrdered);
        }
    }

    pub(super) fn new_key(&mut self) -> CallKey {
        self.last_key = self.last_key.wrapping_add(1);
        CallKey(self.last_key)
    }

    /// A SIP session is a leg's from now on.
    pub(super) fn seat(&mut self, session: SessionId, key: LegKey) {
        self.sessions.insert(session, key);
        let call = self.calls.get(&key.call).map(|live| live.call.setup().id);
        if let (Some(call), Some(call_id)) = (call, self.sip.call_id(session)) {
            self.out.push(Output::Dialog {
                call,
                leg: key.leg,
                call_id: call_id.to_owned(),
            });
        }
    }

    pub(super) fn policy(&self, record: Option<bool>) -> Policy {
        Policy {
            record: Arc::clone(&self.settings.record),
            number_records: record,
            pause_between_rounds: PAUSE_BETWEEN_ROUNDS,
            longest_talk: LONGEST_TALK,
        }
    }

    pub(super) fn journal(&mut self, entry: Entry) {
        self.out.push(Output::Journal(entry));
    }
}
