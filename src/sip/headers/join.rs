//! `Join`: RFC 3911 §7.1.

use super::dialog_name::DialogName;
use std::fmt;

/// The dialog an INVITE wants to be mixed into. Read so that it can be refused by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join<'a> {
    /// Its Call-ID.
    pub call_id: &'a str,
    /// `to-tag`: the receiver's own tag.
    pub to_tag: &'a str,
    /// `from-tag`: the far side's tag.
    pub from_tag: &'a str,
}

impl<'a> Join<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let name = DialogName::parse(value)?;
        Ok(Self {
            call_id: name.call_id,
            to_tag: name.tag("to-tag")?,
            from_tag: name.tag("from-tag")?,
        })
    }
}

impl fmt::Display for Join<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{};to-tag={};from-tag={}",
            self.call_id, self.to_tag, self.from_tag
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_named_whole_or_not_at_all() {
        let found = Join::parse(b"12adf2f34456gs5;to-tag=12345;from-tag=54321;odd").unwrap();
        assert_eq!(found.to_string(), "12adf2f34456gs5;to-tag=12345;from-tag=54321");
        for bad in ["", "x;to-tag=1", "x;from-tag=1", "x y;to-tag=1;from-tag=2"] {
            assert!(Join::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
