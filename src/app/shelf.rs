//! What people do about recordings, carried out on the files and in the journal.

use super::clock;
use crate::http::{DistantSound, Playing, Shelf, ShelfTrouble, Warrant};
use crate::model::{RecordingFacts, RecordingId, RecordingRow, Stamp, WallClock};
use crate::recording::{self, Audit, Keys, Known, Roots};
use crate::store::{Deed, DeedMark, Evidence, KnownRecording, Reader, RecordingState, StoreError};
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Carries out what is asked of recordings, one change of a file at a time.
pub struct Librarian {
    roots: Roots,
    keys: Option<Keys>,
    reader: Reader,
    evidence: Evidence,
    clock: WallClock,
    /// One change of a file at a time.
    hand: Mutex<()>,
    audit: Arc<Looking>,
}

/// The look at every recording: under way, and what the last one found.
#[derive(Default)]
struct Looking {
    is_running: AtomicBool,
    found: Mutex<Option<serde_json::Value>>,
}

impl Librarian {
    /// For the recordings below these roots; without `keys` none that is encrypted opens.
    pub fn new(
        roots: Roots,
        keys: Option<Keys>,
        reader: Reader,
        evidence: Evidence,
        clock: WallClock,
    ) -> Self {
        Self {
            roots,
            keys,
            reader,
            evidence,
            clock,
            hand: Mutex::new(()),
            audit: Arc::default(),
        }
    }

    fn now(&self) -> Stamp {
        Stamp {
            unix_ms: clock::wall_unix_ms(),
            offset_seconds: self.clock.stamp(clock::monotonic()).offset_seconds,
        }
    }

    fn deed(&self, what: DeedMark, warrant: &Warrant) -> Deed {
        Deed {
            at: Some(self.now()),
            by: Some(warrant.by.clone()),
            reason: (!warrant.reason.is_empty()).then(|| warrant.reason.clone()),
            ..Deed::new(what)
        }
    }

    fn known(&self, id: RecordingId) -> Result<KnownRecording, ShelfTrouble> {
        let known = self.reader.known_recording(id).map_err(store_trouble)?;
        known.ok_or(ShelfTrouble::Unknown)
    }

    /// A recording whose file is complete and here.
    fn complete(&self, id: RecordingId) -> Result<(KnownRecording, RecordingFacts), ShelfTrouble> {
        let known = self.known(id)?;
        let facts = match &known.stored.state {
            RecordingState::Open => return Err(ShelfTrouble::BeingWritten),
            RecordingState::Failed(_) => return Err(ShelfTrouble::Gone),
            RecordingState::Done(_) if known.removed_ms.is_some() => return Err(ShelfTrouble::Gone),
            RecordingState::Done(facts) => facts.clone(),
        };
        Ok((known, facts))
    }
}

impl Librarian {
    /// Brings a copy into a file without a name, which is gone when it is closed.
    fn bring(&self, mut copy: DistantSound) -> io::Result<File> {
        let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).map_err(io::Error::other)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(&self.roots.recordings)?;
        io::copy(&mut copy.sound, &mut file)?;
        Ok(file)
    }

    /// Compresses a recording, and puts the archive in its place unless it was changed meanwhile. False: there was nothing
    /// to do.
    pub(super) fn archive(
        &self,
        id: RecordingId,
        bits_a_second: i32,
        breathe: &mut recording::Breathe<'_>,
    ) -> io::Result<bool> {
        let other = |trouble: ShelfTrouble| io::Error::other(format!("{trouble:?}"));
        let (known, _) = self.complete(id).map_err(other)?;
        let row = &known.stored.row;
        let keys = self.keys.as_ref();
        let Some(archived) = recording::archive(&self.roots, keys, row, bits_a_second, breathe)? else {
            return Ok(false);
        };
        let _one = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, facts) = self.complete(id).map_err(other)?;
        if facts.sha256.as_deref() != Some(archived.before()) {
            return Ok(false);
        }
        let done = archived.settle()?;
        let deed = Deed {
            at: Some(self.now()),
            before: Some(done.before.clone()),
            after: Some(done.after.clone()),
            bytes: Some(done.bytes),
            ..Deed::new(DeedMark::Archived)
        };
        let changed = self.evidence.changed(row, done.applied_to(&facts), deed);
        changed.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(true)
    }
}

impl Shelf for Librarian {
    fn open(&self, row: &RecordingRow) -> Result<Playing, ShelfTrouble> {
        let found = self.roots.find(row).map_err(trouble)?;
        let audio = found.open(self.keys.as_ref()).map_err(trouble)?;
        Ok(Playing {
            length: audio.length(),
            sound: Box::new(audio),
            media_type: found.media_type,
        })
    }

    fn open_distant(&self, copy: DistantSound) -> Result<Playing, ShelfTrouble> {
        let (plain, is_sealed) = match copy.name.strip_suffix(".sealed") {
            Some(plain) => (plain, true),
            None => (copy.name.as_str(), false),
        };
        let media_type = if plain.ends_with(".ogg") {
            "audio/ogg"
        } else {
            "audio/wav"
        };
        if !is_sealed {
            return Ok(Playing {
                sound: copy.sound,
                length: copy.length,
                media_type,
            });
        }
        // An encrypted one is opened from its beginning, so all of it is brought here first, into a file without a name.
        let file = self.bring(copy).map_err(trouble)?;
        let audio = recording::AudioFile::of(file, true, self.keys.as_ref()).map_err(trouble)?;
        Ok(Playing {
            length: audio.length(),
            sound: Box::new(audio),
            media_type,
        })
    }

    fn redact(
        &self,
        id: RecordingId,
        span_ms: Range<u64>,
        warrant: &Warrant,
    ) -> Result<(String, String), ShelfTrouble> {
        let _one = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, facts) = self.complete(id)?;
        let begun = Deed {
            before: facts.sha256.clone(),
            span_ms: Some((span_ms.start, span_ms.end)),
            ..self.deed(DeedMark::RedactionBegun, warrant)
        };
        self.evidence.note(id, begun).map_err(store_trouble)?;
        let row = &known.stored.row;
        let done =
            recording::redact(&self.roots, self.keys.as_ref(), row, span_ms.clone()).map_err(trouble)?;
        let deed = Deed {
            before: Some(done.before.clone()),
            after: Some(done.after.clone()),
            bytes: Some(done.bytes),
            span_ms: Some((done.silent_ms.start, done.silent_ms.end)),
            ..self.deed(DeedMark::Redacted, warrant)
        };
        let changed = self.evidence.changed(row, done.applied_to(&facts), deed);
        changed.map_err(store_trouble)?;
        Ok((done.before, done.after))
    }

    fn remove(&self, id: RecordingId, warrant: &Warrant) -> Result<(), ShelfTrouble> {
        let _one = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, facts) = self.complete(id)?;
        if let Some(since) = known.held_since {
            return Err(ShelfTrouble::Held { since });
        }
        let why = format!("deleted by {}", warrant.by);
        if !self.evidence.begin_removal(id, &why).map_err(store_trouble)? {
            // Somebody held it, or a rule took it, in this very moment.
            return Err(ShelfTrouble::Gone);
        }
        let row = &known.stored.row;
        if let Err(error) = recording::remove(&self.roots, row) {
            self.evidence.forget_removal(id).map_err(store_trouble)?;
            return Err(trouble(error));
        }
        let deed = Deed {
            before: facts.sha256,
            ..self.deed(DeedMark::Removed, warrant)
        };
        self.evidence.removed(row, &why, deed).map_err(store_trouble)
    }

    fn hold(&self, id: RecordingId, holds: bool, warrant: &Warrant) -> Result<bool, ShelfTrouble> {
        let known = self.known(id)?;
        if holds && known.removed_ms.is_some() {
            return Err(ShelfTrouble::Gone);
        }
        self.evidence
            .hold(id, holds, self.now(), &warrant.by, &warrant.reason)
            .map_err(store_trouble)
    }

    fn rekey(&self, id: RecordingId, warrant: &Warrant) -> Result<bool, ShelfTrouble> {
        let _one = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, facts) = self.complete(id)?;
        let Some(keys) = &self.keys else {
            let why = "[recording] has no seal_key";
            return Err(ShelfTrouble::Refused(why.to_owned()));
        };
        let row = &known.stored.row;
        let Some(done) = recording::rekey(&self.roots, keys, row).map_err(trouble)? else {
            return Ok(false);
        };
        let deed = Deed {
            before: Some(done.before.clone()),
            after: Some(done.after.clone()),
            bytes: Some(done.bytes),
            ..self.deed(DeedMark::Rekeyed, warrant)
        };
        let changed = self.evidence.changed(row, done.applied_to(&facts), deed);
        changed.map_err(store_trouble)?;
        Ok(true)
    }

    fn begin_audit(&self) -> bool {
        if self.audit.is_running.swap(true, Ordering::SeqCst) {
            return false;
        }
        let looking = Arc::clone(&self.audit);
        let (roots, keys, reader) = (self.roots.clone(), self.keys.clone(), self.reader.clone());
        let begun = self.now();
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let found = match look_at_all(&roots, keys.as_ref(), &reader, &mut |_done| ()) {
                    Ok((audit, chain)) => serde_json::json!({
                        "begun_at": begun,
                        "sound": audit.is_sound() && chain.broken_at.is_none(),
                        "recordings": audit,
                        "chain": chain,
                    }),
                    Err(error) => serde_json::json!({ "begun_at": begun, "error": format!("{error:#}") }),
                };
                // Whoever sees what was found may begin the next look.
                let mut place = looking.found.lock().unwrap_or_else(PoisonError::into_inner);
                looking.is_running.store(false, Ordering::SeqCst);
                *place = Some(found);
            });
        if thread.is_err() {
            self.audit.is_running.store(false, Ordering::SeqCst);
        }
        thread.is_ok()
    }

    fn audit(&self) -> Option<serde_json::Value> {
        let found = self.audit.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }
}

/// Looks at every recording the journal knows, at every file, and at the chain. `told` hears how many are done.
///
/// # Errors
/// When the journal or a directory cannot be read.
pub(crate) fn look_at_all(
    roots: &Roots,
    keys: Option<&Keys>,
    reader: &Reader,
    told: &mut dyn FnMut(u64),
) -> anyhow::Result<(Audit, crate::store::ChainReport)> {
    const LOT: usize = 200;
    let mut audit = Audit::default();
    let mut rows: Vec<RecordingRow> = Vec::new();
    let mut after = None;
    loop {
        let lot = reader.known_recordings(after, LOT)?;
        let Some(last) = lot.last() else { break };
        after = Some(last.stored.row.id);
        for known in lot {
            let known = as_known(known);
            audit.look_at(roots, keys, &known);
            rows.push(known.row);
            told(rows.len() as u64);
        }
    }
    audit.look_for_orphans(roots, rows.iter())?;
    Ok((audit, reader.check_recording_chain()?))
}

fn as_known(known: KnownRecording) -> Known {
    let (is_open, failure, sha256) = match known.stored.state {
        RecordingState::Open => (true, None, None),
        RecordingState::Done(facts) => (false, None, facts.sha256),
        RecordingState::Failed(reason) => (false, Some(reason), None),
    };
    Known {
        row: known.stored.row,
        is_open,
        is_removed: known.removed_ms.is_some(),
        failure,
        sha256,
    }
}

fn trouble(error: io::Error) -> ShelfTrouble {
    let (kind, words) = (error.kind(), error.to_string());
    if kind == io::ErrorKind::NotFound {
        ShelfTrouble::Gone
    } else if kind == io::ErrorKind::PermissionDenied && error.get_ref().is_some() {
        ShelfTrouble::NoKey(words)
    } else if [io::ErrorKind::InvalidInput, io::ErrorKind::InvalidData].contains(&kind) {
        ShelfTrouble::Refused(words)
    } else {
        ShelfTrouble::Failed(words)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn store_trouble(error: StoreError) -> ShelfTrouble {
    ShelfTrouble::Failed(error.to_string())
}
