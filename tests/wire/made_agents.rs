//! Agents made by the API: their phones register like any other, with the password that was told once.

use crate::harness::appliance::agent_state;
use crate::harness::baresip::Account;
use crate::harness::{Appliance, Baresip, Household, Linphone, PATIENCE, Phone, Street, Voice, eventually};
use serde_json::json;
use std::net::SocketAddrV4;

const OMAR: &str = r#"{"id":"omar","name":"Omar","extension":"1003","groups":["sales"]}"#;

/// A baresip takes a call of its group; the agent survives a restart, is given another password, and is removed.
#[test]
fn the_phone_of_an_agent_made_by_the_api_registers_rings_and_is_let_go_with_its_password() {
    let street = Street::claim();
    let household = Household::with_menu(10, 1)
        .phone("ali", "1001", &[])
        .number("8001", r#"group="sales""#);
    let mut appliance = Appliance::open(&street, &household);
    let made = appliance.post("/api/v1/agents", OMAR).json();
    let password = made["password"].as_str().expect("a password is told").to_owned();
    let account = |password: &str| {
        Account::new("1003", street.box_sip())
            .answering()
            .with_password(password)
    };
    let mut phone = Baresip::start(&street, &account(&password));
    appliance.until_registered(1);
    assert_eq!(agent_state(&appliance.status(), "omar"), "available");

    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let voice = Voice::at(street.pbx());
    let talk = caller.dial("8001", voice.address).answered();
    talk.hang_up();
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "omar"));
    phone.switch_off();
    appliance.until_registered(0);

    appliance.stop();
    appliance.start();
    let shown = appliance.get("/api/v1/agents/omar").json();
    assert_eq!(shown["written"]["extension"], "1003");
    let _phone = Baresip::start(&street, &account(&password));
    appliance.until_registered(1);

    let renewed = appliance.post("/api/v1/agents/omar/password", "{}").json();
    appliance.until_registered(0);
    let renewed = renewed["password"]
        .as_str()
        .expect("a password is told")
        .to_owned();
    let stale = Phone::new(
        "1003",
        SocketAddrV4::new(street.house(41), 5060),
        street.box_sip(),
    );
    assert_eq!(stale.register(&password, "MD5", 60).status(), Some(401));
    assert_eq!(stale.register(&renewed, "SHA-256", 60).status(), Some(200));
    appliance.until_registered(1);
    assert_eq!(appliance.delete("/api/v1/agents/omar"), 204);
    appliance.until_registered(0);
    assert_eq!(appliance.status()["agents"].as_array().map(Vec::len), Some(1));
}

/// A Linphone that is told nothing but the address in the sheet's QR code registers, once; the address gives nothing a
/// second time, and the phone does not ask again.
#[test]
fn a_linphone_sets_itself_up_from_the_sheet() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::new().group("sales", ""));
    let form = "id=omar&name=Omar+%22the+door%22&extension=1003&place=here&group=sales&enabled=on";
    let sheet = appliance.submit("/phones/agents", form);
    assert_eq!(sheet.status, 200, "{}", sheet.text());
    let text = sheet.text();
    let url = text
        .split("id=\"sheet-linphone\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("the sheet has an address")
        .to_owned();
    let mut phone = Linphone::start_provisioned("1003", street.house(31), street.box_sip(), &url);
    appliance.until_registered(1);
    let status = appliance.status();
    assert_eq!(status["registrations"][0]["agent"], json!("omar"));
    let path = url
        .split_once("/provision/")
        .map(|(_, code)| format!("/provision/{code}"));
    assert_eq!(
        appliance.try_get(&path.expect("an address")),
        Some(404),
        "a second time"
    );
    phone.switch_off();
    eventually("it forgets where its settings came from", PATIENCE, || {
        (!phone.settings().contains("config-uri=http")).then_some(())
    });
}
