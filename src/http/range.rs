/// The part of a file a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: no Range header, one in a unit we do not know, or one that is not well-formed (RFC 9110 §14.2).
    Whole,
    /// Bytes `first` to `last`, both included.
    Bytes {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte; below the file's length.
        last: u64,
    },
    /// Nothing of the file is in the range, or more than one range was asked for: 416.
    Nothing,
}

/// Reads a Range header (RFC 9110 §14.1.2) against a file of `length` bytes.
///
/// One range at a time: a player never asks for more, and a list of thousands is an attack on memory.
pub(super) fn asked(header: Option<&str>, length: u64) -> Part {
    let Some(set) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Part::Whole;
    };
    if set.contains(',') {
        return Part::Nothing;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return Part::Whole;
    };
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Part::Whole,
        (true, false) => number(last).map_or(Part::Whole, |count| suffix(count, length)),
        (false, true) => number(first).map_or(Part::Whole, |first| span(first, u64::MAX, length)),
        (false, false) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => span(first, last, length),
            _ => Part::Whole,
        },
    }
}

fn suffix(count: u64, length: u64) -> Part {
    if count == 0 {
        return Part::Nothing;
    }
    span(length.saturating_sub(count), u64::MAX, length)
}

fn span(first: u64, last: u64, length: u64) -> Part {
    if first >= length {
        return Part::Nothing;
    }
    Part::Bytes {
        first,
        last: last.min(length - 1),
    }
}

/// Digits only: `parse` alone would take a leading `+`. A number too large for 64 bits lies beyond every file.
fn number(text: &str) -> Option<u64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (header, expected) in [
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=0-99", bytes(0, 99)),
            ("bytes=0-100", bytes(0, 99)),
            ("bytes=10-", bytes(10, 99)),
            ("bytes=-10", bytes(90, 99)),
            ("bytes=-1000", bytes(0, 99)),
            ("bytes=99-99999999999999999999999", bytes(99, 99)),
            ("bytes=100-", Part::Nothing),
            ("bytes=99999999999999999999999-", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=0-1,3-4", Part::Nothing),
            ("bytes=5-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=", Part::Whole),
            ("items=0-1", Part::Whole),
        ] {
            assert_eq!(asked(Some(header), 100), expected, "{header}");
        }
        assert_eq!(asked(None, 100), Part::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Part::Nothing);
        assert_eq!(asked(Some("bytes=-1"), 0), Part::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_always_lies_inside_the_file(header in "bytes=[0-9,-]{0,24}", length in 0u64..1000) {
            if let Part::Bytes { first, last } = asked(Some(&header), length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
