//! Passwords: who guesses is shut out, who knows is let in, and phones of yesterday come in without a setting.

use crate::harness::baresip::Account;
use crate::harness::household::{MAIN_NUMBER, password};
use crate::harness::sip::{Dialog, sdp};
use crate::harness::{Appliance, Baresip, Household, Phone, Street, Voice};
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::Duration;

/// DC-009, ROBUSTNESS 33: Debian's baresip gives up on a challenge that names SHA-256. It registers and calls with a
/// configuration that says nothing of digests, while a phone that knows SHA-256 is asked for it.
#[test]
fn a_phone_that_stumbles_over_sha_256_registers_without_a_setting() {
    let street = Street::claim();
    let household = Household::with_menu(2, 1)
        .phone("ali", "1001", &["sales"])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let _old = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    appliance.until_registered(1);
    let new = phone("1002", &street, 42);
    let target = format!("sip:{}", street.box_sip().ip());
    let challenge = new.ask(&new.request("REGISTER", &target));
    let offered: Vec<&str> = challenge.headers("WWW-Authenticate").collect();
    assert!(
        offered.len() == 2 && offered[0].contains("SHA-256") && offered[1].contains("MD5"),
        "{offered:?}"
    );
    assert_eq!(
        new.register(&password("1002"), "SHA-256", 600).status(),
        Some(200)
    );
    appliance.until_registered(2);
    let weaker = phone("1002", &street, 43).register(&password("1002"), "MD5", 600);
    assert_eq!(
        weaker.status(),
        Some(401),
        "who has shown to know better is held to it"
    );
}

/// ROBUSTNESS 25: ten wrong passwords, then silence; it is shown, told, and undone by the API and the command.
#[test]
fn who_guesses_at_passwords_is_shut_out_shown_and_let_in_by_a_person() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::new().phone("ali", "1001", &[]));
    let good = phone("1001", &street, 41);
    assert_eq!(
        good.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
    for undo in ["api", "command"] {
        let guesser = phone("1001", &street, 66);
        let mut guesses = 0;
        while guesses < 10 {
            guesses += 1;
            let answer = guesser.register(&format!("guess {guesses}"), "SHA-256", 600);
            assert_eq!(answer.status(), Some(401));
        }
        let shut = appliance.until("the guesser is shut out", |status| {
            status["bans"].as_array().is_some_and(|bans| bans.len() == 1)
        });
        let ban = &shut["bans"][0];
        let address = street.house(66).to_string();
        assert_eq!(ban["address"], address.as_str());
        assert_eq!(
            (ban["reason"].as_str(), ban["user"].as_str()),
            (Some("wrong_passwords"), Some("1001"))
        );
        assert!(
            ban["seconds"]
                .as_u64()
                .is_some_and(|left| (800..=900).contains(&left)),
            "{ban}"
        );
        guesser.say(&guesser.request("OPTIONS", &format!("sip:{}", street.box_sip())));
        assert!(
            guesser.hear(Duration::from_millis(300)).is_none(),
            "it is not answered"
        );
        assert_eq!(
            good.register(&password("1001"), "SHA-256", 600).status(),
            Some(200),
            "the owner is"
        );
        match undo {
            "api" => {
                assert_eq!(appliance.delete(&format!("/api/v1/bans/{address}")), 204);
                appliance.until("it is let in", |status| status["bans"] == serde_json::json!([]));
                assert_eq!(appliance.delete(&format!("/api/v1/bans/{address}")), 404);
                assert_eq!(appliance.delete("/api/v1/bans/nobody"), 400);
            }
            _ => {
                let listed = appliance.run(&["bans", "list"]).unwrap_or_default();
                assert!(listed.contains(&address) && listed.contains("1001"), "{listed}");
                assert!(appliance.run(&["bans", "lift", &address]).is_some());
                assert!(
                    appliance.run(&["bans", "lift", &address]).is_none(),
                    "twice is a mistake"
                );
            }
        }
        let options = guesser.request("OPTIONS", &format!("sip:{}", street.box_sip()));
        assert_eq!(guesser.ask(&options).status(), Some(200));
    }
    let log = appliance.log();
    assert_eq!(log.matches("is shut out for 15 minutes").count(), 2, "{log}");
    let metrics = appliance.get("/metrics").text();
    assert!(metrics.contains("callpost_bans_total 2"), "{metrics}");
}

/// ROBUSTNESS 37: on the wire: a stranger who knows every name of a call still cannot touch it.
#[test]
fn a_stranger_with_the_right_tags_cannot_end_a_call() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let stranger = phone("+966501234567", &street, 66);
    let voice = Voice::at(street.pbx());
    let mut call: Dialog = caller.dial(MAIN_NUMBER, voice.address).answered();
    for (number, method) in ["BYE", "INFO", "UPDATE", "INVITE"].into_iter().enumerate() {
        let draft = call
            .request(method)
            .with("Via", &stranger.via())
            .with("CSeq", &format!("{} {method}", 100 + number));
        let draft = match method {
            "INVITE" => draft.offering(&sdp(voice.address, "sendonly")),
            _ => draft,
        };
        let answer = stranger.ask(&draft);
        assert!(matches!(answer.status(), Some(403 | 481)), "{method}: {answer:?}");
    }
    let status = appliance.status();
    assert_eq!(
        status["calls"].as_array().map(Vec::len),
        Some(1),
        "the call goes on"
    );
    assert_eq!(status["counters"]["sip_strangers"], 4);
    assert!(appliance.log().contains("has no part in the call it sent BYE to"));
    call.hang_up();
    appliance.until_quiet();
}

fn phone(extension: &str, street: &Street, house: u8) -> Rc<Phone> {
    Phone::new(
        extension,
        SocketAddrV4::new(street.house(house), 0),
        street.box_sip(),
    )
}
