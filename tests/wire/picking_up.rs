//! Calls taken from elsewhere by real phones: a key with a lamp that answers for a colleague, and conversations handed on to
//! or from another exchange (RFC 3891, RFC 4235).

use crate::harness::baresip::Account;
use crate::harness::{
    Appliance, Asterisk, Baresip, DeskPhone, Household, Linphone, PATIENCE, Phone, Street, Voice, eventually,
    tone,
};
use std::net::SocketAddrV4;
use std::time::Duration;

/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// What Mona hums.
const MONA_HZ: u32 = 1000;
/// What the phone of the PBX hums.
const DESK_HZ: u32 = 1500;

const SECOND: Duration = Duration::from_secs(1);

/// Ali's phone is a baresip that only rings; Mona's has a key with a lamp for it.
fn office(street: &Street, group: &str) -> (Appliance, Baresip, DeskPhone) {
    let household = Household::new()
        .group("sales", group)
        .phone("ali", "1001", &["sales"])
        .phone("mona", "1002", &["sales"])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(street, &household);
    let ali = Baresip::start(street, &Account::new("1001", street.box_sip()));
    let mona = DeskPhone::start("1002", street.house(32), street.box_sip(), MONA_HZ);
    appliance.until_registered(2);
    (appliance, ali, mona)
}

/// RFC 4235, RFC 3891; FIELD A1 (BLF), A7 (pickup): the lamp of a liblinphone follows a baresip, and its key answers for it.
#[test]
fn a_key_with_a_lamp_follows_a_colleague_and_answers_the_call_that_rings_there() {
    let street = Street::claim();
    let (appliance, mut ali, mut mona) = office(&street, "pickup=true");
    mona.watch("1001");
    mona.wait_for("lamp shows nothing");
    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let ear = Voice::at(street.pbx());

    // Ali answers himself: the lamp blinks, is lit, goes out.
    let dialling = caller.dial("8001", ear.address);
    ali.wait_for("CALL_INCOMING");
    mona.wait_for("lamp shows early sip:+966501234567@callpost");
    ali.accept();
    mona.wait_for("lamp shows confirmed");
    let talk = dialling.answered();
    talk.hang_up();
    mona.wait_for("lamp shows nothing");
    ali.wait_for("CALL_CLOSED");

    // Mona answers for him.
    let dialling = caller.dial("8001", ear.address);
    ali.wait_for("CALL_INCOMING");
    mona.wait_for("remote-tag=");
    mona.wait_for("lamp shows early");
    mona.pick_early();
    let talk = dialling.answered();
    ear.hum(talk.audio, CALLER_HZ);
    eventually("the caller and Mona hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), MONA_HZ).min(mona.heard(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    ali.wait_for("CALL_CLOSED");
    mona.wait_for("lamp shows nothing");
    mona.hang_up();
    talk.hung_up_on();
    appliance.until_quiet();
    assert!(!mona.display().contains("lamp INVALID"), "{}", mona.display());
    let records = appliance.until_recorded(2);
    assert_eq!(
        (records[1].text("status"), records[1].text("agent")),
        ("ANSWER", "mona")
    );
    assert_eq!(records[1].results(), ["answered_elsewhere", "answered"]);
}

/// ROBUSTNESS 40: in a group that does not say so nobody is told how to take a call.
#[test]
fn a_lamp_of_a_group_without_pickup_tells_no_names() {
    let street = Street::claim();
    let (appliance, mut ali, mut mona) = office(&street, "");
    mona.watch("1001");
    mona.wait_for("lamp shows nothing");
    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let ear = Voice::at(street.pbx());
    let dialling = caller.dial("8001", ear.address);
    ali.wait_for("CALL_INCOMING");
    mona.wait_for("lamp shows early");
    ali.accept();
    mona.wait_for("lamp shows confirmed");
    let talk = dialling.answered();
    talk.hang_up();
    mona.wait_for("lamp shows nothing");
    appliance.until_quiet();
    let display = mona.display();
    assert!(
        !display.contains("call-id=") && !display.contains("INVALID"),
        "{display}"
    );
}

/// A phone that is registered here and at the PBX talks with a caller here and with a phone there, and joins the two: the PBX
/// alone knows the second conversation, and the box takes its place there (RFC 3891 §4).
#[test]
fn a_linphone_puts_its_caller_through_to_a_conversation_it_has_at_the_pbx() {
    let street = Street::claim();
    let desk = Desk::open(&street, "");
    let Desk {
        appliance,
        mut mona,
        mut neighbour,
        ..
    } = desk;
    let (talk, ear) = desk.talk;
    mona.put_through();
    eventually("the caller and the PBX's phone hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), DESK_HZ).min(neighbour.heard_so_far(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    talk.hang_up();
    neighbour.wait_for("CALL_CLOSED");
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!(record.text("status"), "ANSWER");
    assert_eq!(record.results(), ["transferred", "answered"]);
}

/// The other way round: the PBX is told of the conversation here, and goes on with it in the phone's place (RFC 3891 §3),
/// which it may because the box trusts it with that.
#[test]
fn a_pbx_goes_on_in_the_place_of_a_linphone_that_has_handed_its_caller_on_to_it() {
    let street = Street::claim();
    let desk = Desk::open(&street, "takes_over=true");
    let Desk {
        appliance,
        mut mona,
        mut neighbour,
        pbx: _pbx,
        ..
    } = desk;
    let (talk, ear) = desk.talk;
    mona.put_one_through(2, 1);
    eventually("the caller and the PBX's phone hear each other", PATIENCE, || {
        let both = tone::heard(&ear.heard(), DESK_HZ).min(neighbour.heard_so_far(CALLER_HZ));
        (both >= SECOND).then_some(())
    });
    talk.hang_up();
    neighbour.wait_for("CALL_CLOSED");
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!(record.text("status"), "ANSWER");
    assert_eq!(record.results(), ["transferred", "answered"]);
}

/// Mona's phone is registered at the box and, as 2001, at the PBX. She talks with a caller from the carrier here and, holding
/// them, with 2002 there.
struct Desk {
    appliance: Appliance,
    pbx: Asterisk,
    mona: Linphone,
    neighbour: Baresip,
    talk: (crate::harness::sip::Dialog, Voice),
}

impl Desk {
    fn open(street: &Street, pbx_keys: &str) -> Self {
        let pbx = Asterisk::start(street);
        let carrier = street.house(50);
        let household = Household::new()
            .pbx_keys(&format!("transport=\"udp\"\n{pbx_keys}"))
            .trunk(&format!(
                "name=\"carrier\"\nhost=\"{carrier}\"\nprobe_seconds=0\nallow=[\"{carrier}/32\"]"
            ))
            .phone("mona", "1002", &[])
            .number("8001", r#"agent="mona""#);
        let appliance = Appliance::open(street, &household);
        let mut mona = Linphone::start("1002", street.house(32), street.box_sip(), MONA_HZ);
        appliance.until_registered(1);
        mona.registers_also("2001", pbx.at());
        pbx.until_registered("2001");
        let account = Account::new("2002", pbx.at()).humming(DESK_HZ).answering();
        let mut neighbour = Baresip::start(street, &account);
        let caller = Phone::new(
            "+966501234567",
            SocketAddrV4::new(carrier, 5060),
            street.box_sip(),
        );
        let ear = Voice::at(carrier);
        let dialling = caller.dial("8001", ear.address);
        mona.wait_for("Receiving new incoming call");
        mona.accept();
        let talk = dialling.answered();
        ear.hum(talk.audio, CALLER_HZ);
        mona.wait_for("Media streams established");
        mona.hold();
        mona.dial_at("2002", pbx.at());
        neighbour.wait_for("CALL_ESTABLISHED");
        mona.wait_for("Media streams established");
        Self {
            appliance,
            pbx,
            mona,
            neighbour,
            talk: (talk, ear),
        }
    }
}
