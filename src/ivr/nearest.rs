use std::cmp::Reverse;

/// The known name that was probably meant: the one with the fewest slips of the finger, if no more than two letters
/// in five are slips. Of two the one that begins alike for longer.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (slips(&written.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(slips, name)| 5 * slips <= 2 * name.chars().count().max(written.chars().count()))
        .min_by_key(|(slips, name)| (*slips, Reverse(alike(written, name))))
        .map(|(_, name)| name)
}

/// How many letters two words have in common at their beginning.
fn alike(left: &str, right: &str) -> usize {
    left.chars()
        .zip(right.chars())
        .take_while(|(left, right)| left == right)
        .count()
}

/// How many letters must be put in, left out or replaced to turn one word into the other (Levenshtein).
fn slips(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut corner = above;
        let mut last = above + 1;
        let mut next = vec![last];
        for (other, up) in right.iter().zip(row.iter().skip(1)) {
            last = (corner + usize::from(*other != letter)).min(up + 1).min(last + 1);
            corner = *up;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["listen", "realm", "password_file", "reception"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("Password-file", known), Some("password_file"));
        assert_eq!(nearest("lisn", known), Some("listen"));
        assert_eq!(nearest("sit", ["sip", "site"]), Some("site"));
        assert_eq!(nearest("sales", known), None);
        assert_eq!(nearest("fr", ["ar", "en"]), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(slips("kitten", "sitting"), 3);
    }
}
