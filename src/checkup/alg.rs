//! Whether somebody on the way rewrites SIP: a router with an "application layer gateway" reads the messages that pass
//! and replaces addresses in them, mostly wrongly.
//!
//! The far side repeats Via, From, Call-ID and CSeq as they reached it (RFC 3261 §8.2.6.2), and adds to the Via the
//! address it saw (`received`, `rport`; §18.2.1, RFC 3581 §4). So what comes back tells what arrived.

use super::asking::{Asked, Asker};
use super::{Area, Line, Whom};
use crate::egress::Place;
use crate::sip::{Message, Name};
use std::net::IpAddr;

/// What an answer tells of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Everything came back as it was sent.
    Untouched,
    /// A part came back changed: which, as it was, as it came.
    Rewritten(&'static str, String, String),
    /// A router translates our address, and the far side did not notice: our Via carried the new one when it arrived.
    Hidden,
    /// The far side does not tell enough.
    Unknown,
}

/// Compares what was sent with what came back of it.
pub(super) fn judge(asker: &Asker, asked: &Asked, peer: IpAddr, answer: &Message<'_>) -> Way {
    let via = answer.top_via();
    let host = via.host.to_string();
    let port = via.port;
    let ours = asker.local;
    let is_ours = via.host.ip() == Some(ours.ip()) && port.unwrap_or(5060) == ours.port();
    if !is_ours {
        let came = port.map_or(host.clone(), |port| format!("{host}:{port}"));
        return Way::Rewritten("Via", ours.to_string(), came);
    }
    if via.branch != Some(asked.branch.as_str()) {
        let came = via.branch.unwrap_or_default().to_owned();
        return Way::Rewritten("Via branch", asked.branch.clone(), came);
    }
    if answer.call_id() != asker.call_id {
        return Way::Rewritten("Call-ID", asker.call_id.clone(), answer.call_id().to_owned());
    }
    let from = answer.text(Name::From).unwrap_or_default();
    if !from.contains(&*inner(&asked.from)) {
        return Way::Rewritten("From", asked.from.clone(), from.into_owned());
    }
    let is_translated_for_sure = Place::of(ours.ip()) == Place::Private && Place::of(peer) == Place::Public;
    match (via.received(), via.rport()) {
        (Some(received), _) if received == ours.ip() && is_translated_for_sure => Way::Hidden,
        (Some(_), _) => Way::Untouched,
        // Where our own address is what the far side sees, `received` may be left out (§18.2.1).
        (None, _) if !is_translated_for_sure => Way::Untouched,
        // It saw another address than the Via says and has to write it down, unless the Via said it when it arrived.
        (None, Some(_)) => Way::Hidden,
        (None, None) => Way::Unknown,
    }
}

/// What stands between the brackets of an address.
fn inner(value: &str) -> String {
    value
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(value, |(uri, _)| uri)
        .to_owned()
}

/// The cure is the same whoever did it.
const CURE: &str = "switch off \"SIP ALG\" (also called SIP helper, SIP inspection, SIP fixup) in the router, or use TLS, which \
                    nobody on the way can rewrite";

/// The line of a report.
pub(super) fn about(name: &str, way: &Way) -> Line {
    match way {
        Way::Untouched => Line::ok(
            Area::Alg,
            name,
            "what was sent came back unchanged: nobody on the way rewrites SIP",
        ),
        Way::Rewritten(part, was, came) => Line::fail(
            Area::Alg,
            name,
            format!("somebody on the way rewrites SIP: {part} left as {was} and came back as {came}"),
            CURE,
            Whom::Network,
        ),
        Way::Hidden => Line::warn(
            Area::Alg,
            name,
            "a router translates our address, but the trunk saw no difference between it and our Via: the router most \
             likely rewrites SIP on the way out and back",
            CURE,
            Whom::Network,
        ),
        Way::Unknown => Line::ok(
            Area::Alg,
            name,
            "nothing was changed as far as can be seen; the trunk does not say which address it sees, so that is not all",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::model::Dice;
    use crate::sip::{Method, Transport};

    const PUBLIC: &str = "8.8.8.8";

    fn sent() -> (Asker, Asked) {
        let mut dice = Dice::from_number(7);
        let mut asker = Asker::new(Transport::Udp, "192.168.1.20:40000".parse().unwrap(), &mut dice);
        let asked = asker.request(
            Method::Options,
            "sip:pbx.example",
            ("sip:callpost@192.168.1.20", "sip:pbx.example"),
            &[],
            &mut dice,
        );
        (asker, asked)
    }

    /// The answer of a far side that got the request after `on_the_way` and whose answer comes by `back`.
    fn way(peer: &str, via: impl FnOnce(&Asked) -> String, change: impl FnOnce(String) -> String) -> Way {
        let (asker, asked) = sent();
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: <sip:pbx.example>;tag=x\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n",
            via(&asked),
            asked.from,
            asker.call_id
        );
        let answer = change(answer);
        let message = Message::parse(answer.as_bytes())
            .map_err(|bad| bad.fault)
            .unwrap();
        judge(&asker, &asked, peer.parse().unwrap(), &message)
    }

    fn ours(asked: &Asked, more: &str) -> String {
        format!("SIP/2.0/UDP 192.168.1.20:40000;branch={}{more}", asked.branch)
    }

    #[test]
    fn an_untouched_way_is_told_from_one_with_a_helpful_router() {
        let same = |answer| answer;
        assert_eq!(
            way("192.168.1.2", |asked| ours(asked, ";rport=40000"), same),
            Way::Untouched
        );
        let seen = |asked: &Asked| ours(asked, ";received=8.8.4.4;rport=61000");
        assert_eq!(
            way(PUBLIC, seen, same),
            Way::Untouched,
            "translated, and the trunk says so"
        );
        let unseen = |asked: &Asked| ours(asked, ";rport=61000");
        assert_eq!(
            way(PUBLIC, unseen, same),
            Way::Hidden,
            "our Via was changed and changed back"
        );
        let mirrored = |asked: &Asked| ours(asked, ";received=192.168.1.20;rport=40000");
        assert_eq!(way(PUBLIC, mirrored, same), Way::Hidden);
        assert_eq!(way(PUBLIC, |asked| ours(asked, ""), same), Way::Unknown);
    }

    #[test]
    fn what_was_rewritten_is_named() {
        let same = |answer| answer;
        let other = |asked: &Asked| format!("SIP/2.0/UDP 8.8.4.4:5060;branch={};rport", asked.branch);
        let Way::Rewritten(part, was, came) = way(PUBLIC, other, same) else {
            panic!("the Via is another");
        };
        assert_eq!(
            (part, was.as_str(), came.as_str()),
            ("Via", "192.168.1.20:40000", "8.8.4.4:5060")
        );
        let line = about("carrier", &Way::Rewritten(part, was, came));
        assert_eq!(line.outcome, Outcome::Fail);
        assert!(line.cure.unwrap().contains("SIP ALG"));

        let good = |asked: &Asked| ours(asked, ";received=8.8.4.4;rport=61000");
        let new_call = |answer: String| answer.replace("@192.168.1.20\r\n", "@8.8.4.4\r\n");
        assert!(matches!(
            way(PUBLIC, good, new_call),
            Way::Rewritten("Call-ID", ..)
        ));
        let new_from = |answer: String| answer.replace("callpost@192.168.1.20", "callpost@8.8.4.4");
        assert!(matches!(way(PUBLIC, good, new_from), Way::Rewritten("From", ..)));
    }
}
