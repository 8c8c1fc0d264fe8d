//! Whether two records are of one call: ours and the PBX's.

use crate::model::{CallId, Cdr};
use crate::store::tables::{cdrs, from_body};
use rusqlite::Connection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The PBX's clock and ours may differ, and a call may wait at the PBX before it comes here.
const NEAR_MS: i64 = 120_000;
/// With the same Call-ID the clocks may differ by this much.
pub(super) const FAR_MS: i64 = 3_600_000;
/// No more of our calls around one moment are looked at.
const MOST: i64 = 5_000;
/// Our calls are read by stretches of this length.
const STRETCH_MS: i64 = 600_000;
/// From so many digits on, numbers are compared by their ends: with or without country code, trunk zero or prefix.
const ENOUGH_DIGITS: usize = 7;
/// No more digits than this are compared.
const TAIL_DIGITS: usize = 9;

/// What of our own call tells whether the PBX means the same.
#[derive(Debug)]
struct Own {
    id: CallId,
    started_ms: i64,
    caller: String,
    others: Vec<String>,
    sip_call_id: Option<String>,
    linked_to: Option<(String, String)>,
}

/// Looks for our own record of calls the PBX tells of; remembers what it read while one page is taken over.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// By stretch and by how far beyond it was looked.
    read: HashMap<(i64, i64), Vec<Own>>,
}

/// The call as the PBX tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) source: &'a str,
    pub(super) external_id: &'a str,
    pub(super) sip_call_id: Option<&'a str>,
    pub(super) cdr: &'a Cdr,
}

impl Twins {
    /// Our own record of this call: the one with its Call-ID, or else the nearest in time among those with the same
    /// caller and a number the PBX's destination stands for. A record that is linked to another call of the same
    /// source is not taken twice.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        seen: Seen<'_>,
    ) -> Result<Option<CallId>, rusqlite::Error> {
        let start = seen.cdr.started_at.unix_ms;
        let tells_call_id = seen.sip_call_id.is_some() || seen.external_id.contains('@');
        let reach = if tells_call_id { FAR_MS } else { NEAR_MS };
        let around = self.around(connection, start, reach)?;
        if let Some(id) = nearest(around, start, reach, |own| by_call_id(own, seen)) {
            return Ok(Some(id));
        }
        Ok(nearest(around, start, NEAR_MS, |own| {
            let both_tell = own.sip_call_id.is_some() && seen.sip_call_id.is_some();
            !both_tell && by_number(own, seen) && is_free(own, seen)
        }))
    }

    /// Our record was linked just now.
    pub(super) fn note_linked(&mut self, id: CallId, source: &str, external_id: &str) {
        for own in self.read.values_mut().flatten().filter(|own| own.id == id) {
            own.linked_to
                .get_or_insert_with(|| (source.to_owned(), external_id.to_owned()));
        }
    }

    /// Our calls around a moment, read by stretches of time so that a page of rows reads them once.
    fn around(&mut self, connection: &Connection, start: i64, reach: i64) -> Result<&[Own], rusqlite::Error> {
        let stretch = start.div_euclid(STRETCH_MS);
        let from_ms = stretch.saturating_mul(STRETCH_MS).saturating_sub(reach);
        let to_ms = (stretch + 1).saturating_mul(STRETCH_MS).saturating_add(reach);
        match self.read.entry((stretch, reach)) {
            Entry::Occupied(read) => Ok(read.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(own_calls(connection, from_ms, to_ms)?)),
        }
    }
}

/// Whether the PBX means this call of ours, and how sure that is: lower is surer, the same Call-ID surest.
pub(super) fn is_same(cdr: &Cdr, seen: Seen<'_>) -> Option<(bool, u64)> {
    let own = own(cdr);
    let distance = own.started_ms.abs_diff(seen.cdr.started_at.unix_ms);
    if by_call_id(&own, seen) && distance <= FAR_MS.unsigned_abs() {
        return Some((false, distance));
    }
    let both_tell = own.sip_call_id.is_some() && seen.sip_call_id.is_some();
    let fits = !both_tell && by_number(&own, seen) && is_free(&own, seen);
    (fits && distance <= NEAR_MS.unsigned_abs()).then_some((true, distance))
}

fn nearest(around: &[Own], start: i64, reach: i64, fits: impl Fn(&Own) -> bool) -> Option<CallId> {
    let distance = |own: &Own| own.started_ms.abs_diff(start);
    around
        .iter()
        .filter(|own| distance(own) <= reach.unsigned_abs() && fits(own))
        .min_by_key(|own| distance(own))
        .map(|own| own.id)
}

fn own_calls(connection: &Connection, from_ms: i64, to_ms: i64) -> Result<Vec<Own>, rusqlite::Error> {
    let found = cdrs::own_between(connection, from_ms, to_ms, MOST)?;
    let read = found
        .into_iter()
        .filter_map(|(seq, body)| from_body::<Cdr>("cdrs", &seq.to_string(), &body));
    Ok(read.map(|cdr| own(&cdr)).collect())
}

fn own(cdr: &Cdr) -> Own {
    let legs = cdr.legs.iter().map(|leg| leg.number.clone());
    let others = [
        Some(&cdr.dialed_number),
        cdr.callee_number.as_ref(),
        cdr.outbound_caller_id.as_ref(),
    ];
    Own {
        id: cdr.cdr_id,
        started_ms: cdr.started_at.unix_ms,
        caller: cdr.caller_number.as_str().to_owned(),
        others: others
            .into_iter()
            .flatten()
            .map(|number| number.as_str().to_owned())
            .chain(legs)
            .collect(),
        sip_call_id: cdr.sip_call_id.clone(),
        linked_to: cdr
            .linked
            .as_ref()
            .map(|linked| (linked.source.clone(), linked.external_id.clone())),
    }
}

/// Not linked yet, or to this very record, or by another source.
fn is_free(own: &Own, seen: Seen<'_>) -> bool {
    own.linked_to
        .as_ref()
        .is_none_or(|(source, external_id)| source != seen.source || external_id == seen.external_id)
}

/// The PBX names our Call-ID, as a field of its own or as the identity of its record.
fn by_call_id(own: &Own, seen: Seen<'_>) -> bool {
    let Some(ours) = own.sip_call_id.as_deref() else {
        return false;
    };
    (seen.sip_call_id == Some(ours) || seen.external_id == ours) && is_free(own, seen)
}

/// The same caller, or the number the PBX shows for it, and a destination that is one of the numbers of our call.
fn by_number(own: &Own, seen: Seen<'_>) -> bool {
    let shown = seen.cdr.outbound_caller_id.as_ref().map(|number| number.as_str());
    let callers = [Some(seen.cdr.caller_number.as_str()), shown];
    let is_caller = callers
        .into_iter()
        .flatten()
        .any(|caller| same_number(&own.caller, caller));
    let destination = seen.cdr.dialed_number.as_str();
    is_caller && own.others.iter().any(|other| same_number(other, destination))
}

/// Whether two texts are the same number: equal, or, from seven digits on, equal at their last nine, so that
/// `+84336626159`, `0084336626159` and `0336626159` are one.
pub fn same_number(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    if one.is_empty() || other.is_empty() {
        return false;
    }
    if one == other {
        return true;
    }
    let all_digits = |text: &str| text.bytes().all(|letter| letter.is_ascii_digit());
    let shorter = one.len().min(other.len());
    if shorter < ENOUGH_DIGITS || !all_digits(&one) || !all_digits(&other) {
        return false;
    }
    let (one, other) = (national(&one), national(&other));
    let tail = one.len().min(other.len()).min(TAIL_DIGITS);
    tail >= ENOUGH_DIGITS && one.get(one.len() - tail..) == other.get(other.len() - tail..)
}

/// Without separators, `+`, and what stands around the user part of a SIP address.
fn plain(number: &str) -> String {
    let number = number.trim();
    let number = number.strip_prefix("sips:").unwrap_or(number);
    let number = number.strip_prefix("sip:").unwrap_or(number);
    let number = number.split(['@', ';']).next().unwrap_or_default();
    number
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '.' | '(' | ')' | '/' | '+' | '\u{a0}'))
        .collect()
}

fn national(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::same_number;

    /// S0-013
    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        for (one, other) in [
            ("1036", "1036"),
            ("+84 336-626-159", "0336626159"),
            ("0084336626159", "+84336626159"),
            ("sip:+84336626159@127.0.0.1;user=phone", "0336626159"),
            ("(0)336 626 159", "84336626159"),
            ("front-door", "frontdoor"),
        ] {
            assert!(
                same_number(one, other) && same_number(other, one),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("1036", "1037"),
            ("036", "1036"),
            ("", ""),
            ("anonymous", ""),
            ("+84336626159", "+84336626158"),
            ("0000000000", "1111111111"),
            ("626159", "0336626159"),
        ] {
            assert!(!same_number(one, other), "{one} {other}");
        }
    }
}
