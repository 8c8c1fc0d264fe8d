//! Keys between phones that tell of them in different ways.

use crate::harness::baresip::Account;
use crate::harness::household::MAIN_NUMBER;
use crate::harness::{Appliance, Baresip, Household, PATIENCE, Phone, Street, Voice, eventually};
use std::net::SocketAddrV4;
use std::rc::Rc;

const CALLER_HZ: u32 = 440;
const AGENT_HZ: u32 = 1000;

/// A phone of the PBX.
fn trunk_phone(street: &Street) -> Rc<Phone> {
    let at = SocketAddrV4::new(street.pbx(), 5060);
    Phone::new("+966501234567", at, street.box_sip())
}

/// An offer without telephone-event.
fn plain(audio: SocketAddrV4) -> String {
    let (host, port) = (audio.ip(), audio.port());
    format!(
        "v=0\r\no=- 7 7 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// A caller walks the menu to a baresip; both talk.
fn talks_to_baresip(
    street: &Street,
    appliance: &Appliance,
    voice: &Voice,
    call_audio: SocketAddrV4,
    first: impl FnOnce(&Voice),
) -> Baresip {
    let account = Account::new("1002", street.box_sip()).humming(AGENT_HZ);
    let mut agent = Baresip::start(street, &account);
    appliance.until_registered(1);
    voice.hum(call_audio, CALLER_HZ);
    first(voice);
    eventually("the first key is let go", PATIENCE, || {
        (voice.keys_sent() == 1).then_some(())
    });
    agent.wait_for("CALL_INCOMING");
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED");
    appliance.until("both talk", |status| status["calls"][0]["stage"] == "talking");
    agent
}

/// DC-003: tones in the voice, by a caller that knows nothing else, to a phone that hears telephone-events.
#[test]
fn a_sung_key_walks_the_menu_and_reaches_a_real_phone_as_a_telephone_event() {
    let street = Street::claim();
    let household = Household::with_menu(20, 1).phone("ali", "1002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let to = format!("sip:{MAIN_NUMBER}@{}", street.box_sip());
    let invite = caller.request("INVITE", &to).offering(&plain(voice.address));
    let call = caller.dial_with(invite).answered();
    let mut agent = talks_to_baresip(&street, &appliance, &voice, call.audio, |voice| voice.sing('1'));
    voice.sing('5');
    let heard = agent.wait_for("CALL_DTMF_START");
    assert_eq!(heard["param"], "5", "{heard}");
    call.hang_up();
    assert_eq!(appliance.only_record().text("digits"), "15");
}

/// DC-003: telephone-events of the caller, to a phone that wants INFO.
#[test]
fn a_real_phone_that_wants_info_is_told_by_info() {
    let street = Street::claim();
    let household = Household::with_menu(20, 1).phone_with("ali", "1002", &["sales"], "dtmf=\"info\"");
    let appliance = Appliance::open(&street, &household);
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let call = caller.dial(MAIN_NUMBER, voice.address).answered();
    let mut agent = talks_to_baresip(&street, &appliance, &voice, call.audio, |voice| voice.press('1'));
    for (key, pressed) in [('7', 2), ('7', 3), ('#', 4)] {
        voice.press(key);
        let heard = agent.wait_for("CALL_DTMF_START");
        assert_eq!(heard["param"], key.to_string(), "{heard}");
        eventually("the key is let go", PATIENCE, || {
            (voice.keys_sent() >= pressed).then_some(())
        });
    }
    call.hang_up();
    assert_eq!(appliance.only_record().text("digits"), "177#");
}

/// The agent's keys reach a caller that knows no telephone-event as tones in the voice.
#[test]
fn a_real_phones_keys_are_sung_to_a_caller_that_knows_no_telephone_event() {
    let street = Street::claim();
    let household = Household::with_menu(20, 1).phone("ali", "1002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let to = format!("sip:{MAIN_NUMBER}@{}", street.box_sip());
    let invite = caller.request("INVITE", &to).offering(&plain(voice.address));
    let call = caller.dial_with(invite).answered();
    let mut agent = talks_to_baresip(&street, &appliance, &voice, call.audio, |voice| voice.sing('1'));
    voice.forget();
    agent.press('9');
    eventually("the caller hears 852 and 1477 Hz", PATIENCE, || {
        let heard = voice.heard();
        let strong = |hertz: f64| {
            heard.chunks_exact(400).any(|piece| {
                let (mut sine, mut cosine) = (0.0, 0.0);
                for (place, sample) in piece.iter().enumerate() {
                    let angle = std::f64::consts::TAU * hertz * place as f64 / 8000.0;
                    sine += f64::from(*sample) * angle.sin();
                    cosine += f64::from(*sample) * angle.cos();
                }
                f64::hypot(sine, cosine) / 200.0 > 3000.0
            })
        };
        (strong(852.0) && strong(1477.0)).then_some(())
    });
    call.hang_up();
    assert_eq!(
        appliance.only_record().text("digits"),
        "1",
        "the agent's keys are not the caller's"
    );
}
