use super::guests::Guests;
use super::hunt::Hunt;
use super::ledger::Ledger;
use super::message::Message;
use super::outside::{Calling, Outside};
use super::record::hangup_by;
use super::taping::{MASKED, Taping};
use super::transfer::{Passed, Transfer};
use super::{Action, Cause, Event, Found, Overflow, Who};
use crate::ivr::{self, EndCause, Flow, Input, RingResult, TakenBy, Turn};
use crate::model::{
    AgentId, CallId, Digit, Direction, Diverted, GroupName, HangupBy, Language, LegId, NoteKind, Number,
    RecordingId, RecordingRules, Status, TrunkName, WallClock,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The site's choices a call needs; copied when the call begins, so a reload never changes a call under way.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Which conversations are recorded.
    pub record: Arc<RecordingRules>,
    /// Whether the dialled number says to record, or not to.
    pub number_records: Option<bool>,
    /// Pause between rounds that ended early because every phone refused.
    pub pause_between_rounds: Duration,
    /// Longest conversation.
    pub longest_talk: Duration,
}

/// Who calls, and where to.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Identity.
    pub id: CallId,
    /// The conversation's recording, should there be one.
    pub recording: RecordingId,
    /// The voicemail message, should there be one.
    pub message: RecordingId,
    /// `[site] name`.
    pub site: String,
    /// Which way the call goes.
    pub direction: Direction,
    /// Who calls.
    pub caller_number: Number,
    /// The display name that was sent.
    pub caller_name: Option<String>,
    /// The agent who calls, when it is one of ours.
    pub caller_agent: Option<AgentId>,
    /// What was dialled.
    pub dialed_number: Number,
    /// Who forwarded it before it came to us, or while we called, the last one first.
    pub diverted: Vec<Diverted>,
    /// The trunk it came by.
    pub trunk: Option<TrunkName>,
    /// What the signalling calls it (the Call-ID), for the record alone.
    pub sip_call_id: Option<String>,
    /// The site's languages, the first one spoken when the caller has not chosen.
    pub languages: Arc<[Language]>,
    /// Wall time.
    pub clock: WallClock,
}

impl Setup {
    /// This caller's walk through a flow.
    fn session(&self, flow: Arc<Flow>) -> ivr::Session {
        let caller = ivr::Caller {
            number: self.caller_number.clone(),
            name: self.caller_name.clone(),
            dialed: self.dialed_number.clone(),
        };
        ivr::Session::new(flow, &self.languages, caller, self.clock.clone())
    }
}

/// Where a call begins.
#[derive(Debug)]
pub enum Entry {
    /// In a flow.
    Flow(Arc<Flow>),
    /// At the phones of a group or an agent.
    Ring(Who),
    /// At a number outside.
    Outside(Outside),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    pub(super) setup: Setup,
    pub(super) policy: Policy,
    pub(super) stage: Stage,
    pub(super) ledger: Ledger,
    pub(super) group: Option<GroupName>,
    pub(super) unanswered: Option<RingResult>,
    pub(super) overflow_rule: Option<Overflow>,
    pub(super) left_message: bool,
    /// A message is in its box for good.
    pub(super) kept_message: bool,
    /// Whoever hears messages has asked to be connected with a sender.
    pub(super) calls_back: bool,
    pub(super) recording: Option<RecordingId>,
    pub(super) taping: Taping,
    pub(super) flow: Option<Box<ivr::Session>>,
    pub(super) stages_noted: usize,
    pub(super) other_digits: String,
    pub(super) arrived: Instant,
    caller_answered: bool,
    pub(super) talked: Option<Talk>,
    /// The party whose call it is.
    pub(super) front: LegId,
    pub(super) transfer: Option<Transfer>,
    pub(super) passed: Vec<Passed>,
    pub(super) guests: Guests,
    last_leg: u32,
    overflows: u8,
    /// The number shown outside.
    pub(super) outbound_caller_id: Option<Number>,
    /// Ways outside tried so far.
    pub(super) ways_tried: u32,
}

/// Where a call is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Not yet in the journal.
    Arriving(Entry),
    /// The flow decides.
    InFlow,
    /// Phones ring, or are about to.
    Hunting(Hunt),
    /// A number outside is called.
    Outside(Calling),
    /// Two people talk.
    Talking,
    /// The caller leaves a message.
    Leaving(Message),
    /// Over.
    Ended,
}

#[derive(Debug)]
pub(super) struct Talk {
    pub(super) leg: LegId,
    pub(super) since: Instant,
}

/// How a call ends.
pub(super) struct Ending {
    pub(super) by: HangupBy,
    pub(super) status: Status,
    pub(super) release: Cause,
    pub(super) word: Option<&'static str>,
}

/// A chain of overflows longer than this is a circle.
const MOST_OVERFLOWS: u8 = 8;

impl Call {
    /// A call that has just arrived; it waits for [`Event::CallerArrived`].
    pub fn new(now: Instant, setup: Setup, policy: Policy, entry: Entry) -> Self {
        let caller = setup.caller_number.as_str().to_owned();
        let ledger = Ledger::new(now, caller, setup.caller_agent.clone());
        Self {
            setup,
            policy,
            stage: Stage::Arriving(entry),
            ledger,
            group: None,
            unanswered: None,
            overflow_rule: None,
            left_message: false,
            kept_message: false,
            calls_back: false,
            recording: None,
            taping: Taping::default(),
            flow: None,
            stages_noted: 0,
            other_digits: String::new(),
            arrived: now,
            caller_answered: false,
            talked: None,
            front: LegId::CALLER,
            transfer: None,
            passed: Vec::new(),
            guests: Guests::default(),
            last_leg: 0,
            overflows: 0,
            outbound_caller_id: None,
            ways_tried: 0,
        }
    }

    /// Takes one event and says what to do about it.
    pub fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match event {
            Event::CallerArrived => self.begin(now),
            Event::PlayFinished => self.play_finished(now),
            Event::DigitPressed(digit) => self.press(now, digit),
            Event::AgentsFound(found) => self.agents_found(now, found),
            Event::FlowFound(flow) => self.flow_found(now, flow),
            Event::LegRinging(leg) if self.is_guest(leg) => self.guest_rings(now, leg),
            Event::LegAnswered(leg) if self.is_guest(leg) => self.guest_answers(now, leg),
            Event::LegRefused(leg, refusal) if self.is_guest(leg) => self.guest_refuses(now, leg, refusal),
            Event::LegLeft(leg) if self.is_guest(leg) => self.guest_leaves(now, leg),
            Event::LegWentDead(leg) if self.is_guest(leg) => self.guest_goes_dead(now, leg),
            Event::GuestAsked(wish) => self.guest_asked(now, wish),
            Event::LegRinging(leg) => self.leg_rings(now, leg),
            Event::LegRedirected(leg, to, status) => self.leg_redirected(leg, &to, status),
            Event::LegSpeaks(leg) => self.leg_speaks(now, leg),
            Event::LegAnswered(leg) => self.connect(now, leg),
            Event::LegRefused(leg, refusal) => self.refuse(now, leg, refusal),
            Event::LegLeft(leg) => self.leave(now, leg),
            Event::LegHeld(leg) => self.hold(now, leg, true),
            Event::LegResumed(leg) => self.hold(now, leg, false),
            Event::LegWentDead(leg) => self.lose_media(now, leg),
            Event::FellSilent => self.fell_silent(now),
            Event::BoxAnswered(answer) => self.box_answered(now, answer),
            Event::CannotServe(cause, word) => self.stop(now, cause, word),
            Event::TransferAsked(wish) => self.transfer_asked(now, wish),
            Event::HoldOrdered(holds) => self.hold_ordered(now, holds),
            Event::RecordOrdered(wish, by) => self.record_ordered(now, wish, &by),
            Event::AgentPressed(leg, digit) => self.agent_pressed(now, leg, digit),
            Event::JoinAsked(wish) => self.join_asked(now, wish),
            Event::LegTaken(leg) => self.leg_taken(now, leg),
            Event::PickedUp(rung, by) => self.picked_up(now, rung, by),
            Event::TakenOver(leg, by) => self.taken_over(now, leg, by),
            Event::TargetFound(target) => self.target_found(now, target),
            Event::HangUpOrdered => self.stop(now, Cause::Ordered, "ordered"),
            Event::ShutdownOrdered => self.stop(now, Cause::ShuttingDown, "shutdown"),
            Event::DeadlineReached => self.time_out(now),
        }
    }

    /// When to send the next [`Event::DeadlineReached`]. Derived from state, so no timer can leak.
    pub fn next_deadline(&self) -> Option<Instant> {
        let of_guests = self.guests.next_deadline();
        [self.deadline_of_stage(), of_guests].into_iter().flatten().min()
    }

    fn deadline_of_stage(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Arriving(_) | Stage::Ended => None,
            Stage::InFlow => self.flow.as_ref().and_then(|flow| flow.next_deadline()),
            Stage::Hunting(hunt) => hunt.next_deadline(),
            Stage::Outside(calling) => Some(calling.next_deadline()),
            Stage::Talking => self.consent_deadline().or(self
                .talked
                .as_ref()
                .map(|talk| talk.since + self.policy.longest_talk)),
            Stage::Leaving(message) => message.next_deadline(),
        }
    }

    /// Whether the record has been filed.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// Corrects the wall time of what has not been written yet.
    pub fn set_clock(&mut self, clock: WallClock) {
        if let Some(flow) = &mut self.flow {
            flow.set_clock(clock.clone());
        }
        self.setup.clock = clock;
    }

    fn begin(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Arriving(_) = self.stage else {
            return Vec::new();
        };
        let Stage::Arriving(entry) = std::mem::replace(&mut self.stage, Stage::InFlow) else {
            return Vec::new();
        };
        match entry {
            Entry::Flow(flow) => self.flow_found(now, Some(flow)),
            Entry::Ring(who) => self.hunt_for(who),
            Entry::Outside(outside) => self.call_outside(now, outside),
        }
    }

    /// Gives the flow one input and carries out what it asks for.
    pub(super) fn step_flow(&mut self, now: Instant, input: Input) -> Vec<Action> {
        let Some(flow) = &mut self.flow else {
            return Vec::new();
        };
        let turn = flow.handle(now, input);
        let deeds = flow.take_deeds();
        let mut actions = self.note_stages();
        actions.extend(self.carry_out_deeds(deeds));
        match turn {
            Turn::Wait => {}
            Turn::Play(items) => {
                self.answer_caller(now, &mut actions);
                actions.push(Action::Play {
                    leg: self.front,
                    items,
                    repeat: false,
                });
            }
            Turn::Hush => actions.push(Action::StopPlaying(self.front)),
            Turn::Answer => self.answer_caller(now, &mut actions),
            Turn::Ring(group) => actions.extend(self.hunt_for(Who::Group(group))),
            Turn::AskBox(question) => actions.push(Action::AskBox(question)),
            Turn::CallBack(number) => actions.extend(self.call_back(number)),
            take @ Turn::TakeMessage { .. } => actions.extend(self.take_message(now, take)),
            Turn::Overflow(_) => actions.extend(self.overflow(now)),
            Turn::HangUp => actions.extend(self.flow_over(now)),
        }
        actions
    }

    /// The flow has nothing more to say: what the record says depends on whether phones were rung in vain.
    fn flow_over(&mut self, now: Instant) -> Vec<Action> {
        let (mut status, mut release) = self.unanswered_status();
        if let (None, None, Some(flow)) = (self.unanswered, &self.talked, &self.flow) {
            (status, release) = match flow.end_cause() {
                EndCause::Normal => (status, release),
                EndCause::Busy => (Status::Busy, Cause::Busy),
                EndCause::Rejected => (Status::Failed, Cause::Rejected),
                EndCause::Unavailable => (Status::NoAnswer, Cause::NobodyThere),
                EndCause::Congestion => (Status::Failed, Cause::Congestion),
            };
        }
        self.end(
            now,
            Ending {
                by: HangupBy::System,
                status,
                release,
                word: None,
            },
        )
    }

    pub(super) fn unanswered_status(&self) -> (Status, Cause) {
        match self.unanswered {
            // Two people talked, whatever became of the call after it was handed on.
            _ if self.talked.is_some() => (Status::Answer, Cause::Finished),
            _ if self.left_message => (Status::Voicemail, Cause::Finished),
            None => (Status::Answer, Cause::Finished),
            Some(RingResult::Busy) => (Status::Busy, Cause::Busy),
            Some(RingResult::NoAnswer) => (Status::NoAnswer, Cause::NoAnswer),
            Some(RingResult::NobodyThere) => (Status::NoAnswer, Cause::NobodyThere),
        }
    }

    pub(super) fn flow_found(&mut self, now: Instant, flow: Option<Arc<Flow>>) -> Vec<Action> {
        let Stage::InFlow = self.stage else {
            return Vec::new();
        };
        let Some(flow) = flow else {
            return self.fail(now, "no_such_flow");
        };
        match &mut self.flow {
            Some(session) => session.move_to(flow),
            None => self.flow = Some(Box::new(self.setup.session(flow))),
        }
        self.step_flow(now, Input::Entered)
    }

    /// Goes where the group's rule says when nobody took the call and the flow says nothing.
    pub(super) fn overflow(&mut self, now: Instant) -> Vec<Action> {
        self.overflows += 1;
        if self.overflows > MOST_OVERFLOWS {
            return self.fail(now, "overflow_circle");
        }
        self.stage = Stage::InFlow;
        match self.overflow_rule.take() {
            Some(Overflow::Flow(flow)) => vec![Action::FindFlow(flow)],
            Some(Overflow::Ring(who)) => self.hunt_for(who),
            Some(Overflow::HangUp) | None => self.flow_over(now),
        }
    }

    fn agents_found(&mut self, now: Instant, found: Found) -> Vec<Action> {
        let Stage::Hunting(_) = self.stage else {
            return Vec::new();
        };
        self.ring(now, found)
    }

    fn play_finished(&mut self, now: Instant) -> Vec<Action> {
        match &self.stage {
            Stage::InFlow => self.step_flow(now, Input::PlayFinished),
            Stage::Leaving(_) => self.start_message(now),
            Stage::Talking => self.announcement_heard(),
            Stage::Arriving(_) | Stage::Hunting(_) | Stage::Outside(_) | Stage::Ended => Vec::new(),
        }
    }

    /// Whether the keys of now are nobody's business: neither record nor tape shows them.
    pub fn keeps_secret(&self) -> bool {
        matches!(self.stage, Stage::InFlow) && self.flow.as_ref().is_some_and(|flow| flow.keeps_secret())
    }

    fn press(&mut self, now: Instant, digit: Digit) -> Vec<Action> {
        let mut actions = Vec::new();
        if !matches!(self.stage, Stage::Ended) && !self.keeps_secret() {
            let shown = if self.is_recording_paused() {
                MASKED
            } else {
                digit.as_char()
            };
            actions.push(Action::Note(NoteKind::Digit, Some(self.front), shown.to_string()));
        }
        actions.extend(self.consent_key(digit));
        actions.extend(self.agent_pressed(now, self.front, digit));
        match &self.stage {
            Stage::InFlow => actions.extend(self.step_flow(now, Input::Digit(digit))),
            Stage::Leaving(_) if digit.as_char() == '#' => {
                actions.extend(self.message_over(now, TakenBy::Key));
            }
            Stage::Leaving(_) | Stage::Hunting(_) | Stage::Outside(_) | Stage::Talking
                if self.other_digits.len() < 64 =>
            {
                let is_masked = self.is_recording_paused();
                self.other_digits
                    .push(if is_masked { MASKED } else { digit.as_char() });
            }
            Stage::Arriving(_)
            | Stage::Leaving(_)
            | Stage::Hunting(_)
            | Stage::Outside(_)
            | Stage::Talking
            | Stage::Ended => {}
        }
        actions
    }

    fn leave(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if !self.ledger.is_live(leg) {
            return Vec::new(); // A phone that rang in vain reports back late.
        }
        if let Some(actions) = self.goes_on_without(now, leg) {
            return actions;
        }
        if leg == self.front {
            return self.front_leaves(now);
        }
        if self.is_transferor(leg) {
            return self.transferor_leaves(now, leg);
        }
        match &self.stage {
            Stage::Talking => {
                self.ledger.ended(now, leg, "answered");
                let (by, status) = (hangup_by(leg), Status::Answer);
                self.end(
                    now,
                    Ending {
                        by,
                        status,
                        release: Cause::Finished,
                        word: None,
                    },
                )
            }
            Stage::Hunting(_) | Stage::Outside(_) => self.refuse(now, leg, super::Refusal::vanished()),
            Stage::Arriving(_) | Stage::InFlow | Stage::Leaving(_) | Stage::Ended => Vec::new(),
        }
    }

    fn front_leaves(&mut self, now: Instant) -> Vec<Action> {
        self.note_message_length(now);
        self.ledger.ended(now, self.front, "canceled");
        let (status, release) = self
            .outcome_so_far()
            .unwrap_or((Status::Canceled, Cause::CallerGaveUp));
        self.end(
            now,
            Ending {
                by: hangup_by(self.front),
                status,
                release,
                word: None,
            },
        )
    }

    /// What the call has come to already, should it end here; nothing when it has come to nothing.
    fn outcome_so_far(&self) -> Option<(Status, Cause)> {
        match &self.stage {
            Stage::Ended => None,
            _ if self.talked.is_some() => Some((Status::Answer, Cause::Finished)),
            Stage::InFlow | Stage::Leaving(_) if self.left_message || self.unanswered.is_some() => {
                Some(self.unanswered_status())
            }
            Stage::Arriving(_)
            | Stage::InFlow
            | Stage::Hunting(_)
            | Stage::Outside(_)
            | Stage::Talking
            | Stage::Leaving(_) => None,
        }
    }

    fn lose_media(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if !self.ledger.is_live(leg) || self.ledger.is_held() || self.is_before_answer(leg) {
            return Vec::new();
        }
        if self.is_transferor(leg) {
            let mut actions = vec![Action::Release(leg, Cause::NoMedia)];
            actions.extend(self.transferor_leaves(now, leg));
            return actions;
        }
        self.stop(now, Cause::NoMedia, "no_media")
    }

    fn stop(&mut self, now: Instant, release: Cause, word: &'static str) -> Vec<Action> {
        self.note_message_length(now);
        let status = self.outcome_so_far().map_or(Status::Failed, |(status, _)| status);
        self.end(
            now,
            Ending {
                by: HangupBy::System,
                status,
                release,
                word: Some(word),
            },
        )
    }

    pub(super) fn fail(&mut self, now: Instant, word: &'static str) -> Vec<Action> {
        let talked = self.talked.is_some();
        let status = if talked { Status::Answer } else { Status::Failed };
        let by = HangupBy::System;
        self.end(
            now,
            Ending {
                by,
                status,
                release: Cause::Failed,
                word: Some(word),
            },
        )
    }

    fn time_out(&mut self, now: Instant) -> Vec<Action> {
        if self.deadline_of_stage().is_none_or(|at| at > now) {
            return self.guests_rang_long_enough(now);
        }
        match &self.stage {
            Stage::InFlow => self.step_flow(now, Input::DeadlineReached),
            Stage::Hunting(_) => self.hunt_on(now),
            Stage::Outside(_) => self.outside_rang_long_enough(now),
            Stage::Talking if self.is_asking_consent() => self.announcement_overdue(now),
            Stage::Talking => self.stop(now, Cause::Finished, "longest_talk"),
            Stage::Leaving(_) => self.message_over(now, TakenBy::Itself),
            Stage::Arriving(_) | Stage::Ended => Vec::new(),
        }
    }

    /// Answers the caller once; every step that needs audio passes here.
    pub(super) fn answer_caller(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.caller_answered {
            return;
        }
        self.caller_answered = true;
        self.ledger.answered(now, self.front);
        actions.push(Action::Answer(self.front));
        actions.push(Action::Note(
            NoteKind::CallerAnswered,
            Some(self.front),
            String::new(),
        ));
    }

    pub(super) fn is_caller_answered(&self) -> bool {
        self.caller_answered
    }

    pub(super) fn has_flow(&self) -> bool {
        self.flow.is_some()
    }

    pub(super) fn new_leg(&mut self) -> LegId {
        self.last_leg += 1;
        LegId(self.last_leg)
    }

    /// The only way a call ends, so the CDR is filed exactly once.
    pub(super) fn end(&mut self, now: Instant, ending: Ending) -> Vec<Action> {
        if let Stage::Ended = self.stage {
            return Vec::new();
        }
        self.stage = Stage::Ended;
        let mut actions: Vec<Action> = self.transfer_cut_short().into_iter().collect();
        if let Some(id) = self.recording {
            actions.push(Action::StopRecording(id));
        }
        for leg in self.ledger.live_legs() {
            self.ledger.ended(now, leg, ending.release.result());
            actions.push(Action::Release(leg, ending.release));
        }
        let cdr = self.cdr(now, Some(&ending));
        actions.push(Action::Note(NoteKind::Ended, None, format!("{:?}", cdr.status)));
        actions.push(Action::FileCdr(Box::new(cdr)));
        actions
    }
}
