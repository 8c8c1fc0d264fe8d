//! Ringing phones until one wins: rounds, refusals, the single winner, what comes when nobody took the call.

use super::machine::Stage;
use super::{Action, Call, Candidate, Cause, Found, Overflow, Refusal, RefusalKind, Sought, Who};
use crate::ivr::{Input, RingResult};
use crate::model::{AgentId, LegId, NoteKind, Playable, Tone};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// One search for somebody to take the call.
#[derive(Debug)]
pub(super) struct Hunt {
    who: Who,
    attempt: u32,
    phase: Phase,
    rules: Option<Rules>,
    /// Who said no by hand is not asked again for this call.
    declined: BTreeSet<AgentId>,
    somebody_was_busy: bool,
    /// A phone rang, so the caller has been told.
    somebody_rang: bool,
    /// A phone rang a whole round, or gave up by itself.
    somebody_rang_in_vain: bool,
    /// When this attempt began to look for somebody.
    looking_since: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// The roster has been asked.
    Finding,
    /// These phones ring.
    Ringing {
        since: Instant,
        legs: BTreeMap<LegId, Candidate>,
    },
    /// The round ended early; the next one begins then.
    Pausing { until: Instant },
    /// Everybody is in a call; the roster is asked again then, in the same round.
    Waiting { until: Instant },
}

#[derive(Debug, Clone)]
struct Rules {
    ring_time: Duration,
    attempts: u32,
    overflow: Overflow,
}

impl Hunt {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match (&self.phase, &self.rules) {
            (Phase::Finding, _) | (Phase::Ringing { .. }, None) => None,
            (Phase::Ringing { since, .. }, Some(rules)) => Some(*since + rules.ring_time),
            (Phase::Pausing { until } | Phase::Waiting { until }, _) => Some(*until),
        }
    }

    fn sought(&self) -> Sought {
        Sought {
            who: self.who.clone(),
            attempt: self.attempt,
        }
    }

    /// The phones that ring now.
    pub(super) fn ringing(&self) -> Option<Vec<LegId>> {
        match &self.phase {
            Phase::Ringing { legs, .. } => Some(legs.keys().copied().collect()),
            Phase::Finding | Phase::Pausing { .. } | Phase::Waiting { .. } => None,
        }
    }

    fn has_more_attempts(&self) -> bool {
        self.rules
            .as_ref()
            .is_some_and(|rules| self.attempt < rules.attempts)
    }

    fn result(&self) -> RingResult {
        if self.somebody_rang_in_vain {
            RingResult::NoAnswer
        } else if self.somebody_was_busy {
            RingResult::Busy
        } else {
            RingResult::NobodyThere
        }
    }
}

impl Refusal {
    /// The phone hung up on us before it answered.
    pub(super) fn vanished() -> Self {
        Self {
            kind: RefusalKind::Failed,
            sip_code: None,
        }
    }
}

impl Call {
    pub(super) fn hunt_for(&mut self, who: Who) -> Vec<Action> {
        if let Who::Group(group) = &who {
            self.group = Some(group.clone());
        }
        let hunt = Hunt {
            who,
            attempt: 1,
            phase: Phase::Finding,
            rules: None,
            declined: BTreeSet::new(),
            somebody_was_busy: false,
            somebody_rang: false,
            somebody_rang_in_vain: false,
            looking_since: None,
        };
        let sought = hunt.sought();
        self.stage = Stage::Hunting(hunt);
        let mut actions = Vec::new();
        if self.is_caller_answered() {
            let items = vec![Playable::Tone(Tone::Ringback)];
            actions.push(Action::Play {
                leg: self.front,
                items,
                repeat: true,
            });
        }
        actions.push(Action::FindAgents(sought));
        actions
    }

    /// Rings everyone the roster found, all at once.
    pub(super) fn ring(&mut self, now: Instant, found: Found) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        if !matches!(hunt.phase, Phase::Finding) || found.sought != hunt.sought() {
            return Vec::new();
        }
        let rules = Rules {
            ring_time: found.ring_time,
            attempts: found.attempts,
            overflow: found.overflow,
        };
        hunt.rules = Some(rules);
        let everybody_is_in_a_call = found.candidates.is_empty() && found.somebody_on_duty;
        hunt.somebody_was_busy |= everybody_is_in_a_call;
        let candidates: Vec<_> = found
            .candidates
            .into_iter()
            .filter(|candidate| !hunt.declined.contains(&candidate.agent))
            .collect();
        if everybody_is_in_a_call {
            return self.wait_for_somebody(now);
        }
        if candidates.is_empty() {
            // Nobody is there, or everyone who is has said no.
            return self.round_over(now, false);
        }
        self.dial(now, candidates)
    }

    fn dial(&mut self, now: Instant, candidates: Vec<Candidate>) -> Vec<Action> {
        let legs: BTreeMap<LegId, Candidate> = candidates
            .into_iter()
            .map(|candidate| (self.new_leg(), candidate))
            .collect();
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        let mut actions = Vec::with_capacity(2 * legs.len());
        for (leg, candidate) in &legs {
            self.ledger.dialed(now, *leg, candidate, hunt.attempt);
            actions.push(Action::Dial(*leg, candidate.clone()));
        }
        for (leg, candidate) in &legs {
            actions.push(Action::Note(
                NoteKind::Dialed,
                Some(*leg),
                candidate.agent.to_string(),
            ));
        }
        hunt.phase = Phase::Ringing { since: now, legs };
        actions
    }

    /// A group whose members all talk keeps its caller for the round and takes whoever becomes free; a single
    /// extension is simply busy.
    fn wait_for_somebody(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        let ring_time = hunt
            .rules
            .as_ref()
            .map_or(Duration::ZERO, |rules| rules.ring_time);
        let round_ends = *hunt.looking_since.get_or_insert(now) + ring_time;
        if matches!(hunt.who, Who::Agent(_)) || now >= round_ends {
            return self.attempt_over(now);
        }
        let until = (now + self.policy.pause_between_rounds).min(round_ends);
        hunt.phase = Phase::Waiting { until };
        let tell = !std::mem::replace(&mut hunt.somebody_rang, true) && !self.is_caller_answered();
        tell.then_some(Action::Ring(self.front)).into_iter().collect()
    }

    pub(super) fn leg_rings(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return self.outside_rings(now, leg);
        };
        let Phase::Ringing { legs, .. } = &hunt.phase else {
            return Vec::new();
        };
        if !legs.contains_key(&leg) || self.ledger.has_rung(leg) {
            return Vec::new();
        }
        let is_first = !std::mem::replace(&mut hunt.somebody_rang, true);
        self.ledger.ringing(now, leg);
        let mut actions = Vec::new();
        if is_first && !self.is_caller_answered() {
            actions.push(Action::Ring(self.front));
        }
        if is_first {
            actions.extend(self.transfer_rings());
        }
        actions.push(Action::Note(NoteKind::Ringing, Some(leg), String::new()));
        actions.extend(self.record_ringing(leg));
        actions
    }

    /// The one place where a call is won. Whoever comes later finds the round gone.
    pub(super) fn connect(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return self.outside_answers(now, leg);
        };
        let Phase::Ringing { legs, .. } = &mut hunt.phase else {
            return Vec::new();
        };
        if legs.remove(&leg).is_none() {
            return Vec::new();
        }
        let losers: Vec<LegId> = legs.keys().copied().collect();
        self.win(now, leg, losers)
    }

    /// This leg has the call, and those that ring are let go.
    pub(super) fn win(&mut self, now: Instant, leg: LegId, losers: Vec<LegId>) -> Vec<Action> {
        let mut actions = self.release(now, losers, Cause::AnsweredElsewhere);
        self.ledger.answered(now, leg);
        let kind = if self.talked.is_some() {
            NoteKind::Transferred
        } else {
            NoteKind::Answered
        };
        actions.extend(self.talk(now, leg));
        let agent = self
            .ledger
            .agent(leg)
            .map(ToString::to_string)
            .unwrap_or_default();
        actions.push(Action::Note(kind, Some(leg), agent));
        actions
    }

    pub(super) fn refuse(&mut self, now: Instant, leg: LegId, refusal: Refusal) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return self.outside_refuses(now, leg, refusal);
        };
        let Phase::Ringing { legs, .. } = &mut hunt.phase else {
            return Vec::new();
        };
        let Some(candidate) = legs.remove(&leg) else {
            return Vec::new();
        };
        let round_is_over = legs.is_empty();
        // A phone that rang and then says busy was declined by hand.
        let by_hand = match refusal.kind {
            RefusalKind::Declined => true,
            RefusalKind::Busy => self.ledger.has_rung(leg),
            RefusalKind::NoAnswer
            | RefusalKind::Unreachable
            | RefusalKind::NoSuchNumber
            | RefusalKind::Congested
            | RefusalKind::Redirected
            | RefusalKind::Failed => false,
        };
        hunt.somebody_was_busy |= matches!(refusal.kind, RefusalKind::Busy | RefusalKind::Declined);
        hunt.somebody_rang_in_vain |= refusal.kind == RefusalKind::NoAnswer;
        if by_hand {
            hunt.declined.insert(candidate.agent);
        }
        self.ledger.refused(now, leg, refusal);
        let word = format!("{:?}", refusal.kind);
        let mut actions = vec![Action::Note(NoteKind::Refused, Some(leg), word)];
        if round_is_over {
            actions.extend(self.round_over(now, true));
        }
        actions
    }

    /// The time of the round or of the pause is over.
    pub(super) fn hunt_on(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        match &mut hunt.phase {
            Phase::Finding => Vec::new(),
            Phase::Pausing { .. } => self.next_round(),
            Phase::Waiting { .. } => {
                hunt.phase = Phase::Finding;
                vec![Action::FindAgents(hunt.sought())]
            }
            Phase::Ringing { legs, .. } => {
                let silent: Vec<LegId> = std::mem::take(legs).into_keys().collect();
                hunt.somebody_rang_in_vain |= silent.iter().any(|leg| self.ledger.has_rung(*leg));
                let mut actions = self.release(now, silent, Cause::RangLongEnough);
                actions.extend(self.attempt_over(now));
                actions
            }
        }
    }

    /// The round has had its time.
    fn attempt_over(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Hunting(hunt) = &self.stage else {
            return Vec::new();
        };
        if hunt.has_more_attempts() {
            self.next_round()
        } else {
            self.hunt_over(now)
        }
    }

    /// A round ended before its time, with no phone left ringing.
    fn round_over(&mut self, now: Instant, trying_again_makes_sense: bool) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        if hunt.has_more_attempts() && trying_again_makes_sense {
            hunt.phase = Phase::Pausing {
                until: now + self.policy.pause_between_rounds,
            };
            return Vec::new();
        }
        self.hunt_over(now)
    }

    fn next_round(&mut self) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        hunt.attempt += 1;
        hunt.looking_since = None;
        hunt.phase = Phase::Finding;
        vec![Action::FindAgents(hunt.sought())]
    }

    fn hunt_over(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Hunting(hunt) = &mut self.stage else {
            return Vec::new();
        };
        let result = hunt.result();
        self.overflow_rule = hunt.rules.take().map(|rules| rules.overflow);
        self.unanswered = Some(result);
        self.stage = Stage::InFlow;
        if let Some(actions) = self.transfer_in_vain(now, result) {
            return actions;
        }
        let mut actions = Vec::new();
        if self.is_caller_answered() {
            actions.push(Action::StopPlaying(self.front));
        }
        actions.extend(self.after_hunt(now, result));
        actions
    }

    /// The flow's own step comes first; a call without a flow follows the rule at once.
    fn after_hunt(&mut self, now: Instant, result: RingResult) -> Vec<Action> {
        if self.has_flow() {
            self.step_flow(now, Input::RingEnded(result))
        } else {
            self.overflow(now)
        }
    }

    /// Lets go of phones that ring.
    pub(super) fn release(&mut self, now: Instant, legs: Vec<LegId>, cause: Cause) -> Vec<Action> {
        let mut actions = Vec::with_capacity(2 * legs.len() + 4);
        for leg in &legs {
            let is_mute = cause == Cause::RangLongEnough && !self.ledger.has_rung(*leg);
            self.ledger
                .ended(now, *leg, if is_mute { "unreachable" } else { cause.result() });
            actions.push(Action::Release(*leg, cause));
        }
        for leg in legs {
            actions.push(Action::Note(
                NoteKind::Released,
                Some(leg),
                cause.result().to_owned(),
            ));
        }
        actions
    }
}
