use super::RtpCounters;
use super::counters::Shared;
use super::legs::Legs;
use super::mixing::Mixing;
use super::outbox::{Outbox, ToEngine};
use super::playout::Playout;
use super::sockets::Pair;
use super::taping::{Buffers, Taping};
use crate::media::{MediaEvent, MediaOrder, PACKET, Ringing, Session, Sounds, Tones};
use crate::model::{Dice, LegKey, TapeMessage, Turns};
use mio::{Events, Poll, Token};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// Tells of orders that wait.
pub(super) const WAKER: Token = Token(usize::MAX);
/// Sockets told of in one turn; the others are told of in the next.
const EVENTS: usize = 256;
/// Larger than any voice packet; what fills it was cut off, and is not voice.
pub(super) const BUFFER: usize = 2048;
/// How often time-outs are looked at …
const SWEEP: Duration = Duration::from_secs(1);
/// … and how often while a silence is watched for.
const FINE_SWEEP: Duration = Duration::from_millis(250);
/// When to try again what the engine or the recorder had no room for.
const RETRY: Duration = Duration::from_millis(20);

/// What a thread is given by the handle.
#[derive(Debug)]
pub(super) enum Job {
    /// A leg with its sockets, already bound.
    Open { leg: LegKey, sockets: Pair },
    /// Part with a leg that moves to another call, perhaps on another thread.
    GiveUp {
        leg: LegKey,
        back: SyncSender<Option<Box<(Session, Pair)>>>,
    },
    /// Take such a leg in.
    Take(LegKey, Box<(Session, Pair)>),
    /// Any other order.
    Order(MediaOrder),
    /// Close everything and end.
    Stop,
}

/// What a thread needs to begin.
pub(super) struct Equipment {
    pub(super) library: Arc<dyn Sounds>,
    pub(super) to_engine: ToEngine,
    pub(super) recorder: SyncSender<TapeMessage>,
    pub(super) buffers: Buffers,
    pub(super) rtp_timeout: Option<Duration>,
    pub(super) ringing: Ringing,
    pub(super) dice: Dice,
    pub(super) counters: Arc<Shared>,
    pub(super) turns: Turns,
}

/// One RTP thread. `carry_out.rs` has its orders, `traffic.rs` its packets.
pub(super) struct Worker {
    pub(super) poll: Poll,
    jobs: Receiver<Job>,
    pub(super) legs: Legs,
    pub(super) playout: Playout,
    pub(super) mixing: Mixing,
    pub(super) taping: Taping,
    pub(super) outbox: Outbox,
    pub(super) library: Arc<dyn Sounds>,
    pub(super) tones: Tones,
    pub(super) dice: Dice,
    pub(super) counts: RtpCounters,
    pub(super) buffer: Box<[u8; BUFFER]>,
    pub(super) frame: [u8; PACKET],
    /// Sockets that may hold more than was read in their turn.
    pub(super) unfinished: Vec<Token>,
    /// Those of the turn before; empty between turns.
    revisited: Vec<Token>,
    /// The leg that is being served, to know whom a panic costs the call.
    pub(super) at_hand: Option<usize>,
    pub(super) sweep_at: Option<Instant>,
    rtp_timeout: Option<Duration>,
    shared: Arc<Shared>,
    /// For whoever watches whether this thread is stuck.
    turns: Turns,
    /// A turn ended in the middle, so orders may wait of which nobody tells again.
    disturbed: bool,
    stopping: bool,
}

impl Worker {
    /// A thread's machine; nothing is open yet.
    pub(super) fn new(poll: Poll, jobs: Receiver<Job>, equipment: Equipment) -> Self {
        Self {
            poll,
            jobs,
            legs: Legs::default(),
            playout: Playout::new(clock()),
            mixing: Mixing::new(clock()),
            taping: Taping::new(equipment.recorder, equipment.buffers),
            outbox: Outbox::new(equipment.to_engine),
            library: equipment.library,
            tones: Tones::ringing(equipment.ringing),
            dice: equipment.dice,
            counts: RtpCounters::default(),
            buffer: Box::new([0; BUFFER]),
            frame: [0; PACKET],
            unfinished: Vec::with_capacity(EVENTS),
            revisited: Vec::with_capacity(EVENTS),
            at_hand: None,
            sweep_at: None,
            rtp_timeout: equipment.rtp_timeout,
            shared: equipment.counters,
            turns: equipment.turns,
            disturbed: false,
            stopping: false,
        }
    }

    /// Serves until it is told to stop. A panic costs the call at hand, not all of them.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while !self.stopping {
            self.turns.count();
            let timeout = self.time_to_sleep();
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != ErrorKind::Interrupted
            {
                tracing::error!(%error, "An RTP thread cannot wait for packets: {error}.");
                break;
            }
            if catch_unwind(AssertUnwindSafe(|| self.turn(&events))).is_err() {
                self.give_up_leg_at_hand();
            }
        }
        self.close_all();
    }

    /// How long nothing is to be done unless something arrives; none while nothing is to be done at all.
    fn time_to_sleep(&self) -> Option<Duration> {
        if self.disturbed || !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let next = [
            self.playout.next_deadline(),
            self.mixing.next_deadline(),
            self.taping.next_deadline(),
            self.sweep_at,
        ]
        .into_iter()
        .flatten()
        .min();
        let retry = (self.outbox.is_waiting() || self.taping.is_waiting()).then_some(RETRY);
        let until_next = next.map(|next| next.saturating_duration_since(clock()));
        [until_next, retry].into_iter().flatten().min()
    }

    /// What is due by the clock comes first: a tape has to move on before new packets find their place on it.
    fn turn(&mut self, events: &Events) {
        let now = clock();
        if std::mem::take(&mut self.disturbed) {
            self.take_orders();
        }
        self.sweep(now);
        self.taping.sweep_some(now);
        while let Some(phase) = self.playout.take_due(now) {
            self.play_phase(now, phase);
        }
        while let Some(mixer) = self.mixing.take_due(now) {
            self.run_mixer(now, mixer);
        }
        std::mem::swap(&mut self.unfinished, &mut self.revisited);
        while let Some(token) = self.revisited.pop() {
            self.read(now, token);
        }
        for event in events {
            match event.token() {
                WAKER => self.take_orders(),
                token => self.read(now, token),
            }
        }
        self.at_hand = None;
        self.outbox.deliver();
    }

    fn take_orders(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            let now = clock();
            self.at_hand = None;
            match job {
                Job::Open { leg, sockets } => self.open(now, leg, sockets),
                Job::GiveUp { leg, back } => {
                    // Nobody waits any more: the leg is gone, as the engine has been told.
                    let _ = back.send(self.give_up(now, leg).map(Box::new));
                }
                Job::Take(leg, given) => {
                    let (session, sockets) = *given;
                    self.take(now, leg, session, sockets);
                }
                Job::Order(order) => self.carry_out(now, order),
                Job::Stop => self.stopping = true,
            }
        }
    }

    /// Looks at what runs out slowly, and publishes what was counted.
    fn sweep(&mut self, now: Instant) {
        if self.sweep_at.is_none_or(|at| now < at) {
            return;
        }
        self.sweep_at = Some(now + SWEEP);
        let mut watched = false;
        for leg in self.legs.iter_mut() {
            let overdue = leg.session.check(now, self.rtp_timeout);
            if overdue.silent {
                self.outbox.say(MediaEvent::FellSilent { leg: leg.key });
            }
            if overdue.dead {
                self.outbox.say(MediaEvent::WentDead { leg: leg.key });
            }
            watched |= leg.session.watches_silence();
        }
        self.renew_rations();
        self.report(now);
        self.publish();
        self.sweep_at = (!self.legs.is_empty()).then(|| now + if watched { FINE_SWEEP } else { SWEEP });
    }

    /// The next sweep comes soon: something is watched for from now on.
    pub(super) fn sweep_soon(&mut self, now: Instant) {
        let soon = now + FINE_SWEEP;
        self.sweep_at = Some(self.sweep_at.map_or(soon, |at| at.min(soon)));
    }

    /// Lets others see what was counted.
    pub(super) fn publish(&mut self) {
        let (bytes, ms, late) = self.taping.take_counts();
        self.counts.tape_bytes_dropped += bytes;
        self.counts.tape_ms_dropped += ms;
        self.counts.tape_packets_late += late;
        self.counts.events_dropped += self.outbox.take_dropped();
        self.counts.publish(&self.shared);
    }

    fn give_up_leg_at_hand(&mut self) {
        self.counts.faults += 1;
        self.disturbed = true;
        let Some(place) = self.at_hand.take() else {
            return;
        };
        if let Some(leg) = self.legs.get_mut(place) {
            tracing::error!(leg = %leg.key, "Serving leg {} failed; the leg is closed.", leg.key);
            let key = leg.key;
            self.close(clock(), key);
        }
    }

    fn close_all(&mut self) {
        let now = clock();
        for place in self.legs.all_places() {
            if let Some(leg) = self.legs.get_mut(place) {
                let key = leg.key;
                self.close(now, key);
            }
        }
        self.taping.sweep(now);
        self.outbox.deliver();
    }
}

/// The monotonic clock, read a few times in a turn.
#[expect(
    clippy::disallowed_methods,
    reason = "the RTP thread is shell: its machines are given the time it reads here"
)]
pub(super) fn clock() -> Instant {
    Instant::now()
}
