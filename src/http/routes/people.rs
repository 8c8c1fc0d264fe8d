//! Who may log in, who is logged in, and what a visitor may know and change of themselves.

use super::Shared;
use super::input::{self, JsonBody};
use crate::http::people::{Hash, PeopleError, PersonView, Role, SessionView, Visitor, session_cookie};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::serve::Peer;
use crate::http::witness::Deed;
use crate::store::AuditWay;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// `GET /api/v1/users`: everybody who may log in, by name.
pub(super) async fn list(State(reception): Shared) -> Result<Response, Problem> {
    let users = reception.accounts(|accounts| accounts.users()).await?;
    let stamp = stamp(&reception);
    let items: Vec<PersonView> = users.iter().map(|user| PersonView::of(user, &stamp)).collect();
    Ok(Json(json!({ "items": items })).into_response())
}

/// `GET /api/v1/users/{name}`.
pub(super) async fn show(State(reception): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    Ok(Json(view(&reception, name).await?).into_response())
}

/// The body of `POST /api/v1/users`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    name: String,
    role: String,
    #[serde(default)]
    password: Option<String>,
}

/// `POST /api/v1/users`: 201. Without a password one is made, and shown in this answer alone.
pub(super) async fn add(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    JsonBody(wish): JsonBody<NewPerson>,
) -> Result<Response, Problem> {
    let NewPerson { name, role, password } = wish;
    let name = name.trim().to_owned();
    let (wanted, as_role) = (name.clone(), role.clone());
    let made = reception
        .people(move |desk| desk.add_person(&wanted, &as_role, password.as_deref()))
        .await
        .map_err(problem)?;
    tracing::info!(user = %name, %role, by = %visitor.name, "{name} may log in as {role} now, says {}.", visitor.name);
    let deed = Deed(format!("{name}, {role}"));
    let shown = with_password(view(&reception, name).await?, made)?;
    Ok((StatusCode::CREATED, Extension(deed), Json(shown)).into_response())
}

/// The body of `PUT /api/v1/users/{name}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: String,
}

/// `PUT /api/v1/users/{name}`: gives somebody another role, which counts from the next request on.
pub(super) async fn change(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(NewRole { role }): JsonBody<NewRole>,
) -> Result<Response, Problem> {
    let (whose, wanted) = (name.clone(), role.clone());
    reception
        .people(move |desk| desk.set_role(&whose, &wanted))
        .await
        .map_err(problem)?;
    tracing::info!(user = %name, %role, by = %visitor.name, "{name} is {role} now, says {}.", visitor.name);
    let deed = Deed(role);
    Ok((Extension(deed), Json(view(&reception, name).await?)).into_response())
}

/// The body of `POST /api/v1/users/{name}/password`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewPassword {
    password: Option<String>,
}

/// `POST /api/v1/users/{name}/password`: gives somebody another password and ends their sessions. Without one in the body
/// one is made, and shown in this answer alone.
pub(super) async fn set_password(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    JsonBody(NewPassword { password }): JsonBody<NewPassword>,
) -> Result<Response, Problem> {
    let whose = name.clone();
    let made = reception
        .people(move |desk| desk.set_password(&whose, password.as_deref(), None))
        .await
        .map_err(problem)?;
    tracing::info!(user = %name, by = %visitor.name, "{name} has another password, set by {}.", visitor.name);
    let shown = with_password(view(&reception, name).await?, made)?;
    Ok(Json(shown).into_response())
}

/// `DELETE /api/v1/users/{name}`: 204; the sessions end with the account.
pub(super) async fn remove(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let whose = name.clone();
    reception
        .people(move |desk| desk.remove_person(&whose))
        .await
        .map_err(problem)?;
    tracing::info!(user = %name, by = %visitor.name, "{name} was removed by {}.", visitor.name);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/sessions`: everybody who is logged in, the latest first.
pub(super) async fn sessions(State(reception): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    session_items(&reception, None, &headers).await
}

/// `DELETE /api/v1/sessions/{id}`: 204, that browser is asked to log in again.
pub(super) async fn end_session(
    State(reception): Shared,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    end(&reception, &id, None).await
}

/// `GET /api/v1/me`: who asks, and what they may do.
pub(super) async fn me(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let (kind, role) = match visitor.way {
        AuditWay::Page => ("person", role_of(&reception, &visitor).await?),
        AuditWay::Command => ("command", None),
        AuditWay::Token | AuditWay::Key | AuditWay::Phone => ("token", None),
    };
    let scopes: Vec<_> = visitor.scopes.names().collect();
    let me = json!({ "name": visitor.name, "kind": kind, "role": role, "scopes": scopes });
    Ok(Json(me).into_response())
}

/// The body of `POST /api/v1/me/password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPassword {
    old: String,
    new: String,
}

/// `POST /api/v1/me/password`: 204. The old password is asked for, and guesses at it are counted as logins are. Other
/// sessions of the person end.
pub(super) async fn change_own_password(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    JsonBody(OwnPassword { old, new }): JsonBody<OwnPassword>,
) -> Result<Response, Problem> {
    let peer = peer.map(|Extension(peer)| peer);
    own_password(&reception, &visitor, peer, &headers, old, new)
        .await
        .map_err(Refusal::into_problem)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/me/sessions`: where the person is logged in.
pub(super) async fn own_sessions(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = person(&visitor)?;
    session_items(&reception, Some(name), &headers).await
}

/// `DELETE /api/v1/me/sessions/{id}`: 204.
pub(super) async fn end_own_session(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let name = person(&visitor)?;
    end(&reception, &id, Some(name)).await
}

/// Changes the password of whoever is logged in.
pub(in crate::http) async fn own_password(
    reception: &Reception,
    visitor: &Visitor,
    peer: Option<Peer>,
    headers: &HeaderMap,
    old: String,
    new: String,
) -> Result<(), Refusal> {
    let name = person(visitor)?;
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address.ip());
    reception.count_attempt(from).map_err(Problem::too_many)?;
    let wanted = name.clone();
    let user = reception.accounts(move |accounts| accounts.user(&wanted)).await?;
    let user = user.ok_or_else(Problem::unauthorized)?;
    if !reception
        .password_fits(Hash::stored(user.password_hash), old)
        .await
    {
        tracing::warn!(user = %name, "{name} could not change the password: the old one was wrong.");
        let why = "The old password is not right.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_password", why).into());
    }
    let secret = session_cookie(headers).map(str::to_owned);
    let kept = secret.as_deref().map(crate::http::people::Digest::of);
    let whose = name.clone();
    reception
        .people(move |desk| {
            let kept = kept.map(crate::http::people::Digest::to_hex);
            desk.set_password(&whose, Some(&new), kept.as_deref())
        })
        .await?;
    if let Some(secret) = secret {
        reception.keep_session(&secret).await;
    }
    tracing::info!(user = %name, "{name} chose another password.");
    Ok(())
}

/// The name of the person who asks; a token has no password and no sessions.
fn person(visitor: &Visitor) -> Result<String, Problem> {
    if visitor.is_person() {
        return Ok(visitor.name.clone());
    }
    let why = "This is for people who are logged in; a token has no password and no sessions.";
    Err(Problem::new(StatusCode::CONFLICT, "not_a_person", why))
}

async fn role_of(reception: &Reception, visitor: &Visitor) -> Result<Option<&'static str>, Problem> {
    let name = visitor.name.clone();
    let user = reception.accounts(move |accounts| accounts.user(&name)).await?;
    Ok(user.map(|user| Role::parse(&user.role).as_str()))
}

async fn session_items(
    reception: &Reception,
    of: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let items: Vec<SessionView> = reception.session_list(of, headers, stamp(reception)).await?;
    Ok(Json(json!({ "items": items })).into_response())
}

async fn end(reception: &Reception, id: &str, of: Option<String>) -> Result<Response, Problem> {
    if reception.end_session_named(id, of).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(Problem::not_found(
        "There is no session with this id; it may have ended.",
    ))
}

async fn view(reception: &Reception, name: String) -> Result<PersonView, Problem> {
    let user = reception.accounts(move |accounts| accounts.user(&name)).await?;
    let user = user.ok_or_else(|| problem(PeopleError::NoSuchPerson))?;
    Ok(PersonView::of(&user, &stamp(reception)))
}

fn with_password(view: PersonView, made: Option<String>) -> Result<Value, Problem> {
    let mut shown =
        serde_json::to_value(view).map_err(|_| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
    if let Some(password) = made {
        shown["password"] = password.into();
    }
    Ok(shown)
}

/// Times as the site's clock shows them.
pub(in crate::http) fn stamp(reception: &Reception) -> impl Fn(i64) -> crate::model::Stamp + use<> {
    let zone = reception.faces.zone.clone();
    move |unix_ms| input::stamp(&zone, unix_ms)
}

/// Why something about people was not done.
pub(in crate::http) enum Refusal {
    /// The desk says so.
    Desk(PeopleError),
    /// Whoever stands before it.
    Other(Problem),
}

impl Refusal {
    /// As an answer of the API.
    fn into_problem(self) -> Problem {
        match self {
            Self::Desk(error) => problem(error),
            Self::Other(problem) => problem,
        }
    }
}

impl From<PeopleError> for Refusal {
    fn from(error: PeopleError) -> Self {
        Self::Desk(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

/// What the desk could not do, as an answer.
pub(super) fn problem(error: PeopleError) -> Problem {
    let said = format!("{}.", capital(&error.to_string()));
    match error {
        PeopleError::BadName
        | PeopleError::PasswordShort
        | PeopleError::PasswordLong
        | PeopleError::UnknownRole
        | PeopleError::UnknownScope(_)
        | PeopleError::NoScope
        | PeopleError::EndsInThePast => Problem::bad_request(said),
        PeopleError::NameTaken => Problem::new(StatusCode::CONFLICT, "name_taken", said),
        PeopleError::LastAdmin => Problem::new(StatusCode::CONFLICT, "last_admin", said),
        PeopleError::NoSuchPerson | PeopleError::NoSuchToken => Problem::not_found(said),
        PeopleError::NoMemory => Problem::try_later("no_memory", said),
        PeopleError::Store(error) => crate::http::reception::store_unavailable(&error.to_string()),
    }
}

/// A sentence begins with a capital.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).collect()
}
