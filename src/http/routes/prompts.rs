//! What the box says: the prompts of its languages, heard, replaced and put back without a restart.

use super::Shared;
use super::input;
use super::recordings;
use crate::http::announcer::{Announcement, Announcer, AnnouncerTrouble, PromptOrigin};
use crate::http::multipart;
use crate::http::people::Visitor;
use crate::http::porch::MAX_UPLOAD_BYTES;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;

/// `GET /api/v1/prompts`: every prompt of every language of the site.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let items = all(&reception).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `GET /api/v1/prompts/{language}/{name}`.
pub(super) async fn show(
    State(reception): Shared,
    Path((language, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let found = all(&reception).await?.into_iter();
    let one = found
        .filter(|one| one.language == language)
        .find(|one| one.name == name);
    let one = one.ok_or_else(|| problem(AnnouncerTrouble::Unknown))?;
    Ok(Json(one).into_response())
}

/// `PUT /api/v1/prompts/{language}/{name}`: the body is a sound file (or a form with one as `file`), which is heard by
/// calls from now on.
pub(super) async fn upload(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path((language, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let sent = receive(&reception, request).await?;
    let taken = take(&reception, &visitor, language, name, sent.file()?).await?;
    Ok(Json(taken).into_response())
}

/// `GET /api/v1/prompts/{language}/{name}/audio`: what a caller on a telephone line hears, as WAV.
pub(super) async fn audio(
    State(reception): Shared,
    Path((language, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file_name = input::name(&name)?;
    let wav = ask(&reception, move |desk| desk.listen(&language, &name)).await?;
    let disposition = format!("inline; filename=\"{file_name}.wav\"");
    Ok(recordings::send_made(wav, &headers, &disposition))
}

/// `DELETE /api/v1/prompts/{language}/{name}`: what was uploaded or recorded by phone is gone, and what is heard in its
/// place is told.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path((language, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    match put_back(&reception, &visitor, language, name).await? {
        Some(heard) => Ok(Json(heard).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Every prompt.
pub(in crate::http) async fn all(reception: &Reception) -> Result<Vec<Announcement>, Problem> {
    ask(reception, |desk| desk.prompts()).await
}

/// What came with a request: a file alone, or the fields of a form.
pub(in crate::http) enum Sent {
    File(Bytes),
    Form(Vec<multipart::Field>),
}

impl Sent {
    /// The file, whichever way it came.
    pub(in crate::http) fn file(&self) -> Result<Bytes, Problem> {
        match self {
            Self::File(file) => Ok(file.clone()),
            Self::Form(fields) => {
                let file = fields.iter().find(|field| field.name == "file");
                file.map(|field| field.value.clone())
                    .ok_or_else(|| Problem::bad_request("The form has no field `file`."))
            }
        }
    }

    /// A field of the form as text; empty when it is not there.
    pub(in crate::http) fn text(&self, name: &str) -> String {
        let Self::Form(fields) = self else {
            return String::new();
        };
        let field = fields.iter().find(|field| field.name == name);
        let value = field.map(|field| String::from_utf8_lossy(&field.value));
        value.unwrap_or_default().trim().to_owned()
    }
}

/// Takes the body of an upload in: one at a time, so that a few large ones do not fill the memory of a small board.
pub(in crate::http) async fn receive(reception: &Reception, request: Request) -> Result<Sent, Problem> {
    let busy = |_| {
        Problem::try_later(
            "upload_busy",
            "Another file is being sent; try again when it is here.",
        )
    };
    let _turn = reception.uploads.try_acquire().map_err(busy)?;
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
        match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            status => Problem::of_status(status),
        }
    })?;
    let is_form = kind.trim_start().to_ascii_lowercase().starts_with("multipart/");
    if !is_form {
        return Ok(Sent::File(body));
    }
    let fields = multipart::fields(&kind, &body);
    fields
        .map(Sent::Form)
        .ok_or_else(|| Problem::bad_request("The form is no multipart/form-data that could be read."))
}

/// 413 with what an upload may have.
pub(in crate::http) fn too_large() -> Problem {
    let most = MAX_UPLOAD_BYTES / 1024 / 1024;
    let cure = format!("A sound file may have {most} MB; save a long one as mp3 or ogg.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", cure)
}

/// Has a file heard under this name from now on.
pub(in crate::http) async fn take(
    reception: &Reception,
    visitor: &Visitor,
    language: String,
    name: String,
    file: Bytes,
) -> Result<Announcement, Problem> {
    plain(&name)?;
    let taken = ask(reception, move |desk| desk.take(&language, &name, file.into())).await?;
    let Announcement { language, name, .. } = &taken;
    tracing::info!(%language, prompt = %name, by = %visitor.name, "Prompt {language}/{name} was replaced by {}.", visitor.name);
    Ok(taken)
}

/// Has the prompt heard again that was heard before anybody uploaded or recorded one.
pub(in crate::http) async fn put_back(
    reception: &Reception,
    visitor: &Visitor,
    language: String,
    name: String,
) -> Result<Option<Announcement>, Problem> {
    let told = format!("{language}/{name}");
    let heard = ask(reception, move |desk| desk.put_back(&language, &name)).await?;
    tracing::info!(prompt = %told, by = %visitor.name, "Prompt {told} was deleted by {}.", visitor.name);
    Ok(heard)
}

/// The name of a prompt is that of its file, and of a step of an address.
fn plain(name: &str) -> Result<(), Problem> {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let begins_well = !name.starts_with(['-', '_']);
    if (1..=64).contains(&name.len()) && begins_well && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Problem::bad_request(
        "A prompt's name has 1 to 64 small letters, digits, `-` and `_`, and begins with a letter or digit, such as \
         `opening-hours`.",
    ))
}

async fn ask<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&dyn Announcer) -> Result<T, AnnouncerTrouble> + Send + 'static,
) -> Result<T, Problem> {
    let announcer = Arc::clone(&reception.faces.announcer);
    let answer = tokio::task::spawn_blocking(move || question(&*announcer)).await;
    let answer = answer.map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
    answer.map_err(problem)
}

/// A trouble as people and programs are told of it.
fn problem(trouble: AnnouncerTrouble) -> Problem {
    match trouble {
        AnnouncerTrouble::NotReady => {
            Problem::try_later("prompts_loading", "The prompts are still being read; try again in a moment.")
        }
        AnnouncerTrouble::UnknownLanguage(known) => Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_language",
            format!(
                "The site does not speak this language; `languages` of [site] has {}.",
                known.join(", ")
            ),
        ),
        AnnouncerTrouble::Unknown => Problem::not_found("There is no prompt of this name in this language."),
        AnnouncerTrouble::NotOurs(PromptOrigin::File) => not_ours(
            "The prompt is a file beside the configuration; delete that file and reload, or upload another over it.",
        ),
        AnnouncerTrouble::NotOurs(_) => {
            not_ours("The prompt came with the box; upload another over it, or let no step name it.")
        }
        AnnouncerTrouble::Needed(places) => Problem::new(
            StatusCode::CONFLICT,
            "prompt_in_use",
            format!(
                "Without it there is nothing to hear, and it is named in: {}. Upload another over it, or change those first.",
                places.join(", ")
            ),
        )
        .with("used_by", places),
        AnnouncerTrouble::Unusable(cause) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unusable_sound",
            format!("This file {cause}. Save it as wav, mp3, ogg or flac, 8 kHz or more, and send it again."),
        )
        .with("cause", cause),
        AnnouncerTrouble::Failed(why) => {
            tracing::error!(why, "A prompt could not be changed: {why}.");
            Problem::try_later("not_done", format!("It could not be done: {why}."))
        }
    }
}

fn not_ours(why: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "prompt_not_ours", why)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_prompts_name_leads_nowhere_else() {
        for good in ["welcome", "opening-hours", "num_7", "2"] {
            assert!(plain(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "..",
            "a/b",
            ".hidden",
            "Welcome",
            "a b",
            "مرحبا",
            "-x",
            "a.wav",
            &"x".repeat(65),
        ] {
            assert!(plain(bad).is_err(), "{bad}");
        }
    }
}
