//! How a trunk wants to be spoken to: where the caller's number stands, what it looks like, and what hides it.

/// How calls leave by a trunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manners {
    /// Where the caller's number stands.
    pub caller_id: CallerId,
    /// What the caller's number looks like.
    pub number_form: NumberForm,
    /// Whether callers who hide their number are hidden (RFC 3323, RFC 3325).
    pub hides: bool,
    /// Whether a call that the trunk sends on (3xx) follows it, to the trunk's own hosts.
    pub follows_redirects: bool,
}

/// The header a trunk takes the caller's number from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallerId {
    /// The user part of From.
    #[default]
    From,
    /// P-Asserted-Identity (RFC 3325 §9.1); From names our account there.
    AssertedIdentity,
    /// Remote-Party-ID, as older exchanges do; From names our account there.
    RemotePartyId,
}

/// How a number is written towards a trunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NumberForm {
    /// As it is.
    #[default]
    AsWritten,
    /// `+966112345678`: national numbers get this country code in front.
    International {
        /// The country's code without `+`.
        country: String,
    },
    /// `0112345678`: numbers of this country lose its code.
    National {
        /// The country's code without `+`.
        country: String,
    },
}

impl NumberForm {
    /// The number in this form. What is no telephone number, or too short to have a country, stays as it is.
    pub fn write(&self, number: &str) -> String {
        const SHORTEST_NATIONAL: usize = 7;
        const LONGEST_NATIONAL: usize = 10;
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let international = number
            .strip_prefix('+')
            .or_else(|| number.strip_prefix("00"))
            .filter(|digits| is_plain(digits));
        match (self, international) {
            (Self::International { .. }, Some(digits)) => format!("+{digits}"),
            (Self::International { country }, None)
                if is_plain(number) && number.len() >= SHORTEST_NATIONAL =>
            {
                match number.strip_prefix('0') {
                    Some(national) => format!("+{country}{national}"),
                    None if number.starts_with(country.as_str()) && number.len() > LONGEST_NATIONAL => {
                        format!("+{number}")
                    }
                    None => format!("+{country}{number}"),
                }
            }
            (Self::National { country }, Some(digits)) => digits
                .strip_prefix(country.as_str())
                .map_or_else(|| number.to_owned(), |national| format!("0{national}")),
            (Self::AsWritten | Self::International { .. } | Self::National { .. }, _) => number.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_the_trunk_wants_it() {
        let country = || "966".to_owned();
        let (e164, national) = (
            NumberForm::International { country: country() },
            NumberForm::National { country: country() },
        );
        for (number, international, at_home) in [
            ("0112345678", "+966112345678", "0112345678"),
            ("966112345678", "+966112345678", "966112345678"),
            ("00966112345678", "+966112345678", "0112345678"),
            ("+966112345678", "+966112345678", "0112345678"),
            ("+4930123456", "+4930123456", "+4930123456"),
            ("1001", "1001", "1001"),
            ("anonymous", "anonymous", "anonymous"),
            ("+", "+", "+"),
        ] {
            assert_eq!(e164.write(number), international, "{number}");
            assert_eq!(national.write(number), at_home, "{number}");
            assert_eq!(NumberForm::AsWritten.write(number), number);
        }
    }
}
