//! `Replaces`: RFC 3891 §6.1.

use super::dialog_name::DialogName;
use std::fmt;

/// The dialog an INVITE takes the place of, by its name at the one who receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// Its Call-ID.
    pub call_id: &'a str,
    /// `to-tag`: the receiver's own tag.
    pub to_tag: &'a str,
    /// `from-tag`: the far side's tag; `0` also means none (RFC 2543 peers).
    pub from_tag: &'a str,
    /// `early-only`: leave it alone once it has been answered.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let name = DialogName::parse(value)?;
        Ok(Self {
            call_id: name.call_id,
            to_tag: name.tag("to-tag")?,
            from_tag: name.tag("from-tag")?,
            early_only: name.params.has("early-only"),
        })
    }
}

impl fmt::Display for Replaces<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{};to-tag={};from-tag={}",
            self.call_id, self.to_tag, self.from_tag
        )?;
        out.write_str(if self.early_only { ";early-only" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_named_by_call_id_and_both_tags() {
        let found =
            Replaces::parse(b" 98732@sip.example.com\r\n ;from-tag=r33th4x0r ;to-tag=ff87ff").unwrap();
        assert_eq!(found.call_id, "98732@sip.example.com");
        assert_eq!(
            (found.to_tag, found.from_tag, found.early_only),
            ("ff87ff", "r33th4x0r", false)
        );
        let early = Replaces::parse(b"x;to-tag=1;from-tag=2;early-only").unwrap();
        assert_eq!(early.to_string(), "x;to-tag=1;from-tag=2;early-only");
    }

    #[test]
    fn a_name_that_is_not_whole_is_refused() {
        for bad in [
            "",
            "x",
            "x;to-tag=1",
            "x;from-tag=1",
            "x;to-tag=1;from-tag=2;to-tag=3",
            "x;to-tag=\"1\";from-tag=2",
            "x;to-tag=1;from-tag",
            ";to-tag=1;from-tag=2",
            "two words;to-tag=1;from-tag=2",
            "x;to-tag=1;from-tag=2, y;to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
