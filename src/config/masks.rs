use super::secret::SECRET_KEYS;
use super::{Mistake, Place};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a mask begins and ends with; between them stands which secret it is.
const BEGIN: &str = "(kept secret ";
const END: &str = ")";
/// Characters of the name of a secret.
const NAME: usize = 8;
/// A table whose values are all secrets.
const HEADERS: &str = "headers";

/// Hides the secrets of a configuration from those who edit it.
///
/// Each is shown as `(kept secret 4f9a21c7)`: a name that says which one it is and nothing about it. A text that comes back
/// with such names has its secrets put in again, wherever their tables were moved to meanwhile.
#[derive(Clone)]
pub struct Masks {
    key: [u8; 32],
}

impl Masks {
    /// Masks whose names only who knows this key can compute.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The text without its secrets; comments are looked through too.
    pub fn hide(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut done = 0;
        for span in secrets(text) {
            let Some(literal) = text.get(span.clone()) else {
                continue;
            };
            hidden.push_str(text.get(done..span.start).unwrap_or_default());
            let mask = self.mask(literal);
            if is_quoted(literal) {
                let _ = write!(hidden, "\"{mask}\"");
            } else {
                hidden.push_str(&mask);
            }
            done = span.end;
        }
        hidden.push_str(text.get(done..).unwrap_or_default());
        hidden
    }

    /// The text with its secrets in it again, which are those of the `known` texts. `name` is what messages call it.
    ///
    /// # Errors
    /// The masks that stand for no secret of theirs, or stand where no secret belongs and it would be shown.
    pub fn reveal(&self, name: &Path, text: &str, known: &[&str]) -> Result<String, Vec<Mistake>> {
        if !text.contains(BEGIN) {
            return Ok(text.to_owned());
        }
        let literals: BTreeMap<String, &str> = known
            .iter()
            .flat_map(|known| secrets(known).into_iter().filter_map(|span| known.get(span)))
            .map(|literal| (self.mask(literal), literal))
            .collect();
        let mut revealed = String::with_capacity(text.len());
        let (mut put, mut mistakes, mut done) = (Vec::new(), Vec::new(), 0);
        for (start, _) in text.match_indices(BEGIN) {
            let end = start + BEGIN.len() + NAME + END.len();
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            let literal = text.get(start..end).and_then(|mask| literals.get(mask));
            let Some(literal) = literal else {
                mistakes.push(mistake(name, line, "stands for a secret that is not known here"));
                continue;
            };
            let around = start.checked_sub(1).and_then(|before| text.get(before..=end));
            let in_quotes = around.is_some_and(|around| around.starts_with('"') && around.ends_with('"'));
            let (from, to) = match (is_quoted(literal), in_quotes) {
                (true, true) => (start.saturating_sub(1), end + 1),
                (false, _) => (start, end),
                (true, false) => {
                    mistakes.push(mistake(name, line, "stands inside another text"));
                    continue;
                }
            };
            revealed.push_str(text.get(done..from).unwrap_or_default());
            put.push((revealed.len()..revealed.len() + literal.len(), line));
            revealed.push_str(literal);
            done = to;
        }
        revealed.push_str(text.get(done..).unwrap_or_default());
        // Whoever edits must not have a secret shown by moving its mask to where everybody can read it.
        let hidden = secrets(&revealed);
        let is_hidden = |put: &Range<usize>| {
            hidden
                .iter()
                .any(|span| span.start <= put.start && put.end <= span.end)
        };
        mistakes.extend(
            put.iter()
                .filter(|(span, _)| !is_hidden(span))
                .map(|(_, line)| mistake(name, *line, "stands where no secret belongs")),
        );
        if mistakes.is_empty() {
            Ok(revealed)
        } else {
            Err(mistakes)
        }
    }

    /// A short tag of a text that changes with it, and from which nobody can guess the secrets in it.
    pub fn tag(&self, text: &str) -> String {
        self.digest(b"tag", text).chars().take(32).collect()
    }

    fn mask(&self, literal: &str) -> String {
        let name: String = self.digest(b"mask", literal).chars().take(NAME).collect();
        format!("{BEGIN}{name}{END}")
    }

    fn digest(&self, what: &[u8], text: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return String::new(); // A key of any length is taken.
        };
        mac.update(what);
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize()
            .into_bytes()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Masks")
    }
}

fn is_quoted(literal: &str) -> bool {
    literal.starts_with(['"', '\''])
}

fn mistake(name: &Path, line: usize, problem: &str) -> Mistake {
    Mistake {
        place: Place::Line(name.to_owned(), line),
        key: String::new(),
        problem: format!("`{BEGIN}…{END}` {problem}"),
        cure: "write the secret itself, or load the page again".to_owned(),
    }
}

/// Where the secrets of a text stand, in their order and without overlap: the whole literal with its quotes, or the
/// password inside an address.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut found = Found {
        text,
        secrets: Vec::new(),
        strings: Vec::new(),
    };
    found.walk(table.get_ref(), false);
    let Found {
        mut secrets,
        mut strings,
        ..
    } = found;
    strings.sort_by_key(|span| span.start);
    for comment in comments(text, &strings) {
        secrets.extend(in_comment(text, comment));
    }
    secrets.sort_by_key(|span| span.start);
    secrets.dedup_by(|later, earlier| later.start < earlier.end);
    secrets
}

struct Found<'t> {
    text: &'t str,
    secrets: Vec<Range<usize>>,
    /// Every string, in which nothing begins a comment.
    strings: Vec<Range<usize>>,
}

impl Found<'_> {
    fn walk(&mut self, table: &DeTable<'_>, all_secret: bool) {
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            self.look(value, all_secret || SECRET_KEYS.contains(&key), key == HEADERS);
        }
    }

    fn look(&mut self, value: &Spanned<DeValue<'_>>, is_secret: bool, is_headers: bool) {
        match value.get_ref() {
            DeValue::Table(table) => self.walk(table, is_headers),
            DeValue::Array(items) => items.iter().for_each(|item| self.look(item, is_secret, false)),
            DeValue::String(words) => {
                self.strings.push(value.span());
                if is_secret {
                    // A secret that is not there needs no mask.
                    self.secrets.extend((!words.is_empty()).then(|| value.span()));
                } else {
                    self.secrets.extend(password_of(self.text, value.span()));
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) if is_secret => self.secrets.push(value.span()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }
}

/// The password of `scheme://user:password@host`.
fn password_of(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let literal = text.get(span.clone())?;
    let after = literal.find("://")? + "://".len();
    let authority = literal.get(after..)?;
    let authority = authority.get(
        ..authority
            .find(['/', '?', '#', '"', '\''])
            .unwrap_or(authority.len()),
    )?;
    let at = authority.rfind('@')?;
    let colon = authority.get(..at)?.find(':')? + 1;
    let start = span.start + after + colon;
    (colon < at).then(|| start..span.start + after + at)
}

/// The comments of a text: from each `#` that is in no string to the end of its line.
fn comments(text: &str, strings: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut comments: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices('#') {
        let before = strings.partition_point(|span| span.start <= start);
        let in_string = before
            .checked_sub(1)
            .and_then(|place| strings.get(place))
            .is_some_and(|span| span.end > start);
        if in_string || comments.last().is_some_and(|comment| comment.end > start) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        comments.push(start..start + rest.find('\n').unwrap_or(rest.len()));
    }
    comments
}

/// Settings that were commented out: `#password = "…"`.
fn in_comment(text: &str, comment: Range<usize>) -> Vec<Range<usize>> {
    let words = text.get(comment.clone()).unwrap_or_default();
    let mut found = Vec::new();
    for key in SECRET_KEYS {
        for (at, _) in words.match_indices(key) {
            let is_inside = |letter: char| letter.is_alphanumeric() || letter == '_';
            let before = words.get(..at).unwrap_or_default();
            let Some(rest) = words.get(at + key.len()..) else {
                continue;
            };
            if before.ends_with(is_inside) || rest.starts_with(is_inside) {
                continue;
            }
            let value = rest.trim_start_matches('"').trim_start();
            let Some(value) = value.strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            let Some(quote) = value.chars().next().filter(|sign| matches!(sign, '"' | '\'')) else {
                continue;
            };
            let begins = comment.start + words.len() - value.len();
            let length = value.get(1..).and_then(|inner| inner.find(quote));
            if let Some(length) = length.filter(|length| *length > 0) {
                found.push(begins..begins + length + 2);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[cdr] # a comment with a "quote"
site = "a # in a string"
#[[agent]]
#id = "ali"
#password = "old words"
[[trunk]]
name = "pbx"
username = "branch"
password = "tr'unk"       # password = 'before'
[[agent]]
id = "ali"
password = 'lit"eral'
skills = { arabic = 5 }
[[agent]]
id = "mona"
password = ""
[[upstream]]
name = "head-office"
url = "postgres://cdr:pa55@db.example/cdrs"
headers = { Authorization = "Bearer abc", X-Site = "one" }
"dead" = 1
[[mailbox]]
name = "house"
pin = "4711"
"#;

    fn masks() -> Masks {
        Masks::new([7; 32])
    }

    #[test]
    fn no_secret_is_shown_and_each_comes_back_where_its_mask_stands() {
        let hidden = masks().hide(TEXT);
        for secret in [
            "old words",
            "tr'unk",
            "before",
            "lit\"eral",
            "pa55",
            "Bearer abc",
            "\"one\"",
            "4711",
        ] {
            assert!(TEXT.contains(secret), "{secret}");
            assert!(!hidden.contains(secret), "{secret}:\n{hidden}");
        }
        assert!(hidden.contains("password = \"\""), "nothing to hide:\n{hidden}");
        assert!(hidden.contains("postgres://cdr:(kept secret "), "{hidden}");
        assert_eq!(hidden.lines().count(), TEXT.lines().count());
        let name = Path::new("callpost.toml");
        assert_eq!(masks().reveal(name, &hidden, &[TEXT]).unwrap(), TEXT);
    }

    #[test]
    fn a_table_may_move_and_be_renamed_with_its_secret() {
        let text =
            "[[agent]]\nid = \"ali\"\npassword = \"one\"\n[[agent]]\nid = \"mona\"\npassword = \"two\"\n";
        let hidden = masks().hide(text);
        let (first, second) = hidden.split_at(hidden.rfind("[[agent]]").unwrap());
        let swapped = format!("{second}{}", first.replace("ali", "omar"));
        assert_eq!(
            masks().reveal(Path::new("x"), &swapped, &[text]).unwrap(),
            "[[agent]]\nid = \"mona\"\npassword = \"two\"\n[[agent]]\nid = \"omar\"\npassword = \"one\"\n"
        );
    }

    #[test]
    fn a_mask_in_the_wrong_place_or_of_nothing_is_a_mistake_and_reveals_nothing() {
        let text = "[site]\nname = \"a\"\n[[agent]]\nid = \"ali\"\npassword = \"one\"\n";
        let hidden = masks().hide(text);
        let mask = hidden.split("password = ").nth(1).unwrap().trim_end().to_owned();
        let told = |text: String| {
            let wrong = masks()
                .reveal(Path::new("c.toml"), &text, &["password = \"one\""])
                .unwrap_err();
            wrong
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        let moved = told(hidden.replace("name = \"a\"", &format!("name = {mask}")));
        assert_eq!(
            moved,
            "c.toml:2: `(kept secret …)` stands where no secret belongs — write the secret itself, or load the page again"
        );
        let unknown = told("[[agent]]\npassword = \"(kept secret 00000000)\"\n".to_owned());
        assert!(
            unknown.contains("c.toml:2: `(kept secret …)` stands for a secret that is not known"),
            "{unknown}"
        );
        let inside = told(hidden.replace(&mask, &format!("\"x{}", &mask[1..])));
        assert!(inside.contains("inside another text"), "{inside}");
    }

    #[test]
    fn nobody_guesses_a_secret_from_its_mask_or_tag() {
        let text = "[[mailbox]]\npin = \"4711\"\n";
        assert_ne!(masks().hide(text), Masks::new([8; 32]).hide(text));
        assert_ne!(masks().tag(text), Masks::new([8; 32]).tag(text));
        assert_eq!(masks().tag(text).len(), 32);
    }

    #[test]
    fn a_text_that_is_no_toml_is_hidden_as_far_as_it_can_be_read() {
        let hidden = masks().hide("[[agent]]\npassword = \"one\"\nid = \n# password = \"two\"\n");
        assert!(!hidden.contains("one") && !hidden.contains("two"), "{hidden}");
    }
}
