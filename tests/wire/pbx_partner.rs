//! Asterisk as a partner: what is held, handed on, encrypted and translated across the trunk, by either side.

use crate::harness::baresip::Account;
use crate::harness::{
    Appliance, Asterisk, Baresip, Household, Linphone, PATIENCE, Street, eventually, tone, wav,
};
use std::time::Duration;

/// What the phone of the PBX hums.
const DESK_HZ: u32 = 440;
/// What its neighbour hums.
const NEIGHBOUR_HZ: u32 = 700;
/// What Ali hums.
const ALI_HZ: u32 = 1000;
/// What Mona hums.
const MONA_HZ: u32 = 1500;
/// The music of the PBX.
const PBX_MUSIC_HZ: u32 = 1900;
/// The music of the box.
const BOX_MUSIC_HZ: u32 = 2300;

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// 20 s of a tone as a sound file, for the PBX to play.
fn pbx_music() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("music.wav");
    wav::write_file(&file, &tone::sine(PBX_MUSIC_HZ, Duration::from_secs(20)));
    std::fs::read(file).expect("the music can be read")
}

fn is_on_hold(appliance: &Appliance, is: bool) {
    appliance.until(&format!("the call is on hold: {is}"), |status| {
        status["calls"][0]["on_hold"] == is
    });
}

/// Issue 3, trunk both ways: who is held hears the music of the side that holds; where the hold is told, by either side,
/// it is shown and it is in the record.
#[test]
fn a_hold_of_either_side_of_the_trunk_is_music_for_the_other_and_time_in_the_record() {
    let street = Street::claim();
    let pbx = Asterisk::start_furnished(&street, &[("moh/music.wav", pbx_music())], |_, text| text);
    let household = Household::new()
        .phone("ali", "1001", &[])
        .behind_trunk("neighbour", "2002", &[])
        .prompt("hold-music", BOX_MUSIC_HZ, Duration::from_secs(20))
        .number("8001", r#"agent="ali""#)
        .number("8002", r#"agent="neighbour""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_sip()).humming(ALI_HZ);
    let mut ali = Baresip::start(&street, &account.answering());
    let mut desk = Baresip::start(&street, &Account::new("2001", pbx.at()).humming(DESK_HZ));
    let account = Account::new("2002", pbx.at()).humming(NEIGHBOUR_HZ);
    let mut neighbour = Baresip::start(&street, &account.answering());
    appliance.until_registered(1);
    let hears = |phone: &Baresip, hertz: u32| {
        eventually(&format!("{hertz} Hz is heard"), PATIENCE, || {
            (phone.heard_so_far(hertz) >= HALF_A_SECOND).then_some(())
        });
    };

    // Ours holds: the box plays.
    desk.dial("8001");
    desk.wait_for("CALL_ESTABLISHED");
    hears(&ali, DESK_HZ);
    ali.hold();
    is_on_hold(&appliance, true);
    hears(&desk, BOX_MUSIC_HZ);
    ali.resume();
    is_on_hold(&appliance, false);
    desk.hang_up();
    ali.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(1);
    assert!(records[0].millis("hold_ms") > 0, "{records:#?}");

    // The PBX keeps its phone's hold to itself, and plays.
    desk.dial("8001");
    desk.wait_for("CALL_ESTABLISHED");
    ali.wait_for("CALL_ESTABLISHED");
    desk.hold();
    hears(&ali, PBX_MUSIC_HZ);
    desk.hang_up();
    ali.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(2);
    assert_eq!(records[1].millis("hold_ms"), 0, "{records:#?}");

    // The PBX tells us that its phone holds.
    desk.dial("*8001");
    desk.wait_for("CALL_ESTABLISHED");
    ali.wait_for("CALL_ESTABLISHED");
    desk.hold();
    is_on_hold(&appliance, true);
    desk.resume();
    is_on_hold(&appliance, false);
    let so_far = ali.heard_so_far(DESK_HZ);
    eventually("Ali hears the desk again", PATIENCE, || {
        (ali.heard_so_far(DESK_HZ) >= so_far + HALF_A_SECOND).then_some(())
    });
    desk.hang_up();
    ali.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(3);
    assert!(records[2].millis("hold_ms") > 0, "{records:#?}");

    // A call of ours to the PBX.
    ali.dial("8002");
    neighbour.wait_for("CALL_ESTABLISHED");
    ali.wait_for("CALL_ESTABLISHED");
    ali.hold();
    is_on_hold(&appliance, true);
    hears(&neighbour, BOX_MUSIC_HZ);
    ali.resume();
    is_on_hold(&appliance, false);
    ali.hang_up();
    neighbour.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(4);
    assert!(records[3].millis("hold_ms") > 0, "{records:#?}");
    appliance.until_quiet();
}

/// RFC 3891, RFC 3515: a phone on each side asks a colleague first and puts its caller through; and the PBX itself sends
/// a caller of ours on, by REFER.
#[test]
fn calls_over_the_trunk_are_put_through_after_asking_and_sent_on_by_the_pbx_itself() {
    let street = Street::claim();
    let pbx = Asterisk::start(&street);
    let household = Household::new()
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[])
        .behind_trunk("neighbour", "2002", &[])
        .behind_trunk("forwarder", "2999", &[])
        .number("8001", r#"agent="ali""#)
        .number("8002", r#"agent="neighbour""#)
        .number("8003", r#"agent="mona""#)
        .number("8004", r#"agent="forwarder""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_sip()).humming(ALI_HZ);
    let mut ali = Baresip::start(&street, &account.answering());
    let mut mona = Linphone::start("1002", street.house(32), street.box_sip(), MONA_HZ);
    let mut desk = Linphone::start("2001", street.house(33), pbx.at(), DESK_HZ);
    let account = Account::new("2002", pbx.at()).humming(NEIGHBOUR_HZ);
    let mut neighbour = Baresip::start(&street, &account.answering());
    appliance.until_registered(2);
    pbx.until_registered("2001");

    // The desk of the PBX talks to Ali, asks Mona, and leaves the two alone.
    desk.dial("8001");
    desk.wait_for("Media streams established");
    ali.wait_for("CALL_ESTABLISHED");
    desk.hold();
    desk.dial("8003");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    desk.wait_for("Media streams established");
    desk.put_through();
    eventually("Ali and Mona hear each other through the PBX", PATIENCE, || {
        let both = ali.heard_so_far(MONA_HZ).min(mona.heard(ALI_HZ));
        (both >= HALF_A_SECOND).then_some(())
    });
    ali.hang_up();
    mona.wait_for("ended");
    let records = appliance.until_recorded(2);
    assert!(
        records.iter().all(|record| record.text("status") == "ANSWER"),
        "{records:#?}"
    );

    // The desk calls Mona, who asks the neighbour at the PBX, and leaves those two alone.
    desk.dial("8003");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    mona.wait_for("Media streams established");
    mona.hold();
    mona.dial("8002");
    neighbour.wait_for("CALL_ESTABLISHED");
    mona.wait_for("Media streams established");
    mona.put_one_through(2, 3);
    eventually(
        "the desk and the neighbour hear each other through the box",
        PATIENCE,
        || {
            let both = neighbour.heard_so_far(DESK_HZ).min(desk.heard(NEIGHBOUR_HZ));
            (both >= HALF_A_SECOND).then_some(())
        },
    );
    neighbour.hang_up();
    desk.wait_for("ended");
    appliance.until_quiet();
    let so_far = appliance.records().len();

    // The PBX answers Ali and sends him to Mona.
    ali.dial("8004");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    eventually("Ali and Mona hear each other", PATIENCE, || {
        let both = ali.heard_so_far(MONA_HZ).min(mona.heard(ALI_HZ));
        (both >= HALF_A_SECOND).then_some(())
    });
    mona.hang_up();
    ali.wait_for("CALL_CLOSED");
    let records = appliance.until_recorded(so_far + 1);
    assert_eq!(records[so_far].text("status"), "ANSWER", "{records:#?}");
    appliance.until_quiet();
}

/// Issue 3: a trunk by TLS with SRTP that speaks G.722 alone, between two phones that know only one law of G.711 each: both
/// machines translate, both ways, and both ends are heard and recorded.
#[test]
fn an_encrypted_trunk_of_another_codec_is_spoken_both_ways() {
    let street = Street::claim();
    let made = rcgen::generate_simple_self_signed([street.pbx().to_string()]).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let files = [
        ("pbx.pem", certificate.clone().into_bytes()),
        ("pbx.key", key.into_bytes()),
    ];
    let pbx = Asterisk::start_furnished(&street, &files, |file, text| match file {
        "pjsip.conf" => encrypted(&street, &text),
        _ => text,
    });
    let folder = tempfile::tempdir().expect("a folder can be made");
    let authority = folder.path().join("pbx.pem");
    std::fs::write(&authority, certificate).expect("a file can be written");
    let keys = format!(
        "port=5061\ntransport=\"tls\"\nsrtp=\"required\"\ncodecs=[\"G722\"]\nca_file=\"{}\"",
        authority.display()
    );
    let household = Household::new()
        .listening("tls")
        .pbx_keys(&keys)
        .speaking(&["PCMA", "PCMU", "G722"])
        .phone("ali", "1001", &[])
        .behind_trunk("neighbour", "2002", &[])
        .number("8001", r#"agent="ali""#)
        .number("8002", r#"agent="neighbour""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_sip()).speaking("PCMA");
    let mut ali = Baresip::start(&street, &account.humming(ALI_HZ).answering());
    let account = Account::new("2002", pbx.at()).speaking("PCMU");
    let mut neighbour = Baresip::start(&street, &account.humming(NEIGHBOUR_HZ).answering());
    appliance.until_registered(1);
    appliance.until("the trunk is up", |status| status["trunks"][0]["state"] == "up");
    let talk = |ali: &Baresip, neighbour: &Baresip| {
        eventually("they hear each other", PATIENCE, || {
            let both = ali.heard_so_far(NEIGHBOUR_HZ).min(neighbour.heard_so_far(ALI_HZ));
            (both >= Duration::from_secs(1)).then_some(())
        });
    };
    for is_ours in [true, false] {
        if is_ours {
            ali.dial("8002");
        } else {
            neighbour.dial("8001");
        }
        ali.wait_for("CALL_ESTABLISHED");
        neighbour.wait_for("CALL_ESTABLISHED");
        talk(&ali, &neighbour);
        ali.hang_up();
        neighbour.wait_for("CALL_CLOSED");
        appliance.until_quiet();
    }
    for (record, place) in appliance.until_recorded(2).iter().zip([1, 0]) {
        let leg = |place: usize| record.0["legs"][place]["quality"]["srtp"].clone();
        assert_eq!(leg(place), "AES_CM_128_HMAC_SHA1_80", "{record:#?}");
        assert_eq!(leg(1 - place), serde_json::Value::Null);
        let recording = appliance.recording(&record.recording());
        for hertz in [ALI_HZ, NEIGHBOUR_HZ] {
            let heard = recording
                .channels
                .iter()
                .map(|channel| recording.heard(channel, hertz));
            let heard = heard.max().unwrap_or_default();
            assert!(heard >= Duration::from_millis(800), "{hertz} Hz: {heard:?}");
        }
    }
    assert!(!appliance.log().contains("inline"), "a key was logged");
}

/// RFC 3261 §10.2.2: the PBX sends no more calls to a box that has forgotten it.
#[test]
fn a_trunk_that_is_taken_out_of_the_file_is_gone_at_its_registrar_too() {
    let street = Street::claim();
    // The PBX asks who registers, not from where.
    let pbx = Asterisk::start_with(&street, |_, text| {
        text.replace(
            "user_agent=pbx",
            "user_agent=pbx\nendpoint_identifier_order=username,ip",
        )
    });
    let plain = "transport=\"udp\"";
    let keys = format!("{plain}\nusername=\"2001\"\npassword=\"secret-2001\"\nregister=true");
    let appliance = Appliance::open(&street, &Household::new().pbx_keys(&keys));
    pbx.until_registered("2001");
    appliance.refurnish(&street, &Household::new().pbx_keys(plain));
    eventually("the PBX has let it go", PATIENCE, || {
        (!pbx.knows("2001")).then_some(())
    });
}

/// The PBX speaks TLS to the box, encrypts its voice, and has one codec for it.
fn encrypted(street: &Street, text: &str) -> String {
    let (pbx, here) = (street.pbx(), street.house(1));
    let transport = format!(
        "[tls]\ntype=transport\nprotocol=tls\nbind={pbx}:5061\ncert_file=@ETC@/pbx.pem\n\
         priv_key_file=@ETC@/pbx.key\nmethod=tlsv1_2\n"
    );
    let endpoint = "[box](audio)\nmedia_encryption=sdes\ntransport=tls\ndisallow=all\nallow=g722\n";
    text.replace("[box](audio)\n", &format!("{transport}{endpoint}"))
        .replace(&format!("{here}:5060"), &format!("{here}:5061\\;transport=tls"))
}
