//! `P-Asserted-Identity` and `P-Preferred-Identity`: RFC 3325 §9.1, §9.2.

use super::NameAddr;
use crate::sip::uri::Scheme;

/// Reads all values of a message. There are one or two: a `sip:` or `sips:` address, a `tel:` number, or one of each.
pub(crate) fn identities<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<NameAddr<'a>>, &'static str> {
    let mut found: Vec<NameAddr<'a>> = Vec::new();
    for value in values {
        let identity = NameAddr::parse(value)?;
        if let Scheme::Other(_) = identity.uri.scheme() {
            return Err("neither a SIP address nor a telephone number");
        }
        if found
            .iter()
            .any(|earlier| earlier.uri.is_sip() == identity.uri.is_sip())
        {
            return Err("two of the same kind");
        }
        found.push(identity);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::grammar::Elements;

    fn read(value: &str) -> Result<Vec<NameAddr<'_>>, &'static str> {
        identities(Elements::of(value.as_bytes()))
    }

    #[test]
    fn one_address_and_one_number_may_be_asserted() {
        assert_eq!(read("\"A\" <sip:a@x>, tel:+1").unwrap().len(), 2);
        assert_eq!(read("sip:a@x").unwrap().len(), 1);
        assert!(read("").unwrap().is_empty());
        for bad in [
            "sip:a@x, <sips:b@x>",
            "tel:+1, tel:+2",
            "mailto:a@x",
            "tel:+1, sip:a@x, tel:+2",
            "nobody",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
