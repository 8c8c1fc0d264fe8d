//! Phones register: over UDP and TCP, with MD5 and SHA-256, several an extension, across a restart.

use crate::harness::appliance::agent_state;
use crate::harness::baresip::Account;
use crate::harness::household::password;
use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Baresip, Household, Phone, Street, Voice};
use std::net::SocketAddrV4;
use std::process::Command;
use std::rc::Rc;

/// DC-009.
#[test]
fn a_phone_registers_over_udp_is_shown_and_goes_away_when_switched_off() {
    registers_over("udp");
}

/// DC-009.
#[test]
fn a_phone_registers_over_tcp_is_shown_and_goes_away_when_switched_off() {
    registers_over("tcp");
}

fn registers_over(transport: &'static str) {
    let street = Street::claim();
    let household = Household::with_menu(2, 1).phone("ali", "1001", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    assert_eq!(agent_state(&appliance.status(), "ali"), "offline");

    let mut phone = Baresip::start(&street, &Account::new("1001", street.box_sip()).over(transport));
    appliance.until_registered(1);
    let status = appliance.status();
    let shown = &status["registrations"][0];
    assert_eq!(shown["extension"], "1001");
    assert_eq!(shown["agent"], "ali");
    assert_eq!(shown["transport"], transport);
    assert_eq!(agent_state(&status, "ali"), "available");

    phone.switch_off();
    appliance.until_registered(0);
    assert_eq!(agent_state(&appliance.status(), "ali"), "offline");
}

/// DC-009.
#[test]
fn a_phone_may_answer_the_challenge_with_md5_or_with_sha_256() {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[])
        .challenging(&["SHA-256", "MD5"]);
    let appliance = Appliance::open(&street, &household);
    for (extension, algorithm) in [("1001", "MD5"), ("1002", "SHA-256")] {
        let phone = desk_phone(extension, 5060, &street);
        let answer = phone.register(&password(extension), algorithm, 600);
        assert_eq!(answer.status(), Some(200), "{algorithm} is taken: {answer:?}");
        assert!(
            answer.header("Contact").contains(&phone.contact()),
            "the binding is told: {answer:?}"
        );
    }
    appliance.until_registered(2);
}

#[test]
fn a_wrong_password_and_an_unknown_user_cannot_be_told_apart() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::new().phone("ali", "1001", &[]));
    let refused = |extension: &str| {
        let phone = desk_phone(extension, 0, &street);
        let answer = phone.register("not-the-password", "MD5", 600);
        let mut shape: Vec<String> = answer
            .headers
            .iter()
            .map(|(name, value)| shape_of(name, value))
            .collect();
        shape.insert(0, answer.first_line.clone());
        shape
    };
    let known = refused("1001");
    assert_eq!(
        known[0].get(..11),
        Some("SIP/2.0 401"),
        "refused once more: {known:?}"
    );
    assert_eq!(known, refused("1999"), "who is at home is nobody's business");
    assert_eq!(appliance.status()["counters"]["auth_failed"], 2);
}

/// A header without what differs from message to message by its nature.
fn shape_of(name: &str, value: &str) -> String {
    match name {
        "Via" | "From" | "To" | "Call-ID" | "CSeq" | "Date" => name.to_owned(),
        "WWW-Authenticate" => {
            let parts = value.split(',').map(str::trim);
            let parts: Vec<&str> = parts
                .filter(|part| !part.trim_start_matches("Digest ").starts_with("nonce="))
                .collect();
            format!("{name}: {}", parts.join(","))
        }
        _ => format!("{name}: {value}"),
    }
}

/// DC-009.
#[test]
fn several_phones_of_one_extension_ring_and_one_of_them_takes_the_call() {
    let street = Street::claim();
    let household = Household::with_menu(5, 1)
        .phone("ali", "1001", &["sales"])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let (desk, kitchen) = (
        desk_phone("1001", 5060, &street),
        desk_phone("1001", 5070, &street),
    );
    for phone in [&desk, &kitchen] {
        assert_eq!(phone.register(&password("1001"), "MD5", 600).status(), Some(200));
    }
    appliance.until_registered(2);

    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let (ear, mouth) = (Voice::at(street.pbx()), Voice::at(*desk.at().ip()));
    let dialling = caller.dial("8001", ear.address);
    let at_the_desk = desk.expect_request("INVITE");
    let in_the_kitchen = kitchen.expect_request("INVITE");
    kitchen.answer(&in_the_kitchen, "180 Ringing", "kitchen");
    let talk = Dialog::accept(&desk, &at_the_desk, mouth.address);

    let cancel = kitchen.expect_request("CANCEL");
    assert!(
        cancel.says_completed_elsewhere(),
        "the kitchen phone shows no missed call: {cancel:?}"
    );
    kitchen.answer(&cancel, "200 OK", "kitchen");
    kitchen.answer(&in_the_kitchen, "487 Request Terminated", "kitchen");
    dialling.answered().hang_up();
    talk.hung_up_on();
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "ali"));
    assert_eq!(record.results().len(), 2, "each phone has its leg: {record:#?}");
}

#[test]
fn a_registration_survives_a_restart_of_the_box() {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .number("8001", r#"agent="ali""#);
    let mut appliance = Appliance::open(&street, &household);
    let phone = desk_phone("1001", 5060, &street);
    assert_eq!(phone.register(&password("1001"), "MD5", 600).status(), Some(200));
    appliance.until_registered(1);

    appliance.stop();
    appliance.start();
    appliance.until_registered(1);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let ear = Voice::at(street.pbx());
    let dialling = caller.dial("8001", ear.address);
    let invite = phone.expect_request("INVITE");
    phone.answer(&invite, "486 Busy Here", "busy");
    dialling.refused(486);
}

/// Liveness by a tool everybody has.
#[test]
fn sipsak_finds_the_box_alive() {
    crate::harness::setup::ensure("sipsak");
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::new());
    let output = Command::new("sipsak")
        .args(["-v", "-s", &format!("sip:ping@{}", street.box_sip())])
        .output();
    let output = output.expect("sipsak starts");
    assert!(
        output.status.success(),
        "sipsak says: {}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// A phone of the test with this extension; its port tells phones of one house apart.
fn desk_phone(extension: &str, port: u16, street: &Street) -> Rc<Phone> {
    let house = if extension == "1001" { 41 } else { 42 };
    Phone::new(
        extension,
        SocketAddrV4::new(street.house(house), port),
        street.box_sip(),
    )
}
