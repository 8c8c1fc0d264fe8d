//! One consistent look at everything, for the pages and the API.

use super::line::Live;
use super::{
    AgentView, Alarm, BanView, CallView, Engine, LegView, Load, MailboxView, PortsView, QueueView,
    RegistrationView, Severity, Snapshot,
};
use crate::agents::AgentState;
use crate::call::LegState;
use crate::model::GroupName;
use std::time::{Duration, Instant};

impl Engine {
    /// Everything as it is now. Takes time in proportion to what is going on, and is only made when somebody looks.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let mut calls: Vec<CallView> = self
            .calls
            .values()
            .map(|live| self.call_view(now, live))
            .collect();
        calls.sort_by_key(|call| call.call_id);
        Snapshot {
            at: self.clock.stamp(now),
            site: self.settings.site.clone(),
            uptime_seconds: (now - self.started).as_secs(),
            clock_synced: self.clock.is_synced(),
            accepting_calls: self.has_room(),
            calls,
            registrations: self.registrations(now),
            trunks: self.trunk_views(),
            agents: self.agent_views(now),
            queues: self
                .roster
                .groups()
                .iter()
                .map(|group| self.queue_view(now, &group.name))
                .collect(),
            mailboxes: self
                .mailboxes
                .all()
                .map(|(mailbox, count)| MailboxView {
                    mailbox: mailbox.to_string(),
                    new: count.new,
                    old: count.old,
                })
                .collect(),
            subscriptions: count(self.sip.subscriptions()),
            bans: self.bans(now),
            ports: PortsView {
                used: count(self.ports.used()),
                total: count(self.ports.total()),
            },
            counters: super::Counters {
                sip_received: self.sip.counts().received,
                sip_malformed: self.sip.counts().malformed,
                auth_failed: self.sip.counts().auth_failed,
                sip_dropped: self.sip.dropped().packets,
                sip_strangers: self.sip.counts().strangers,
                bans: self.sip.dropped().bans,
                ..self.counters
            },
            alarms: self.alarms(now),
        }
    }

    /// What is held right now; a box at rest holds nothing.
    pub fn load(&self) -> Load {
        let (transactions, sessions) = self.sip.load();
        Load {
            calls: self.calls.len() + self.filings.len(),
            transactions,
            sessions,
            ports: self.ports.used(),
        }
    }

    fn call_view(&self, now: Instant, live: &Live) -> CallView {
        let call = &live.call;
        let setup = call.setup();
        CallView {
            call_id: setup.id,
            direction: setup.direction,
            caller_number: setup.caller_number.clone(),
            caller_name: setup.caller_name.clone(),
            dialed_number: setup.dialed_number.clone(),
            trunk: setup.trunk.clone(),
            stage: call.stage_name(),
            flow: call.flow_name().cloned(),
            step: call.step().cloned(),
            language: call.chosen_language().cloned(),
            group: call.group().cloned(),
            agent: call.agent().cloned(),
            started_at: self.clock.stamp(call.arrived()),
            answered_at: call.answered_at().map(|at| self.clock.stamp(at)),
            seconds: (now - call.arrived()).as_secs(),
            on_hold: call.is_on_hold(),
            recording: call.recording(),
            recording_paused: call.is_recording_paused(),
            legs: call
                .legs()
                .map(|leg| LegView {
                    leg: leg.leg.0,
                    agent: leg.agent.cloned(),
                    number: leg.number.to_owned(),
                    state: match leg.state {
                        LegState::Dialing => "dialing",
                        LegState::Ringing => "ringing",
                        LegState::Up => "up",
                        LegState::Held => "held",
                    },
                    seconds: (now - leg.since).as_secs(),
                    quality: live.line(leg.leg).and_then(|line| line.quality),
                })
                .collect(),
        }
    }

    fn registrations(&self, now: Instant) -> Vec<RegistrationView> {
        let mut views: Vec<RegistrationView> = self
            .sip
            .registrations(now)
            .map(|phone| RegistrationView {
                agent: self
                    .roster
                    .agent_at(&phone.extension)
                    .map(|agent| agent.id.clone()),
                extension: phone.extension.clone(),
                contact: phone.contact.clone(),
                transport: phone.flow.transport.as_str(),
                address: phone.flow.peer.to_string(),
                user_agent: phone.user_agent.clone(),
                behind_router: phone.is_behind_router(),
                nat: phone.nat(),
                state: match self.sip.reach(phone).is_there {
                    None => "unknown",
                    Some(true) => "reachable",
                    Some(false) => "unreachable",
                },
                round_trip_ms: self
                    .sip
                    .reach(phone)
                    .round_trip
                    .map(|time| time.as_secs_f32() * 1000.0),
                expires_seconds: phone.expires_at.saturating_duration_since(now).as_secs(),
            })
            .collect();
        views.sort_by(|a, b| (&a.extension, &a.contact).cmp(&(&b.extension, &b.contact)));
        views
    }

    fn bans(&self, now: Instant) -> Vec<BanView> {
        const MOST_SHOWN: usize = 256;
        let bans = self.sip.bans(now).into_iter().take(MOST_SHOWN);
        bans.map(|ban| BanView {
            address: ban.source.to_string(),
            reason: "wrong_passwords",
            user: ban.user.clone(),
            since: self.clock.stamp(ban.since),
            until: self.clock.stamp(ban.until),
            seconds: ban.until.saturating_duration_since(now).as_secs(),
            dropped: ban.dropped,
        })
        .collect()
    }

    fn agent_views(&self, now: Instant) -> Vec<AgentView> {
        self.roster
            .standings(now, |agent| self.is_reachable(now, agent))
            .map(|standing| AgentView {
                id: standing.agent.id.clone(),
                name: standing.agent.name.clone(),
                number: standing.agent.number().to_owned(),
                groups: standing.agent.groups.clone(),
                state: standing.state,
                reason: standing.reason.map(str::to_owned),
                seconds: (now - standing.since.unwrap_or(self.started)).as_secs(),
                answered: standing.answered,
                missed: standing.missed,
            })
            .collect()
    }

    fn queue_view(&self, now: Instant, group: &GroupName) -> QueueView {
        let free = self
            .roster
            .members(now, group, |agent| self.is_reachable(now, agent))
            .filter(|standing| standing.state == AgentState::Available)
            .count();
        let waiting: Vec<Duration> = self
            .calls
            .values()
            .filter(|live| live.call.stage_name() == "ringing" && live.call.group() == Some(group))
            .map(|live| now - live.call.arrived())
            .collect();
        QueueView {
            group: group.clone(),
            free_agents: count(free),
            waiting: count(waiting.len()),
            longest_wait_seconds: waiting.iter().max().map_or(0, Duration::as_secs),
        }
    }

    fn alarms(&self, now: Instant) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        if self.journal_behind {
            alarms.push(Alarm {
                severity: Severity::Critical,
                code: "journal_behind",
                text: "Call records cannot be written fast enough, so new calls are refused. Check that the disk \
                       is not full or failing."
                    .to_owned(),
            });
        }
        if self.ports.used() == self.ports.total() {
            alarms.push(Alarm {
                severity: Severity::Critical,
                code: "no_rtp_ports",
                text: "Every RTP port is in use. Widen [media] rtp_ports.".to_owned(),
            });
        }
        self.trunk_alarms(&mut alarms);
        self.dialing_alarm(now, &mut alarms);
        if !self.clock.is_synced() {
            alarms.push(Alarm {
                severity: Severity::Warning,
                code: "clock_unsynced",
                text:
                    "The clock has not been set since start, so wall times may be wrong; durations are right."
                        .to_owned(),
            });
        }
        alarms
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
