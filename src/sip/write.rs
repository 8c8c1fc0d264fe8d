//! Writing messages: always canonical, whatever the peer wrote. Full names, one line a value, `Content-Length`
//! always there, and no value can break out of its line: control bytes become spaces.

use super::grammar::{is_token, trim};
use super::headers::{NameAddr, Via};
use super::message::{Header, Message};
use super::method::Method;
use super::name::Name;
use super::status::reason_phrase;
use super::text::unfold;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;

/// Room for nearly every request with its body, so that it is allocated once.
const REQUEST_BYTES: usize = 1536;

/// Room for nearly every response with its body.
const RESPONSE_BYTES: usize = 1024;

/// A message being written, line by line in the order of the calls.
#[derive(Debug, Clone)]
pub struct Draft {
    out: Vec<u8>,
}

/// A status with its reason phrase: `180.into()`, or `(400, "Bad Via: no host").into()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// 100–699.
    pub status: u16,
    /// The same for people.
    pub reason: &'a str,
}

impl From<u16> for StatusLine<'static> {
    fn from(status: u16) -> Self {
        Self {
            status,
            reason: reason_phrase(status),
        }
    }
}

impl<'a> From<(u16, &'a str)> for StatusLine<'a> {
    fn from((status, reason): (u16, &'a str)) -> Self {
        Self { status, reason }
    }
}

impl Draft {
    /// A request (RFC 3261 §8.1.1). Via, From, To, Call-ID, CSeq and Max-Forwards are the caller's to add.
    pub fn request(method: Method<'_>, uri: impl AsRef<[u8]>) -> Self {
        let mut out = Vec::with_capacity(REQUEST_BYTES);
        out.extend(method.as_str().bytes().filter(|byte| is_token(*byte)));
        out.push(b' ');
        push_uri(&mut out, uri.as_ref());
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// A response to a request that came from `source` (§8.2.6): Via, From, To, Call-ID and CSeq are repeated,
    /// `received` and `rport` filled in (§18.2.1, RFC 3581 §4). `to_tag` is added where To has none; only 100
    /// goes without.
    pub fn response<'s>(
        request: &Message<'_>,
        source: SocketAddr,
        status: impl Into<StatusLine<'s>>,
        to_tag: Option<&str>,
    ) -> Self {
        Self::answer(
            request.headers(),
            request.top_via(),
            source,
            status.into(),
            to_tag,
        )
    }

    /// [`Draft::response`] to a request that is long gone.
    pub fn reply<'s>(echo: &Echo, status: impl Into<StatusLine<'s>>, to_tag: Option<&str>) -> Self {
        let mut out = first_line(status.into());
        let (before, after) = echo.lines.split_at(echo.tag_at.min(echo.lines.len()));
        out.extend_from_slice(before);
        if let Some(tag) = to_tag.filter(|_| !echo.has_tag) {
            push_tag(&mut out, tag);
        }
        out.extend_from_slice(after);
        Self { out }
    }

    #[cfg(test)]
    pub(crate) fn status<'s>(status: impl Into<StatusLine<'s>>) -> Self {
        Self {
            out: first_line(status.into()),
        }
    }

    pub(crate) fn answer(
        headers: &[Header<'_>],
        via: &Via<'_>,
        source: SocketAddr,
        status: StatusLine<'_>,
        to_tag: Option<&str>,
    ) -> Self {
        let mut out = first_line(status);
        repeat(&mut out, headers, via, source, to_tag);
        Self { out }
    }

    /// Adds the Record-Route lines of the request, as every response that makes a dialog must (§12.1.1).
    pub fn record_route_of(mut self, request: &Message<'_>) -> Self {
        for line in request.lines(Name::RecordRoute) {
            push_line(&mut self.out, Name::RecordRoute, line);
        }
        self
    }

    /// Adds the Record-Route lines of the request that was echoed.
    pub fn record_route(mut self, echo: &Echo) -> Self {
        self.out.extend_from_slice(&echo.record_route);
        self
    }

    /// Adds a header. Anything that can be shown will do: text, a number, `format_args!(…)`, a [`Quoted`].
    pub fn header(mut self, name: Name<'_>, value: impl fmt::Display) -> Self {
        push_name(&mut self.out, name);
        push_shown(&mut self.out, format_args!("{value}"));
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a header as a peer sent it: same bytes, on one line.
    pub fn copied(mut self, name: Name<'_>, value: &[u8]) -> Self {
        push_line(&mut self.out, name, value);
        self
    }

    /// Adds a header if there is a value.
    pub fn maybe(self, name: Name<'_>, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The message without a body.
    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        self.out
    }

    /// The message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) -> Vec<u8> {
        let mut out = self
            .header(Name::ContentType, content_type)
            .header(Name::ContentLength, body.len())
            .out;
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        out
    }
}

/// What every response to one request repeats, kept when the request itself is let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    lines: Vec<u8>,
    tag_at: usize,
    has_tag: bool,
    record_route: Vec<u8>,
}

impl Echo {
    /// Keeps it of a request that came from `source`.
    pub fn of(request: &Message<'_>, source: SocketAddr) -> Self {
        let mut lines = Vec::with_capacity(RESPONSE_BYTES / 2);
        let tag_at = repeat(&mut lines, request.headers(), request.top_via(), source, None);
        let mut record_route = Vec::new();
        for line in request.lines(Name::RecordRoute) {
            push_line(&mut record_route, Name::RecordRoute, line);
        }
        Self {
            lines,
            tag_at,
            has_tag: request.to().tag().is_some(),
            record_route,
        }
    }
}

/// Text as a `quoted-string` (RFC 3261 §25.1).
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        for letter in self.0.chars() {
            if matches!(letter, '"' | '\\') {
                out.write_char('\\')?;
            }
            out.write_char(if letter.is_control() { ' ' } else { letter })?;
        }
        out.write_char('"')
    }
}

/// `"display" <uri>;tag=…` for From, To and Contact.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The display name, when there is one to show.
    pub display: Option<&'a str>,
    /// The URI.
    pub uri: &'a str,
    /// The tag, when there is one yet.
    pub tag: Option<&'a str>,
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = self.display.filter(|display| !display.is_empty()) {
            write!(out, "{} ", Quoted(display))?;
        }
        write!(out, "<{}>", SafeUri(self.uri))?;
        match self.tag {
            Some(tag) => write!(out, ";tag={tag}"),
            None => Ok(()),
        }
    }
}

/// Text as the user part of a URI: everything but `unreserved` and `user-unreserved` escaped (RFC 3261 §25.1).
#[derive(Debug, Clone, Copy)]
pub struct UserPart<'a>(pub &'a str);

impl fmt::Display for UserPart<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
                out.write_char(char::from(byte))?;
            } else {
                write!(out, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// A URI between angle brackets, unable to leave them.
struct SafeUri<'a>(&'a str);

impl fmt::Display for SafeUri<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' | '>' | '"' | '\0'..=' ' | '\x7f' => write!(out, "%{:02X}", u32::from(letter))?,
                plain => out.write_char(plain)?,
            }
        }
        Ok(())
    }
}

/// Lets no byte through that could end a line.
struct Clean<'a>(&'a mut Vec<u8>);

impl fmt::Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_clean(self.0, text.as_bytes());
        Ok(())
    }
}

fn push_shown(out: &mut Vec<u8>, shown: fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = Clean(out).write_fmt(shown);
}

fn push_clean(out: &mut Vec<u8>, bytes: &[u8]) {
    let breaks = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    let start = out.len();
    out.extend_from_slice(bytes);
    // Nearly never there is one.
    if bytes.iter().any(breaks) {
        let written = out.iter_mut().skip(start);
        written.filter(|byte| breaks(byte)).for_each(|byte| *byte = b' ');
    }
}

fn push_name(out: &mut Vec<u8>, name: Name<'_>) {
    if let Name::Other(text) = name {
        out.extend(text.bytes().filter(|byte| is_token(*byte)));
    } else {
        // Names of ours are tokens.
        out.extend_from_slice(name.as_str().as_bytes());
    }
    out.extend_from_slice(b": ");
}

fn push_line(out: &mut Vec<u8>, name: Name<'_>, value: &[u8]) {
    push_name(out, name);
    push_clean(out, &unfold(value));
    out.extend_from_slice(b"\r\n");
}

fn push_uri(out: &mut Vec<u8>, uri: &[u8]) {
    for byte in uri {
        if *byte <= b' ' || matches!(byte, 0x7f | b'<' | b'>' | b'"') {
            push_shown(out, format_args!("%{byte:02X}"));
        } else {
            out.push(*byte);
        }
    }
}

fn push_tag(out: &mut Vec<u8>, tag: &str) {
    out.extend_from_slice(b";tag=");
    out.extend(tag.bytes().filter(|byte| is_token(*byte)));
}

fn first_line(status: StatusLine<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(RESPONSE_BYTES);
    push_shown(
        &mut out,
        format_args!("SIP/2.0 {} {}", status.status, status.reason),
    );
    out.extend_from_slice(b"\r\n");
    out
}

/// Writes what a response repeats; tells where To ends.
fn repeat(
    out: &mut Vec<u8>,
    headers: &[Header<'_>],
    via: &Via<'_>,
    source: SocketAddr,
    to_tag: Option<&str>,
) -> usize {
    let all = |name: Name<'static>| headers.iter().filter(move |header| header.name == name);
    for (place, line) in all(Name::Via).enumerate() {
        if place == 0 {
            push_top_via(out, line.value, via, source);
        } else {
            push_line(out, Name::Via, line.value);
        }
    }
    if let Some(from) = all(Name::From).next() {
        push_line(out, Name::From, from.value);
    }
    let mut to_end = out.len();
    if let Some(to) = all(Name::To).next() {
        push_name(out, Name::To);
        push_clean(out, &unfold(to.value));
        to_end = out.len();
        let tagged = NameAddr::parse(to.value).is_ok_and(|to| to.tag().is_some());
        if let Some(tag) = to_tag.filter(|_| !tagged) {
            push_tag(out, tag);
        }
        out.extend_from_slice(b"\r\n");
    }
    for name in [Name::CallId, Name::CSeq] {
        if let Some(line) = all(name).next() {
            push_line(out, name, line.value);
        }
    }
    to_end
}

/// The first Via line with what we saw of the sender in its first hop.
fn push_top_via(out: &mut Vec<u8>, line: &[u8], via: &Via<'_>, source: SocketAddr) {
    let address = source.ip().to_canonical();
    let before = via.raw.len().saturating_sub(via.params.raw().len());
    push_name(out, Name::Via);
    push_clean(out, &unfold(trim(via.raw.get(..before).unwrap_or_default())));
    for param in via.params.iter() {
        if param.name.eq_ignore_ascii_case("received") {
            continue;
        }
        out.push(b';');
        out.extend_from_slice(param.name.as_bytes());
        if param.name.eq_ignore_ascii_case("rport") {
            push_shown(out, format_args!("={}", source.port()));
        } else if let Some(value) = param.raw {
            out.push(b'=');
            push_clean(out, &unfold(value));
        }
    }
    if via.wants_rport() || via.host.ip().map(|ip| ip.to_canonical()) != Some(address) {
        push_shown(out, format_args!(";received={address}"));
    }
    push_clean(out, &unfold(trim(line.get(via.raw.len()..).unwrap_or_default())));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:1001@callpost SIP/2.0\r\n\
        v: SIP/2.0/UDP pc.example.com:5062;rport;branch=z9hG4bK1;received=9.9.9.9 , SIP/2.0/TCP b;branch=z9hG4bK2\r\n\
        Via: SIP/2.0/UDP c\r\n\
        Record-Route: <sip:p1;lr>,\r\n  <sip:p2;lr>\r\n\
        f: \"A\"\r\n <sip:a@b>;tag=1\r\nTo: <sip:1001@callpost>\r\ni: x@y\r\nCSeq: 7 INVITE\r\n\r\n";

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_response_repeats_the_request_and_says_where_it_came_from() {
        let request = Message::parse(INVITE.as_bytes()).unwrap();
        let source = "198.51.100.7:40001".parse().unwrap();
        let direct = Draft::response(&request, source, 180, Some("t2"))
            .record_route_of(&request)
            .finish();
        assert_eq!(
            text(direct.clone()),
            "SIP/2.0 180 Ringing\r\n\
             Via: SIP/2.0/UDP pc.example.com:5062;rport=40001;branch=z9hG4bK1;received=198.51.100.7, SIP/2.0/TCP b;branch=z9hG4bK2\r\n\
             Via: SIP/2.0/UDP c\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:1001@callpost>;tag=t2\r\n\
             Call-ID: x@y\r\nCSeq: 7 INVITE\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nContent-Length: 0\r\n\r\n"
        );
        let echo = Echo::of(&request, source);
        assert_eq!(
            Draft::reply(&echo, 180, Some("t2")).record_route(&echo).finish(),
            direct
        );
        assert!(!text(Draft::reply(&echo, 100, None).finish()).contains("tag=t2"));
    }

    #[test]
    fn a_tag_that_is_there_is_kept() {
        let tagged = INVITE.replace("To: <sip:1001@callpost>", "To: <sip:1001@callpost>;tag=old");
        let request = Message::parse(tagged.as_bytes()).unwrap();
        let source = "198.51.100.7:40001".parse().unwrap();
        assert!(
            text(Draft::response(&request, source, 200, Some("new")).finish())
                .contains("callpost>;tag=old\r\n")
        );
        assert!(
            text(Draft::reply(&Echo::of(&request, source), 200, Some("new")).finish())
                .contains("callpost>;tag=old\r\n")
        );
    }

    #[test]
    fn no_value_breaks_out_of_its_line() {
        let evil = "a\r\nEvil: 1\0\x7f";
        let message = Draft::request(Method::Other("IN VITE\r\n"), "sip:a b\r\n<x>")
            .header(Name::Subject, evil)
            .header(Name::Other("X\r\nY: "), 1)
            .copied(Name::Subject, evil.as_bytes())
            .header(
                Name::From,
                Address {
                    display: Some("\"q\"\\\r\n"),
                    uri: "sip:a>b\r\n",
                    tag: Some("1"),
                },
            )
            .header(Name::To, format_args!("<sip:{}@x>", UserPart("a b@é")))
            .body("text/plain\r\nEvil: 2", b"x\r\n");
        assert_eq!(
            text(message),
            "INVITE sip:a%20b%0D%0A%3Cx%3E SIP/2.0\r\nSubject: a  Evil: 1  \r\nXY: 1\r\nSubject: a Evil: 1  \r\n\
             From: \"\\\"q\\\"\\\\  \" <sip:a%3Eb%0D%0A>;tag=1\r\nTo: <sip:a%20b%40%C3%A9@x>\r\n\
             Content-Type: text/plain  Evil: 2\r\nContent-Length: 3\r\n\r\nx\r\n"
        );
    }

    #[test]
    fn the_address_is_added_only_where_it_says_something_new() {
        let plain = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
            To: <sip:a>\r\nCall-ID: x\r\nCSeq: 7 OPTIONS\r\n\r\n";
        let request = Message::parse(plain.as_bytes()).unwrap();
        let answer =
            text(Draft::response(&request, "192.0.2.1:5060".parse().unwrap(), 200, Some("t")).finish());
        assert!(
            answer.contains("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"),
            "{answer}"
        );
    }
}
