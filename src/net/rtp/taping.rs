use crate::media::{Packet, Tape};
use crate::model::{RecordingId, TapeMessage};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes of a new buffer: half a second of two channels, more than a tape usually hands on.
const BUFFER: usize = 8192;

/// In so many turns every tape has handed on what it has …
const TURNS: usize = 5;
/// … and so long is one: as long together as a tape waits until it has a chunk.
const STEP: Duration = Duration::from_millis(50);

/// The emptied buffers that the recorder hands back. A thread takes from it a few times a second for each tape.
pub(super) type Buffers = Arc<Mutex<Receiver<Vec<u8>>>>;

/// The tapes that run on a thread, and the way to the recorder.
pub(super) struct Taping {
    tapes: Vec<Option<Tape>>,
    recorder: SyncSender<TapeMessage>,
    buffers: Buffers,
    spare: Vec<u8>,
    /// Ends the recorder had no room for yet; each comes after the last audio of its tape.
    ends: VecDeque<RecordingId>,
    bytes_dropped: u64,
    ms_dropped: u64,
    packets_late: u64,
    /// Which tapes are next, and when.
    turn: usize,
    next: Option<Instant>,
}

impl Taping {
    /// No tape runs.
    pub(super) fn new(recorder: SyncSender<TapeMessage>, buffers: Buffers) -> Self {
        Self {
            tapes: Vec::new(),
            recorder,
            buffers,
            spare: Vec::new(),
            ends: VecDeque::new(),
            bytes_dropped: 0,
            ms_dropped: 0,
            packets_late: 0,
            turn: 0,
            next: None,
        }
    }

    /// Starts a tape, and gives its place.
    pub(super) fn begin(&mut self, now: Instant, tape: Tape) -> usize {
        self.next.get_or_insert(now + STEP);
        let free = self.tapes.iter().position(Option::is_none);
        let place = free.unwrap_or(self.tapes.len());
        match self.tapes.get_mut(place) {
            Some(slot) => *slot = Some(tape),
            None => self.tapes.push(Some(tape)),
        }
        place
    }

    /// The recording at a place.
    pub(super) fn id(&self, place: usize) -> Option<RecordingId> {
        self.tapes.get(place)?.as_ref().map(Tape::id)
    }

    /// Another leg is heard on this channel from now on.
    pub(super) fn change_leg(&mut self, place: usize, channel: usize) {
        if let Some(Some(tape)) = self.tapes.get_mut(place) {
            tape.change_leg(channel);
        }
    }

    /// A leg is heard on a tape beside those whose conversation it is.
    pub(super) fn welcome(&mut self, place: usize, guest: usize) {
        if let Some(Some(tape)) = self.tapes.get_mut(place) {
            tape.welcome(guest);
        }
    }

    /// A guest is heard no more.
    pub(super) fn dismiss(&mut self, place: usize, guest: usize) {
        if let Some(Some(tape)) = self.tapes.get_mut(place) {
            tape.dismiss(guest);
        }
    }

    /// Puts a guest's packet on a tape.
    pub(super) fn put_guest(
        &mut self,
        now: Instant,
        (place, guest): (usize, usize),
        packet: &Packet,
        buffer: &[u8],
    ) {
        if let Some(Some(tape)) = self.tapes.get_mut(place) {
            tape.put_guest(now, guest, packet, buffer);
        }
    }

    /// Lays silence on a tape from now on, or voices again.
    pub(super) fn pause(&mut self, now: Instant, place: usize, pauses: bool) {
        let Some(Some(tape)) = self.tapes.get_mut(place) else {
            return;
        };
        if pauses {
            tape.pause(now);
        } else {
            tape.resume(now);
        }
    }

    /// Puts a packet on a tape.
    pub(super) fn put(
        &mut self,
        now: Instant,
        (place, channel): (usize, usize),
        packet: &Packet,
        buffer: &[u8],
    ) {
        if let Some(Some(tape)) = self.tapes.get_mut(place) {
            tape.put(now, channel, packet, buffer);
        }
    }

    /// Hands on what the tapes have ready, and what is still owed to the recorder.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.say_ends();
        for place in 0..self.tapes.len() {
            self.hand_on(place, |tape, audio| tape.take(now, audio));
        }
    }

    /// When [`Taping::sweep_some`] is to be called next; never while no tape runs.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Hands on what every fifth tape has ready, each time the next ones: all of them at once would need as many buffers,
    /// and have the recorder write as many files in one go.
    pub(super) fn sweep_some(&mut self, now: Instant) {
        self.say_ends();
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        let turn = self.turn;
        self.turn = (turn + 1) % TURNS;
        for place in (turn..self.tapes.len()).step_by(TURNS) {
            self.hand_on(place, |tape, audio| tape.take(now, audio));
        }
        self.next = self.is_running().then(|| now + STEP);
    }

    /// Ends the tape at a place.
    pub(super) fn end(&mut self, now: Instant, place: usize) {
        self.hand_on(place, |tape, audio| tape.take_last(now, audio));
        let Some(tape) = self.tapes.get_mut(place).and_then(Option::take) else {
            return;
        };
        self.packets_late += tape.misplaced();
        self.end_recording(tape.id());
        if !self.is_running() {
            self.spare = Vec::new();
            if let Ok(buffers) = self.buffers.try_lock() {
                buffers.try_iter().for_each(drop);
            }
        }
    }

    /// Tells the recorder that no more audio comes for this recording.
    pub(super) fn end_recording(&mut self, id: RecordingId) {
        self.ends.push_back(id);
        self.say_ends();
    }

    /// Whether a tape runs.
    pub(super) fn is_running(&self) -> bool {
        self.tapes.iter().any(Option::is_some)
    }

    /// Whether the recorder is still to be told of an end.
    pub(super) fn is_waiting(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Bytes dropped, how long they would have lasted in milliseconds, and packets late since the last question.
    pub(super) fn take_counts(&mut self) -> (u64, u64, u64) {
        (
            std::mem::take(&mut self.bytes_dropped),
            std::mem::take(&mut self.ms_dropped),
            std::mem::take(&mut self.packets_late),
        )
    }

    fn say_ends(&mut self) {
        while let Some(id) = self.ends.pop_front() {
            if let Err(TrySendError::Full(_)) = self.recorder.try_send(TapeMessage::End { id }) {
                self.ends.push_front(id);
                return;
            }
        }
    }

    /// Sends what a tape gives, as often as it gives. The recorder's queue is full: the audio is dropped and
    /// counted, and the tape makes up for it with silence later; the voices never wait for the disk.
    fn hand_on(&mut self, place: usize, give: impl Fn(&mut Tape, &mut Vec<u8>) -> bool) {
        let Some(Some(tape)) = self.tapes.get_mut(place) else {
            return;
        };
        loop {
            let mut audio = empty_buffer(&mut self.spare, &self.buffers);
            if !give(tape, &mut audio) {
                self.spare = audio;
                return;
            }
            let sent = self
                .recorder
                .try_send(TapeMessage::Audio { id: tape.id(), audio });
            if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = sent {
                if let TapeMessage::Audio { audio, .. } = lost {
                    self.bytes_dropped += audio.len() as u64;
                    self.ms_dropped += tape.length_ms(&audio);
                    tape.not_delivered(&audio);
                    self.spare = audio;
                }
                return;
            }
        }
    }
}

/// The spare one, one that came back from the recorder, or a new one.
fn empty_buffer(spare: &mut Vec<u8>, buffers: &Buffers) -> Vec<u8> {
    let mut buffer = std::mem::take(spare);
    if buffer.capacity() == 0 {
        let recycled = buffers
            .try_lock()
            .ok()
            .and_then(|buffers| buffers.try_recv().ok());
        buffer = recycled.unwrap_or_else(|| Vec::with_capacity(BUFFER));
    }
    buffer.clear();
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TapeFormat;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_full_recorder_costs_audio_but_neither_length_nor_the_end() {
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do; only differences are used"
        )]
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let (recorder, tapes) = sync_channel(1);
        let (_back, buffers) = sync_channel(1);
        let mut taping = Taping::new(recorder, Arc::new(Mutex::new(buffers)));
        let id = RecordingId(uuid::Uuid::nil());
        let place = taping.begin(start, Tape::new(start, id, TapeFormat::MuLaw, 2));
        taping.sweep(start + second);
        taping.sweep(start + 2 * second);
        assert!(taping.take_counts().0 > 0);
        let mut length = 0;
        let mut hear = |taping: &mut Taping| loop {
            match tapes.try_recv() {
                Ok(TapeMessage::Audio { audio, .. }) => length += audio.len(),
                Ok(TapeMessage::End { .. }) => return Some(length),
                Ok(TapeMessage::Begin { .. } | TapeMessage::Refuse { .. }) | Err(_) => {
                    taping.sweep(start + 3 * second);
                    return None;
                }
            }
        };
        assert_eq!(hear(&mut taping), None);
        assert_eq!(hear(&mut taping), None);
        taping.end(start + 3 * second, place);
        assert!(!taping.is_running() && taping.is_waiting());
        assert_eq!(hear(&mut taping), None);
        assert_eq!(hear(&mut taping), Some(2 * 3 * 8000));
        assert!(!taping.is_waiting());
    }
}
