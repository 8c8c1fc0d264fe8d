//! The first line: RFC 3261 §7.1 (requests) and §7.2 (responses).

use super::fault::Fault;
use super::grammar::{ascii, is_token};
use super::method::Method;
use super::uri::Uri;

/// What a message is.
#[derive(Debug, Clone, Copy)]
pub enum StartLine<'a> {
    /// Somebody asks.
    Request {
        /// What.
        method: Method<'a>,
        /// Of whom. Its scheme may be one that cannot be served: 416 (§8.2.2.1).
        uri: Uri<'a>,
    },
    /// Somebody answers.
    Response {
        /// 100–699.
        status: u16,
        /// The same for people, as it came; see [`crate::sip::text`].
        reason: &'a [u8],
    },
}

/// Why a first line was refused, and whether an answer may be sent for it.
pub(crate) struct BadLine<'a> {
    pub(crate) fault: Fault,
    /// The method, when it was plainly meant to be a request.
    pub(crate) method: Option<Method<'a>>,
}

const REQUEST: &str = "Request-Line";
const RESPONSE: &str = "Status-Line";

impl<'a> StartLine<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, BadLine<'a>> {
        match line.get(..4) {
            Some(start) if start.eq_ignore_ascii_case(b"SIP/") => {
                Self::response(line).map_err(|problem| BadLine {
                    fault: Fault::part(RESPONSE, problem),
                    method: None,
                })
            }
            Some(_) | None => Self::request(line),
        }
    }

    fn response(line: &'a [u8]) -> Result<Self, &'static str> {
        let (version, rest) = split(line).ok_or("no status")?;
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err("not SIP/2.0");
        }
        // A peer that leaves out the space before an empty reason phrase is understood.
        let (digits, reason) = split(rest).unwrap_or((rest, b""));
        let three = <[u8; 3]>::try_from(digits)
            .ok()
            .filter(|digits| digits.iter().all(u8::is_ascii_digit));
        let [hundreds, tens, ones] = three
            .ok_or("no status of three digits")?
            .map(|digit| u16::from(digit - b'0'));
        if !(1..=6).contains(&hundreds) {
            return Err("a status outside 100-699");
        }
        Ok(Self::Response {
            status: hundreds * 100 + tens * 10 + ones,
            reason,
        })
    }

    /// `Method SP Request-URI SP SIP-Version`, single spaces: whoever guesses at more may guess differently
    /// from the next hop.
    fn request(line: &'a [u8]) -> Result<Self, BadLine<'a>> {
        let bad = |problem, method| BadLine {
            fault: Fault::part(REQUEST, problem),
            method,
        };
        let (method, rest) = split(line).ok_or_else(|| bad("not SIP", None))?;
        let token = ascii(method).filter(|token| !token.is_empty() && token.bytes().all(is_token));
        let method = Method::from_token(token.ok_or_else(|| bad("no method", None))?);
        let end = memchr::memrchr(b' ', rest).ok_or_else(|| bad("no version", None))?;
        let (uri, version) = (
            rest.get(..end).unwrap_or_default(),
            rest.get(end + 1..).unwrap_or_default(),
        );
        let meant = says_sip(rest).then_some(method);
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(match is_version(version) {
                true => BadLine {
                    fault: Fault {
                        status: 505,
                        ..Fault::part(REQUEST, "not SIP/2.0")
                    },
                    method: meant,
                },
                false => bad("no version", meant),
            });
        }
        let uri = Uri::parse(uri).map_err(|problem| bad(problem, meant))?;
        Ok(Self::Request { method, uri })
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', line)?;
    Some((line.get(..space)?, line.get(space + 1..)?))
}

/// Whether `SIP/` stands somewhere behind a space, so that the line was meant for a SIP server.
fn says_sip(line: &[u8]) -> bool {
    line.windows(5)
        .any(|window| window.eq_ignore_ascii_case(b" SIP/"))
}

/// `SIP "/" 1*DIGIT "." 1*DIGIT`.
fn is_version(word: &[u8]) -> bool {
    let Some((name, number)) = word.split_at_checked(4) else {
        return false;
    };
    let mut parts = number.split(|byte| *byte == b'.');
    let mut digits = || {
        parts
            .next()
            .is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    name.eq_ignore_ascii_case(b"SIP/") && digits() && digits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses_are_told_apart() {
        let Ok(StartLine::Request { method, uri }) = StartLine::parse(b"INVITE sip:a@b SIP/2.0") else {
            panic!("not a request");
        };
        assert_eq!((method, uri.to_string().as_str()), (Method::Invite, "sip:a@b"));
        for (line, wanted, words) in [
            ("SIP/2.0 200 OK", 200, "OK"),
            ("SIP/2.0 100 ", 100, ""),
            ("SIP/2.0 100", 100, ""),
            (
                "sip/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое",
                200,
                "= 2**3 * 5**2 но сто девяносто девять - простое",
            ),
        ] {
            let Ok(StartLine::Response { status, reason }) = StartLine::parse(line.as_bytes()) else {
                panic!("{line}");
            };
            assert_eq!((status, reason), (wanted, words.as_bytes()));
        }
    }

    #[test]
    fn faults_tell_the_status_and_whether_to_answer() {
        for (line, status, answer) in [
            ("OPTIONS sip:t@example.org SIP/7.0", 505, true),
            ("INVITE  sip:a@b SIP/2.0", 400, true),
            ("INVITE <sip:a@b> SIP/2.0", 400, true),
            ("INVITE sip:a@b; lr SIP/2.0", 400, true),
            ("INVITE sip:a@b SIP/2.0  ", 400, true),
            ("INVITE sip:a@b", 400, false),
            ("GET / HTTP/1.1", 400, false),
            ("IN\"VITE sip:a@b SIP/2.0", 400, false),
            ("", 400, false),
            ("garbage", 400, false),
            ("SIP/2.0 4294967301 better not break the receiver", 400, false),
            ("SIP/2.0 099 low", 400, false),
            ("SIP/2.0 700 high", 400, false),
            ("SIP/7.0 200 OK", 400, false),
        ] {
            let Err(bad) = StartLine::parse(line.as_bytes()) else {
                panic!("{line} was taken");
            };
            assert_eq!(
                (bad.fault.status, bad.method.is_some()),
                (status, answer),
                "{line}"
            );
        }
    }
}
