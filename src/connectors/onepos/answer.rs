use super::row::{Bad, Row, read_row};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// One page as the PBX answered it.
#[derive(Debug, Default)]
pub struct Answer {
    /// The word that has to be `success`.
    pub status: Option<String>,
    /// What the PBX says about a failure.
    pub message: Option<String>,
    /// Where the next page begins; a number, or its text.
    pub next_offset: Option<u64>,
    /// The rows that can be taken over.
    pub rows: Vec<Row>,
    /// The rows that cannot.
    pub bad: Vec<Bad>,
    /// Whether there was a list of rows at all.
    pub has_data: bool,
}

impl Answer {
    /// How many rows the page has, good and bad.
    pub fn len(&self) -> usize {
        self.rows.len() + self.bad.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.bad.is_empty()
    }
}

/// Reads an answer row by row, so that no more than one row is held beside what is kept. An answer wrapped for JSONP,
/// `name({…});`, is unwrapped.
///
/// # Errors
/// When it is no JSON object, or broken half-way.
pub fn read_answer(body: &[u8], key: &str) -> Result<Answer, String> {
    let body = unwrapped(body);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let answer = Page { key }.deserialize(&mut reader).map_err(|error| {
        let at = format!("line {}, column {}", error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Eof => format!("the answer breaks off at {at}"),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Data => {
                format!("the answer is not the JSON of a page of call records ({at})")
            }
        }
    })?;
    reader
        .end()
        .map_err(|_error| "the answer goes on after its end".to_owned())?;
    Ok(answer)
}

fn unwrapped(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.first() == Some(&b'{') {
        return body;
    }
    let inner = body
        .iter()
        .position(|letter| *letter == b'(')
        .and_then(|open| body.get(open + 1..));
    let inner = inner.and_then(|rest| {
        let rest = rest.strip_suffix(b";").unwrap_or(rest).trim_ascii_end();
        rest.strip_suffix(b")")
    });
    inner.unwrap_or(body)
}

struct Page<'k> {
    key: &'k str,
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = Answer;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Answer, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = Answer;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a page of call records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer, A::Error> {
        let mut answer = Answer::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "status" => answer.status = words(&map.next_value()?),
                "message" | "error" => answer.message = words(&map.next_value()?),
                "next_offset" => answer.next_offset = offset(&map.next_value()?),
                "data" => {
                    let rows = Rows {
                        key: self.key,
                        answer: &mut answer,
                    };
                    map.next_value_seed(rows)?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(answer)
    }
}

struct Rows<'k, 'a> {
    key: &'k str,
    answer: &'a mut Answer,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of call records")
    }

    /// `"data": null`: no rows.
    fn visit_unit<E>(self) -> Result<(), E> {
        self.answer.has_data = true;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.answer.has_data = true;
        while let Some(value) = seq.next_element::<Value>()? {
            match read_row(&value, self.key) {
                Ok(row) => self.answer.rows.push(row),
                Err(bad) => self.answer.bad.push(*bad),
            }
        }
        Ok(())
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// A number or its text; anything else is no offset.
fn offset(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROW: &str =
        r#"{"uuid":"u1","direction":"inbound","call_status":"ANSWER","start_epoch":"1757586989"}"#;

    /// S0-068, S0-069, S0-070, S0-071
    #[test]
    fn a_page_is_read_with_its_offsets_as_numbers_or_strings() {
        let page = |next: &str| {
            let text = format!(
                r#"{{"status":"success","result_in_page":1,"start_offset":"0","next_offset":{next},"data":[{ROW},7]}}"#
            );
            read_answer(text.as_bytes(), "").unwrap()
        };
        let answer = page("200");
        assert_eq!(answer.status.as_deref(), Some("success"));
        assert_eq!(
            (answer.next_offset, answer.len(), answer.bad.len()),
            (Some(200), 2, 1)
        );
        assert_eq!(page("\"200\"").next_offset, Some(200));
        for none in ["null", "-1", "\"\"", "[]"] {
            assert_eq!(page(none).next_offset, None, "{none}");
        }
        let empty = read_answer(br#"{"status":"success","data":[]}"#, "").unwrap();
        assert!(empty.is_empty() && empty.has_data);
        let null = read_answer(br#"{"status":"success","data":null}"#, "").unwrap();
        assert!(null.is_empty() && null.has_data);
        assert!(!read_answer(br#"{"status":"success"}"#, "").unwrap().has_data);
    }

    #[test]
    fn an_answer_for_a_script_tag_is_unwrapped() {
        let text = format!("\u{feff}jQuery1_2({{\"status\":\"success\",\"data\":[{ROW}]}});");
        assert_eq!(read_answer(text.as_bytes(), "").unwrap().rows.len(), 1);
    }

    /// S0-105
    #[test]
    fn junk_is_told_in_plain_words_and_without_what_it_held() {
        for (body, words) in [
            ("", "breaks off"),
            ("<html>secret</html>", "not the JSON"),
            (r#"{"status":"success","data":[{"uuid":"u"#, "breaks off"),
            (r#"{"status":"success","data":"lots"}"#, "not the JSON"),
            (r#"{"status":"success"} {"more":1}"#, "goes on"),
            ("[1,2]", "not the JSON"),
        ] {
            let error = read_answer(body.as_bytes(), "").unwrap_err();
            assert!(
                error.contains(words) && !error.contains("secret"),
                "{body}: {error}"
            );
        }
        let deep = format!(r#"{{"data":[{}"#, "[".repeat(100_000));
        assert!(read_answer(deep.as_bytes(), "").is_err());
    }

    proptest! {
        /// S0-108
        #[test]
        fn no_bytes_make_the_reader_fall(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let _ = read_answer(&bytes, "");
            let whole = format!(r#"{{"status":"success","next_offset":1,"data":[{ROW},{ROW}]}}"#);
            let cut = cut.min(whole.len());
            let mut half = whole.as_bytes()[..cut].to_vec();
            half.extend(bytes);
            let _ = read_answer(&half, "");
        }
    }
}
