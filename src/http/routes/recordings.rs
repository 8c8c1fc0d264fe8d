use super::Shared;
use super::distant_audio;
use super::evidence;
use super::foreign_audio;
use super::input::{self, Params};
use crate::http::file_body::FileBody;
use crate::http::problem::Problem;
use crate::http::range::{Part, asked};
use crate::http::reception::Reception;
use crate::http::shelf::{Playing, Shelf, ShelfTrouble, Sound};
use crate::model::{AgentId, CallId, RecordingId, RecordingKind, Stamp};
use crate::store::{RecordingState, StoredRecording};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::response::Builder;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::path::{self, PathBuf};
use std::sync::Arc;

/// Recordings in a page when the reader does not say.
const USUAL_LIMIT: usize = 50;
/// Most recordings in a page.
const MAX_LIMIT: usize = 500;

/// The query of `GET /api/v1/recordings`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    limit: Option<usize>,
    before: Option<String>,
}

#[derive(Serialize)]
struct Item {
    id: RecordingId,
    call_id: CallId,
    kind: RecordingKind,
    started_at: Stamp,
    agent: Option<AgentId>,
    /// `open` while the call goes on, `done`, `removed`, or `failed`.
    state: &'static str,
    /// Why there is no usable file.
    failure: Option<String>,
    /// When the file left this box, and by which rule.
    removed_at: Option<Stamp>,
    removed_by: Option<String>,
    /// Since when a legal hold keeps it.
    held_since: Option<String>,
    channels: Option<u8>,
    sha256: Option<String>,
    bytes: Option<u64>,
    duration_ms: Option<u64>,
    url: String,
}

/// `GET /api/v1/recordings`: newest first; `before` is the last id of the page before.
pub(super) async fn list(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = wanted.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(format!(
            "`limit` must be between 1 and {MAX_LIMIT}."
        )));
    }
    let bad = |_| Problem::bad_request("`before` must be the id of a recording.");
    let before = wanted
        .before
        .as_deref()
        .map(input::uuid)
        .transpose()
        .map_err(bad)?
        .map(RecordingId);
    let found = reception
        .read(move |reader| reader.recordings(limit + 1, before))
        .await?;
    let has_more = found.len() > limit;
    let zone = &reception.faces.zone;
    let items: Vec<Item> = found
        .into_iter()
        .take(limit)
        .map(|stored| item(zone, stored))
        .collect();
    let next_before = items.last().filter(|_| has_more).map(|item| item.id);
    Ok(
        Json(serde_json::json!({ "items": items, "has_more": has_more, "next_before": next_before }))
            .into_response(),
    )
}

fn item(zone: &TimeZone, stored: StoredRecording) -> Item {
    let facts = stored.facts().cloned();
    let StoredRecording {
        row,
        state,
        removed,
        held_since,
    } = stored;
    let is_removed = removed.is_some();
    let (state, failure) = match state {
        RecordingState::Open => ("open", None),
        RecordingState::Done(_) if is_removed => ("removed", None),
        RecordingState::Done(_) => ("done", None),
        RecordingState::Failed(reason) => ("failed", Some(reason)),
    };
    Item {
        url: format!("/api/v1/recordings/{}", row.id),
        id: row.id,
        call_id: row.call_id,
        kind: row.kind,
        started_at: row.started_at,
        agent: row.agent,
        state,
        failure,
        removed_at: removed.as_ref().map(|(_, at_ms)| input::stamp(zone, *at_ms)),
        removed_by: removed.map(|(rule, _)| rule),
        held_since,
        channels: facts.as_ref().map(|facts| facts.channels),
        bytes: facts.as_ref().and_then(|facts| facts.bytes),
        duration_ms: facts.as_ref().and_then(|facts| facts.duration_ms),
        sha256: facts.and_then(|facts| facts.sha256),
    }
}

/// The query of `GET /api/v1/recordings/{id}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct How {
    download: Option<String>,
}

/// `GET /api/v1/recordings/{id}`: the audio, whole or by Range (RFC 9110 §14). `?download=1` asks the browser to
/// save it.
pub(super) async fn download(
    State(reception): Shared,
    Path(id): Path<String>,
    Params(how): Params<How>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = RecordingId(input::uuid(&id)?);
    send(&reception, id, &headers, how.download.is_some()).await
}

/// Sends a recording, whole or the part the headers ask for.
pub(in crate::http) async fn send(
    reception: &Reception,
    id: RecordingId,
    headers: &HeaderMap,
    save: bool,
) -> Result<Response, Problem> {
    let stored = reception.read(move |reader| reader.recording(id)).await?;
    let Some(stored) = stored else {
        return foreign_audio::play(&reception.faces.sync, CallId(id.0), headers).await;
    };
    if let Some((rule, at_ms)) = &stored.removed {
        let Some(playing) = distant_audio::open(&reception.faces, &stored, rule).await? else {
            return Err(gone(reception, id, rule, *at_ms).await);
        };
        let name = file_name(&stored, save, playing.media_type);
        return Ok(Audio::of(playing, &stored).answer(headers, &name));
    }
    if let RecordingState::Failed(reason) = stored.state {
        return Err(Problem::new(StatusCode::NOT_FOUND, "recording_failed", reason));
    }
    let roots = reception.faces.recordings.clone();
    // The row's path is the one below the root; that of the facts has the root's name before it.
    let path = stored.row.path.clone();
    let opened = tokio::task::spawn_blocking(move || open_below(&roots, &path)).await;
    let Ok(Some((file, length))) = opened else {
        if let Some(playing) = from_shelf(&reception.faces.shelf, &stored).await? {
            let name = file_name(&stored, save, playing.media_type);
            return Ok(playing.answer(headers, &name));
        }
        tracing::warn!(recording = %id, "The file of recording {id} is missing or cannot be read.");
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "file_missing",
            "The recording's file is no longer there.",
        ));
    };
    let audio = Audio {
        file: Box::new(file),
        length,
        media_type: "audio/wav",
        etag: etag(&stored, length),
    };
    Ok(audio.answer(headers, &file_name(&stored, save, "audio/wav")))
}

/// Sends a WAV file that lies in memory, whole or the part the headers ask for.
pub(super) fn send_made(wav: Vec<u8>, headers: &HeaderMap, disposition: &str) -> Response {
    let audio = Audio {
        length: wav.len() as u64,
        file: Box::new(io::Cursor::new(wav)),
        media_type: "audio/wav",
        etag: None,
    };
    audio.answer(headers, disposition)
}

/// A recording that does not lie there as it was written: encrypted, or compressed. Nothing when there is no file at all.
async fn from_shelf(shelf: &Arc<dyn Shelf>, stored: &StoredRecording) -> Result<Option<Audio>, Problem> {
    let (shelf, row) = (Arc::clone(shelf), stored.row.clone());
    let playing = tokio::task::spawn_blocking(move || shelf.open(&row)).await;
    match playing {
        Ok(Ok(playing)) => Ok(Some(Audio::of(playing, stored))),
        Ok(Err(ShelfTrouble::Gone)) | Err(_) => Ok(None),
        Ok(Err(trouble)) => Err(evidence::problem(trouble)),
    }
}

/// The file has left this box by a rule: what is left is told, and where a copy lies.
async fn gone(reception: &Reception, id: RecordingId, rule: &str, at_ms: i64) -> Problem {
    let copies = reception
        .read(move |reader| reader.copies(id))
        .await
        .unwrap_or_default();
    let places: Vec<String> = copies
        .iter()
        .map(|(storage, key, _)| format!("{storage}: {key}"))
        .collect();
    let copies = match places.as_slice() {
        [] => "There is no copy elsewhere.".to_owned(),
        places => format!("A copy lies at {}.", places.join(", ")),
    };
    let at = input::stamp(&reception.faces.zone, at_ms);
    let why = format!("The recording left this box at {at} by the rule {rule}. {copies}");
    Problem::new(StatusCode::GONE, "recording_removed", why)
}

/// A recording that is ready to be sent.
struct Audio {
    file: Box<dyn Sound>,
    length: u64,
    media_type: &'static str,
    etag: Option<String>,
}

impl Audio {
    fn of(playing: Playing, stored: &StoredRecording) -> Self {
        Self {
            file: playing.sound,
            length: playing.length,
            media_type: playing.media_type,
            // The file's own hash: what is heard changes when and only when it does.
            etag: stored
                .facts()
                .and_then(|facts| facts.sha256.as_ref())
                .map(|hash| format!("\"{hash}\"")),
        }
    }

    fn answer(self, headers: &HeaderMap, disposition: &str) -> Response {
        if self.is_known_to(headers) {
            return finish(self.base(StatusCode::NOT_MODIFIED), Body::empty());
        }
        match self.part(headers) {
            Part::Whole => {
                let response = self.described(StatusCode::OK, self.length, disposition);
                finish(response, Body::new(FileBody::new(self.file, self.length)))
            }
            Part::Bytes { first, last } => {
                let count = last - first + 1;
                let span = format!("bytes {first}-{last}/{}", self.length);
                let response = self
                    .described(StatusCode::PARTIAL_CONTENT, count, disposition)
                    .header(header::CONTENT_RANGE, span);
                let mut file = self.file;
                match file.seek(SeekFrom::Start(first)) {
                    Ok(_) => finish(response, Body::new(FileBody::new(file, count))),
                    Err(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
                }
            }
            Part::Nothing => {
                let why = format!("Ask for one range within 0-{}.", self.length.saturating_sub(1));
                let mut refusal =
                    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", why)
                        .into_response();
                if let Ok(span) = format!("bytes */{}", self.length).parse() {
                    refusal.headers_mut().insert(header::CONTENT_RANGE, span);
                }
                refusal
            }
        }
    }

    /// If-None-Match (RFC 9110 §13.1.2): the client has this very file.
    fn is_known_to(&self, headers: &HeaderMap) -> bool {
        let (Some(etag), Some(known)) = (&self.etag, text(headers, header::IF_NONE_MATCH)) else {
            return false;
        };
        known
            .split(',')
            .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag)
    }

    /// The Range, unless If-Range (RFC 9110 §13.1.5) names another version of the file.
    fn part(&self, headers: &HeaderMap) -> Part {
        let same = text(headers, header::IF_RANGE).is_none_or(|tag| self.etag.as_deref() == Some(tag));
        asked(text(headers, header::RANGE).filter(|_| same), self.length)
    }

    fn described(&self, status: StatusCode, length: u64, disposition: &str) -> Builder {
        self.base(status)
            .header(header::CONTENT_TYPE, self.media_type)
            .header(header::CONTENT_LENGTH, length)
            .header(header::CONTENT_DISPOSITION, disposition)
    }

    fn base(&self, status: StatusCode) -> Builder {
        // Kept by the browser that asked, shown again only after asking whether it is still the same and still allowed.
        let base = Response::builder()
            .status(status)
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::CACHE_CONTROL, "private, no-cache");
        match &self.etag {
            Some(etag) => base.header(header::ETAG, etag),
            None => base,
        }
    }
}

fn finish(response: Builder, body: Body) -> Response {
    response
        .body(body)
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The file's SHA-256, once it is complete and as long as it was then.
fn etag(stored: &StoredRecording, length: u64) -> Option<String> {
    let facts = stored.facts().filter(|facts| facts.bytes == Some(length))?;
    let sha256 = facts.sha256.as_ref()?;
    let is_hex = sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| format!("\"{sha256}\""))
}

/// The file name people see: our own ids only, so nothing a caller sent can get into it.
fn file_name(stored: &StoredRecording, save: bool, media_type: &str) -> String {
    let how = if save { "attachment" } else { "inline" };
    let ending = if media_type == "audio/ogg" { "ogg" } else { "wav" };
    format!("{how}; filename=\"{}.{ending}\"", stored.row.call_id)
}

/// Opens a stored path below one of the roots. Whatever the path says and whatever links lie in the directories, the
/// file that was opened is one below a root, or there is none.
fn open_below(roots: &[PathBuf], stored: &str) -> Option<(File, u64)> {
    let relative = path::Path::new(stored);
    let plain = |component| matches!(component, path::Component::Normal(_));
    if stored.contains('\0') || !relative.components().all(plain) {
        return None;
    }
    roots.iter().find_map(|root| {
        let root = root.canonicalize().ok()?;
        let wanted = root.join(relative).canonicalize().ok()?;
        // Opening a pipe would wait for its other end; a plain file is never a reason to wait.
        if !wanted.starts_with(&root) || !fs::metadata(&wanted).ok()?.is_file() {
            return None;
        }
        let file = File::open(&wanted).ok()?;
        let length = file.metadata().ok().filter(|facts| facts.is_file())?.len();
        place_of(&file, &wanted)
            .ok()?
            .starts_with(&root)
            .then_some((file, length))
    })
}

/// Where an open file really lies, so that a link planted between the look and the opening gains nothing. Without
/// `/proc` the path that was looked at has to do.
fn place_of(file: &File, looked_at: &path::Path) -> io::Result<PathBuf> {
    let handle = format!("/proc/self/fd/{}", file.as_raw_fd());
    match fs::read_link(handle) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => looked_at.canonicalize(),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_stored_path_leads_out_of_the_roots() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("recordings");
        fs::create_dir_all(root.join("2026/11/20")).unwrap();
        fs::write(root.join("2026/11/20/a.wav"), b"inside").unwrap();
        fs::write(place.path().join("secret"), b"outside").unwrap();
        symlink(place.path().join("secret"), root.join("link.wav")).unwrap();
        symlink(place.path(), root.join("up")).unwrap();
        symlink(root.join("2026/11/20/a.wav"), root.join("inner.wav")).unwrap();
        let roots = [place.path().join("missing"), root.clone()];
        let opens = |stored: &str| open_below(&roots, stored).map(|(_, length)| length);
        assert_eq!(opens("2026/11/20/a.wav"), Some(6));
        assert_eq!(opens("inner.wav"), Some(6));
        let absolute = place.path().join("secret");
        for stored in [
            "../secret",
            "2026/../../secret",
            "./../secret",
            "link.wav",
            "up/secret",
            "..\\secret",
            "%2e%2e%2fsecret",
            "2026/11/20/a.wav\0.wav",
            "2026/11/20",
            "",
            "/etc/passwd",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(opens(stored), None, "{stored:?}");
        }
    }
}
