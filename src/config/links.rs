use super::Mistake;
use super::section::Section;
use crate::ivr::nearest;

/// Names that other parts of the configuration may use, for finding those that do not exist.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    kind: &'static str,
    names: Vec<String>,
}

impl Names {
    pub(super) fn new(kind: &'static str, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            kind,
            names: names.into_iter().collect(),
        }
    }

    /// A mistake if there is no such name.
    pub(super) fn check<T>(
        &self,
        section: &Section<T>,
        key: &str,
        name: impl ToString,
        mistakes: &mut Vec<Mistake>,
    ) {
        let name = name.to_string();
        if self.names.contains(&name) {
            return;
        }
        let cure = match nearest(&name, self.names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None if self.names.is_empty() => format!("there is no {} yet; write one", self.kind),
            None => format!("use one of: {}", self.names.join(", ")),
        };
        mistakes.push(section.mistake(key, format!("there is no {} \"{name}\"", self.kind), cure));
    }
}

/// Tells each table whose value of `key` another one before it has already.
pub(super) fn check_unique<T>(
    sections: &[Section<T>],
    key: &str,
    value: impl Fn(&T) -> Option<String>,
    mistakes: &mut Vec<Mistake>,
) {
    let mut seen: Vec<(String, &Section<T>)> = Vec::new();
    for section in sections {
        let Some(value) = value(&section.value) else {
            continue;
        };
        match seen.iter().find(|(earlier, _)| *earlier == value) {
            Some((_, first)) => {
                let place = first.keys.get(key).unwrap_or(&first.place);
                let problem = format!("\"{value}\" is taken already, at {place}");
                mistakes.push(section.mistake(key, problem, "give one of the two another"));
            }
            None => seen.push((value, section)),
        }
    }
}

/// A name that may stand in a path, an address and a record: letters, digits, `-`, `_` and `.`.
pub(super) fn check_name<T>(section: &Section<T>, key: &str, name: &str, mistakes: &mut Vec<Mistake>) {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) || name.len() > 64 {
        let problem = format!("\"{name}\" is no name");
        mistakes.push(section.mistake(key, problem, "use letters, digits, - and _"));
    }
}

/// Something a phone can dial, or the user part of an address (RFC 3261 §25.1) without escapes.
pub(super) fn is_user_part(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.+*#!~".contains(letter);
    !text.is_empty() && text.len() <= 64 && text.chars().all(fits)
}
