//! One message: RFC 3261 §7. Read once, copied never: headers are spans of the packet, types are made when
//! asked for. What every receiver needs — Via, From, To, Call-ID, CSeq — is read and checked at once, so that
//! a [`Message`] in hand is one that can be answered.

use super::fault::Fault;
use super::grammar::{Elements, ascii, is_token, number, trim};
use super::headers::{
    self, CSeq, Challenge, Contacts, ContentType, Credentials, NameAddr, RAck, Reason, Via, delta_seconds,
    tokens,
};
use super::limits;
use super::malformed::Malformed;
use super::method::Method;
use super::name::Name;
use super::start_line::StartLine;
use super::text::{text, unquote};
use super::uri::Uri;
use std::borrow::Cow;
use std::fmt;

/// A header line: its name and its value, white space at the ends removed and folds as they came.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Which header.
    pub name: Name<'a>,
    /// Its value.
    pub value: &'a [u8],
}

/// A message that can be answered.
#[derive(Clone)]
pub struct Message<'a> {
    start: StartLine<'a>,
    headers: Vec<Header<'a>>,
    via: Via<'a>,
    from: NameAddr<'a>,
    to: NameAddr<'a>,
    call_id: &'a str,
    cseq: CSeq<'a>,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram, or one message out of a stream.
    ///
    /// Bytes behind the Content-Length are cut off, a body shorter than it is an error, and without one the
    /// body is what is left (§18.3). The error knows whether and how to answer.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed<'a>> {
        let draft = Draft::read(bytes);
        match draft.fault {
            Some(fault) => Err(draft.malformed(fault)),
            None => draft.complete(),
        }
    }

    /// The first line.
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// Whether it asks.
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The method: of a request its own, of a response that of the request (both stand in CSeq).
    pub fn method(&self) -> Method<'a> {
        self.cseq.method
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<Uri<'a>> {
        match self.start {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    /// The topmost Via: the hop before us (§20.42).
    pub fn top_via(&self) -> &Via<'a> {
        &self.via
    }

    /// Who asks (§20.20). RFC 2543 peers send no tag.
    pub fn from(&self) -> &NameAddr<'a> {
        &self.from
    }

    /// Who is asked (§20.39).
    pub fn to(&self) -> &NameAddr<'a> {
        &self.to
    }

    /// The Call-ID (§20.8).
    pub fn call_id(&self) -> &'a str {
        self.call_id
    }

    /// The CSeq (§20.16). Of a request, its method is the request's.
    pub fn cseq(&self) -> CSeq<'a> {
        self.cseq
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// All header lines in their order.
    pub fn headers(&self) -> &[Header<'a>] {
        &self.headers
    }

    /// The first line of that name as it came.
    pub fn header(&self, name: Name<'_>) -> Option<&'a [u8]> {
        self.lines(name).next()
    }

    /// The first line of that name as text: unfolded, UTF-8 or Latin-1.
    pub fn text(&self, name: Name<'_>) -> Option<Cow<'a, str>> {
        self.header(name).map(text)
    }

    /// Every line of that name as it came.
    pub fn lines(&self, name: Name<'_>) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name == name)
            .map(|header| header.value)
    }

    /// Every element of a list header, however they are spread over lines (§7.3.1).
    pub fn values(&self, name: Name<'_>) -> impl Iterator<Item = &'a [u8]> {
        self.lines(name).flat_map(Elements::of)
    }

    /// Every hop, the nearest first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'a>, Fault>> {
        self.values(Name::Via)
            .map(|value| Via::parse(value).map_err(|problem| Fault::header(Name::Via, problem)))
    }

    /// The contacts (§20.10).
    pub fn contacts(&self) -> Result<Contacts<'a>, Fault> {
        Contacts::parse(self.lines(Name::Contact)).map_err(|problem| Fault::header(Name::Contact, problem))
    }

    /// The one contact of an INVITE, a 2xx and everything else that names a dialog's target.
    pub fn contact_uri(&self) -> Result<Option<Uri<'a>>, Fault> {
        let first = self.values(Name::Contact).next().map(NameAddr::parse).transpose();
        let first = first.map_err(|problem| Fault::header(Name::Contact, problem))?;
        Ok(first.map(|contact| contact.uri))
    }

    /// The way a request still has to go (§20.34).
    pub fn routes(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.addresses(Name::Route)
    }

    /// The proxies that want to stay in the way (§20.30).
    pub fn record_routes(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.addresses(Name::RecordRoute)
    }

    /// Who a trusted neighbour says it is (RFC 3325 §9.1).
    pub fn p_asserted_identity(&self) -> Result<Vec<NameAddr<'a>>, Fault> {
        self.addresses(Name::PAssertedIdentity)
    }

    /// Every address of a list header such as Route, Path, Diversion or History-Info.
    pub fn addresses(&self, name: Name<'_>) -> Result<Vec<NameAddr<'a>>, Fault> {
        let read = |value| NameAddr::parse(value).map_err(|problem| Fault::header(name, problem));
        self.values(name).map(read).collect()
    }

    /// Where a REFER points (RFC 3515 §2.1).
    pub fn refer_to(&self) -> Result<Option<NameAddr<'a>>, Fault> {
        self.single(Name::ReferTo, NameAddr::parse)
    }

    /// How many hops are left (§20.22); 0–255.
    pub fn max_forwards(&self) -> Result<Option<u8>, Fault> {
        self.single(Name::MaxForwards, |value| {
            headers::small(value, u32::from(u8::MAX))
                .and_then(|hops| u8::try_from(hops).map_err(|_| "too large"))
        })
    }

    /// Seconds until a registration, subscription or invitation ends (§20.19).
    pub fn expires(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::Expires, delta_seconds)
    }

    /// The least seconds a registrar grants (§20.23).
    pub fn min_expires(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::MinExpires, delta_seconds)
    }

    /// Seconds to wait before trying again (§20.33).
    pub fn retry_after(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::RetryAfter, headers::retry_after)
    }

    /// The number of a reliable provisional response (RFC 3262 §7.1).
    pub fn rseq(&self) -> Result<Option<u32>, Fault> {
        self.single(Name::RSeq, |value| headers::small(value, u32::MAX))
    }

    /// What a PRACK acknowledges (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<RAck<'a>>, Fault> {
        self.single(Name::RAck, RAck::parse)
    }

    /// What the body is (§20.15).
    pub fn content_type(&self) -> Result<Option<ContentType<'a>>, Fault> {
        self.single(Name::ContentType, headers::content_type)
    }

    /// Why, one value a protocol (RFC 3326).
    pub fn reasons(&self) -> Result<Vec<Reason<'a>>, Fault> {
        let read = |value| Reason::parse(value).map_err(|problem| Fault::header(Name::Reason, problem));
        self.values(Name::Reason).map(read).collect()
    }

    /// Tokens of a list header: Require, Supported, Allow, Unsupported, Proxy-Require, Privacy.
    pub fn tokens(&self, name: Name<'_>) -> impl Iterator<Item = &'a str> {
        self.lines(name).flat_map(tokens)
    }

    /// Extensions without which the request may not be served (§20.32).
    pub fn require(&self) -> impl Iterator<Item = &'a str> {
        self.tokens(Name::Require)
    }

    /// Whether the sender knows this extension (§20.37); naming it in Require says so too.
    pub fn supports(&self, extension: &str) -> bool {
        let mut named = self.tokens(Name::Supported).chain(self.require());
        named.any(|token| token.eq_ignore_ascii_case(extension))
    }

    /// Whether the sender takes requests of this method (§20.5); nothing when it did not say.
    pub fn allows(&self, method: Method<'_>) -> Option<bool> {
        self.header(Name::Allow)?;
        Some(
            self.tokens(Name::Allow)
                .any(|token| Method::from_token(token) == method),
        )
    }

    /// Whether the sender asks for this kind of privacy: `id`, `header`, `user`, … (RFC 3323 §4.2).
    pub fn wants_privacy(&self, kind: &str) -> bool {
        self.tokens(Name::Privacy)
            .any(|token| token.eq_ignore_ascii_case(kind))
    }

    /// What the sender calls itself: User-Agent of a request, Server of a response (§20.35, §20.41).
    pub fn user_agent(&self) -> Option<Cow<'a, str>> {
        self.text(Name::UserAgent).or_else(|| self.text(Name::Server))
    }

    /// The Digest credentials for this realm (§20.7); those for other realms and schemes are passed over.
    pub fn authorization(&self, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        self.credentials(Name::Authorization, realm)
    }

    /// The Digest credentials for this realm that a proxy is meant to read (§20.28).
    pub fn proxy_authorization(&self, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        self.credentials(Name::ProxyAuthorization, realm)
    }

    fn credentials(&self, name: Name<'_>, realm: &str) -> Result<Option<Credentials<'a>>, Fault> {
        for line in self.lines(name) {
            let found = Credentials::parse(line).map_err(|problem| Fault::header(name, problem))?;
            if let Some(found) = found.filter(|found| unquote(found.realm) == realm) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The Digest challenges of a 401 (WWW-Authenticate) or a 407 (Proxy-Authenticate), the server's favourite first.
    pub fn challenges(&self) -> Result<Vec<Challenge<'a>>, Fault> {
        let proxy = self.status() == Some(407);
        let name = if proxy {
            Name::ProxyAuthenticate
        } else {
            Name::WwwAuthenticate
        };
        let mut all = Vec::new();
        for line in self.lines(name) {
            all.extend(Challenge::parse(line).map_err(|problem| Fault::header(name, problem))?);
        }
        Ok(all)
    }

    /// A header that may stand only once (§7.3.1).
    fn single<T>(
        &self,
        name: Name<'_>,
        read: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Fault> {
        let mut lines = self.lines(name);
        let Some(value) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(Fault::header(name, "more than one"));
        }
        read(value)
            .map(Some)
            .map_err(|problem| Fault::header(name, problem))
    }
}

/// The first line and whose call it is; nothing secret.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            StartLine::Request { method, uri } => write!(out, "{method} {uri}")?,
            StartLine::Response { status, .. } => write!(out, "{status} ({})", self.cseq.method)?,
        }
        write!(out, " [{} {}]", self.call_id, self.cseq.number)
    }
}

/// A message while it is being read: everything found so far and the first fault.
struct Draft<'a> {
    start: Option<StartLine<'a>>,
    /// The method of a request, also of one whose first line is wrong elsewhere.
    method: Option<Method<'a>>,
    headers: Vec<Header<'a>>,
    vias: usize,
    rest: &'a [u8],
    fault: Option<Fault>,
}

impl<'a> Draft<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut draft = Self {
            start: None,
            method: None,
            headers: Vec::new(),
            vias: 0,
            rest: bytes,
            fault: None,
        };
        if bytes.len() > limits::MESSAGE_BYTES {
            draft.note(Fault {
                status: 513,
                ..Fault::part("message", "larger than 64 kB")
            });
        }
        // Empty lines before the first one are keep-alives that missed their own datagram (§7.5).
        while let [b'\r' | b'\n', rest @ ..] = draft.rest {
            draft.rest = rest;
        }
        let Some(line) = next_line(&mut draft.rest) else {
            draft.note(Fault::part("message", "no first line"));
            return draft;
        };
        draft.first(line);
        draft.lines();
        draft
    }

    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn first(&mut self, line: &'a [u8]) {
        if line.len() > limits::HEADER_BYTES {
            self.note(Fault {
                status: 414,
                ..Fault::part("Request-Line", "longer than 8 kB")
            });
        }
        match StartLine::parse(line) {
            Ok(start) => {
                self.start = Some(start);
                if let StartLine::Request { method, .. } = start {
                    self.method = Some(method);
                }
            }
            Err(bad) => {
                self.method = bad.method;
                self.note(bad.fault);
            }
        }
    }

    /// Reads header lines up to the empty one. A wrong line is noted and passed over: the answer needs the others.
    fn lines(&mut self) {
        let room = memchr::memchr_iter(b'\n', self.rest).count().min(limits::HEADERS);
        self.headers.reserve_exact(room);
        loop {
            let Some(line) = next_header(&mut self.rest) else {
                return self.note(Fault::part("message", "no empty line behind the headers"));
            };
            if line.is_empty() {
                return;
            }
            if self.headers.len() == limits::HEADERS {
                return self.note(Fault::part("message", "more than 128 headers"));
            }
            match header(line) {
                Ok(header) => self.keep(header, line.len()),
                Err(problem) => self.note(Fault::part("header", problem)),
            }
        }
    }

    fn keep(&mut self, header: Header<'a>, length: usize) {
        if length > limits::HEADER_BYTES {
            return self.note(Fault::header(header.name, "longer than 8 kB"));
        }
        if has_bare_return(header.value) {
            return self.note(Fault::header(header.name, "a carriage return within the line"));
        }
        if header.name == Name::Via {
            self.vias += if memchr::memchr(b',', header.value).is_none() {
                1
            } else {
                Elements::of(header.value).count()
            };
            if self.vias > limits::VIAS {
                self.note(Fault {
                    status: 483,
                    ..Fault::header(Name::Via, "more than 70")
                });
            }
        }
        self.headers.push(header);
    }

    fn malformed(self, fault: Fault) -> Malformed<'a> {
        Malformed::new(fault, self.method, self.headers)
    }

    fn complete(self) -> Result<Message<'a>, Malformed<'a>> {
        match self.essentials() {
            Ok((via, from, to, call_id, cseq, body)) => match self.start {
                Some(start) => Ok(Message {
                    start,
                    headers: self.headers,
                    via,
                    from,
                    to,
                    call_id,
                    cseq,
                    body,
                }),
                None => Err(self.malformed(Fault::part("message", "no first line"))),
            },
            Err(fault) => Err(self.malformed(fault)),
        }
    }

    /// §8.1.1 lists what no request may lack.
    #[expect(clippy::type_complexity, reason = "taken apart at once by its only caller")]
    fn essentials(
        &self,
    ) -> Result<(Via<'a>, NameAddr<'a>, NameAddr<'a>, &'a str, CSeq<'a>, &'a [u8]), Fault> {
        let found = self.find_essentials()?;
        let via = first_via(found.via.ok_or(missing(Name::Via))?)
            .map_err(|problem| Fault::header(Name::Via, problem))?;
        let from = address(Name::From, found.from)?;
        let to = address(Name::To, found.to)?;
        let call_id = found.call_id.ok_or(missing(Name::CallId))?;
        let call_id = ascii(call_id)
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
        let call_id = call_id.ok_or(Fault::header(Name::CallId, "not one word"))?;
        let cseq = CSeq::parse(found.cseq.ok_or(missing(Name::CSeq))?);
        let cseq = cseq.map_err(|problem| Fault::header(Name::CSeq, problem))?;
        if self.method.is_some_and(|method| method != cseq.method) {
            return Err(Fault::header(Name::CSeq, "another method than the request"));
        }
        Ok((via, from, to, call_id, cseq, self.body(found.length)?))
    }

    fn find_essentials(&self) -> Result<Essentials<'a>, Fault> {
        let mut found = Essentials::default();
        for header in &self.headers {
            let place = if header.name == Name::Via {
                found.via = found.via.or(Some(header.value));
                continue;
            } else if header.name == Name::From {
                &mut found.from
            } else if header.name == Name::To {
                &mut found.to
            } else if header.name == Name::CallId {
                &mut found.call_id
            } else if header.name == Name::CSeq {
                &mut found.cseq
            } else if header.name == Name::ContentLength {
                &mut found.length
            } else {
                continue;
            };
            if place.replace(header.value).is_some() {
                return Err(Fault::header(header.name, "more than one"));
            }
        }
        Ok(found)
    }

    fn body(&self, length: Option<&[u8]>) -> Result<&'a [u8], Fault> {
        let Some(length) = length else {
            return Ok(self.rest);
        };
        let length = content_length(length)?;
        self.rest
            .get(..length)
            .ok_or(Fault::header(Name::ContentLength, "larger than the body"))
    }
}

/// Values of the headers that no message may lack, and the length of its body.
#[derive(Default)]
struct Essentials<'a> {
    via: Option<&'a [u8]>,
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    call_id: Option<&'a [u8]>,
    cseq: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
}

fn missing(name: Name<'static>) -> Fault {
    Fault::header(name, "missing")
}

fn address<'a>(name: Name<'static>, value: Option<&'a [u8]>) -> Result<NameAddr<'a>, Fault> {
    let found =
        NameAddr::parse(value.ok_or(missing(name))?).map_err(|problem| Fault::header(name, problem))?;
    match found.params.only("tag") {
        Ok(_) => Ok(found),
        Err(()) => Err(Fault::header(name, "not one plain tag")),
    }
}

/// The first hop of a Via line; more hops may follow a comma.
pub(crate) fn first_via(line: &[u8]) -> Result<Via<'_>, &'static str> {
    let mut scanner = super::grammar::Scanner::new(line);
    let via = Via::scan(&mut scanner)?;
    if scanner.at_end() || scanner.peek() == Some(b',') {
        Ok(via)
    } else {
        Err("something odd behind it")
    }
}

/// A Content-Length (§20.14) that a message of ours could have.
pub(crate) fn content_length(value: &[u8]) -> Result<usize, Fault> {
    let digits = trim(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::header(Name::ContentLength, "not a number"));
    }
    let length = number(digits)
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= limits::MESSAGE_BYTES);
    length.ok_or(Fault {
        status: 413,
        ..Fault::header(Name::ContentLength, "larger than 64 kB")
    })
}

/// The next line without its end; nothing when no line end is left. A bare LF ends a line too.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(b'\n', rest)?;
    let line = rest.get(..end)?;
    *rest = rest.get(end + 1..)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The next header line with its continuations (§7.3.1).
pub(crate) fn next_header<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let whole = *rest;
    let first = next_line(rest)?;
    if first.is_empty() || !matches!(rest.first(), Some(b' ' | b'\t')) {
        return Some(first);
    }
    while matches!(rest.first(), Some(b' ' | b'\t')) {
        next_line(rest)?;
    }
    let line = whole.get(..whole.len() - rest.len())?;
    let line = line.strip_suffix(b"\n")?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// `header-name HCOLON header-value`.
pub(crate) fn header(line: &[u8]) -> Result<Header<'_>, &'static str> {
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or("a line without a colon")?;
    let (name, value) = line.split_at(colon);
    let value = trim(value.get(1..).unwrap_or_default());
    let name = match name {
        [.., b' ' | b'\t'] => name.trim_ascii_end(),
        exact => exact,
    };
    if let Some(name) = Name::known(name) {
        return Ok(Header { name, value });
    }
    let token = if !name.is_empty() && name.iter().all(|byte| is_token(*byte)) {
        ascii(name)
    } else {
        None
    };
    let name = token.map(Name::Other).ok_or("a name that is not a token")?;
    Ok(Header { name, value })
}

/// A CR that does not end a line: the next hop might take it for one.
fn has_bare_return(value: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', value).any(|at| value.get(at + 1) != Some(&b'\n'))
}
