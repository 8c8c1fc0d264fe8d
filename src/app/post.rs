use crate::engine::{Command, Snapshot};
use crate::media::MediaEvent;
use crate::model::{CallKey, TapeDone};
use crate::net::StreamEvent;
use crate::sip::{ResolveError, Target};
use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Letters waiting for the engine; each place is an address, because the queue is made whole at the start and letters are
/// large. Full: senders that may wait do; streams stop reading; commands are answered "busy".
const QUEUE: usize = 8192;

/// Everything other threads tell the engine's.
#[derive(Debug)]
pub(super) enum Letter {
    Stream(StreamEvent),
    Media(MediaEvent),
    Tape(TapeDone),
    Journaled {
        call: CallKey,
        on_disk: bool,
    },
    Command(Command),
    /// Somebody wants to look.
    Look(oneshot::Sender<Arc<Snapshot>>),
    /// DNS has answered the engine's question, or has not.
    Resolved {
        token: u64,
        result: Result<Vec<Target>, ResolveError>,
        ttl: Duration,
    },
    ClockSynced(i64),
    /// A new configuration for everything that can change without a restart.
    Reload(Box<crate::engine::Settings>),
    /// Finish the calls under way within this time, then end the thread.
    Drain {
        patience: Duration,
    },
}

/// The way to the engine's thread; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Post {
    letters: SyncSender<Box<Letter>>,
    bell: Arc<Bell>,
}

/// Rings only when the thread may be asleep, so that a burst of letters costs one system call.
#[derive(Debug)]
pub(super) struct Bell {
    waker: Waker,
    rung: AtomicBool,
}

impl Bell {
    /// The thread is awake and about to read its letters.
    pub(super) fn hush(&self) {
        self.rung.store(false, Ordering::SeqCst);
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            // The only error is a closed poll, and then nobody is there to be woken.
            let _ = self.waker.wake();
        }
    }
}

impl Post {
    pub(super) fn new(waker: Waker) -> (Self, Receiver<Box<Letter>>, Arc<Bell>) {
        let (letters, box_) = sync_channel(QUEUE);
        let bell = Arc::new(Bell {
            waker,
            rung: AtomicBool::new(false),
        });
        (
            Self {
                letters,
                bell: Arc::clone(&bell),
            },
            box_,
            bell,
        )
    }

    /// Waits for a place if need be. Not for the engine's own thread, and not for the RTP threads.
    pub(super) fn send(&self, letter: Letter) {
        // A closed box means the engine has ended; nobody misses the letter.
        let _ = self.letters.send(Box::new(letter));
        self.bell.ring();
    }

    /// Has the engine's thread come round when it has nothing to do.
    pub(super) fn nudge(&self) {
        self.bell.ring();
    }

    /// Gives the letter back when there is no place.
    pub(super) fn try_send(&self, letter: Letter) -> Result<(), Letter> {
        let sent = self.letters.try_send(Box::new(letter));
        self.bell.ring();
        match sent {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(letter)) => Err(*letter),
        }
    }
}

/// What came back is what was sent.
pub(super) fn unwrap_stream(letter: Letter) -> StreamEvent {
    let Letter::Stream(event) = letter else {
        unreachable!("only stream events are sent here, not {letter:?}")
    };
    event
}

/// What came back is what was sent.
pub(super) fn unwrap_media(letter: Letter) -> MediaEvent {
    let Letter::Media(event) = letter else {
        unreachable!("only media events are sent here, not {letter:?}")
    };
    event
}
