//! Thousands of INVITEs with one thing wrong each, made from a plan rather than collected: every anomaly in every place
//! of every header. Used in virtual time and against the running box.

/// What a sloppy parser chokes on: lengths, format strings, separators, numbers, quotes, encodings, control characters,
/// and strings that mean something to whoever stands behind the parser.
const ANOMALIES: &[&str] = &[
    "",
    " ",
    "a*64",
    "a*1024",
    "a*8000",
    "a*9000",
    "%s*32",
    "%n%n%n%n",
    "%x*64",
    "%00",
    "%",
    "%zz",
    "<*128",
    ">*128",
    "<>",
    "\"",
    "\"*33",
    "\\*64",
    "\\\"",
    "(*200",
    "()",
    ";*128",
    ";=",
    ";;tag",
    ";tag=;tag=",
    ":*64",
    "::",
    "@*64",
    "@",
    ",*128",
    ", ,",
    "=*64",
    "/*64",
    "?*64",
    "&*64",
    "[*64",
    "[::1",
    "]",
    "[1:2:3:4:5:6:7:8:9]",
    "256.256.256.256",
    "1.2.3",
    "1.2.3.4.5",
    "0",
    "-1",
    "+5",
    "4294967296",
    "99999999999999999999",
    "0x10",
    "1e9",
    "01",
    "sip:",
    "sip:@",
    "sip:@:@:",
    "sips:x@[",
    "tel:",
    "sip:a@b:99999",
    "sip:a@b:-1",
    "sip:a@b;*128",
    "sip:a@b?From=x&To=y",
    "sip:a:b:c@d",
    "http://169.254.169.254/latest/meta-data",
    "<http://127.0.0.1:8080/>",
    "file:///etc/passwd",
    "../*16",
    "..%2f..%2f",
    "' OR 1=1 --",
    "${jndi:ldap://127.0.0.1/x}",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\r",
    "\rX: y",
    "\n",
    "\n\n",
    "\r\n ",
    "\r\n\t*200",
    "\r\n\r\n",
    "\0",
    "\0*64",
    "\x01",
    "\x07\x1b[31m",
    "\x7f",
    "é*64",
    "\u{feff}",
    "\u{202e}",
    "\u{10ffff}*32",
];

/// The headers of a usual INVITE.
const HEADERS: &[(&str, &str)] = &[
    ("Via", "SIP/2.0/UDP {from};branch=z9hG4bK{n};rport"),
    ("Max-Forwards", "70"),
    ("From", "\"A\" <sip:050@{from}>;tag=f{n}"),
    ("To", "<sip:5559999@callpost>"),
    ("Call-ID", "m{n}@{from}"),
    ("CSeq", "1 INVITE"),
    ("Contact", "<sip:050@{from};transport=udp>;expires=60;q=0.5"),
    ("Record-Route", "<sip:{from};lr>"),
    ("Route", "<sip:callpost;lr>"),
    ("Expires", "60"),
    ("Date", "Fri, 20 Nov 2026 12:00:00 GMT"),
    ("Subject", "x"),
    ("Allow", "INVITE, ACK"),
    ("Supported", "timer"),
    ("Require", "timer"),
    ("Proxy-Require", "x"),
    ("Session-Expires", "1800;refresher=uac"),
    ("Min-SE", "90"),
    ("Accept", "application/sdp;q=0.5"),
    ("Accept-Language", "en;q=0.1"),
    ("Alert-Info", "<http://127.0.0.1/ring.wav>"),
    ("Call-Info", "<http://127.0.0.1/photo.jpg>;purpose=icon"),
    ("User-Agent", "Phone/1"),
    ("P-Asserted-Identity", "\"A\" <sip:050@{from}>"),
    ("Privacy", "none"),
    ("Diversion", "<sip:1@x>;reason=busy"),
    ("History-Info", "<sip:1@x>;index=1"),
    ("Replaces", "a;to-tag=b;from-tag=c"),
    ("Join", "a;to-tag=b;from-tag=c"),
    ("Referred-By", "<sip:1@x>"),
    ("Reason", "SIP;cause=200;text=\"x\""),
    ("Timestamp", "54.1 0.1"),
    ("MIME-Version", "1.0"),
    ("Content-Disposition", "session;handling=optional"),
    ("Content-Type", "application/sdp"),
    ("Content-Length", "{length}"),
    (
        "Authorization",
        "Digest username=\"1001\", realm=\"elsewhere\", nonce=\"n\", uri=\"sip:x\", response=\"r\"",
    ),
];

const BODY: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/// Every message, as sent from this address; `number` makes those of one run different from another's.
pub(crate) fn messages(from: &str, number: usize) -> impl Iterator<Item = Vec<u8>> {
    let places = 1 + HEADERS.len() * 3;
    let from = from.to_owned();
    (0..places * ANOMALIES.len()).map(move |which| {
        let anomaly = written(ANOMALIES[which % ANOMALIES.len()]);
        message(&from, number + which, which / ANOMALIES.len(), &anomaly)
    })
}

/// With the anomaly at one place: the Request-URI, or before, behind or instead of the value of a header.
fn message(from: &str, number: usize, place: usize, anomaly: &str) -> Vec<u8> {
    let uri = if place == 0 {
        anomaly
    } else {
        "sip:5559999@callpost"
    };
    let mut text = format!("INVITE {uri} SIP/2.0\r\n");
    for (header, (name, value)) in HEADERS.iter().enumerate() {
        let value = value
            .replace("{from}", from)
            .replace("{n}", &number.to_string())
            .replace("{length}", &BODY.len().to_string());
        let value = match place.checked_sub(1 + header * 3) {
            Some(0) => anomaly.to_owned(),
            Some(1) => format!("{anomaly}{value}"),
            Some(2) => format!("{value}{anomaly}"),
            Some(_) | None => value,
        };
        // Require and the like would end most messages before anybody looked at the rest.
        let is_usual = !matches!(
            *name,
            "Require" | "Proxy-Require" | "Join" | "Replaces" | "Authorization"
        );
        if is_usual || (1 + header * 3..4 + header * 3).contains(&place) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    (text + "\r\n" + BODY).into_bytes()
}

/// `a*64` is sixty-four of them.
fn written(anomaly: &str) -> String {
    match anomaly
        .rsplit_once('*')
        .map(|(word, times)| (word, times.parse()))
    {
        Some((word, Ok(times))) => word.repeat(times),
        Some((_, Err(_))) | None => anomaly.to_owned(),
    }
}

/// A message with a few bytes changed, always the same ones for the same `seed`.
#[allow(dead_code, reason = "one of the two who share this file uses it")]
pub(crate) fn mutated(message: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap_or(0)
    };
    let mut bytes = message.to_vec();
    for _ in 0..1 + next(6) {
        let at = next(bytes.len());
        match next(5) {
            0 => bytes[at] = u8::try_from(next(256)).unwrap_or(0),
            1 => bytes[at] ^= 1 << next(8),
            2 => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, b"\r\n:;,<>\"@= "[next(11)]),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}
