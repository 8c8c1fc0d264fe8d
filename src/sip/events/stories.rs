//! Phones that want to be told, in virtual time.

use super::{LampState, Line, Messages};
use crate::sip::user_agent::office::{Ask, Desk, Office, first_word, line};

const MWI: &str = "Event: message-summary\r\nAccept: application/simple-message-summary\r\nExpires: 600\r\n";
const LAMP: &str = "Event: dialog\r\nAccept: application/dialog-info+xml\r\nExpires: 600\r\n";

fn ali() -> Desk {
    Desk::new("1001", "192.0.2.10:5060")
}

fn messages(office: &mut Office, new: u32, old: u32) {
    office
        .agent
        .set_messages(office.now, &"1001".into(), Messages { new, old });
    office.collect();
}

fn lamp(office: &mut Office, state: Option<LampState>) {
    let line = |state| Line {
        id: "1-1".to_owned(),
        placed: false,
        state,
        remote: "0501234567".into(),
        name: None,
    };
    office
        .agent
        .set_lines(office.now, &"1002".into(), state.map(line).into_iter().collect());
    office.collect();
}

/// The tag that the box gave a dialog.
fn tag(message: &str, name: &str) -> String {
    line(message, name)
        .split(";tag=")
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

/// RFC 3842, RFC 6665 §4.2.
#[test]
fn a_phone_is_told_at_once_and_whenever_the_messages_change() {
    let mut office = Office::new();
    let answer = office.subscribe(&ali(), "1001", MWI);
    assert_eq!((first_word(&answer), line(&answer, "Expires")), ("200", "600"));
    let first = office.answered_with(200);
    assert_eq!(first.len(), 1);
    assert!(first[0].starts_with("NOTIFY sip:1001@192.0.2.10:5060 "));
    assert_eq!(line(&first[0], "Event"), "message-summary");
    assert_eq!(line(&first[0], "Subscription-State"), "active;expires=600");
    assert_eq!(tag(&first[0], "From"), tag(&answer, "To"), "inside the dialog");
    assert!(first[0].ends_with(
        "Messages-Waiting: no\r\nMessage-Account: sip:1001@callpost\r\nVoice-Message: 0/0 (0/0)\r\n"
    ));

    office.pass(100.0);
    messages(&mut office, 2, 1);
    let second = office.answered_with(200);
    assert!(second[0].contains("Messages-Waiting: yes\r\n") && second[0].contains("Voice-Message: 2/1 "));
    assert_eq!(line(&second[0], "Subscription-State"), "active;expires=500");
    messages(&mut office, 2, 1);
    assert!(office.inbox.is_empty(), "nothing is new");
}

/// RFC 6665 §4.1.2.2, §4.1.2.3.
#[test]
fn a_subscription_is_refreshed_and_ended_by_the_phone() {
    let mut office = Office::new();
    let answer = office.subscribe(&ali(), "1001", MWI);
    office.answered_with(200);
    office.pass(500.0);
    let to_tag = tag(&answer, "To");
    let ask = |lines| Ask {
        to_tag: &to_tag,
        lines,
        ..Ask::default()
    };
    let again = office.ask(&ali(), "SUBSCRIBE", "1001", &ask(MWI));
    assert_eq!((first_word(&again), line(&again, "Expires")), ("200", "600"));
    assert_eq!(office.answered_with(200).len(), 1);
    office.pass(400.0);
    assert_eq!(office.agent.subscriptions(), 1);
    let end = office.ask(
        &ali(),
        "SUBSCRIBE",
        "1001",
        &ask("Event: message-summary\r\nExpires: 0\r\n"),
    );
    assert_eq!((first_word(&end), line(&end, "Expires")), ("200", "0"));
    let last = office.answered_with(200);
    assert_eq!(line(&last[0], "Subscription-State"), "terminated;reason=timeout");
    assert_eq!(office.agent.subscriptions(), 0);
    let late = office.ask(&ali(), "SUBSCRIBE", "1001", &ask(MWI));
    assert_eq!(first_word(&late), "481");
}

#[test]
fn a_subscription_that_is_not_refreshed_ends_and_says_so() {
    let mut office = Office::new();
    office.subscribe(&ali(), "1001", MWI);
    office.answered_with(200);
    office.pass(599.0);
    assert!(office.inbox.is_empty());
    office.pass(1.0);
    let last = office.answered_with(200);
    assert_eq!(line(&last[0], "Subscription-State"), "terminated;reason=timeout");
    assert_eq!(office.agent.subscriptions(), 0);
    office.pass(64.0);
    assert_eq!(office.agent.load(), (0, 0));
}

/// RFC 6665 §4.4.3.
#[test]
fn a_look_is_one_notify_and_leaves_nothing() {
    let mut office = Office::new();
    messages(&mut office, 3, 0);
    let answer = office.subscribe(&ali(), "1001", "Event: message-summary\r\nExpires: 0\r\n");
    assert_eq!(first_word(&answer), "200");
    let told = office.answered_with(200);
    assert_eq!(told.len(), 1);
    assert_eq!(line(&told[0], "Subscription-State"), "terminated;reason=timeout");
    assert!(told[0].contains("Voice-Message: 3/0 "));
    assert_eq!(office.agent.subscriptions(), 0);
}

/// ROBUSTNESS 42.
#[test]
fn a_stranger_is_asked_for_a_password_and_nothing_is_kept() {
    let mut office = Office::new();
    for (method, user, lines, status) in [
        ("SUBSCRIBE", "1001", MWI, "401"),
        ("SUBSCRIBE", "1999", MWI, "401"),
        ("SUBSCRIBE", "1001", "Event: nonsense\r\n", "401"),
        ("MESSAGE", "1001", "", "401"),
        ("MESSAGE", "1999", "", "401"),
        (
            "NOTIFY",
            "1001",
            "Event: message-summary\r\nSubscription-State: active\r\n",
            "481",
        ),
        ("PUBLISH", "1001", "Event: presence\r\n", "405"),
    ] {
        let ask = Ask {
            lines,
            ..Ask::default()
        };
        let answer = office.bare(&ali(), method, user, &ask, "").remove(0);
        assert_eq!(first_word(&answer), status, "{method} {user}");
    }
    assert_eq!((office.agent.subscriptions(), office.agent.load()), (0, (0, 0)));
    assert!(office.inbox.is_empty());
}

#[test]
fn what_cannot_be_watched_is_refused_with_the_cure() {
    let mut office = Office::new();
    let bad = office.subscribe(&ali(), "1001", "Event: presence\r\n");
    assert_eq!(
        (first_word(&bad), line(&bad, "Allow-Events")),
        ("489", "message-summary, dialog, reg")
    );
    let none = office.subscribe(&ali(), "1001", "");
    assert_eq!(first_word(&none), "489");
    let brief = office.subscribe(&ali(), "1001", "Event: message-summary\r\nExpires: 30\r\n");
    assert_eq!((first_word(&brief), line(&brief, "Min-Expires")), ("423", "60"));
    for (watched, lines, status) in [
        ("1002", "Event: message-summary\r\n", "403"),
        ("1002", "Event: reg\r\n", "403"),
        ("1999", "Event: dialog\r\n", "404"),
        ("1002", "Event: dialog\r\nAccept: text/plain\r\n", "406"),
        ("1002", "Event: dialog\r\nExpires: soon\r\n", "400"),
    ] {
        let answer = office.subscribe(&ali(), watched, lines);
        assert_eq!(first_word(&answer), status, "{watched} {lines}");
    }
    let long = office.subscribe(&ali(), "1002", "Event: dialog\r\nExpires: 999999\r\n");
    assert_eq!((first_word(&long), line(&long, "Expires")), ("200", "3600"));
}

/// RFC 6665 §4.2.2.
#[test]
fn a_phone_that_knows_nothing_of_it_or_is_dead_is_forgotten() {
    let mut office = Office::new();
    office.subscribe(&ali(), "1001", MWI);
    office.answered_with(481);
    assert_eq!(office.agent.subscriptions(), 0);
    office.subscribe(&ali(), "1002", LAMP);
    office.inbox.clear();
    office.pass(33.0);
    assert_eq!(office.agent.subscriptions(), 0, "no answer in 32 seconds");
    office.pass(64.0);
    assert_eq!(office.agent.load(), (0, 0));
}

/// RFC 4235 §3.10, §4.1.
#[test]
fn a_lamp_follows_the_calls_of_a_colleague() {
    let mut office = Office::new();
    office.subscribe(&ali(), "1002", LAMP);
    let idle = office.answered_with(200);
    assert!(
        idle[0].contains("version=\"0\" state=\"full\" entity=\"sip:1002@callpost\"")
            && !idle[0].contains("<dialog ")
    );
    office.pass(5.0);
    lamp(&mut office, Some(LampState::Early));
    let rings = office.answered_with(200);
    assert!(rings[0].contains("version=\"1\"") && rings[0].contains("<state>early</state>"));
    assert!(rings[0].contains("sip:0501234567@callpost"));
    // Two changes within the second after it are told as one.
    lamp(&mut office, Some(LampState::Confirmed));
    lamp(&mut office, None);
    lamp(&mut office, Some(LampState::Confirmed));
    assert!(office.inbox.is_empty());
    office.pass(1.0);
    let talks = office.answered_with(200);
    assert_eq!(talks.len(), 1);
    assert!(talks[0].contains("version=\"2\"") && talks[0].contains("<state>confirmed</state>"));
    office.pass(1.0);
    lamp(&mut office, None);
    assert!(!office.answered_with(200)[0].contains("<dialog "));
}

/// While a phone has not answered a NOTIFY it gets no other one; what it missed it gets then.
#[test]
fn one_notify_is_under_way_at_a_time() {
    let mut office = Office::new();
    office.subscribe(&ali(), "1002", LAMP);
    let (flow, first) = office.inbox.remove(0);
    office.pass(0.2);
    lamp(&mut office, Some(LampState::Early));
    office.pass(0.2);
    lamp(&mut office, Some(LampState::Confirmed));
    assert!(office.inbox.is_empty());
    office.pass(2.0);
    office.inbox.clear(); // Repetitions of the first.
    office.reply(&flow, &first, 200);
    let next = office.answered_with(200);
    assert_eq!(next.len(), 1);
    assert!(next[0].contains("confirmed") && next[0].contains("CSeq: 2 NOTIFY"));
}

/// RFC 3680.
#[test]
fn an_extension_sees_which_phones_it_has() {
    let mut office = Office::new();
    let answer = office.subscribe(&ali(), "1001", "Event: reg;id=7\r\nExpires: 600\r\n");
    assert_eq!(first_word(&answer), "200");
    let none = office.answered_with(200);
    assert_eq!(line(&none[0], "Event"), "reg;id=7");
    assert!(none[0].contains("state=\"init\""));
    office.pass(2.0);
    office.register(&ali(), "");
    let one = office.answered_with(200);
    assert!(one[0].contains("state=\"active\"") && one[0].contains("<uri>sip:1001@192.0.2.10:5060</uri>"));
    office.pass(2.0);
    office.register(&ali(), "Expires: 0\r\n");
    assert!(office.answered_with(200)[0].contains("state=\"init\""));
}

#[test]
fn a_phone_may_watch_a_console_full_of_lamps_and_no_more() {
    let mut office = Office::new();
    for number in 0..super::notifier::MOST_OF_ONE {
        let call_id = format!("lamp-{number}");
        let ask = Ask {
            call_id: &call_id,
            lines: LAMP,
            ..Ask::default()
        };
        assert_eq!(first_word(&office.ask(&ali(), "SUBSCRIBE", "1002", &ask)), "200");
    }
    assert_eq!(first_word(&office.subscribe(&ali(), "1002", LAMP)), "403");
    let mona = Desk::new("1002", "192.0.2.11:5060");
    assert_eq!(first_word(&office.subscribe(&mona, "1001", LAMP)), "200");
}

/// FIELD B7: the lamp comes back with the phone.
#[test]
fn a_phone_that_did_not_subscribe_is_told_as_well_and_again_at_each_registration() {
    let mut office = Office::new();
    office.register(&ali(), "");
    assert!(office.inbox.is_empty(), "it has no box");
    messages(&mut office, 1, 0);
    let told = office.answered_with(200);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("NOTIFY sip:1001@192.0.2.10:5060 ") && told[0].contains("Voice-Message: 1/0 ")
    );
    for _ in 0..2 {
        office.pass(60.0);
        office.register(&ali(), "");
        let again = office.answered_with(200);
        assert_eq!(again.len(), 1);
        assert!(again[0].contains("Messages-Waiting: yes"));
    }
    // With a subscription it is told inside that alone.
    office.pass(60.0);
    office.subscribe(&ali(), "1001", MWI);
    office.answered_with(200);
    office.pass(60.0);
    office.register(&ali(), "");
    let inside = office.answered_with(200);
    assert_eq!(inside.len(), 1);
    assert!(line(&inside[0], "Subscription-State").starts_with("active;expires="));
    // Nobody else hears of it.
    let mona = Desk::new("1002", "192.0.2.11:5060");
    office.register(&mona, "");
    assert!(office.inbox.is_empty());
}

#[test]
fn a_phone_that_does_not_want_to_be_told_is_left_alone() {
    let mut office = Office::new();
    office.register(&ali(), "");
    messages(&mut office, 1, 0);
    office.answered_with(489);
    messages(&mut office, 2, 0);
    office.pass(60.0);
    office.register(&ali(), "");
    assert!(office.inbox.is_empty());
}

#[test]
fn nobody_else_can_refresh_or_end_a_subscription() {
    let mut office = Office::new();
    let answer = office.subscribe(&ali(), "1002", LAMP);
    office.answered_with(200);
    let to_tag = tag(&answer, "To");
    let ask = Ask {
        to_tag: &to_tag,
        call_id: "call-1001",
        lines: "Event: dialog\r\nExpires: 0\r\n",
        ..Ask::default()
    };
    let thief = Desk::new("1003", "192.0.2.66:5060");
    assert_eq!(first_word(&office.ask(&thief, "SUBSCRIBE", "1002", &ask)), "403");
    assert_eq!(office.agent.subscriptions(), 1);
    let other = Ask { lines: MWI, ..ask };
    assert_eq!(
        first_word(&office.ask(&ali(), "SUBSCRIBE", "1002", &other)),
        "489"
    );
}

#[test]
fn a_subscription_goes_on_when_the_phone_comes_back_on_another_connection() {
    let mut office = Office::new();
    let before = Desk::over_tcp("1001", "192.0.2.10:40000", 5);
    office.register(&before, "");
    office.subscribe(&before, "1002", LAMP);
    office.answered_with(200);
    office.agent.stream_closed(office.now, 5);
    office.pass(10.0);
    lamp(&mut office, Some(LampState::Early));
    assert!(office.inbox.is_empty(), "there is nowhere to send it");
    let after = Desk::over_tcp("1001", "192.0.2.10:40001", 6);
    office.register(&after, "");
    let (flow, told) = office.inbox.remove(0);
    assert_eq!(flow.connection, Some(6));
    assert!(told.contains("<state>early</state>"));
}

#[test]
fn before_the_box_stops_phones_are_asked_to_come_again() {
    let mut office = Office::new();
    office.subscribe(&ali(), "1001", MWI);
    office.answered_with(200);
    office.agent.end_subscriptions(office.now);
    office.collect();
    let last = office.answered_with(200);
    assert_eq!(
        line(&last[0], "Subscription-State"),
        "terminated;reason=probation;retry-after=10"
    );
    let refused = office.subscribe(&ali(), "1001", MWI);
    assert_eq!(
        (first_word(&refused), line(&refused, "Retry-After")),
        ("503", "10")
    );
}
