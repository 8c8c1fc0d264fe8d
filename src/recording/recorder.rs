use super::Roots;
use super::seal::Seal;
use super::space::SpaceWatch;
use super::tape::Tape;
use super::vault::Keys;
use crate::model::{RecordingId, RecordingKind, RecordingRow, TapeDone, TapeFormat, TapeMessage};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What [`Recorder::start`] needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the files go.
    pub roots: Roots,
    /// What new files are encrypted with; nothing: they are not.
    pub keys: Option<Keys>,
    /// Bytes of the disk that are left free: with less, running recordings are ended and none is begun.
    pub keep_free_bytes: u64,
    /// The monotonic clock.
    pub now: fn() -> Instant,
    /// Places for messages. Full: the RTP thread drops the piece of audio, fills its time with silence and
    /// counts it; the engine gives the recording up. Never does the disk slow a call.
    pub queue: usize,
    /// Places for emptied buffers on their way back. Full: the buffer is freed.
    pub emptied: usize,
}

impl Options {
    /// The usual sizes: five seconds of a hundred calls that send four pieces a second each.
    pub fn new(roots: Roots, now: fn() -> Instant) -> Self {
        Self {
            roots,
            keep_free_bytes: 0,
            keys: None,
            now,
            queue: 2048,
            emptied: 256,
        }
    }
}

/// The recorder thread.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<TapeMessage>,
    is_stopping: Arc<AtomicBool>,
    counts: Arc<Counts>,
    space: SpaceWatch,
    thread: JoinHandle<()>,
}

/// What the recorder has done since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecorderCounts {
    /// Files begun.
    pub begun: u64,
    /// Files complete, with their fingerprint.
    pub completed: u64,
    /// Recordings without any file: it could not be created, or no audio came.
    pub failed: u64,
    /// Recordings cut short because the disk was full.
    pub stopped_by_full_disk: u64,
    /// Recordings cut short by another fault of the disk.
    pub stopped_by_fault: u64,
    /// Pieces of audio for a recording that is not being written.
    pub stray_audio: u64,
    /// Writes to files, headers included.
    pub writes: u64,
    /// Syncs of files.
    pub syncs: u64,
    /// Bytes of audio written.
    pub bytes: u64,
    /// The most messages that were found waiting at once; the queue has room for 2048.
    pub deepest_queue: u64,
}

/// Looks at what the recorder has done from other threads. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RecorderWatch(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    stopped_by_full_disk: AtomicU64,
    stopped_by_fault: AtomicU64,
    stray_audio: AtomicU64,
    writes: AtomicU64,
    syncs: AtomicU64,
    bytes: AtomicU64,
    deepest_queue: AtomicU64,
}

impl RecorderWatch {
    /// What has been done since the start; of a file that is being written, up to a moment ago.
    pub fn now(&self) -> RecorderCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecorderCounts {
            begun: read(&self.0.begun),
            completed: read(&self.0.completed),
            failed: read(&self.0.failed),
            stopped_by_full_disk: read(&self.0.stopped_by_full_disk),
            stopped_by_fault: read(&self.0.stopped_by_fault),
            stray_audio: read(&self.0.stray_audio),
            writes: read(&self.0.writes),
            syncs: read(&self.0.syncs),
            bytes: read(&self.0.bytes),
            deepest_queue: read(&self.0.deepest_queue),
        }
    }
}

impl Recorder {
    /// Starts the thread. The receiver brings emptied audio buffers back to the RTP thread. `on_done` is
    /// called on the recorder's thread, once for each `Begin`, and must not block; a file that cannot be
    /// created is told at once.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        options: Options,
        on_done: Box<dyn Fn(TapeDone) + Send>,
    ) -> io::Result<(Self, Receiver<Vec<u8>>)> {
        let (sender, inbox) = sync_channel(options.queue);
        let (give_back, emptied) = sync_channel(options.emptied);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let counts = Arc::new(Counts::default());
        let space = SpaceWatch::new(options.roots.clone(), options.keep_free_bytes);
        let desk = Desk {
            space: space.clone(),
            cut: BTreeSet::new(),
            next_look: None,
            roots: options.roots,
            keys: options.keys,
            now: options.now,
            on_done,
            give_back,
            counts: Arc::clone(&counts),
            is_stopping: Arc::clone(&is_stopping),
            tapes: BTreeMap::new(),
            seals: VecDeque::new(),
            next_round: None,
            buffer: Vec::new(),
            in_a_row: 0,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || desk.run(&inbox))?;
        Ok((
            Self {
                sender,
                is_stopping,
                counts,
                space,
                thread,
            },
            emptied,
        ))
    }

    /// The way in, for the engine and for the RTP threads.
    pub fn sender(&self) -> SyncSender<TapeMessage> {
        self.sender.clone()
    }

    /// Looks at the room on the disk from other threads.
    pub fn space(&self) -> SpaceWatch {
        self.space.clone()
    }

    /// Looks at what has been done from other threads.
    pub fn watch(&self) -> RecorderWatch {
        RecorderWatch(Arc::clone(&self.counts))
    }

    /// What has been done since the start.
    pub fn counts(&self) -> RecorderCounts {
        self.watch().now()
    }

    /// Completes every file with the audio that was sent so far, tells of each, and ends the thread.
    pub fn shutdown(self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the thread; it looks at the flag before it looks at what the message says.
        let _ = self.sender.send(TapeMessage::End {
            id: RecordingId(uuid::Uuid::nil()),
        });
        if self.thread.join().is_err() {
            tracing::error!("The recorder had died before the shutdown.");
        }
    }
}

/// How often the files are looked after while there are any.
const ROUND: Duration = Duration::from_millis(100);
/// The longest that syncs may keep audio waiting in one round; files still due come first in the next.
const SYNCING: Duration = Duration::from_millis(50);
/// How often the disk is asked for its room while there are recordings.
const LOOK_AT_DISK: Duration = Duration::from_secs(1);
/// Bytes of a buffer that goes back to be filled again; a larger one is left over from a disk that stood still.
const MOST_RECYCLED: usize = 16 * 1024;
/// Messages taken before the files are looked after again.
const HANDFUL: usize = 256;

/// The thread's own state.
struct Desk {
    roots: Roots,
    keys: Option<Keys>,
    now: fn() -> Instant,
    on_done: Box<dyn Fn(TapeDone) + Send>,
    give_back: SyncSender<Vec<u8>>,
    counts: Arc<Counts>,
    is_stopping: Arc<AtomicBool>,
    space: SpaceWatch,
    /// Recordings that were ended before their calls, whose audio still comes.
    cut: BTreeSet<RecordingId>,
    next_look: Option<Instant>,
    tapes: BTreeMap<RecordingId, Tape>,
    seals: VecDeque<Seal>,
    next_round: Option<Instant>,
    buffer: Vec<u8>,
    /// Messages taken since the queue was last found empty.
    in_a_row: u64,
}

impl Desk {
    fn run(mut self, inbox: &Receiver<TapeMessage>) {
        loop {
            let is_open = self.take_messages(inbox);
            if !is_open || self.is_stopping.load(Ordering::SeqCst) {
                return self.finish(inbox);
            }
            self.look_after_tapes();
            self.seal_a_piece();
        }
    }

    /// Waits for a message no longer than other work may wait, then takes a handful. False: nobody can send
    /// any more.
    fn take_messages(&mut self, inbox: &Receiver<TapeMessage>) -> bool {
        let mut next = match self.wait(inbox) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        for _ in 0..HANDFUL {
            self.in_a_row += 1;
            self.counts
                .deepest_queue
                .fetch_max(self.in_a_row, Ordering::Relaxed);
            self.take(next);
            match inbox.try_recv() {
                Ok(message) => next = message,
                Err(TryRecvError::Empty) => {
                    self.in_a_row = 0;
                    return true;
                }
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        self.take(next);
        true
    }

    fn wait(&self, inbox: &Receiver<TapeMessage>) -> Result<TapeMessage, RecvTimeoutError> {
        if !self.seals.is_empty() {
            return inbox.recv_timeout(Duration::ZERO);
        }
        match self.next_round {
            None => inbox.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
            Some(at) => inbox.recv_timeout(at.saturating_duration_since((self.now)())),
        }
    }

    fn take(&mut self, message: TapeMessage) {
        match message {
            TapeMessage::Begin {
                row,
                format,
                channels,
            } => self.begin(row, format, channels),
            TapeMessage::Refuse { id, reason } => self.fail(id, reason),
            TapeMessage::Audio { id, audio } => self.append(id, audio),
            TapeMessage::End { id } => self.end(id),
        }
    }

    fn begin(&mut self, row: RecordingRow, format: TapeFormat, channels: u8) {
        let id = row.id;
        if self.tapes.contains_key(&id) {
            // The one that runs will be told of; a second word would be mistaken for its end.
            tracing::warn!(recording = %id, "Recording {id} is being written already.");
            return;
        }
        if let Some(short) = self.space.of(row.kind) {
            self.space.count_left_out();
            tracing::warn!(recording = %id, "Recording {id} is not begun: {short}.");
            return self.fail(id, short.to_string());
        }
        let now = (self.now)();
        match Tape::begin(&self.roots, row, format, channels, self.keys.as_ref(), now) {
            Ok(tape) => {
                count(&self.counts.begun);
                self.tapes.insert(id, tape);
                self.next_round.get_or_insert(now + ROUND);
            }
            Err(reason) => self.fail(id, reason),
        }
    }

    fn append(&mut self, id: RecordingId, mut audio: Vec<u8>) {
        match self.tapes.get_mut(&id) {
            Some(tape) => {
                if tape.append(&mut audio, (self.now)()) {
                    count_stop(&self.counts, tape);
                }
            }
            None if self.cut.contains(&id) => {}
            None => count(&self.counts.stray_audio),
        }
        audio.clear();
        if (1..=MOST_RECYCLED).contains(&audio.capacity()) {
            // Full, or the RTP thread is gone: the buffer is freed here.
            let _ = self.give_back.try_send(audio);
        }
    }

    fn end(&mut self, id: RecordingId) {
        self.cut.remove(&id);
        let Some(mut tape) = self.tapes.remove(&id) else {
            return;
        };
        let had_trouble = tape.trouble().is_some();
        tape.write_rest();
        count_work(&self.counts, &mut tape);
        match tape.end() {
            Ok(seal) => self.seals.push_back(seal),
            Err(reason) => {
                if !had_trouble {
                    tracing::warn!(recording = %id, reason, "Recording {id} has no file: {reason}.");
                }
                self.fail(id, reason);
            }
        }
    }

    fn fail(&self, id: RecordingId, reason: String) {
        count(&self.counts.failed);
        (self.on_done)(TapeDone {
            id,
            result: Err(reason),
        });
    }

    fn look_after_tapes(&mut self) {
        let now = (self.now)();
        if self.tapes.is_empty() {
            self.next_round = None;
            return;
        }
        if self.next_round.is_some_and(|at| now < at) {
            return;
        }
        self.next_round = Some(now + ROUND);
        self.make_room(now);
        for tape in self.tapes.values_mut() {
            if tape.look_after(now) {
                count_stop(&self.counts, tape);
            }
            count_work(&self.counts, tape);
        }
        self.sync_the_due(now);
    }

    /// Ends what is being recorded on a disk that gets too full. What was said so far is kept.
    fn make_room(&mut self, now: Instant) {
        if self.next_look.is_some_and(|at| now < at) {
            return;
        }
        self.next_look = Some(now + LOOK_AT_DISK);
        let of_kind = |tapes: &BTreeMap<RecordingId, Tape>, kind| -> Vec<RecordingId> {
            let all = tapes.iter().filter(|(_, tape)| tape.kind() == kind);
            all.map(|(id, _)| *id).collect()
        };
        for kind in [RecordingKind::Conversation, RecordingKind::Voicemail] {
            let running = of_kind(&self.tapes, kind);
            if running.is_empty() {
                continue;
            }
            let Some(short) = self.space.of(kind) else {
                continue;
            };
            tracing::error!(
                recordings = running.len(),
                "{} recordings are ended: {short}. Their calls go on.",
                running.len()
            );
            for id in running {
                self.space.count_cut();
                self.end(id);
                self.cut.insert(id);
            }
        }
    }

    /// The longest overdue first, so that on a slow disk every file has its turn.
    fn sync_the_due(&mut self, now: Instant) {
        let mut due: Vec<&mut Tape> = self
            .tapes
            .values_mut()
            .filter(|tape| tape.next_sync() <= now)
            .collect();
        due.sort_by_key(|tape| tape.next_sync());
        for tape in due {
            let at = (self.now)();
            if at.duration_since(now) >= SYNCING {
                return;
            }
            if tape.sync(at) {
                count_stop(&self.counts, tape);
            }
        }
    }

    fn seal_a_piece(&mut self) {
        let Some(seal) = self.seals.front_mut() else {
            // Not kept between recordings: an idle box stays small.
            self.buffer = Vec::new();
            return;
        };
        let id = seal.id();
        let result = match seal.read_on(&mut self.buffer) {
            Ok(None) => return,
            Ok(Some(facts)) => Ok(facts),
            Err(error) => Err(error.to_string()),
        };
        self.seals.pop_front();
        match result {
            Ok(facts) => {
                count(&self.counts.completed);
                (self.on_done)(TapeDone {
                    id,
                    result: Ok(facts),
                });
            }
            Err(reason) => self.fail(id, reason),
        }
    }

    /// Takes what was sent before the stop, ends what still runs, and seals it all.
    fn finish(mut self, inbox: &Receiver<TapeMessage>) {
        while let Ok(message) = inbox.try_recv() {
            self.take(message);
        }
        let running: Vec<RecordingId> = self.tapes.keys().copied().collect();
        for id in running {
            self.end(id);
        }
        while !self.seals.is_empty() {
            self.seal_a_piece();
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn count_work(counts: &Counts, tape: &mut Tape) {
    let work = tape.take_work();
    counts.writes.fetch_add(work.writes, Ordering::Relaxed);
    counts.syncs.fetch_add(work.syncs, Ordering::Relaxed);
    counts.bytes.fetch_add(work.bytes, Ordering::Relaxed);
}

fn count_stop(counts: &Counts, tape: &Tape) {
    let full = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    };
    let is_full = tape.trouble().is_some_and(full);
    count(if is_full {
        &counts.stopped_by_full_disk
    } else {
        &counts.stopped_by_fault
    });
}
