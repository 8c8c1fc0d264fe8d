use crate::model::Stamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What stands at the beginning of a backup: where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The form of what follows; a reader that does not know it stops.
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// `[site] name`.
    pub site: String,
    /// When it was made.
    pub made_at: Stamp,
    /// Where the configuration lay.
    pub config_dir: PathBuf,
    /// Where the data lay.
    pub data_dir: PathBuf,
    /// Whether recordings are in it.
    pub recordings: bool,
    /// Settings that came from environment variables and are therefore not in it: their names.
    pub left_out: Vec<String>,
}

/// The form that is written.
pub(super) const FORMAT: u32 = 1;

/// One file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it belongs.
    pub kind: Kind,
    /// Below that place, with `/` between; the whole path for [`Kind::Elsewhere`].
    pub path: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// Who may read and write it, as chmod(1) writes it in octal digits.
    pub mode: u32,
}

/// Where a file belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The database.
    Database,
    /// Below the data directory.
    Data,
    /// Below the directory of recordings.
    Recording,
    /// Below the directory of the configuration.
    Config,
    /// Named by the configuration, at the place it names: a file with a secret, a certificate.
    Elsewhere,
}

/// What stands at the end of a backup: every file once more, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// In their order.
    pub files: Vec<Proven>,
}

/// A file and its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// As at its beginning.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}
