use super::{Candidate, Refusal, RefusalKind};
use crate::model::{AgentId, LegId, LegRecord, LegRole, WallClock};
use std::time::{Duration, Instant};

/// What has happened to each leg, as the record will tell it.
#[derive(Debug)]
pub(super) struct Ledger {
    legs: Vec<Leg>,
    ringing_since: Option<Instant>,
    /// A person has answered; phones that ring later do not make the caller wait.
    is_answered: bool,
    rang_for: Duration,
    held_by_order: bool,
    held_since: Option<Instant>,
    held_for: Duration,
}

#[derive(Debug)]
struct Leg {
    id: LegId,
    role: LegRole,
    agent: Option<AgentId>,
    number: String,
    attempt: u32,
    invited: Instant,
    ringing: Option<Instant>,
    answered: Option<Instant>,
    ended: Option<Instant>,
    result: &'static str,
    sip_code: Option<u16>,
    holds: bool,
}

/// What a leg is doing, for those who look on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// Dialled, nothing heard yet.
    Dialing,
    /// It rings.
    Ringing,
    /// Picked up.
    Up,
    /// Picked up, and holding the other side.
    Held,
}

/// One live leg, for those who look on.
#[derive(Debug, Clone)]
pub struct LegView<'a> {
    /// Which.
    pub leg: LegId,
    /// Whose phone.
    pub agent: Option<&'a AgentId>,
    /// The number or address.
    pub number: &'a str,
    /// What it is doing.
    pub state: LegState,
    /// Since when it is part of the call.
    pub since: Instant,
}

impl Ledger {
    pub(super) fn new(now: Instant, caller: String, agent: Option<AgentId>) -> Self {
        let caller = Leg::new(now, LegId::CALLER, LegRole::Caller, agent, caller, 0);
        Self {
            legs: vec![caller],
            ringing_since: None,
            is_answered: false,
            rang_for: Duration::ZERO,
            held_by_order: false,
            held_since: None,
            held_for: Duration::ZERO,
        }
    }

    pub(super) fn dialed(&mut self, now: Instant, leg: LegId, candidate: &Candidate, attempt: u32) {
        let agent = Some(candidate.agent.clone());
        self.legs.push(Leg::new(
            now,
            leg,
            LegRole::Agent,
            agent,
            candidate.number.clone(),
            attempt,
        ));
    }

    /// A number outside: nobody of the house.
    pub(super) fn dialed_outside(&mut self, now: Instant, leg: LegId, number: &str, attempt: u32) {
        self.legs.push(Leg::new(
            now,
            leg,
            LegRole::Agent,
            None,
            number.to_owned(),
            attempt,
        ));
    }

    /// Somebody who is to join the two who talk.
    pub(super) fn guest_dialed(
        &mut self,
        now: Instant,
        leg: LegId,
        role: LegRole,
        agent: Option<AgentId>,
        number: &str,
    ) {
        self.legs
            .push(Leg::new(now, leg, role, agent, number.to_owned(), 0));
    }

    pub(super) fn ringing(&mut self, now: Instant, leg: LegId) {
        if let Some(leg) = self.live(leg) {
            leg.ringing.get_or_insert(now);
        }
        self.count_ringing(now);
    }

    pub(super) fn has_rung(&self, leg: LegId) -> bool {
        self.legs
            .iter()
            .any(|other| other.id == leg && other.ringing.is_some())
    }

    pub(super) fn answered(&mut self, now: Instant, leg: LegId) {
        if let Some(leg) = self.live(leg) {
            leg.answered = Some(now);
            leg.result = "answered";
            let is_callee = leg.role == LegRole::Agent;
            self.is_answered |= is_callee;
        }
        self.count_ringing(now);
    }

    pub(super) fn refused(&mut self, now: Instant, leg: LegId, refusal: Refusal) {
        if let Some(leg) = self.live(leg) {
            leg.sip_code = refusal.sip_code;
            leg.result = match refusal.kind {
                RefusalKind::Busy => "busy",
                RefusalKind::Declined => "declined",
                RefusalKind::NoAnswer => "no_answer",
                RefusalKind::Unreachable => "unreachable",
                RefusalKind::NoSuchNumber => "no_such_number",
                RefusalKind::Congested => "congested",
                RefusalKind::Redirected => "redirected",
                RefusalKind::Failed => "failed",
            };
            leg.ended = Some(now);
        }
        self.count_ringing(now);
    }

    /// The leg is over. `result` is what the record says when it was never answered.
    pub(super) fn ended(&mut self, now: Instant, leg: LegId, result: &'static str) {
        self.set_hold(now, leg, false);
        if let Some(leg) = self.live(leg) {
            leg.ended = Some(now);
            if leg.answered.is_none() {
                leg.result = result;
            }
        }
        self.count_ringing(now);
    }

    /// A leg of another call is one of this call from now on.
    pub(super) fn joined(&mut self, now: Instant, leg: LegId, agent: Option<AgentId>, number: String) {
        let mut leg = Leg::new(now, leg, LegRole::Agent, agent, number, 0);
        leg.answered = Some(now);
        leg.result = "answered";
        self.legs.push(leg);
    }

    /// The leg has handed the call on and is over.
    pub(super) fn passed_on(&mut self, now: Instant, leg: LegId) {
        self.set_hold(now, leg, false);
        if let Some(leg) = self.live(leg) {
            leg.ended = Some(now);
            leg.result = "transferred";
        }
        self.count_ringing(now);
    }

    /// Time counts as ringing while at least one phone rings, however many do.
    fn count_ringing(&mut self, now: Instant) {
        let somebody_rings = !self.is_answered && self.legs.iter().any(Leg::rings);
        match (somebody_rings, self.ringing_since) {
            (true, None) => self.ringing_since = Some(now),
            (false, Some(since)) => {
                self.rang_for += now - since;
                self.ringing_since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    pub(super) fn set_hold(&mut self, now: Instant, leg: LegId, holds: bool) {
        if let Some(leg) = self.live(leg) {
            leg.holds = holds;
        }
        self.count_holding(now);
    }

    /// The two are kept apart by somebody else, or no longer. Whether that is news.
    pub(super) fn hold_by_order(&mut self, now: Instant, holds: bool) -> bool {
        let is_news = std::mem::replace(&mut self.held_by_order, holds) != holds;
        self.count_holding(now);
        is_news
    }

    fn count_holding(&mut self, now: Instant) {
        let holding = |leg: &Leg| leg.holds && leg.ended.is_none();
        let anyone = self.held_by_order || self.legs.iter().any(holding);
        match (anyone, self.held_since) {
            (true, None) => self.held_since = Some(now),
            (false, Some(since)) => {
                self.held_for += now - since;
                self.held_since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether a person keeps the two apart.
    pub(super) fn is_held_by_order(&self) -> bool {
        self.held_by_order
    }

    /// Whether this leg holds the other side.
    pub(super) fn holds(&self, leg: LegId) -> bool {
        self.legs
            .iter()
            .any(|other| other.id == leg && other.holds && other.ended.is_none())
    }

    pub(super) fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    pub(super) fn is_live(&self, leg: LegId) -> bool {
        self.legs
            .iter()
            .any(|other| other.id == leg && other.ended.is_none())
    }

    pub(super) fn live_legs(&self) -> Vec<LegId> {
        self.legs
            .iter()
            .filter(|leg| leg.ended.is_none())
            .map(|leg| leg.id)
            .collect()
    }

    pub(super) fn agent(&self, leg: LegId) -> Option<&AgentId> {
        self.legs
            .iter()
            .find(|other| other.id == leg)
            .and_then(|leg| leg.agent.as_ref())
    }

    /// A leg is called by another number from now on; the one it had.
    pub(super) fn renumber(&mut self, leg: LegId, number: &str) -> Option<String> {
        let leg = self.live(leg)?;
        Some(std::mem::replace(&mut leg.number, number.to_owned()))
    }

    pub(super) fn number(&self, leg: LegId) -> Option<&str> {
        self.legs
            .iter()
            .find(|other| other.id == leg)
            .map(|leg| leg.number.as_str())
    }

    pub(super) fn first_ring(&self) -> Option<Instant> {
        self.legs.iter().filter_map(|leg| leg.ringing).min()
    }

    pub(super) fn rang_for(&self, now: Instant) -> Duration {
        self.rang_for + self.ringing_since.map_or(Duration::ZERO, |since| now - since)
    }

    pub(super) fn held_for(&self, now: Instant) -> Duration {
        self.held_for + self.held_since.map_or(Duration::ZERO, |since| now - since)
    }

    pub(super) fn views(&self) -> impl Iterator<Item = LegView<'_>> {
        self.legs
            .iter()
            .filter(|leg| leg.ended.is_none())
            .map(|leg| LegView {
                leg: leg.id,
                agent: leg.agent.as_ref(),
                number: &leg.number,
                state: leg.state(),
                since: leg.invited,
            })
    }

    pub(super) fn records(&self, clock: &WallClock) -> Vec<LegRecord> {
        self.legs.iter().map(|leg| leg.record(clock)).collect()
    }

    fn live(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.legs
            .iter_mut()
            .find(|other| other.id == leg && other.ended.is_none())
    }
}

impl Leg {
    fn new(
        now: Instant,
        id: LegId,
        role: LegRole,
        agent: Option<AgentId>,
        number: String,
        attempt: u32,
    ) -> Self {
        Self {
            id,
            role,
            agent,
            number,
            attempt,
            invited: now,
            ringing: None,
            answered: None,
            ended: None,
            result: "dialed",
            sip_code: None,
            holds: false,
        }
    }

    fn rings(&self) -> bool {
        self.ringing.is_some() && self.answered.is_none() && self.ended.is_none()
    }

    fn state(&self) -> LegState {
        match (self.answered, self.ringing) {
            (Some(_), _) if self.holds => LegState::Held,
            (Some(_), _) => LegState::Up,
            (None, Some(_)) => LegState::Ringing,
            (None, None) => LegState::Dialing,
        }
    }

    fn record(&self, clock: &WallClock) -> LegRecord {
        LegRecord {
            leg: self.id.0,
            role: self.role,
            agent: self.agent.clone(),
            number: self.number.clone(),
            attempt: self.attempt,
            invited_at: clock.stamp(self.invited),
            ringing_at: self.ringing.map(|at| clock.stamp(at)),
            answered_at: self.answered.map(|at| clock.stamp(at)),
            ended_at: self.ended.map(|at| clock.stamp(at)),
            result: self.result.to_owned(),
            sip_code: self.sip_code,
            quality: None,
        }
    }
}
