//! Files that a configuration names: secrets and certificates lie beside it or anywhere.

use super::source::Source;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Keys that name a file to be read, beside those that end in `_file`.
const NAMING: [&str; 5] = [
    "tls_certificate",
    "tls_key",
    "tls_client_ca",
    "certificate",
    "key",
];

/// Every file that this text names, where it is found: as an absolute path, among the credentials, beside the
/// configuration, or from here. One that is nowhere is told where it should be.
pub(super) fn named_files(
    source: &Source,
    credentials: Option<&Path>,
    beside: Option<&Path>,
) -> Vec<PathBuf> {
    let mut names = Vec::new();
    if let Ok(root) = source.parse() {
        walk(&root, &mut names);
    }
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| find(&name, credentials, beside))
        .collect()
}

fn walk(table: &DeTable<'_>, names: &mut Vec<PathBuf>) {
    for (key, value) in table {
        of_value(key.get_ref(), value.get_ref(), names);
    }
}

fn of_value(key: &str, value: &DeValue<'_>, names: &mut Vec<PathBuf>) {
    if let DeValue::String(text) = value {
        if key.ends_with("_file") || NAMING.contains(&key) {
            names.push(PathBuf::from(text.as_ref()));
        }
    } else if let DeValue::Table(table) = value {
        walk(table, names);
    } else if let DeValue::Array(items) = value {
        items.iter().for_each(|item| of_value("", item.get_ref(), names));
    }
}

fn find(name: &Path, credentials: Option<&Path>, beside: Option<&Path>) -> PathBuf {
    if name.is_absolute() {
        return name.to_owned();
    }
    let places = [credentials, beside, Some(Path::new(""))];
    let mut found = places.into_iter().flatten().map(|place| place.join(name));
    let usual = beside.unwrap_or(Path::new("")).join(name);
    found.find(|path| path.exists()).unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_secrets_and_certificates_are_found_wherever_they_are_named() {
        let text = "[sip]\ntls_key='/etc/ssl/k.pem'\ntls_others=[{certificate='a.pem', key='b.pem'}]\n\
                    [[trunk]]\nname='x'\npassword_file='trunk.pw'\nca_file='/etc/ssl/ca.pem'\n[mail]\nusername='not-a-file'\n";
        let source = Source::file(PathBuf::from("callpost.toml"), text.to_owned());
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("trunk.pw"), "x").unwrap();
        let found = named_files(&source, None, Some(dir.path()));
        let wanted = ["/etc/ssl/ca.pem", "/etc/ssl/k.pem", "a.pem", "b.pem", "trunk.pw"];
        assert_eq!(found, wanted.map(|name| dir.path().join(name)));
    }
}
