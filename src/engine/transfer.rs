//! Handing a conversation on, between SIP's REFER and the call: who asks, where the number leads, what they are told.

use super::farewell::farewell;
use super::line::{Beyond, Live};
use super::{Engine, Notice, Output};
use crate::call::{Cause, Entry, Event, JoinWish, TransferNews, TransferObjection, TransferWish, Who};
use crate::ivr::RingResult;
use crate::media::MediaOrder;
use crate::model::{CallId, CallKey, LegId, LegKey, Number, TransferKind, TrunkName};
use crate::routing;
use crate::sip::{Referral, Replaced, SessionId, UserPart};
use std::time::{Duration, Instant};

impl Engine {
    /// A REFER of somebody in a call.
    pub(super) fn referred(&mut self, now: Instant, referral: Referral) {
        let Some(LegKey { call, leg }) = self.leg_of(referral.session) else {
            return self.sip.refuse_refer(now, referral.session, 481);
        };
        if let Some(live) = self.calls.get_mut(&call) {
            live.referred_by = Some(referral.referred_by);
            live.takes_place = None;
        }
        match referral.replaced {
            None => {
                let (by, to, kind) = (leg, referral.to, TransferKind::Blind);
                self.tell(call, Event::TransferAsked(TransferWish { by, to, kind }));
            }
            Some(Replaced::Session(other)) => self.join(now, LegKey { call, leg }, referral.session, other),
            Some(Replaced::Beyond { trunk, replaces }) => {
                if let Some(live) = self.calls.get_mut(&call) {
                    live.takes_place = Some(Beyond { trunk, replaces });
                }
                let (by, to, kind) = (leg, referral.to, TransferKind::Attended);
                self.tell(call, Event::TransferAsked(TransferWish { by, to, kind }));
            }
        }
    }

    /// A person hands a call on for the agent in it.
    pub(super) fn transfer_ordered(&mut self, call: CallId, to: Number, kind: TransferKind) {
        let Some(key) = self.key_of(call) else { return };
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(by) = live.call.agent_leg().filter(|by| live.call.is_talking(*by)) else {
            return;
        };
        let user = live.call.number_of(by).unwrap_or_default();
        live.takes_place = None;
        live.referred_by = Some(format!("<sip:{}@{}>", UserPart(user), self.settings.sip.realm));
        let agent = live.call.agent_of(by).cloned();
        match (kind, agent) {
            (TransferKind::Blind, _) => {
                self.tell(key, Event::TransferAsked(TransferWish { by, to, kind }));
            }
            (TransferKind::Attended, None) => {}
            (TransferKind::Attended, Some(agent)) => {
                let here = LegKey { call: key, leg: by };
                let asked = self.calls.values().filter(|other| other.key != key);
                let mut with = asked.filter_map(|other| other.call.consulted_by(&agent, other.key));
                if let Some((party, number)) = with.find(|(_, number)| *number == to.as_str()) {
                    let agent = self
                        .calls
                        .get(&party.call)
                        .and_then(|live| live.call.agent_of(party.leg));
                    let (by, number, agent) = (here.leg, number.to_owned(), agent.cloned());
                    let wish = JoinWish {
                        by,
                        party,
                        number,
                        agent,
                    };
                    self.tell(key, Event::JoinAsked(wish));
                }
            }
        }
    }

    /// Somebody with two calls here joins the others of both: in the call that is referred. While the phones of the
    /// second one still ring, they ring for the party of the first.
    fn join(&mut self, now: Instant, here: LegKey, session: SessionId, other: SessionId) {
        let Some(there) = self.leg_of(other).filter(|there| there.call != here.call) else {
            return self.sip.refuse_refer(now, session, 481);
        };
        let Some(second) = self.calls.get(&there.call) else {
            return self.sip.refuse_refer(now, session, 481);
        };
        let call = &second.call;
        if let Some(party) = call.other_than(there.leg).filter(|_| call.is_talking(there.leg)) {
            let number = call.number_of(party).unwrap_or_default().to_owned();
            let wish = JoinWish {
                by: here.leg,
                party: LegKey {
                    call: there.call,
                    leg: party,
                },
                number,
                agent: call.agent_of(party).cloned(),
            };
            return self.tell(here.call, Event::JoinAsked(wish));
        }
        if there.leg != LegId::CALLER || call.answered_at().is_some() {
            return self.sip.refuse_refer(now, session, 491);
        }
        let (by, to) = (here.leg, call.setup().dialed_number.clone());
        let kind = TransferKind::Attended;
        self.tell(there.call, Event::LegTaken(there.leg));
        self.sip.release(now, other, farewell(Cause::Transferred));
        self.drop_line(now, there.call, there.leg);
        self.tell(here.call, Event::TransferAsked(TransferWish { by, to, kind }));
    }

    /// A text is for the other one of the two who talk.
    pub(super) fn pass_words(&mut self, now: Instant, from: SessionId, words: u64) {
        let key = self.leg_of(from);
        let live = key.and_then(|key| self.calls.get(&key.call));
        let to = live.zip(key).and_then(|(live, key)| {
            let other = live
                .call
                .other_than(key.leg)
                .filter(|_| live.call.is_talking(key.leg))?;
            Some(live.line(other)?.session)
        });
        self.sip.pass_words(now, words, to);
    }

    /// A leg of another call becomes one of this call.
    pub(super) fn move_here(&mut self, now: Instant, key: CallKey, from: LegKey, leg: LegId) {
        let to = LegKey { call: key, leg };
        let place = |live: &Live| live.lines.iter().position(|line| line.leg == from.leg);
        let there = self.calls.get_mut(&from.call);
        let line = there.and_then(|live| place(live).map(|place| live.lines.swap_remove(place)));
        if let Some(there) = self.calls.get_mut(&from.call) {
            there.hearing.retain(|leg| *leg != from.leg);
        }
        let Some(mut line) = line else {
            // It left in this very moment.
            return self.tell(key, Event::LegLeft(leg));
        };
        line.leg = leg;
        self.seat(line.session, to);
        if line.is_open {
            self.media(MediaOrder::Move { from, to });
        }
        if let Some(agent) = self
            .calls
            .get(&from.call)
            .and_then(|live| live.call.agent_of(from.leg))
        {
            self.roster.leaves(now, &agent.clone(), from, Duration::ZERO);
        }
        if line.is_held {
            self.tell(key, Event::LegHeld(leg));
        }
        if let Some(live) = self.calls.get_mut(&key) {
            live.lines.push(line);
        }
        self.tell(from.call, Event::LegTaken(from.leg));
    }

    /// Where a number leads for somebody who hands a call on: whatever they could dial themselves.
    pub(super) fn find_target(
        &mut self,
        now: Instant,
        key: CallKey,
        leg: LegId,
        number: &Number,
    ) -> Result<Entry, TransferObjection> {
        let origin = self.origin_of(key, leg).ok_or(TransferObjection::NotNow)?;
        if let Some(beyond) = self.place_beyond(key) {
            return self.entry_beyond(now, (key, leg), beyond, &origin, number);
        }
        let decision = self.settings.plan.decide(number, &origin);
        let (phone, shown) = match &origin {
            routing::Origin::Phone(phone) => (Some(phone), phone.clone()),
            routing::Origin::Trunk(_) => (None, Number::anonymous()),
        };
        // A number outside counts against the phone that hands the call on, like one it dials (ROBUSTNESS 39, 41).
        let entry = self.entry_for(now, decision, phone, &shown);
        if let Some(entry) = entry.map_err(|_| TransferObjection::Forbidden)? {
            return Ok(entry);
        }
        match origin {
            routing::Origin::Phone(_) => {
                let agent = self.roster.agent_of_number(number);
                let agent = agent.ok_or(TransferObjection::Unknown)?;
                Ok(Entry::Ring(Who::Agent(agent.id.clone())))
            }
            routing::Origin::Trunk(_) => Err(TransferObjection::Forbidden),
        }
    }

    /// The conversation beyond a trunk whose place the call is to take that is being handed on.
    fn place_beyond(&self, key: CallKey) -> Option<TrunkName> {
        let live = self.calls.get(&key)?;
        let beyond = live.takes_place.as_ref()?;
        let handed_on = live.call.is_being_transferred();
        handed_on.then(|| beyond.trunk.clone())
    }

    /// The way to somebody behind a trunk whom the one who hands the call on has talked with there. No new call begins by
    /// that – the INVITE requires Replaces, so a trunk that does not know the conversation refuses (RFC 3891 §4) – and
    /// still the number has to be one that may be dialled, and counts like one that a phone dials.
    fn entry_beyond(
        &mut self,
        now: Instant,
        (key, by): (CallKey, LegId),
        trunk: TrunkName,
        origin: &routing::Origin,
        number: &Number,
    ) -> Result<Entry, TransferObjection> {
        let allowed = self.settings.plan.dialing().allows(number.as_str());
        let counted = match origin {
            routing::Origin::Phone(phone) => allowed.and_then(|()| self.may_dial_outside(now, phone)),
            routing::Origin::Trunk(_) => allowed,
        };
        if let Err(reason) = counted {
            if let routing::Origin::Phone(phone) = origin {
                self.note_refused_number(now, phone, reason);
            }
            return Err(TransferObjection::Forbidden);
        }
        let call = self.calls.get(&key).map(|live| &live.call);
        let stays = call.and_then(|call| call.number_of(call.other_than(by)?));
        let shown = stays.map_or_else(Number::anonymous, Number::from);
        let way = routing::Way {
            trunk,
            number: number.clone(),
            caller_id: None,
        };
        let outside = routing::Outside {
            ways: vec![way],
            is_emergency: false,
        };
        Ok(self.outside_entry(outside, &shown))
    }

    /// As whom a leg dials: an agent is of the house, however the phone is reached.
    fn origin_of(&self, key: CallKey, leg: LegId) -> Option<routing::Origin> {
        let call = &self.calls.get(&key)?.call;
        let setup = call.setup();
        if let Some(agent) = call.agent_of(leg).and_then(|agent| self.roster.agent(agent)) {
            return Some(routing::Origin::Phone(agent.number().into()));
        }
        match &setup.trunk {
            Some(trunk) => Some(routing::Origin::Trunk(trunk.clone())),
            None => Some(routing::Origin::Phone(setup.caller_number.clone())),
        }
    }

    /// What becomes of it, for whoever asked by REFER.
    pub(super) fn tell_transferor(&mut self, now: Instant, key: CallKey, leg: LegId, news: TransferNews) {
        let Some(line) = self.line(key, leg) else { return };
        let session = line.session;
        match news {
            TransferNews::Refused(why) => self.sip.refuse_refer(now, session, objection_status(why)),
            TransferNews::Accepted => self.sip.accept_refer(now, session),
            TransferNews::Ringing => self.sip.tell_refer(now, session, 180),
            TransferNews::Done => self.sip.tell_refer(now, session, 200),
            TransferNews::Failed(result) => self.sip.tell_refer(now, session, failure_status(result)),
        }
    }

    /// The phone that took the call over is its agent's now, and those who look on hear of it.
    pub(super) fn note_transferred(&mut self, now: Instant, key: CallKey, leg: Option<LegId>) {
        let Some(live) = self.calls.get(&key) else { return };
        let agent = leg.and_then(|leg| live.call.agent_of(leg)).cloned();
        let Some((by, to)) = live.call.last_transfer() else {
            return;
        };
        let notice = Notice::CallTransferred {
            call: live.call.setup().id,
            by: by.cloned(),
            to: to.clone(),
            agent: agent.clone(),
        };
        self.out.push(Output::Notice(notice));
        if let (Some(agent), Some(leg)) = (agent, leg) {
            self.roster.talks(now, &agent, LegKey { call: key, leg });
        }
    }
}

/// How an objection is said to a REFER.
fn objection_status(why: TransferObjection) -> u16 {
    match why {
        TransferObjection::NotNow => 491,
        TransferObjection::Unknown => 404,
        TransferObjection::TooOften | TransferObjection::Forbidden => 403,
    }
}

/// How a failure is said in the last NOTIFY.
fn failure_status(result: RingResult) -> u16 {
    match result {
        RingResult::NoAnswer => 408,
        RingResult::Busy => 486,
        RingResult::NobodyThere => 480,
    }
}
