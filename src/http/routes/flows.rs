//! The flows, one by one.

use super::Shared;
use super::config::{Wish, ask, basis, change, check_part, diff_part, flow_part, tagged, text_answer};
use super::input::Params;
use super::toml_body::{TomlBody, is_toml_wanted};
use crate::http::people::Visitor;
use crate::http::problem::Problem;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

/// `GET /api/v1/flows`.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let view = reception.faces.settings.look().await;
    Ok(Json(json!({ "items": view.flows, "shipped": view.shipped_flows })).into_response())
}

/// `GET /api/v1/flows/{name}`: one with its text; the text alone for who accepts `application/toml`.
pub(super) async fn show(
    State(reception): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let part = flow_part(&name)?;
    let found = ask(&reception, move |door| door.text(&part)).await?;
    let found = found.ok_or_else(|| Problem::not_found("There is no such flow."))?;
    let etag = found.etag.clone();
    let answer = if is_toml_wanted(&headers) {
        text_answer(found.text)
    } else {
        Json(json!({ "name": name, "text": found.text, "etag": found.etag, "file": found.file }))
            .into_response()
    };
    Ok(tagged(&etag, answer))
}

/// `POST /api/v1/flows/{name}/check`: every mistake that this text of the flow would bring.
pub(super) async fn check(
    State(reception): Shared,
    Path(name): Path<String>,
    TomlBody(text): TomlBody,
) -> Result<Response, Problem> {
    check_part(&reception, flow_part(&name)?, text).await
}

/// `POST /api/v1/flows/{name}/diff`: what it would change.
pub(super) async fn diff(
    State(reception): Shared,
    Path(name): Path<String>,
    TomlBody(text): TomlBody,
) -> Result<Response, Problem> {
    diff_part(&reception, flow_part(&name)?, text).await
}

/// `PUT /api/v1/flows/{name}`: changes a flow, or makes one.
pub(super) async fn replace(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Params(wish): Params<Wish>,
    headers: HeaderMap,
    TomlBody(text): TomlBody,
) -> Result<Response, Problem> {
    let order = wish.order(&visitor, basis(&headers)?)?;
    change(&reception, flow_part(&name)?, Some(text), order).await
}

/// `DELETE /api/v1/flows/{name}`: takes a flow away that nothing leads to.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Params(wish): Params<Wish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let order = wish.order(&visitor, basis(&headers)?)?;
    change(&reception, flow_part(&name)?, None, order).await
}
