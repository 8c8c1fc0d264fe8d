use super::TlsFiles;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The certificate of a box nobody gave one: nobody vouches for it, but what is said is encrypted, and a phone that
/// remembers it notices another one. It lasts ten years from `unix_ms`, or from 2026 where the clock is not set yet.
///
/// # Errors
/// What the system said when the files could not be written.
pub fn make_certificate(files: &TlsFiles, names: Vec<String>, unix_ms: i64) -> io::Result<()> {
    let mut settings = CertificateParams::new(names).map_err(io::Error::other)?;
    settings.distinguished_name.push(DnType::CommonName, "callpost");
    settings.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    settings.not_before = date_time_ymd(2025, 1, 1);
    settings.not_after = date_time_ymd(year(unix_ms).max(2026) + 10, 1, 1);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = settings.self_signed(&key).map_err(io::Error::other)?;
    if let Some(dir) = files.key.parent() {
        fs::create_dir_all(dir)?;
    }
    write(&files.key, 0o600, &key.serialize_pem())?;
    write(&files.certificate, 0o644, &certificate.pem())
}

fn year(unix_ms: i64) -> i32 {
    const OF_A_YEAR: i64 = 31_556_952_000;
    i32::try_from(unix_ms / OF_A_YEAR).unwrap_or_default() + 1970
}

/// Whole or not at all.
fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What a run that was cut short left behind keeps its own mode otherwise.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
