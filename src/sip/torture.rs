//! Messages that are hard to read, with what has to become of each. Written from the grammar of RFC 3261 §25,
//! after the ideas of RFC 4475 (torture), RFC 5118 (IPv6) and of those who attack.

use super::*;
use std::borrow::Cow;
use std::net::SocketAddr;

fn source() -> SocketAddr {
    "198.51.100.7:5060".parse().unwrap()
}

/// A request with a good header of each kind; `change` replaces lines by the beginning of their name or adds them.
fn request(first: &str, change: &[&str]) -> String {
    let mut lines = vec![
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKgood".to_owned(),
        "Max-Forwards: 70".to_owned(),
        "From: <sip:a@example.com>;tag=from".to_owned(),
        "To: <sip:b@example.com>".to_owned(),
        "Call-ID: good@192.0.2.1".to_owned(),
        format!("CSeq: 1 {}", first.split(' ').next().unwrap_or_default()),
        "Content-Length: 0".to_owned(),
    ];
    for line in change {
        let name = line.split(':').next().unwrap_or_default();
        match lines
            .iter()
            .position(|old| old.starts_with(name) && old[name.len()..].starts_with(':'))
        {
            Some(place) if line.ends_with(": -") => drop(lines.remove(place)),
            Some(place) => lines[place] = (*line).to_owned(),
            None => lines.push((*line).to_owned()),
        }
    }
    format!("{first}\r\n{}\r\n\r\n", lines.join("\r\n"))
}

fn invite(change: &[&str]) -> String {
    request("INVITE sip:b@example.com SIP/2.0", change)
}

#[track_caller]
fn fine(bytes: &[u8]) -> Message<'_> {
    Message::parse(bytes).unwrap_or_else(|bad| panic!("{bad}: {}", text(bytes)))
}

/// The status and the words of the refusal; nothing when nothing is answered.
#[track_caller]
fn refused(bytes: &[u8]) -> Option<(u16, String)> {
    let bad = Message::parse(bytes).expect_err("a bad message was taken");
    let answer = String::from_utf8(bad.answer(source(), "mytag")?).unwrap();
    let (first, _) = answer.split_once("\r\n").unwrap();
    let (status, words) = first.strip_prefix("SIP/2.0 ").unwrap().split_once(' ').unwrap();
    Some((status.parse().unwrap(), words.to_owned()))
}

#[test]
fn white_space_folds_and_compact_names_may_be_everywhere() {
    let message = "\r\n\r\nINVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n\
        TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
        f   : \"J Rosner \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n\
        mAX-fORWARDS: 0068\r\n\
        cALL-iD\t: wsinv.ndaksdj@192.0.2.1\r\n\
        Content-Length   : 4\r\n\
        cseq: 0009\r\n  INVITE\r\n\
        Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n\
        s :\r\n\
        NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
        UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
        Content-Type: application/sdp\r\n\
        Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n\
        v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n\
        \x20SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n\
        m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n\
        \x20 secondparam ; q = 0.33\r\n\
        \r\n\
        v=0\nand more than the length says";
    let message = fine(message.as_bytes());
    assert_eq!(message.method(), Method::Invite);
    assert_eq!(message.to().tag(), Some("1918181833n"));
    assert_eq!(message.from().display().unwrap(), "J Rosner \\\"");
    assert_eq!(message.max_forwards(), Ok(Some(68)));
    assert_eq!(message.cseq().number, 9);
    assert_eq!(message.call_id(), "wsinv.ndaksdj@192.0.2.1");
    let branches: Vec<_> = message.vias().map(|via| via.unwrap().branch).collect();
    assert_eq!(
        branches,
        [Some("390skdjuw"), Some("z9hG4bK9ikj8"), Some("z9hG4bK30239")]
    );
    assert_eq!(message.text(Name::Subject).unwrap(), "");
    assert_eq!(
        message.text(Name::Other("newfangledheader")).unwrap(),
        "newfangled value continued newfangled value"
    );
    assert!(message.routes().unwrap()[0].uri.is_loose_router());
    let contacts = message.contacts().unwrap();
    assert_eq!(
        contacts.first().unwrap().0.display().unwrap(),
        "Quoted string \"\""
    );
    assert_eq!(contacts.first().unwrap().q(), 330);
    assert_eq!(message.body(), b"v=0\n");
}

#[test]
fn every_character_that_is_allowed_is_kept() {
    let first = "!interesting-Method0123456789_*+`.%indeed'~ \
        sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0";
    let message = request(
        first,
        &[
            "To: \"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)@example.com>",
            "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.",
            "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
            "extensionHeader-!.%*+_`'~: \u{feff}大停電",
            "P-Odd: caf\u{e9}",
        ],
    );
    let message = fine(message.as_bytes());
    assert_eq!(
        message.method(),
        Method::Other("!interesting-Method0123456789_*+`.%indeed'~")
    );
    assert_eq!(message.from().tag(), Some("_token~1'+`*%!-."));
    assert_eq!(
        message.from().params.value("fromParam''~+*_!.-%").unwrap(),
        "работающий"
    );
    assert_eq!(message.to().display().unwrap(), "BEL:\u{7} NUL:\0 DEL:\u{7f}");
    assert_eq!(
        message.text(Name::Other("extensionHeader-!.%*+_`'~")).unwrap(),
        "\u{feff}大停電"
    );
}

#[test]
fn latin_1_bytes_are_kept_and_shown() {
    let mut bytes = invite(&["From: \"J#rgen\" <sip:a@example.com>;tag=1", "Subject: Gr#n"]).into_bytes();
    bytes
        .iter_mut()
        .filter(|byte| **byte == b'#')
        .for_each(|byte| *byte = 0xfc);
    let message = fine(&bytes);
    assert_eq!(message.from().display().unwrap(), "Jürgen");
    assert_eq!(message.text(Name::Subject).unwrap(), "Grün");
    assert!(matches!(message.text(Name::CallId), Some(Cow::Borrowed(_))));
    let echoed = Draft::response(&message, source(), 100, None).finish();
    assert!(
        memchr::memmem::find(&echoed, b"\"J\xfcrgen\"").is_some(),
        "the very bytes go back"
    );
}

#[test]
fn escapes_stay_escapes_until_they_are_asked_for() {
    let bytes = request("INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0", &[]);
    let uri = fine(bytes.as_bytes()).request_uri().unwrap();
    assert_eq!(
        (uri.scheme(), uri.user().unwrap().into_owned()),
        (Scheme::Sip, "sips:user@example.com".into())
    );
    let bytes = request("RE%47IST%45R sip:registrar.example.com SIP/2.0", &[]);
    assert_eq!(fine(bytes.as_bytes()).method(), Method::Other("RE%47IST%45R"));
}

#[test]
fn a_datagram_ends_where_its_length_says() {
    let second = request("OPTIONS sip:x SIP/2.0", &[]);
    let both = invite(&[]) + &second;
    assert_eq!(fine(both.as_bytes()).body(), b"");
    let without = invite(&["Content-Length: -"]) + "body";
    assert_eq!(fine(without.as_bytes()).body(), b"body");
    let bare = invite(&["Content-Length: 4"]).replace("\r\n", "\n") + "body, cut";
    assert_eq!(fine(bare.as_bytes()).body(), b"body");
}

#[test]
fn rfc_2543_peers_are_understood() {
    let old = invite(&[
        "Via: SIP/2.0/UDP iftgw.example.com",
        "From: <sip:+1-303-555-1111@ift.here.com;user=phone>",
        "Max-Forwards: -",
        "CSeq: 0 INVITE",
    ]);
    let message = fine(old.as_bytes());
    assert!(message.from().tag().is_none() && message.top_via().branch.is_none());
    assert_eq!((message.cseq().number, message.max_forwards()), (0, Ok(None)));
}

#[test]
fn ipv6_is_read_in_all_its_forms() {
    let bytes = request(
        "REGISTER sip:[2001:db8::10] SIP/2.0",
        &[
            "Via: SIP/2.0/UDP [2001:db8::9:1]:9000;branch=z9hG4bKas3-111;received=[2001:db8::9:255]",
            "Contact: \"Caller\" <sip:caller@[2001:db8::1]>, <sip:c@[2001:db8:::192.0.2.1]:5070>, <sip:c@[::ffff:192.0.2.10]>",
        ],
    );
    let message = fine(bytes.as_bytes());
    assert_eq!(
        message.request_uri().unwrap().host().unwrap().to_string(),
        "[2001:db8::10]"
    );
    assert_eq!(
        message.top_via().received().unwrap().to_string(),
        "2001:db8::9:255"
    );
    let Contacts::List(contacts) = message.contacts().unwrap() else {
        panic!("not a list");
    };
    assert_eq!(
        contacts[1].uri().host().unwrap().to_string(),
        "[2001:db8::c000:201]"
    );
    assert_eq!(contacts[1].uri().port(), Some(5070));
    let port = request("REGISTER sip:[2001:db8::10:5070] SIP/2.0", &[]);
    let uri = fine(port.as_bytes()).request_uri().unwrap();
    assert_eq!(
        (uri.host().unwrap().to_string().as_str(), uri.port()),
        ("[2001:db8::10:5070]", None)
    );
    let bare = request("REGISTER sip:2001:db8::10 SIP/2.0", &[]);
    assert_eq!(refused(bare.as_bytes()).unwrap().0, 400);
}

#[test]
fn unusual_responses_are_responses() {
    let lines = invite(&[]);
    let (_, lines) = lines.split_once("\r\n").unwrap();
    for (first, wanted) in [
        ("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое", 200),
        ("SIP/2.0 100 ", 100),
        ("SIP/2.0 699 Odd", 699),
    ] {
        let bytes = format!("{first}\r\n{lines}");
        let message = fine(bytes.as_bytes());
        assert_eq!(
            (message.status(), message.method()),
            (Some(wanted), Method::Invite)
        );
    }
    for bad in [
        "SIP/2.0 4294967301 better not break the receiver",
        "SIP/3.0 200 OK",
        "SIP/2.0 20 OK",
        "SIP/2.0",
    ] {
        assert_eq!(refused(format!("{bad}\r\n{lines}").as_bytes()), None, "{bad}");
    }
}

#[test]
fn a_fault_in_a_header_is_answered_with_its_name() {
    for (change, words) in [
        ("Via: SIP/2.0/UDP 192.0.2.15;;,;,,", None),
        ("Via: SIP/7.0/UDP 192.0.2.15;branch=z9hG4bK1", None),
        ("Via: -", None),
        ("From: -", Some("Bad From: missing")),
        ("To: -", Some("Bad To: missing")),
        ("Call-ID: -", Some("Bad Call-ID: missing")),
        ("CSeq: -", Some("Bad CSeq: missing")),
        (
            "From: <sip:a@example.com>;tag=1;tag=2",
            Some("Bad From: not one plain tag"),
        ),
        (
            "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            Some("Bad From: no scheme"),
        ),
        (
            "From: \"open <sip:a@example.com>;tag=1",
            Some("Bad From: a quotation mark is missing"),
        ),
        (
            "To: \"Mr. J. User <sip:j.user@example.com>",
            Some("Bad To: a quotation mark is missing"),
        ),
        (
            "To: \"Watson, Thomas\" < sip:t.watson@example.org >",
            Some("Bad To: a character that no URI has"),
        ),
        (
            "To: <sip:a@example.com>, <sip:b@example.com>",
            Some("Bad To: something odd behind it"),
        ),
        ("To: <sip:a@example.com", Some("Bad To: a bracket is missing")),
        ("Call-ID: two words", Some("Bad Call-ID: not one word")),
        ("Call-ID: ", Some("Bad Call-ID: not one word")),
        (
            "CSeq: 36893488147419103232 INVITE",
            Some("Bad CSeq: no number below 2^31"),
        ),
        ("CSeq: 1 BYE", Some("Bad CSeq: another method than the request")),
        ("CSeq: 1", Some("Bad CSeq: no method")),
        (
            "Content-Length: 1",
            Some("Bad Content-Length: larger than the body"),
        ),
        ("Content-Length: -999", Some("Bad Content-Length: not a number")),
        ("Content-Length: 1x", Some("Bad Content-Length: not a number")),
        ("Content-Length: ", Some("Bad Content-Length: not a number")),
        ("No colon at all", Some("Bad header: a line without a colon")),
        ("Bad name: 1", Some("Bad header: a name that is not a token")),
        (
            "P-Asserted-Identity\u{1}: 1",
            Some("Bad header: a name that is not a token"),
        ),
        (": nameless", Some("Bad header: a name that is not a token")),
        (
            "Subject: one\rInjected: two",
            Some("Bad Subject: a carriage return within the line"),
        ),
    ] {
        let outcome = refused(invite(&[change]).as_bytes());
        match words {
            Some(words) => assert_eq!(outcome, Some((400, words.into())), "{change}"),
            None if change == "Via: -" => assert_eq!(outcome, None),
            None => assert!(outcome.is_none_or(|(status, _)| status == 400), "{change}"),
        }
    }
}

#[test]
fn what_may_stand_once_stands_once() {
    for twice in [
        "From: <sip:c@example.com>;tag=1",
        "t: <sip:c@example.com>",
        "i: other",
        "CSeq: 2 INVITE",
        "l: 0",
        "Content-Length: 5",
    ] {
        let bytes = invite(&[]).replacen("\r\n", &format!("\r\n{twice}\r\n"), 1);
        let (status, words) = refused(bytes.as_bytes()).unwrap();
        assert_eq!(status, 400);
        assert!(words.ends_with("more than one"), "{words}");
    }
}

#[test]
fn a_typed_header_refuses_what_its_grammar_does_not_have() {
    let bytes = request(
        "REGISTER sip:example.com SIP/2.0",
        &[
            "Max-Forwards: 300",
            "Expires: 1000000000000000000000000000",
            "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "Route: <sip:a;lr>;;,;,,",
            "Refer-To: nobody",
            "Content-Type: application",
            "Authorization: NoOneKnowsThisScheme opaque-data=here",
            "Reason: SIP;cause=",
        ],
    );
    let message = fine(bytes.as_bytes());
    let part = |fault: Fault| (fault.part, fault.status);
    assert_eq!(message.max_forwards().map_err(part), Err(("Max-Forwards", 400)));
    assert_eq!(message.expires(), Ok(Some(u32::MAX)));
    assert_eq!(message.contacts().map(drop).map_err(part), Err(("Contact", 400)));
    assert_eq!(message.routes().map(drop).map_err(part), Err(("Route", 400)));
    assert_eq!(message.refer_to().map(drop).map_err(part), Err(("Refer-To", 400)));
    assert_eq!(
        message.content_type().map(drop).map_err(part),
        Err(("Content-Type", 400))
    );
    assert_eq!(message.reasons().map(drop).map_err(part), Err(("Reason", 400)));
    assert!(message.authorization("example.com").unwrap().is_none());
    assert_eq!(message.rseq(), Ok(None));
}

#[test]
fn first_lines_that_are_wrong_are_answered_when_they_were_meant_for_us() {
    for (first, outcome) in [
        (
            "INVITE sip:a@b SIP/7.0",
            Some((505, "Bad Request-Line: not SIP/2.0")),
        ),
        (
            "INVITE  sip:a@b  SIP/2.0",
            Some((400, "Bad Request-Line: a character that no URI has")),
        ),
        (
            "INVITE <sip:user@example.com> SIP/2.0",
            Some((400, "Bad Request-Line: a character that no URI has")),
        ),
        (
            "INVITE sip:user@example.com; lr SIP/2.0",
            Some((400, "Bad Request-Line: a character that no URI has")),
        ),
        (
            "INVITE sip:a@256.1.1.1 SIP/2.0",
            Some((400, "Bad Request-Line: no host")),
        ),
        (
            "INVITE sip:a@b SIP/2.0 ",
            Some((400, "Bad Request-Line: no version")),
        ),
        ("INVITE sip:a@b", None),
        ("GET /index.html HTTP/1.1", None),
        ("ACK sip:a@b SIP/7.0", None),
        ("\0\0\0\0", None),
    ] {
        let outcome = outcome.map(|(status, words): (u16, &str)| (status, words.to_owned()));
        let bytes = request(first, &["CSeq: 1 INVITE"]);
        assert_eq!(refused(bytes.as_bytes()), outcome, "{first}");
    }
    let opaque = request("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", &[]);
    assert!(!fine(opaque.as_bytes()).request_uri().unwrap().is_sip());
}

#[test]
fn sizes_have_limits_and_answers() {
    let long = format!("Subject: {}", "x".repeat(limits::HEADER_BYTES));
    assert_eq!(
        refused(invite(&[&long]).as_bytes()),
        Some((400, "Bad Subject: longer than 8 kB".into()))
    );
    let folds = format!("Subject: x{}", "\r\n x".repeat(5000));
    assert_eq!(
        refused(invite(&[&folds]).as_bytes()),
        Some((400, "Bad Subject: longer than 8 kB".into()))
    );
    let many = format!("X: 1{}", "\r\nX: 1".repeat(8000));
    assert_eq!(
        refused(invite(&[&many]).as_bytes()),
        Some((400, "Bad message: more than 128 headers".into()))
    );
    let hop = "SIP/2.0/UDP h;branch=z9hG4bK1";
    let hops = |count: usize| format!("Via: {}", vec![hop; count].join(", "));
    assert!(Message::parse(invite(&[&hops(70)]).as_bytes()).is_ok());
    assert_eq!(
        refused(invite(&[&hops(71)]).as_bytes()),
        Some((483, "Bad Via: more than 70".into()))
    );
    let line = format!("INVITE sip:{}@b SIP/2.0", "x".repeat(limits::HEADER_BYTES));
    assert_eq!(refused(request(&line, &[]).as_bytes()).unwrap().0, 414);
    let huge = invite(&["Content-Length: 99999999999999999999"]);
    assert_eq!(refused(huge.as_bytes()).unwrap().0, 413);
    let body = invite(&["Content-Length: 65536"]) + &"x".repeat(limits::MESSAGE_BYTES);
    assert_eq!(
        refused(body.as_bytes()),
        Some((513, "Bad message: larger than 64 kB".into()))
    );
}

#[test]
fn what_cannot_be_a_message_is_dropped() {
    let whole = invite(&[]);
    for end in 0..whole.len() - 2 {
        assert!(Message::parse(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    for junk in [
        &b""[..],
        b"\r\n\r\n",
        b"\r\n",
        b"\n",
        b"\0",
        b"\xff\xfe",
        b"SIP",
        b" \r\n\r\n",
        b":\r\n\r\n",
    ] {
        assert_eq!(refused(junk), None);
    }
}

#[test]
fn an_answer_to_a_bad_message_carries_nothing_of_the_attack() {
    let bytes = invite(&[
        "From: \"\u{1b}[31m\\\0\" <sip:a@example.com>;tag=1",
        "CSeq: x",
        "Via: SIP/2.0/UDP h;rport;branch=z9hG4bK1;x=\"a\r\n b\"",
    ]);
    let bad = Message::parse(bytes.as_bytes()).unwrap_err();
    let answer = bad.answer(source(), "mytag").unwrap();
    assert!(
        answer
            .iter()
            .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\r' | b'\n'))
    );
    let answer = text(&answer).into_owned();
    assert!(answer.starts_with("SIP/2.0 400 Bad CSeq: "), "{answer}");
    assert!(
        answer.contains("Via: SIP/2.0/UDP h;rport=5060;branch=z9hG4bK1;x=\"a b\";received=198.51.100.7"),
        "{answer}"
    );
}
