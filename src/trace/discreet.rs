//! Takes out of a message what nobody should read in a trace: proofs of passwords, keys of the voice, keys pressed.

/// Header fields whose quoted `response` and `cnonce` would let a password be guessed at leisure.
const CREDENTIALS: [&str; 2] = ["authorization:", "proxy-authorization:"];

/// The message with stars where a secret stood. Lengths stay, so that Content-Length still holds.
pub(super) fn discreet(message: &mut [u8]) {
    let head = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    let (head, body) = message.split_at_mut(head);
    let mut tells_keys = false;
    for line in head.split_mut(|byte| *byte == b'\n') {
        if CREDENTIALS.iter().any(|name| begins(line, name)) {
            for name in [&b"response=\""[..], b"cnonce=\""] {
                star_quoted(line, name);
            }
        }
        tells_keys |= begins(line, "content-type:") && find(line, b"dtmf").is_some();
    }
    for line in body.split_mut(|byte| *byte == b'\n') {
        if begins(line, "a=crypto:") {
            star_from(line, b"inline:", |byte| {
                byte == b'|' || byte.is_ascii_whitespace()
            });
        } else if begins(line, "a=key-mgmt:") || begins(line, "k=") {
            star_from(line, b":", |byte| byte == b'\r');
        } else if tells_keys {
            let bare = !begins(line, "signal") && !begins(line, "duration");
            let from: &[u8] = if bare { b"" } else { b"=" };
            if bare || begins(line, "signal") {
                star_from(line, from, |byte| byte == b'\r');
            }
        }
    }
}

fn begins(line: &[u8], name: &str) -> bool {
    line.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
}

fn find(line: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(line, what)
}

fn star_quoted(line: &mut [u8], name: &[u8]) {
    let Some(at) = find(line, name) else { return };
    let rest = line.get_mut(at + name.len()..).unwrap_or_default();
    for byte in rest.iter_mut().take_while(|byte| **byte != b'"') {
        *byte = b'*';
    }
}

fn star_from(line: &mut [u8], from: &[u8], ends: fn(u8) -> bool) {
    let Some(at) = find(line, from) else { return };
    let rest = line.get_mut(at + from.len()..).unwrap_or_default();
    for byte in rest.iter_mut().take_while(|byte| !ends(**byte)) {
        if !byte.is_ascii_whitespace() {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str) -> String {
        let mut bytes = message.as_bytes().to_vec();
        discreet(&mut bytes);
        assert_eq!(bytes.len(), message.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn passwords_cannot_be_guessed_from_a_trace() {
        let text = shown(
            "INVITE sip:1@h SIP/2.0\r\nauthorization: Digest username=\"ali\", nonce=\"n1\", response=\"6629fa\", \
             cnonce=\"00f0\"\r\nX: response=\"kept\"\r\n\r\n",
        );
        assert!(text.contains("username=\"ali\", nonce=\"n1\", response=\"******\", cnonce=\"****\""));
        assert!(text.contains("X: response=\"kept\""));
    }

    #[test]
    fn keys_of_the_voice_are_not_told() {
        let text = shown(
            "SIP/2.0 200 OK\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3|2^20\r\na=sendrecv\r\n",
        );
        assert!(
            text.contains("inline:****************|2^20\r\na=sendrecv"),
            "{text}"
        );
    }

    #[test]
    fn keys_that_were_pressed_are_not_told() {
        let relay = "INFO sip:1@h SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n";
        assert!(shown(relay).ends_with("Signal=*\r\nDuration=160\r\n"));
        let bare = "INFO sip:1@h SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n5";
        assert!(shown(bare).ends_with("\r\n\r\n*"));
        let other = "INFO sip:1@h SIP/2.0\r\nContent-Type: text/plain\r\n\r\nSignal=5";
        assert_eq!(shown(other), other);
    }
}
