use super::{AgentState, Group};
use crate::model::{AgentId, Dtmf, GroupName, LegKey, Number, TrunkName};
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// One agent of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Identity.
    pub id: AgentId,
    /// Name for people.
    pub name: String,
    /// Where the phone is.
    pub reach: Reach,
    /// The groups served.
    pub groups: Vec<GroupName>,
    /// How the phone is told of keys, and tells of them.
    pub dtmf: Dtmf,
    /// Whether a router hides where the phone's voice comes from; what its SDP shows decides when nothing is said.
    pub nat: Option<bool>,
}

/// Where an agent's phone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It registers here under this extension.
    Extension(Number),
    /// It is a phone of the PBX behind this trunk.
    Trunk(TrunkName, Number),
    /// It is always at this SIP address.
    Contact(String),
}

impl Agent {
    /// The extension, number or address, as people know it.
    pub fn number(&self) -> &str {
        match &self.reach {
            Reach::Extension(number) | Reach::Trunk(_, number) => number.as_str(),
            Reach::Contact(uri) => uri,
        }
    }
}

/// There is no agent of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no agent `{0}`")]
pub struct NoSuchAgent(pub AgentId);

/// Every agent and group, and what the agents' legs are doing.
#[derive(Debug, Default)]
pub struct Roster {
    agents: Vec<Seat>,
    by_id: HashMap<AgentId, usize>,
    groups: Vec<Group>,
    /// Whose calls have changed since somebody asked.
    changed: BTreeSet<AgentId>,
}

/// One agent with the day's story.
#[derive(Debug)]
struct Seat {
    agent: Agent,
    legs: Vec<(LegKey, Phase)>,
    away: Option<Away>,
    wrap_up_until: Option<Instant>,
    since: Option<Instant>,
    answered: u64,
    missed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ringing,
    Up,
}

#[derive(Debug, Clone)]
struct Away {
    state: AgentState,
    reason: Option<String>,
}

/// How one agent stands now.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Who.
    pub agent: &'a Agent,
    /// State now.
    pub state: AgentState,
    /// Why on a break.
    pub reason: Option<&'a str>,
    /// When the state last changed; `None` before the first change.
    pub since: Option<Instant>,
    /// Calls answered.
    pub answered: u64,
    /// Rounds missed.
    pub missed: u64,
}

impl Roster {
    /// A roster of these agents and groups; everyone begins without a call.
    pub fn new(agents: Vec<Agent>, groups: Vec<Group>) -> Self {
        let by_id = agents
            .iter()
            .enumerate()
            .map(|(place, agent)| (agent.id.clone(), place))
            .collect();
        let agents = agents.into_iter().map(Seat::new).collect();
        Self {
            agents,
            by_id,
            groups,
            changed: BTreeSet::new(),
        }
    }

    /// Takes over a new list. Agents who were there before keep their calls, their break and their counts.
    pub fn reconfigure(&mut self, agents: Vec<Agent>, groups: Vec<Group>) {
        let mut before: HashMap<AgentId, Seat> = self
            .agents
            .drain(..)
            .map(|seat| (seat.agent.id.clone(), seat))
            .collect();
        self.by_id = agents
            .iter()
            .enumerate()
            .map(|(place, agent)| (agent.id.clone(), place))
            .collect();
        self.agents = agents
            .into_iter()
            .map(|agent| match before.remove(&agent.id) {
                Some(seat) => Seat { agent, ..seat },
                None => Seat::new(agent),
            })
            .collect();
        self.groups = groups;
    }

    /// The group of this name.
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == *name)
    }

    /// All groups, in the order of the configuration.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The agent of this name.
    pub fn agent(&self, id: &AgentId) -> Option<&Agent> {
        self.seat(id).map(|seat| &seat.agent)
    }

    /// All agents, in the order of the configuration.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().map(|seat| &seat.agent)
    }

    /// The legs an agent is part of.
    pub fn legs(&self, id: &AgentId) -> impl Iterator<Item = LegKey> {
        let legs = self.seat(id).map(|seat| seat.legs.as_slice());
        legs.unwrap_or_default().iter().map(|(leg, _)| *leg)
    }

    /// Whose calls have changed since this was asked last.
    pub fn take_changed(&mut self) -> BTreeSet<AgentId> {
        std::mem::take(&mut self.changed)
    }

    /// Something about a call of this agent has changed.
    pub fn touch(&mut self, id: &AgentId) {
        if !self.changed.contains(id) && self.by_id.contains_key(id) {
            self.changed.insert(id.clone());
        }
    }

    /// The agent whose phone registers under this extension.
    pub fn agent_at(&self, extension: &Number) -> Option<&Agent> {
        self.agents
            .iter()
            .map(|seat| &seat.agent)
            .find(|agent| matches!(&agent.reach, Reach::Extension(own) if own == extension))
    }

    /// The agent people reach under this number, wherever the phone is.
    pub fn agent_of_number(&self, number: &Number) -> Option<&Agent> {
        self.agents.iter().map(|seat| &seat.agent).find(
            |agent| matches!(&agent.reach, Reach::Extension(own) | Reach::Trunk(_, own) if own == number),
        )
    }

    /// How everyone stands. `reachable` tells whether an agent has a phone to ring.
    pub fn standings<'a>(
        &'a self,
        now: Instant,
        reachable: impl Fn(&Agent) -> bool + 'a,
    ) -> impl Iterator<Item = Standing<'a>> {
        self.agents
            .iter()
            .map(move |seat| seat.standing(now, reachable(&seat.agent)))
    }

    /// How the members of a group stand.
    pub fn members<'a>(
        &'a self,
        now: Instant,
        group: &'a GroupName,
        reachable: impl Fn(&Agent) -> bool + 'a,
    ) -> impl Iterator<Item = Standing<'a>> {
        self.standings(now, reachable)
            .filter(move |standing| standing.agent.groups.contains(group))
    }

    /// How one agent stands.
    pub fn standing(
        &self,
        now: Instant,
        id: &AgentId,
        reachable: impl Fn(&Agent) -> bool,
    ) -> Option<Standing<'_>> {
        self.seat(id)
            .map(|seat| seat.standing(now, reachable(&seat.agent)))
    }

    /// A phone of this agent is being rung.
    pub fn rings(&mut self, now: Instant, id: &AgentId, leg: LegKey) {
        self.set_phase(now, id, leg, Phase::Ringing);
    }

    /// The agent took the call of this leg, or placed one.
    pub fn talks(&mut self, now: Instant, id: &AgentId, leg: LegKey) {
        self.set_phase(now, id, leg, Phase::Up);
        if leg.leg != crate::model::LegId::CALLER
            && let Some(seat) = self.seat_mut(id)
        {
            seat.answered += 1;
        }
    }

    /// The leg is over. After a conversation, `wrap_up` keeps the agent out for a while.
    pub fn leaves(&mut self, now: Instant, id: &AgentId, leg: LegKey, wrap_up: Duration) {
        self.touch(id);
        let Some(seat) = self.seat_mut(id) else { return };
        let talked = seat.legs.contains(&(leg, Phase::Up));
        seat.legs.retain(|(other, _)| *other != leg);
        if talked && !wrap_up.is_zero() {
            seat.wrap_up_until = Some(now + wrap_up);
        }
        seat.since = Some(now);
    }

    /// The agent's phones rang a whole round in vain.
    pub fn missed(&mut self, id: &AgentId) {
        if let Some(seat) = self.seat_mut(id) {
            seat.missed += 1;
        }
    }

    /// Puts an agent on a break or takes the agent off duty; `Available` brings the agent back at once.
    /// The other states follow from calls and change nothing here.
    pub fn set_state(
        &mut self,
        now: Instant,
        id: &AgentId,
        state: AgentState,
        reason: Option<String>,
    ) -> Result<(), NoSuchAgent> {
        let seat = self.seat_mut(id).ok_or_else(|| NoSuchAgent(id.clone()))?;
        match state {
            AgentState::Available => {
                seat.away = None;
                seat.wrap_up_until = None;
            }
            AgentState::OnBreak | AgentState::Offline => seat.away = Some(Away { state, reason }),
            AgentState::Ringing | AgentState::Busy | AgentState::WrapUp => return Ok(()),
        }
        seat.since = Some(now);
        Ok(())
    }

    fn set_phase(&mut self, now: Instant, id: &AgentId, leg: LegKey, phase: Phase) {
        self.touch(id);
        let Some(seat) = self.seat_mut(id) else { return };
        seat.legs.retain(|(other, _)| *other != leg);
        seat.legs.push((leg, phase));
        seat.since = Some(now);
    }

    fn seat(&self, id: &AgentId) -> Option<&Seat> {
        self.by_id.get(id).and_then(|place| self.agents.get(*place))
    }

    fn seat_mut(&mut self, id: &AgentId) -> Option<&mut Seat> {
        self.by_id.get(id).and_then(|place| self.agents.get_mut(*place))
    }
}

impl Seat {
    fn new(agent: Agent) -> Self {
        Self {
            agent,
            legs: Vec::new(),
            away: None,
            wrap_up_until: None,
            since: None,
            answered: 0,
            missed: 0,
        }
    }

    fn standing(&self, now: Instant, reachable: bool) -> Standing<'_> {
        Standing {
            agent: &self.agent,
            state: self.state(now, reachable),
            reason: self.away.as_ref().and_then(|away| away.reason.as_deref()),
            since: self.since,
            answered: self.answered,
            missed: self.missed,
        }
    }

    fn state(&self, now: Instant, reachable: bool) -> AgentState {
        let in_phase = |phase| self.legs.iter().any(|(_, own)| *own == phase);
        if in_phase(Phase::Up) {
            AgentState::Busy
        } else if in_phase(Phase::Ringing) {
            AgentState::Ringing
        } else if let Some(away) = &self.away {
            away.state
        } else if !reachable {
            AgentState::Offline
        } else if self.wrap_up_until.is_some_and(|until| until > now) {
            AgentState::WrapUp
        } else {
            AgentState::Available
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallKey, LegId};

    #[test]
    fn an_agents_state_follows_from_the_legs_and_the_break() {
        let now = origin();
        let ali = AgentId::from("ali");
        let mut roster = roster();
        let leg = LegKey {
            call: CallKey(1),
            leg: LegId(1),
        };
        let state = |roster: &Roster, at| {
            roster
                .standing(at, &AgentId::from("ali"), |_| true)
                .unwrap()
                .state
        };

        assert_eq!(state(&roster, now), AgentState::Available);
        roster.rings(now, &ali, leg);
        assert_eq!(state(&roster, now), AgentState::Ringing);
        roster.talks(now, &ali, leg);
        assert_eq!(state(&roster, now), AgentState::Busy);
        roster.leaves(now, &ali, leg, Duration::from_secs(10));
        assert_eq!(state(&roster, now + Duration::from_secs(9)), AgentState::WrapUp);
        assert_eq!(
            state(&roster, now + Duration::from_secs(10)),
            AgentState::Available
        );
        roster
            .set_state(now, &ali, AgentState::OnBreak, Some("prayer".into()))
            .unwrap();
        assert_eq!(state(&roster, now), AgentState::OnBreak);
        assert_eq!(roster.standing(now, &ali, |_| true).unwrap().answered, 1);
    }

    #[test]
    fn an_agent_without_a_phone_is_offline() {
        let roster = roster();
        let members: Vec<_> = roster
            .members(origin(), &"sales".into(), |_| false)
            .map(|standing| standing.state)
            .collect();
        assert_eq!(members, [AgentState::Offline]);
    }

    fn roster() -> Roster {
        let agent = Agent {
            id: "ali".into(),
            name: "Ali".into(),
            reach: Reach::Extension("1001".into()),
            groups: vec!["sales".into()],
            dtmf: Dtmf::Auto,
            nat: None,
        };
        Roster::new(vec![agent], Vec::new())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn origin() -> Instant {
        Instant::now()
    }
}
