use crate::ivr::nearest;

/// A reading error of serde in the words of a technician: what is wrong, and the cure.
pub(super) fn plain_words(message: &str) -> (String, String) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let names = quoted(rest);
        return ("unknown key".to_owned(), choice(&names));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let names = quoted(rest);
        let written = names.first().copied().unwrap_or_default();
        return (format!("\"{written}\" cannot be chosen here"), choice(&names));
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let name = quoted(rest).first().copied().unwrap_or_default().to_owned();
        return ("is missing".to_owned(), format!("write {name} = …"));
    }
    if let Some(rest) = message.strip_prefix("invalid type: ")
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        return (
            format!("is {}", found_in_words(found)),
            format!("write {}", expected_in_words(expected)),
        );
    }
    if let Some(rest) = message
        .strip_prefix("invalid value: ")
        .or(message.strip_prefix("invalid length "))
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        return (
            format!("{} does not fit", value_of(found)),
            format!("write {}", expected_in_words(expected)),
        );
    }
    match message {
        "invalid socket address syntax" => (
            "is no address with a port".to_owned(),
            "write it like \"127.0.0.1:8080\"".to_owned(),
        ),
        "invalid IP address syntax" => (
            "is no IP address".to_owned(),
            "write it like \"192.168.1.20\"".to_owned(),
        ),
        other => in_two(other),
    }
}

/// Our own messages say the problem, then the cure.
pub(super) fn in_two(message: &str) -> (String, String) {
    let message = message.trim().replace('\n', " ");
    for joint in [" — ", "; "] {
        if let Some((problem, cure)) = message.split_once(joint) {
            return (problem.to_owned(), cure.to_owned());
        }
    }
    (message, "look it up in the handbook".to_owned())
}

/// The words between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// `[written, known…]` → what was probably meant, or all there is.
fn choice(names: &[&str]) -> String {
    let [written, known @ ..] = names else {
        return "look it up in the handbook".to_owned();
    };
    match nearest(written, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "take it out; nothing can be set here".to_owned(),
        None => format!("use one of: {}", known.join(", ")),
    }
}

fn found_in_words(found: &str) -> String {
    let (kind, value) = found.split_once(' ').unwrap_or((found, ""));
    match kind {
        "string" => format!("the text {value}"),
        "integer" | "floating" => format!("the number {}", value_of(found)),
        "boolean" => value_of(found).to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        _ => format!("a {found}"),
    }
}

/// `integer `70000`` → `70000`, `string "x"` → `"x"`.
fn value_of(found: &str) -> &str {
    match quoted(found).first() {
        Some(value) => value,
        None => found.split_once(' ').map_or(found, |(_, value)| value),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "str" => "a text in \"quotes\"",
        "a character" => "one character in \"quotes\"",
        "path string" => "a path in \"quotes\"",
        "a sequence" => "a list in [ ]",
        "a map" => "a table in { }",
        "an array of length 2" => "two values in [ ]",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_parser_become_the_words_of_a_technician() {
        let table = [
            (
                "unknown field `lisen`, expected one of `listen`, `realm`",
                "unknown key — did you mean `listen`?",
            ),
            (
                "unknown field `x`, expected `name`",
                "unknown key — use one of: name",
            ),
            ("missing field `verb`", "is missing — write verb = …"),
            (
                "invalid type: string \"abc\", expected u16",
                "is the text \"abc\" — write a whole number from 0 to 65535",
            ),
            (
                "invalid type: integer `1`, expected a sequence",
                "is the number 1 — write a list in [ ]",
            ),
            (
                "invalid value: integer `70000`, expected u16",
                "70000 does not fit — write a whole number from 0 to 65535",
            ),
            (
                "invalid length 1, expected an array of length 2",
                "1 does not fit — write two values in [ ]",
            ),
            (
                "invalid socket address syntax",
                "is no address with a port — write it like \"127.0.0.1:8080\"",
            ),
            (
                "unknown variant `ring_al`, expected one of `ring_all`, `linear`",
                "\"ring_al\" cannot be chosen here — did you mean `ring_all`?",
            ),
            (
                "`x` is not a telephone key; use 0-9",
                "`x` is not a telephone key — use 0-9",
            ),
        ];
        for (message, words) in table {
            let (problem, cure) = plain_words(message);
            assert_eq!(format!("{problem} — {cure}"), words);
        }
    }
}
