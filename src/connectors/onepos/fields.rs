//! One field of a row: strings or numbers, `null`, `""` and `"0"` for nothing.

use serde_json::{Map, Value};

/// A text field; numbers count as their text, blanks around it do not count, `""` and `null` are nothing.
///
/// # Errors
/// When it is neither, or longer than `most` characters.
pub(super) fn text(row: &Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, String> {
    let found = match row.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(format!("`{name}` is no text"));
        }
    };
    if found.chars().count() > most {
        return Err(format!("`{name}` is longer than {most} characters"));
    }
    if found.chars().any(char::is_control) {
        return Err(format!("`{name}` holds control characters"));
    }
    Ok(Some(found).filter(|text| !text.is_empty()))
}

/// A moment in ms since 1970, from seconds since 1970; `"0"` means that it never came. A number of more than eleven
/// digits is taken for milliseconds.
///
/// # Errors
/// When it is no number or no time of this age.
pub(super) fn moment(row: &Map<String, Value>, name: &str) -> Result<Option<i64>, String> {
    let Some(seconds) = number(row, name)? else {
        return Ok(None);
    };
    let millis = if seconds.abs() >= 1e11 {
        seconds
    } else {
        seconds * 1000.0
    };
    if millis == 0.0 {
        return Ok(None);
    }
    // From 1971 to 2200: beyond that, a record's time is a slip and not a time.
    if !(31_536_000_000.0..7_258_118_400_000.0).contains(&millis) {
        return Err(format!("`{name}` is no time of this age"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    Ok(Some(millis.round() as i64))
}

/// A length of time in ms, from seconds.
///
/// # Errors
/// When it is no number, negative, or longer than a month.
pub(super) fn span(row: &Map<String, Value>, name: &str) -> Result<Option<u64>, String> {
    let Some(seconds) = number(row, name)? else {
        return Ok(None);
    };
    if !(0.0..2_678_400.0).contains(&seconds) {
        return Err(format!("`{name}` is no length of a call"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked above"
    )]
    Ok(Some((seconds * 1000.0).round() as u64))
}

fn number(row: &Map<String, Value>, name: &str) -> Result<Option<f64>, String> {
    let Some(text) = text(row, name, 32)? else {
        return Ok(None);
    };
    let is_plain = text
        .bytes()
        .all(|letter| letter.is_ascii_digit() || matches!(letter, b'.' | b'-' | b'+' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(number) if is_plain && number.is_finite() => Ok(Some(number)),
        Ok(_) | Err(_) => Err(format!("`{name}` is no number")),
    }
}
