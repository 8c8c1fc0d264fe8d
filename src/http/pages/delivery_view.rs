use super::badges::{self, Badge, badge};
use super::text::{ago, date_and_time, fill, span};
use super::words::{Journal, Words};
use crate::model::Stamp;
use crate::store::{Backlog, Consumer, DeliveryState, ParkedRecord, PinRow, Proof};

/// Behind by more than this is worth a word.
const BEHIND_SECONDS: u64 = 300;

/// What the store knows of one destination.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) backlog: Backlog,
    pub(super) records: Vec<ParkedRecord>,
    pub(super) proof: Option<Proof>,
}

/// A destination as its card shows it.
#[derive(Debug, Default)]
pub(super) struct Destination {
    pub(super) name: String,
    /// The name as an address carries it.
    pub(super) path: String,
    pub(super) state: Badge,
    pub(super) figures: Vec<Figure>,
    /// What the last failed attempt said; empty after a success.
    pub(super) trouble: String,
    pub(super) trouble_when: String,
    pub(super) tried_again: String,
    /// Another TLS key than the pinned one was shown; empty when not.
    pub(super) pin_changed: String,
    pub(super) pin_accepted: String,
    /// Whether it said that it is gone, and has to be switched on again.
    pub(super) is_gone: bool,
    pub(super) enabled_again: String,
    /// Filed, acknowledged, gaps: the proof of delivery.
    pub(super) proof: Vec<Figure>,
    pub(super) parked: Vec<ParkedRow>,
    /// Sentences for what the buttons have done, and ask.
    pub(super) retrying: String,
    pub(super) replay_of: String,
    pub(super) replay_would: String,
    pub(super) replay_done: String,
    pub(super) drop_sure: String,
}

/// A figure with its note.
#[derive(Debug, Default)]
pub(super) struct Figure {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) state: &'static str,
}

/// A record that a destination will not take.
#[derive(Debug, Default)]
pub(super) struct ParkedRow {
    pub(super) seq: u64,
    pub(super) when: String,
    pub(super) caller: String,
    pub(super) reason: String,
}

/// A program that pulls and acknowledges.
#[derive(Debug, Default)]
pub(super) struct ConsumerRow {
    pub(super) name: String,
    pub(super) required: String,
    pub(super) lag: String,
    pub(super) state: &'static str,
    pub(super) acked: String,
}

/// Every destination's card.
pub(super) fn destinations(
    w: &'static Words,
    now: Stamp,
    parts: Vec<Parked>,
    pins: &[PinRow],
) -> Vec<Destination> {
    parts
        .into_iter()
        .map(|part| destination(w, now, &part, pins))
        .collect()
}

fn destination(w: &'static Words, now: Stamp, part: &Parked, pins: &[PinRow]) -> Destination {
    let j = &w.journal;
    let backlog = &part.backlog;
    let name = &backlog.upstream;
    let who = |sentence| fill(sentence, &[("who", name)]);
    // `{n}` is filled by the script with what the box answers.
    let counted = |sentence| fill(sentence, &[("who", name), ("n", "{n}")]);
    let is_parked = backlog.parked > 0;
    let since = |ms: i64| seconds_since(now, ms);
    let oldest = backlog.oldest_ms.filter(|_| backlog.pending > 0);
    Destination {
        path: super::text::encoded(name),
        state: state(j, now, backlog),
        figures: vec![
            Figure {
                key: "delivered",
                label: j.delivered,
                value: backlog.delivered.to_string(),
                note: backlog
                    .last_delivered_ms
                    .map(|ms| ago(j, since(ms)))
                    .unwrap_or_default(),
                state: "",
            },
            Figure {
                key: "backlog",
                label: j.backlog,
                value: backlog.pending.to_string(),
                note: oldest.map_or_else(
                    || j.nothing_waits.to_owned(),
                    |ms| fill(j.oldest, &[("time", &span(j, since(ms)))]),
                ),
                state: if oldest.is_some_and(|ms| since(ms) > BEHIND_SECONDS) {
                    "warn"
                } else {
                    ""
                },
            },
            Figure {
                key: "parked",
                label: j.parked,
                value: backlog.parked.to_string(),
                note: String::new(),
                state: if is_parked { "bad" } else { "" },
            },
        ],
        trouble: backlog.last_error.clone().unwrap_or_default(),
        trouble_when: backlog
            .last_error_ms
            .map(|ms| ago(j, since(ms)))
            .unwrap_or_default(),
        tried_again: tried_again(j, now, backlog),
        pin_changed: pin_changed(j, name, pins),
        pin_accepted: who(j.pin_accepted),
        is_gone: backlog.state == DeliveryState::Disabled,
        enabled_again: who(j.enabled_again),
        proof: part
            .proof
            .as_ref()
            .map(|proof| proven(j, proof))
            .unwrap_or_default(),
        parked: part
            .records
            .iter()
            .map(|record| parked_row(w, now, record))
            .collect(),
        retrying: who(j.retrying),
        replay_of: who(j.replay_of),
        replay_would: counted(j.replay_would),
        replay_done: counted(j.replay_done),
        drop_sure: who(j.drop_sure),
        name: name.clone(),
    }
}

fn state(j: &Journal, now: Stamp, backlog: &Backlog) -> Badge {
    let waits = backlog.oldest_ms.map_or(0, |ms| seconds_since(now, ms));
    match backlog.state {
        DeliveryState::Disabled => badge("bad", j.gone),
        DeliveryState::Off => badge("quiet", j.switched_off),
        DeliveryState::BackingOff | DeliveryState::Probing if backlog.pending > 0 => badge("bad", j.stuck),
        DeliveryState::Ok | DeliveryState::BackingOff | DeliveryState::Probing => {
            if backlog.pending > 0 && waits > BEHIND_SECONDS {
                badge("warn", j.behind)
            } else if backlog.parked > 0 {
                // It takes what it takes, and somebody has to look at the rest.
                badge("warn", j.parked)
            } else {
                badge("good", j.flowing)
            }
        }
    }
}

/// When it is tried again; empty when it may be tried now.
fn tried_again(j: &Journal, now: Stamp, backlog: &Backlog) -> String {
    let left = u64::try_from(backlog.retry_at_ms.saturating_sub(now.unix_ms) / 1000).unwrap_or(0);
    match (backlog.state, left) {
        (DeliveryState::BackingOff, 1..) => fill(j.tried_again, &[("time", &span(j, left))]),
        (
            DeliveryState::Ok
            | DeliveryState::BackingOff
            | DeliveryState::Probing
            | DeliveryState::Disabled
            | DeliveryState::Off,
            _,
        ) => String::new(),
    }
}

/// What is said when a destination shows another TLS key than the one that was pinned; empty when it does not.
fn pin_changed(j: &Journal, name: &str, pins: &[PinRow]) -> String {
    let whose = format!("upstream/{name}@");
    let changed = pins
        .iter()
        .find(|pin| pin.destination.starts_with(&whose) && pin.shown.is_some());
    let Some(pin) = changed else { return String::new() };
    let now = pin.shown.as_deref().unwrap_or_default();
    fill(
        j.pin_changed,
        &[("who", name), ("known", &pin.kept), ("now", now)],
    )
}

fn proven(j: &'static Journal, proof: &Proof) -> Vec<Figure> {
    let lost = proof.gaps.saturating_add(proof.deleted_unacknowledged);
    vec![
        Figure {
            key: "filed",
            label: j.filed,
            value: proof.filed.to_string(),
            note: fill(j.up_to_record, &[("n", &proof.to_seq.to_string())]),
            state: "",
        },
        Figure {
            key: "acknowledged",
            label: j.acknowledged,
            value: proof.acknowledged.to_string(),
            ..Figure::default()
        },
        Figure {
            key: "gaps",
            label: j.gaps,
            value: proof.gaps.to_string(),
            note: match lost {
                0 => j.no_gaps.to_owned(),
                lost => fill(j.missing, &[("n", &lost.to_string())]),
            },
            state: if lost > 0 { "bad" } else { "" },
        },
    ]
}

fn parked_row(w: &Words, now: Stamp, record: &ParkedRecord) -> ParkedRow {
    let parked_at = Stamp {
        unix_ms: record.parked_ms,
        ..now
    };
    ParkedRow {
        seq: record.seq,
        when: date_and_time(parked_at),
        caller: record
            .cdr
            .as_ref()
            .map(|cdr| badges::number(w, &cdr.caller_number))
            .unwrap_or_default(),
        reason: record.error.clone(),
    }
}

/// Every program that acknowledges, those included that are required and have never been heard of.
pub(super) fn consumers(w: &Words, now: Stamp, known: &[Consumer], required: &[String]) -> Vec<ConsumerRow> {
    let j = &w.journal;
    let is_required = |name: &String| {
        if required.contains(name) {
            j.required.to_owned()
        } else {
            String::new()
        }
    };
    let heard = known.iter().map(|one| ConsumerRow {
        name: one.name.clone(),
        required: is_required(&one.name),
        lag: fill(j.records_n, &[("n", &one.lag.to_string())]),
        state: if one.lag > 0 { "warn" } else { "good" },
        acked: one
            .last_ack_ms
            .map_or_else(|| j.never.to_owned(), |ms| ago(j, seconds_since(now, ms))),
    });
    let unheard = required
        .iter()
        .filter(|name| !known.iter().any(|one| one.name == **name));
    let silent = unheard.map(|name| ConsumerRow {
        name: name.clone(),
        required: j.required.to_owned(),
        lag: String::new(),
        state: "bad",
        acked: j.never.to_owned(),
    });
    heard.chain(silent).collect()
}

fn seconds_since(now: Stamp, ms: i64) -> u64 {
    u64::try_from(now.unix_ms.saturating_sub(ms) / 1000).unwrap_or(0)
}
