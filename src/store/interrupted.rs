use crate::model::{
    AgentId, CallNote, Cdr, ConsentMark, HangupBy, LegId, LegRecord, LegRole, NoteKind, RecordingFacts,
    Stamp, Status, StepName,
};

/// The final record of a call that the daemon did not live to end: the draft, completed by what was noted
/// since.
///
/// `alive_ms` is how long after the call's arrival the daemon was last seen alive; the call ends there, or at
/// its last note when that is later.
pub(super) fn closed(draft: Cdr, notes: &[CallNote], alive_ms: u64, recordings: Vec<RecordingFacts>) -> Cdr {
    let mut story = Story::new(draft);
    for note in notes {
        story.tell(note);
    }
    story.end(alive_ms, recordings)
}

/// A call told again from its notes.
struct Story {
    cdr: Cdr,
    rang_at_ms: Option<u64>,
    answered_at_ms: Option<u64>,
    held_since_ms: Option<u64>,
    ended_at_ms: Option<u64>,
    last_ms: u64,
    consent: Option<ConsentMark>,
}

impl Story {
    fn new(draft: Cdr) -> Self {
        Self {
            cdr: draft,
            rang_at_ms: None,
            answered_at_ms: None,
            held_since_ms: None,
            ended_at_ms: None,
            last_ms: 0,
            consent: None,
        }
    }

    fn tell(&mut self, note: &CallNote) {
        self.last_ms = self.last_ms.max(note.offset_ms);
        match note.kind {
            NoteKind::Created
            | NoteKind::Recording
            | NoteKind::RecordingStopped
            | NoteKind::RecordingPaused
            | NoteKind::RecordingResumed
            | NoteKind::TransferAsked
            | NoteKind::TransferFailed => {}
            NoteKind::Consent => self.consent = mark(&note.detail).or(self.consent),
            NoteKind::CallerAnswered => self.with_leg(LegId::CALLER, |leg| leg.answered_at = Some(note.at)),
            NoteKind::Stage => self.cdr.stages.push(StepName::from(note.detail.as_str())),
            NoteKind::Digit => self.cdr.digits.push_str(&note.detail),
            NoteKind::Dialed => self.dialed(note),
            NoteKind::Ringing => self.ringing(note),
            NoteKind::Answered | NoteKind::Transferred => self.answered(note),
            NoteKind::Joined => self.joined(note),
            NoteKind::Parted => self.let_go(note, "answered"),
            NoteKind::Refused => self.let_go(note, "declined"),
            NoteKind::Released => self.let_go(note, "canceled"),
            NoteKind::Held => self.held_since_ms = self.held_since_ms.or(Some(note.offset_ms)),
            NoteKind::Resumed => self.resumed(note.offset_ms),
            NoteKind::Ended => self.ended_at_ms = Some(note.offset_ms),
        }
    }

    fn with_leg(&mut self, leg: LegId, change: impl FnOnce(&mut LegRecord)) {
        if let Some(record) = self.cdr.legs.iter_mut().find(|record| record.leg == leg.0) {
            change(record);
        }
    }

    fn dialed(&mut self, note: &CallNote) {
        let Some(leg) = note.leg else { return };
        let (role, name) = match note.detail.split_once(' ') {
            Some(("listen" | "whisper" | "barge", name)) => (LegRole::Supervisor, name),
            Some(("third", name)) => (LegRole::Guest, name),
            Some(_) | None => (LegRole::Agent, note.detail.as_str()),
        };
        self.cdr.legs.push(LegRecord {
            leg: leg.0,
            role,
            agent: Some(AgentId::from(name)),
            number: name.to_owned(),
            attempt: 1,
            invited_at: note.at,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            result: "failed".to_owned(),
            sip_code: None,
            quality: None,
        });
    }

    fn ringing(&mut self, note: &CallNote) {
        self.rang_at_ms.get_or_insert(note.offset_ms);
        self.cdr.ringing_at.get_or_insert(note.at);
        let Some(leg) = note.leg else { return };
        self.with_leg(leg, |leg| leg.ringing_at = Some(note.at));
    }

    fn answered(&mut self, note: &CallNote) {
        self.answered_at_ms.get_or_insert(note.offset_ms);
        self.cdr.answered_at.get_or_insert(note.at);
        let Some(leg) = note.leg else { return };
        let mut agent = None;
        self.with_leg(leg, |leg| {
            leg.answered_at = Some(note.at);
            leg.result = "answered".to_owned();
            agent = leg.agent.clone();
        });
        // The number is not noted, and an agent's name in its place would mislead.
        self.cdr.agent = agent;
    }

    fn joined(&mut self, note: &CallNote) {
        let Some(leg) = note.leg else { return };
        self.with_leg(leg, |leg| {
            leg.answered_at = leg.answered_at.or(Some(note.at));
            leg.result = "answered".to_owned();
        });
    }

    fn let_go(&mut self, note: &CallNote, otherwise: &str) {
        let Some(leg) = note.leg else { return };
        let elsewhere = self.answered_at_ms.is_some();
        self.with_leg(leg, |leg| {
            leg.ended_at = Some(note.at);
            if note.detail == "transferred" {
                note.detail.clone_into(&mut leg.result);
            } else if leg.result == "failed" {
                let unheard = if elsewhere {
                    "answered_elsewhere"
                } else {
                    otherwise
                };
                leg.result = known_result(&note.detail).unwrap_or(unheard).to_owned();
            }
        });
    }

    fn resumed(&mut self, offset_ms: u64) {
        if let Some(since) = self.held_since_ms.take() {
            self.cdr.hold_ms += offset_ms.saturating_sub(since);
        }
    }

    fn end(mut self, alive_ms: u64, mut recordings: Vec<RecordingFacts>) -> Cdr {
        let end_ms = self.ended_at_ms.unwrap_or_else(|| self.last_ms.max(alive_ms));
        self.resumed(end_ms);
        let mut cdr = self.cdr;
        let started = cdr.started_at;
        let ended_at = Stamp {
            unix_ms: started
                .unix_ms
                .saturating_add(i64::try_from(end_ms).unwrap_or(i64::MAX)),
            offset_seconds: started.offset_seconds,
        };
        let until_answer = self.answered_at_ms.unwrap_or(end_ms);
        cdr.duration_ms = end_ms;
        cdr.talk_ms = end_ms.saturating_sub(until_answer);
        cdr.wait_ms = until_answer;
        cdr.ring_ms = self
            .rang_at_ms
            .map_or(0, |rang| until_answer.saturating_sub(rang));
        cdr.ended_at = Some(ended_at);
        for leg in cdr.legs.iter_mut().filter(|leg| leg.ended_at.is_none()) {
            leg.ended_at = Some(ended_at);
        }
        cdr.status = Status::Failed;
        cdr.hangup_by = HangupBy::System;
        cdr.cause = Some("interrupted".to_owned());
        cdr.recording = recordings.pop().or(cdr.recording);
        cdr.earlier_recordings = recordings;
        for recording in cdr.recording.iter_mut().chain(&mut cdr.earlier_recordings) {
            recording.consent = recording.consent.or(self.consent);
        }
        cdr.is_final = true;
        cdr
    }
}

/// What a note about consent came to.
fn mark(word: &str) -> Option<ConsentMark> {
    match word {
        "announced" => Some(ConsentMark::Announced),
        "given" => Some(ConsentMark::Given),
        "refused" => Some(ConsentMark::Refused),
        _ => None,
    }
}

/// The words a leg's `result` may have, when the note's cause is one of them.
fn known_result(cause: &str) -> Option<&str> {
    [
        "answered_elsewhere",
        "busy",
        "declined",
        "no_answer",
        "unreachable",
        "redirected",
        "canceled",
        "failed",
    ]
    .into_iter()
    .find(|word| *word == cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::sample;

    fn note(offset_ms: u64, leg: Option<u32>, kind: NoteKind, detail: &str) -> CallNote {
        let cdr = sample::draft(1);
        CallNote {
            call_id: cdr.call_id,
            at: Stamp {
                unix_ms: cdr.started_at.unix_ms + i64::try_from(offset_ms).unwrap(),
                offset_seconds: cdr.started_at.offset_seconds,
            },
            offset_ms,
            leg: leg.map(LegId),
            kind,
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn an_interrupted_conversation_keeps_what_was_known_of_it() {
        let notes = [
            note(0, None, NoteKind::Created, ""),
            note(10, None, NoteKind::Stage, "menu"),
            note(900, None, NoteKind::Digit, "1"),
            note(1000, Some(1), NoteKind::Dialed, "ali"),
            note(1000, Some(2), NoteKind::Dialed, "mona"),
            note(1200, Some(1), NoteKind::Ringing, ""),
            note(4200, Some(1), NoteKind::Answered, ""),
            note(4210, Some(2), NoteKind::Released, ""),
            note(5000, None, NoteKind::Held, ""),
            note(6000, None, NoteKind::Resumed, ""),
        ];
        let cdr = closed(sample::draft(1), &notes, 14_200, Vec::new());
        assert_eq!((cdr.status, cdr.hangup_by), (Status::Failed, HangupBy::System));
        assert_eq!(cdr.cause.as_deref(), Some("interrupted"));
        assert!(cdr.is_final);
        assert_eq!(
            (cdr.duration_ms, cdr.talk_ms, cdr.wait_ms),
            (14_200, 10_000, 4200)
        );
        assert_eq!((cdr.ring_ms, cdr.hold_ms), (3000, 1000));
        assert_eq!(cdr.digits, "1");
        assert_eq!(cdr.agent, Some(AgentId::from("ali")));
        let results: Vec<_> = cdr
            .legs
            .iter()
            .map(|leg| (leg.leg, leg.result.as_str()))
            .collect();
        assert_eq!(
            results,
            [(0, "answered"), (1, "answered"), (2, "answered_elsewhere")]
        );
        assert_eq!(cdr.ended_at.unwrap().unix_ms - cdr.started_at.unix_ms, 14_200);
    }

    #[test]
    fn without_a_heartbeat_the_last_note_ends_the_call() {
        let notes = [
            note(0, None, NoteKind::Created, ""),
            note(2500, None, NoteKind::Digit, "9"),
        ];
        let cdr = closed(sample::draft(1), &notes, 0, Vec::new());
        assert_eq!((cdr.duration_ms, cdr.talk_ms, cdr.wait_ms), (2500, 0, 2500));
        assert_eq!(cdr.answered_at, None);
    }
}
