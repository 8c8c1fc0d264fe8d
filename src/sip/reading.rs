//! From bytes to a [`Message`]: lines and folds (RFC 3261 §7.3.1), limits, the headers nobody may leave out
//! (§8.1.1), the end of the body (§18.3).

use super::fault::Fault;
use super::grammar::{Elements, Scanner, ascii, is_token, number, trim};
use super::headers::{CSeq, NameAddr, Via};
use super::limits;
use super::malformed::Malformed;
use super::message::{Header, Message};
use super::method::Method;
use super::name::Name;
use super::start_line::StartLine;

/// A message while it is being read: everything found so far and the first fault.
pub(super) struct Reading<'a> {
    start: Option<StartLine<'a>>,
    /// The method of a request, also of one whose first line is wrong elsewhere.
    method: Option<Method<'a>>,
    headers: Vec<Header<'a>>,
    vias: usize,
    rest: &'a [u8],
    fault: Option<Fault>,
}

impl<'a> Reading<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Self {
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

    /// The message, or why it is none.
    pub(super) fn finish(self) -> Result<Message<'a>, Malformed<'a>> {
        match self.fault {
            Some(fault) => Err(self.malformed(fault)),
            None => self.complete(),
        }
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
    let mut scanner = Scanner::new(line);
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
