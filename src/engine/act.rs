//! A call's actions become SIP, media orders, journal entries and questions to the roster.

use super::farewell::farewell;
use super::line::Line;
use super::secure::Party;
use super::{Engine, Notice, Output};
use crate::agents::{self, Agent, AgentState, Reach};
use crate::call::{
    Action, Candidate, Cause, Event, FlowSought, Found, Overflow, Refusal, RefusalKind, Sought, Who,
};
use crate::ivr::Flow;
use crate::media::{MediaOrder, PlayId};
use crate::model::{
    CallId, CallKey, CallNote, Codec, Destination, Entry, LegId, LegKey, Mailbox, NoteKind, Part, Playable,
    RecordingId, RecordingKind, RecordingRow, TapeMessage, TrunkName,
};
use crate::sdp::{Agreed, Negotiator};
use crate::sip::Invitation;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One agent called directly rings this long, once.
const DIRECT_RING_TIME: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn act(&mut self, now: Instant, key: CallKey, action: Action) {
        match action {
            Action::Ring(leg) => self.ring(now, key, leg),
            Action::Answer(leg) => self.answer(now, key, leg),
            Action::Play { leg, items, repeat } => self.play(key, leg, items, repeat),
            Action::StopPlaying(leg) => self.media(MediaOrder::StopPlaying {
                leg: LegKey { call: key, leg },
            }),
            Action::FindAgents(sought) => {
                let found = self.find_agents(now, sought);
                self.tell(key, Event::AgentsFound(found));
            }
            Action::FindFlow(sought) => {
                let flow = self.find_flow(&sought);
                self.tell(key, Event::FlowFound(flow));
            }
            Action::AskBox(question) => {
                let answer = self.ask_box(now, key, question);
                self.tell(key, Event::BoxAnswered(answer));
            }
            Action::TakeFor {
                mailbox,
                shortest,
                is_greeting,
            } => self.take_for(key, mailbox, shortest, is_greeting),
            Action::ChangeBox(deed) => self.change_box(now, key, deed),
            Action::Dial(leg, candidate) => self.dial(now, key, leg, candidate),
            Action::DialOutside { leg, way, elsewhere } => self.dial_outside(now, key, leg, &way, elsewhere),
            Action::Release(leg, cause) => self.release(now, key, leg, cause),
            Action::RingThrough(front, leg) => self.ring_through(now, key, front, leg),
            Action::Bridge(a, b) => self.bridge(key, a, b),
            Action::Mix(parties) => {
                if let Some(live) = self.calls.get_mut(&key) {
                    let talk = parties.iter().filter(|(_, part)| matches!(part, Part::Talks));
                    live.hearing = talk.map(|(leg, _)| *leg).collect();
                    live.mixes = parties.len() > 2;
                }
                let leg_key = |leg| LegKey { call: key, leg };
                let parties = parties
                    .into_iter()
                    .map(|(leg, part)| (leg_key(leg), part.map(leg_key)))
                    .collect();
                self.media(MediaOrder::Mix { call: key, parties });
            }
            Action::PlayMusic(leg) => self.play_music(LegKey { call: key, leg }),
            Action::Record {
                id,
                kind,
                left,
                right,
            } => self.record(now, key, id, kind, left, right),
            Action::Unbridge(leg) => {
                if let Some(live) = self.calls.get_mut(&key) {
                    live.hearing.clear();
                    live.hears_early = None;
                }
                let leg = LegKey { call: key, leg };
                self.media(MediaOrder::Unbridge { leg });
            }
            Action::ChangeRecording(_, left, right) => self.change_recording(key, left, right),
            Action::StopRecording(_) => {
                let leg = self.front(key);
                self.media(MediaOrder::StopRecording { leg });
            }
            Action::PauseRecording(_) => {
                let leg = self.front(key);
                self.media(MediaOrder::PauseRecording { leg });
            }
            Action::ResumeRecording(_) => {
                let leg = self.front(key);
                self.media(MediaOrder::ResumeRecording { leg });
            }
            Action::WatchSilence(after) => {
                let leg = self.front(key);
                self.media(MediaOrder::WatchSilence { leg, after });
            }
            Action::FindTarget(leg, number) => {
                let target = self.find_target(now, key, leg, &number);
                self.tell(key, Event::TargetFound(target));
            }
            Action::MoveHere(from, leg) => self.move_here(now, key, from, leg),
            Action::TakeIn(leg) => self.take_in(now, key, leg),
            Action::TellTransferor(leg, news) => self.tell_transferor(now, key, leg, news),
            Action::Note(kind, leg, detail) => self.note(now, key, kind, leg, detail),
            Action::FileCdr(cdr) => self.file(now, key, cdr),
        }
    }

    pub(super) fn answer(&mut self, now: Instant, key: CallKey, leg: LegId) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        if let Some(agent) = &live.call.setup().caller_agent {
            self.roster.touch(agent);
        }
        let Some(line) = live.line_mut(leg) else { return };
        line.is_up = true;
        let session = line.session;
        match line.answer.take() {
            Some((sdp, agreed)) => {
                self.change_media(key, leg, agreed);
                self.sip.answer(now, session, sdp);
            }
            // Ours has gone out already.
            None if line.offered_early => {
                let sdp = line.negotiator.offer_again();
                self.sip.answer(now, session, sdp);
            }
            // The INVITE came without an offer: ours goes out with the 200, the answer comes with the ACK.
            None => {
                let sdp = line.negotiator.offer();
                self.open_media(key, leg);
                self.sip.answer(now, session, sdp);
            }
        }
    }

    pub(super) fn open_media(&mut self, key: CallKey, leg: LegId) {
        let Some(line) = self.line_mut(key, leg) else {
            return;
        };
        if !line.is_open {
            line.is_open = true;
            let (local, port) = (line.local, line.port);
            self.media(MediaOrder::Open {
                leg: LegKey { call: key, leg },
                local,
                port,
            });
        }
    }

    pub(super) fn start_media(&mut self, key: CallKey, leg: LegId, agreed: Agreed) {
        self.open_media(key, leg);
        if let Some(line) = self.line_mut(key, leg) {
            line.agreed = Some(agreed);
        }
        self.media(MediaOrder::Start {
            leg: LegKey { call: key, leg },
            agreed,
        });
    }

    pub(super) fn play(&mut self, key: CallKey, leg: LegId, items: Vec<Playable>, repeat: bool) {
        let files = items.into_iter().filter_map(|item| self.with_file(key, item));
        let items = files.collect();
        let Some(line) = self.line_mut(key, leg) else {
            return;
        };
        line.plays += 1;
        let play = PlayId(line.plays);
        self.media(MediaOrder::Play {
            leg: LegKey { call: key, leg },
            play,
            items,
            repeat,
        });
    }

    pub(super) fn find_agents(&self, now: Instant, sought: Sought) -> Found {
        match &sought.who {
            Who::Group(name) => {
                let group = self.roster.group(name);
                let standings: Vec<_> = self
                    .roster
                    .members(now, name, |agent| self.is_reachable(now, agent))
                    .map(|standing| (standing.agent, standing.state))
                    .collect();
                Found {
                    candidates: self.candidates(now, &standings),
                    somebody_on_duty: standings.iter().any(|(_, state)| is_on_duty(*state)),
                    ring_time: group.map_or(Duration::ZERO, |group| group.ring_time),
                    attempts: group.map_or(1, |group| group.attempts),
                    overflow: group.map_or(Overflow::HangUp, overflow),
                    sought,
                }
            }
            Who::Agent(id) => {
                let mailbox = Mailbox::Agent(id.clone());
                let own_box = self.settings.voicemail.boxes.get(&mailbox);
                let standing = self
                    .roster
                    .standing(now, id, |agent| self.is_reachable(now, agent));
                let standings: Vec<_> = standing
                    .iter()
                    .map(|standing| (standing.agent, standing.state))
                    .collect();
                Found {
                    candidates: self.candidates(now, &standings),
                    somebody_on_duty: standings.iter().any(|(_, state)| is_on_duty(*state)),
                    ring_time: own_box.map_or(DIRECT_RING_TIME, |rules| rules.ring_time),
                    attempts: 1,
                    overflow: match own_box {
                        Some(_) => Overflow::Flow(FlowSought::Mailbox(mailbox)),
                        None => Overflow::HangUp,
                    },
                    sought,
                }
            }
        }
    }

    fn candidates(&self, now: Instant, standings: &[(&Agent, AgentState)]) -> Vec<Candidate> {
        standings
            .iter()
            .filter(|(_, state)| *state == AgentState::Available)
            .flat_map(|(agent, _)| {
                self.destinations(now, agent)
                    .into_iter()
                    .map(|destination| Candidate {
                        agent: agent.id.clone(),
                        number: agent.number().to_owned(),
                        destination,
                    })
            })
            .collect()
    }

    pub(super) fn destinations(&self, now: Instant, agent: &Agent) -> Vec<Destination> {
        match &agent.reach {
            Reach::Extension(extension) => self
                .sip
                .contacts(now, extension)
                .map(|contact| Destination::Registered {
                    extension: extension.clone(),
                    contact: contact.to_owned(),
                })
                .collect(),
            Reach::Trunk(trunk, number) => {
                vec![Destination::Trunk {
                    trunk: trunk.clone(),
                    number: number.clone(),
                }]
            }
            Reach::Contact(uri) => vec![Destination::Contact(uri.clone())],
        }
    }

    pub(super) fn is_reachable(&self, now: Instant, agent: &Agent) -> bool {
        match &agent.reach {
            Reach::Extension(extension) => self.sip.contacts(now, extension).next().is_some(),
            Reach::Trunk(trunk, _) => self.trunks.get(trunk).and_then(|health| health.is_up) != Some(false),
            Reach::Contact(_) => true,
        }
    }

    fn find_flow(&self, sought: &FlowSought) -> Option<Arc<Flow>> {
        match sought {
            FlowSought::Named(name) => self.settings.flows.get(name).cloned(),
            FlowSought::Mailbox(mailbox) => Some(Arc::new(Flow::mailbox(mailbox))),
        }
    }

    /// Invites one phone of an agent.
    fn dial(&mut self, now: Instant, key: CallKey, leg: LegId, candidate: Candidate) {
        let Some(live) = self.calls.get(&key) else { return };
        let (caller_number, caller_name) = live.call.shown();
        let handed_on = live.call.is_being_transferred();
        let invitation = Invitation {
            destination: candidate.destination,
            caller_number,
            caller_name,
            referred_by: live.referred_by.clone().filter(|_| handed_on),
            replaces: None,
            hidden: false,
            elsewhere: false,
        };
        let leg_key = LegKey { call: key, leg };
        if self.invite_leg(now, leg_key, &invitation) {
            self.roster.rings(now, &candidate.agent, leg_key);
        } else {
            let unreachable = Refusal {
                kind: RefusalKind::Unreachable,
                sip_code: None,
            };
            self.tell(key, Event::LegRefused(leg, unreachable));
        }
    }

    /// Sends an invitation as a leg of this call; `false` when there is no port, no way, or no room on its trunk. The
    /// sockets open when it is answered; until then only the port is taken.
    pub(super) fn invite_leg(&mut self, now: Instant, key: LegKey, invitation: &Invitation) -> bool {
        let Some(live) = self.calls.get(&key.call) else {
            return false;
        };
        let codec = live.line(live.call.front()).and_then(Line::codec);
        let Some(route) = self.sip.route(now, &invitation.destination) else {
            return false;
        };
        let trunk = route.trunk.clone();
        if trunk.as_ref().is_some_and(|trunk| self.is_full(trunk)) && !live.is_emergency {
            return false;
        }
        let Some(port) = self.ports.take() else {
            return false;
        };
        let session_id = self.dice.number() >> 2;
        let local = route.flow.local.ip();
        let dtmf = self.dtmf_of(&invitation.destination);
        let nat = self.nat_of_destination(&invitation.destination);
        let negotiator = self
            .negotiator(local, port, session_id, route.trunk.as_ref())
            .with_events(dtmf.agrees_on_events())
            .facing(route.flow.peer.ip(), nat);
        let party = Party::called(&invitation.destination);
        let mut negotiator = self.secure(negotiator, party, &route.flow, true);
        if !negotiator.can_offer() {
            self.ports.give_back(port);
            return false;
        }
        if let Some(codec) = codec {
            negotiator.prefer(codec);
            if !codec.is_decoded() {
                negotiator.only(codec);
            }
        }
        let offer = negotiator.offer();
        let session = self.sip.invite(now, invitation, route, offer);
        self.seat(session, key);
        let mut line = Line::new(key.leg, session, local, port, negotiator);
        line.trunk = trunk;
        line.dtmf = dtmf;
        if let Some(live) = self.calls.get_mut(&key.call) {
            live.lines.push(line.invited_by(invitation));
        }
        true
    }

    fn release(&mut self, now: Instant, key: CallKey, leg: LegId, cause: Cause) {
        let farewell = farewell(cause);
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(line) = live.line(leg) else { return };
        let session = line.session;
        if leg == LegId::CALLER && !line.is_up {
            live.sip_code = Some(farewell.status);
        }
        if cause == Cause::RangLongEnough
            && let Some(agent) = live.call.agent_of(leg)
        {
            self.roster.missed(agent);
        }
        self.sip.release(now, session, farewell);
        self.drop_line(now, key, leg);
    }

    /// Forgets a leg: its session, its media, its port, and the agent's part in it.
    pub(super) fn drop_line(&mut self, now: Instant, key: CallKey, leg: LegId) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(place) = live.lines.iter().position(|line| line.leg == leg) else {
            return;
        };
        let line = live.lines.swap_remove(place);
        live.hearing.retain(|hears| *hears != leg);
        live.hears_early = live.hears_early.filter(|heard| *heard != leg);
        let agent = live.call.agent_of(leg).cloned();
        let is_guest = live.call.is_guest(leg);
        let group = live.call.group().cloned();
        self.sessions.remove(&line.session);
        let leg_key = LegKey { call: key, leg };
        if line.is_open {
            self.closing.insert(leg_key, line.port);
            self.media(MediaOrder::Close { leg: leg_key });
        } else if line.port != 0 {
            self.ports.give_back(line.port);
        }
        if let Some(agent) = agent {
            let wrap_up = group
                .filter(|_| leg != LegId::CALLER && !is_guest)
                .and_then(|group| self.roster.group(&group).map(|group| group.wrap_up))
                .unwrap_or_default();
            self.roster.leaves(now, &agent, leg_key, wrap_up);
        }
    }

    fn record(
        &mut self,
        now: Instant,
        key: CallKey,
        id: RecordingId,
        kind: RecordingKind,
        left: LegId,
        right: Option<LegId>,
    ) {
        let started_at = self.clock.stamp(now);
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let (format, unheard) = live.tape_format(left, right);
        let call_id = live.call.setup().id;
        // A flow may lead a caller to the mailbox again; each message is a recording of its own.
        let (id, name) = match live.recordings.iter().filter(|row| row.kind == kind).count() {
            0 => (id, format!("{call_id}.wav")),
            taken => {
                let id = CallId::new(started_at.unix_ms, &self.dice.bytes());
                (RecordingId(id.0), format!("{call_id}-{}.wav", taken + 1))
            }
        };
        let row = RecordingRow {
            id,
            call_id,
            kind,
            path: format!("{}/{name}", started_at.date_path()),
            started_at,
            agent: live.call.agent().cloned(),
        };
        live.recordings.push(row.clone());
        live.taped_as = unheard.is_none().then_some(format);
        if kind == RecordingKind::Voicemail {
            self.note_taking(key, &row);
        }
        let channels = if right.is_some() { 2 } else { 1 };
        self.journal(Entry::RecordingOpened(row.clone()));
        if let Some(codec) = unheard {
            // A file of silence would look like a recording.
            let reason = format!("not decodable: {}", codec.spoken());
            self.note(now, key, NoteKind::RecordingStopped, None, reason.clone());
            return self.out.push(Output::Tape(TapeMessage::Refuse { id, reason }));
        }
        self.out.push(Output::Tape(TapeMessage::Begin {
            row,
            format,
            channels,
        }));
        let leg_key = |leg| LegKey { call: key, leg };
        self.media(MediaOrder::Record {
            left: leg_key(left),
            right: right.map(leg_key),
            id,
            format,
        });
    }

    /// A recording goes on with other people.
    fn change_recording(&mut self, key: CallKey, left: LegId, right: Option<LegId>) {
        let Some(live) = self.calls.get(&key) else { return };
        let Some(id) = live.recordings.last().map(|row| row.id) else {
            return;
        };
        let Some(format) = live.taped_as else { return };
        let (left, right) = (live.leg_key(left), right.map(|leg| live.leg_key(leg)));
        self.media(MediaOrder::Record {
            left,
            right,
            id,
            format,
        });
    }

    /// The leg of the party whose call it is.
    fn front(&self, key: CallKey) -> LegKey {
        let leg = self
            .calls
            .get(&key)
            .map_or(LegId::CALLER, |live| live.call.front());
        LegKey { call: key, leg }
    }

    pub(super) fn note(
        &mut self,
        now: Instant,
        key: CallKey,
        kind: NoteKind,
        leg: Option<LegId>,
        detail: String,
    ) {
        let at = self.clock.stamp(now);
        let Some(live) = self.calls.get(&key) else { return };
        let call_id = live.call.setup().id;
        let offset = now.saturating_duration_since(live.call.arrived());
        let offset_ms = u64::try_from(offset.as_millis()).unwrap_or(u64::MAX);
        if let (NoteKind::Answered, Some(agent)) =
            (kind, leg.and_then(|leg| live.call.agent_of(leg)).cloned())
        {
            self.counters.answered += 1;
            let leg = leg.map(|leg| live.leg_key(leg));
            if let Some(leg) = leg {
                self.roster.talks(now, &agent, leg);
            }
            self.out
                .push(Output::Notice(Notice::CallAnswered { call: call_id, agent }));
        }
        if let (NoteKind::Joined, Some(leg)) = (kind, leg) {
            let agent = live.call.agent_of(leg).cloned();
            let leg = live.leg_key(leg);
            if let Some(agent) = agent {
                self.roster.talks(now, &agent, leg);
            }
        }
        if kind == NoteKind::Transferred {
            self.note_transferred(now, key, leg);
        }
        self.journal(Entry::CallNoted(CallNote {
            call_id,
            at,
            offset_ms,
            leg,
            kind,
            detail,
        }));
    }

    /// Our side of an offer and answer. An offer that names our own ports would play with itself; it is refused.
    /// A trunk may have codecs of its own.
    pub(super) fn negotiator(
        &self,
        local: IpAddr,
        port: u16,
        session_id: u64,
        trunk: Option<&TrunkName>,
    ) -> Negotiator {
        let (first, last) = self.settings.rtp_ports;
        // On loopback there is no router in between.
        let shown = self
            .settings
            .advertised
            .filter(|shown| !local.is_loopback() && shown.is_ipv4() == local.is_ipv4());
        let rules = trunk.and_then(|trunk| self.settings.trunks.get(trunk));
        let codecs = rules
            .map(|rules| &rules.codecs)
            .filter(|codecs| !codecs.is_empty());
        let codecs = codecs.unwrap_or(&self.settings.codecs);
        let listeners = self.settings.sip.listeners.iter();
        Negotiator::new(shown.unwrap_or(local), port, codecs, session_id)
            .guarding(first..=last)
            .owning(local, listeners.map(|listener| listener.address))
    }

    pub(super) fn media(&mut self, order: MediaOrder) {
        self.out.push(Output::Media(order));
    }

    pub(super) fn line(&self, key: CallKey, leg: LegId) -> Option<&Line> {
        self.calls.get(&key).and_then(|live| live.line(leg))
    }

    pub(super) fn line_mut(&mut self, key: CallKey, leg: LegId) -> Option<&mut Line> {
        self.calls.get_mut(&key).and_then(|live| live.line_mut(leg))
    }
}

impl Line {
    /// The codec agreed on, or about to be.
    pub(super) fn codec(&self) -> Option<Codec> {
        let waiting = self.answer.as_ref().map(|(_, agreed)| agreed.codec);
        self.agreed.map(|agreed| agreed.codec).or(waiting)
    }
}

fn is_on_duty(state: AgentState) -> bool {
    match state {
        AgentState::Available | AgentState::Ringing | AgentState::Busy | AgentState::WrapUp => true,
        AgentState::OnBreak | AgentState::Offline => false,
    }
}

/// The group's rule in the call's words.
pub(crate) fn overflow(group: &agents::Group) -> Overflow {
    match &group.overflow {
        agents::Overflow::Voicemail => {
            Overflow::Flow(FlowSought::Mailbox(Mailbox::Group(group.name.clone())))
        }
        agents::Overflow::Flow(name) => Overflow::Flow(FlowSought::Named(name.clone())),
        agents::Overflow::Group(name) => Overflow::Ring(Who::Group(name.clone())),
        agents::Overflow::Agent(agent) => Overflow::Ring(Who::Agent(agent.clone())),
        agents::Overflow::HangUp => Overflow::HangUp,
    }
}
