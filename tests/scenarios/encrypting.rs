//! Phones that encrypt their voice, phones that cannot, and what the rules make of both.

use crate::world::{Manner, Site, World};
use callpost::sdp::Srtp;
use callpost::sip::Transport;

/// 30 bytes in base64.
const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

/// An encrypted stream of the phone at this address, with a key under this tag.
fn with_key(ip: &str, tag: u32, key: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n\
         a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}\r\na={direction}\r\n"
    )
}

/// An office where ali's phone registered by TLS, and nobody else's phone rings.
fn office(srtp: Srtp) -> World {
    let mut site = Site::office().unrecorded();
    site.encryption.srtp = srtp;
    let mut world = World::unregistered(site, 1);
    world.phone("ali").transport = Transport::Tls;
    world.phone("ali").connection = Some(7);
    world.registers("ali", 600);
    world.after_seconds(1.0);
    world.ladder.lines.clear();
    world
}

/// The phone encrypts, the trunk does not: each leg for itself.
#[test]
fn a_phone_that_registered_by_tls_talks_encrypted_to_a_caller_who_does_not() {
    let mut world = office(Srtp::Allowed);
    world.set(
        "ali",
        Manner {
            sdp: Some(with_key("192.0.2.10", 1, KEY, "sendrecv")),
            ..Manner::answers_after(1.0)
        },
    );
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    let held = with_key("192.0.2.10", 1, KEY, "sendonly");
    world.let_phone("ali", |phone| phone.reinvite(Some(&held)));
    world.after_seconds(1.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call opened
       1.0s  box ──INVITE 1001 +sdp with keys──▶ ali
       1.0s  ali ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp with keys──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both under aes_cm_128_hmac_sha1_80
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  caller ──ACK──▶ box
       4.0s  ali ──INVITE +sdp sendonly with keys──▶ box
       4.0s  media: ali at 192.0.2.10:4000 pcmu receiveonly under aes_cm_128_hmac_sha1_80
       4.0s  box ──200 INVITE +sdp recvonly with keys──▶ ali
       4.0s  media: play en/hold-music to caller over and over
       4.0s  ali ──ACK──▶ box
       5.0s  ali ──BYE──▶ box
       5.0s  box ──200 BYE──▶ ali
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        4.0 s: wait 1.0 ring 1.0 talk 3.0 hold 1.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
}

#[test]
fn a_phone_that_cannot_encrypt_is_invited_again_without_keys_and_the_call_does_not_notice() {
    let mut world = office(Srtp::Allowed);
    world.set(
        "ali",
        Manner {
            turns_keys_down: Some(488),
            ..Manner::answers_after(1.0)
        },
    );
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call opened
       1.0s  box ──INVITE 1001 +sdp with keys──▶ ali
       1.0s  ali ──488 INVITE──▶ box
       1.0s  box ──ACK──▶ ali
       1.0s  box ──INVITE 1001 +sdp──▶ ali
       1.0s  ali ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  caller ──ACK──▶ box
       4.0s  caller ──BYE──▶ box
       4.0s  box ──200 BYE──▶ caller
       4.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       4.0s  journal: call closed, ANSWER
       4.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        3.0 s: wait 1.0 ring 1.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
    assert_eq!(world.cdr().legs.len(), 2);
}

#[test]
fn a_phone_that_picks_up_and_leaves_the_keys_out_is_asked_once_more_in_the_call() {
    let mut world = office(Srtp::Allowed);
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call opened
       1.0s  box ──INVITE 1001 +sdp with keys──▶ ali
       1.0s  ali ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  box ──INVITE +sdp──▶ ali
       2.0s  ali ──180 INVITE──▶ box
       3.0s  ali ──200 INVITE +sdp──▶ box
       3.0s  box ──ACK──▶ ali
       3.0s  media: ali at 192.0.2.10:4000 pcmu both
       3.0s  media: caller at 192.0.2.100:4000 pcmu both
       3.0s  media: caller and ali talk
       3.0s  box ──200 INVITE +sdp──▶ caller
       3.0s  caller ──ACK──▶ box
       6.0s  caller ──BYE──▶ box
       6.0s  box ──200 BYE──▶ caller
       6.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       6.0s  journal: call closed, ANSWER
       6.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
}

#[test]
fn where_encryption_is_required_a_caller_without_it_is_told_so() {
    let mut world = office(Srtp::Required);
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    insta::assert_snapshot!(world.story(), @"
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call closed, FAILED
       1.0s  box ──488 INVITE (Warning 302: Voice has to be encrypted; offer RTP/SAVP with a crypto line)──▶ caller
       1.0s  caller ──ACK──▶ box
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_encryption
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    ");
}

/// The wish of a trunk or an agent counts before everybody's.
#[test]
fn an_agent_whose_voice_has_to_be_encrypted_is_not_talked_to_without() {
    let mut site = Site::office().unrecorded();
    site.encryption.phones.insert("1001".into(), Srtp::Required);
    let mut world = World::unregistered(site, 1);
    world.phone("ali").transport = Transport::Tls;
    world.phone("ali").connection = Some(7);
    world.registers("ali", 600);
    world.after_seconds(1.0);
    world.ladder.lines.clear();
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call opened
       1.0s  box ──INVITE 1001 +sdp with keys──▶ ali
       1.0s  ali ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  box ──BYE (Incompatible destination; Q.850 88)──▶ ali
       2.0s  ali ──200 BYE──▶ box
       4.0s  caller ──CANCEL──▶ box
       4.0s  box ──200 CANCEL──▶ caller
       4.0s  box ──487 INVITE──▶ caller
       4.0s  journal: call closed, CANCELED
       4.0s  caller ──ACK──▶ box
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        3.0 s: wait 3.0 ring 1.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: failed 488 Not Acceptable Here, rang
    ");
}

/// Its keys could be read on the way, so a phone by UDP that has to encrypt is not rung at all.
#[test]
fn a_phone_that_has_to_encrypt_and_speaks_no_tls_is_not_rung() {
    let mut site = Site::office().unrecorded();
    site.encryption.phones.insert("1001".into(), Srtp::Required);
    let mut world = World::of(site);
    world.set("mona", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.hangs_up("caller");
    world
        .ladder
        .lines
        .retain(|line| line.contains("1001") || line.contains("ali") || line.contains("talk"));
    let told: Vec<_> = world.ladder.lines.iter().map(|line| line.trim()).collect();
    assert_eq!(told, ["1.0s  media: caller and mona talk"]);
}

/// RFC 4568 §7.1.2: keys are taken only where nobody reads them, and what else was wrong is said in a Warning.
#[test]
fn encrypted_offers_that_cannot_be_taken_are_refused_with_the_reason() {
    let mut world = World::of(Site::office().unrecorded());
    let good = with_key("192.0.2.100", 1, KEY, "sendrecv");
    let offers = [
        good.clone(),
        good.replace("RTP/SAVP", "RTP/SAVPF"),
        good.replace("RTP/SAVP", "UDP/TLS/RTP/SAVP"),
    ];
    for offer in offers {
        world.calls_with("caller", "8000", Some(offer));
        world.after_seconds(1.0);
    }
    world
        .ladder
        .lines
        .retain(|line| line.contains("488") && line.contains("box ──"));
    insta::assert_snapshot!(world.ladder.lines.join("\n"), @"
    0.0s  box ──488 INVITE (Warning 302: RTP/SAVP is taken over TLS only, where nobody reads its key)──▶ caller
    1.0s  box ──488 INVITE (Warning 302: Transport RTP/SAVPF is not supported; use RTP/AVP)──▶ caller
    2.0s  box ──488 INVITE (Warning 302: Transport UDP/TLS/RTP/SAVP is not supported; use RTP/AVP)──▶ caller
    ");
    let mut world = office(Srtp::Allowed);
    let offers = [
        with_key("192.0.2.10", 1, KEY, "sendrecv").replace("RTP/SAVP", "RTP/SAVPF"),
        with_key("192.0.2.10", 1, &format!("{KEY} UNENCRYPTED_SRTP"), "sendrecv"),
        with_key("192.0.2.10", 1, "c2hvcnQ=", "sendrecv"),
    ];
    for offer in offers {
        world.calls_with("ali", "8000", Some(offer));
        world.after_seconds(1.0);
    }
    world
        .ladder
        .lines
        .retain(|line| line.contains("488") && line.contains("box ──"));
    insta::assert_snapshot!(world.ladder.lines.join("\n"), @"
    1.0s  box ──488 INVITE (Warning 302: Transport RTP/SAVPF is not supported; use RTP/AVP)──▶ ali
    2.0s  box ──488 INVITE (Warning 399: No usable crypto line; offer AES_CM_128_HMAC_SHA1_80 with a key of 30 bytes)──▶ ali
    3.0s  box ──488 INVITE (Warning 399: No usable crypto line; offer AES_CM_128_HMAC_SHA1_80 with a key of 30 bytes)──▶ ali
    ");
    let causes: Vec<_> = world.cdrs.iter().map(|cdr| cdr.cause.as_deref()).collect();
    let causes_expected = [
        Some("media_transport"),
        Some("media_encryption"),
        Some("media_encryption"),
    ];
    assert_eq!(causes, causes_expected);
}
