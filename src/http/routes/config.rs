//! The configuration: read, checked, changed, tried and taken back.

use super::Shared;
use super::input::{self, Params};
use super::toml_body::{TomlBody, is_toml_wanted};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::settings::{
    Applied, Basis, ChangeOrder, Checked, Draft, Part, ReadOnly, Refused, SettingsDoor,
};
use crate::http::witness::OnlyAsked;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// For how long a change is on trial when nobody says.
pub(super) const USUAL_TRIAL_SECONDS: u32 = 60;
/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// What may stand behind the address of a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wish {
    /// Why.
    reason: String,
    /// For how long it is on trial, in seconds; 0 for not at all.
    trial_seconds: Option<u32>,
    /// Whether it is taken back when nobody confirms it.
    confirm: bool,
}

impl Wish {
    pub(super) fn order(self, by: &Visitor, basis: Basis) -> Result<ChangeOrder, Problem> {
        if self.reason.chars().count() > MAX_REASON {
            return Err(Problem::bad_request(format!(
                "`reason` must have at most {MAX_REASON} characters."
            )));
        }
        let trial_seconds = self.trial_seconds.unwrap_or(USUAL_TRIAL_SECONDS);
        if self.confirm && trial_seconds == 0 {
            return Err(Problem::bad_request(
                "`confirm` needs a trial: leave `trial_seconds` out, or give it some seconds.",
            ));
        }
        Ok(ChangeOrder {
            by: by.name.clone(),
            reason: self.reason,
            basis,
            trial_seconds,
            wants_confirmation: self.confirm,
        })
    }
}

/// `GET /api/v1/config`: how the configuration stands, with its text; the text alone for who accepts `application/toml`.
pub(super) async fn show(State(reception): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    let view = reception.faces.settings.look().await;
    let found = ask(&reception, |door| door.text(&Part::Main)).await?;
    let found = found.ok_or_else(|| Problem::not_found("There is no configuration."))?;
    if is_toml_wanted(&headers) {
        return Ok(tagged(&found.etag, text_answer(found.text)));
    }
    let mut body = serde_json::to_value(&view).unwrap_or_default();
    body["text"] = found.text.into();
    Ok(tagged(&found.etag, Json(body).into_response()))
}

/// `POST /api/v1/config/check`: every mistake of a text.
pub(super) async fn check(State(reception): Shared, TomlBody(text): TomlBody) -> Result<Response, Problem> {
    check_part(&reception, Part::Main, text).await
}

/// `POST /api/v1/config/diff`: what a text would change.
pub(super) async fn diff(State(reception): Shared, TomlBody(text): TomlBody) -> Result<Response, Problem> {
    diff_part(&reception, Part::Main, text).await
}

/// `PUT /api/v1/config`: checks, rehearses, writes and swaps in a text.
pub(super) async fn replace(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Params(wish): Params<Wish>,
    headers: HeaderMap,
    TomlBody(text): TomlBody,
) -> Result<Response, Problem> {
    let order = wish.order(&visitor, basis(&headers)?)?;
    change(&reception, Part::Main, Some(text), order).await
}

/// `POST /api/v1/config/reload`: reads the files again, as SIGHUP does.
pub(super) async fn reload(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Params(wish): Params<Wish>,
) -> Result<Response, Problem> {
    let order = wish.order(&visitor, Basis::Any)?;
    outcome(reception.faces.settings.reread(order).await)
}

/// `POST /api/v1/config/confirm`: what is on trial stays.
pub(super) async fn confirm(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let by = visitor.name;
    let was_on_trial = ask(&reception, move |door| door.confirm(&by)).await?;
    if !was_on_trial {
        let detail = "Nothing is on trial: the change stands, or was taken back already.";
        return Err(Problem::new(StatusCode::CONFLICT, "nothing_on_trial", detail));
    }
    Ok(Json(json!({ "confirmed": true })).into_response())
}

/// `GET /api/v1/config/history`: every kept version, the newest first.
pub(super) async fn history(State(reception): Shared) -> Result<Response, Problem> {
    let items = ask(&reception, |door| door.history()).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

/// `GET /api/v1/config/history/{id}`: one version with its texts.
pub(super) async fn version(State(reception): Shared, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_version())?;
    let found = ask(&reception, move |door| door.version(id))
        .await?
        .ok_or_else(no_version)?;
    let flows: Vec<Value> = found
        .flows
        .iter()
        .map(|(name, text)| json!({ "name": name, "text": text }))
        .collect();
    let mut body = serde_json::to_value(&found).unwrap_or_default();
    body["flows"] = flows.into();
    Ok(Json(body).into_response())
}

/// `POST /api/v1/config/history/{id}/return`: goes back to a version.
pub(super) async fn go_back(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Params(wish): Params<Wish>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_version())?;
    let order = wish.order(&visitor, Basis::Any)?;
    let done = reception.faces.settings.go_back(id, order).await;
    outcome(done.ok_or_else(no_version)?)
}

fn no_version() -> Problem {
    Problem::not_found("There is no such version; `GET /api/v1/config/history` lists those that are kept.")
}

/// Every mistake of a text of this part.
pub(super) async fn check_part(reception: &Reception, part: Part, text: String) -> Result<Response, Problem> {
    let draft = Draft {
        part,
        text: Some(text),
    };
    let checked = ask(reception, move |door| door.check(&draft)).await?;
    Ok(asked(found_wrong(&checked)))
}

/// What a text of this part would change.
pub(super) async fn diff_part(reception: &Reception, part: Part, text: String) -> Result<Response, Problem> {
    let draft = Draft {
        part,
        text: Some(text),
    };
    let (checked, changes) = ask(reception, move |door| door.diff(&draft)).await?;
    let mut body = found_wrong(&checked);
    body["needs_restart"] = changes.iter().any(|change| !change.at_once).into();
    body["calls"] = "Calls under way keep the flow, the group and the rules they began with; the next call goes by the new \
                     ones. Agents and trunks that are removed finish the calls they have."
        .into();
    body["changes"] = serde_json::to_value(changes).unwrap_or_default();
    Ok(asked(body))
}

/// Makes a change.
pub(super) async fn change(
    reception: &Reception,
    part: Part,
    text: Option<String>,
    order: ChangeOrder,
) -> Result<Response, Problem> {
    let draft = Draft { part, text };
    outcome(reception.faces.settings.apply(draft, order).await)
}

/// Asks the desk what it answers from the disk or by computing.
pub(in crate::http) async fn ask<T: Send + 'static>(
    reception: &Reception,
    question: impl FnOnce(&dyn SettingsDoor) -> T + Send + 'static,
) -> Result<T, Problem> {
    let door = Arc::clone(&reception.faces.settings);
    let answer = tokio::task::spawn_blocking(move || question(&*door)).await;
    answer.map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))
}

/// What the change was made from: `If-Match` (RFC 9110 §13.1.1), or `If-None-Match: *` for what is not there yet.
pub(super) fn basis(headers: &HeaderMap) -> Result<Basis, Problem> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (Some("*"), _) => Ok(Basis::Any),
        (Some(tag), _) => Ok(Basis::Tag(
            tag.trim_start_matches("W/").trim_matches('"').to_owned(),
        )),
        (None, Some("*")) => Ok(Basis::Nothing),
        (None, _) => Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition_required",
            "Send `If-Match` with the ETag of the text you changed, so that nobody else's change is lost; \
             `If-None-Match: *` makes a new flow.",
        )),
    }
}

pub(super) fn tagged(etag: &str, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

pub(super) fn text_answer(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/toml; charset=utf-8")], text).into_response()
}

/// The answer to a question, which is not written down as a deed.
pub(super) fn asked(body: Value) -> Response {
    let mut response = Json(body).into_response();
    response.extensions_mut().insert(OnlyAsked);
    response
}

fn found_wrong(checked: &Checked) -> Value {
    json!({
        "ok": checked.mistakes.is_empty(),
        "mistakes": checked.mistakes,
        "warnings": checked.warnings,
    })
}

fn outcome(done: Result<Applied, Refused>) -> Result<Response, Problem> {
    match done {
        Ok(applied) => {
            let etag = applied.etag.clone();
            Ok(tagged(&etag, Json(applied).into_response()))
        }
        Err(refused) => Err(refusal(refused)),
    }
}

/// Why nothing was changed, with its cure.
pub(in crate::http) fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::Mistakes(checked) => mistakes(&checked),
        Refused::Overtaken { etag } => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "changed_meanwhile",
            "Somebody else changed this text meanwhile. Load it again and put your change into it.",
        )
        .with("etag", etag),
        Refused::ChangedOnDisk { file } => Problem::new(
            StatusCode::CONFLICT,
            "changed_on_disk",
            format!(
                "{file} was changed by hand and is not in use yet. Read it again first: POST /api/v1/config/reload, or \
                 `systemctl reload callpost`."
            ),
        ),
        Refused::ReadOnly(ReadOnly {
            place,
            problem,
            cure,
        }) => Problem::new(
            StatusCode::CONFLICT,
            "read_only",
            format!("{place} {problem}. Nothing was changed. Cure: {cure}."),
        )
        .with("place", place)
        .with("cure", cure),
        Refused::AtTheBox { key } => Problem::new(
            StatusCode::FORBIDDEN,
            "at_the_box_only",
            format!(
                "`{key}` names a program that the box starts. It is changed in the file by whoever is at the box, and never \
                 over the network."
            ),
        )
        .with("key", key),
        Refused::Unknown => Problem::not_found("There is no such flow."),
    }
}

pub(super) fn mistakes(checked: &Checked) -> Problem {
    let first = checked.mistakes.first().map(ToString::to_string);
    let count = checked.mistakes.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let detail = format!(
        "{count} {noun}; the running configuration stays. {}",
        first.unwrap_or_default()
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "mistakes", detail)
        .with(
            "mistakes",
            serde_json::to_value(&checked.mistakes).unwrap_or_default(),
        )
        .with(
            "warnings",
            serde_json::to_value(&checked.warnings).unwrap_or_default(),
        )
}

/// The name of a flow in an address.
pub(super) fn flow_part(name: &str) -> Result<Part, Problem> {
    let name = input::name(name)?;
    if name.starts_with('.') {
        return Err(Problem::bad_request(
            "The name of a flow begins with a letter or a digit.",
        ));
    }
    Ok(Part::Flow(name))
}
