use super::template::Template;
use crate::egress::{Trust, read_url};
use crate::keeping::StorageRule;
use crate::model::Secret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[[storage]]`: a place that a copy of every recording goes to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Its name: in the status, in the log, and in the database, where what waits for it waits.
    pub name: String,
    /// What kind of place it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether copies are sent. What waits for a disabled place keeps waiting.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// `s3`, `gcs`, `azure`: the bucket or container.
    #[serde(default)]
    pub bucket: String,
    /// `s3`: the region, `us-east-1` when not given.
    #[serde(default)]
    pub region: Option<String>,
    /// `webdav`: the folder's address. The clouds: another service of the same kind, `https://minio.example:9000`.
    #[serde(default)]
    pub url: Option<String>,
    /// `local`: the directory, such as where a disk of the office is mounted. It has to be there.
    #[serde(default)]
    pub dir: Option<PathBuf>,
    /// `s3`: the access key's id. `azure`: the account. `webdav`: the user.
    #[serde(default)]
    pub user: Option<String>,
    /// `s3`: the secret access key. `azure`: the account's key.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// `webdav`: the password of `user`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// `gcs`: the service account's key file, as JSON.
    #[serde(default)]
    pub credentials: Option<Secret>,
    /// `gcs`, `webdav`: sent as `Authorization: Bearer …`. `azure`: a shared access signature. `s3`: the session's token.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Where in the bucket each copy lies.
    #[serde(default = "usual_path")]
    pub path: String,
    /// What stands before that path in the record's `recording.url`; the place's own address when absent.
    #[serde(default)]
    pub link: Option<String>,
    /// Whether a recording stays here until this place has it.
    #[serde(default = "yes")]
    pub required: bool,
    /// Whether messages of voicemail boxes go there too.
    #[serde(default = "yes")]
    pub voicemail: bool,
    /// Days that a file stays here once this place has it, 0 to go at once; as long as the other rules say when absent.
    #[serde(default)]
    pub keep_local_days: Option<u32>,
    /// The most that is sent in a second, so that calls keep the line to themselves.
    #[serde(default = "usual_rate")]
    pub kilobytes_per_second: u32,
    /// An alarm is raised when the oldest recording has waited longer.
    #[serde(default = "usual_patience")]
    pub alarm_after_hours: u32,
    /// Certificates of the authorities to believe, in PEM; the system's when not given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// `first_use` keeps to the key seen first, `sha256/…` names the key.
    #[serde(default)]
    pub tls_pin: Option<String>,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Amazon S3, or what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A folder of a WebDAV server (RFC 4918).
    Webdav,
    /// A directory of this machine.
    Local,
}

fn yes() -> bool {
    true
}

fn usual_path() -> String {
    "{site}/{yyyy}/{mm}/{dd}/{recording_id}.{ext}".to_owned()
}

/// Two megabits a second: the sending side of a small office keeps room for twenty calls.
fn usual_rate() -> u32 {
    250
}

fn usual_patience() -> u32 {
    24
}

/// A mistake in a section: the key, the problem, the cure.
type SectionMistake = (&'static str, String, String);

impl Storage {
    /// What is wrong with this section.
    pub fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        let mut tell = |key, problem: &str, cure: &str| {
            found.push((key, problem.to_owned(), cure.to_owned()));
        };
        if !cfg!(feature = "objects") && self.is_cloud() {
            tell(
                "type",
                "this build has no cloud storage",
                "take a build with every destination, or another type",
            );
        }
        if self.is_cloud() && self.bucket.is_empty() {
            tell(
                "bucket",
                "is missing",
                "name the bucket or container that the copies go to",
            );
        }
        let blank = |text: &Option<Secret>| text.as_ref().is_none_or(|text| text.expose().is_empty());
        match self.kind {
            Kind::S3 => {
                if self.user.is_none() {
                    tell("user", "is missing", "write the id of the access key");
                }
                if blank(&self.secret) {
                    tell(
                        "secret",
                        "is missing",
                        "write secret_file = \"…\" with the secret access key in that file",
                    );
                }
            }
            Kind::Azure => {
                if self.user.is_none() {
                    tell("user", "is missing", "write the name of the storage account");
                }
                if blank(&self.secret) && blank(&self.token) {
                    tell(
                        "secret",
                        "is missing",
                        "write secret_file = \"…\" with the account's key, or token_file",
                    );
                }
            }
            Kind::Gcs => {
                if blank(&self.credentials) && blank(&self.token) {
                    let cure = "write credentials_file = \"…\", the JSON file of a service account";
                    tell("credentials", "is missing", cure);
                }
            }
            Kind::Webdav => {
                if self.url.is_none() {
                    tell(
                        "url",
                        "is missing",
                        "write the folder, such as https://nas.example/recordings",
                    );
                }
            }
            Kind::Local => {
                if self.dir.as_ref().is_none_or(|dir| !dir.is_absolute()) {
                    tell(
                        "dir",
                        "is no absolute path",
                        "write such as dir = \"/mnt/office/recordings\"",
                    );
                }
            }
        }
        if let Some(Err(problem)) = self.url.as_deref().map(|url| read_url(url, &["https", "http"])) {
            tell("url", &problem, "write it such as https://nas.example/recordings");
        }
        if let Err(problem) = Template::parse(&self.path) {
            tell(
                "path",
                &problem,
                "write such as {site}/{yyyy}/{mm}/{dd}/{recording_id}.{ext}",
            );
        }
        if let Some((key, problem)) = Trust::mistakes(self.tls_pin.as_deref()) {
            tell(
                key,
                &problem,
                "write first_use, or the fingerprint that the status shows",
            );
        }
        for (key, value, cure) in [
            (
                "kilobytes_per_second",
                self.kilobytes_per_second,
                "use 1 or more; 250 is usual",
            ),
            (
                "alarm_after_hours",
                self.alarm_after_hours,
                "use 1 or more; 24 is usual",
            ),
        ] {
            if value == 0 {
                tell(key, "is 0", cure);
            }
        }
        found
    }

    /// Whether it is one of the clouds.
    pub(super) fn is_cloud(&self) -> bool {
        match self.kind {
            Kind::S3 | Kind::Gcs | Kind::Azure => true,
            Kind::Webdav | Kind::Local => false,
        }
    }

    /// What retention has to know of it.
    pub fn rule(&self) -> StorageRule {
        StorageRule {
            name: self.name.clone(),
            is_required: self.required,
            takes_voicemail: self.voicemail,
            keep_local_days: self.keep_local_days,
        }
    }

    /// Where a copy under this key is found, for the call's record.
    pub(super) fn address_of(&self, key: &str) -> String {
        if let Some(link) = &self.link {
            return format!("{link}{key}");
        }
        let url = self.url.as_deref().map(|url| url.trim_end_matches('/'));
        let bucket = &self.bucket;
        match (self.kind, url) {
            (Kind::S3, _) => format!("s3://{bucket}/{key}"),
            (Kind::Gcs, _) => format!("gs://{bucket}/{key}"),
            (Kind::Azure, Some(url)) => format!("{url}/{bucket}/{key}"),
            (Kind::Azure, None) => {
                let account = self.user.as_deref().unwrap_or_default();
                format!("https://{account}.blob.core.windows.net/{bucket}/{key}")
            }
            (Kind::Webdav, url) => format!("{}/{key}", url.unwrap_or_default()),
            (Kind::Local, _) => {
                let dir = self
                    .dir
                    .as_ref()
                    .map(|dir| dir.display().to_string())
                    .unwrap_or_default();
                format!("file://{}/{key}", dir.trim_end_matches('/'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let storage: Storage = toml::from_str(text).unwrap();
        storage.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    /// S3-094, S3-095, S3-096, S3-097
    #[test]
    fn each_kind_says_what_it_needs() {
        assert_eq!(keys("name='a'\ntype='s3'"), ["bucket", "user", "secret"]);
        assert!(keys("name='a'\ntype='s3'\nbucket='b'\nuser='k'\nsecret='s'").is_empty());
        assert_eq!(keys("name='a'\ntype='gcs'\nbucket='b'"), ["credentials"]);
        assert_eq!(keys("name='a'\ntype='azure'\nbucket='b'"), ["user", "secret"]);
        assert_eq!(keys("name='a'\ntype='webdav'"), ["url"]);
        assert_eq!(keys("name='a'\ntype='webdav'\nurl='ftp://x.example'"), ["url"]);
        assert_eq!(keys("name='a'\ntype='local'\ndir='mnt'"), ["dir"]);
        assert_eq!(
            keys("name='a'\ntype='local'\ndir='/mnt'\nkilobytes_per_second=0\npath='x'"),
            ["path", "kilobytes_per_second"]
        );
        assert!(toml::from_str::<Storage>("name='a'\ntype='tape'").is_err());
        assert!(toml::from_str::<Storage>("name='a'\ntype='local'\nno_such_key=1").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let storage: Storage = toml::from_str("name='a'\ntype='s3'\nsecret='hush'\ntoken='hush'").unwrap();
        assert!(!format!("{storage:?}").contains("hush"));
    }

    #[test]
    fn a_record_says_where_the_copy_lies() {
        let address = |text: &str| toml::from_str::<Storage>(text).unwrap().address_of("k.wav");
        assert_eq!(address("name='a'\ntype='s3'\nbucket='b'"), "s3://b/k.wav");
        assert_eq!(
            address("name='a'\ntype='azure'\nbucket='b'\nuser='acc'"),
            "https://acc.blob.core.windows.net/b/k.wav"
        );
        assert_eq!(
            address("name='a'\ntype='local'\ndir='/mnt/'"),
            "file:///mnt/k.wav"
        );
        assert_eq!(
            address("name='a'\ntype='s3'\nbucket='b'\nlink='https://rec.example/'"),
            "https://rec.example/k.wav"
        );
    }
}
