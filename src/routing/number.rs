/// A number as people write it, without what they put in for the eye: `+966 (11) 234-56.78` → `+966112345678`.
/// Anything that is not a telephone number, such as the user part `main`, stays as it is.
pub fn without_separators(written: &str) -> String {
    let written = written.trim();
    let telephone = |letter: char| letter.is_ascii_digit() || "+*#".contains(letter) || is_separator(letter);
    if written.chars().all(telephone) && written.chars().any(|letter| letter.is_ascii_digit()) {
        written.chars().filter(|letter| !is_separator(*letter)).collect()
    } else {
        written.to_owned()
    }
}

/// The visual separators of RFC 3966 §5.1.1, and the space and slash that people write besides.
fn is_separator(letter: char) -> bool {
    matches!(letter, '-' | '.' | '(' | ')' | ' ' | '/')
}

/// The digits of a telephone number without the sign or prefix that marks it as international (`+`, or the `00` of
/// ITU-T E.123 in front of at least eight more digits), so that the forms a trunk may send compare equal. Nothing for
/// what is not a telephone number.
pub fn digits_only(number: &str) -> Option<&str> {
    let digits = match number.strip_prefix('+') {
        Some(international) => international,
        None => number
            .strip_prefix("00")
            .filter(|rest| rest.len() >= 8)
            .unwrap_or(number),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_go_from_numbers_and_stay_in_names() {
        assert_eq!(without_separators(" +966 (11) 234-56.78 "), "+966112345678");
        assert_eq!(without_separators("front-desk"), "front-desk");
        assert_eq!(without_separators("*97#"), "*97#");
        assert_eq!(without_separators("--"), "--");
        assert_eq!(without_separators(""), "");
    }

    #[test]
    fn the_international_forms_of_a_number_have_the_same_digits() {
        for form in ["+966112345678", "966112345678", "00966112345678"] {
            assert_eq!(digits_only(form), Some("966112345678"));
        }
        assert_eq!(digits_only("0011"), Some("0011")); // Too short to be international.
        assert_eq!(digits_only("*97"), None);
        assert_eq!(digits_only("main"), None);
        assert_eq!(digits_only("+"), None);
    }
}
