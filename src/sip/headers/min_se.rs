//! `Min-SE`: RFC 4028 §5.

use super::delta_seconds;
use crate::sip::grammar::{Scanner, trim};
use crate::sip::params::Params;

/// The shortest session time somebody on the way takes, in seconds. Its parameters mean nothing yet.
pub(crate) fn min_se(value: &[u8]) -> Result<u32, &'static str> {
    let (digits, _) = with_params(value)?;
    delta_seconds(digits)
}

/// `delta-seconds *(SEMI generic-param)`.
pub(super) fn with_params(value: &[u8]) -> Result<(&[u8], Params<'_>), &'static str> {
    let mut scanner = Scanner::new(trim(value));
    let digits = scanner.take_while(|byte| byte.is_ascii_digit());
    let params = Params::scan(&mut scanner)?;
    scanner.finish((digits, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_a_number_of_seconds() {
        assert_eq!(min_se(b"90 ;x=1"), Ok(90));
        for bad in ["", "x", "9 0", "90;", "-90"] {
            assert!(min_se(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
