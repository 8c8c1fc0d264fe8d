//! What phones and trunks said instead of taking the call.

use super::letters::{Letter, Letters};
use super::{Code, Facts, Finding};
use crate::model::Status;
use crate::sip::Method;

pub(super) fn look(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for (invite, answers) in letters.asked(Method::Invite) {
        let Some(refusal) = answers
            .iter()
            .find(|one| one.status().is_some_and(|status| status >= 300))
        else {
            continue;
        };
        let Some(code) = code_of(facts, letters, invite, refusal) else {
            continue;
        };
        if told.contains(&(invite.leg, code)) {
            continue;
        }
        told.push((invite.leg, code));
        let values = vec![
            ("who", facts.name(invite.leg)),
            ("where", invite.flow.peer.to_string()),
            ("status", refusal.status().unwrap_or(0).to_string()),
            ("said", refusal.said()),
        ];
        found.push(Finding::of(code, invite.leg, values));
    }
    let nobody_rang = facts.sides.len() <= 1 && letters.asked(Method::Invite).is_empty();
    if nobody_rang && facts.status == Some(Status::NoAnswer) {
        found.push(Finding::of_call(Code::NobodyFree, Vec::new()));
    }
}

/// What a refusal means; nothing for what another room tells, or what is no end.
fn code_of(facts: &Facts, letters: &Letters<'_>, invite: &Letter<'_>, refusal: &Letter<'_>) -> Option<Code> {
    let by_trunk = facts.side(invite.leg).is_some_and(|side| side.by_trunk);
    Some(match refusal.status()? {
        401 | 407 => {
            // The first is a question. One that comes after our answer is a no.
            let answered = invite.message.header(crate::sip::Name::Authorization).is_some()
                || invite
                    .message
                    .header(crate::sip::Name::ProxyAuthorization)
                    .is_some();
            if !answered {
                return None;
            }
            Code::TrunkPassword
        }
        403 if was_challenged(letters, invite.leg) => Code::TrunkPassword,
        403 => Code::TrunkForbids,
        404 | 410 | 484 | 604 => Code::NoSuchNumber,
        408 | 504 => Code::TimedOut,
        480 => Code::NotAvailable,
        486 if by_trunk => Code::TrunkFull,
        503 => Code::TrunkFull,
        486 | 600 => Code::Busy,
        603 => Code::Declined,
        500..=599 => Code::TrunkBroken,
        _ => return None,
    })
}

fn was_challenged(letters: &Letters<'_>, leg: u32) -> bool {
    letters
        .theirs()
        .any(|one| one.leg == leg && (one.answers(Method::Invite, 401) || one.answers(Method::Invite, 407)))
}
