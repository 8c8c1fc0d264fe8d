//! Bodies of several parts: RFC 2046 §5.1, in SIP RFC 5621. A carrier may send SDP beside ISUP or a location.

use super::fault::Fault;
use super::grammar::trim;
use super::headers::{self, ContentDisposition, ContentType};
use super::message::Header;
use super::name::Name;
use super::reading::{header, next_header};

/// More parts than this nobody sends.
const PARTS: usize = 16;
/// How deep parts may be nested.
const DEPTH: usize = 3;

/// One part of a body.
#[derive(Debug, Clone)]
struct Part<'a> {
    headers: Vec<Header<'a>>,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    /// What it is; without a word about it, text (RFC 2046 §5.2).
    fn content_type(&self) -> Result<Option<ContentType<'a>>, Fault> {
        let value = self.value(Name::ContentType);
        let read = |value| headers::content_type(value).map_err(|problem| fault(Name::ContentType, problem));
        value.map(read).transpose()
    }

    /// Whether the message may be served without it.
    fn is_optional(&self) -> Result<bool, Fault> {
        let value = self.value(Name::ContentDisposition);
        let read = |value| {
            ContentDisposition::parse(value).map_err(|problem| fault(Name::ContentDisposition, problem))
        };
        Ok(value
            .map(read)
            .transpose()?
            .is_some_and(|disposition| disposition.optional))
    }

    fn value(&self, name: Name<'_>) -> Option<&'a [u8]> {
        let found = self.headers.iter().find(|header| header.name == name);
        found.map(|header| header.value)
    }
}

fn fault(name: Name<'static>, problem: &'static str) -> Fault {
    Fault::header(name, problem)
}

fn bad_body(problem: &'static str) -> Fault {
    Fault::part("multipart body", problem)
}

/// The parts of a body, in their order.
fn parts<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, Fault> {
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(bad_body("no boundary of 1 to 70 characters"));
    }
    let mut found = Vec::new();
    let (mut at, mut start) = (0, None);
    loop {
        let (line_end, next) = match memchr::memchr(b'\n', body.get(at..).unwrap_or_default()) {
            Some(length) => (at + length, at + length + 1),
            None => (body.len(), body.len()),
        };
        if let Some(is_last) = delimiter(boundary, body.get(at..line_end).unwrap_or_default()) {
            if let Some(start) = start.replace(next) {
                found.push(part(body.get(start..at).unwrap_or_default())?);
            }
            if is_last {
                return Ok(found);
            }
            if found.len() == PARTS {
                return Err(bad_body("more than 16 parts"));
            }
        }
        if next >= body.len() {
            return Err(bad_body("no closing boundary"));
        }
        at = next;
    }
}

/// Whether a line is `--boundary`, and if so whether it is the closing `--boundary--`.
fn delimiter(boundary: &str, line: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let (rest, is_last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    trim(rest).is_empty().then_some(is_last)
}

/// Headers, an empty line, and bytes up to the line end that belongs to the delimiter.
fn part(bytes: &[u8]) -> Result<Part<'_>, Fault> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let whole = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut headers = Vec::new();
    let mut rest = whole;
    while let Some(line) = next_header(&mut rest) {
        if line.is_empty() {
            return Ok(Part { headers, body: rest });
        }
        headers.push(header(line).map_err(bad_body)?);
        if headers.len() > PARTS {
            return Err(bad_body("a part of more than 16 headers"));
        }
    }
    Err(bad_body("a part without an empty line behind its headers"))
}

/// The body of this type, looked for in `body` and, when that is of several parts, in them: 415 when a part that
/// may not be passed over is of another type (RFC 5621 §3.1, §8.3).
pub(super) fn find<'a>(
    wanted: &str,
    kind: &ContentType<'a>,
    body: &'a [u8],
    depth: usize,
) -> Result<Option<&'a [u8]>, Fault> {
    if kind.is(wanted) {
        return Ok(Some(body));
    }
    if !kind.kind.eq_ignore_ascii_case("multipart") || depth == DEPTH {
        return Ok(None);
    }
    // Of alternatives any one will do (RFC 5621 §3.1.1).
    let any_will_do = kind.subtype.eq_ignore_ascii_case("alternative");
    let boundary = kind.params.value("boundary").unwrap_or_default();
    let mut found = None;
    for part in parts(&boundary, body)? {
        let inside = match part.content_type()? {
            Some(kind) => find(wanted, &kind, part.body, depth + 1)?,
            None => None,
        };
        match inside {
            Some(inside) if found.is_none() || any_will_do => found = Some(inside),
            Some(_) => {}
            None if any_will_do || part.is_optional()? => {}
            None => {
                return Err(Fault {
                    status: 415,
                    ..bad_body("a required part of an unknown type")
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(value: &str) -> ContentType<'_> {
        headers::content_type(value.as_bytes()).unwrap()
    }

    fn sdp_in(value: &str, body: &str) -> Result<Option<String>, u16> {
        let found = find("application/sdp", &kind(value), body.as_bytes(), 0);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        found.map(|found| found.map(text)).map_err(|fault| fault.status)
    }

    #[test]
    fn sdp_is_found_among_parts() {
        let body = "preamble\r\n--b1\r\nContent-Type: application/isup; version=x\r\n\
            Content-Disposition: signal; handling=optional\r\n\r\n\u{1}\u{2}\r\n--b1 \r\nc: application/sdp\r\n\r\nv=0\r\n\r\n--b1--\r\nepilogue";
        assert_eq!(
            sdp_in("multipart/mixed; boundary=\"b1\"", body),
            Ok(Some("v=0\r\n".into()))
        );
        assert_eq!(sdp_in("application/sdp", "v=0"), Ok(Some("v=0".into())));
        assert_eq!(sdp_in("text/plain", "v=0"), Ok(None));
    }

    #[test]
    fn bare_line_feeds_will_do_and_bytes_are_kept() {
        let body = "--x\nContent-Type: application/sdp\n\nv=0\n--x-y\n\n--x--";
        assert_eq!(
            sdp_in("multipart/mixed;boundary=x", body),
            Ok(Some("v=0\n--x-y\n".into()))
        );
    }

    #[test]
    fn a_required_part_that_is_unknown_is_415_unless_it_is_an_alternative() {
        let body = "--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--\r\n";
        assert_eq!(sdp_in("multipart/mixed;boundary=b", body), Err(415));
        assert_eq!(
            sdp_in("multipart/alternative;boundary=b", body),
            Ok(Some("v=0".into()))
        );
    }

    #[test]
    fn parts_may_be_nested_but_not_for_ever() {
        let mut body = "--z\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--z--\r\n".to_owned();
        assert_eq!(
            sdp_in("multipart/mixed;boundary=z", &body),
            Ok(Some("v=0".into()))
        );
        for level in 0..4 {
            let inner = if level == 0 {
                "z".to_owned()
            } else {
                format!("z{}", level - 1)
            };
            body = format!(
                "--z{level}\r\nContent-Type: multipart/mixed;boundary={inner}\r\n\r\n{body}\r\n--z{level}--\r\n"
            );
        }
        assert_eq!(sdp_in("multipart/mixed;boundary=z3", &body), Err(415));
    }

    #[test]
    fn broken_bodies_are_refused() {
        let many = "--b\r\n\r\n\r\n".repeat(20);
        for body in [
            "",
            "--b",
            "--b\r\n",
            "--b\r\nContent-Type: a/b\r\n--b--",
            "--b\r\nno colon\r\n\r\n\r\n--b--",
            &many,
        ] {
            assert_eq!(sdp_in("multipart/mixed;boundary=b", body), Err(400), "{body:?}");
        }
        assert_eq!(sdp_in("multipart/mixed", "--b--"), Err(400), "no boundary");
        assert_eq!(sdp_in("multipart/mixed;boundary=b", "--b--"), Ok(None));
    }
}
