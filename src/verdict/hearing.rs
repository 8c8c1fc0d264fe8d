//! Who hears what.

use super::facts::Side;
use super::letters::Letters;
use super::{Code, Facts, Finding};
use crate::model::is_evidently_hidden;

/// So long into a conversation there should be voice.
const SOON_SECONDS: u64 = 3;
/// Loss that is heard, in percent.
const LOSSY: f32 = 3.0;
/// Jitter that phones do not smooth away, in milliseconds.
const JITTERY: f32 = 40.0;
/// A round trip at which people talk over each other, in milliseconds (ITU-T G.114).
const LONG: f32 = 300.0;
/// A hole that swallows words, in milliseconds.
const HOLE: u32 = 500;

pub(super) fn look(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    nothing_heard(facts, letters, found);
    for side in &facts.sides {
        bad_line(facts, side, found);
    }
    if facts.cause.as_deref() == Some("no_media") {
        let silent = facts
            .sides
            .iter()
            .filter(|side| side.talks)
            .min_by_key(|side| side.quality.map_or(0, |quality| quality.packets_received));
        let values = vec![("who", silent.map(|side| facts.name(side.leg)).unwrap_or_default())];
        found.push(Finding {
            code: Code::DeadLine,
            leg: silent.map(|side| side.leg),
            values,
        });
    }
    if facts.wants_keys && !facts.has_keys {
        unknown_keys(facts, letters, found);
    }
}

/// One-way audio: a side from which nothing comes, while the other's voice does.
fn nothing_heard(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let talking: Vec<&Side> = facts
        .sides
        .iter()
        .filter(|side| side.talks && side.quality.is_some())
        .filter(|side| side.up_seconds.is_some_and(|seconds| seconds >= SOON_SECONDS))
        .collect();
    let came = |side: &Side| side.quality.map_or(0, |quality| quality.packets_received);
    let silent: Vec<&&Side> = talking.iter().filter(|side| came(side) == 0).collect();
    if talking.len() < 2 || silent.is_empty() {
        return;
    }
    if silent.len() == talking.len() {
        found.push(Finding::of_call(Code::NobodyHeard, Vec::new()));
        return;
    }
    for side in silent {
        let description = letters
            .theirs()
            .filter(|one| one.leg == side.leg && one.has_sdp())
            .last();
        let place = description.and_then(|one| Some((one.media_address()?, one.flow.peer)));
        let hidden = place.filter(|(named, peer)| is_evidently_hidden(*named, peer.ip()));
        let others = talking.iter().filter(|other| other.leg != side.leg);
        let listener = others
            .map(|other| facts.name(other.leg))
            .next()
            .unwrap_or_default();
        let mut values = vec![("who", facts.name(side.leg)), ("listener", listener)];
        if let Some((named, peer)) = place {
            values.push(("media", named.to_string()));
            values.push(("where", peer.ip().to_string()));
        } else {
            values.push(("media", "?".to_owned()));
        }
        let code = if hidden.is_some() {
            Code::PrivateMedia
        } else {
            Code::NothingHeard
        };
        found.push(Finding::of(code, side.leg, values));
    }
}

fn bad_line(facts: &Facts, side: &Side, found: &mut Vec<Finding>) {
    let Some(quality) = side.quality else { return };
    let who = || facts.name(side.leg);
    let mut say = |code, name: &'static str, value: String| {
        found.push(Finding::of(code, side.leg, vec![("who", who()), (name, value)]));
    };
    if let Some(loss) = quality.loss_percent.filter(|loss| *loss >= LOSSY) {
        say(Code::Lossy, "percent", format!("{loss:.1}"));
    }
    let there = quality.there.and_then(|there| there.loss_percent);
    if let Some(loss) = there.filter(|loss| *loss >= LOSSY) {
        say(Code::LossyThere, "percent", format!("{loss:.1}"));
    }
    if let Some(jitter) = quality.jitter_ms.filter(|jitter| *jitter >= JITTERY) {
        say(Code::Jittery, "millis", format!("{jitter:.0}"));
    }
    if let Some(trip) = quality.rtt_ms.filter(|trip| *trip >= LONG) {
        say(Code::LongWay, "millis", format!("{trip:.0}"));
    }
    if let Some(gap) = quality.worst_gap_ms.filter(|gap| *gap >= HOLE) {
        say(Code::Hole, "millis", gap.to_string());
    }
}

/// A menu that no key was heard in, of a caller who did not say that it knows telephone-events (RFC 4733).
fn unknown_keys(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let offers: Vec<_> = letters
        .theirs()
        .filter(|one| one.leg == 0 && one.has_sdp())
        .collect();
    let knows = offers.iter().any(|one| one.sdp_says("telephone-event"));
    if !offers.is_empty() && !knows {
        found.push(Finding::of(Code::NoKeys, 0, vec![("who", facts.name(0))]));
    }
}
