use super::shortening::{lengthen, shorten};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// JSON text as it lies in a row. Long texts of ours look alike, so they are stored as an LZ4 block against a
/// dictionary of what they have in common; what comes out is byte for byte what went in. Rows of an earlier
/// release hold plain text and are read as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Packed(pub(in crate::store) String);

/// The first byte of a packed row tells what unpacks it. A dictionary is never changed once
/// released; a better one gets the next number.
const DICTIONARY_1: u8 = 1;
/// The same dictionary, after [`shorten`]: for texts alone.
const SHORTENED_1: u8 = 2;
static WORDS_1: &[u8] = include_bytes!("packing-1.txt");
/// What rows are written with now: the same two ways, with the words that records got since.
const DICTIONARY_2: u8 = 3;
const SHORTENED_2: u8 = 4;
static WORDS_2: &[u8] = include_bytes!("packing-2.txt");

/// Longest text that is unpacked. A damaged row may claim any length.
const LONGEST: usize = 16 << 20;
/// The dictionary's number, then the text's length.
const HEAD: usize = 5;

/// Packs any bytes.
pub(in crate::store) fn pack(bytes: &[u8]) -> Vec<u8> {
    pack_as(DICTIONARY_2, bytes)
}

/// Packs a text.
fn pack_text(text: &str) -> Vec<u8> {
    pack_as(SHORTENED_2, &shorten(text.as_bytes()))
}

fn pack_as(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![kind];
    packed.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    packed.extend(lz4_flex::block::compress_with_dict(bytes, WORDS_2));
    packed
}

/// The bytes that were packed; nothing when they are damaged or another release's.
pub(in crate::store) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (head, block) = packed.split_at_checked(HEAD)?;
    let (kind, length) = head.split_first()?;
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    if length > LONGEST {
        return None;
    }
    let bytes = |words| lz4_flex::block::decompress_with_dict(block, length, words).ok();
    match *kind {
        DICTIONARY_1 => bytes(WORDS_1),
        SHORTENED_1 => lengthen(&bytes(WORDS_1)?),
        DICTIONARY_2 => bytes(WORDS_2),
        SHORTENED_2 => lengthen(&bytes(WORDS_2)?),
        _later => None,
    }
}

impl ToSql for Packed {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(pack_text(&self.0)))
    }
}

impl FromSql for Packed {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Text(text) => String::from_utf8(text.to_owned())
                .map(Self)
                .map_err(|error| FromSqlError::Other(Box::new(error))),
            // Unreadable: the reader of the text says so, with the row's name.
            ValueRef::Blob(packed) => {
                let text = unpack(packed).and_then(|text| String::from_utf8(text).ok());
                Ok(Self(text.unwrap_or_default()))
            }
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Err(FromSqlError::InvalidType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::to_body;
    use crate::store::tests::sample;

    #[test]
    fn what_comes_out_is_what_went_in() {
        let record = to_body(&sample::talked(7)).unwrap();
        for text in ["", "{}", &record, &"ق".repeat(100_000)] {
            for packed in [pack(text.as_bytes()), pack_text(text)] {
                assert_eq!(unpack(&packed).as_deref(), Some(text.as_bytes()));
            }
        }
    }

    /// A record with three legs, a recording and measured quality takes less than two elevenths of its text.
    #[test]
    fn a_record_packs_well() {
        let record = to_body(&sample::talked(7)).unwrap();
        let packed = pack_text(&record).len();
        assert!(packed * 11 < record.len() * 2, "{packed} of {}", record.len());
    }

    /// The dictionary of a released format may not change, and rows that were written with it are read.
    #[test]
    fn rows_of_old_are_read() {
        let sum = crate::store::tests::digest(WORDS_1);
        assert_eq!(
            sum, "42058bb46c0ae0f1477c54e8566a46a99d30977fe446f99b5a2c6b5230cba880",
            "the dictionary is part of the file format; add another one instead"
        );
        let record = to_body(&sample::talked(7)).unwrap();
        for kind in [DICTIONARY_1, SHORTENED_1] {
            let mut row = vec![kind];
            row.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
            row.extend(lz4_flex::block::compress_with_dict(record.as_bytes(), WORDS_1));
            assert_eq!(unpack(&row).as_deref(), Some(record.as_bytes()));
        }
    }

    #[test]
    fn a_damaged_row_is_no_text_and_no_harm() {
        let whole = pack_text(&to_body(&sample::ended(7)).unwrap());
        for end in 0..whole.len() {
            let _ = unpack(&whole[..end]);
        }
        let mut lie = whole.clone();
        lie[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(unpack(&lie), None);
        let mut other = whole;
        other[0] = 9;
        assert_eq!(unpack(&other), None);
    }
}
