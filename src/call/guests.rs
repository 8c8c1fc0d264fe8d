//! Others in a conversation: a supervisor who listens, whispers or barges in, and a third party.
//!
//! Each is a leg of the call they come to, so that the call still files one record. The two who talk do not notice a
//! listener, and nothing changes for them when one leaves. When one of the two leaves, a third party takes the place.

use super::machine::Stage;
use super::{Action, Call, Candidate, Cause, Refusal, Way};
use crate::model::{AgentId, LegId, LegRole, NoteKind, Part, Playable, Tone};
use std::time::{Duration, Instant};

/// Guests of one call, ringing ones included; with the two who talk that makes thirty-two.
const MOST_GUESTS: usize = 30;
/// How long a guest's phone rings.
const RING_TIME: Duration = Duration::from_secs(45);

/// How somebody comes to a conversation of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestKind {
    /// Hears both, is heard by nobody.
    Listen,
    /// Hears both, is heard by the agent alone.
    Whisper,
    /// Hears both, is heard by both.
    Barge,
    /// A party like the two others.
    Third,
}

/// Somebody is wanted in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestWish {
    /// How they come.
    pub kind: GuestKind,
    /// Phones that could take it, all rung at once; the first to answer comes.
    pub phones: Vec<Candidate>,
    /// The way to them when they are outside.
    pub way: Option<Way>,
}

/// A guest, or somebody who is asked to be one.
#[derive(Debug)]
pub(super) struct Guest {
    leg: LegId,
    kind: GuestKind,
    /// Phones of one wish have the same number: one of them comes.
    wish: u32,
    /// Until when the phone rings; none once it has answered.
    rings_until: Option<Instant>,
}

/// The guests of a call.
#[derive(Debug, Default)]
pub(super) struct Guests {
    list: Vec<Guest>,
    wishes: u32,
}

impl GuestKind {
    /// The word for journal, log and API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Whisper => "whisper",
            Self::Barge => "barge",
            Self::Third => "third",
        }
    }

    fn role(self) -> LegRole {
        match self {
            Self::Listen | Self::Whisper | Self::Barge => LegRole::Supervisor,
            Self::Third => LegRole::Guest,
        }
    }

    /// Whether everybody hears them, so that everybody is told by a beep that they come and go.
    fn is_heard(self) -> bool {
        match self {
            Self::Barge | Self::Third => true,
            Self::Listen | Self::Whisper => false,
        }
    }
}

impl Guests {
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.list.iter().any(|guest| guest.leg == leg)
    }

    /// When the first phone has rung long enough.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.list.iter().filter_map(|guest| guest.rings_until).min()
    }

    fn get(&self, leg: LegId) -> Option<&Guest> {
        self.list.iter().find(|guest| guest.leg == leg)
    }

    fn take(&mut self, leg: LegId) -> Option<Guest> {
        let place = self.list.iter().position(|guest| guest.leg == leg)?;
        Some(self.list.remove(place))
    }

    fn present(&self) -> impl Iterator<Item = &Guest> {
        self.list.iter().filter(|guest| guest.rings_until.is_none())
    }
}

impl Call {
    /// Whether this leg is a guest's.
    pub fn is_guest(&self, leg: LegId) -> bool {
        self.guests.has(leg)
    }

    /// How somebody takes part, when they are a guest who has come.
    pub fn guest_kind(&self, leg: LegId) -> Option<GuestKind> {
        self.guests
            .get(leg)
            .filter(|guest| guest.rings_until.is_none())
            .map(|guest| guest.kind)
    }

    /// Rings somebody who is to join the conversation. A guest who is there already changes how they take part.
    pub(super) fn guest_asked(&mut self, now: Instant, wish: GuestWish) -> Vec<Action> {
        if !matches!(self.stage, Stage::Talking) {
            return Vec::new();
        }
        if let Some(leg) = self.guest_of_wish(&wish) {
            return self.change_guest(leg, wish.kind);
        }
        self.guests.wishes += 1;
        let number = self.guests.wishes;
        let mut actions = Vec::new();
        for phone in wish.phones {
            let Some(leg) = self.add_guest(now, wish.kind, number) else {
                break;
            };
            self.ledger.guest_dialed(
                now,
                leg,
                wish.kind.role(),
                Some(phone.agent.clone()),
                &phone.number,
            );
            let detail = format!("{} {}", wish.kind.word(), phone.agent);
            actions.push(Action::Dial(leg, phone));
            actions.push(Action::Note(NoteKind::Dialed, Some(leg), detail));
        }
        if let Some(way) = wish.way
            && let Some(leg) = self.add_guest(now, wish.kind, number)
        {
            self.ledger
                .guest_dialed(now, leg, wish.kind.role(), None, way.number.as_str());
            let detail = format!("{} {} by {}", wish.kind.word(), way.number, way.trunk);
            let elsewhere = false;
            actions.push(Action::DialOutside { leg, way, elsewhere });
            actions.push(Action::Note(NoteKind::Dialed, Some(leg), detail));
        }
        actions
    }

    pub(super) fn guest_rings(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if self.ledger.has_rung(leg) {
            return Vec::new();
        }
        self.ledger.ringing(now, leg);
        vec![Action::Note(NoteKind::Ringing, Some(leg), String::new())]
    }

    /// A guest picks up, and is in the conversation at once.
    pub(super) fn guest_answers(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Some(guest) = self.guests.list.iter_mut().find(|guest| guest.leg == leg) else {
            return Vec::new();
        };
        if guest.rings_until.take().is_none() {
            return Vec::new();
        }
        let (kind, wish) = (guest.kind, guest.wish);
        self.ledger.answered(now, leg);
        let mut actions = self.dismiss_others(now, wish, Cause::AnsweredElsewhere);
        actions.push(self.together());
        actions.push(Action::Note(NoteKind::Joined, Some(leg), kind.word().to_owned()));
        if kind.is_heard() {
            actions.extend(self.beep());
        }
        actions
    }

    pub(super) fn guest_refuses(&mut self, now: Instant, leg: LegId, refusal: Refusal) -> Vec<Action> {
        if self.guests.take(leg).is_none() {
            return Vec::new();
        }
        self.ledger.refused(now, leg, refusal);
        let word = format!("{:?}", refusal.kind);
        vec![Action::Note(NoteKind::Refused, Some(leg), word)]
    }

    /// A guest hangs up. The others talk on.
    pub(super) fn guest_leaves(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Some(guest) = self.guests.take(leg) else {
            return Vec::new();
        };
        self.ledger.ended(now, leg, "canceled");
        if guest.rings_until.is_some() {
            return Vec::new();
        }
        let kind = guest.kind;
        let note = Action::Note(NoteKind::Parted, Some(leg), kind.word().to_owned());
        let mut actions = vec![self.together(), note];
        if kind.is_heard() {
            actions.extend(self.beep());
        }
        actions
    }

    /// No sound came from a guest for too long: only the guest is let go.
    pub(super) fn guest_goes_dead(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let mut actions = vec![Action::Release(leg, Cause::NoMedia)];
        actions.extend(self.guest_leaves(now, leg));
        actions
    }

    /// One of the two who talk has left: somebody else who talks takes the place, if there is one. A supervisor stays
    /// with the caller, not with the agent.
    pub(super) fn goes_on_without(&mut self, now: Instant, leg: LegId) -> Option<Vec<Action>> {
        let is_front = leg == self.front;
        if !matches!(self.stage, Stage::Talking) || self.other_than(leg).is_none() {
            return None;
        }
        let takes_over = |guest: &&Guest| match guest.kind {
            GuestKind::Third => true,
            GuestKind::Barge => !is_front,
            GuestKind::Listen | GuestKind::Whisper => false,
        };
        let heir = self.guests.present().find(takes_over)?.leg;
        let guest = self.guests.take(heir)?;
        self.ledger.hold_by_order(now, false);
        self.ledger.ended(now, leg, "answered");
        if is_front {
            self.front = heir;
        } else if let Some(talk) = &mut self.talked {
            talk.leg = heir;
        }
        let mut actions = vec![self.together()];
        if let (Some(id), Some(other)) = (self.recording, self.other_than(self.front)) {
            actions.push(Action::ChangeRecording(id, self.front, Some(other)));
        }
        let who = format!("{} stays", guest.kind.word());
        actions.push(Action::Note(NoteKind::Parted, Some(leg), who));
        Some(actions)
    }

    /// Lets go of guests whose phones have rung long enough.
    pub(super) fn guests_rang_long_enough(&mut self, now: Instant) -> Vec<Action> {
        let is_over = |guest: &Guest| guest.rings_until.is_some_and(|until| until <= now);
        let silent: Vec<LegId> = self
            .guests
            .list
            .iter()
            .filter(|guest| is_over(guest))
            .map(|guest| guest.leg)
            .collect();
        self.dismiss_guests(now, silent, Cause::RangLongEnough)
    }

    /// Who hears whom now, as one order: the two who talk, unless they are kept apart, and whoever has joined them.
    pub(super) fn together(&self) -> Action {
        let mut parties = Vec::new();
        let other = self.other_than(self.front);
        if let (Stage::Talking, Some(other)) = (&self.stage, other) {
            if !self.ledger.is_held_by_order() {
                parties.push((self.front, Part::Talks));
            }
            parties.push((other, Part::Talks));
        }
        let agent = self.agent_leg().or(other);
        for guest in self.guests.present() {
            let part = match (guest.kind, agent) {
                (GuestKind::Barge | GuestKind::Third, _) => Part::Talks,
                (GuestKind::Whisper, Some(agent)) => Part::WhispersTo(agent),
                (GuestKind::Whisper, None) | (GuestKind::Listen, _) => Part::Listens,
            };
            parties.push((guest.leg, part));
        }
        Action::Mix(parties)
    }

    /// Lets these two talk, with whoever has joined them; what they hear until then stops.
    pub(super) fn let_talk(&self, a: LegId, b: LegId) -> Vec<Action> {
        if !self.has_guests() {
            return vec![Action::Bridge(a, b)];
        }
        vec![Action::StopPlaying(a), Action::StopPlaying(b), self.together()]
    }

    /// Lets the two not hear each other; whoever has joined them stays with the one who is not held.
    pub(super) fn keep_apart(&self, leg: LegId) -> Action {
        if self.has_guests() {
            self.together()
        } else {
            Action::Unbridge(leg)
        }
    }

    /// Whether somebody besides the two is there.
    pub(super) fn has_guests(&self) -> bool {
        self.guests.present().next().is_some()
    }

    /// Whether somebody besides the two talks.
    pub(super) fn has_third(&self) -> bool {
        self.guests.present().any(|guest| guest.kind.is_heard())
    }

    /// The leg of a guest who is there and is wanted again.
    fn guest_of_wish(&self, wish: &GuestWish) -> Option<LegId> {
        let wanted: Vec<&AgentId> = wish.phones.iter().map(|phone| &phone.agent).collect();
        let is_wanted = |leg| {
            self.ledger
                .agent(leg)
                .is_some_and(|agent| wanted.contains(&agent))
        };
        let mut guests = self.guests.present().map(|guest| guest.leg);
        guests.find(|leg| is_wanted(*leg))
    }

    fn change_guest(&mut self, leg: LegId, kind: GuestKind) -> Vec<Action> {
        let Some(guest) = self.guests.list.iter_mut().find(|guest| guest.leg == leg) else {
            return Vec::new();
        };
        let before = std::mem::replace(&mut guest.kind, kind);
        if before == kind {
            return Vec::new();
        }
        let note = Action::Note(NoteKind::Joined, Some(leg), kind.word().to_owned());
        let mut actions = vec![self.together(), note];
        if before.is_heard() != kind.is_heard() {
            actions.extend(self.beep());
        }
        actions
    }

    fn add_guest(&mut self, now: Instant, kind: GuestKind, wish: u32) -> Option<LegId> {
        if self.guests.list.len() >= MOST_GUESTS {
            return None;
        }
        let leg = self.new_leg();
        let rings_until = Some(now + RING_TIME);
        self.guests.list.push(Guest {
            leg,
            kind,
            wish,
            rings_until,
        });
        Some(leg)
    }

    /// The other phones of a wish stop ringing.
    fn dismiss_others(&mut self, now: Instant, wish: u32, cause: Cause) -> Vec<Action> {
        let rings = |guest: &&Guest| guest.wish == wish && guest.rings_until.is_some();
        let others: Vec<LegId> = self
            .guests
            .list
            .iter()
            .filter(rings)
            .map(|guest| guest.leg)
            .collect();
        self.dismiss_guests(now, others, cause)
    }

    fn dismiss_guests(&mut self, now: Instant, legs: Vec<LegId>, cause: Cause) -> Vec<Action> {
        let mut actions = Vec::new();
        for leg in legs {
            self.guests.take(leg);
            self.ledger.ended(now, leg, cause.result());
            actions.push(Action::Release(leg, cause));
            let word = cause.result().to_owned();
            actions.push(Action::Note(NoteKind::Released, Some(leg), word));
        }
        actions
    }

    /// Everybody who talks hears that somebody came or went; not while music plays to one of them.
    fn beep(&self) -> Vec<Action> {
        let (Stage::Talking, false, Some(other)) =
            (&self.stage, self.ledger.is_held(), self.other_than(self.front))
        else {
            return Vec::new();
        };
        [self.front, other]
            .map(|leg| Action::Play {
                leg,
                items: vec![Playable::Tone(Tone::Beep)],
                repeat: false,
            })
            .into()
    }
}
