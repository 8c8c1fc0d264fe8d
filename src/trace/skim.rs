//! As much of a message as is needed to know whose it is, without parsing it.

/// What a glance at a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skimmed<'a> {
    /// The method of a request, or of the request a response answers.
    pub(super) method: &'a [u8],
    /// The status of a response.
    pub(super) status: Option<u16>,
    /// Call-ID, without the white space around it.
    pub(super) call_id: &'a [u8],
}

/// Methods that make and end calls. SUBSCRIBE, REGISTER, OPTIONS and MESSAGE are none of them; NOTIFY is, when it tells
/// how a transfer went.
const OF_CALLS: [&[u8]; 10] = [
    b"INVITE", b"ACK", b"BYE", b"CANCEL", b"PRACK", b"UPDATE", b"INFO", b"REFER", b"NOTIFY", b"MESSAGE",
];

/// A glance at a message; nothing when it is no message of a call.
pub(super) fn skim(message: &[u8]) -> Option<Skimmed<'_>> {
    let mut lines = Lines(message);
    let first = lines.next()?;
    let status = status_of(first);
    let mut method = status.is_none().then(|| word(first));
    if method.is_some_and(|method| !OF_CALLS.contains(&method)) {
        return None;
    }
    let mut call_id = None;
    for line in lines {
        let Some((name, value)) = split(line) else {
            continue;
        };
        if name.eq_ignore_ascii_case(b"Call-ID") || name.eq_ignore_ascii_case(b"i") {
            call_id = call_id.or(Some(value));
        } else if method.is_none() && name.eq_ignore_ascii_case(b"CSeq") {
            method = value.split(u8::is_ascii_whitespace).next_back();
        }
        if let (Some(method), Some(call_id)) = (method, call_id) {
            return OF_CALLS.contains(&method).then_some(Skimmed {
                method,
                status,
                call_id,
            });
        }
    }
    None
}

/// The value of the first header of that name.
pub(super) fn header<'a>(message: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let headers = Lines(message).skip(1).filter_map(split);
    headers
        .into_iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// What stands behind the empty line.
pub(super) fn body(message: &[u8]) -> &[u8] {
    let at = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    message.get(at..).unwrap_or_default()
}

/// The words of the first line: `INVITE`, or `486 Busy Here`.
pub(super) fn title(message: &[u8]) -> String {
    let first = Lines(message).next().unwrap_or_default();
    let shown = match status_of(first) {
        Some(_) => first.get(8..).unwrap_or_default(),
        None => word(first),
    };
    String::from_utf8_lossy(shown).trim().to_owned()
}

/// The lines of a message's head, up to the empty one.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.0).unwrap_or(self.0.len());
        let line = self.0.get(..end)?.trim_ascii_end();
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        (!line.is_empty()).then_some(line)
    }
}

fn status_of(first: &[u8]) -> Option<u16> {
    let rest = first.strip_prefix(b"SIP/2.0 ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

fn word(line: &[u8]) -> &[u8] {
    line.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii();
    Some((name, line.get(colon + 1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_tells_method_status_and_call() {
        let invite = b"INVITE sip:1@h SIP/2.0\r\nVia: x\r\ni : abc\r\nCSeq: 1 INVITE\r\n\r\nv=0";
        let seen = skim(invite).unwrap();
        assert_eq!(
            (seen.method, seen.status, seen.call_id),
            (&b"INVITE"[..], None, &b"abc"[..])
        );
        assert_eq!(body(invite), b"v=0");
        assert_eq!(title(invite), "INVITE");
        let busy = b"SIP/2.0 486 Busy Here\r\nCSEQ: 3\t INVITE\r\ncall-id: q@1\r\n\r\n";
        let seen = skim(busy).unwrap();
        assert_eq!(
            (seen.method, seen.status, seen.call_id),
            (&b"INVITE"[..], Some(486), &b"q@1"[..])
        );
        assert_eq!(title(busy), "486 Busy Here");
        assert_eq!(header(busy, b"Call-ID"), Some(&b"q@1"[..]));
    }

    #[test]
    fn what_keeps_phones_registered_is_no_call() {
        for message in [
            &b"REGISTER sip:h SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\n\r\n"[..],
            b"SIP/2.0 200 OK\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n",
            b"SUBSCRIBE sip:h SIP/2.0\r\nCall-ID: a\r\n\r\n",
            b"",
            b"\r\n\r\n",
            b"INVITE sip:1@h SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\nCall-ID: in the body",
            b"SIP/2.0 2",
        ] {
            assert_eq!(skim(message), None, "{}", String::from_utf8_lossy(message));
        }
    }
}
