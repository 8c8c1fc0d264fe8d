//! `callid *(SEMI param)` with both tags: what Replaces (RFC 3891 §6.1), Join (RFC 3911 §7.1) and Target-Dialog
//! (RFC 4538 §7) have in common.

use crate::sip::grammar::{Scanner, ascii};
use crate::sip::params::Params;

/// The name of a dialog at the one who receives it, and what else the header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct DialogName<'a> {
    pub(super) call_id: &'a str,
    pub(super) params: Params<'a>,
}

impl<'a> DialogName<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let call_id = scanner.take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b','));
        let call_id = ascii(call_id).filter(|id| !id.is_empty()).ok_or("no Call-ID")?;
        let params = Params::scan(&mut scanner)?;
        scanner.finish(Self { call_id, params })
    }

    /// A tag that has to be there once.
    pub(super) fn tag(&self, name: &str) -> Result<&'a str, &'static str> {
        let tag = self.params.only(name).map_err(|()| "not one plain tag")?;
        tag.ok_or("a tag is missing")
    }
}
