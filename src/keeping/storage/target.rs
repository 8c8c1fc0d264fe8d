use super::cloud::Cloud;
use super::file::Source;
use super::local::Local;
use super::pace::Pace;
use super::webdav::Webdav;
use super::{Kind, Storage};
use crate::egress::Egress;
use crate::store::UploadPart;
use bytes::Bytes;
use std::sync::Arc;

/// A place, ready to be sent to.
#[derive(Debug)]
pub(in crate::keeping) enum Target {
    /// S3, Google or Azure.
    Cloud(Box<Cloud>),
    /// A folder of a WebDAV server.
    Webdav(Box<Webdav>),
    /// A directory of this machine.
    Local(Local),
}

/// Why it did not go well, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::keeping) struct Trouble(pub(in crate::keeping) String);

/// Whether what lies under a key is the same as the file here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Same {
    /// To the last byte.
    Yes,
    /// It is something else; what tells.
    No(String),
    /// Nothing lies there.
    Nothing,
}

/// How far a large one has come, kept so that it goes on from there.
pub(super) trait Progress: Send {
    /// The number it was begun under and the parts that have arrived, of this very file.
    fn begun(&self) -> Option<(String, Vec<UploadPart>)>;

    /// It is begun under this number.
    ///
    /// # Errors
    /// When that cannot be written down; nothing is sent then.
    fn begin(&mut self, number: &str) -> Result<(), Trouble>;

    /// So many parts have arrived.
    ///
    /// # Errors
    /// When that cannot be written down.
    fn arrived(&mut self, parts: &[UploadPart]) -> Result<(), Trouble>;

    /// The place knows nothing of them any more.
    ///
    /// # Errors
    /// When that cannot be written down.
    fn forget(&mut self) -> Result<(), Trouble>;
}

impl Target {
    /// Gets ready for the place of a section. Reads `ca_file`.
    pub(in crate::keeping) fn open(storage: &Storage, egress: &Egress) -> Result<Self, Trouble> {
        let pace = Arc::new(Pace::new(storage.kilobytes_per_second));
        Ok(match storage.kind {
            Kind::S3 | Kind::Gcs | Kind::Azure => Self::Cloud(Box::new(Cloud::open(storage, egress, pace)?)),
            Kind::Webdav => Self::Webdav(Box::new(Webdav::open(storage, egress, pace)?)),
            Kind::Local => Self::Local(Local::open(storage, pace)),
        })
    }

    /// Sends a file under this key, over whatever lies there.
    pub(super) async fn send(
        &self,
        key: &str,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<(), Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.send(key, source, progress).await,
            Self::Webdav(webdav) => webdav.send(key, source).await,
            Self::Local(local) => local.send(key, source).await,
        }
    }

    /// Looks whether what lies there is this file.
    pub(super) async fn compare(&self, key: &str, source: &Source) -> Result<Same, Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.compare(key, source).await,
            Self::Webdav(webdav) => webdav.compare(key, source).await,
            Self::Local(local) => local.compare(key, source).await,
        }
    }

    /// Takes away what lies there; nothing there is well too.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.delete(key).await,
            Self::Webdav(webdav) => webdav.delete(key).await,
            Self::Local(local) => local.delete(key),
        }
    }

    /// Writes a few bytes, for a test of what may be done here.
    pub(super) async fn put_small(&self, key: &str, bytes: &[u8]) -> Result<(), Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.put_small(key, bytes).await,
            Self::Webdav(webdav) => webdav.put_small(key, bytes).await,
            Self::Local(local) => local.put_small(key, bytes),
        }
    }

    /// Reads so many bytes of a copy from there on.
    pub(super) async fn read_at(&self, key: &str, at: u64, count: u64) -> Result<Bytes, Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.read_at(key, at, count).await,
            Self::Webdav(webdav) => webdav.read_at(key, at, count).await,
            Self::Local(local) => local.read_at(key, at, count),
        }
    }

    /// Reads them.
    pub(super) async fn read_small(&self, key: &str) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::Cloud(cloud) => cloud.read_small(key).await,
            Self::Webdav(webdav) => webdav.read_small(key).await,
            Self::Local(local) => local.read_small(key),
        }
    }
}

/// A length that differs, in words.
pub(super) fn other_length(there: u64, here: u64) -> Same {
    Same::No(format!("{there} bytes lie there in place of {here}"))
}

/// A hash that differs, in words.
pub(super) fn other_bytes() -> Same {
    Same::No("as many bytes lie there, but not the same".to_owned())
}
