//! Passwords for phones: made here, typed once by somebody.

/// Characters of a password: 60 bits, which nobody tries out against a registrar that shuts them out.
pub(in crate::http) const LENGTH: usize = 12;

/// Letters and digits that are not taken for each other, all on a phone's keypad without a shift.
const LETTERS: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";

/// The password of this chance.
pub(in crate::http) fn of(random: [u8; LENGTH]) -> String {
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    random.iter().filter_map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_letters_that_nobody_misreads() {
        let mut random = [0; LENGTH];
        for (place, byte) in (0_u8..).zip(&mut random) {
            *byte = place.wrapping_mul(29);
        }
        let password = of(random);
        assert_eq!(password.len(), LENGTH);
        assert!(!password.contains(['l', 'o', '0', '1']));
    }
}
