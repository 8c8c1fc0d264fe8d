//! What tells server transactions apart: RFC 3261 §17.2.3, and §8.2.2.2 for merged requests.

use super::MAGIC_COOKIE;
use crate::sip::{Message, Method};
use std::fmt::Write as _;

/// Room for nearly every key, so that it is allocated once.
const ROOM: usize = 128;

/// What identifies a server transaction (§17.2.3): branch, sent-by and method; for a peer of RFC 2543, whose
/// branch means nothing, what that standard compared.
pub(super) fn wire_key(request: &Message<'_>, method: Method<'_>) -> Box<str> {
    let via = request.top_via();
    let mut key = String::with_capacity(ROOM);
    // The cookie alone tells nothing apart.
    let is_unique = |branch: &&str| {
        branch
            .strip_prefix(MAGIC_COOKIE)
            .is_some_and(|rest| !rest.is_empty())
    };
    // Writing to text cannot fail, here and below.
    let _ = match via.branch.filter(is_unique) {
        Some(branch) => key.write_str(branch),
        None => write!(
            key,
            "{} {} {}",
            request.call_id(),
            request.cseq().number,
            request.from().tag().unwrap_or_default(),
        ),
    };
    let _ = write!(key, " {}:{} {method}", via.host, via.port.unwrap_or(0));
    key.into_boxed_str()
}

/// What a request keeps on every way a proxy sends it (§8.2.2.2); nothing for requests inside dialogs, for those that
/// belong to another request, and for peers of RFC 2543, who have no tag.
pub(super) fn origin_key(request: &Message<'_>) -> Option<Box<str>> {
    let of_another = matches!(request.method(), Method::Ack | Method::Cancel);
    if of_another || request.to().tag().is_some() {
        return None;
    }
    let (tag, cseq) = (request.from().tag()?, request.cseq());
    let mut key = String::with_capacity(ROOM);
    let _ = write!(key, "{tag} {} {cseq}", request.call_id());
    Some(key.into_boxed_str())
}
