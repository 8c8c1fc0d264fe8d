//! Text in which long hexadecimal words and times stand as the bytes they name.
//!
//! A record says its identity four times, a checksum once and the time a dozen times, and no dictionary can guess them. UTF-8 has no bytes from
//! 0xF8 on, so two of them say that raw bytes follow.

use super::moments::Moments;

/// A uuid: its 16 bytes follow.
const UUID: u8 = 0xff;
/// Lowercase hexadecimal digits: how many pairs, then so many bytes.
const DIGITS: u8 = 0xfe;

/// The first byte that no text has.
const FIRST_MARK: u8 = 0xf8;

/// Pairs of digits from which on the bytes are shorter by more than the mark costs.
const FEWEST_PAIRS: usize = 8;
/// Characters of a uuid.
const UUID_LENGTH: usize = 36;

/// The text with its hexadecimal words as bytes; [`lengthen`] gives it back byte for byte.
pub(super) fn shorten(text: &[u8]) -> Vec<u8> {
    let mut short = Vec::with_capacity(text.len());
    let (mut rest, mut moments) = (text, Moments::default());
    while let Some((byte, behind)) = rest.split_first() {
        if digit(*byte).is_none() {
            short.push(*byte);
            rest = behind;
        } else if let Some(behind) = moments.shorten(rest, &mut short) {
            rest = behind;
        } else if let Some((id, behind)) = uuid(rest) {
            short.push(UUID);
            short.extend(id);
            rest = behind;
        } else {
            rest = word(rest, &mut short);
        }
    }
    short
}

/// The text that was shortened; nothing when it is damaged.
pub(super) fn lengthen(short: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(short.len().saturating_mul(2));
    let (mut rest, mut moments) = (short, Moments::default());
    while let Some((byte, behind)) = rest.split_first() {
        rest = match *byte {
            UUID => {
                let (id, behind) = behind.split_first_chunk::<16>()?;
                let mut letters = [0; UUID_LENGTH];
                text.extend(
                    uuid::Uuid::from_bytes(*id)
                        .hyphenated()
                        .encode_lower(&mut letters)
                        .as_bytes(),
                );
                behind
            }
            DIGITS => {
                let (pairs, behind) = behind.split_first()?;
                let (bytes, behind) = behind.split_at_checked(usize::from(*pairs))?;
                for byte in bytes {
                    text.extend([letter(byte >> 4), letter(byte & 0xf)]);
                }
                behind
            }
            plain if plain < FIRST_MARK => {
                text.push(plain);
                behind
            }
            mark => moments.lengthen(mark, behind, &mut text)?,
        };
    }
    Some(text)
}

/// A lowercase uuid with its hyphens at the beginning of the text, and what follows it.
fn uuid(text: &[u8]) -> Option<([u8; 16], &[u8])> {
    let (head, behind) = text.split_at_checked(UUID_LENGTH)?;
    let mut id = [0; 16];
    let mut nibbles = 0;
    for (place, byte) in head.iter().enumerate() {
        if matches!(place, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let half = id.get_mut(nibbles / 2)?;
        *half = *half << 4 | digit(*byte)?;
        nibbles += 1;
    }
    Some((id, behind))
}

/// The digits at the beginning of the text, as bytes when they are many; what follows them.
fn word<'a>(text: &'a [u8], short: &mut Vec<u8>) -> &'a [u8] {
    let digits = text.iter().take_while(|byte| digit(**byte).is_some()).count();
    let pairs = (digits / 2).min(usize::from(u8::MAX));
    let length = if pairs < FEWEST_PAIRS { digits } else { pairs * 2 };
    let (word, behind) = text.split_at_checked(length).unwrap_or((text, &[]));
    if pairs < FEWEST_PAIRS {
        short.extend(word);
        return behind;
    }
    short.extend([DIGITS, u8::try_from(pairs).unwrap_or(u8::MAX)]);
    for pair in word.chunks_exact(2) {
        let value = pair
            .iter()
            .fold(0, |value, byte| value << 4 | digit(*byte).unwrap_or(0));
        short.push(value);
    }
    behind
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn letter(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(text: &str) {
        let short = shorten(text.as_bytes());
        assert_eq!(lengthen(&short).as_deref(), Some(text.as_bytes()), "{text}");
        assert!(short.len() <= text.len(), "{text}");
    }

    #[test]
    fn words_that_only_look_alike_come_back_too() {
        let id = "018bcfe5-6800-7000-8000-0123456789ab";
        assert_eq!(shorten(id.as_bytes()).len(), 17);
        assert_eq!(shorten("ab".repeat(32).as_bytes()).len(), 34);
        for text in [
            "",
            id,
            &id.to_uppercase(),
            &id[..35],
            &format!("{id}{id}"),
            &format!("0{id}"),
            &id.replace('-', ""),
            &"0".repeat(15),
            &"0".repeat(16),
            &"0".repeat(17),
            &"f".repeat(511),
            &"f".repeat(2000),
            "+966500000000",
            "\"2026-11-20T12:40:29.216+03:00\",\"2026-11-20T12:40:37.001+03:00\"",
            "2026-11-20T12:40:29.216+03:002026-11-20T12:40:29.216+03:00",
            "12026-11-20T12:40:29.216+03:00",
            "{\"a\":\"الف\"}",
        ] {
            there_and_back(text);
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(text in "([0-9a-f]{1,40}|-|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.){0,12}") {
            there_and_back(&text);
        }

        #[test]
        fn damage_is_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = lengthen(&bytes);
        }
    }
}
