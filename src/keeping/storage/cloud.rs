//! S3, Google Cloud Storage and Azure, by `object_store`.

use super::careful::Careful;
use super::file::{PART_BYTES, Source, hex};
use super::pace::Pace;
use super::target::{Progress, Same, Trouble, other_bytes, other_length};
use super::{Kind, Storage};
use crate::egress::{Egress, Trust};
use crate::model::Secret;
use crate::store::UploadPart;
use futures_util::StreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;

/// A bucket or container.
pub(in crate::keeping) struct Cloud {
    objects: Arc<dyn ObjectStore>,
    parts: Arc<dyn MultipartStore>,
    /// Whether it names what it has by the MD5, so that nothing has to be read back.
    names_by_md5: bool,
    pace: Arc<Pace>,
}

impl Cloud {
    pub(super) fn open(storage: &Storage, egress: &Egress, pace: Arc<Pace>) -> Result<Self, Trouble> {
        let owner = format!("storage/{}", storage.name);
        let trust = Trust::from_keys(storage.ca_file.as_deref(), storage.tls_pin.as_deref(), &owner)
            .map_err(|(key, problem)| Trouble(format!("{key}: {problem}")))?;
        let careful = Careful::new(egress.clone(), trust, Arc::clone(&pace), PART_BYTES);
        let is_plain = storage.url.as_deref().is_some_and(|url| url.starts_with("http:"));
        let options = ClientOptions::new().with_allow_http(is_plain);
        // What waits is tried again by us, who can say so.
        let retry = RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        };
        let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        let user = storage.user.clone().unwrap_or_default();
        match storage.kind {
            Kind::S3 => {
                let mut s3 = AmazonS3Builder::new()
                    .with_bucket_name(&storage.bucket)
                    .with_region(storage.region.as_deref().unwrap_or("us-east-1"))
                    .with_access_key_id(user)
                    .with_secret_access_key(secret(&storage.secret).unwrap_or_default())
                    .with_client_options(options)
                    .with_allow_http(is_plain)
                    .with_retry(retry)
                    .with_http_connector(careful);
                if let Some(url) = &storage.url {
                    s3 = s3.with_endpoint(url);
                }
                if let Some(token) = secret(&storage.token) {
                    s3 = s3.with_token(token);
                }
                Self::of(Arc::new(s3.build().map_err(wrong)?), true, pace)
            }
            Kind::Azure => {
                let mut azure = MicrosoftAzureBuilder::new()
                    .with_account(user)
                    .with_container_name(&storage.bucket)
                    .with_client_options(options)
                    .with_allow_http(is_plain)
                    .with_retry(retry)
                    .with_http_connector(careful);
                if let Some(url) = &storage.url {
                    azure = azure.with_endpoint(url.clone());
                }
                if let Some(key) = secret(&storage.secret) {
                    azure = azure.with_access_key(key);
                }
                if let Some(token) = secret(&storage.token) {
                    azure = azure.with_config(object_store::azure::AzureConfigKey::SasKey, token);
                }
                Self::of(Arc::new(azure.build().map_err(wrong)?), false, pace)
            }
            Kind::Gcs => {
                let mut gcs = GoogleCloudStorageBuilder::new()
                    .with_bucket_name(&storage.bucket)
                    .with_client_options(options)
                    .with_retry(retry)
                    .with_http_connector(careful);
                if let Some(url) = &storage.url {
                    gcs = gcs.with_base_url(url.trim_end_matches('/'));
                }
                if let Some(key) = secret(&storage.credentials) {
                    gcs = gcs.with_service_account_key(key);
                }
                if let Some(token) = secret(&storage.token) {
                    gcs = gcs.with_bearer_token(token);
                }
                Self::of(Arc::new(gcs.build().map_err(wrong)?), false, pace)
            }
            Kind::Webdav | Kind::Local => Err(Trouble("this is no cloud".to_owned())),
        }
    }

    fn of<T: ObjectStore + MultipartStore>(
        store: Arc<T>,
        names_by_md5: bool,
        pace: Arc<Pace>,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            objects: Arc::clone(&store) as Arc<dyn ObjectStore>,
            parts: store,
            names_by_md5,
            pace,
        })
    }

    pub(super) async fn send(
        &self,
        key: &str,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<(), Trouble> {
        if source.is_large() {
            return self.send_in_parts(&path(key)?, source, progress).await;
        }
        let bytes = source.read(0, source.bytes).map_err(unreadable)?;
        self.objects.put(&path(key)?, bytes.into()).await.map_err(wrong)?;
        Ok(())
    }

    /// A large one goes in parts; those that have arrived, also in an earlier run, are not sent again.
    async fn send_in_parts(
        &self,
        path: &Path,
        source: &Source,
        progress: &mut dyn Progress,
    ) -> Result<(), Trouble> {
        let begun = progress.begun();
        let is_resumed = begun.is_some();
        let (number, mut sent) = match begun {
            Some(begun) => begun,
            None => {
                let number = self.parts.create_multipart(path).await.map_err(wrong)?;
                progress.begin(&number)?;
                (number, Vec::new())
            }
        };
        let outcome = self.go_on(path, source, progress, &number, &mut sent).await;
        if let (Err(trouble), true) = (&outcome, is_resumed) {
            // A place forgets what was begun long ago. Whatever the reason is, the next try begins anew.
            tracing::debug!(%trouble, "An upload that was begun earlier could not be ended; it begins anew.");
            progress.forget()?;
        }
        outcome
    }

    async fn go_on(
        &self,
        path: &Path,
        source: &Source,
        progress: &mut dyn Progress,
        number: &String,
        sent: &mut Vec<UploadPart>,
    ) -> Result<(), Trouble> {
        let mut at: u64 = sent.iter().map(|part| part.bytes).sum();
        while at < source.bytes {
            let bytes = source.read(at, PART_BYTES).map_err(unreadable)?;
            let length = bytes.len() as u64;
            let part = self
                .parts
                .put_part(path, number, sent.len(), PutPayload::from(bytes))
                .await
                .map_err(wrong)?;
            sent.push(UploadPart {
                id: part.content_id,
                bytes: length,
            });
            progress.arrived(sent)?;
            at += length;
        }
        let parts = sent.iter().map(|part| PartId {
            content_id: part.id.clone(),
        });
        self.parts
            .complete_multipart(path, number, parts.collect())
            .await
            .map_err(wrong)?;
        Ok(())
    }

    pub(super) async fn compare(&self, key: &str, source: &Source) -> Result<Same, Trouble> {
        let path = path(key)?;
        let there = match self.objects.head(&path).await {
            Ok(there) => there,
            Err(Error::NotFound { .. }) => return Ok(Same::Nothing),
            Err(error) => return Err(wrong(error)),
        };
        if there.size != source.bytes {
            return Ok(other_length(there.size, source.bytes));
        }
        let tag = there.e_tag.as_deref().map(|tag| tag.trim_matches('"'));
        if self.names_by_md5 && tag == Some(source.etag.as_str()) {
            return Ok(Same::Yes);
        }
        // One that is sealed by the place has another name; what lies there decides.
        let mut hash = Sha256::new();
        let mut at = 0;
        // In parts as it was sent, so that no request lasts longer than its patience.
        while at < source.bytes {
            let end = source.bytes.min(at + PART_BYTES);
            let options = GetOptions {
                range: Some((at..end).into()),
                ..GetOptions::default()
            };
            let found = self.objects.get_opts(&path, options).await.map_err(wrong)?;
            let mut stream = found.into_stream();
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(wrong)?;
                self.pace.wait(piece.len()).await;
                hash.update(&piece);
            }
            at = end;
        }
        let is_same = hex(&hash.finalize()) == source.sha256;
        Ok(if is_same { Same::Yes } else { other_bytes() })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Trouble> {
        match self.objects.delete(&path(key)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(wrong(error)),
        }
    }

    pub(super) async fn put_small(&self, key: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let payload = PutPayload::from(bytes.to_vec());
        self.objects.put(&path(key)?, payload).await.map_err(wrong)?;
        Ok(())
    }

    pub(super) async fn read_at(&self, key: &str, at: u64, count: u64) -> Result<bytes::Bytes, Trouble> {
        let span = at..at.saturating_add(count);
        self.objects.get_range(&path(key)?, span).await.map_err(wrong)
    }

    pub(super) async fn read_small(&self, key: &str) -> Result<Vec<u8>, Trouble> {
        let found = self.objects.get(&path(key)?).await.map_err(wrong)?;
        Ok(found.bytes().await.map_err(wrong)?.to_vec())
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Cloud")
    }
}

fn path(key: &str) -> Result<Path, Trouble> {
    Path::parse(key).map_err(|error| Trouble(format!("{key} is no key: {error}")))
}

fn unreadable(error: std::io::Error) -> Trouble {
    Trouble(format!("the file here cannot be read: {error}"))
}

/// Longest reason that is kept; some services answer with a page.
const LONGEST: usize = 300;

/// What a place said, in the words of its innermost cause; the address, which may hold a signature, is left out.
fn wrong(error: Error) -> Trouble {
    let head = if matches!(error, Error::NotFound { .. }) {
        "not found: "
    } else if matches!(error, Error::PermissionDenied { .. }) {
        "permission denied: "
    } else if matches!(error, Error::Unauthenticated { .. }) {
        "the credentials are refused: "
    } else {
        ""
    };
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    let mut plain: String = words
        .chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect();
    if let Some((end, _)) = plain.char_indices().nth(LONGEST) {
        plain.truncate(end);
    }
    Trouble(format!("{head}{plain}"))
}
