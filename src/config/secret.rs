use super::source::Source;
use super::{Mistake, Place};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that hold a secret. Each may be written as `<key>_file` instead, so that the secret stays out of the
/// configuration.
pub(super) const SECRET_KEYS: &[&str] = &[
    "password",
    "secret",
    "previous_secret",
    "api_key",
    "token",
    "bearer_token",
    "nkey",
    "credentials",
    "seal_key",
    "pin",
];

/// Where files with secrets are looked for when their path is not absolute: the credentials systemd hands to the
/// service, then the folder of the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct SecretPlaces {
    pub(super) credentials: Option<PathBuf>,
    pub(super) beside: Option<PathBuf>,
}

impl SecretPlaces {
    /// Puts the content of each `<key>_file` of a table in the place of `<key>`.
    pub(super) fn bring_in(&self, source: &Source, label: &str, table: &mut DeTable<'_>) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for &key in SECRET_KEYS {
            let file_key = format!("{key}_file");
            let Some(file) = table.remove(file_key.as_str()) else {
                continue;
            };
            let place = source.place(&file.span());
            match self.read(table, key, &file) {
                Ok(secret) => {
                    let span = file.span();
                    let value = Spanned::new(span.clone(), DeValue::String(secret.into()));
                    table.insert(Spanned::new(span, key.into()), value);
                }
                Err((problem, cure)) => {
                    mistakes.push(mistake(place, format!("{label}.{file_key}"), problem, cure));
                    // What is missing has been told; the table need not complain again.
                    let span = file.span();
                    let nothing = Spanned::new(span.clone(), DeValue::String("".into()));
                    table.entry(Spanned::new(span, key.into())).or_insert(nothing);
                }
            }
        }
        mistakes
    }

    fn read(
        &self,
        table: &DeTable<'_>,
        key: &str,
        file: &Spanned<DeValue<'_>>,
    ) -> Result<String, (String, String)> {
        let Some(path) = file.get_ref().as_str() else {
            return Err(("is no path".to_owned(), "write it in \"quotes\"".to_owned()));
        };
        if table.contains_key(key) {
            return Err((format!("stands beside `{key}`"), "keep one of the two".to_owned()));
        }
        let path = self.find(Path::new(path));
        let cure = || format!("put the {key} into {}", path.display());
        let text = std::fs::read_to_string(&path)
            .map_err(|error| (format!("{} cannot be read: {error}", path.display()), cure()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err((format!("{} is empty", path.display()), cure()));
        }
        Ok(secret.to_owned())
    }

    fn find(&self, path: &Path) -> PathBuf {
        if path.is_absolute() {
            return path.to_owned();
        }
        let credential = self.credentials.as_ref().map(|folder| folder.join(path));
        match (credential, &self.beside) {
            (Some(credential), _) if credential.exists() => credential,
            (_, Some(folder)) => folder.join(path),
            (_, None) => path.to_owned(),
        }
    }
}

fn mistake(place: Place, key: String, problem: String, cure: String) -> Mistake {
    Mistake {
        place,
        key,
        problem,
        cure,
    }
}
