//! `Warning`: RFC 3261 §20.43.

use crate::sip::grammar::{Scanner, ascii};
use crate::sip::text::unquote;
use crate::sip::write::Quoted;
use std::borrow::Cow;
use std::fmt;

/// What else is to be said about a response, above all why SDP was not acceptable (488).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning<'a> {
    /// 300–399.
    pub code: u16,
    /// Who warns: a host or a pseudonym.
    pub agent: &'a str,
    /// The same for people.
    pub text: Cow<'a, str>,
}

impl<'a> Warning<'a> {
    /// Reads one value of the list.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let digits = scanner.take_while(|byte| byte.is_ascii_digit());
        let code = ascii(digits).filter(|digits| digits.len() == 3);
        let code = code
            .and_then(|digits| digits.parse().ok())
            .ok_or("no code of three digits")?;
        scanner.skip_space();
        let agent = ascii(scanner.take_while(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b','));
        let agent = agent.filter(|agent| !agent.is_empty()).ok_or("no agent")?;
        scanner.skip_space();
        let text = unquote(scanner.quoted().ok_or("no quoted text")?);
        scanner.finish(Self { code, agent, text })
    }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.code, self.agent, Quoted(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_agent_and_text_are_read() {
        let found = Warning::parse(b"301 isi.edu:5060 \"Incompatible \\\"type\\\" 'E.164'\"").unwrap();
        assert_eq!((found.code, found.agent), (301, "isi.edu:5060"));
        assert_eq!(found.text, "Incompatible \"type\" 'E.164'");
        assert_eq!(Warning::parse(found.to_string().as_bytes()).unwrap(), found);
        for bad in [
            "",
            "301",
            "301 x",
            "30 x \"y\"",
            "3010 x \"y\"",
            "301 x y",
            "301 x \"y",
            "301 x \"y\" z",
        ] {
            assert!(Warning::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
