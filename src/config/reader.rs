use super::plain_words::plain_words;
use super::secret::SECRET_KEYS;
use super::section::Section;
use super::source::Source;
use super::{Mistake, Place};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

/// Reads tables into types and keeps every mistake.
///
/// serde stops at the first error. So the key with the error is taken out of the table and the rest is read again,
/// until what is left can be read: then everything that was wrong has been told.
pub(super) struct Reader<'s> {
    source: &'s Source,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        Self {
            source,
            mistakes: Vec::new(),
        }
    }

    /// Where a span stands.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        self.source.place(span)
    }

    /// Takes `[name]` out of the file and reads it; the defaults when there is none.
    pub(super) fn take_section<T: DeserializeOwned + Default>(
        &mut self,
        root: &mut DeTable<'s>,
        name: &str,
    ) -> Section<T> {
        let (span, table) = match root.remove(name).map(|value| (value.span(), value.into_inner())) {
            Some((span, DeValue::Table(table))) => (span, table),
            Some((span, _)) => {
                self.tell(
                    &span,
                    name,
                    "is no table",
                    &format!("write [{name}] above its keys"),
                );
                (span, DeTable::new())
            }
            None => (0..0, DeTable::new()),
        };
        let section = self.read(name, &span, table, |value| T::deserialize(value));
        section.map(Option::unwrap_or_default)
    }

    /// Takes every `[[name]]` out of the file, with the value of the key that names it where it has one.
    pub(super) fn take_list(
        &mut self,
        root: &mut DeTable<'s>,
        name: &str,
        name_key: &str,
    ) -> Vec<Element<'s>> {
        let items = match root.remove(name).map(|value| (value.span(), value.into_inner())) {
            Some((_, DeValue::Array(items))) => items,
            Some((span, _)) => {
                self.tell(
                    &span,
                    name,
                    "is not a list of tables",
                    &format!("write [[{name}]] above each"),
                );
                return Vec::new();
            }
            None => return Vec::new(),
        };
        let mut elements = Vec::new();
        for (place, item) in items.into_iter().enumerate() {
            let span = item.span();
            let DeValue::Table(table) = item.into_inner() else {
                self.tell(
                    &span,
                    name,
                    "is no table",
                    &format!("write [[{name}]] above each"),
                );
                continue;
            };
            let own_name = table
                .get(name_key)
                .and_then(|name| name.get_ref().as_str())
                .map(str::to_owned);
            let label = match &own_name {
                Some(own_name) => format!("{name}.{own_name}"),
                None => format!("{name}.{}", place + 1),
            };
            elements.push(Element {
                own_name,
                label,
                span,
                table,
            });
        }
        elements
    }

    /// Reads one element of a list.
    pub(super) fn read_element<T: DeserializeOwned>(&mut self, element: Element<'s>) -> Section<Option<T>> {
        self.read_element_with(element, |value| T::deserialize(value))
    }

    /// Reads one element of a list with `make`.
    pub(super) fn read_element_with<T>(
        &mut self,
        element: Element<'s>,
        make: impl Fn(ValueDeserializer<'s>) -> Result<T, Error>,
    ) -> Section<Option<T>> {
        let Element {
            label, span, table, ..
        } = element;
        self.read(&label, &span, table, make)
    }

    /// Reads a table with `make`, telling every mistake on the way.
    pub(super) fn read<T>(
        &mut self,
        label: &str,
        span: &Range<usize>,
        mut table: DeTable<'s>,
        make: impl Fn(ValueDeserializer<'s>) -> Result<T, Error>,
    ) -> Section<Option<T>> {
        let keys = self.places(&table);
        let told = self.mistakes.len();
        let mut missing = Missing::default();
        let mut value = None;
        // Each round takes a key out, or tries the next stand-in for a missing one: it cannot go on for ever.
        for _ in 0..(table.len() + 2) * (Missing::STAND_INS + 1) {
            match make(Spanned::new(span.clone(), DeValue::Table(table.clone())).into()) {
                Ok(read) => {
                    value = Some(read);
                    break;
                }
                Err(error) => {
                    if !self.mend(label, span, &mut table, &mut missing, &error) {
                        break;
                    }
                }
            }
        }
        if !missing.names.is_empty() {
            value = None; // Made of stand-ins.
        }
        let whole = self.mistakes.len() == told;
        Section {
            value,
            label: label.to_owned(),
            place: self.place(span),
            keys,
            whole,
        }
    }

    /// Tells one error and changes the table so that the next one shows. Says whether it is worth reading again.
    fn mend(
        &mut self,
        label: &str,
        span: &Range<usize>,
        table: &mut DeTable<'s>,
        missing: &mut Missing,
        error: &Error,
    ) -> bool {
        let (problem, cure) = plain_words(error.message());
        if let Some(name) = name_after("missing field ", error) {
            if !missing.names.contains(&name) && !missing.taken_out.contains(&name) {
                self.tell(span, &format!("{label}.{name}"), &problem, &cure);
            }
            return missing.stand_in(table, name);
        }
        let at = error.span().unwrap_or_else(|| span.clone());
        if let Some(name) = name_after("unknown field ", error) {
            self.tell(&at, &format!("{label}.{name}"), &problem, &cure);
            return table.remove(name.as_str()).is_some();
        }
        let Some((key, path)) = key_of(error, table) else {
            self.tell(&at, label, &problem, &cure);
            return false;
        };
        if missing.names.contains(&key) {
            return missing.stand_in(table, key);
        }
        if let Some(text) = self.plain_text_of_variable(table, &key) {
            table.insert(text.0, text.1);
            return true;
        }
        // The words of the parser quote what they found.
        let problem = if SECRET_KEYS.contains(&key.as_str()) {
            "is no text".to_owned()
        } else {
            problem
        };
        self.tell(&at, &format!("{label}.{path}"), &problem, &cure);
        missing.taken_out.push(key.clone());
        table.remove(key.as_str()).is_some()
    }

    /// A variable that was read as a number or the like, where a text was wanted: `…__PASSWORD=1234`.
    fn plain_text_of_variable(
        &self,
        table: &DeTable<'s>,
        key: &str,
    ) -> Option<(Spanned<std::borrow::Cow<'s, str>>, Spanned<DeValue<'s>>)> {
        let value = table.get(key)?;
        let span = value.span();
        let (_, text) = self.source.variable(&span)?;
        if value.get_ref().is_str() {
            return None;
        }
        let text = DeValue::String(text.as_str().into());
        Some((
            Spanned::new(span.clone(), key.to_owned().into()),
            Spanned::new(span, text),
        ))
    }

    fn places(&self, table: &DeTable<'s>) -> HashMap<String, Place> {
        table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), self.place_of(key, value)))
            .collect()
    }

    /// A key's line; for a value from the environment, the variable.
    fn place_of<K>(&self, key: &Spanned<K>, value: &Spanned<DeValue<'s>>) -> Place {
        let from_variable = self.source.variable(&value.span()).is_some();
        self.place(&if from_variable { value.span() } else { key.span() })
    }

    pub(super) fn tell(&mut self, span: &Range<usize>, key: &str, problem: &str, cure: &str) {
        let place = self.place(span);
        self.mistakes.push(Mistake {
            place,
            key: key.to_owned(),
            problem: problem.to_owned(),
            cure: cure.to_owned(),
        });
    }
}

/// One table of a list, not yet read.
pub(super) struct Element<'s> {
    /// What it calls itself.
    pub(super) own_name: Option<String>,
    /// What messages call it.
    pub(super) label: String,
    pub(super) span: Range<usize>,
    pub(super) table: DeTable<'s>,
}

/// Keys that must be there and are not. Stand-ins are put in their place only to find out what else is wrong.
#[derive(Default)]
struct Missing {
    names: Vec<String>,
    tried: usize,
    /// Keys that were there and wrong.
    taken_out: Vec<String>,
}

impl Missing {
    const STAND_INS: usize = 5;

    fn stand_in(&mut self, table: &mut DeTable<'_>, name: String) -> bool {
        if !self.names.contains(&name) {
            self.names.push(name.clone());
            self.tried = 0;
        }
        let value = match self.tried {
            0 => DeValue::String("1".into()),
            1 => DeValue::parse("1").map_or(DeValue::Boolean(true), Spanned::into_inner),
            2 => DeValue::Boolean(true),
            3 => DeValue::Array(Default::default()),
            4 => DeValue::Table(DeTable::new()),
            _ => return false,
        };
        self.tried += 1;
        table.insert(Spanned::new(0..0, name.into()), Spanned::new(0..0, value));
        true
    }
}

/// The name in backticks behind these words.
fn name_after(words: &str, error: &Error) -> Option<String> {
    let rest = error.message().strip_prefix(words)?;
    rest.split('`').nth(1).map(str::to_owned)
}

/// The key of the table the error is about, and the whole path to it. `toml` tells the path only at the end of the
/// printed error: ``in `skills.arabic` ``.
fn key_of(error: &Error, table: &DeTable<'_>) -> Option<(String, String)> {
    let printed = error.to_string();
    let (_, path) = printed.rsplit_once("in `")?;
    let path = path.trim_end().strip_suffix('`')?;
    let begins_path = |key: &&str| {
        path.strip_prefix(*key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let key = table
        .keys()
        .map(|key| key.get_ref().as_ref())
        .filter(begins_path)
        .max_by_key(|key| key.len())?;
    Some((key.to_owned(), path.to_owned()))
}
