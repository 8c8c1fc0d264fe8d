//! Messages from phone to phone.

use super::office::{Ask, Desk, Office, first_word, line};

fn ali() -> Desk {
    Desk::new("1001", "192.0.2.10:5060")
}

const TEXT: Ask<'static> = Ask {
    to_tag: "",
    call_id: "",
    lines: "Content-Type: text/plain;charset=utf-8\r\nSubject: lunch\r\n",
    body: "مرحبا",
};

/// Both phones of 1002 are registered.
fn office() -> Office {
    let mut office = Office::new();
    for peer in ["192.0.2.11:5060", "192.0.2.12:5060"] {
        office.register(&Desk::new("1002", peer), "");
    }
    office
}

/// RFC 3428 §7, S1-100.
#[test]
fn a_message_goes_to_every_phone_and_the_first_that_takes_it_answers() {
    let mut office = office();
    assert_eq!(
        office.ask(&ali(), "MESSAGE", "1002", &TEXT),
        "",
        "it waits for the phones"
    );
    let asked = std::mem::take(&mut office.inbox);
    assert_eq!(asked.len(), 2);
    for (_, message) in &asked {
        assert!(message.starts_with("MESSAGE sip:1002@192.0.2.1"));
        assert!(line(message, "From").starts_with("<sip:1001@callpost>;tag="));
        assert_eq!(line(message, "Content-Type"), "text/plain;charset=utf-8");
        assert_eq!(
            (line(message, "Subject"), line(message, "Contact")),
            ("lunch", "")
        );
        assert!(message.ends_with("\r\n\r\nمرحبا"));
    }
    office.reply(&asked[0].0, &asked[0].1, 486);
    assert!(office.late.is_empty());
    office.reply(&asked[1].0, &asked[1].1, 200);
    assert_eq!(first_word(&office.late[0]), "200");
    office.pass(64.0);
    assert_eq!((office.late.len(), office.agent.load().0), (1, 0));
}

#[test]
fn when_no_phone_takes_it_the_sender_hears_why() {
    let mut office = office();
    office.ask(&ali(), "MESSAGE", "1002", &TEXT);
    office.answered_with(415);
    assert_eq!(first_word(&office.late[0]), "415");
    office.pass(1.0);
    office.ask(&ali(), "MESSAGE", "1002", &TEXT);
    office.answered_with(401);
    assert_eq!(
        first_word(&office.late[1]),
        "480",
        "a challenge is not for the sender"
    );
}

#[test]
fn a_message_for_nobody_is_refused_at_once() {
    let mut office = office();
    let status = |office: &mut Office, to: &str, ask: &Ask<'_>| {
        first_word(&office.ask(&ali(), "MESSAGE", to, ask)).to_owned()
    };
    assert_eq!(status(&mut office, "1999", &TEXT), "404");
    assert_eq!(status(&mut office, "1003", &TEXT), "480");
    let long = "x".repeat(1301);
    let long = Ask {
        body: &long,
        ..Ask::default()
    };
    assert_eq!(status(&mut office, "1002", &long), "413");
    assert!(office.inbox.is_empty());
}

#[test]
fn a_phone_that_floods_its_colleagues_is_slowed_down() {
    let mut office = office();
    for _ in 0..20 {
        assert_eq!(office.ask(&ali(), "MESSAGE", "1002", &TEXT), "");
    }
    let refused = office.ask(&ali(), "MESSAGE", "1002", &TEXT);
    assert_eq!(
        (first_word(&refused), line(&refused, "Retry-After")),
        ("503", "5")
    );
    let omar = Desk::new("1003", "192.0.2.13:5060");
    assert_eq!(office.ask(&omar, "MESSAGE", "1002", &TEXT), "", "others are not");
    office.inbox.clear();
    office.pass(1.0);
    assert_eq!(office.ask(&ali(), "MESSAGE", "1002", &TEXT), "");
}
