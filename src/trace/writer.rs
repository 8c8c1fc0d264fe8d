//! The thread that brings what lies in the basin to the disk: once a second while something comes, never otherwise.

use super::discreet::discreet;
use super::frame::{Frame, Traced};
use super::segments::Segments;
use super::sieve::Sieve;
use super::tap::{Basin, ENOUGH, Tap, TraceCounts};
use super::{Config, TraceReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What comes within this time is written together.
const GATHER: Duration = Duration::from_secs(1);
/// How often it is looked after what is too old, while nothing comes.
const TIDY: Duration = Duration::from_secs(3600);
/// Longest wait for somebody who wants to read what is not on disk yet.
const FLUSH: Duration = Duration::from_secs(2);

/// Why tracing could not begin.
#[derive(Debug, thiserror::Error)]
#[error("the thread that writes traces cannot be started: {0}")]
pub struct TraceError(#[from] std::io::Error);

/// The running writer.
#[derive(Debug)]
pub struct Tracing {
    basin: Arc<Basin>,
    folder: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Tracing {
    /// Starts the writer for a folder that need not exist yet. `wall_unix_ms` tells the time whenever asked.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(
        config: Config,
        folder: PathBuf,
        wall_unix_ms: impl Fn() -> i64 + Send + 'static,
    ) -> Result<Self, TraceError> {
        let basin = Arc::<Basin>::default();
        let writer = Writer {
            basin: Arc::clone(&basin),
            sieve: Sieve::default(),
            segments: Segments::new(
                folder.clone(),
                u64::from(config.most_megabytes) * 1024 * 1024,
                i64::from(config.keep_days) * 86_400_000_000,
            ),
            wall_us: Box::new(move || wall_unix_ms().saturating_mul(1000)),
            is_failing: false,
        };
        let builder = std::thread::Builder::new().name("trace".to_owned());
        let thread = builder.spawn(move || writer.run())?;
        Ok(Self {
            basin,
            folder,
            thread: Some(thread),
        })
    }

    /// The end that the engine's thread lays messages into.
    pub fn tap(&self, now: Instant, wall_unix_ms: i64) -> Tap {
        Tap::new(Arc::clone(&self.basin), now, wall_unix_ms)
    }

    /// The end that is read from.
    pub fn reader(&self) -> TraceReader {
        TraceReader::new(Arc::clone(&self.basin), self.folder.clone())
    }

    /// Where the files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes what is left and ends.
    pub fn stop(&mut self) {
        self.basin.lock().stops = true;
        self.basin.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to say.
            drop(thread.join());
        }
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Basin {
    /// What was counted so far.
    pub(super) fn counts(&self) -> TraceCounts {
        self.lock().counts
    }

    /// Waits until all that lies here now is on disk, or a while.
    pub(super) fn flush(&self) {
        let mut state = self.lock();
        if state.stops {
            return;
        }
        state.asked += 1;
        let wanted = state.asked;
        self.changed.notify_all();
        let is_done = |state: &mut super::tap::State| state.written < wanted && !state.stops;
        // After the while, what is on disk is what there is.
        drop(self.changed.wait_timeout_while(state, FLUSH, is_done));
    }
}

struct Writer {
    basin: Arc<Basin>,
    sieve: Sieve,
    segments: Segments,
    wall_us: Box<dyn Fn() -> i64 + Send>,
    is_failing: bool,
}

impl Writer {
    fn run(mut self) {
        self.prune();
        loop {
            let (frames, asked, stops) = self.gather();
            let messages = self.sort(&frames);
            self.write(&messages);
            let mut state = self.basin.lock();
            state.written = asked;
            drop(state);
            self.basin.changed.notify_all();
            if stops {
                return;
            }
            self.prune();
        }
    }

    /// Waits until something comes, then a second for more; or less when there is enough, or somebody waits for it.
    fn gather(&self) -> (Vec<u8>, u64, bool) {
        let state = self.basin.lock();
        let (state, _) = self
            .basin
            .changed
            .wait_timeout_while(state, TIDY, |state| {
                state.frames.is_empty() && state.asked == state.written && !state.stops
            })
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .basin
            .changed
            .wait_timeout_while(state, GATHER, |state| {
                state.frames.len() < ENOUGH && state.asked == state.written && !state.stops
            })
            .unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.frames), state.asked, state.stops)
    }

    fn sort(&mut self, frames: &[u8]) -> Vec<Traced> {
        let (mut rest, mut found) = (frames, Vec::new());
        while let Some(frame) = Frame::take(&mut rest) {
            self.sieve.take(&frame, |message| found.push(message));
        }
        self.sieve.tidy();
        for message in &mut found {
            discreet(&mut message.bytes);
        }
        found
    }

    fn write(&mut self, messages: &[Traced]) {
        if messages.is_empty() {
            return;
        }
        let count = messages.len() as u64;
        match self.segments.write(messages) {
            Ok(()) => {
                self.is_failing = false;
                self.basin.lock().counts.written += count;
            }
            Err(error) => {
                self.basin.lock().counts.left_out += count;
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%error, "SIP messages of calls cannot be kept for looking at: {error}. Calls go on.");
                }
            }
        }
    }

    fn prune(&mut self) {
        if let Err(error) = self.segments.prune((self.wall_us)()) {
            tracing::debug!(%error, "Old traces could not be removed.");
        }
    }
}
