//! Tokens of programs.

use super::Shared;
use super::input::{self, JsonBody};
use super::people::{problem, stamp};
use crate::http::people::{TokenKey, TokenView, TokenWish, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::witness::Deed;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Longest life of a token that is given in days.
const MOST_DAYS: u32 = 3660;

/// `GET /api/v1/tokens`: every token ever made, the newest first.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    Ok(Json(json!({ "items": token_list(&reception).await? })).into_response())
}

/// The body of `POST /api/v1/tokens`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    expires_days: Option<u32>,
}

/// `POST /api/v1/tokens`: 201 with the token, which no later answer shows.
pub(super) async fn make(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(wish): JsonBody<NewToken>,
) -> Result<Response, Problem> {
    let now = reception.faces.outside.wall().unix_ms;
    let expires_ms = match (&wish.expires_at, wish.expires_days) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(
                "Give `expires_at` or `expires_days`, not both.",
            ));
        }
        (Some(time), None) => Some(input::time_ms("expires_at", time)?),
        (None, days) => days.map(|days| after_days(now, days)).transpose()?,
    };
    let wish = TokenWish {
        name: wish.name,
        scopes: wish.scopes,
        expires_ms,
        by: visitor.name.clone(),
    };
    let (token, text) = make_token(&reception, wish).await?;
    let deed = Deed(format!(
        "{}, {}: {}",
        token.id,
        token.name,
        token.scopes.join(" ")
    ));
    tracing::info!(token = %token.id, name = %token.name, by = %visitor.name, "The token {} was made by {}.", token.name, visitor.name);
    let mut shown = json!(token);
    shown["token"] = text.into();
    Ok((StatusCode::CREATED, Extension(deed), Json(shown)).into_response())
}

/// `DELETE /api/v1/tokens/{id}`: 204; the next request with it is refused, and streams that were opened with it end.
pub(super) async fn revoke(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let which = id.clone();
    reception
        .people(move |desk| desk.revoke_token(&which))
        .await
        .map_err(problem)?;
    tracing::info!(token = %id, by = %visitor.name, "The token {id} was revoked by {}.", visitor.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Every token as lists show it, the newest first.
pub(in crate::http) async fn token_list(reception: &Reception) -> Result<Vec<TokenView>, Problem> {
    let tokens = reception.accounts(|accounts| accounts.tokens()).await?;
    let now = reception.faces.outside.wall().unix_ms;
    let stamp = stamp(reception);
    Ok(tokens
        .iter()
        .map(|token| TokenView::of(token, now, &stamp))
        .collect())
}

/// Makes a token: how lists show it, and the token itself.
pub(in crate::http) async fn make_token(
    reception: &Reception,
    wish: TokenWish,
) -> Result<(TokenView, String), Problem> {
    let now = reception.faces.outside.wall().unix_ms;
    let (TokenKey(id), text) = reception
        .people(move |desk| desk.make_token(now, &wish))
        .await
        .map_err(problem)?;
    let made = token_list(reception)
        .await?
        .into_iter()
        .find(|token| token.id == id);
    let token = made.ok_or_else(|| Problem::not_found("The token is gone already."))?;
    Ok((token, text))
}

/// So many days from now, in ms since 1970.
pub(in crate::http) fn after_days(now: i64, days: u32) -> Result<i64, Problem> {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::bad_request(format!(
            "`expires_days` must be between 1 and {MOST_DAYS}."
        )));
    }
    Ok(now.saturating_add(i64::from(days).saturating_mul(DAY_MS)))
}
