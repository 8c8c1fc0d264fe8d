use super::RtpCounters;
use super::counters::Shared;
use super::outbox::ToEngine;
use super::sockets::Pair;
use super::taping::Buffers;
use super::worker::{Equipment, Job, WAKER, Worker};
use crate::media::{MediaEvent, MediaOrder, Ringing, Sounds};
use crate::model::{CallKey, Dice, LegId, LegKey, TapeMessage, Turns};
use mio::{Poll, Waker};
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Orders that may wait for a thread. Full: the engine waits. A thread never waits for the engine, the recorder or
/// the disk, so it gets to its orders within a turn.
const ORDERS: usize = 1024;

/// What the RTP threads are told once.
#[derive(Debug)]
pub struct RtpSettings {
    /// When a leg that hears nothing is dead; never, when none.
    pub rtp_timeout: Option<Duration>,
    /// How it rings in this country.
    pub ringing: Ringing,
    /// Where the random numbers of outgoing streams come from.
    pub dice: Dice,
}

/// How long a thread has to part with a leg. It needs one turn; one that has ended never answers.
const HANDOVER: Duration = Duration::from_millis(500);

/// The running RTP threads. Dropping it closes every leg and waits for the threads.
pub struct RtpThreads {
    threads: Vec<Thread>,
    counters: Arc<Shared>,
}

struct Thread {
    jobs: SyncSender<Job>,
    waker: Waker,
    turns: Turns,
    handle: Option<JoinHandle<()>>,
}

impl RtpThreads {
    /// Starts `count` threads, at least one. `buffers_back` brings the emptied audio buffers from the recorder.
    ///
    /// # Errors
    /// When the system gives no poll, no waker or no thread.
    pub fn start(
        count: usize,
        mut settings: RtpSettings,
        library: Arc<dyn Sounds>,
        to_engine: ToEngine,
        tape: SyncSender<TapeMessage>,
        buffers_back: Receiver<Vec<u8>>,
    ) -> io::Result<Self> {
        let counters = Arc::<Shared>::default();
        let buffers: Buffers = Arc::new(Mutex::new(buffers_back));
        let mut started = Self {
            threads: Vec::new(),
            counters: counters.clone(),
        };
        for number in 0..count.max(1) {
            let equipment = Equipment {
                library: library.clone(),
                to_engine: to_engine.clone(),
                recorder: tape.clone(),
                buffers: buffers.clone(),
                rtp_timeout: settings.rtp_timeout,
                ringing: settings.ringing,
                dice: settings.dice.fork(),
                counters: counters.clone(),
                turns: Turns::default(),
            };
            started.threads.push(Thread::start(number, equipment)?);
        }
        Ok(started)
    }

    /// Carries out an order. Both legs of a bridge or a tape have to be legs of one call.
    ///
    /// # Errors
    /// The event that answers the order at once: `OpenFailed`, or `Closed` of a thread that is no more.
    pub fn order(&self, order: MediaOrder) -> Result<(), MediaEvent> {
        if let MediaOrder::Open { leg, local, port } = order {
            return self.open(leg, local, port);
        }
        if let MediaOrder::Move { from, to } = order {
            return self.move_leg(from, to);
        }
        let leg = leg_of(&order);
        let closes = matches!(order, MediaOrder::Close { .. });
        match self.thread(leg.call).give(Job::Order(order)) {
            Err(()) if closes => Err(MediaEvent::Closed {
                leg,
                quality: None,
                strangers: 0,
            }),
            Ok(()) | Err(()) => Ok(()),
        }
    }

    /// Waits for one turn of the thread that has the leg.
    fn move_leg(&self, from: LegKey, to: LegKey) -> Result<(), MediaEvent> {
        let gone = || MediaEvent::Closed {
            leg: to,
            quality: None,
            strangers: 0,
        };
        let (back, given) = sync_channel(1);
        self.thread(from.call)
            .give(Job::GiveUp { leg: from, back })
            .map_err(|()| gone())?;
        let Ok(Some(given)) = given.recv_timeout(HANDOVER) else {
            return Err(gone());
        };
        self.thread(to.call)
            .give(Job::Take(to, given))
            .map_err(|()| gone())
    }

    fn open(&self, leg: LegKey, local: IpAddr, port: u16) -> Result<(), MediaEvent> {
        let failed = |reason| MediaEvent::OpenFailed { leg, reason };
        let sockets = Pair::open(local, port)
            .map_err(|error| failed(format!("UDP ports {port} and the next on {local}: {error}")))?;
        self.thread(leg.call)
            .give(Job::Open { leg, sockets })
            .map_err(|()| failed("the RTP thread has ended".to_owned()))
    }

    /// What was counted, up to about a second ago.
    pub fn counters(&self) -> RtpCounters {
        self.counters.read()
    }

    /// How often each thread has come round; [`RtpThreads::nudge`] makes it do so.
    pub fn turns(&self) -> Vec<Turns> {
        self.threads.iter().map(|thread| thread.turns.clone()).collect()
    }

    /// Has every thread come round when it has nothing to do.
    pub fn nudge(&self) {
        for thread in &self.threads {
            // The only error is a closed poll: a thread that has ended is seen by its turns.
            let _ = thread.waker.wake();
        }
    }

    /// Closes every leg, tells the engine and the recorder, and waits for the threads.
    pub fn stop(self) {
        drop(self);
    }

    /// All legs of a call live on one thread.
    fn thread(&self, call: CallKey) -> &Thread {
        // `start` made at least one.
        &self.threads[call.0 as usize % self.threads.len()]
    }
}

impl Drop for RtpThreads {
    fn drop(&mut self) {
        for thread in &self.threads {
            // A thread that is no more has nothing to stop.
            let _ = thread.give(Job::Stop);
        }
        for thread in &mut self.threads {
            if thread.handle.take().is_some_and(|handle| handle.join().is_err()) {
                tracing::error!("An RTP thread had ended before it was told to.");
            }
        }
    }
}

impl Thread {
    fn start(number: usize, equipment: Equipment) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (jobs, orders) = sync_channel(ORDERS);
        let turns = equipment.turns.clone();
        let worker = Worker::new(poll, orders, equipment);
        let handle = Builder::new().name(format!("rtp-{number}")).spawn(move || {
            go_first();
            worker.run();
        })?;
        Ok(Self {
            jobs,
            waker,
            turns,
            handle: Some(handle),
        })
    }

    fn give(&self, job: Job) -> Result<(), ()> {
        self.jobs.send(job).map_err(|_| ())?;
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "An RTP thread could not be woken: {error}.");
        }
        Ok(())
    }
}

/// Voice is late after a few milliseconds, what else the box does is not: where the system allows it (`LimitNICE=` of the
/// service, or root) this thread goes before the others. It sleeps most of the time, so that nobody starves.
fn go_first() {
    const BEFORE_OTHERS: i32 = -10;
    // No process named means the one that asks, and to Linux that is the thread (setpriority(2), NOTES).
    if let Err(error) = rustix::process::setpriority_process(None, BEFORE_OTHERS) {
        tracing::debug!(%error, "The voice thread goes in line with the others: {error}.");
    }
}

/// The leg whose thread an order goes to.
fn leg_of(order: &MediaOrder) -> LegKey {
    match order {
        MediaOrder::Open { leg, .. }
        | MediaOrder::Start { leg, .. }
        | MediaOrder::Play { leg, .. }
        | MediaOrder::StopPlaying { leg }
        | MediaOrder::Bridge { a: leg, .. }
        | MediaOrder::Move { to: leg, .. }
        | MediaOrder::Unbridge { leg }
        | MediaOrder::Record { left: leg, .. }
        | MediaOrder::StopRecording { leg }
        | MediaOrder::PauseRecording { leg }
        | MediaOrder::ResumeRecording { leg }
        | MediaOrder::WatchSilence { leg, .. }
        | MediaOrder::SendDigit { leg, .. }
        | MediaOrder::KeepSecret { leg, .. }
        | MediaOrder::Close { leg } => *leg,
        MediaOrder::Mix { call, .. } => LegKey {
            call: *call,
            leg: LegId::CALLER,
        },
    }
}
