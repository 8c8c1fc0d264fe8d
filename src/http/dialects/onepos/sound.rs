use super::answer::Refusal;
use super::door::{self, Shown};
use super::record::record_path;
use super::wanted::Asked;
use crate::http::reception::Reception;
use crate::http::routes::{Shared, send_recording};
use crate::http::serve::Peer;
use crate::model::{CallId, RecordingId};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use uuid::Uuid;

/// `GET /recordings/<tenant>/archive/2025/Sep/11/<uuid>.wav`: the audio of a call, with Range (RFC 9110 §14). The path
/// has to be the one the record names, or there is nothing.
pub(super) async fn play(
    State(reception): Shared,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    uri: Uri,
    path: Option<Path<String>>,
) -> Response {
    let path = path.map(|Path(path)| path).unwrap_or_default();
    match open(&reception, peer, &headers, &uri, &path).await {
        Ok(response) => response,
        Err(refusal) => refusal.answer(None),
    }
}

async fn open(
    reception: &Reception,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    uri: &Uri,
    path: &str,
) -> Result<Response, Refusal> {
    let asked = Asked::of(uri);
    let shown = Shown {
        headers,
        api_key: asked.as_ref().ok().and_then(|asked| asked.text("api_key")),
        peer: peer.map(|Extension(peer)| peer),
        for_any_page: false,
    };
    door::admit(reception, shown).await?;
    let id = recording(reception, path).await?.ok_or_else(Refusal::not_found)?;
    Ok(send_recording(reception, id, headers, false).await?)
}

async fn recording(reception: &Reception, path: &str) -> Result<Option<RecordingId>, Refusal> {
    let Some((tenant, _)) = path.split_once('/') else {
        return Ok(None);
    };
    let name = path.rsplit('/').next().and_then(|file| file.rsplit_once('.'));
    let Some(id) = name.and_then(|(name, _)| Uuid::try_parse(name).ok()) else {
        return Ok(None);
    };
    let found = reception.read(move |reader| reader.cdr(CallId(id))).await?;
    let Some((_, cdr)) = found else { return Ok(None) };
    let named = record_path(&cdr, tenant);
    let is_named = named.as_deref().and_then(|named| named.strip_prefix('/')) == Some(path);
    Ok(cdr.recording.filter(|_| is_named).map(|facts| facts.id))
}
