//! The lamp of a real phone that says a message waits: RFC 3842.

use crate::harness::baresip::Account;
use crate::harness::{Appliance, Baresip, Household, Phone, Street, Voice};
use std::net::SocketAddrV4;

/// The lamp of everybody in the group is lit, and lit again when the phone registers anew after a restart.
#[test]
fn a_message_for_the_group_lights_the_lamp_of_a_baresip_also_after_a_restart() {
    let street = Street::claim();
    let household = Household::new()
        .group("sales", "ring_seconds=1\nattempts=1")
        .phone("ali", "1001", &["sales"])
        .number("8001", r#"flow="box""#)
        .flow(
            "box",
            "name = \"box\"\nstart = \"box\"\n[step.box]  verb=\"voicemail\"  group=\"sales\"\n",
        );
    let mut appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_sip()).with_lamp();
    let mut ali = Baresip::start(&street, &account);
    appliance.until_registered(1);
    ali.until_told("MWI_NOTIFY", "Messages-Waiting: no");

    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let mouth = Voice::at(street.pbx());
    let talk = caller.dial("8001", mouth.address).answered();
    mouth.hum(talk.audio, 440);
    appliance.until("a message is being left", |status| {
        status["calls"][0]["seconds"].as_u64() >= Some(4)
    });
    talk.hang_up();
    ali.until_told("MWI_NOTIFY", "Messages-Waiting: yes");
    appliance.until_quiet();

    ali.switch_off();
    appliance.stop();
    appliance.start();
    let mut ali = Baresip::start(&street, &account);
    ali.until_told("MWI_NOTIFY", "Messages-Waiting: yes");
}
