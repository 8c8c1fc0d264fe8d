//! What is recorded of a call, and by whose wish: the site's rules, the caller's consent, the agent's keys, the API.

use super::machine::Stage;
use super::{Action, Call};
use crate::model::{
    ConsentMark, ConsentRule, Digit, Direction, LegId, NoteKind, Playable, RecordAction, RecordWhen,
    Recordable, RecordingKind,
};
use std::time::{Duration, Instant};

/// What a call knows of its recording beside its identity.
#[derive(Debug, Default)]
pub(super) struct Taping {
    /// Silence is written.
    paused: bool,
    consent: Consent,
    keys: [Keys; 2],
}

/// How far the question whether the caller agrees has come.
#[derive(Debug, Default)]
enum Consent {
    #[default]
    NotAsked,
    Asking {
        /// Who waits with the caller for the announcement to end.
        with: LegId,
        /// A person asked for the recording, whatever the rules say.
        by_hand: bool,
        /// Who still hears it: the caller, the other.
        hears: u8,
        /// An announcement that nobody reports the end of was not heard.
        until: Instant,
    },
    Settled(ConsentMark),
}

/// The keys an agent has pressed lately, for codes such as `*1`.
#[derive(Debug, Default)]
struct Keys {
    leg: Option<LegId>,
    pressed: Vec<Digit>,
    last: Option<Instant>,
}

/// The longest announcement.
const LONGEST_ANNOUNCEMENT: Duration = Duration::from_secs(60);
/// Keys of one code follow each other within this time.
const BETWEEN_KEYS: Duration = Duration::from_secs(3);
/// The longest code.
const LONGEST_CODE: usize = 8;
/// What stands in the record for a key that was pressed while nothing is recorded on purpose.
pub(super) const MASKED: char = 'x';

impl Taping {
    /// Whatever is recorded next is recorded with voices.
    pub(super) fn with_voices(&mut self) {
        self.paused = false;
    }
}

impl Call {
    /// What the rules say about this call as far as it has come; a `[[number]]` that says something wins.
    fn record_when(&self) -> RecordWhen {
        let rules = &self.policy.record;
        let setup = &self.setup;
        match self.policy.number_records {
            Some(false) => RecordWhen::Never,
            Some(true) if rules.usual == RecordWhen::Never => RecordWhen::Answer,
            Some(true) => rules.usual,
            None => rules.decide(&Recordable {
                call: setup.id,
                direction: setup.direction,
                trunk: setup.trunk.as_ref(),
                group: self.group.as_ref(),
                agent: self.agent().or(setup.caller_agent.as_ref()),
                caller: &setup.caller_number,
                dialed: &setup.dialed_number,
            }),
        }
    }

    /// Phones ring: a caller the box hears already is recorded from here on, where that is wanted.
    pub(super) fn record_ringing(&mut self, leg: LegId) -> Vec<Action> {
        let may = self.recording.is_none() && self.is_caller_answered() && self.may_record();
        if may && self.record_when() == RecordWhen::Ringing {
            return self.start_recording(leg);
        }
        Vec::new()
    }

    /// Two talk from now on: the recording goes on with them, or begins if that is wanted.
    pub(super) fn record_talk(&mut self, leg: LegId) -> Vec<Action> {
        if let Some(id) = self.recording {
            return vec![Action::ChangeRecording(id, self.front, Some(leg))];
        }
        if self.record_when() == RecordWhen::Never || !self.may_record() {
            return Vec::new();
        }
        self.start_recording(leg)
    }

    fn start_recording(&mut self, leg: LegId) -> Vec<Action> {
        let id = self.setup.recording;
        self.recording = Some(id);
        self.taping.with_voices();
        let (kind, left, right) = (RecordingKind::Conversation, self.front, Some(leg));
        vec![
            Action::Record {
                id,
                kind,
                left,
                right,
            },
            Action::Note(NoteKind::Recording, None, id.to_string()),
        ]
    }

    /// The announcement this call needs before it may be recorded. Calls within the house need none.
    fn consent_rule(&self) -> Option<&ConsentRule> {
        let rule = self.policy.record.consent.as_ref();
        rule.filter(|_| self.setup.direction != Direction::Internal)
    }

    fn may_record(&self) -> bool {
        match (&self.taping.consent, self.consent_rule()) {
            (_, None) | (Consent::Settled(ConsentMark::Announced | ConsentMark::Given), Some(_)) => true,
            (
                Consent::NotAsked | Consent::Asking { .. } | Consent::Settled(ConsentMark::Refused),
                Some(_),
            ) => false,
        }
    }

    /// What the record says about consent.
    pub fn consent(&self) -> Option<ConsentMark> {
        match self.taping.consent {
            Consent::Settled(mark) => Some(mark),
            Consent::NotAsked | Consent::Asking { .. } => None,
        }
    }

    /// Whether silence is written at present.
    pub fn is_recording_paused(&self) -> bool {
        self.recording.is_some() && self.taping.paused
    }

    /// Whether the two wait for the announcement to end; they do not talk yet.
    pub(super) fn is_asking_consent(&self) -> bool {
        matches!(self.taping.consent, Consent::Asking { .. })
    }

    /// When an announcement has taken too long.
    pub(super) fn consent_deadline(&self) -> Option<Instant> {
        match self.taping.consent {
            Consent::Asking { until, .. } => Some(until),
            Consent::NotAsked | Consent::Settled(_) => None,
        }
    }

    /// Somebody has answered, or wants a recording begun: both hear the announcement first when one is needed. Nothing
    /// when none is.
    pub(super) fn ask_consent(&mut self, now: Instant, with: LegId, by_hand: bool) -> Option<Vec<Action>> {
        let wanted = by_hand || self.record_when() != RecordWhen::Never;
        let is_open = matches!(self.taping.consent, Consent::NotAsked);
        let name = self.consent_rule().filter(|_| wanted && is_open)?.prompt.clone();
        let language = self.chosen_language().or(self.setup.languages.first()).cloned()?;
        self.taping.consent = Consent::Asking {
            with,
            by_hand,
            hears: 2,
            until: now + LONGEST_ANNOUNCEMENT,
        };
        let play = |leg| Action::Play {
            leg,
            items: vec![Playable::Prompt {
                language: language.clone(),
                name: name.clone(),
            }],
            repeat: false,
        };
        let asked = Action::Note(NoteKind::Consent, Some(self.front), "asked".to_owned());
        Some(vec![play(self.front), play(with), asked])
    }

    /// One of the two has heard the announcement. The conversation begins when both have: no word is recorded before.
    pub(super) fn announcement_heard(&mut self) -> Vec<Action> {
        let Consent::Asking { hears, .. } = &mut self.taping.consent else {
            return Vec::new();
        };
        *hears = hears.saturating_sub(1);
        if *hears > 0 {
            return Vec::new();
        }
        let needs_key = self.consent_rule().is_some_and(|rule| rule.opt_in.is_some());
        self.settle_consent(if needs_key {
            ConsentMark::Refused
        } else {
            ConsentMark::Announced
        })
    }

    /// The announcement took too long: it is not known to have been heard, so nothing is recorded.
    pub(super) fn announcement_overdue(&mut self, now: Instant) -> Vec<Action> {
        if self.consent_deadline().is_none_or(|until| until > now) {
            return Vec::new();
        }
        self.settle_consent(ConsentMark::Refused)
    }

    /// The caller pressed a key while the announcement played.
    pub(super) fn consent_key(&mut self, digit: Digit) -> Vec<Action> {
        let Some(rule) = self.consent_rule().filter(|_| self.is_asking_consent()) else {
            return Vec::new();
        };
        if rule.opt_out == Some(digit) {
            return self.settle_consent(ConsentMark::Refused);
        }
        if rule.opt_in == Some(digit) {
            return self.settle_consent(ConsentMark::Given);
        }
        Vec::new()
    }

    fn settle_consent(&mut self, mark: ConsentMark) -> Vec<Action> {
        let Consent::Asking { with, by_hand, .. } = self.taping.consent else {
            return Vec::new();
        };
        self.taping.consent = Consent::Settled(mark);
        let word = match mark {
            ConsentMark::Announced => "announced",
            ConsentMark::Given => "given",
            ConsentMark::Refused => "refused",
        };
        let mut actions = vec![Action::Note(NoteKind::Consent, Some(self.front), word.to_owned())];
        actions.extend(self.let_talk(self.front, with));
        if by_hand && self.may_record() {
            actions.extend(self.start_recording(with));
        } else {
            actions.extend(self.record_talk(with));
        }
        actions
    }

    /// A person or a program wants something else done about the recording; `by` says who.
    pub(super) fn record_ordered(&mut self, now: Instant, wish: RecordAction, by: &str) -> Vec<Action> {
        let (Stage::Talking, Some(leg)) = (&self.stage, self.other_than(self.front)) else {
            return Vec::new();
        };
        if self.is_asking_consent() {
            return Vec::new();
        }
        let note = |kind| Action::Note(kind, None, by.to_owned());
        match (wish, self.recording) {
            (RecordAction::Start, None) => self.start_by_hand(now, leg),
            (RecordAction::Stop, Some(id)) => {
                self.recording = None;
                self.taping.with_voices();
                vec![Action::StopRecording(id), note(NoteKind::RecordingStopped)]
            }
            (RecordAction::Pause, Some(id)) if !self.taping.paused => {
                self.taping.paused = true;
                vec![Action::PauseRecording(id), note(NoteKind::RecordingPaused)]
            }
            (RecordAction::Resume, Some(id)) if self.taping.paused => {
                self.taping.paused = false;
                vec![Action::ResumeRecording(id), note(NoteKind::RecordingResumed)]
            }
            // It is so already.
            (RecordAction::Start, Some(_))
            | (RecordAction::Stop | RecordAction::Pause | RecordAction::Resume, None | Some(_)) => Vec::new(),
        }
    }

    fn start_by_hand(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if let Some(asking) = self.ask_consent(now, leg, true) {
            let mut actions = vec![self.keep_apart(leg)];
            actions.extend(asking);
            return actions;
        }
        if self.may_record() {
            return self.start_recording(leg);
        }
        Vec::new() // The caller has refused.
    }

    /// An agent pressed a key while talking: perhaps the end of a code.
    pub(super) fn agent_pressed(&mut self, now: Instant, leg: LegId, digit: Digit) -> Vec<Action> {
        let Some(agent) = self.ledger.agent(leg).cloned().filter(|_| self.is_talking(leg)) else {
            return Vec::new();
        };
        let rules = std::sync::Arc::clone(&self.policy.record);
        let side = usize::from(leg != self.front);
        let Some(keys) = self.taping.keys.get_mut(side) else {
            return Vec::new();
        };
        keys.press(now, leg, digit);
        let wish = if keys.end_with(&rules.record_keys) {
            match self.recording {
                None => RecordAction::Start,
                Some(_) => RecordAction::Stop,
            }
        } else if keys.end_with(&rules.pause_keys) {
            if self.taping.paused {
                RecordAction::Resume
            } else {
                RecordAction::Pause
            }
        } else {
            return Vec::new();
        };
        keys.pressed.clear();
        self.record_ordered(now, wish, agent.as_str())
    }
}

impl Keys {
    fn press(&mut self, now: Instant, leg: LegId, digit: Digit) {
        let is_late = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) > BETWEEN_KEYS);
        if is_late || self.leg != Some(leg) {
            self.pressed.clear();
        }
        (self.leg, self.last) = (Some(leg), Some(now));
        if self.pressed.len() == LONGEST_CODE {
            self.pressed.remove(0);
        }
        self.pressed.push(digit);
    }

    fn end_with(&self, code: &[Digit]) -> bool {
        !code.is_empty() && self.pressed.ends_with(code)
    }
}
