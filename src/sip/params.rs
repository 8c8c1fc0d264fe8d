use super::grammar::{Scanner, ascii};
use super::text::unquote;
use std::borrow::Cow;

/// The `;name=value` parameters behind a header value (RFC 3261 §25.1, `generic-param`), checked once and
/// read on demand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Params<'a> {
    raw: &'a [u8],
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, in the peer's spelling; compare without regard to case.
    pub name: &'a str,
    /// Its value as it came, quotes and all; nothing when there is no `=`.
    pub raw: Option<&'a [u8]>,
}

impl<'a> Params<'a> {
    /// Reads `*( SEMI generic-param )` and stops before whatever else comes.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, &'static str> {
        let start = *scanner;
        while scanner.separator(b';') {
            param(scanner)?;
        }
        Ok(Self {
            raw: scanner.since(&start),
        })
    }

    /// All parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut scanner = Scanner::new(self.raw);
        std::iter::from_fn(move || {
            if !scanner.separator(b';') {
                return None;
            }
            param(&mut scanner).ok()
        })
    }

    /// Whether a parameter of that name is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of the first parameter of that name, without quotes; nothing when it is absent or bare.
    pub fn value(&self, name: &str) -> Option<Cow<'a, str>> {
        self.find(name)?.value()
    }

    /// The value of the first parameter of that name when it is plain ASCII without quotes: a tag, a branch.
    pub fn token(&self, name: &str) -> Option<&'a str> {
        ascii(self.find(name)?.raw?).filter(|value| !value.starts_with('"'))
    }

    /// The first parameter of that name.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// The value of a parameter that may stand once (RFC 3261 §7.3.1) and is plain: a tag, a branch.
    pub(crate) fn only(&self, name: &str) -> Result<Option<&'a str>, ()> {
        let mut found = None;
        for param in self.iter().filter(|param| param.name.eq_ignore_ascii_case(name)) {
            let value = param
                .raw
                .and_then(ascii)
                .filter(|value| !value.starts_with('"'))
                .ok_or(())?;
            if found.replace(value).is_some() {
                return Err(());
            }
        }
        Ok(found)
    }

    /// The parameters as they came, the first `;` included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

impl<'a> Param<'a> {
    /// The value as text, without quotes.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        let raw = self.raw?;
        match Scanner::new(raw).quoted() {
            Some(inside) => Some(unquote(inside)),
            None => Some(super::text::text(raw)),
        }
    }
}

fn param<'a>(scanner: &mut Scanner<'a>) -> Result<Param<'a>, &'static str> {
    let name = scanner.token().ok_or("a parameter has no name")?;
    let mut ahead = *scanner;
    if !ahead.separator(b'=') {
        return Ok(Param { name, raw: None });
    }
    let before = ahead;
    if ahead.peek() == Some(b'"') {
        ahead.quoted().ok_or("a quotation mark is missing")?;
    } else {
        ahead.take_while(is_value);
    }
    let raw = ahead.since(&before);
    if raw.is_empty() {
        return Err("a parameter has no value");
    }
    *scanner = ahead;
    Ok(Param { name, raw: Some(raw) })
}

/// `token / host / quoted-string` by the grammar; by practice anything that does not end the parameter:
/// bare IPv6 addresses (RFC 5118 §4.5), `:` and `@` in tags, bytes above 127.
fn is_value(byte: u8) -> bool {
    VALUE[usize::from(byte)]
}

static VALUE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte > 0x20 && !matches!(byte as u8, 0x7f | b';' | b',' | b'"' | b'<' | b'>');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Params<'_>, &'static str> {
        let mut scanner = Scanner::new(text.as_bytes());
        let params = Params::scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(params)
        } else {
            Err("something follows")
        }
    }

    #[test]
    fn parameters_are_found_in_any_case_with_space_around_every_sign() {
        let params = read(" ; tag  =\r\n  98x ; LR;q=\"a;\\\"b\" ").unwrap();
        assert_eq!(params.token("TAG"), Some("98x"));
        assert!(params.has("lr"));
        assert_eq!(params.value("lr"), None);
        assert_eq!(params.value("q").unwrap(), "a;\"b");
        assert_eq!(params.iter().count(), 3);
    }

    #[test]
    fn a_parameter_without_name_or_value_is_refused() {
        for bad in [";", ";;a", ";=1", ";a=", ";a=;b", ";a=\"open", ";a b", ";a=1 2"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
