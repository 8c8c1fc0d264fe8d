//! `a=crypto` (RFC 4568): reading the peer's, and writing ours.

use super::secured::{MasterKey, Mki};
use crate::model::{Dice, SrtpSuite};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::fmt::Write;

/// With padding, as RFC 4568 §6.1 writes it; read without it too, as some phones do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Most crypto lines read of a stream.
pub(super) const MOST_LINES: usize = 16;
/// Suites we offer, the preferred first; the shortened tags last, and only with short keys.
const OFFERED: [SrtpSuite; 5] = [
    SrtpSuite::AesCm128Tag80,
    SrtpSuite::Gcm128,
    SrtpSuite::Gcm256,
    SrtpSuite::AesCm256Tag80,
    SrtpSuite::AesCm128Tag32,
];

/// A crypto line of the peer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CryptoLine {
    pub(super) tag: u32,
    pub(super) suite: SrtpSuite,
    /// The suite as the peer wrote it; the answer repeats it.
    pub(super) name: &'static str,
    pub(super) key: MasterKey,
    pub(super) mki: Option<Mki>,
}

/// A crypto line of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnLine {
    pub(super) tag: u32,
    pub(super) suite: SrtpSuite,
    pub(super) name: &'static str,
    pub(super) key: MasterKey,
}

impl CryptoLine {
    /// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^20|1:4 WSH=64`; none for a line that cannot be used as it asks, which
    /// is passed over as RFC 4568 §5.1.2 wants: a suite that is not known, several keys, a parameter that takes
    /// protection away or changes how keys are derived.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| is_number(tag, 9))?.parse().ok()?;
        let (suite, name) = suite(words.next()?)?;
        let (key, mki) = inline(suite, words.next()?)?;
        words.all(is_harmless).then_some(Self {
            tag,
            suite,
            name,
            key,
            mki,
        })
    }
}

fn suite(word: &str) -> Option<(SrtpSuite, &'static str)> {
    let mut names = SrtpSuite::ALL
        .into_iter()
        .flat_map(|suite| [Some(suite.name()), suite.old_name()].map(|name| (suite, name)))
        .filter_map(|(suite, name)| Some((suite, name?)));
    names.find(|(_, name)| name.eq_ignore_ascii_case(word))
}

/// `inline:<key and salt>|<lifetime>|<identifier>:<its bytes>`, the last two in any number (RFC 4568 §6.1).
fn inline(suite: SrtpSuite, word: &str) -> Option<(MasterKey, Option<Mki>)> {
    let (method, info) = word.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") || info.contains(';') {
        return None;
    }
    let mut parts = info.split('|');
    let bytes = BASE64.decode(parts.next()?).ok()?;
    let key = MasterKey::new(suite, &bytes)?;
    let mut mki = None;
    for part in parts {
        match part.split_once(':') {
            Some((value, length)) if mki.is_none() => mki = Some(identifier(value, length)?),
            Some(_) => return None,
            None if is_lifetime(part) => {}
            None => return None,
        }
    }
    Some((key, mki))
}

fn identifier(value: &str, length: &str) -> Option<Mki> {
    let value = Some(value).filter(|value| is_number(value, 10))?.parse().ok()?;
    let length = Some(length).filter(|length| is_number(length, 3))?.parse().ok()?;
    Mki::new(value, length)
}

/// `2^20` or `1048576`, of at most 2^48 packets. How long its key is good is the peer's business: whoever sends with it
/// counts (RFC 3711 §8.2).
fn is_lifetime(text: &str) -> bool {
    match text.strip_prefix("2^") {
        Some(power) => is_number(power, 2) && power.parse::<u8>().is_ok_and(|power| power <= 48),
        None => {
            is_number(text, 15)
                && text
                    .parse::<u64>()
                    .is_ok_and(|packets| packets > 0 && packets <= 1 << 48)
        }
    }
}

fn is_number(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// A window larger than the peer hints at does no harm, and what begins with a dash may be passed over (RFC 4568 §6.3).
/// Everything else is an order: no encryption, no tag, other keys as time goes by, error correction.
fn is_harmless(parameter: &str) -> bool {
    parameter.starts_with('-')
        || parameter
            .strip_prefix("WSH=")
            .is_some_and(|packets| is_number(packets, 5))
}

/// One of the peer's lines: the suite in use when it still stands there, else the one the box likes best.
pub(super) fn choose(lines: &[CryptoLine], in_use: Option<SrtpSuite>) -> Option<&CryptoLine> {
    let likes = in_use.into_iter().chain(SrtpSuite::ALL);
    likes
        .into_iter()
        .find_map(|suite| lines.iter().find(|line| line.suite == suite))
}

/// What we offer: a key of its own for each suite (RFC 4568 §5.1.1).
pub(super) fn offer(dice: &mut Dice) -> Vec<OwnLine> {
    let lines = OFFERED.into_iter().zip(1..);
    lines
        .filter_map(|(suite, tag)| {
            Some(OwnLine {
                tag,
                suite,
                name: suite.name(),
                key: new_key(suite, dice)?,
            })
        })
        .collect()
}

/// Throws a key with its salt.
pub(super) fn new_key(suite: SrtpSuite, dice: &mut Dice) -> Option<MasterKey> {
    let bytes: [u8; 46] = dice.bytes();
    MasterKey::new(suite, bytes.get(..suite.key_bytes() + suite.salt_bytes())?)
}

/// Writes our lines.
pub(super) fn write(text: &mut String, lines: &[OwnLine]) {
    for line in lines {
        let key = BASE64.encode(line.key.key_and_salt());
        let _ = write!(text, "a=crypto:{} {} inline:{key}\r\n", line.tag, line.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 bytes: a key of 16 with a salt of 14.
    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

    #[test]
    fn lines_are_read_as_the_standard_writes_them() {
        let table = [
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}", true),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^20|1:4", true),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|1:4", true),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|1048576", true),
            ("999999999 aes_cm_128_hmac_sha1_32 INLINE:{} WSH=128", true),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} -NEW=1", true),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} UNENCRYPTED_SRTP", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} UNENCRYPTED_SRTCP", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} UNAUTHENTICATED_SRTP", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} KDR=1", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} FEC_ORDER=FEC_SRTP", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} FEC_KEY=inline:{}", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{} WSH=many", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{};inline:{}", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^49", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|0", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|1:4|2:4", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|1:5", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}|x", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:{}A", false),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:", false),
            ("1 AES_CM_128_HMAC_SHA1_80 uri:{}", false),
            ("1 AES_CM_128_HMAC_SHA1_80", false),
            ("1 AES_256_CM_HMAC_SHA1_80 inline:{}", false),
            ("1 F8_128_HMAC_SHA1_80 inline:{}", false),
            ("1 AEAD_AES_128_GCM inline:{}", false),
            ("x AES_CM_128_HMAC_SHA1_80 inline:{}", false),
            ("+1 AES_CM_128_HMAC_SHA1_80 inline:{}", false),
            ("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{}", false),
            ("", false),
        ];
        for (line, is_usable) in table {
            let read = CryptoLine::read(&line.replace("{}", KEY));
            assert_eq!(read.is_some(), is_usable, "{line}");
        }
    }

    #[test]
    fn what_we_write_reads_back_with_and_without_padding() {
        let mut dice = Dice::from_number(4568);
        let own = offer(&mut dice);
        let mut text = String::new();
        write(&mut text, &own);
        assert!(
            text.starts_with("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"),
            "{text}"
        );
        for (line, own) in text.lines().zip(&own) {
            let value = line.strip_prefix("a=crypto:").unwrap();
            for value in [value, value.trim_end_matches('=')] {
                let read = CryptoLine::read(value).unwrap();
                assert_eq!((read.tag, read.suite, read.key), (own.tag, own.suite, own.key));
            }
        }
        let keys: Vec<_> = own.iter().map(|line| line.key.key()[..16].to_vec()).collect();
        assert!((1..keys.len()).all(|place| !keys[..place].contains(&keys[place])));
    }

    #[test]
    fn the_best_of_several_is_chosen_and_what_is_in_use_stays() {
        let line = |tag: u32, suite: SrtpSuite| {
            let key = new_key(suite, &mut Dice::from_number(tag.into())).unwrap();
            CryptoLine {
                tag,
                suite,
                name: suite.name(),
                key,
                mki: None,
            }
        };
        let all = [
            line(1, SrtpSuite::AesCm128Tag32),
            line(2, SrtpSuite::Gcm256),
            line(3, SrtpSuite::AesCm128Tag80),
            line(4, SrtpSuite::AesCm128Tag80),
        ];
        assert_eq!(choose(&all, None).unwrap().tag, 3);
        assert_eq!(choose(&all[..2], None).unwrap().tag, 2);
        assert_eq!(choose(&all, Some(SrtpSuite::AesCm128Tag32)).unwrap().tag, 1);
        assert_eq!(choose(&all, Some(SrtpSuite::AesCm256Tag80)).unwrap().tag, 3);
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn the_name_a_phone_writes_is_kept() {
        let key = BASE64.encode([7; 46]);
        let read = CryptoLine::read(&format!("1 AES_CM_256_HMAC_SHA1_80 inline:{key}")).unwrap();
        assert_eq!(
            (read.suite, read.name),
            (SrtpSuite::AesCm256Tag80, "AES_CM_256_HMAC_SHA1_80")
        );
    }
}
