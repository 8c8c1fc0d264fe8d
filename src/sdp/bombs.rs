//! Bodies that mean harm, and what becomes of each. The work for one is bounded by what is read at all: 16 kB,
//! 1,024 lines, 32 streams, 64 formats in each.

use super::{Negotiator, SdpError};
use crate::model::Codec;

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
const AUDIO: &str = "m=audio 4000 RTP/AVP 0 8\r\n";

fn leg() -> Negotiator {
    Negotiator::new("192.0.2.1".parse().unwrap(), 10_000, &Codec::G711, 77)
}

/// Name, body, and the status: 200 for an answer.
fn bombs() -> Vec<(&'static str, Vec<u8>, u16)> {
    let plain = |lines: &str| format!("{HEAD}{lines}").into_bytes();
    let after = |lines: &str| plain(&format!("{AUDIO}{lines}"));
    let nines = "9".repeat(4_000);
    vec![
        ("nothing", Vec::new(), 400),
        ("one NUL", vec![0], 400),
        ("16,000 NULs", vec![0; 16_000], 400),
        ("17 kB of NULs", vec![0; 17 * 1024], 400),
        ("64 kB of a", vec![b'a'; 65_000], 400),
        ("8,000 line ends", b"\r\n".repeat(8_000), 400),
        ("a version alone", b"v=0\r\n".to_vec(), 488),
        ("version 1", b"v=1\r\nm=audio 4000 RTP/AVP 0\r\n".to_vec(), 400),
        ("no version", b"c=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0\r\n".to_vec(), 400),
        ("no address", b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n".to_vec(), 400),
        ("an m= line before all", format!("{AUDIO}{HEAD}").into_bytes(), 400),
        ("32 audio streams", plain(&AUDIO.repeat(32)), 200),
        ("33 audio streams", plain(&AUDIO.repeat(33)), 400),
        ("500 audio streams", plain(&AUDIO.repeat(500)), 400),
        ("31 videos before the audio", plain(&format!("{}{AUDIO}", "m=video 5000 RTP/AVP 31\r\n".repeat(31))), 200),
        ("32 streams switched off", plain(&"m=audio 0 RTP/AVP 0\r\n".repeat(32)), 488),
        ("64 formats", plain(&format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(64))), 200),
        ("65 formats", plain(&format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(65))), 400),
        ("5,000 formats", plain(&format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(5_000))), 400),
        ("formats that are no numbers", plain("m=audio 4000 RTP/AVP x y -1 256 4294967296 0.5\r\n"), 488),
        ("a format of 4,000 digits", plain(&format!("m=audio 4000 RTP/AVP {nines}\r\n")), 488),
        ("no formats", plain("m=audio 4000 RTP/AVP\r\n"), 400),
        ("a port of 4,000 digits", plain(&format!("m=audio {nines} RTP/AVP 0\r\n")), 400),
        ("port 65536", plain("m=audio 65536 RTP/AVP 0\r\n"), 400),
        ("a port below none", plain("m=audio -1 RTP/AVP 0\r\n"), 400),
        ("4,000 million ports", plain("m=audio 4000/4294967296 RTP/AVP 0\r\n"), 400),
        ("65,535 ports", plain("m=audio 4000/65535 RTP/AVP 0\r\n"), 200),
        ("700 rtpmaps of one number", after(&"a=rtpmap:96 opus/1\r\n".repeat(700)), 200),
        ("1,100 attributes", after(&"a=x\r\n".repeat(1_100)), 400),
        ("4,000 attributes", after(&"a=x\r\n".repeat(4_000)), 400),
        ("500 fmtp lines", after(&"a=fmtp:0 a=b;c=d\r\n".repeat(500)), 200),
        ("an fmtp of 12 kB", after(&format!("a=fmtp:0 {}\r\n", "x=y;".repeat(3_000))), 200),
        ("an rtpmap of 12 kB", after(&format!("a=rtpmap:0 {}/8000\r\n", "x".repeat(12_000))), 200),
        ("rtpmaps that lead nowhere", after("a=rtpmap\r\na=rtpmap:\r\na=rtpmap:0\r\na=rtpmap: /\r\na=rtpmap:0 ////\r\n"), 200),
        ("a clock of 4,000 digits", after(&format!("a=rtpmap:8 PCMA/{nines}\r\n")), 200),
        ("2,000 channels", after("a=rtpmap:0 PCMU/8000/2000\r\n"), 200),
        ("every number is telephone-event", after(&(0..128).map(|n| format!("a=rtpmap:{n} telephone-event/{n}\r\n")).collect::<String>()), 488),
        ("500 directions", after(&"a=sendonly\r\na=recvonly\r\n".repeat(250)), 200),
        ("500 addresses", plain(&format!("{AUDIO}{}", "c=IN IP4 192.0.2.9\r\n".repeat(500))), 200),
        ("200 candidates of ICE", after(&"a=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n".repeat(200)), 200),
        ("groups within groups", after(&"a=group:BUNDLE 0 1 2 3 4 5 6 7 8 9\r\n".repeat(300)), 200),
        ("a NUL in the media", plain("m=au\0dio 4000 RTP/AVP 0\r\n"), 400),
        ("a NUL in the transport", plain("m=video 4000 RTP/\0AVP 0\r\nm=audio 4000 RTP/AVP 0\r\n"), 400),
        ("a NUL in the formats", plain("m=audio 4000 RTP/AVP 0\0 8\r\n"), 400),
        ("a lone CR that would be a line of ours", plain("m=video 4000 RTP/AVP 31\rm=audio 5060 RTP/AVP 0\r\nm=audio 4000 RTP/AVP 0\r\n"), 400),
        ("a NUL in the address", plain("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\0\r\n"), 400),
        ("an address of 4,000 digits", plain(&format!("{AUDIO}c=IN IP4 {nines}\r\n")), 488),
        ("an address with a million hosts", plain(&format!("{AUDIO}c=IN IP4 239.1.1.1/127/1000000\r\n")), 488),
        ("another network", plain(&format!("{AUDIO}c=ATM NSAP 47.0091\r\n")), 488),
        ("a name for an address", plain(&format!("{AUDIO}c=IN IP4 localhost\r\n")), 488),
        ("an RTCP port of 4,000 digits", after(&format!("a=rtcp:{nines}\r\n")), 200),
        ("packets of no length", after("a=ptime:0\r\na=maxptime:0\r\n"), 200),
        ("packets of 4,000 digits", after(&format!("a=ptime:{nines}\r\na=maxptime:{nines}\r\n")), 200),
        ("packets of a millisecond", after("a=ptime:1\r\na=maxptime:1\r\n"), 488),
        ("session numbers of 4,000 digits", format!("v=0\r\no=- {nines} {nines} IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt={nines} {nines}\r\n{AUDIO}").into_bytes(), 200),
        ("lines without an equals sign", after("a\r\nm\r\n=\r\nrtpmap\r\n"), 400),
        ("a key and all repeats of it", after(&"k=clear:x\r\nr=7d 1h 0 25h\r\nz=0 0\r\n".repeat(200)), 200),
        ("a body in a body", after(HEAD), 200),
    ]
}

/// ROBUSTNESS 44
#[test]
fn every_bomb_is_answered_or_refused_and_costs_one_stream_at_most() {
    let bombs = bombs();
    assert!(bombs.len() >= 42);
    let mut wrong = Vec::new();
    for (name, body, status) in bombs {
        let mut leg = leg();
        let (said, found) = match leg.answer(&body) {
            Ok((answer, _)) => (answer, 200),
            Err(error) => (Vec::new(), error.status()),
        };
        if found != status {
            wrong.push(format!(
                "{name}: {found}, not {status}: {:?}",
                leg.answer(&body).err()
            ));
        }
        let text = String::from_utf8(said).unwrap();
        let live = text.lines().filter(|line| line.starts_with("m=audio 10000 "));
        assert!(live.count() <= 1, "{name}");
        assert!(
            text.len() <= body.len() + 512,
            "{name}: an answer of {}",
            text.len()
        );
        assert!(
            !text.contains('\0') && text.lines().all(|line| !line.contains('\r')),
            "{name}"
        );
        // As an answer to our offer it may not do more.
        leg.offer();
        let _ = leg.answered(&body);
        // And the leg lives on.
        assert!(leg.answer(format!("{HEAD}{AUDIO}").as_bytes()).is_ok(), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// ROBUSTNESS 44
#[test]
fn every_warning_of_a_bomb_fits_into_its_header() {
    for (name, body, _) in bombs() {
        let Err(error) = leg().answer(&body) else { continue };
        let (code, text) = error.warning();
        assert!((300..400).contains(&code), "{name}");
        assert!(
            text.chars().count() <= 120 && !text.contains(['"', '\\', '\r', '\n', '\0']),
            "{name}: {text}"
        );
        assert_ne!(error, SdpError::NotOffered, "{name}");
    }
}
