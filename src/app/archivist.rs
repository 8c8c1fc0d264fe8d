//! Compresses recordings after their calls, a little at a time.

use super::clock;
use super::shelf::Librarian;
use crate::config::Config;
use crate::model::RecordingId;
use crate::recording::Archive;
use crate::store::{KnownRecording, Reader, Store, StoreError};
use anyhow::Context as _;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it looks for something to do.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// So much longer than it worked it rests: a fifth of a core at most, and never in one piece.
const RESTS: u32 = 4;
/// Bits a second for both channels together.
const BITS_A_SECOND: i32 = 24_000;
/// Recordings looked at together.
const LOT: usize = 100;

/// The thread that compresses.
pub(super) struct Archivist {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Archivist {
    /// Begins when the configuration says so.
    pub(super) fn wanted(
        config: &Config,
        librarian: &Arc<Librarian>,
        store: &Store,
    ) -> anyhow::Result<Option<Self>> {
        match config.recording.archive {
            Archive::None => Ok(None),
            Archive::Opus => {
                let after = Duration::from_secs(u64::from(config.recording.archive_after_minutes) * 60);
                Self::start(Arc::clone(librarian), store.reader(), after)
                    .map(Some)
                    .context("starting the archivist")
            }
        }
    }

    /// Begins; recordings wait for `after` from their end on.
    fn start(librarian: Arc<Librarian>, reader: Reader, after: Duration) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("archivist".to_owned())
            .spawn(move || {
                let mut desk = Desk {
                    librarian,
                    reader,
                    after_ms: i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
                    done_to: None,
                    stopped,
                };
                while desk.rest(LOOK_EVERY).is_ok() {
                    if let Err(error) = desk.round() {
                        tracing::warn!(%error, "Recordings could not be looked through: {error}.");
                    }
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Archivist {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The archivist had died before the shutdown.");
        }
    }
}

struct Desk {
    librarian: Arc<Librarian>,
    reader: Reader,
    after_ms: i64,
    /// Everything up to here is compressed, or never will be.
    done_to: Option<RecordingId>,
    stopped: Receiver<()>,
}

impl Desk {
    /// Waits; an error when the box stops.
    fn rest(&self, time: Duration) -> io::Result<()> {
        match self.stopped.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    /// Compresses what is due, oldest first.
    fn round(&mut self) -> Result<(), StoreError> {
        loop {
            let lot = self.reader.known_recordings(self.done_to, LOT)?;
            if lot.is_empty() {
                return Ok(());
            }
            for known in lot {
                let id = known.stored.row.id;
                match self.judge(&known) {
                    Turn::Never => {}
                    Turn::Later => return Ok(()),
                    Turn::Now => {
                        if !self.compress(id) {
                            return Ok(());
                        }
                    }
                }
                self.done_to = Some(id);
            }
        }
    }

    fn judge(&self, known: &KnownRecording) -> Turn {
        let row = &known.stored.row;
        let (Some(facts), None) = (known.stored.facts(), known.removed_ms) else {
            let is_open = known.stored.state == crate::store::RecordingState::Open;
            return if is_open { Turn::Later } else { Turn::Never };
        };
        let is_wav = facts.path.ends_with(".wav") || facts.path.ends_with(".wav.sealed");
        if !is_wav {
            return Turn::Never;
        }
        let length_ms = i64::try_from(facts.duration_ms.unwrap_or(0)).unwrap_or(0);
        let due_ms = row
            .started_at
            .unix_ms
            .saturating_add(length_ms)
            .saturating_add(self.after_ms);
        if due_ms <= clock::wall_unix_ms() {
            Turn::Now
        } else {
            Turn::Later
        }
    }

    /// False: the box stops.
    fn compress(&self, id: RecordingId) -> bool {
        let mut worked_since: Instant = clock::monotonic();
        let mut breathe = || {
            let worked = clock::monotonic().saturating_duration_since(worked_since);
            self.rest(worked * RESTS)?;
            worked_since = clock::monotonic();
            Ok(())
        };
        match self.librarian.archive(id, BITS_A_SECOND, &mut breathe) {
            Ok(true) => tracing::info!(recording = %id, "Recording {id} is compressed."),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return false,
            Err(error) => {
                tracing::warn!(recording = %id, %error, "Recording {id} stays as it is: {error}.");
            }
        }
        true
    }
}

/// When a recording has its turn.
enum Turn {
    Now,
    Later,
    Never,
}
