use std::borrow::Cow;

/// Bytes from the wire as text: UTF-8 where it is UTF-8, else Latin-1; a folded line becomes one line
/// (RFC 3261 §7.3.1: a line break followed by white space means one space).
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match unfold(bytes) {
        Cow::Borrowed(bytes) => decode(bytes),
        Cow::Owned(bytes) => Cow::Owned(decode(&bytes).into_owned()),
    }
}

/// One line of what may have been several.
pub(crate) fn unfold(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut line = Vec::with_capacity(bytes.len());
    let mut in_break = false;
    for byte in bytes {
        match byte {
            b'\r' | b'\n' => {
                while matches!(line.last(), Some(b' ' | b'\t')) {
                    line.pop();
                }
                in_break = true;
            }
            b' ' | b'\t' if in_break => {}
            other => {
                if in_break {
                    line.push(b' ');
                    in_break = false;
                }
                line.push(*other);
            }
        }
    }
    Cow::Owned(line)
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// The inside of a quoted string with its `\x` pairs resolved (RFC 3261 §25.1, `quoted-pair`).
pub(crate) fn unquote(inside: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inside).is_none() {
        return text(inside);
    }
    let mut plain = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        let meant = if *byte == b'\\' {
            bytes.next().unwrap_or(byte)
        } else {
            byte
        };
        plain.push(*meant);
    }
    Cow::Owned(text(&plain).into_owned())
}

/// `%XX` escapes resolved (RFC 3261 §25.1, `escaped`); a `%` without two hexadecimal digits stands for itself.
pub(crate) fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        match escape(rest) {
            Some((meant, after)) => {
                plain.push(meant);
                rest = after;
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    Cow::Owned(plain)
}

/// [`unescape`] as text.
pub(crate) fn unescaped_text(raw: &[u8]) -> Cow<'_, str> {
    match unescape(raw) {
        Cow::Borrowed(raw) => text(raw),
        Cow::Owned(plain) => Cow::Owned(text(&plain).into_owned()),
    }
}

fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = bytes else {
        return None;
    };
    let value = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
    Some((u8::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_where_it_can_be_and_latin_1_else() {
        assert_eq!(text("Jürgen".as_bytes()), "Jürgen");
        assert_eq!(text(b"J\xfcrgen"), "Jürgen");
        assert!(matches!(text(b"plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn a_fold_is_one_space() {
        assert_eq!(text(b"one\r\n  two \n\tthree"), "one two three");
        assert_eq!(text(b"\r\n one"), " one");
    }

    #[test]
    fn pairs_and_escapes_are_resolved() {
        assert_eq!(unquote(br#"a \"b\" \\"#), r#"a "b" \"#);
        assert_eq!(unquote(br"lone \"), r"lone \");
        assert_eq!(
            unescaped_text(b"sips%3Auser%40example.com"),
            "sips:user@example.com"
        );
        assert_eq!(unescaped_text(b"100%"), "100%");
        assert_eq!(unescaped_text(b"%4"), "%4");
        assert_eq!(&*unescape(b"a%00b"), b"a\0b");
    }
}
