//! Headers that are a number: Max-Forwards §20.22, Expires §20.19, Min-Expires §20.23, Content-Length §20.14
//! of RFC 3261, RSeq of RFC 3262 §7.1.

use crate::sip::grammar::{number, trim};

/// `1*DIGIT` up to `largest`, and nothing else.
pub(crate) fn small(value: &[u8], largest: u32) -> Result<u32, &'static str> {
    let number = number(trim(value)).ok_or("not a number")?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number <= largest)
        .ok_or("too large")
}

/// `delta-seconds`: a number too large for 32 bits is the largest there is.
pub(crate) fn delta_seconds(value: &[u8]) -> Result<u32, &'static str> {
    let digits = trim(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("not a number of seconds");
    }
    Ok(number(digits)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(small(b" 0068 ", 255), Ok(68));
        assert_eq!(small(b"300", 255), Err("too large"));
        assert_eq!(small(b"7x", 255), Err("not a number"));
        assert_eq!(delta_seconds(b"1000000000000000000000000"), Ok(u32::MAX));
    }
}
