//! A call has ended: its record waits a moment for what the media and the recorder still have to say, then it is filed.

use super::{Engine, Notice, Output};
use crate::model::{
    CallKey, Cdr, ConsentMark, Entry, LegId, LegKey, MessageFacts, Quality, RecordingFacts, RecordingId,
    RecordingRow, TapeDone,
};
use std::time::{Duration, Instant};

/// How long a record waits for its last facts. They come within milliseconds; without them it is filed as it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// A record that waits.
#[derive(Debug)]
pub(super) struct Filing {
    cdr: Box<Cdr>,
    due: Instant,
    closing: Vec<LegId>,
    recordings: Vec<RecordingRow>,
    writing: Vec<RecordingId>,
    /// Recordings that are not the call's own.
    aside: Vec<RecordingId>,
    consent: Option<ConsentMark>,
}

impl Filing {
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    fn is_complete(&self) -> bool {
        self.closing.is_empty() && self.writing.is_empty()
    }

    fn add_quality(&mut self, leg: LegId, quality: Option<Quality>) {
        if let Some(record) = self.cdr.legs.iter_mut().find(|record| record.leg == leg.0) {
            record.quality = quality;
        }
    }

    fn add_tape(&mut self, done: &TapeDone) {
        self.writing.retain(|id| *id != done.id);
        if let Ok(facts) = &done.result
            && !self.aside.contains(&done.id)
        {
            let facts = RecordingFacts {
                consent: self.consent,
                ..facts.clone()
            };
            // Recordings of a call end in the order they were begun; the last one stands first.
            let earlier = self.cdr.recording.replace(facts);
            self.cdr.earlier_recordings.extend(earlier);
        }
    }

    /// This recording is not the call's own.
    pub(super) fn forget(&mut self, id: RecordingId) {
        self.recordings.retain(|row| row.id != id);
        self.writing.retain(|own| *own != id);
        self.aside.push(id);
        if self.cdr.recording.as_ref().is_some_and(|facts| facts.id == id) {
            self.cdr.recording = self.cdr.earlier_recordings.pop();
        }
        self.cdr.earlier_recordings.retain(|facts| facts.id != id);
    }

    pub(super) fn note_message(&mut self, facts: MessageFacts) {
        self.cdr.voicemail = Some(facts);
    }

    /// A recording the recorder has said nothing about yet is named without its measures.
    fn name_unfinished(&mut self) {
        let Some(row) = self.recordings.iter().find(|row| self.writing.contains(&row.id)) else {
            return;
        };
        if self.cdr.recording.is_none() {
            self.cdr.recording = Some(RecordingFacts {
                id: row.id,
                path: row.full_path(),
                sha256: None,
                bytes: None,
                duration_ms: None,
                channels: row.kind.channels(),
                consent: self.consent,
                url: None,
                removed: None,
            });
        }
    }
}

impl Engine {
    /// The call is over: it leaves the live calls and its record waits.
    pub(super) fn file(&mut self, now: Instant, key: CallKey, mut cdr: Box<Cdr>) {
        let Some(live) = self.calls.remove(&key) else {
            return;
        };
        cdr.sip_code = live.sip_code;
        cdr.voicemail = live.voicemail;
        let closing = self
            .closing
            .keys()
            .filter(|leg| leg.call == key)
            .map(|leg| leg.leg)
            .collect();
        let writing = live.recordings.iter().map(|row| row.id).collect();
        let due = now + PATIENCE;
        let mut filing = Filing {
            cdr,
            due,
            closing,
            recordings: live.recordings,
            writing,
            aside: Vec::new(),
            consent: live.call.consent(),
        };
        for (leg, quality) in live.qualities {
            filing.add_quality(leg, quality);
        }
        for done in &live.tapes_done {
            filing.add_tape(done);
        }
        for id in live.aside {
            filing.forget(id);
        }
        self.filings.insert(key, filing);
        self.settle_messages_of(now, key);
        self.file_if_complete(key);
    }

    /// What was measured on a leg of a call that has ended.
    pub(super) fn measured(&mut self, key: LegKey, quality: Option<Quality>) {
        let Some(filing) = self.filings.get_mut(&key.call) else {
            return;
        };
        filing.closing.retain(|leg| *leg != key.leg);
        filing.add_quality(key.leg, quality);
        self.file_if_complete(key.call);
    }

    pub(super) fn tape_done(&mut self, now: Instant, done: TapeDone) {
        self.message_taken(now, &done);
        let of_this = |rows: &[RecordingRow]| rows.iter().any(|row| row.id == done.id);
        let filed = self
            .filings
            .iter()
            .find(|(_, filing)| of_this(&filing.recordings))
            .map(|(key, _)| *key);
        let live = self.calls.values_mut().find(|live| of_this(&live.recordings));
        let call = match (&live, filed.and_then(|key| self.filings.get(&key))) {
            (Some(live), _) => Some(live.call.setup().id),
            (None, Some(filing)) => Some(filing.cdr.call_id),
            (None, None) => None,
        };
        if let (Some(call), Err(reason)) = (call, &done.result) {
            self.out.push(Output::Notice(Notice::RecordingFailed {
                call,
                reason: reason.clone(),
            }));
        }
        if let Some(live) = live {
            live.tapes_done.push(done);
        } else if let Some(key) = filed
            && let Some(filing) = self.filings.get_mut(&key)
        {
            filing.add_tape(&done);
            self.file_if_complete(key);
        }
    }

    pub(super) fn file_overdue(&mut self, now: Instant) {
        let overdue: Vec<CallKey> = self
            .filings
            .iter()
            .filter(|(_, filing)| filing.due <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in overdue {
            self.file_now(key);
        }
    }

    pub(super) fn file_if_complete(&mut self, key: CallKey) {
        if self.filings.get(&key).is_some_and(Filing::is_complete) {
            self.file_now(key);
        }
    }

    fn file_now(&mut self, key: CallKey) {
        let Some(mut filing) = self.filings.remove(&key) else {
            return;
        };
        filing.name_unfinished();
        let cdr = filing.cdr;
        self.out.push(Output::Notice(Notice::CallEnded {
            call: cdr.call_id,
            status: cdr.status.as_str().to_owned(),
            duration_ms: cdr.duration_ms,
        }));
        self.journal(Entry::CallClosed(cdr));
    }
}
