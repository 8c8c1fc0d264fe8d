use super::fault::Fault;
use super::headers::Via;
use super::message::{Header, Message};
use super::method::Method;
use super::name::Name;
use super::reading::first_via;
use super::write::{Draft, StatusLine};
use std::fmt;
use std::net::SocketAddr;

/// A message that cannot be served, with what is needed to say so — or to know that nothing can be said.
pub struct Malformed<'a> {
    /// What is wrong with it.
    pub fault: Fault,
    method: Option<Method<'a>>,
    headers: Vec<Header<'a>>,
}

impl<'a> Malformed<'a> {
    pub(crate) fn new(fault: Fault, method: Option<Method<'a>>, headers: Vec<Header<'a>>) -> Self {
        Self {
            fault,
            method,
            headers,
        }
    }

    /// The headers of a message whose stream broke off behind them ([`super::Broken`]).
    pub fn of(head: &'a [u8], fault: Fault) -> Self {
        match Message::parse(head) {
            Ok(message) => {
                let method = message.is_request().then(|| message.method());
                Self::new(fault, method, message.headers().to_vec())
            }
            Err(malformed) => Self { fault, ..malformed },
        }
    }

    /// The topmost Via, when it can be read.
    pub fn top_via(&self) -> Option<Via<'a>> {
        self.first(Name::Via).and_then(|line| first_via(line).ok())
    }

    /// The refusal to send back, with the fault as its reason phrase: `SIP/2.0 400 Bad Via: no host`.
    ///
    /// Nothing when it must not or cannot be answered: a response, an ACK, or no readable Via (RFC 3261
    /// §8.2.6, §17.1.1.3). `source` is where it came from, `to_tag` a fresh tag.
    pub fn answer(&self, source: SocketAddr, to_tag: &str) -> Option<Vec<u8>> {
        self.method.filter(|method| *method != Method::Ack)?;
        let reason = self.fault.to_string();
        let status = StatusLine::from((self.fault.status, reason.as_str()));
        Some(Draft::answer(&self.headers, &self.top_via()?, source, status, Some(to_tag)).finish())
    }

    fn first(&self, name: Name<'_>) -> Option<&'a [u8]> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value)
    }
}

impl fmt::Debug for Malformed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Malformed({})", self.fault)
    }
}

impl fmt::Display for Malformed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fault, out)
    }
}

impl std::error::Error for Malformed<'_> {}
