//! What holds for every message, not only for those somebody thought of.

use super::*;
use proptest::prelude::*;
use std::net::SocketAddr;

fn source() -> SocketAddr {
    ([198, 51, 100, 7], 5060).into()
}

/// White space where the grammar allows it.
fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "  ", "\t", "\r\n ", " \r\n\t", "\n "])
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9]{0,8}(\\.[a-z]{2,5})?",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    let user = prop::option::of("[A-Za-z0-9&=+$,;?/._-]{1,10}(%[0-9A-F]{2})?(:[a-z0-9]{0,5})?");
    let port = prop::option::of(any::<u16>());
    let params = prop::collection::vec("[a-z]{1,6}(=[A-Za-z0-9%]{1,6})?", 0..3);
    let headers = prop::option::of("[a-z]{1,5}=[a-z0-9]{0,5}");
    (
        prop::sample::select(vec!["sip", "sips", "SIP"]),
        user,
        host(),
        port,
        params,
        headers,
    )
        .prop_map(|(scheme, user, host, port, params, headers)| {
            let user = user.map(|user| user + "@").unwrap_or_default();
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let params: String = params.into_iter().map(|param| format!(";{param}")).collect();
            let headers = headers.map(|headers| format!("?{headers}")).unwrap_or_default();
            format!("{scheme}:{user}{host}{port}{params}{headers}")
        })
}

fn name_addr() -> impl Strategy<Value = String> {
    let quoted = "[ -~äöüß]{0,12}".prop_map(|name| Quoted(&name).to_string());
    let display = prop_oneof![Just(String::new()), quoted, "[A-Za-z]{1,8}( [A-Za-z]{1,8})?"];
    (display, space(), uri(), space(), space(), token()).prop_map(|(display, one, uri, two, three, tag)| {
        format!("{display}{one}<{uri}>{two};{three}tag{three}={two}{tag}")
    })
}

fn via() -> impl Strategy<Value = String> {
    (space(), token(), host(), prop::option::of(any::<u16>()), space(), token()).prop_map(
        |(one, transport, host, port, two, branch)| {
            let port = port.map(|port| format!("{one}:{two}{port}")).unwrap_or_default();
            format!("SIP{one}/{one}2.0{two}/{two}{transport} {two}{host}{port}{one};{two}branch{one}={one}z9hG4bK{branch}")
        },
    )
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(Method::KNOWN).prop_map(|method| method.as_str().to_owned()),
        token()
    ]
}

/// A whole request in somebody's strange but valid spelling.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let lists = (
        prop::collection::vec(via(), 1..4),
        prop::collection::vec(name_addr(), 0..3),
    );
    let singles = (
        name_addr(),
        name_addr(),
        "[!-~]{1,20}",
        0..1_u32 << 31,
        "[ -~äé]{0,30}",
    );
    let body = prop::collection::vec(any::<u8>(), 0..40);
    (method(), uri(), lists, singles, space(), any::<bool>(), body).prop_map(
        |(method, uri, (vias, contacts), (from, to, call_id, number, subject), space, compact, body)| {
            let names = if compact {
                ["v", "F", "t", "i", "m", "l"]
            } else {
                ["VIA", "From", "to", "Call-Id", "Contact", "Content-Length"]
            };
            let [via, sender, callee, call, contact, length] = names;
            let mut text = format!("{method} {uri} SIP/2.0\r\n");
            text += &format!("{via} :{space}{}\r\n", vias.join(&format!("{space},{space}")));
            text += &format!("{sender}:{space}{from}\r\n{callee}:{to}{space}\r\n{call}: {call_id}\r\n");
            text += &format!("CSeq:{space}{number} {space}{method}\r\nSubject: {subject}\r\n");
            for one in contacts {
                text += &format!("{contact}: {one}\r\n");
            }
            text += &format!("{length}: {}\r\n\r\n", body.len());
            [text.into_bytes(), body].concat()
        },
    )
}

/// The message in our own spelling.
fn print(message: &Message<'_>) -> Vec<u8> {
    let draft = match message.start() {
        StartLine::Request { method, uri } => Draft::request(method, uri.as_bytes()),
        StartLine::Response { status, reason } => Draft::status((status, text(reason).as_ref())),
    };
    let content = [Name::ContentLength, Name::ContentType];
    let others = message
        .headers()
        .iter()
        .filter(|header| !content.contains(&header.name));
    let draft = others.fold(draft, |draft, header| draft.copied(header.name, header.value));
    draft.body(
        &message.text(Name::ContentType).unwrap_or_default(),
        message.body(),
    )
}

/// Everything a message says, in words.
fn meaning(message: &Message<'_>) -> String {
    let mut all = format!("{:?} {:?} {:?}\n", message, message.cseq(), message.body());
    for via in message.vias() {
        all += &match via {
            Ok(via) => format!("{} {} {:?} {:?}\n", via.transport, via.host, via.port, via.branch),
            Err(fault) => format!("{fault}\n"),
        };
    }
    for one in [message.from(), message.to()] {
        all += &format!("{:?} {} {:?}\n", one.display(), one.uri, one.tag());
    }
    for header in message
        .headers()
        .iter()
        .filter(|header| header.name == Name::Subject)
    {
        all += &format!("{:?}\n", text(header.value));
    }
    if let Ok(Contacts::List(contacts)) = message.contacts() {
        for one in contacts {
            all += &format!("{:?} {} {:?}\n", one.0.display(), one.uri(), one.0.tag());
        }
    }
    all
}

/// Asks a message everything it can be asked.
fn interrogate(bytes: &[u8]) {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(bad) => {
            if let Some(answer) = bad.answer(source(), "tag") {
                assert!(answer.starts_with(b"SIP/2.0 "));
            }
            return;
        }
    };
    let _ = meaning(&message);
    let _ = (
        message.contact_uri(),
        message.routes(),
        message.record_routes(),
        message.p_asserted_identity(),
    );
    let _ = (
        message.refer_to(),
        message.max_forwards(),
        message.expires(),
        message.min_expires(),
    );
    let _ = (
        message.retry_after(),
        message.rseq(),
        message.rack(),
        message.content_type(),
        message.reasons(),
    );
    let _ = (
        message.part("application/sdp"),
        message.accepts("application/sdp"),
        message.warnings(),
    );
    let _ = (
        message.event(),
        message.subscription_state(),
        message.replaces(),
        message.join(),
    );
    let _ = (
        message.referred_by(),
        message.session_expires(),
        message.min_se(),
        message.privacy(),
    );
    let _ = (message.path(), message.diversions(), message.history());
    let _ = (
        message.require().count(),
        message.supports("100rel"),
        message.allows(Method::Invite),
    );
    let _ = (
        message.wants_privacy("id"),
        message.user_agent(),
        message.authorization("x"),
        message.challenges(),
    );
    let echo = Echo::of(&message, source());
    let answer = Draft::reply(&echo, 200, Some("tag")).record_route(&echo).finish();
    let answer = Message::parse(&answer).expect("an answer of ours can be read");
    assert_eq!(answer.call_id(), message.call_id());
    assert_eq!(answer.cseq(), message.cseq());
}

/// Compares us with `rsip` on a message that it accepts.
fn second_opinion(bytes: &[u8]) -> bool {
    use rsip::headers::{ToTypedHeader, UntypedHeader};
    use rsip::message::HeadersExt;
    let Ok(rsip::SipMessage::Request(theirs)) = rsip::SipMessage::try_from(bytes) else {
        return false;
    };
    let sound = (
        theirs.cseq_header(),
        theirs.call_id_header(),
        theirs.from_header(),
        theirs.to_header(),
    );
    let (Ok(cseq), Ok(call_id), Ok(from), Ok(to)) = sound else {
        return false;
    };
    let (Ok(cseq), Ok(from), Ok(to)) = (cseq.typed(), from.typed(), to.typed()) else {
        return false;
    };
    let ours = Message::parse(bytes).unwrap_or_else(|bad| panic!("{bad}: {}", text(bytes)));
    assert_eq!(ours.method().as_str(), theirs.method.to_string());
    assert_eq!((ours.cseq().number, ours.call_id()), (cseq.seq, call_id.value()));
    for (ours, theirs) in [
        (ours.from(), from.params.iter().find_map(tag_of)),
        (ours.to(), to.params.iter().find_map(tag_of)),
    ] {
        assert_eq!(ours.tag().map(str::to_owned), theirs);
    }
    assert_eq!(
        ours.from().uri.host().map(|host| host.to_string()),
        Some(from.uri.host().to_string())
    );
    true
}

fn tag_of(param: &rsip::Param) -> Option<String> {
    if let rsip::Param::Tag(tag) = param {
        return Some(tag.value().to_owned());
    }
    None
}

#[test]
fn a_second_opinion_agrees_on_plain_messages() {
    let plain = "INVITE sip:8000@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
        Max-Forwards: 70\r\nFrom: \"A\" <sip:a@example.com>;tag=x\r\nTo: <sip:8000@example.com>\r\nCall-ID: 1@h\r\n\
        CSeq: 4711 INVITE\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";
    assert!(second_opinion(plain.as_bytes()), "it was not even asked");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_means_the_same_in_our_spelling(bytes in request()) {
        let message = Message::parse(&bytes).map_err(|bad| TestCaseError::fail(format!("{bad}: {}", text(&bytes))))?;
        let printed = print(&message);
        let again = Message::parse(&printed).map_err(|bad| TestCaseError::fail(format!("{bad}: {}", text(&printed))))?;
        prop_assert_eq!(meaning(&message), meaning(&again));
        prop_assert_eq!(print(&again), printed);
        interrogate(&bytes);
    }

    #[test]
    fn a_typed_header_says_again_what_it_was_told(
        (one, two, three) in (token(), token(), token()),
        (number, seconds) in (any::<u32>(), prop::option::of(any::<u32>())),
        (flag, words) in (any::<bool>(), "[ -~äé]{0,20}"),
        method in method(),
    ) {
        macro_rules! same {
            ($kind:ident, $found:expr) => {{
                let found = $found;
                let printed = found.to_string();
                prop_assert_eq!($kind::parse(printed.as_bytes()), Ok(found), "{}", printed);
            }};
        }
        let early_only = flag;
        same!(Replaces, Replaces { call_id: &one, to_tag: &two, from_tag: &three, early_only });
        same!(Join, Join { call_id: &one, to_tag: &two, from_tag: &three });
        let refresher = flag.then_some(Refresher::Uas);
        same!(SessionExpires, SessionExpires { seconds: number, refresher });
        same!(RetryAfter, RetryAfter { seconds: number, duration: seconds });
        let (state, reason) = (Standing::Terminated, flag.then_some(one.as_str()));
        same!(SubscriptionState, SubscriptionState { state, reason, expires: seconds, retry_after: None });
        let cseq = CSeq { number: number >> 1, method: Method::from_token(&method) };
        same!(CSeq, cseq);
        same!(RAck, RAck { rseq: number, cseq });
        same!(Warning, Warning { code: 300 + (number % 100) as u16, agent: &one, text: words.as_str().into() });
        same!(Privacy, Privacy::parse(b"header;id").unwrap());
        let event = EventPackage::parse(b"dialog;id=7").unwrap();
        let printed = event.to_string();
        prop_assert!(EventPackage::parse(printed.as_bytes()).unwrap().is_same(&event));
    }

    /// Whatever another parser takes, we take too, and it means the same.
    #[test]
    fn a_second_opinion_agrees(bytes in request()) {
        second_opinion(&bytes);
    }

    #[test]
    fn a_uri_is_the_same_as_itself(text in uri()) {
        let found = Uri::parse(text.as_bytes()).map_err(|problem| TestCaseError::fail(format!("{problem}: {text}")))?;
        prop_assert_eq!(found.to_string(), text.clone());
        prop_assert!(found.is_same(&found));
    }

    #[test]
    fn no_bytes_can_break_anything(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        interrogate(&bytes);
        let _ = (Uri::parse(&bytes), NameAddr::parse(&bytes), Via::parse(&bytes), Elements::of(&bytes).count(), text(&bytes));
        for name in ["Contact: ", "Authorization: Digest ", "WWW-Authenticate: ", "Reason: ", "Route: ", "Via: "] {
            let head = format!("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n{name}");
            interrogate(&[head.as_bytes(), &bytes, b"\r\n\r\n"].concat());
        }
    }

    #[test]
    fn no_change_of_a_good_message_can_break_anything(
        mut bytes in request(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"\r\n\t \0:;,=\"<>@?[]/\\%x\xff"[..])), 1..6),
    ) {
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        interrogate(&bytes);
    }

    #[test]
    fn a_stream_is_cut_alike_wherever_its_reads_end(
        messages in prop::collection::vec(request(), 1..4),
        cuts in prop::collection::vec(1..200_usize, 1..20),
    ) {
        let stream = messages.concat();
        let (mut framer, mut rest, mut found) = (Framer::new(), &stream[..], Vec::new());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            framer.push(now);
            while let Ok(Some(frame)) = framer.next_frame() {
                found.push(frame);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, messages.into_iter().map(Frame::Message).collect::<Vec<_>>());
    }

    #[test]
    fn no_stream_can_break_a_framer(reads in prop::collection::vec(prop::collection::vec(prop::sample::select(&b"\r\n: l0x"[..]), 0..20), 0..20)) {
        let mut framer = Framer::new();
        for read in reads {
            framer.push(&read);
            while let Ok(Some(_)) = framer.next_frame() {}
        }
    }
}
