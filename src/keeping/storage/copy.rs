use super::Storage;
use super::file::Source;
use super::target::{Progress, Same, Target, Trouble};
use super::template::Template;
use crate::recording::Roots;
use crate::store::{UploadJob, UploadPart, Uploads};
use std::io;

/// What became of a copy.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It lies there and is the same.
    Verified {
        /// Under which key.
        key: String,
        /// Its size.
        bytes: u64,
        /// Its SHA-256.
        sha256: String,
    },
    /// Later, perhaps.
    TryAgain(Trouble),
    /// The file here is at fault; trying again helps nobody.
    Fault(String),
}

/// Makes one copy: what lies there already is looked at first, what was sent is looked at after.
pub(super) async fn copy(
    job: &UploadJob,
    storage: &Storage,
    target: &Target,
    uploads: &Uploads,
    (site, roots): (&str, &Roots),
) -> Outcome {
    let source = match Source::open(roots, &job.row) {
        Ok(source) => source,
        Err(error) if is_passing(&error) => {
            return Outcome::TryAgain(Trouble(format!("the file here cannot be read: {error}")));
        }
        Err(error) => return Outcome::Fault(format!("the file here cannot be read: {error}")),
    };
    let is_as_recorded = job.sha256.as_deref().is_none_or(|sha256| sha256 == source.sha256);
    // Of another length it is in another form: sealed, or compressed.
    if !is_as_recorded && job.bytes == Some(source.bytes) {
        return Outcome::Fault("the file here is not what was recorded: its SHA-256 is another".to_owned());
    }
    let key = match Template::parse(&storage.path) {
        Ok(template) => template.key(site, &job.row, &source.ending),
        Err(problem) => return Outcome::Fault(format!("path {problem}")),
    };
    match bring(job, storage, target, uploads, &key, &source).await {
        Ok(()) => Outcome::Verified {
            key,
            bytes: source.bytes,
            sha256: source.sha256,
        },
        Err(trouble) => Outcome::TryAgain(trouble),
    }
}

async fn bring(
    job: &UploadJob,
    storage: &Storage,
    target: &Target,
    uploads: &Uploads,
    key: &str,
    source: &Source,
) -> Result<(), Trouble> {
    let earlier = job.key.as_deref();
    // The last try may have ended just before it could say so.
    if earlier == Some(key) && target.compare(key, source).await? == Same::Yes {
        return Ok(());
    }
    if let Some(other) = earlier.filter(|other| *other != key) {
        // It was compressed or encrypted since: what lies there in its old form must not outlive a redaction. The file here
        // stays until the new copy is verified.
        target.delete(other).await?;
    }
    let mut progress = Kept {
        job,
        uploads,
        storage: &storage.name,
        key,
        sha256: &source.sha256,
    };
    if earlier != Some(key) {
        progress.note(None)?;
    }
    target.send(key, source, &mut progress).await?;
    match target.compare(key, source).await? {
        Same::Yes => Ok(()),
        Same::Nothing => Err(Trouble("it was taken, and is not there".to_owned())),
        Same::No(what) => {
            // Nobody should find it; when it cannot be taken away the next try writes over it.
            let _ = target.delete(key).await;
            Err(Trouble(format!("it arrived changed: {what}")))
        }
    }
}

/// Faults of the machine rather than of the file.
fn is_passing(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
    )
}

/// How far a copy has come, kept in the database.
struct Kept<'a> {
    job: &'a UploadJob,
    uploads: &'a Uploads,
    storage: &'a str,
    key: &'a str,
    sha256: &'a str,
}

impl Kept<'_> {
    fn note(&self, number: Option<&str>) -> Result<(), Trouble> {
        self.uploads
            .begin_parts(self.storage, self.job.row.id, self.key, number, self.sha256)
            .map_err(|error| Trouble(error.to_string()))
    }
}

impl Progress for Kept<'_> {
    fn begun(&self) -> Option<(String, Vec<UploadPart>)> {
        let is_this =
            self.job.sent_sha256.as_deref() == Some(self.sha256) && self.job.key.as_deref() == Some(self.key);
        let number = self.job.multipart.clone().filter(|_| is_this)?;
        Some((number, self.job.parts.clone()))
    }

    fn begin(&mut self, number: &str) -> Result<(), Trouble> {
        self.note(Some(number))
    }

    fn arrived(&mut self, parts: &[UploadPart]) -> Result<(), Trouble> {
        self.uploads
            .note_parts(self.storage, self.job.row.id, parts)
            .map_err(|error| Trouble(error.to_string()))
    }

    fn forget(&mut self) -> Result<(), Trouble> {
        self.uploads
            .drop_parts(self.storage, self.job.row.id)
            .map_err(|error| Trouble(error.to_string()))
    }
}
