//! Offers and answers with more than G.711, as phones and trunks of today write them.

use super::{Agreed, Negotiator, SdpError};
use crate::model::Codec;

fn leg() -> Negotiator {
    Negotiator::new("192.0.2.1".parse().unwrap(), 10_000, &Codec::ALL, 77)
}

fn peer(lines: &str) -> Vec<u8> {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}").into_bytes()
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap()
}

fn answered(offer: &str) -> (String, Agreed) {
    let (body, agreed) = leg().answer(&peer(offer)).unwrap();
    (text(body), agreed)
}

#[test]
fn an_offer_names_every_codec_and_telephone_event_at_each_of_their_clocks() {
    let offer = text(leg().offer());
    let lines = "m=audio 10000 RTP/AVP 0 8 9 111 101 96\r\n\
        a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 useinbandfec=1;usedtx=1;maxaveragebitrate=24000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
        a=rtpmap:96 telephone-event/48000\r\na=fmtp:96 0-16\r\n";
    assert!(offer.contains(lines), "{offer}");
    assert!(!offer.contains("G729"));
}

#[test]
fn the_clock_of_the_chosen_codec_decides_which_telephone_event_is_meant() {
    let offer = "m=audio 4000 RTP/AVP 96 9 0 100 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1; stereo=1\r\n\
        a=rtpmap:100 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n";
    let (body, agreed) = answered(offer);
    assert_eq!((agreed.codec, agreed.receive_payload_type), (Codec::Opus, 96));
    assert_eq!(
        (agreed.send_telephone_event, agreed.telephone_event_clock),
        (Some(100), 48_000)
    );
    assert!(agreed.opus.fec && !agreed.opus.dtx);
    let lines = "RTP/AVP 96 100\r\na=rtpmap:96 opus/48000/2\r\n";
    assert!(body.contains(lines) && !body.contains("stereo"), "{body}");
    let (body, agreed) = answered(&offer.replace("96 9 0", "9 0"));
    assert_eq!(
        (agreed.codec, agreed.send_telephone_event),
        (Codec::G722, Some(101))
    );
    assert!(
        body.contains("RTP/AVP 9 101\r\na=rtpmap:9 G722/8000\r\n"),
        "{body}"
    );
}

/// baresip names telephone-event at 8000 Hz alone, and sends it beside Opus.
#[test]
fn beside_opus_telephone_event_at_8000_is_better_than_no_keys() {
    let offer =
        "m=audio 4000 RTP/AVP 96 0 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
    let (body, agreed) = answered(offer);
    assert_eq!(
        (agreed.receive_telephone_event, agreed.telephone_event_clock),
        (Some(101), 8000)
    );
    assert!(body.contains("a=rtpmap:101 telephone-event/8000\r\n"), "{body}");
    let mut asking = leg();
    asking.offer();
    let answer =
        "m=audio 4000 RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
    let agreed = asking.answered(&peer(answer)).unwrap();
    assert_eq!(
        (agreed.codec, agreed.receive_telephone_event),
        (Codec::Opus, Some(101))
    );
}

#[test]
fn comfort_noise_is_taken_from_a_peer_that_names_it_at_the_codecs_clock() {
    for (offer, noise) in [
        ("m=audio 4000 RTP/AVP 0 13\r\n", Some(13)),
        ("m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 CN/8000\r\n", Some(97)),
        (
            "m=audio 4000 RTP/AVP 9 97 13\r\na=rtpmap:97 CN/16000\r\n",
            Some(13),
        ),
        ("m=audio 4000 RTP/AVP 0 97\r\na=rtpmap:97 CN/16000\r\n", None),
        ("m=audio 4000 RTP/AVP 0\r\n", None),
    ] {
        let (body, agreed) = answered(offer);
        assert_eq!(agreed.noise, noise, "{offer}");
        assert_eq!(body.contains("CN/8000"), noise.is_some(), "{body}");
    }
    assert!(!text(leg().offer()).contains("CN/"), "nobody is asked for it");
}

#[test]
fn the_codec_of_the_other_leg_comes_first_in_an_offer_and_is_kept_in_an_answer() {
    let mut asking = leg();
    asking.prefer(Codec::Opus);
    assert!(text(asking.offer()).contains("RTP/AVP 111 0 8 9 "));
    let mut asked = leg();
    asked.prefer(Codec::G722);
    let (_, agreed) = asked.answer(&peer("m=audio 4000 RTP/AVP 0 8 9\r\n")).unwrap();
    assert_eq!(agreed.codec, Codec::G722);
    let (_, agreed) = asked.answer(&peer("m=audio 4000 RTP/AVP 8 0\r\n")).unwrap();
    assert_eq!(agreed.codec, Codec::Pcma, "what is not in common is transcoded");
}

#[test]
fn g729_is_agreed_on_only_to_be_passed_on_and_only_where_nothing_else_is_in_common() {
    let only = "m=audio 4000 RTP/AVP 18 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=yes\r\na=rtpmap:101 telephone-event/8000\r\n";
    let refused = leg().answer(&peer(only)).unwrap_err();
    assert!(matches!(refused, SdpError::NoCommonCodec(_)));
    let (body, agreed) = leg().passing().answer(&peer(only)).unwrap();
    assert_eq!((agreed.codec, agreed.send_payload_type), (Codec::G729, 18));
    let body = text(body);
    assert!(
        body.contains("RTP/AVP 18 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"),
        "{body}"
    );
    let both = "m=audio 4000 RTP/AVP 18 0\r\n";
    assert_eq!(leg().passing().answer(&peer(both)).unwrap().1.codec, Codec::Pcmu);
    let mut other = leg();
    other.only(Codec::G729);
    let offer = text(other.offer());
    assert!(
        offer.contains("RTP/AVP 18 101\r\na=rtpmap:18 G729/8000\r\n"),
        "{offer}"
    );
    assert_eq!(other.answered(&peer(only)).unwrap().codec, Codec::G729);
    let mut other = leg();
    other.only(Codec::G729);
    other.offer();
    assert!(other.answered(&peer("m=audio 4000 RTP/AVP 0\r\n")).is_err());
}

/// The offer of a linphone: six codecs, some twice, some nobody else has.
#[test]
fn an_offer_with_everything_in_it_is_answered_with_one_codec() {
    let offer = "m=audio 7078 RTP/AVP 96 97 98 0 8 3 9 18 99 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
        a=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\na=fmtp:18 annexb=yes\r\n\
        a=rtpmap:99 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp-xr:rcvr-rtt=all:10000\r\n";
    let (body, agreed) = answered(offer);
    assert_eq!(agreed.codec, Codec::Opus);
    assert_eq!(body.matches("a=rtpmap").count(), 2, "{body}");
}
