//! Conversations handed on by real phones: linphone with REFER, alone and with Replaces; a phone of the PBX by its PBX.

use crate::harness::asterisk::Asterisk;
use crate::harness::baresip::Account;
use crate::harness::{
    Appliance, Baresip, Household, Linphone, PATIENCE, Phone, Street, Voice, eventually, tone,
};
use std::net::SocketAddrV4;
use std::time::Duration;

/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// What the first agent hums.
const MONA_HZ: u32 = 1000;
/// What the second agent hums.
const ALI_HZ: u32 = 1500;

const SECOND: Duration = Duration::from_secs(1);

/// RFC 3515: the caller goes on to the colleague without noticing more than another voice.
#[test]
fn a_linphone_sends_its_caller_on_to_a_baresip() {
    let street = Street::claim();
    let office = Office::open(&street);
    let Office {
        appliance,
        mut mona,
        mut ali,
    } = office;
    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let ear = Voice::at(street.pbx());
    let dialling = caller.dial("8001", ear.address);
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    let talk = dialling.answered();
    ear.hum(talk.audio, CALLER_HZ);
    eventually("the caller and Mona hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), MONA_HZ).min(mona.heard(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    mona.transfer("1001");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("the caller and Ali hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), ALI_HZ).min(ali.heard_so_far(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    mona.wait_for("ended");
    talk.hang_up();
    ali.wait_for("CALL_CLOSED");
    appliance.until_quiet();
    assert_eq!(appliance.until_recorded(1)[0].text("status"), "ANSWER");
}

/// RFC 3891: Mona asks Ali first, then puts her caller through to him.
#[test]
fn a_linphone_puts_its_caller_through_to_a_baresip_it_has_asked() {
    let street = Street::claim();
    let Office {
        appliance,
        mut mona,
        mut ali,
    } = Office::open(&street);
    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let ear = Voice::at(street.pbx());
    let dialling = caller.dial("8001", ear.address);
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    let talk = dialling.answered();
    ear.hum(talk.audio, CALLER_HZ);
    mona.wait_for("Media streams established");
    mona.hold();
    mona.dial("1001");
    ali.wait_for("CALL_ESTABLISHED");
    mona.wait_for("Media streams established");
    mona.put_through();
    eventually("the caller and Ali hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), ALI_HZ).min(ali.heard_so_far(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    talk.hang_up();
    ali.wait_for("CALL_CLOSED");
    appliance.until_quiet();
}

/// Through the trunk: a caller of the PBX is handed on by our agent, and an agent of ours by a phone of the PBX.
#[test]
fn a_call_between_the_pbx_and_the_box_is_handed_on_by_either_side() {
    let street = Street::claim();
    let pbx = Asterisk::start(&street);
    let Office {
        appliance,
        mut mona,
        mut ali,
    } = Office::open(&street);
    let mut desk = Baresip::start(&street, &Account::new("2001", pbx.at()).humming(CALLER_HZ));
    let mut neighbour = Baresip::start(
        &street,
        &Account::new("2002", pbx.at()).humming(ALI_HZ).answering(),
    );

    // Ours hands the PBX's caller on.
    desk.dial("8001");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    desk.wait_for("CALL_ESTABLISHED");
    eventually("the PBX's phone and Mona hear each other", PATIENCE, || {
        let both = desk.heard_so_far(MONA_HZ).min(mona.heard(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    mona.transfer("1001");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("the PBX's phone and Ali hear each other", PATIENCE, || {
        let both = desk.heard_so_far(ALI_HZ).min(ali.heard_so_far(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    desk.hang_up();
    ali.wait_for("CALL_CLOSED");
    appliance.until_recorded(1);

    // The PBX's phone hands our agent on.
    desk.dial("8001");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    desk.wait_for("CALL_ESTABLISHED");
    desk.transfer("2002");
    neighbour.wait_for("CALL_ESTABLISHED");
    eventually("Mona and the neighbour hear each other", PATIENCE, || {
        let both = neighbour.heard_so_far(MONA_HZ).min(mona.heard(ALI_HZ));
        (both >= SECOND).then_some(())
    });
    mona.hang_up();
    neighbour.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(2);
    assert_eq!(records[1].text("status"), "ANSWER");
    appliance.until_quiet();
}

/// Two agents with phones, one of whom has a number.
struct Office {
    appliance: Appliance,
    mona: Linphone,
    ali: Baresip,
}

impl Office {
    fn open(street: &Street) -> Self {
        let household = Household::new()
            .phone("ali", "1001", &[])
            .phone("mona", "1002", &[])
            .number("8001", r#"agent="mona""#);
        let appliance = Appliance::open(street, &household);
        let mona = Linphone::start("1002", street.house(32), street.box_sip(), MONA_HZ);
        let account = Account::new("1001", street.box_sip()).humming(ALI_HZ);
        let ali = Baresip::start(street, &account.answering());
        appliance.until_registered(2);
        Self { appliance, mona, ali }
    }
}
