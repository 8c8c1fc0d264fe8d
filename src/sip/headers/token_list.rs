//! Lists of tokens: Require §20.32, Supported §20.37, Unsupported §20.40, Allow §20.5, Proxy-Require §20.29
//! of RFC 3261; Privacy of RFC 3323 §4.2, whose values are separated by semicolons.

use crate::sip::grammar::{Scanner, ascii, is_space};

/// The tokens of a header value, separated by commas (or semicolons, as in Privacy); empty ones are passed over.
pub(crate) fn tokens(value: &[u8]) -> impl Iterator<Item = &str> {
    value
        .split(|byte| matches!(byte, b',' | b';'))
        .filter_map(|part| {
            let mut scanner = Scanner::new(part);
            scanner.skip_space();
            ascii(scanner.take_while(|byte| !is_space(byte))).filter(|token| !token.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_between_commas_and_folds() {
        assert_eq!(
            tokens(b"100rel ,\r\n timer,, replaces").collect::<Vec<_>>(),
            ["100rel", "timer", "replaces"]
        );
        assert_eq!(
            tokens(b"id;header ; user").collect::<Vec<_>>(),
            ["id", "header", "user"]
        );
        assert_eq!(tokens(b" ").count(), 0);
    }
}
