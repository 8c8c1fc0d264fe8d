use super::signature::Key;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// `[[upstream]]`: a destination that every call record is forwarded to.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its name: in the status, in the log, and in the database, where the records it has not acknowledged
    /// wait.
    pub name: String,
    /// What kind of destination it is: `webhook` or `file`.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Where a webhook is posted to: an `https://` or `http://` URL.
    #[serde(default)]
    pub url: Option<String>,
    /// What a webhook is signed with: `whsec_` and 24 to 64 bytes in base64. Without it nothing is signed.
    #[serde(default)]
    pub secret: Option<String>,
    /// The secret before a change: both sign until the receiver has changed as well.
    #[serde(default)]
    pub previous_secret: Option<String>,
    /// The file that records are appended to, one JSON object a line.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Whether records are queued and sent. What waits for a disabled destination keeps waiting.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

/// What kind of destination it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An HTTP POST for each record, signed as Standard Webhooks has it.
    Webhook,
    /// A line of a local file for each record.
    File,
}

impl Config {
    /// What is wrong with this section: the key, the problem, the cure.
    pub fn mistakes(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut add = |key, problem: String, cure: &str| found.push((key, problem, cure.to_owned()));
        match self.kind {
            Kind::Webhook => {
                if let Err(problem) = self.checked_url() {
                    add(
                        "url",
                        problem,
                        "write where to post, such as https://head-office.example/cdrs",
                    );
                }
                let secrets = [
                    ("secret", &self.secret),
                    ("previous_secret", &self.previous_secret),
                ];
                for (key, secret) in secrets {
                    if secret
                        .as_deref()
                        .is_some_and(|secret| Key::parse(secret).is_none())
                    {
                        let cure = "write whsec_ and the output of `openssl rand -base64 32`";
                        add(
                            key,
                            "is not `whsec_` with 24 to 64 bytes in base64".to_owned(),
                            cure,
                        );
                    }
                }
            }
            Kind::File => {
                if self.path.as_ref().is_none_or(|path| path.as_os_str().is_empty()) {
                    add(
                        "path",
                        "is missing".to_owned(),
                        "write the file to append to, such as cdrs.jsonl",
                    );
                }
            }
        }
        found
    }

    /// The URL, when it is one we can post to.
    pub(super) fn checked_url(&self) -> Result<reqwest::Url, String> {
        let Some(url) = &self.url else {
            return Err("is missing".to_owned());
        };
        let url: reqwest::Url = url.parse().map_err(|error| format!("is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "has the scheme `{}`, and a webhook is posted by http or https",
                url.scheme()
            ));
        }
        if url.password().is_some() {
            return Err("holds a password, and URLs are logged".to_owned());
        }
        Ok(url)
    }

    /// The signing keys, the current one first.
    pub(super) fn keys(&self) -> Result<Vec<Key>, String> {
        let secrets = [&self.secret, &self.previous_secret].into_iter().flatten();
        secrets
            .map(|secret| Key::parse(secret).ok_or_else(|| "the secret is malformed".to_owned()))
            .collect()
    }
}

/// Everything but the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Config")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("url", &self.url)
            .field("signed", &self.secret.is_some())
            .field("path", &self.path)
            .field("enabled", &self.enabled)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let config: Config = toml::from_str(text).unwrap();
        config.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn each_mistake_names_its_key() {
        let good = "name='a'\ntype='webhook'\nurl='https://example.com/cdrs'\nsecret='whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'";
        assert!(keys(good).is_empty());
        assert_eq!(
            keys("name='a'\ntype='webhook'\nsecret='hunter2'"),
            ["url", "secret"]
        );
        assert_eq!(keys("name='a'\ntype='webhook'\nurl='ftp://example.com'"), ["url"]);
        assert_eq!(
            keys("name='a'\ntype='webhook'\nurl='https://sam:pw@example.com'"),
            ["url"]
        );
        assert_eq!(keys("name='a'\ntype='file'"), ["path"]);
        assert!(toml::from_str::<Config>("name='a'\ntype='pigeon'").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let config: Config = toml::from_str("name='a'\ntype='webhook'\nsecret='whsec_hush'").unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
