//! Who can be reached at all, and what stands between.

use super::letters::{Letter, Letters};
use super::{Code, Facts, Finding};
use crate::model::is_evidently_hidden;
use crate::sip::{Method, Name};

/// A message that went out so often without an answer was not answered, rather than late.
const OFTEN: usize = 3;
/// Larger datagrams are sent in fragments, which many routers drop (RFC 3261 §18.1.1).
const LARGE: usize = 1300;

pub(super) fn look(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    unanswered_invites(facts, letters, found);
    unacknowledged(facts, letters, found);
    unanswered_byes(facts, letters, found);
    rewritten(facts, letters, found);
    hidden_contacts(facts, letters, found);
}

fn unanswered_invites(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    for (invite, answers) in letters.asked(Method::Invite) {
        let times = letters.times_sent(invite);
        if !answers.is_empty() || times < OFTEN {
            continue;
        }
        let is_large = invite.bytes.len() > LARGE && !invite.flow.transport.is_reliable();
        let code = if is_large {
            Code::LargeDatagram
        } else {
            Code::NoResponse
        };
        let values = vec![
            ("who", facts.name(invite.leg)),
            ("where", invite.flow.peer.to_string()),
            ("times", times.to_string()),
            ("bytes", invite.bytes.len().to_string()),
        ];
        found.push(Finding::of(code, invite.leg, values));
    }
}

/// RFC 3261 §13.3.1.4: a 200 that nobody acknowledges is repeated, and the call ends after 32 s.
fn unacknowledged(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let mut legs = Vec::new();
    for ok in letters.ours().filter(|one| one.answers(Method::Invite, 200)) {
        let is_told = legs.contains(&ok.leg);
        let was_acknowledged = letters
            .theirs()
            .any(|one| one.leg == ok.leg && one.is_request(Method::Ack));
        if is_told || was_acknowledged || letters.times_sent(ok) < OFTEN {
            continue;
        }
        legs.push(ok.leg);
        let values = vec![
            ("who", facts.name(ok.leg)),
            ("where", ok.flow.peer.to_string()),
            ("times", letters.times_sent(ok).to_string()),
            ("contact", contact_of(ok)),
        ];
        found.push(Finding::of(Code::NoAck, ok.leg, values));
    }
    for ringing in letters
        .ours()
        .filter(|one| one.message.rseq().ok().flatten().is_some())
    {
        let was_acknowledged = letters
            .theirs()
            .any(|one| one.leg == ringing.leg && one.is_request(Method::Prack));
        let is_told = found.iter().any(|one| one.code == Code::NoPrack);
        if !was_acknowledged && !is_told && letters.times_sent(ringing) >= OFTEN {
            let values = vec![("who", facts.name(ringing.leg))];
            found.push(Finding::of(Code::NoPrack, ringing.leg, values));
        }
    }
}

fn unanswered_byes(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    for (bye, answers) in letters.asked(Method::Bye) {
        if answers.is_empty() && letters.times_sent(bye) >= OFTEN {
            let values = vec![("who", facts.name(bye.leg)), ("where", bye.flow.peer.to_string())];
            found.push(Finding::of(Code::ByeUnanswered, bye.leg, values));
        }
    }
}

/// An answer carries the Via of its request as it was sent, but for `received` and `rport`. Where it does not, somebody
/// on the way has changed it.
fn rewritten(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let mut legs = Vec::new();
    for answer in letters.theirs().filter(|one| one.status().is_some()) {
        let request = letters
            .ours()
            .find(|one| one.message.is_request() && one.branch() == answer.branch() && one.leg == answer.leg);
        let Some(request) = request.filter(|_| !legs.contains(&answer.leg)) else {
            continue;
        };
        let (sent, back) = (request.message.top_via(), answer.message.top_via());
        let is_same =
            sent.port == back.port && sent.host.to_string().eq_ignore_ascii_case(&back.host.to_string());
        if is_same {
            continue;
        }
        legs.push(answer.leg);
        let port = |port: Option<u16>| port.map(|port| format!(":{port}")).unwrap_or_default();
        let values = vec![
            ("who", facts.name(answer.leg)),
            ("sent", format!("{}{}", sent.host, port(sent.port))),
            ("back", format!("{}{}", back.host, port(back.port))),
        ];
        found.push(Finding::of(Code::AlgRewrote, answer.leg, values));
    }
}

/// Requests within the call go to the Contact; one that cannot be reached from here costs the ACK or the BYE.
fn hidden_contacts(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let mut legs = Vec::new();
    for letter in letters
        .theirs()
        .filter(|one| one.message.cseq().method == Method::Invite)
    {
        let contact = letter.message.contact_uri().ok().flatten();
        let named = contact.and_then(|uri| uri.host()).and_then(|host| host.ip());
        let goes_by_proxy = letter.message.header(Name::RecordRoute).is_some();
        let Some(named) = named.filter(|named| is_evidently_hidden(*named, letter.flow.peer.ip())) else {
            continue;
        };
        if goes_by_proxy || legs.contains(&letter.leg) {
            continue;
        }
        legs.push(letter.leg);
        let values = vec![
            ("who", facts.name(letter.leg)),
            ("contact", named.to_string()),
            ("where", letter.flow.peer.to_string()),
        ];
        found.push(Finding::of(Code::PrivateContact, letter.leg, values));
    }
}

fn contact_of(letter: &Letter<'_>) -> String {
    let contact = letter.message.contact_uri().ok().flatten();
    contact.map_or_else(|| letter.flow.local.to_string(), |uri| uri.text().into_owned())
}
