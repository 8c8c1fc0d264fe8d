//! Kamailio between the box and its peers: in the path of calls and of registrations, and forking what we send.

use crate::harness::digest::Credentials;
use crate::harness::household::password;
use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, Kamailio, Message, Phone, Street, Voice};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

/// RFC 3261 §12.1.1, §12.2.1.1, §16.12: the path a call came by is the path its requests go.
#[test]
fn a_call_through_a_proxy_stays_on_its_path_from_invite_to_bye_both_ways() {
    let street = Street::claim();
    let desk = Phone::new("ali", sip_at(street.house(51)), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let proxy = proxy_at(street.pbx(), &street);
    let caller = Phone::new("+966501234567", sip_at(street.house(60)), proxy.at());

    for caller_ends in [true, false] {
        let (ear, mouth) = (Voice::at(street.house(60)), Voice::at(street.house(51)));
        let dialling = caller.dial("8001", ear.address);
        let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), mouth.address);
        let mut talk = dialling.answered();
        let held = talk.offer_again(ear.address, "sendonly");
        assert_eq!((held.status(), held.direction()), (Some(200), "a=recvonly"));
        assert_eq!(vias(&held), 1, "the answer is the caller's again: {held:?}");
        appliance.until("the hold is seen", |status| status["calls"][0]["on_hold"] == true);
        let resumed = talk.offer_again(ear.address, "sendrecv");
        assert_eq!(resumed.status(), Some(200));
        if caller_ends {
            talk.hang_up();
            agent.hung_up_on();
        } else {
            agent.hang_up();
            let bye = talk.hung_up_on();
            assert_eq!(vias(&bye), 2, "the box says goodbye through the proxy: {bye:?}");
        }
        appliance.until_quiet();
    }
    for record in appliance.until_recorded(2) {
        assert_eq!(record.text("status"), "ANSWER");
        assert!(record.millis("hold_ms") > 0, "the hold came through: {record:#?}");
    }
}

/// RFC 3261 §13.2.2.4: two phones behind a proxy pick up at the same moment; both are acknowledged, one is let go.
#[test]
fn of_two_answers_to_one_invite_both_are_acknowledged_and_the_second_is_hung_up() {
    let street = Street::claim();
    let household = Household::new()
        .behind_trunk("night", "3000", &[])
        .phone("ali", "1001", &[])
        .number("8001", r#"agent="night""#);
    let appliance = Appliance::open(&street, &household);
    let proxy = proxy_at(street.pbx(), &street);
    let (one, two) = (
        Phone::new("3000", sip_at(street.house(61)), proxy.at()),
        Phone::new("3000", sip_at(street.house(62)), proxy.at()),
    );
    let caller = Phone::new("+966501234567", sip_at(street.house(60)), proxy.at());
    let ear = Voice::at(street.house(60));
    let dialling = caller.dial("8001", ear.address);
    let (at_one, at_two) = (one.expect_request("INVITE"), two.expect_request("INVITE"));
    assert_eq!(
        at_one.header("Call-ID"),
        at_two.header("Call-ID"),
        "one INVITE of the box, forked by the proxy"
    );
    let mouths = [Voice::at(street.house(61)), Voice::at(street.house(62))];
    let mut talks = vec![
        (&one, Dialog::answer(&one, &at_one, mouths[0].address)),
        (&two, Dialog::answer(&two, &at_two, mouths[1].address)),
    ];
    for (phone, talk) in &talks {
        phone.expect("an ACK", |message| {
            message.request() == Some("ACK") && talk.owns(message)
        });
    }
    let loser = the_one_hung_up_on(&talks);
    let (phone, talk) = talks.remove(loser);
    assert!(talk.owns(&phone.heard().last().expect("the BYE").1));
    let standing = dialling.answered();
    standing.hang_up();
    let (_, winner) = talks.remove(0);
    winner.hung_up_on();
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "night"));
    assert_eq!(
        record.results(),
        ["answered"],
        "one phone, as far as the box dialled"
    );
    appliance.until_quiet();
}

/// RFC 3327: a phone that registered through a proxy is called through it, and the call stays there.
#[test]
fn a_phone_that_registers_through_a_proxy_is_called_through_it() {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let proxy = proxy_at(street.house(21), &street);
    let desk = Phone::new("1001", sip_at(street.house(63)), proxy.at());
    let register = desk
        .request("REGISTER", &format!("sip:{}", street.box_sip().ip()))
        .with("Supported", "path")
        .with("Expires", "600");
    let challenge = desk.ask(&register);
    let credentials = Credentials {
        user: "1001",
        password: &password("1001"),
        algorithm: "MD5",
    };
    let answer = desk.ask(&desk.authorised(&register, &challenge, credentials));
    assert_eq!(answer.status(), Some(200), "{answer:?}");
    assert!(
        answer.header("Path").contains(&street.house(21).to_string()),
        "the path is told: {answer:?}"
    );
    appliance.until_registered(1);

    let caller = Phone::new("+966501234567", sip_at(street.pbx()), street.box_sip());
    let (ear, mouth) = (Voice::at(street.pbx()), Voice::at(street.house(63)));
    let dialling = caller.dial("8001", ear.address);
    let invite = desk.expect_request("INVITE");
    assert_eq!(vias(&invite), 2, "it comes through the proxy: {invite:?}");
    let talk = Dialog::accept(&desk, &invite, mouth.address);
    dialling.answered().hang_up();
    let bye = talk.hung_up_on();
    assert_eq!(vias(&bye), 2, "so does the goodbye: {bye:?}");
    assert_eq!(appliance.only_record().text("status"), "ANSWER");
}

/// Which of two phones that picked up hears a BYE; it agrees.
#[track_caller]
fn the_one_hung_up_on(talks: &[(&std::rc::Rc<Phone>, Dialog)]) -> usize {
    let deadline = Instant::now() + crate::harness::PATIENCE;
    while Instant::now() < deadline {
        for (place, (phone, talk)) in talks.iter().enumerate() {
            let Some(message) = phone.hear(Duration::from_millis(50)) else {
                continue;
            };
            if message.request() == Some("BYE") && talk.owns(&message) {
                phone.answer(&message, "200 OK", "");
                return place;
            }
        }
    }
    panic!("neither phone is let go");
}

fn proxy_at(house: Ipv4Addr, street: &Street) -> Kamailio {
    let forks = [sip_at(street.house(61)), sip_at(street.house(62))];
    Kamailio::start(house, street.box_sip(), forks)
}

fn sip_at(house: Ipv4Addr) -> SocketAddrV4 {
    SocketAddrV4::new(house, 5060)
}

/// Through how many hands a message has gone.
fn vias(message: &Message) -> usize {
    message.headers("Via").flat_map(|line| line.split(',')).count()
}
