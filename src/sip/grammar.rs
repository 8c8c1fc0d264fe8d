//! The words of RFC 3261 §25.1: white space, tokens, quoted strings, separators, lists.
//!
//! White space includes line breaks: a folded header is read in place, without being unfolded first.

/// Reads one header value from left to right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// `LWS` and `SWS`.
    pub(crate) fn skip_space(&mut self) {
        while let [byte, rest @ ..] = self.rest
            && is_space(*byte)
        {
            self.rest = rest;
        }
    }

    /// Reads this very byte, if it comes next.
    pub(crate) fn eat(&mut self, wanted: u8) -> bool {
        match self.rest {
            [byte, rest @ ..] if *byte == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A separator with white space on both sides: `SEMI`, `EQUAL`, `SLASH`, `COMMA`, `COLON`.
    pub(crate) fn separator(&mut self, wanted: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_space();
        if !ahead.eat(wanted) {
            return false;
        }
        ahead.skip_space();
        *self = ahead;
        true
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|byte| !wanted(*byte))
            .unwrap_or(self.rest.len());
        self.take(end)
    }

    /// The next `count` bytes, or all there are.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// `token`, at least one character.
    pub(crate) fn token(&mut self) -> Option<&'a str> {
        let token = self.take_while(is_token);
        std::str::from_utf8(token).ok().filter(|token| !token.is_empty())
    }

    /// `1*DIGIT` that fits.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        number(digits)
    }

    /// The inside of a `quoted-string`, its pairs unresolved. Nothing is read when there is none.
    pub(crate) fn quoted(&mut self) -> Option<&'a [u8]> {
        let [b'"', inside @ ..] = self.rest else {
            return None;
        };
        let mut from = 0;
        loop {
            let stop = from + memchr::memchr2(b'"', b'\\', inside.get(from..)?)?;
            if inside.get(stop) == Some(&b'"') {
                self.rest = inside.get(stop + 1..)?;
                return inside.get(..stop);
            }
            from = stop + 2;
        }
    }

    /// The bytes this scanner read since `earlier` was copied from it.
    pub(crate) fn since(&self, earlier: &Scanner<'a>) -> &'a [u8] {
        let length = earlier.rest.len().saturating_sub(self.rest.len());
        earlier.rest.get(..length).unwrap_or_default()
    }

    /// What was found, if nothing but white space is left.
    pub(crate) fn finish<T>(mut self, found: T) -> Result<T, &'static str> {
        if self.at_end() {
            Ok(found)
        } else {
            Err("something odd behind it")
        }
    }

    /// Whether nothing but white space is left.
    pub(crate) fn at_end(&mut self) -> bool {
        self.skip_space();
        self.is_empty()
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `token` of RFC 3261 §25.1.
pub(crate) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        table[byte] = letter.is_ascii_alphanumeric()
            || matches!(
                letter,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        byte += 1;
    }
    table
};

/// ASCII bytes as text.
pub(crate) fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())
}

/// `1*DIGIT` that fits into 64 bits, leading zeros allowed.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Without white space at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| !is_space(*byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !is_space(*byte))
        .map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// The elements of a comma-separated header value (RFC 3261 §7.3.1): commas inside quotes and angle
/// brackets do not separate. Elements come trimmed; an empty one is given, for the grammar to refuse.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    /// The elements of this header value.
    pub fn of(value: &'a [u8]) -> Self {
        Self {
            rest: (!trim(value).is_empty()).then_some(value),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let end = element_end(rest);
        self.rest = rest.get(end + 1..);
        Some(trim(rest.get(..end).unwrap_or(rest)))
    }
}

fn element_end(value: &[u8]) -> usize {
    let mut scanner = Scanner::new(value);
    loop {
        scanner.take_while(|byte| !matches!(byte, b',' | b'"' | b'<'));
        match scanner.peek() {
            Some(b'"') => {
                if scanner.quoted().is_none() {
                    return value.len();
                }
            }
            Some(b'<') => {
                scanner.take_while(|byte| byte != b'>');
            }
            Some(_) | None => return value.len() - scanner.rest().len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_only_outside_quotes_and_brackets() {
        let split = |text: &'static str| -> Vec<&str> {
            Elements::of(text.as_bytes())
                .map(|part| std::str::from_utf8(part).unwrap())
                .collect()
        };
        assert_eq!(split("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(
            split(r#""a, \", b" <sip:x,y@z>;p="q,r", d"#),
            [r#""a, \", b" <sip:x,y@z>;p="q,r""#, "d"]
        );
        assert_eq!(split("a,,b,"), ["a", "", "b", ""]);
        assert_eq!(split(" \r\n "), Vec::<&str>::new());
        assert_eq!(split("\"open, b"), ["\"open, b"]);
        assert_eq!(split("<open, b"), ["<open, b"]);
        assert_eq!(split(","), ["", ""]);
    }

    #[test]
    fn quoted_strings_end_at_the_first_bare_quote() {
        let mut scanner = Scanner::new(br#""a \" b" rest"#);
        assert_eq!(scanner.quoted(), Some(&br#"a \" b"#[..]));
        assert_eq!(scanner.rest(), b" rest");
        assert_eq!(Scanner::new(b"\"open").quoted(), None);
        assert_eq!(Scanner::new(b"\"open\\").quoted(), None);
        assert_eq!(Scanner::new(b"\"open\\\"").quoted(), None);
    }

    #[test]
    fn numbers_fit_or_are_refused() {
        assert_eq!(number(b"0068"), Some(68));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b"100000000000000000000"), None);
    }
}
