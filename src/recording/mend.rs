use super::Roots;
use super::find::Found;
use super::header::Header;
use super::seal::Seal;
use super::vault::{Keys, SealedReader};
use crate::model::{RecordingFacts, RecordingId, RecordingRow};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What [`mend_all`] found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MendReport {
    /// The facts of every file that can be played now.
    pub facts: Vec<RecordingFacts>,
    /// How many of these needed a new header.
    pub mended: usize,
    /// Recordings without a usable file, and why.
    pub lost: Vec<(RecordingId, String)>,
}

/// Repairs the files that a killed daemon left unfinished. The file's length tells how much audio there is:
/// whatever reached the file is kept, down to whole samples, and only the header is written anew.
pub fn mend_all(roots: &Roots, keys: Option<&Keys>, unfinished: &[RecordingRow]) -> MendReport {
    let mut report = MendReport::default();
    for row in unfinished {
        match mend(roots, keys, row) {
            Ok((facts, was_stale)) => {
                report.facts.push(facts);
                report.mended += usize::from(was_stale);
            }
            Err(error) => {
                tracing::warn!(recording = %row.id, %error, "Recording {} cannot be mended: {error}.", row.id);
                report.lost.push((row.id, error.to_string()));
            }
        }
    }
    report
}

/// The file's facts, and whether its header had to be written anew.
fn mend(roots: &Roots, keys: Option<&Keys>, row: &RecordingRow) -> io::Result<(RecordingFacts, bool)> {
    if roots.locate(row.kind, &row.path).is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "not a name for a recording",
        ));
    }
    let found = roots.find(row)?;
    let file = open_plain(&found.path)?;
    if found.is_sealed {
        return mend_sealed(row, file, keys);
    }
    let found = read_header(&file)?;
    let bytes = file.metadata()?.len();
    let header = header_by_length(found, bytes);
    if header.audio_bytes == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "no audio had been written",
        ));
    }
    let was_stale = header != found || header.file_bytes() != bytes;
    if was_stale {
        file.set_len(header.file_bytes())?;
        file.write_all_at(&header.to_bytes(), 0)?;
        file.sync_all()?;
    }
    Ok((Seal::new(row.clone(), header, file, false).finish()?, was_stale))
}

/// An encrypted file is cut down to the last chunk that opens, and ended there.
fn mend_sealed(row: &RecordingRow, file: File, keys: Option<&Keys>) -> io::Result<(RecordingFacts, bool)> {
    let keys = keys.ok_or_else(Found::no_key)?;
    let mut reader = SealedReader::open(file.try_clone()?, keys)?;
    let was_cut = !reader.is_complete();
    reader.mend(keys)?;
    let header = reader.header().filter(|header| header.audio_bytes > 0);
    let no_audio = || io::Error::new(io::ErrorKind::UnexpectedEof, "no audio had been written");
    let header = header.ok_or_else(no_audio)?;
    Ok((Seal::new(row.clone(), header, file, true).finish()?, was_cut))
}

/// Opens a file of ours; a link in its place is refused.
fn open_plain(path: &Path) -> io::Result<File> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    OpenOptions::new().read(true).write(true).open(path)
}

fn read_header(file: &File) -> io::Result<Header> {
    let mut bytes = [0; Header::LENGTH as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Header::parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no header of ours"))
}

/// A file that was complete already keeps its header; the padding byte is not audio.
fn header_by_length(found: Header, file_bytes: u64) -> Header {
    if found.file_bytes() == file_bytes {
        return found;
    }
    found.holding(file_bytes.saturating_sub(Header::LENGTH))
}
