//! The engine's thread: it owns the SIP sockets over UDP, feeds the engine and carries out what it says.

use super::names::NameDesk;
use super::post::{Bell, Letter, Post};
use super::{Taken, clock, log};
use crate::config::Config;
use crate::engine::{Engine, Input, Output};
use crate::model::{Entry, TapeMessage, Turns};
use crate::net::rtp::RtpThreads;
use crate::net::{StreamEvent, StreamHub, UdpSockets};
use crate::sip::{Flow, Transport};
use crate::store::Journal;
use crate::trace::{Tap, Way};
use anyhow::Context as _;
use mio::{Events, Poll, Token, Waker};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BELL: Token = Token(0);
const FIRST_SOCKET: usize = 1;
/// Letters read before the sockets get their turn.
const LETTERS_A_TURN: usize = 256;

pub(super) struct Core {
    poll: Poll,
    udp: UdpSockets,
    letters: Receiver<Box<Letter>>,
    bell: Arc<Bell>,
    hands: Option<Hands>,
    /// Journal entries that found the queue full, in order. Bounded by the calls under way: while any wait, new
    /// calls are refused.
    held: VecDeque<Entry>,
    draining: Option<Instant>,
    /// Whether there has been a rush since memory was last given back.
    was_busy: bool,
    /// When the start is over and what it needed can go, unless that has been.
    settles: Option<Instant>,
    /// For whoever watches whether the engine is stuck.
    turns: Turns,
}

/// So many transactions and sessions at once are a rush.
const A_RUSH: usize = 500;
/// So few are rest.
const REST: usize = 20;

/// So long after the engine's first turn prompts are loaded, pages are served and destinations are called.
const SETTLING: Duration = Duration::from_millis(1500);

/// Whom the engine's outputs go to.
pub(super) struct Hands {
    pub(super) rtp: Arc<RtpThreads>,
    pub(super) hub: StreamHub,
    pub(super) journal: Journal,
    pub(super) tapes: SyncSender<TapeMessage>,
    pub(super) names: NameDesk,
    /// Where copies of messages go, when they are kept.
    pub(super) tap: Option<Tap>,
}

impl Core {
    /// Opens the sockets; the thread starts later.
    pub(super) fn open(config: &Config, taken: &Taken) -> anyhow::Result<(Self, Post)> {
        let poll = Poll::new()?;
        let addresses: Vec<SocketAddr> = config
            .sip
            .listen
            .iter()
            .filter(|listen| listen.transport == Transport::Udp)
            .map(|listen| listen.address)
            .collect();
        let udp = UdpSockets::open(&addresses, poll.registry(), FIRST_SOCKET, |error, at| {
            taken.explain(error, at)
        })
        .context("[sip] listen")?;
        let (post, letters, bell) = Post::new(Waker::new(poll.registry(), BELL)?);
        let held = VecDeque::new();
        Ok((
            Self {
                poll,
                udp,
                letters,
                bell,
                hands: None,
                held,
                draining: None,
                was_busy: false,
                settles: None,
                turns: Turns::default(),
            },
            post,
        ))
    }

    pub(super) fn udp_addresses(&self) -> Vec<SocketAddr> {
        self.udp.local_addresses()
    }

    /// How often the thread has come round; [`Post::nudge`] makes it do so.
    pub(super) fn turns(&self) -> Turns {
        self.turns.clone()
    }

    pub(super) fn connect(&mut self, hands: Hands) {
        self.hands = Some(hands);
    }

    pub(super) fn run(mut self, mut engine: Engine) -> anyhow::Result<JoinHandle<()>> {
        let thread = std::thread::Builder::new().name("engine".to_owned());
        Ok(thread.spawn(move || self.serve(&mut engine))?)
    }

    fn serve(&mut self, engine: &mut Engine) {
        let mut events = Events::with_capacity(64);
        self.settles = Some(clock::monotonic() + SETTLING);
        loop {
            self.turns.count();
            self.bell.hush();
            let more = self.read_letters(engine);
            self.read_sockets(engine);
            self.offer_held(engine);
            let now = clock::monotonic();
            if engine.next_deadline().is_some_and(|at| at <= now) {
                self.feed(engine, now, Input::DeadlineReached);
                self.tidy(engine);
            }
            if self.settles.is_some_and(|at| at <= now) {
                self.settles = None;
                self.settle(engine);
            }
            if self.has_drained(engine, now) {
                return;
            }
            let patience = if more || self.udp.is_readable() {
                Some(Duration::ZERO)
            } else {
                self.sleep(engine)
            };
            match self.poll.poll(&mut events, patience) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => tracing::error!(%error, "Waiting for the sockets failed."),
            }
            for event in &events {
                if let Some(place) = event.token().0.checked_sub(FIRST_SOCKET) {
                    self.udp.mark_readable(place);
                }
            }
        }
    }

    /// After a rush, when its last transactions are forgotten, memory goes back to the system.
    fn tidy(&mut self, engine: &mut Engine) {
        let load = engine.load();
        let load = load.calls + load.transactions + load.sessions;
        if load >= A_RUSH {
            self.was_busy = true;
        } else if load <= REST && std::mem::take(&mut self.was_busy) {
            engine.shrink();
            super::kernel::give_back();
            super::kernel::let_program_pages_go();
        }
    }

    /// What only the start needed goes back to the system; if calls came at once, after them.
    fn settle(&mut self, engine: &Engine) {
        let load = engine.load();
        if load.calls + load.transactions + load.sessions > REST {
            self.was_busy = true;
            return;
        }
        super::kernel::give_back();
        super::kernel::let_program_pages_go();
    }

    /// How long there is nothing to do.
    fn sleep(&self, engine: &Engine) -> Option<Duration> {
        let held = (!self.held.is_empty()).then(|| clock::monotonic() + Duration::from_millis(20));
        let next = [engine.next_deadline(), self.draining, held, self.settles]
            .into_iter()
            .flatten()
            .min()?;
        // The poll counts whole milliseconds; a moment too late is right, a moment too early turns in circles.
        Some(next.saturating_duration_since(clock::monotonic()) + Duration::from_micros(200))
    }

    fn read_letters(&mut self, engine: &mut Engine) -> bool {
        for _ in 0..LETTERS_A_TURN {
            let Ok(letter) = self.letters.try_recv() else {
                return false;
            };
            let now = clock::monotonic();
            match *letter {
                Letter::Stream(StreamEvent::Message { flow, bytes }) => {
                    self.trace(now, Way::Received, &flow, &bytes);
                    self.feed(
                        engine,
                        now,
                        Input::Message {
                            flow: &flow,
                            bytes: &bytes,
                        },
                    );
                }
                Letter::Stream(StreamEvent::Closed { connection }) => {
                    self.feed(engine, now, Input::StreamClosed(connection));
                }
                Letter::Stream(StreamEvent::Unreachable { flow }) => {
                    self.feed(engine, now, Input::Unreachable(flow));
                }
                Letter::Media(event) => self.feed(engine, now, Input::Media(event)),
                Letter::Tape(done) => self.feed(engine, now, Input::Tape(done)),
                Letter::Journaled { call, on_disk } => {
                    self.feed(engine, now, Input::Journaled { call, on_disk });
                }
                Letter::Command(command) => self.feed(engine, now, Input::Command(command)),
                // Whoever asked may have gone; then nobody reads the answer.
                Letter::Look(reply) => drop(reply.send(Arc::new(engine.snapshot(now)))),
                Letter::Resolved { token, result, ttl } => {
                    self.feed(engine, now, Input::Resolved { token, result, ttl });
                }
                Letter::ClockSynced(unix_ms) => {
                    if let Some(tap) = self.hands.as_mut().and_then(|hands| hands.tap.as_mut()) {
                        tap.set_clock(now, unix_ms);
                    }
                    self.feed(engine, now, Input::ClockSynced(unix_ms));
                }
                Letter::Reload(settings) => self.feed(engine, now, Input::Reload(settings)),
                Letter::Drain { patience } => self.drain(engine, now, patience),
            }
        }
        true
    }

    fn drain(&mut self, engine: &mut Engine, now: Instant, patience: Duration) {
        self.draining = Some(now + patience);
        self.feed(engine, now, Input::Drain);
    }

    /// Whether the last call is gone. When the patience is over, what is left is ended, and given a moment to say so.
    fn has_drained(&mut self, engine: &mut Engine, now: Instant) -> bool {
        const FAREWELLS: Duration = Duration::from_secs(3);
        let Some(until) = self.draining else { return false };
        if engine.is_idle() && self.held.is_empty() {
            return true;
        }
        if now >= until + FAREWELLS {
            tracing::error!("Some calls did not end in time.");
            return true;
        }
        if now >= until && !engine.is_shutting_down() {
            self.feed(engine, now, Input::Shutdown);
            self.draining = Some(now);
        }
        false
    }

    fn read_sockets(&mut self, engine: &mut Engine) {
        let mut udp = std::mem::take(&mut self.udp);
        udp.read_turn(|udp, local, peer, bytes| {
            let flow = Flow {
                transport: Transport::Udp,
                local,
                peer,
                connection: None,
            };
            let now = clock::monotonic();
            self.trace(now, Way::Received, &flow, bytes);
            let outputs = engine.handle(now, Input::Message { flow: &flow, bytes });
            self.carry_out_with(udp, engine, now, outputs);
        });
        self.udp = udp;
    }

    fn feed(&mut self, engine: &mut Engine, now: Instant, input: Input<'_>) {
        let outputs = engine.handle(now, input);
        let udp = std::mem::take(&mut self.udp);
        self.carry_out_with(&udp, engine, now, outputs);
        self.udp = udp;
    }

    fn carry_out_with(&mut self, udp: &UdpSockets, engine: &mut Engine, now: Instant, outputs: Vec<Output>) {
        let mut queue = VecDeque::from(outputs);
        while let Some(output) = queue.pop_front() {
            let Some(hands) = &self.hands else { return };
            match output {
                Output::Send { flow, bytes } => {
                    if let Some(tap) = &hands.tap {
                        tap.message(now, Way::Sent, &flow, &bytes);
                    }
                    send(udp, hands, flow, bytes);
                }
                Output::Dialog { call, leg, call_id } => {
                    if let Some(tap) = &hands.tap {
                        tap.belongs(call, leg, &call_id);
                    }
                }
                // Forgotten in the rush: what the shut out peer says next is not heard, and asks for it again.
                Output::Close(connection) => drop(hands.hub.close(connection)),
                Output::Media(order) => {
                    if let Err(failed) = hands.rtp.order(order) {
                        queue.extend(engine.handle(now, Input::Media(failed)));
                    }
                }
                Output::Tape(message) => match hands.tapes.try_send(message) {
                    Ok(()) => {}
                    // The recorder is behind by thousands of messages: this recording is given up, the call goes on.
                    Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                        queue.extend(engine.handle(now, Input::Tape(given_up(&message))));
                    }
                },
                // Forgotten in the rush: the peer's next request asks for it again.
                Output::Keep {
                    connection,
                    silent_for,
                } => drop(hands.hub.keep(connection, silent_for)),
                Output::Journal(entry) => self.journal(entry),
                Output::Resolve(query) => hands.names.ask(query),
                Output::Notice(notice) => log(&notice),
            }
        }
    }

    /// A copy of a message for whoever asks later what went over the wire.
    fn trace(&self, now: Instant, way: Way, flow: &Flow, bytes: &[u8]) {
        if let Some(tap) = self.hands.as_ref().and_then(|hands| hands.tap.as_ref()) {
            tap.message(now, way, flow, bytes);
        }
    }

    fn journal(&mut self, entry: Entry) {
        let Some(hands) = &self.hands else { return };
        if !self.held.is_empty() {
            return self.held.push_back(entry);
        }
        if let Err(entry) = hands.journal.try_append(entry) {
            self.held.push_back(entry);
        }
    }

    /// Offers again what the journal had no room for, in order, and tells the engine whether any is left.
    fn offer_held(&mut self, engine: &mut Engine) {
        if self.held.is_empty() {
            return;
        }
        self.feed(engine, clock::monotonic(), Input::JournalBehind(true));
        while let Some(entry) = self.held.pop_front() {
            let Some(hands) = &self.hands else { return };
            if let Err(entry) = hands.journal.try_append(entry) {
                return self.held.push_front(entry);
            }
        }
        self.feed(engine, clock::monotonic(), Input::JournalBehind(false));
    }
}

fn send(udp: &UdpSockets, hands: &Hands, flow: Flow, bytes: bytes::Bytes) {
    let sent = match flow.transport {
        Transport::Udp => udp.send(flow.local, flow.peer, &bytes),
        Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => hands.hub.send(flow, bytes),
    };
    if let Err(error) = sent {
        tracing::debug!(peer = %flow.peer, %error, "A SIP message could not be sent; its transaction tries again.");
    }
}

fn given_up(message: &TapeMessage) -> crate::model::TapeDone {
    let id = match message {
        TapeMessage::Begin { row, .. } => row.id,
        TapeMessage::Refuse { id, .. } | TapeMessage::Audio { id, .. } | TapeMessage::End { id } => *id,
    };
    crate::model::TapeDone {
        id,
        result: Err("the recorder is too far behind".to_owned()),
    }
}
