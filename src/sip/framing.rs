//! Messages out of a stream: RFC 3261 §18.3 and §7.5, keep-alives of RFC 5626 §4.4.1.

use super::fault::Fault;
use super::limits;
use super::name::Name;
use super::reading::{content_length, header, next_header};

/// Cuts a stream into messages. Its memory is bounded by one message of the largest size and one read.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes at the front that have been given out.
    taken: usize,
    /// Where in the buffer the search for the end of the headers goes on, so that a stream that comes byte by
    /// byte is searched once.
    searched: usize,
    /// Where the current message's body begins and ends, once its headers are complete.
    known: Option<(usize, usize)>,
}

/// Something complete out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Message(Vec<u8>),
    /// Two empty lines: answer with [`PONG`].
    Ping,
    /// One empty line: the answer to a ping of ours, or nothing.
    Pong,
}

/// What a ping is answered with.
pub const PONG: &[u8] = b"\r\n";

/// The stream cannot be cut any further: answer if `head` allows it, then close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What is wrong.
    pub fault: Fault,
    /// The message's headers, when they were complete: [`crate::sip::Malformed::of`] can answer them.
    pub head: Vec<u8>,
}

impl Framer {
    /// A framer for a fresh connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.searched = self.searched.saturating_sub(self.taken);
        self.known = self
            .known
            .map(|(body, end)| (body - self.taken, end - self.taken));
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a message has begun and is not complete: the peer owes us bytes. Half a keep-alive is no debt.
    pub fn is_waiting(&self) -> bool {
        let pending = self.buffer.get(self.taken..).unwrap_or_default();
        pending.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next complete thing; nothing when more bytes are needed.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Broken> {
        if self.known.is_none() {
            if let Some(frame) = self.keep_alive() {
                return Ok(Some(frame));
            }
            self.known = self.measure()?;
        }
        let Some((_, end)) = self.known else {
            return Ok(None);
        };
        let Some(message) = self.buffer.get(self.taken..end) else {
            return Ok(None);
        };
        let frame = Frame::Message(message.to_vec());
        self.skip_to(end);
        Ok(Some(frame))
    }

    fn skip_to(&mut self, place: usize) {
        self.taken = place;
        self.searched = place;
        self.known = None;
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
            self.searched = 0;
        }
        // One large message is no reason to keep its room for as long as the connection lives.
        if self.buffer.is_empty() && self.buffer.capacity() > limits::HEADER_BYTES {
            self.buffer = Vec::new();
        }
    }

    /// Empty lines between messages. One that ends the buffer may be half a ping, so it waits.
    fn keep_alive(&mut self) -> Option<Frame> {
        let (frame, length) = match self.buffer.get(self.taken..)? {
            [b'\r', b'\n', b'\r', b'\n', ..] => (Frame::Ping, 4),
            [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return None,
            [b'\r', b'\n', ..] => (Frame::Pong, 2),
            [b'\n', ..] => (Frame::Pong, 1),
            _ => return None,
        };
        self.skip_to(self.taken + length);
        Some(frame)
    }

    /// Finds the end of the headers and of the body.
    fn measure(&mut self) -> Result<Option<(usize, usize)>, Broken> {
        let Some(body) = self.find_body() else {
            if self.buffer.len() - self.taken > limits::MESSAGE_BYTES {
                let fault = Fault {
                    status: 513,
                    ..Fault::part("message", "headers larger than 64 kB")
                };
                return Err(Broken {
                    fault,
                    head: Vec::new(),
                });
            }
            return Ok(None);
        };
        let head = self.buffer.get(self.taken..body).unwrap_or_default();
        let length = length_in(head).and_then(|length| {
            let fits = head.len() + length <= limits::MESSAGE_BYTES;
            if fits {
                Ok(length)
            } else {
                Err(Fault {
                    status: 513,
                    ..Fault::part("message", "larger than 64 kB")
                })
            }
        });
        match length {
            Ok(length) => Ok(Some((body, body + length))),
            Err(fault) => Err(Broken {
                fault,
                head: head.to_vec(),
            }),
        }
    }

    /// Where the first empty line ends.
    fn find_body(&mut self) -> Option<usize> {
        let unseen = self.buffer.get(self.searched..)?;
        for at in memchr::memchr_iter(b'\n', unseen) {
            let line_end = self.searched + at;
            let length = match self.buffer.get(line_end + 1..)? {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                [] | [b'\r'] => {
                    self.searched = line_end;
                    return None;
                }
                _ => continue,
            };
            return Some(line_end + 1 + length);
        }
        self.searched = self.buffer.len();
        None
    }
}

/// The Content-Length, which a stream cannot do without (§18.3). Two that differ are a way to smuggle.
fn length_in(head: &[u8]) -> Result<usize, Fault> {
    let mut rest = head;
    let mut found = None;
    next_header(&mut rest);
    while let Some(line) = next_header(&mut rest) {
        let Some(header) = header(line)
            .ok()
            .filter(|header| header.name == Name::ContentLength)
        else {
            continue;
        };
        let length = content_length(header.value)?;
        if found.replace(length).is_some() {
            return Err(Fault::header(Name::ContentLength, "more than one"));
        }
    }
    found.ok_or(Fault::header(Name::ContentLength, "missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nl: 4\r\n\r\nbody";
    const TWO: &[u8] = b"OPTIONS sip:b SIP/2.0\nContent-Length\t:\r\n 0\n\n";

    fn frames(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame().unwrap()).collect()
    }

    #[test]
    fn messages_are_found_wherever_the_reads_are_cut() {
        let stream = [b"\r\n\r\n", ONE, TWO, b"\r\n", ONE].concat();
        let wanted = [
            Frame::Ping,
            Frame::Message(ONE.to_vec()),
            Frame::Message(TWO.to_vec()),
            Frame::Pong,
            Frame::Message(ONE.to_vec()),
        ];
        for size in 1..=stream.len() {
            let mut framer = Framer::new();
            let mut found = Vec::new();
            for chunk in stream.chunks(size) {
                framer.push(chunk);
                found.extend(frames(&mut framer));
            }
            assert_eq!(found, wanted, "reads of {size}");
            assert!(!framer.is_waiting());
        }
    }

    #[test]
    fn half_a_ping_is_no_message() {
        let mut framer = Framer::new();
        for (read, frame) in [
            ("\r", None),
            ("\n", None),
            ("\r", None),
            ("\n", Some(Frame::Ping)),
        ] {
            framer.push(read.as_bytes());
            assert_eq!(framer.next_frame(), Ok(frame));
            assert!(!framer.is_waiting());
        }
    }

    #[test]
    fn half_a_message_waits() {
        let mut framer = Framer::new();
        framer.push(&ONE[..ONE.len() - 1]);
        assert_eq!(framer.next_frame(), Ok(None));
        assert!(framer.is_waiting());
        framer.push(b"yand more");
        assert_eq!(framer.next_frame(), Ok(Some(Frame::Message(ONE.to_vec()))));
        assert!(framer.is_waiting());
    }

    #[test]
    fn a_stream_without_a_believable_length_is_broken() {
        for (lines, status) in [
            ("Call-ID: 1\r\n", 400),
            ("l: -1\r\n", 400),
            ("l: 4294967296\r\n", 413),
            ("l: 100000000000000000000\r\n", 413),
            ("l: 1\r\nContent-Length: 2\r\n", 400),
            ("l: 65530\r\n", 513),
        ] {
            let mut framer = Framer::new();
            framer.push(format!("OPTIONS sip:a SIP/2.0\r\n{lines}\r\npending").as_bytes());
            let broken = framer.next_frame().unwrap_err();
            assert_eq!(broken.fault.status, status, "{lines}");
            assert!(broken.head.ends_with(b"\r\n\r\n"));
        }
    }

    #[test]
    fn junk_without_an_end_is_broken_after_64_kb() {
        let mut framer = Framer::new();
        for _ in 0..64 {
            framer.push(&[b'x'; 1024]);
            assert_eq!(framer.next_frame(), Ok(None));
        }
        framer.push(b"x");
        assert_eq!(framer.next_frame().unwrap_err().fault.status, 513);
    }
}
