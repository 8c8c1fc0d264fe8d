use super::frame::{Frame, Here};
use super::words::{Chosen, Words};
use super::{render, text};
use crate::http::people::{
    ClaimCode, Hash, MAX_NAME, PasswordMistake, Role, Visitor, check_choice, check_name, cookie, no_cookie,
    same_origin, session_cookie,
};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::http::serve::Peer;
use crate::http::witness;
use crate::store::{Accounts, StoreError};
use askama::Template;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, extract::rejection::FormRejection};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

#[derive(Template)]
#[template(path = "login.html", config = "src/http/askama.toml")]
struct LoginPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    way_in: WayIn,
    mistake: String,
    /// The name that was typed, so that nobody types it twice.
    typed_name: &'a str,
}

/// Which form the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WayIn {
    /// Name and password.
    LogIn,
    /// The claim code and a new account.
    Claim,
    /// Neither is possible.
    Nothing,
}

/// `GET /login`: the form, or straight on for somebody who is logged in already.
pub(in crate::http) async fn login(
    State(reception): Shared,
    Chosen(words): Chosen,
    headers: HeaderMap,
) -> Response {
    if let Some(secret) = session_cookie(&headers)
        && reception.session_holder(secret).await.is_some()
    {
        return Redirect::to("/").into_response();
    }
    form(&reception, words, StatusCode::OK, String::new(), "").await
}

/// What the login form sends.
#[derive(Deserialize)]
pub(in crate::http) struct LoginForm {
    name: String,
    password: String,
}

/// `POST /login`: a session for a name and its password. An unknown name takes as long as a wrong password and reads
/// the same.
pub(in crate::http) async fn log_in(
    State(reception): Shared,
    Chosen(words): Chosen,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: Result<Form<LoginForm>, FormRejection>,
) -> Response {
    let Form(LoginForm { name, password }) = match sent {
        Ok(sent) => sent,
        Err(rejection) => return Problem::of_status(rejection.status()).into_response(),
    };
    let name = tidy(&name);
    let from = peer.as_ref().map(|Extension(peer)| *peer);
    if let Some(refusal) = not_now(&reception, words, peer, &headers, &name).await {
        return refusal;
    }
    let wanted = name.clone();
    let user = match reception.accounts(move |accounts| accounts.user(&wanted)).await {
        Ok(user) => user,
        Err(_) => {
            return form(
                &reception,
                words,
                StatusCode::SERVICE_UNAVAILABLE,
                words.try_again.to_owned(),
                &name,
            )
            .await;
        }
    };
    let (hash, role) = match user {
        Some(user) => (Hash::stored(user.password_hash), Some(Role::parse(&user.role))),
        None => (Hash::of_nobody(), None),
    };
    let fits = reception.password_fits(hash.clone(), password).await;
    let Some(role) = role.filter(|_| fits) else {
        tracing::warn!("A login failed: name or password was wrong.");
        return form(
            &reception,
            words,
            StatusCode::UNAUTHORIZED,
            words.wrong_login.to_owned(),
            &name,
        )
        .await;
    };
    tracing::info!(user = %name, "{name} logged in.");
    witness::logged_in(&reception, &name, "/login", from.as_ref()).await;
    welcome(&reception, name, role, &hash.into_phc(), from.as_ref(), &headers).await
}

/// What the claim form sends.
#[derive(Deserialize)]
pub(in crate::http) struct ClaimForm {
    code: String,
    name: String,
    password: String,
}

/// `POST /claim`: the first account of a new box, for the one who knows the code that was printed at its start.
pub(in crate::http) async fn claim(
    State(reception): Shared,
    Chosen(words): Chosen,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: Result<Form<ClaimForm>, FormRejection>,
) -> Response {
    let Form(ClaimForm { code, name, password }) = match sent {
        Ok(sent) => sent,
        Err(rejection) => return Problem::of_status(rejection.status()).into_response(),
    };
    let name = tidy(&name);
    let from = peer.as_ref().map(|Extension(peer)| *peer);
    if let Some(refusal) = not_now(&reception, words, peer, &headers, &name).await {
        return refusal;
    }
    if let Some(mistake) = mistake(words, &name, &password) {
        return form(
            &reception,
            words,
            StatusCode::UNPROCESSABLE_ENTITY,
            mistake.to_owned(),
            &name,
        )
        .await;
    }
    match make_admin(&reception, words, ClaimCode::typed(&code), &name, password).await {
        Ok(hash) => {
            tracing::info!(user = %name, "{name} claimed this box with the code and is its first administrator.");
            witness::logged_in(&reception, &name, "/claim", from.as_ref()).await;
            welcome(&reception, name, Role::Admin, &hash, from.as_ref(), &headers).await
        }
        Err((status, mistake)) => form(&reception, words, status, mistake.to_owned(), &name).await,
    }
}

/// `POST /logout`.
pub(in crate::http) async fn log_out(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    if let Some(secret) = session_cookie(&headers) {
        reception.end_session(secret).await;
    }
    tracing::info!(user = %visitor.name, "{} logged out.", visitor.name);
    ([(header::SET_COOKIE, no_cookie())], Redirect::to("/login")).into_response()
}

/// Names are compared without the blanks around them.
fn tidy(name: &str) -> String {
    name.trim().chars().take(MAX_NAME + 1).collect()
}

/// Refuses a form of a foreign page, and the eleventh attempt of a minute.
async fn not_now(
    reception: &Reception,
    words: &'static Words,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    name: &str,
) -> Option<Response> {
    // A program that logs in sends no Origin and no cookie of somebody else either; a browser always sends one.
    if headers.contains_key(header::ORIGIN) && !same_origin(headers) {
        return Some(
            form(
                reception,
                words,
                StatusCode::FORBIDDEN,
                words.foreign_form.to_owned(),
                name,
            )
            .await,
        );
    }
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(address))| {
        address.ip()
    });
    let wait = reception.count_attempt(from).err()?;
    tracing::warn!(%from, "Too many attempts to log in, the last one from {from}.");
    let seconds = wait.max(Duration::from_secs(1)).as_secs().to_string();
    let mistake = text::fill(words.too_many, &[("n", &seconds)]);
    let mut refusal = form(reception, words, StatusCode::TOO_MANY_REQUESTS, mistake, name).await;
    if let Ok(seconds) = seconds.parse() {
        refusal.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Some(refusal)
}

fn mistake(words: &'static Words, name: &str, password: &str) -> Option<&'static str> {
    if check_name(name).is_err() {
        return Some(words.bad_name);
    }
    match check_choice(password) {
        Ok(()) => None,
        Err(PasswordMistake::TooShort) => Some(words.password_short),
        Err(PasswordMistake::TooLong) => Some(words.password_long),
    }
}

/// Uses the code up for an account and returns its password's hash, or says what went wrong.
async fn make_admin(
    reception: &Reception,
    words: &'static Words,
    code: ClaimCode,
    name: &str,
    password: String,
) -> Result<String, (StatusCode, &'static str)> {
    let later = (StatusCode::SERVICE_UNAVAILABLE, words.try_again);
    let code = code.hash();
    let expected = reception.accounts(open_claim).await.map_err(|_| later)?;
    // Looked at before the work of hashing, and again by the store when it makes the account.
    let claimed = if expected.as_ref() == Some(&code) {
        let hash = reception.hash_password(password).await.ok_or(later)?.into_phc();
        let (name, kept, role) = (name.to_owned(), hash.clone(), Role::Admin.as_str());
        let claim = move |accounts: &Accounts| accounts.claim(&code, &name, &kept, role);
        reception
            .accounts(claim)
            .await
            .map_err(|_| later)?
            .then_some(hash)
    } else {
        None
    };
    claimed.ok_or_else(|| {
        tracing::warn!("A claim of this box failed: the code was wrong or has been used.");
        (StatusCode::FORBIDDEN, words.wrong_code)
    })
}

/// The hash of the claim code, while nobody has an account.
fn open_claim(accounts: &Accounts) -> Result<Option<String>, StoreError> {
    if accounts.users()?.is_empty() {
        accounts.claim_code_hash()
    } else {
        Ok(None)
    }
}

async fn welcome(
    reception: &Reception,
    name: String,
    role: Role,
    hash: &str,
    from: Option<&Peer>,
    headers: &HeaderMap,
) -> Response {
    let secret = reception.begin_session(name, role, hash, from, headers).await;
    ([(header::SET_COOKIE, cookie(&secret))], Redirect::to("/")).into_response()
}

async fn form(
    reception: &Reception,
    words: &'static Words,
    status: StatusCode,
    mistake: String,
    typed_name: &str,
) -> Response {
    let open = |accounts: &Accounts| Ok((accounts.users()?.is_empty(), open_claim(accounts)?.is_some()));
    let way_in = match reception.accounts(open).await {
        Ok((true, true)) => WayIn::Claim,
        Ok((true, false)) => WayIn::Nothing,
        Ok((false, _)) | Err(_) => WayIn::LogIn,
    };
    let page = LoginPage {
        w: words,
        frame: Frame::new(reception, words, None, Here::Elsewhere, "/login"),
        way_in,
        mistake,
        typed_name,
    };
    render(status, &page)
}
