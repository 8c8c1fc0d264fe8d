use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A reader's place in the call records: which store, and the last `seq` that was read.
///
/// On the wire it is one opaque word. It carries the store's epoch, so a reader whose store was lost or replaced is
/// told so instead of silently skipping or repeating records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// [`Reader::epoch`](crate::store::Reader::epoch) at the time.
    pub(super) epoch: String,
    /// The last `seq` that was read; 0 before the first.
    pub(super) seq: u64,
}

/// The first byte, so that the form can change one day.
const FORM: u8 = 1;
/// Longer words are not ours.
const MAX_LENGTH: usize = 200;

impl Cursor {
    /// The cursor as a word of the URL-safe base64 alphabet (RFC 4648 §5).
    pub(super) fn encode(&self) -> String {
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(self.epoch.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the word back, or nothing when it is not one of ours.
    pub(super) fn decode(word: &str) -> Option<Self> {
        if word.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
        let (form, rest) = bytes.split_first()?;
        let (seq, epoch) = rest.split_first_chunk::<8>()?;
        if *form != FORM {
            return None;
        }
        let epoch = std::str::from_utf8(epoch).ok()?.to_owned();
        Some(Self {
            epoch,
            seq: u64::from_be_bytes(*seq),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(seq: u64, epoch in "[0-9a-f-]{0,36}") {
            let cursor = Cursor { epoch, seq };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn any_other_word_is_refused_without_a_panic(word in ".{0,300}") {
            let _ = Cursor::decode(&word);
        }
    }

    #[test]
    fn a_cut_cursor_is_refused() {
        let word = Cursor {
            epoch: String::new(),
            seq: 7,
        }
        .encode();
        assert_eq!(Cursor::decode(&word[..word.len() - 1]), None);
        assert_eq!(Cursor::decode(""), None);
    }
}
