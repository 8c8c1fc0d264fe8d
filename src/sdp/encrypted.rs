//! Stories of encrypted offers and answers: who asks, what the rule is, and what becomes of it.

use super::{Agreed, Flowing, Negotiator, SdpError, Security, Srtp};
use crate::model::{Codec, Dice, SrtpSuite};

/// 30 bytes in base64.
const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
/// And 30 others.
const OTHER: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn security(srtp: Srtp) -> Security {
    Security {
        srtp,
        keys_may_travel: true,
        offers: true,
        best_effort: false,
    }
}

fn leg(security: Security) -> Negotiator {
    Negotiator::new("192.0.2.1".parse().unwrap(), 10_000, &Codec::ALL, 77)
        .securing(security, Dice::from_number(4568))
}

fn peer(lines: &str) -> Vec<u8> {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}").into_bytes()
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

/// An encrypted stream with this key under this tag.
fn savp(tag: u32, key: &str) -> Vec<u8> {
    peer(&format!(
        "m=audio 4000 RTP/SAVP 0\r\na=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"
    ))
}

fn suite(agreed: &Agreed) -> Option<SrtpSuite> {
    agreed.secured.map(|secured| secured.suite)
}

fn line_of(body: &str, name: &str) -> String {
    let line = body.lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().to_owned()
}

#[test]
fn what_is_offered_meets_the_rule() {
    let good = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let bad = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP\r\n");
    let plain = "m=audio 4000 RTP/AVP 0\r\n".to_owned();
    let secret = format!("m=audio 4000 RTP/SAVP 0\r\n{good}");
    let beside = format!("{plain}{good}");
    let unusable = format!("m=audio 4000 RTP/SAVP 0\r\n{bad}");
    let feedback = format!("m=audio 4000 RTP/SAVPF 0\r\n{good}");
    let both = format!("{plain}m=audio 4002 RTP/SAVP 0\r\n{good}");
    let off = Security::NONE;
    let [allowed, required] = [Srtp::Allowed, Srtp::Required].map(security);
    let open = |security: Security| Security {
        keys_may_travel: false,
        ..security
    };
    let eager = Security {
        best_effort: true,
        ..allowed
    };
    // The rule, the offer, and whether it is encrypted then; or the status, the Warning and the word of the refusal.
    type Outcome = Result<bool, (u16, u16, &'static str)>;
    let table: [(&str, Security, &str, Outcome); 19] = [
        ("off, plain", off, &plain, Ok(false)),
        ("off, encrypted", off, &secret, Err((488, 302, "media_transport"))),
        ("off, with a line", off, &beside, Ok(false)),
        ("off, both", off, &both, Ok(false)),
        ("allowed, plain", allowed, &plain, Ok(false)),
        ("allowed, encrypted", allowed, &secret, Ok(true)),
        ("allowed, with a line", allowed, &beside, Ok(false)),
        ("allowed, both", allowed, &both, Ok(true)),
        (
            "allowed, unusable",
            allowed,
            &unusable,
            Err((488, 399, "media_encryption")),
        ),
        (
            "allowed, feedback",
            allowed,
            &feedback,
            Err((488, 302, "media_transport")),
        ),
        (
            "allowed in the open, encrypted",
            open(allowed),
            &secret,
            Err((488, 302, "media_encryption")),
        ),
        ("allowed in the open, both", open(allowed), &both, Ok(false)),
        ("best effort, with a line", eager, &beside, Ok(true)),
        ("best effort, plain", eager, &plain, Ok(false)),
        (
            "best effort in the open, with a line",
            open(eager),
            &beside,
            Ok(false),
        ),
        (
            "required, plain",
            required,
            &plain,
            Err((488, 302, "media_encryption")),
        ),
        ("required, encrypted", required, &secret, Ok(true)),
        ("required, both", required, &both, Ok(true)),
        (
            "required in the open, encrypted",
            open(required),
            &secret,
            Err((488, 302, "media_encryption")),
        ),
    ];
    for (story, security, offer, expected) in table {
        let found = leg(security).answer(&peer(offer)).map_err(|error| {
            let (warning, text) = error.warning();
            assert!(!text.contains(KEY), "{story}: {text}");
            (error.status(), warning, error.word())
        });
        let (body, agreed) = match (found, expected) {
            (Ok(found), Ok(_)) => found,
            (found, expected) => {
                assert_eq!(found.map(|_| true), expected, "{story}");
                continue;
            }
        };
        let body = text(&body);
        assert_eq!(Ok(agreed.secured.is_some()), expected, "{story}");
        assert_eq!(
            body.contains("a=crypto:1 "),
            agreed.secured.is_some(),
            "{story}: {body}"
        );
        let stays = offer.contains(&format!("m=audio {} RTP/SAVP ", agreed.remote.port()));
        assert_eq!(
            body.contains("m=audio 10000 RTP/SAVP 0"),
            stays,
            "{story}: {body}"
        );
        assert!(!body.contains(KEY), "{story}: the peer's key is not ours");
    }
}

#[test]
fn the_best_of_several_lines_is_answered_under_its_tag() {
    let offer = format!(
        "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n\
         a=crypto:2 F8_128_HMAC_SHA1_80 inline:{KEY}\r\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4\r\n"
    );
    let (body, agreed) = leg(security(Srtp::Allowed)).answer(&peer(&offer)).unwrap();
    let body = text(&body);
    assert!(line_of(&body, "a=crypto").starts_with("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"));
    assert_eq!(body.matches("a=crypto").count(), 1);
    let secured = agreed.secured.unwrap();
    assert_eq!(secured.receive_mki.unwrap().bytes(), [0, 0, 0, 1]);
    assert_ne!(secured.send, secured.receive);
    assert!(
        !format!("{agreed:?}").contains("109"),
        "no byte of a key is shown: {agreed:?}"
    );
}

#[test]
fn a_hold_keeps_both_keys_and_a_new_key_of_the_peer_is_taken() {
    let mut leg = leg(security(Srtp::Allowed));
    let (first, before) = leg.answer(&savp(1, KEY)).unwrap();
    let held = text(&savp(1, KEY)) + "a=sendonly\r\n";
    let (body, agreed) = leg.answer(held.as_bytes()).unwrap();
    assert_eq!(agreed.flowing, Flowing::ReceiveOnly);
    assert_eq!(agreed.secured, before.secured);
    assert_eq!(
        line_of(&text(&body), "a=crypto"),
        line_of(&text(&first), "a=crypto")
    );
    let (_, changed) = leg.answer(&savp(2, OTHER)).unwrap();
    let (before, after) = (before.secured.unwrap(), changed.secured.unwrap());
    assert_eq!(after.send, before.send);
    assert_ne!(after.receive, before.receive);
    // Our own offers go on under the same key, alone.
    let ours = text(&leg.offer());
    assert!(ours.contains("m=audio 10000 RTP/SAVP "), "{ours}");
    assert_eq!(
        line_of(&ours, "a=crypto:2"),
        line_of(&text(&first), "a=crypto").replace(":1 ", ":2 ")
    );
    assert_eq!(ours.matches("a=crypto").count(), 1);
    assert_eq!(text(&leg.offer_again()), ours);
    let again = leg.answered(&savp(2, OTHER)).unwrap();
    assert_eq!(again.secured, changed.secured);
}

#[test]
fn a_refused_change_leaves_the_keys_as_they_are() {
    let mut leg = leg(security(Srtp::Required));
    let (_, before) = leg.answer(&savp(1, KEY)).unwrap();
    assert_eq!(
        leg.answer(&peer("m=audio 4000 RTP/AVP 0\r\n")),
        Err(SdpError::PlainVoice)
    );
    assert_eq!(
        leg.answer(&savp(1, "c2hvcnQ=")).map(|_| ()),
        Err(SdpError::NoUsableKey)
    );
    assert_eq!(leg.agreed(), Some(&before));
    let (_, after) = leg.answer(&savp(1, KEY)).unwrap();
    assert_eq!(after, before);
}

#[test]
fn our_offer_names_several_suites_and_the_answers_tag_says_which() {
    let mut leg = leg(security(Srtp::Allowed));
    let offer = text(&leg.offer());
    assert!(leg.offers_keys());
    assert!(offer.contains("m=audio 10000 RTP/SAVP "), "{offer}");
    let names: Vec<_> = offer
        .lines()
        .filter_map(|line| line.strip_prefix("a=crypto:")?.split(' ').nth(1))
        .collect();
    let expected = [
        "AES_CM_128_HMAC_SHA1_80",
        "AEAD_AES_128_GCM",
        "AEAD_AES_256_GCM",
        "AES_256_CM_HMAC_SHA1_80",
        "AES_CM_128_HMAC_SHA1_32",
    ];
    assert_eq!(names, expected);
    assert_eq!(text(&leg.offer()), offer, "the same keys, the same version");
    // Early it is one suite, in the end another.
    assert_eq!(
        suite(&leg.answered(&savp(1, KEY)).unwrap()),
        Some(SrtpSuite::AesCm128Tag80)
    );
    let short = format!("m=audio 4000 RTP/SAVP 0\r\na=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n");
    assert_eq!(
        suite(&leg.answered(&peer(&short)).unwrap()),
        Some(SrtpSuite::AesCm128Tag32)
    );
    let next = text(&leg.offer());
    assert_eq!(line_of(&next, "a=crypto"), line_of(&offer, "a=crypto:5"));
}

#[test]
fn an_answer_without_our_key_settles_nothing() {
    let answers = [
        ("another tag", savp(9, KEY)),
        (
            "another suite",
            peer(&format!(
                "m=audio 4000 RTP/SAVP 0\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
            )),
        ),
        ("no line", peer("m=audio 4000 RTP/SAVP 0\r\n")),
        ("a plain stream", peer("m=audio 4000 RTP/AVP 0\r\n")),
        (
            "a plain stream with a line",
            peer(&format!(
                "m=audio 4000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n"
            )),
        ),
        (
            "an unprotected one",
            peer(&format!(
                "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNAUTHENTICATED_SRTP\r\n"
            )),
        ),
    ];
    for (story, answer) in answers {
        let mut leg = leg(security(Srtp::Allowed));
        leg.offer();
        assert!(leg.answered(&answer).is_err(), "{story}");
        assert_eq!(leg.agreed(), None, "{story}");
    }
}

#[test]
fn a_phone_that_turns_encryption_down_is_offered_plain_voice_where_that_is_allowed() {
    let plain = peer("m=audio 4000 RTP/AVP 0\r\n");
    let mut allowed = leg(security(Srtp::Allowed));
    allowed.offer();
    let again = text(&allowed.offer_plain().unwrap());
    assert!(
        again.contains("m=audio 10000 RTP/AVP ") && !again.contains("crypto"),
        "{again}"
    );
    assert_eq!(allowed.offer_plain(), None, "only once");
    assert_eq!(allowed.answered(&plain).unwrap().secured, None);
    assert!(text(&allowed.offer()).contains("RTP/AVP"));
    let mut required = leg(security(Srtp::Required));
    required.offer();
    assert_eq!(required.offer_plain(), None);
    assert!(required.answered(&plain).is_err());
    let mut off = leg(Security::NONE);
    off.offer();
    assert_eq!(off.offer_plain(), None);
}

#[test]
fn a_leg_says_nothing_encrypted_without_being_asked_when_it_does_not_invite() {
    let quiet = Security {
        offers: false,
        ..security(Srtp::Allowed)
    };
    let late = text(&leg(quiet).offer());
    assert!(late.contains("RTP/AVP") && !late.contains("crypto"), "{late}");
    let required = Security {
        offers: false,
        ..security(Srtp::Required)
    };
    assert!(text(&leg(required).offer()).contains("RTP/SAVP"));
    let nowhere = Security {
        keys_may_travel: false,
        ..required
    };
    assert!(!leg(nowhere).can_offer());
    assert!(!text(&leg(nowhere).offer()).contains("inline"));
}

#[test]
fn with_best_effort_a_plain_offer_carries_lines_that_may_be_left_alone() {
    let eager = Security {
        best_effort: true,
        ..security(Srtp::Allowed)
    };
    let mut takes = leg(eager);
    let offer = text(&takes.offer());
    assert!(
        offer.contains("m=audio 10000 RTP/AVP ") && offer.contains("a=crypto:1 "),
        "{offer}"
    );
    let answer = format!("m=audio 4000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    assert!(takes.answered(&peer(&answer)).unwrap().secured.is_some());
    let mut leaves = leg(eager);
    leaves.offer();
    let agreed = leaves.answered(&peer("m=audio 4000 RTP/AVP 0\r\n")).unwrap();
    assert_eq!(agreed.secured, None);
    assert!(!text(&leaves.offer()).contains("crypto"));
}

#[test]
fn nothing_of_a_leg_that_has_keys_is_shown() {
    let mut leg = leg(security(Srtp::Allowed));
    let offer = text(&leg.offer());
    leg.answered(&savp(1, KEY)).unwrap();
    let shown = format!("{leg:?}");
    let ours = line_of(&offer, "a=crypto")
        .split("inline:")
        .nth(1)
        .unwrap()
        .to_owned();
    assert!(
        !shown.contains(&ours) && !shown.contains("inline") && !shown.contains(KEY),
        "{shown}"
    );
}

/// ROBUSTNESS 44
#[test]
fn crypto_lines_that_mean_harm_cost_nothing() {
    let mut dice = Dice::from_number(44);
    let many = format!(
        "m=audio 4000 RTP/SAVP 0\r\n{}",
        "a=crypto:1 X inline:Y\r\n".repeat(600)
    );
    assert_eq!(
        leg(security(Srtp::Allowed)).answer(&peer(&many)).map(|_| ()),
        Err(SdpError::NoUsableKey)
    );
    let long = format!(
        "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}\r\n",
        "A".repeat(12_000)
    );
    assert!(leg(security(Srtp::Allowed)).answer(&peer(&long)).is_err());
    let good = text(&savp(1, KEY));
    let start = good.find("a=crypto").unwrap();
    let mut leg = leg(security(Srtp::Allowed));
    for _ in 0..5_000 {
        let mut body = good.clone().into_bytes();
        for _ in 0..=dice.roll(4) {
            let place = start + dice.roll((body.len() - start) as u64) as usize;
            body[place] = dice.number() as u8;
        }
        let _ = leg.answer(&body);
        leg.offer();
        let _ = leg.answered(&body);
    }
}
