//! Requests that follow an INVITE on its way: the ACK of its refusal and its CANCEL.

use crate::sip::{Draft, Message, Method, Name};

/// The ACK of a refusal (§17.1.1.3): everything from the INVITE, To from the response.
pub(super) fn ack_of_refusal(invite: &[u8], response: &Message<'_>) -> Option<Vec<u8>> {
    let invite = Message::parse(invite).ok()?;
    let to = response.header(Name::To)?;
    let draft = same_path(Method::Ack, &invite)?.copied(Name::To, to);
    Some(
        draft
            .header(Name::CSeq, format_args!("{} ACK", invite.cseq().number))
            .finish(),
    )
}

/// The CANCEL of an INVITE (§9.1).
pub(super) fn cancel_of(invite: &[u8], reasons: &[&str]) -> Option<Vec<u8>> {
    let invite = Message::parse(invite).ok()?;
    let mut draft = same_path(Method::Cancel, &invite)?.copied(Name::To, invite.header(Name::To)?);
    for reason in reasons {
        draft = draft.header(Name::Reason, reason);
    }
    Some(
        draft
            .header(Name::CSeq, format_args!("{} CANCEL", invite.cseq().number))
            .finish(),
    )
}

/// A request that follows the INVITE on its way: same target, same top Via, same route.
fn same_path(method: Method<'_>, invite: &Message<'_>) -> Option<Draft> {
    let mut draft = Draft::request(method, invite.request_uri()?.as_bytes())
        .copied(Name::Via, invite.header(Name::Via)?)
        .header(Name::MaxForwards, 70);
    for route in invite.lines(Name::Route) {
        draft = draft.copied(Name::Route, route);
    }
    Some(
        draft
            .copied(Name::From, invite.header(Name::From)?)
            .header(Name::CallId, invite.call_id()),
    )
}
