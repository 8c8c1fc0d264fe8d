//! How it ended.

use super::letters::Letters;
use super::{Code, Facts, Finding};
use crate::model::{HangupBy, Status};
use crate::sip::Method;

pub(super) fn look(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    unusual(facts, found);
    crossed(facts, letters, found);
    usual(facts, found);
}

fn unusual(facts: &Facts, found: &mut Vec<Finding>) {
    let code = match facts.cause.as_deref() {
        Some("session_expired") => Code::SessionExpired,
        Some("connection_lost") => Code::ConnectionLost,
        Some("no_ports") => Code::NoPorts,
        Some("interrupted") => Code::Interrupted,
        Some(_) | None => return,
    };
    found.push(Finding::of_call(code, Vec::new()));
}

/// RFC 3261 §9.1: a 200 may be on its way when the CANCEL leaves.
fn crossed(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    for cancel in letters.ours().filter(|one| one.is_request(Method::Cancel)) {
        let answer = letters
            .theirs()
            .find(|one| one.branch() == cancel.branch() && one.answers(Method::Invite, 200));
        let is_told = found
            .iter()
            .any(|one| one.code == Code::AnswerCrossed && one.leg == Some(cancel.leg));
        if answer.is_some_and(|answer| answer.at_us >= cancel.at_us) && !is_told {
            found.push(Finding::of(
                Code::AnswerCrossed,
                cancel.leg,
                vec![("who", facts.name(cancel.leg))],
            ));
        }
    }
}

fn usual(facts: &Facts, found: &mut Vec<Finding>) {
    let seconds = |millis: u64| format!("{:.0}", millis as f64 / 1000.0);
    let (code, millis) = match (facts.status, facts.hangup_by) {
        (Some(Status::Canceled), Some(HangupBy::Caller)) => (Code::GaveUp, facts.ring_ms),
        (Some(Status::Answer), Some(HangupBy::Caller)) => (Code::CallerHungUp, facts.talk_ms),
        (Some(Status::Answer), Some(HangupBy::Callee)) => (Code::CalleeHungUp, facts.talk_ms),
        _ => return,
    };
    found.push(Finding::of_call(code, vec![("seconds", seconds(millis))]));
}
