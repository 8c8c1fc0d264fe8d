//! The lamp of a real phone that says a message waits: RFC 3842.

use crate::harness::baresip::Account;
use crate::harness::{Appliance, Baresip, Household, Phone, Street, Voice};
use crate::voicemail::until_message_lasts;
use std::net::SocketAddrV4;

/// RFC 3842: the lamp of the group is lit by a message, and lit again when the phone comes back after a restart.
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
    let mut ali = Baresip::start_before(&street, &account, &appliance);
    appliance.until_registered(1);
    ali.until_shown("Messages-Waiting: no");

    let pbx = SocketAddrV4::new(street.pbx(), 5060);
    let caller = Phone::new("+966501234567", pbx, street.box_sip());
    let mouth = Voice::at(street.pbx());
    let talk = caller.dial("8001", mouth.address).answered();
    mouth.hum(talk.audio, 440);
    until_message_lasts(&appliance, 2);
    talk.hang_up();
    ali.until_shown("Messages-Waiting: yes");
    assert!(ali.screen().contains("Voice-Message: 1/0"));
    appliance.until_quiet();

    ali.switch_off();
    appliance.until_registered(0);
    appliance.stop();
    appliance.start();
    let again = Baresip::start_before(&street, &account, &appliance);
    again.until_shown("Messages-Waiting: yes");
}
