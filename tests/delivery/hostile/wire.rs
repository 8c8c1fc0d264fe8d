//! As much of HTTP/1.1 as a receiver of webhooks needs.

use std::io::{Read, Result};
use std::net::TcpStream;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    head: String,
    /// What was posted, byte for byte.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    }
}

/// Reads the head of the next request; what follows it stays in `buffer`. Nothing: the other side has gone.
pub(crate) fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Request>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if !read_more(stream, buffer)? {
            return Ok(None);
        }
    };
    let head = buffer.drain(..end).collect();
    Ok(Some(Request {
        head: String::from_utf8(head).unwrap_or_default(),
        body: Vec::new(),
    }))
}

/// Reads the body. False: the other side has gone.
pub(crate) fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &mut Request) -> Result<bool> {
    let length = request.header("content-length").parse().unwrap_or(0);
    while buffer.len() < length {
        if !read_more(stream, buffer)? {
            return Ok(false);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(true)
}

fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<bool> {
    let mut piece = [0; 16_384];
    let length = stream.read(&mut piece)?;
    buffer.extend_from_slice(&piece[..length]);
    Ok(length > 0)
}

/// Reads and forgets until the other side closes.
pub(crate) fn until_closed(stream: &mut TcpStream) {
    let mut piece = [0; 1024];
    while stream.read(&mut piece).is_ok_and(|length| length > 0) {}
}
