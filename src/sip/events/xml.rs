use std::fmt::{self, Write as _};

/// Text inside XML: what would be read as markup is written as a reference, and what XML cannot say is left out.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&apos;")?,
                letter if letter.is_control() => {}
                letter => out.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(
            Escaped("<a href=\"x\">&'\u{0}\r\n").to_string(),
            "&lt;a href=&quot;x&quot;&gt;&amp;&apos;"
        );
    }
}
