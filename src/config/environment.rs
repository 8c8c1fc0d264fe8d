use super::source::{Source, with_span};
use super::{Mistake, Place};
use crate::ivr::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What every variable of ours begins with.
const PREFIX: &str = "CALLPOST__";

/// The `CALLPOST__…` variables among these, in the order of their names.
pub(super) fn ours(all: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut ours: Vec<_> = all
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    ours.sort();
    ours
}

/// Where other programs say which database to use. Ours is a file of a fixed name, so only its folder can be meant.
const DATABASE_URL: &str = "DATABASE_URL";
/// The file's name.
const DATABASE: &str = "callpost.db";

/// `DATABASE_URL=sqlite:/var/lib/callpost/callpost.db` as `[site] data_dir`, which a variable of our own goes before.
/// The value is never told, since it may hold a password.
pub(super) fn database_url(all: &[(String, String)], ours: &mut Vec<(String, String)>) -> Option<Mistake> {
    const DATA_DIR: &str = "CALLPOST__SITE__DATA_DIR";
    let (_, url) = all.iter().find(|(name, _)| name == DATABASE_URL)?;
    if url.trim().is_empty() || ours.iter().any(|(name, _)| name == DATA_DIR) {
        return None;
    }
    match folder_of(url.trim()) {
        Ok(folder) => {
            ours.push((DATA_DIR.to_owned(), toml::Value::from(folder).to_string()));
            ours.sort();
            None
        }
        Err(problem) => Some(Mistake {
            place: Place::Variable(DATABASE_URL.to_owned()),
            key: "site.data_dir".to_owned(),
            problem,
            cure: format!(
                "use sqlite:/var/lib/callpost/{DATABASE}, or take the variable away; records go to PostgreSQL by an \
                 [[upstream]] of type \"postgres\""
            ),
        }),
    }
}

fn folder_of(url: &str) -> Result<String, String> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        let scheme = url
            .split(':')
            .next()
            .filter(|_| url.contains(':'))
            .unwrap_or("it");
        let scheme: String = scheme
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(20)
            .collect();
        return Err(format!(
            "{scheme} is no database of this box, which keeps its own SQLite file"
        ));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or_default();
    match path.rsplit_once('/') {
        Some(("", "" | DATABASE)) => Ok("/".to_owned()),
        Some((folder, "" | DATABASE)) => Ok(folder.to_owned()),
        None if path == DATABASE => Ok(".".to_owned()),
        Some(_) | None => Err(format!("the database of this box is always called {DATABASE}")),
    }
}

/// Lays the variables over the tables of the file: `CALLPOST__SIP__REALM` over `[sip] realm`,
/// `CALLPOST__AGENT__ALI__PASSWORD` over the `password` of the `[[agent]]` with `id = "ali"`.
pub(super) fn lay_over<'s>(
    source: &'s Source,
    root: &mut DeTable<'s>,
    lists: &[(&str, &str)],
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (index, (name, value)) in source.variables.iter().enumerate() {
        let path: Vec<String> = name
            .trim_start_matches(PREFIX)
            .split("__")
            .map(str::to_ascii_lowercase)
            .collect();
        let layer = Layer {
            source,
            name,
            value,
            index,
        };
        if let Err((problem, cure)) = layer.set(root, lists, &path) {
            let place = Place::Variable(name.clone());
            mistakes.push(Mistake {
                place,
                key: path.join("."),
                problem,
                cure,
            });
        }
    }
    mistakes
}

/// One variable on its way to its key.
struct Layer<'s> {
    source: &'s Source,
    name: &'s str,
    value: &'s str,
    index: usize,
}

impl<'s> Layer<'s> {
    fn set(
        &self,
        root: &mut DeTable<'s>,
        lists: &[(&str, &str)],
        path: &[String],
    ) -> Result<(), (String, String)> {
        let [section, rest @ ..] = path else {
            return Err(self.too_short());
        };
        if rest.is_empty() {
            return Err(self.too_short());
        }
        let Some((_, name_key)) = lists.iter().find(|(list, _)| list == section) else {
            return self.put(root, path);
        };
        let [element, key @ ..] = rest else {
            return Err(self.too_short());
        };
        let Some(DeValue::Array(elements)) = root.get_mut(section.as_str()).map(Spanned::get_mut) else {
            return Err((
                format!("there is no [[{section}]]"),
                "write it into the file first".to_owned(),
            ));
        };
        let mut names = Vec::new();
        for item in elements.iter_mut() {
            let DeValue::Table(table) = item.get_mut() else {
                continue;
            };
            let found = table
                .get(*name_key)
                .and_then(|name| name.get_ref().as_str())
                .unwrap_or_default();
            if found.to_ascii_lowercase().replace('-', "_") == *element {
                return self.put(table, key);
            }
            names.push(found.to_owned());
        }
        let cure = match nearest(element, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("use one of: {}", names.join(", ")),
        };
        Err((
            format!("there is no [[{section}]] with {name_key} = \"{element}\""),
            cure,
        ))
    }

    /// Walks down the tables, making those that are missing, and puts the value at the end.
    fn put(&self, table: &mut DeTable<'s>, path: &[String]) -> Result<(), (String, String)> {
        let (Some((key, way)), span) = (path.split_last(), self.source.span_of_variable(self.index)) else {
            return Err(self.too_short());
        };
        let mut table = table;
        for step in way {
            let empty = || Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
            let next = table
                .entry(Spanned::new(span.clone(), step.clone().into()))
                .or_insert_with(empty);
            let DeValue::Table(next) = next.get_mut() else {
                return Err((
                    format!("`{step}` is no table"),
                    "look at the names between the __".to_owned(),
                ));
            };
            table = next;
        }
        let value = match DeValue::parse(self.value) {
            Ok(value) => value.into_inner(),
            Err(_) => DeValue::String(self.value.into()),
        };
        table.remove(key.as_str());
        table.insert(
            Spanned::new(span.clone(), key.clone().into()),
            with_span(value, &span),
        );
        Ok(())
    }

    fn too_short(&self) -> (String, String) {
        let problem = format!("{} names no key", self.name);
        (
            problem,
            "name section and key, such as CALLPOST__SIP__REALM".to_owned(),
        )
    }
}
