//! Offers and answers that did not come together.

use super::letters::{Letter, Letters};
use super::{Code, Facts, Finding};
use crate::sip::Method;

/// Both sides may change a call at once; as often as this it is no chance.
const OFTEN: usize = 3;

pub(super) fn look(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    refused_offers(facts, letters, found);
    for side in &facts.sides {
        let rejected = side.quality.map_or(0, |quality| quality.packets_rejected);
        if rejected > 0 {
            let values = vec![("who", facts.name(side.leg)), ("count", rejected.to_string())];
            found.push(Finding::of(Code::SrtpRejected, side.leg, values));
        }
    }
    let glares = letters
        .all()
        .filter(|one| one.answers(Method::Invite, 491) || one.answers(Method::Update, 491));
    let count = glares.count();
    if count >= OFTEN {
        found.push(Finding::of_call(
            Code::GlareRepeats,
            vec![("count", count.to_string())],
        ));
    }
}

/// 488 and 415, ours or theirs, with what was offered.
fn refused_offers(facts: &Facts, letters: &Letters<'_>, found: &mut Vec<Finding>) {
    let mut legs = Vec::new();
    let refusals = letters.all().filter(|one| {
        matches!(one.status(), Some(415 | 488 | 606)) && one.message.cseq().method == Method::Invite
    });
    for refusal in refusals {
        if legs.contains(&refusal.leg) {
            continue;
        }
        legs.push(refusal.leg);
        let offer = letters.all().find(|one| {
            one.leg == refusal.leg && one.branch() == refusal.branch() && one.is_request(Method::Invite)
        });
        let Some(offer) = offer.filter(|offer| offer.has_sdp()) else {
            continue;
        };
        let is_encrypted = offer.sdp_says("RTP/SAVP");
        let speaks_of_it = refusal.said().to_ascii_lowercase();
        let wants_it = ["srtp", "crypt", "savp", "secure"]
            .iter()
            .any(|word| speaks_of_it.contains(word));
        let values = vec![
            ("who", facts.name(refusal.leg)),
            (
                "refuser",
                if refusal.is_ours {
                    "callpost".to_owned()
                } else {
                    facts.name(refusal.leg)
                },
            ),
            ("offered", offered(offer)),
            ("said", refusal.said()),
        ];
        let code = if is_encrypted || wants_it {
            Code::SrtpWanted
        } else {
            Code::NoCodec
        };
        found.push(Finding::of(code, refusal.leg, values));
    }
}

/// The codecs of an offer: names where they are written, static numbers of RFC 3551 otherwise.
fn offered(offer: &Letter<'_>) -> String {
    let numbers = offer.sdp_line(b"m=audio ").unwrap_or_default();
    let names = numbers.split(' ').skip(2).map(|number| {
        let map = format!("a=rtpmap:{number} ");
        let written = offer.sdp_line(map.as_bytes());
        let name = written.and_then(|line| line.split('/').next().map(str::to_owned));
        name.unwrap_or_else(|| match number {
            "0" => "PCMU".to_owned(),
            "3" => "GSM".to_owned(),
            "8" => "PCMA".to_owned(),
            "9" => "G722".to_owned(),
            "18" => "G729".to_owned(),
            other => other.to_owned(),
        })
    });
    let names: Vec<String> = names.filter(|name| name != "telephone-event").take(8).collect();
    names.join(", ")
}
