use super::Texts;
use super::draft::LISTS;
use super::effect::is_at_once;
use super::secret::SECRET_KEYS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use toml::{Table, Value};

/// What became of a part of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It was not there before.
    Added,
    /// It says something else.
    Changed,
    /// It is not there any more.
    Removed,
}

/// One difference between two configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What became of it.
    pub how: How,
    /// The section: `site`, `trunk`, `agent`, … or `flow`.
    pub section: String,
    /// Which one, of those that may stand often.
    pub name: Option<String>,
    /// Its keys that differ; of what was added or removed, all of them.
    pub keys: Vec<KeyChange>,
}

/// One key that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Which, with dots where it is in a table of the section; `order` when only the order of the elements differs.
    pub key: String,
    /// What it was, as it is written; a secret is never told.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// Whether the running box takes it over; others count from its next start on.
    pub at_once: bool,
}

impl Change {
    /// Whether the running box takes all of it over.
    pub fn is_at_once(&self) -> bool {
        let known = !self.keys.is_empty() || is_at_once(&self.section, "");
        known && self.keys.iter().all(|key| key.at_once)
    }

    /// What people call it: `[site]`, `trunk pbx`, `flow main`.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("{} {name}", self.section),
            None => format!("[{}]", self.section),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.how {
            How::Added => "is added",
            How::Changed => "changes",
            How::Removed => "is removed",
        };
        write!(out, "{} {verb}", self.label())?;
        if self.how == How::Changed {
            let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
            write!(out, ": {}", keys.join("; "))?;
        }
        if !self.is_at_once() {
            out.write_str(" (counts after the next start)")?;
        }
        Ok(())
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(out, "{} {before} → {after}", self.key),
            (None, Some(after)) => write!(out, "{} = {after}", self.key),
            (Some(before), None) => write!(out, "{} (was {before}) is gone", self.key),
            (None, None) => write!(out, "{}", self.key),
        }
    }
}

impl Texts {
    /// What changes when the box goes from these texts to others, in the order of the sections. Comments and layout are no
    /// change; a text that is no TOML has nothing in it.
    pub fn changes_to(&self, after: &Self) -> Vec<Change> {
        let (old, new) = (self.tables(), after.tables());
        let mut changes = Vec::new();
        let sections: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for section in sections {
            match LISTS.iter().find(|(list, _)| list == section) {
                Some((_, name_key)) => {
                    let named = |table: &Table| elements(table.get(section), name_key);
                    compare_lists(section, &named(&old), &named(&new), &mut changes);
                }
                None => {
                    let table = |table: &Table| flat(table.get(section));
                    compare(
                        section,
                        None,
                        table(&old).as_ref(),
                        table(&new).as_ref(),
                        &mut changes,
                    );
                }
            }
        }
        compare_lists("flow", &self.flow_tables(), &after.flow_tables(), &mut changes);
        changes
    }

    fn tables(&self) -> Table {
        toml::from_str(&self.text).unwrap_or_default()
    }

    /// The flows in use, by the names of their files without the ending.
    fn flow_tables(&self) -> Vec<(String, Keys)> {
        let flows = self.flows.iter();
        flows
            .map(|(file, text)| {
                let name = file.strip_suffix(".toml").unwrap_or(file);
                let table = toml::from_str(text).unwrap_or_default();
                (
                    name.to_owned(),
                    flat(Some(&Value::Table(table))).unwrap_or_default(),
                )
            })
            .collect()
    }
}

/// The keys of a table, those of the tables in it with dots.
type Keys = BTreeMap<String, Value>;

fn flat(value: Option<&Value>) -> Option<Keys> {
    let mut keys = Keys::new();
    flatten("", value?, &mut keys);
    Some(keys)
}

fn flatten(path: &str, value: &Value, keys: &mut Keys) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(&path, value, keys);
            }
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_) => drop(keys.insert(path.to_owned(), value.clone())),
    }
}

/// The elements of a list by their names; one without a name has its place.
fn elements(list: Option<&Value>, name_key: &str) -> Vec<(String, Keys)> {
    let items = list
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let named = items.iter().enumerate().map(|(place, item)| {
        let name = item.get(name_key).and_then(Value::as_str);
        let name = name.map_or_else(|| (place + 1).to_string(), str::to_owned);
        (name, flat(Some(item)).unwrap_or_default())
    });
    named.collect()
}

fn compare_lists(section: &str, old: &[(String, Keys)], new: &[(String, Keys)], changes: &mut Vec<Change>) {
    let of = |list: &'_ [(String, Keys)], name: &str| {
        let found = list.iter().find(|(own, _)| own == name);
        found.map(|(_, keys)| keys.clone())
    };
    for (name, keys) in new {
        compare(section, Some(name), of(old, name).as_ref(), Some(keys), changes);
    }
    for (name, keys) in old.iter().filter(|(name, _)| of(new, name).is_none()) {
        compare(section, Some(name), Some(keys), None, changes);
    }
    let stays = |list: &[(String, Keys)], other: &[(String, Keys)]| -> Vec<String> {
        let names = list.iter().map(|(name, _)| name);
        names.filter(|name| of(other, name).is_some()).cloned().collect()
    };
    let (before, after) = (stays(old, new), stays(new, old));
    if before != after {
        changes.push(Change {
            how: How::Changed,
            section: section.to_owned(),
            name: None,
            keys: vec![KeyChange {
                key: "order".to_owned(),
                before: Some(before.join(", ")),
                after: Some(after.join(", ")),
                at_once: is_at_once(section, ""),
            }],
        });
    }
}

fn compare(
    section: &str,
    name: Option<&String>,
    old: Option<&Keys>,
    new: Option<&Keys>,
    changes: &mut Vec<Change>,
) {
    let how = match (old, new) {
        (None, None) => return,
        (None, Some(_)) => How::Added,
        (Some(_), None) => How::Removed,
        (Some(old), Some(new)) if old == new => return,
        (Some(_), Some(_)) => How::Changed,
    };
    let nothing = Keys::new();
    let (old, new) = (old.unwrap_or(&nothing), new.unwrap_or(&nothing));
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = all.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let keys = differ.map(|key| KeyChange {
        before: old.get(key).map(|value| shown(key, value)),
        after: new.get(key).map(|value| shown(key, value)),
        at_once: is_at_once(section, key),
        key: key.clone(),
    });
    changes.push(Change {
        how,
        section: section.to_owned(),
        name: name.cloned(),
        keys: keys.collect(),
    });
}

/// A value as it is written, unless it is a secret.
fn shown(key: &str, value: &Value) -> String {
    let mut path = key.split('.');
    let last = path.next_back().unwrap_or_default();
    if SECRET_KEYS.contains(&last) || path.any(|step| step == "headers") {
        return "(secret)".to_owned();
    }
    let text = value.to_string();
    match text.split_once("://").and_then(|(_, rest)| rest.split_once('@')) {
        Some((user, _)) if user.contains(':') && !user.contains('/') => "(secret)".to_owned(),
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn texts(text: &str) -> Texts {
        Texts::of_text(PathBuf::from("callpost.toml"), text.to_owned())
    }

    fn told(before: &Texts, after: &Texts) -> Vec<String> {
        before.changes_to(after).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_change_reads_as_one_would_tell_it() {
        let before = texts(
            "[site]\nname = \"a\"\n[http]\nlisten = \"127.0.0.1:8080\"\n[[agent]]\nid = \"ali\"\npassword = \"one\"\n\
             [[agent]]\nid = \"omar\"\n[[trunk]]\nname = \"pbx\"\nhost = \"10.0.0.1\"\n",
        );
        let after = texts(
            "# new\n[site]\nname = \"b\"\nmax_calls = 10\n[http]\nlisten = \"0.0.0.0:8080\"\n\
             [[agent]]\nid = \"ali\"\npassword = \"two\"\n[[agent]]\nid = \"mona\"\nskills = { arabic = 5 }\n",
        );
        assert_eq!(
            told(&before, &after),
            [
                "agent ali changes: password (secret) → (secret)",
                "agent mona is added",
                "agent omar is removed",
                "[http] changes: listen \"127.0.0.1:8080\" → \"0.0.0.0:8080\" (counts after the next start)",
                "[site] changes: max_calls = 10; name \"a\" → \"b\"",
                "trunk pbx is removed",
            ]
        );
        assert_eq!(
            told(&before, &before.with_text(format!("# more\n{}", before.text()))),
            [""; 0]
        );
    }

    #[test]
    fn an_order_that_counts_is_told() {
        let one = "[[number]]\nmatch = \"1*\"\ngroup = \"a\"\n";
        let two = "[[number]]\nmatch = \"12*\"\ngroup = \"b\"\n";
        let turned = told(&texts(&format!("{one}{two}")), &texts(&format!("{two}{one}")));
        assert_eq!(turned, ["[number] changes: order 1*, 12* → 12*, 1*"]);
    }

    #[test]
    fn flows_are_told_by_step_and_key() {
        let before = texts("");
        let main = before.flows()["main.toml"]
            .replace("timeout_seconds = 5\ntries = 3", "timeout_seconds = 9\ntries = 3");
        let after = before.with_flow("main.toml", Some(main)).with_flow(
            "night.toml",
            Some("start = \"a\"\n[step.a]\nverb = \"hangup\"\n".to_owned()),
        );
        assert_eq!(
            told(&before, &after),
            [
                "flow main changes: step.menu.timeout_seconds 5 → 9",
                "flow night is added"
            ]
        );
        assert!(after.changes_to(&before).iter().all(Change::is_at_once));
    }

    #[test]
    fn a_password_in_an_address_is_not_told() {
        let with = |password: &str| {
            texts(&format!(
                "[[upstream]]\nname = \"db\"\nurl = \"postgres://cdr:{password}@db/cdrs\"\nheaders = {{ A = \"{password}\" }}\n"
            ))
        };
        let all = told(&with("one"), &with("two")).join("\n");
        assert!(!all.contains("one") && !all.contains("two"), "{all}");
        assert!(all.contains("url (secret) → (secret)"), "{all}");
    }
}
