//! `Route` §20.34 and `Record-Route` §20.30 of RFC 3261; `Path` (RFC 3327 §3) and `Service-Route` (RFC 3608 §5).

use super::NameAddr;
use crate::sip::grammar::trim;

/// One hop. It stands in angle brackets: without them `lr` would belong to the header, not to the URI, and the
/// next hop would take a loose router for a strict one.
pub(crate) fn hop(value: &[u8]) -> Result<NameAddr<'_>, &'static str> {
    let hop = NameAddr::parse(value)?;
    let bracketed = trim(hop.raw).contains(&b'<');
    match (bracketed, hop.uri.is_sip()) {
        (true, true) => Ok(hop),
        (false, _) => Err("no angle brackets"),
        (true, false) => Err("not a SIP URI"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_stands_in_brackets() {
        let found = hop(b"\"p\" <sip:p1.example.com;lr>;x=1").unwrap();
        assert!(found.uri.is_loose_router() && found.params.has("x"));
        for bad in ["", "sip:p1;lr", "<tel:+1>", "<sip:p1;lr", "<sip:p1;lr> x"] {
            assert!(hop(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
