//! What the appliance promises, whatever happens; each is looked after while a story is told.

use super::{Side, State, World, ladder};
use callpost::agents::AgentState;
use callpost::model::{Cdr, LegKey, LegRole, Status};
use callpost::sip::{Message, Method};
use std::time::Duration;

impl World {
    /// Ends the story: after 70 quiet seconds nothing may be left of it. Gives the ladder with the records.
    pub fn story(&mut self) -> String {
        self.peace();
        let mut text = self.ladder.lines.join("\n");
        for cdr in &self.cdrs {
            text.push('\n');
            text.push_str(&ladder::cdr(cdr));
        }
        text
    }

    /// Waits until nothing should be left, and makes sure of it.
    pub fn peace(&mut self) {
        self.after_seconds(70.0);
        // Trunks are probed once in a while; look when no probe is under way.
        for _ in 0..60 {
            if self.engine.load().transactions > 0 {
                self.after_seconds(1.0);
            }
        }
        assert!(self.engine.is_idle(), "a call outlived its story");
        let load = self.engine.load();
        let lost = self.studio.failed.len();
        assert_eq!(
            (load.transactions, load.sessions),
            (0, 0),
            "transactions, sessions left"
        );
        assert!(load.ports <= lost, "{} ports left", load.ports);
        assert!(
            self.studio.open.is_empty(),
            "media left open: {:?}",
            self.studio.open
        );
        for watched in self.calls.values() {
            assert_eq!(watched.closed, 1, "records of the call of {}", watched.caller);
        }
        for agent in self.engine.snapshot(self.now).agents {
            let rests = !matches!(agent.state, AgentState::Ringing | AgentState::Busy);
            assert!(rests, "{} is left {}", agent.id, agent.state);
        }
    }

    /// Whoever rings for this call now, or has just answered, and did not win has to be told.
    pub(super) fn note_losers(&mut self, caller: LegKey) {
        let Some(watched) = self.calls.get(&caller.call) else {
            return;
        };
        if self.hearing.is_none() {
            return; // Time has brought a call back; nobody won it.
        }
        let is_called = |call_id: &String| {
            let mut talks = self.phones.iter().filter_map(|phone| phone.talks.get(call_id));
            talks.any(|talk| talk.side == Side::Called)
        };
        if !self.hearing.iter().any(is_called) {
            return; // A caller's key has ended the announcement; who won was settled before.
        }
        self.winners.extend(self.hearing.clone());
        let caller = &self.phones[watched.caller_phone];
        if caller.talks.len() > 1 {
            return; // Its number does not tell which call a phone rings for.
        }
        let number = format!("sip:{}@", caller.user);
        for (place, phone) in self.phones.iter().enumerate() {
            let in_it = phone.talks.values().filter(|talk| {
                let is_open = matches!(talk.state, State::Ringing | State::Up) && talk.reasons.is_empty();
                is_open && talk.side == Side::Called && talk.them.contains(&number)
            });
            let lost = in_it.filter(|talk| Some(&talk.call_id) != self.hearing.as_ref());
            // Who talked before has handed the call on, or has it back.
            let lost = lost.filter(|talk| !self.winners.contains(&talk.call_id));
            self.losers.extend(lost.map(|talk| (place, talk.call_id.clone())));
        }
    }

    /// Whether everybody who lost a call heard why. `in_these_words` when nothing else can have been under way.
    pub fn check_losers(&self, in_these_words: bool) {
        for (place, call_id) in &self.losers {
            let phone = &self.phones[*place];
            let talk = &phone.talks[call_id];
            let refused = talk.said.is_some_and(|status| status >= 300 && status != 487);
            let told = if in_these_words {
                talk.was_told_elsewhere()
            } else {
                !talk.reasons.is_empty()
            };
            let hung_up = talk.byed;
            assert!(
                refused || told || hung_up,
                "{} lost {call_id} and heard {:?}",
                phone.name,
                talk.reasons
            );
        }
    }

    /// Nothing that makes a telephone ring or speak leaves before the journal has the call.
    pub(super) fn check_journal_first(&self, message: &Message<'_>) {
        if message.method() == Method::Invite
            && message
                .status()
                .is_some_and(|status| (101..300).contains(&status))
            && let Some(watched) = self
                .by_call_id
                .get(message.call_id())
                .and_then(|key| self.calls.get(key))
        {
            let patience = self.now - watched.invited >= Duration::from_secs(2);
            assert!(
                watched.journaled || patience,
                "a caller was served before the journal had the call"
            );
        }
    }
}

/// What is true of every record.
pub(super) fn check_record(cdr: &Cdr) {
    assert!(cdr.is_final && cdr.ended_at.is_some(), "{cdr:?}");
    // Whoever has the call last may be nobody of the house.
    let answered = cdr.agent.is_some() || (!cdr.transfers.is_empty() && cdr.answered_at.is_some());
    assert_eq!(answered, cdr.answered_at.is_some(), "{cdr:?}");
    if answered {
        assert_eq!(
            (cdr.status, cdr.wait_ms + cdr.talk_ms),
            (Status::Answer, cdr.duration_ms),
            "{cdr:?}"
        );
    } else {
        assert_eq!((cdr.talk_ms, cdr.wait_ms), (0, cdr.duration_ms), "{cdr:?}");
    }
    assert!(
        cdr.ring_ms <= cdr.wait_ms && cdr.hold_ms <= cdr.duration_ms,
        "{cdr:?}"
    );
    let winners = cdr
        .legs
        .iter()
        .filter(|leg| leg.role == LegRole::Agent && leg.result == "answered")
        .count();
    if cdr.transfers.is_empty() {
        assert_eq!(winners, usize::from(answered), "{cdr:?}");
    }
    for leg in &cdr.legs {
        assert!(leg.ended_at.is_some() && leg.result != "dialed", "{leg:?}");
    }
}
