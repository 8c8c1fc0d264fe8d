//! Secrets at rest: sealed with AES-256-GCM under a key that lies beside the database, or comes from systemd. Whoever
//! gets a copy of the database alone reads no secret in it.

use super::{StoreError, log};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use rusqlite::{Connection, params};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file in the data directory: 64 hexadecimal digits, for the service's user alone.
const FILE: &str = "seal.key";
const KEY_BYTES: usize = 32;

/// The key that secrets are sealed with, when it is not kept in the data directory.
#[derive(Clone)]
pub(super) struct SealKey([u8; KEY_BYTES]);

impl SealKey {
    /// Reads 64 hexadecimal digits, with or without a line's end. Nothing when it is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != KEY_BYTES * 2 || !text.is_ascii() {
            return None;
        }
        let mut key = [0; KEY_BYTES];
        for (place, byte) in key.iter_mut().enumerate() {
            let digits = text.get(place * 2..place * 2 + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(key))
    }

    fn to_text(&self) -> String {
        let digits = self.0.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        digits + "\n"
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SealKey")
    }
}

/// Where the key is. The file is made when the first secret has to be kept, so a box without secrets has none.
pub(super) struct Seal {
    path: PathBuf,
    known: Mutex<Option<Arc<Sealer>>>,
}

impl Seal {
    /// For the data directory; a key that is given stands in for its file.
    pub(super) fn new(dir: &Path, given: Option<&SealKey>) -> Self {
        Self {
            path: dir.join(FILE),
            known: Mutex::new(given.and_then(|key| Sealer::new(key).ok()).map(Arc::new)),
        }
    }

    /// What seals. Makes the key when there is none; waits for the disk then.
    ///
    /// # Errors
    /// When the file can be neither read nor made, or holds no key.
    pub(super) fn sealer(&self) -> Result<Arc<Sealer>, StoreError> {
        if let Some(sealer) = self.opener()? {
            return Ok(sealer);
        }
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| StoreError::NotWritten(format!("no randomness: {error}")))?;
        let key = SealKey(bytes);
        make(&self.path, &key.to_text()).map_err(|cause| self.trouble(cause))?;
        self.keep(&key)
    }

    /// What opens; nothing when no key was ever made.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key.
    pub(super) fn opener(&self) -> Result<Option<Arc<Sealer>>, StoreError> {
        if let Some(known) = &*self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Some(Arc::clone(known)));
        }
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(self.trouble(cause)),
        };
        let key = SealKey::parse(&text).ok_or_else(|| {
            let what = "holds no key of 64 hexadecimal digits; put the right one back, or take it away and enter the \
                        keys of the PBXs again";
            self.trouble(io::Error::new(io::ErrorKind::InvalidData, what))
        })?;
        self.keep(&key).map(Some)
    }

    fn keep(&self, key: &SealKey) -> Result<Arc<Sealer>, StoreError> {
        let sealer = Arc::new(Sealer::new(key)?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&sealer));
        Ok(sealer)
    }

    fn trouble(&self, cause: io::Error) -> StoreError {
        StoreError::File {
            path: self.path.clone(),
            cause,
        }
    }
}

/// On the disk whole or not at all, readable by nobody else.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("key.new");
    match fs::remove_file(&draft) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// A key at work.
pub(super) struct Sealer(RandomizedNonceKey);

impl Sealer {
    fn new(key: &SealKey) -> Result<Self, StoreError> {
        RandomizedNonceKey::new(&AES_256_GCM, &key.0)
            .map(Self)
            .map_err(|_| refused())
    }

    /// Seals a secret for this place and no other: a nonce, the text, a tag. No secret is sealed as nothing.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn close(&self, place: &str, secret: &str) -> Result<Vec<u8>, StoreError> {
        if secret.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = secret.as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(place), &mut text)
            .map_err(|_| refused())?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what was sealed for this place; nothing when it was sealed with another key, for another place, or changed.
    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let open = self.0.open_in_place(nonce, Aad::from(place), &mut text).ok()?;
        String::from_utf8(open.to_vec()).ok()
    }
}

fn refused() -> StoreError {
    StoreError::NotWritten("the secret could not be sealed".to_owned())
}

/// The place of a source's key: one copied to another source does not open there.
pub(super) fn place_of(source: &str) -> String {
    format!("pbx_sources/{source}/api_key")
}

/// Seals the keys that a release before this one kept as they were, and wipes them where they lay. Answers how many.
///
/// # Errors
/// When the key cannot be made or the database not written; nothing is changed then.
pub(super) fn seal_what_is_open(connection: &Connection, seal: &Seal) -> Result<usize, StoreError> {
    let open: Vec<(String, String)> = connection
        .prepare("SELECT id, api_key FROM pbx_sources WHERE api_key <> ''")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if open.is_empty() {
        return Ok(0);
    }
    let sealer = seal.sealer()?;
    // Otherwise the old bytes would stay in the pages' free places.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = replace(connection, &sealer, &open);
    let ended = connection.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" });
    connection.pragma_update(None, "secure_delete", false)?;
    done?;
    ended?;
    // The log held them too.
    log::empty(connection)?;
    Ok(open.len())
}

fn replace(connection: &Connection, sealer: &Sealer, open: &[(String, String)]) -> Result<(), StoreError> {
    let mut update =
        connection.prepare("UPDATE pbx_sources SET api_key = '', api_key_sealed = ?2 WHERE id = ?1")?;
    for (id, key) in open {
        update.execute(params![id, sealer.close(&place_of(id), key)?])?;
    }
    Ok(())
}

/// Names of the sources whose keys cannot be opened: the file is gone, or is another.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn lost(connection: &Connection, seal: &Seal) -> Result<Vec<String>, StoreError> {
    let opener = seal.opener().ok().flatten();
    let mut select = connection.prepare(
        "SELECT name, id, api_key_sealed FROM pbx_sources WHERE api_key_sealed <> x'' AND removed = 0",
    )?;
    let mut rows = select.query([])?;
    let mut lost = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, id, sealed): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let opens = opener
            .as_ref()
            .and_then(|opener| opener.open(&place_of(&id), &sealed));
        if opens.is_none() {
            lost.push(name);
        }
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_was_sealed_opens_in_its_own_place_under_its_own_key_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let seal = Seal::new(dir.path(), None);
        assert!(seal.opener().unwrap().is_none(), "no key before a secret");
        let sealer = seal.sealer().unwrap();
        let sealed = sealer.close("here", "hush-hush").unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        assert_ne!(
            sealed,
            sealer.close("here", "hush-hush").unwrap(),
            "no two look alike"
        );
        assert_eq!(sealer.open("here", &sealed).as_deref(), Some("hush-hush"));
        assert_eq!(sealer.open("there", &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(sealer.open("here", &changed), None);
            assert_eq!(sealer.open("here", &sealed[..place]), None);
        }
        let again = Seal::new(dir.path(), None).opener().unwrap().unwrap();
        assert_eq!(again.open("here", &sealed).as_deref(), Some("hush-hush"));
        let other = SealKey::parse(&"0f".repeat(32)).unwrap();
        let other = Seal::new(dir.path(), Some(&other)).sealer().unwrap();
        assert_eq!(other.open("here", &sealed), None);
        assert!(
            sealer.close("here", "").unwrap().is_empty(),
            "no key, nothing kept"
        );
    }

    #[test]
    fn the_key_is_for_the_service_alone_and_a_broken_one_is_told_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        Seal::new(dir.path(), None).sealer().unwrap();
        let path = dir.path().join(FILE);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "half a k").unwrap();
        let told = Seal::new(dir.path(), None).sealer().err().unwrap().to_string();
        assert!(
            told.contains("seal.key") && told.contains("64 hexadecimal"),
            "{told}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "half a k");
        assert!(SealKey::parse(&"zz".repeat(32)).is_none());
        assert!(SealKey::parse("").is_none());
        assert_eq!(
            format!("{:?}", SealKey::parse(&"0f".repeat(32)).unwrap()),
            "SealKey"
        );
    }
}
