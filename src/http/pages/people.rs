use super::frame::{Frame, Here};
use super::render;
use super::text::{date_and_time, fill};
use super::words::{Chosen, PeopleWords, Words, people as words_of};
use crate::http::people::{
    PeopleError, PersonView, Role, Scope, SessionView, TokenView, TokenWish, Visitor, scope_names,
};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::{Refusal, Shared, after_days, make_token, own_password, stamp, token_list};
use crate::http::serve::Peer;
use crate::http::witness::Deed;
use crate::model::Stamp;
use askama::Template;
use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How many days a token lasts unless another choice is made.
const USUAL_LIFE: &str = "365";

#[derive(Template)]
#[template(path = "people.html", config = "src/http/askama.toml")]
struct PeoplePage<'a> {
    w: &'static Words,
    p: &'static PeopleWords,
    frame: Frame<'a>,
    mistake: String,
    done: String,
    secret: Option<Secret>,
    is_admin: bool,
    is_person: bool,
    you_are: String,
    own_name: &'a str,
    people: Vec<PersonRow>,
    /// Every role with its name.
    roles: Vec<(&'static str, &'static str)>,
    tokens: Vec<TokenRow>,
    /// Every scope with what it allows, and whether it was ticked.
    scopes: Vec<(&'static str, &'static str, bool)>,
    /// How long a token may last: days, and in words.
    lives: Vec<(&'static str, String)>,
    sessions: Vec<SessionRow>,
    /// Where a session is ended: among one's own, or among all.
    end_at: &'static str,
    typed_name: String,
    typed_token: String,
    typed_days: String,
}

/// What is shown once.
struct Secret {
    title: String,
    text: String,
}

struct PersonRow {
    name: String,
    role: &'static str,
    last_login: String,
}

struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    made: String,
    made_by: String,
    ends: String,
    last_used: String,
    state: &'static str,
    state_word: &'static str,
    is_valid: bool,
}

struct SessionRow {
    id: String,
    user: String,
    since: String,
    last_used: String,
    from: String,
    browser: String,
    is_current: bool,
}

/// What came of an act.
#[derive(Default)]
struct Outcome {
    mistake: String,
    done: String,
    secret: Option<Secret>,
    /// For the audit log.
    deed: String,
    /// What was typed, so that nobody types it twice.
    typed: Option<Order>,
}

/// `GET /people`: one's own account; for an administrator everybody's, and the tokens of programs.
pub(in crate::http) async fn people(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    show(
        &reception,
        words,
        &visitor,
        &headers,
        StatusCode::OK,
        Outcome::default(),
    )
    .await
}

/// What the forms of the page send; a scope is sent under its own name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Order {
    act: String,
    name: String,
    role: String,
    password: String,
    id: String,
    days: String,
    old: String,
    new: String,
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

/// `POST /people`: an administrator looks after people and tokens.
pub(in crate::http) async fn change_people(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(order)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let p = words_of(words.lang);
    let typed = order.clone();
    let done = match order.act.as_str() {
        "add" => add(&reception, p, order).await,
        "role" => set_role(&reception, p, order).await,
        "password" => set_password(&reception, p, order).await,
        "remove" => remove(&reception, p, order).await,
        "token" => new_token(&reception, p, &visitor, order).await,
        "revoke" => revoke(&reception, p, order).await,
        "end" => end_session(&reception, p, &order.id, None).await,
        _ => Err(Refusal::Other(Problem::bad_request("There is no such act."))),
    };
    answer(&reception, words, &visitor, &headers, done, typed).await
}

/// `POST /people/me`: a person changes their own password, or ends one of their sessions.
pub(in crate::http) async fn change_me(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(order)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let p = words_of(words.lang);
    let done = match order.act.as_str() {
        "password" => {
            let peer = peer.map(|Extension(peer)| peer);
            let Order { old, new, .. } = order;
            own_password(&reception, &visitor, peer, &headers, old, new)
                .await
                .map(|()| Outcome::said(p.password_changed.to_owned(), "password".to_owned()))
        }
        "end" if visitor.is_person() => {
            end_session(&reception, p, &order.id, Some(visitor.name.clone())).await
        }
        _ => Err(Refusal::Other(Problem::bad_request("There is no such act."))),
    };
    answer(&reception, words, &visitor, &headers, done, Default::default()).await
}

/// The status of a refusal, and why in the page's language.
fn told(refusal: &Refusal, w: &'static Words) -> (StatusCode, String) {
    let p = words_of(w.lang);
    let (status, said) = match refusal {
        Refusal::Desk(error) => match error {
            PeopleError::BadName => (StatusCode::UNPROCESSABLE_ENTITY, w.bad_name),
            PeopleError::PasswordShort => (StatusCode::UNPROCESSABLE_ENTITY, w.password_short),
            PeopleError::PasswordLong => (StatusCode::UNPROCESSABLE_ENTITY, w.password_long),
            PeopleError::NoScope => (StatusCode::UNPROCESSABLE_ENTITY, p.no_scope),
            PeopleError::NameTaken => (StatusCode::CONFLICT, p.name_taken),
            PeopleError::LastAdmin => (StatusCode::CONFLICT, p.last_admin),
            PeopleError::NoSuchPerson => (StatusCode::NOT_FOUND, p.nobody),
            PeopleError::NoSuchToken => (StatusCode::NOT_FOUND, p.gone),
            PeopleError::UnknownRole | PeopleError::UnknownScope(_) | PeopleError::EndsInThePast => {
                return (StatusCode::BAD_REQUEST, error.to_string());
            }
            PeopleError::NoMemory | PeopleError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, w.try_again),
        },
        Refusal::Other(problem) => match problem.code() {
            "wrong_password" => (problem.status(), p.wrong_old),
            "not_found" => (problem.status(), p.gone),
            "too_many_requests" => {
                let seconds = problem.retry_after_seconds().unwrap_or(1).to_string();
                return (problem.status(), fill(w.too_many, &[("n", &seconds)]));
            }
            _ => return (problem.status(), problem.detail().to_owned()),
        },
    };
    (status, said.to_owned())
}

impl Outcome {
    fn said(done: String, deed: String) -> Self {
        Self {
            done,
            deed,
            ..Self::default()
        }
    }
}

async fn add(reception: &Reception, p: &PeopleWords, order: Order) -> Result<Outcome, Refusal> {
    let Order {
        name, role, password, ..
    } = order;
    let name = name.trim().to_owned();
    let (wanted, as_role) = (name.clone(), role.clone());
    let chosen = Some(password).filter(|password| !password.is_empty());
    let made = reception
        .people(move |desk| desk.add_person(&wanted, &as_role, chosen.as_deref()))
        .await?;
    let said = fill(p.added, &[("who", &name)]);
    let outcome = Outcome::said(said, format!("add {name}, {role}"));
    Ok(with_password(outcome, p, &name, made))
}

async fn set_role(reception: &Reception, p: &PeopleWords, order: Order) -> Result<Outcome, Refusal> {
    let Order { name, role, .. } = order;
    let (whose, wanted) = (name.clone(), role.clone());
    reception
        .people(move |desk| desk.set_role(&whose, &wanted))
        .await?;
    let said = fill(p.role_changed, &[("who", &name), ("role", p.role_name(&role))]);
    Ok(Outcome::said(said, format!("role {name}, {role}")))
}

async fn set_password(reception: &Reception, p: &PeopleWords, order: Order) -> Result<Outcome, Refusal> {
    let name = order.name;
    let whose = name.clone();
    let made = reception
        .people(move |desk| desk.set_password(&whose, None, None))
        .await?;
    let said = fill(p.password_set, &[("who", &name)]);
    Ok(with_password(
        Outcome::said(said, format!("password {name}")),
        p,
        &name,
        made,
    ))
}

async fn remove(reception: &Reception, p: &PeopleWords, order: Order) -> Result<Outcome, Refusal> {
    let name = order.name;
    let whose = name.clone();
    reception.people(move |desk| desk.remove_person(&whose)).await?;
    let said = fill(p.removed, &[("who", &name)]);
    Ok(Outcome::said(said, format!("remove {name}")))
}

async fn new_token(
    reception: &Reception,
    p: &PeopleWords,
    visitor: &Visitor,
    order: Order,
) -> Result<Outcome, Refusal> {
    let scopes: Vec<String> = scope_names()
        .filter(|scope| order.ticked.contains_key(*scope))
        .map(str::to_owned)
        .collect();
    let now = reception.faces.outside.wall().unix_ms;
    let expires_ms = match order.days.parse() {
        Ok(days) => Some(after_days(now, days)?),
        Err(_) => None,
    };
    let wish = TokenWish {
        name: order.name,
        scopes,
        expires_ms,
        by: visitor.name.clone(),
    };
    // The rules that the page says in its own words.
    if wish.scopes.is_empty() {
        return Err(PeopleError::NoScope.into());
    }
    crate::http::people::check_name(&wish.name)?;
    let (token, text) = make_token(reception, wish).await?;
    let deed = format!("token {}, {}: {}", token.id, token.name, token.scopes.join(" "));
    Ok(Outcome {
        secret: Some(Secret {
            title: fill(p.token_is, &[("who", &token.name)]),
            text,
        }),
        ..Outcome::said(fill(p.token_made, &[("who", &token.name)]), deed)
    })
}

async fn revoke(reception: &Reception, p: &PeopleWords, order: Order) -> Result<Outcome, Refusal> {
    let Order { id, name, .. } = order;
    let which = id.clone();
    reception.people(move |desk| desk.revoke_token(&which)).await?;
    let said = fill(p.revoked_now, &[("who", &name)]);
    Ok(Outcome::said(said, format!("revoke {id}")))
}

async fn end_session(
    reception: &Reception,
    p: &PeopleWords,
    id: &str,
    of: Option<String>,
) -> Result<Outcome, Refusal> {
    if !reception.end_session_named(id, of).await? {
        return Err(Problem::not_found("The session has ended.").into());
    }
    Ok(Outcome::said(p.session_ended.to_owned(), format!("end {id}")))
}

fn with_password(outcome: Outcome, p: &PeopleWords, name: &str, made: Option<String>) -> Outcome {
    Outcome {
        secret: made.map(|text| Secret {
            title: fill(p.password_is, &[("who", name)]),
            text,
        }),
        ..outcome
    }
}

async fn answer(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    headers: &HeaderMap,
    done: Result<Outcome, Refusal>,
    typed: Order,
) -> Response {
    match done {
        Ok(outcome) => {
            let deed = Deed(outcome.deed.clone());
            let page = show(reception, words, visitor, headers, StatusCode::OK, outcome).await;
            (Extension(deed), page).into_response()
        }
        Err(refusal) => {
            let (status, mistake) = told(&refusal, words);
            let outcome = Outcome {
                mistake,
                typed: Some(typed),
                ..Outcome::default()
            };
            show(reception, words, visitor, headers, status, outcome).await
        }
    }
}

async fn show(
    reception: &Reception,
    w: &'static Words,
    visitor: &Visitor,
    headers: &HeaderMap,
    status: StatusCode,
    outcome: Outcome,
) -> Response {
    let p = words_of(w.lang);
    let is_admin = visitor.may(Scope::Admin);
    let is_person = visitor.is_person();
    let Look {
        people,
        tokens,
        sessions,
        role,
    } = match look(reception, visitor, headers).await {
        Ok(look) => look,
        Err(problem) => return problem.into_response(),
    };
    let you_are = if is_person {
        let role = p.role_name(role);
        fill(p.you_are, &[("who", &visitor.name), ("role", role)])
    } else {
        p.you_are_a_token.to_owned()
    };
    let typed = |act: &str| {
        outcome
            .typed
            .clone()
            .filter(|typed| typed.act == act)
            .unwrap_or_default()
    };
    let token = typed("token");
    let page = PeoplePage {
        w,
        p,
        frame: Frame::new(reception, w, Some(visitor), Here::People, "/people"),
        mistake: outcome.mistake,
        done: outcome.done,
        secret: outcome.secret,
        is_admin,
        is_person,
        you_are,
        own_name: &visitor.name,
        people: people.iter().map(|one| person_row(p, one)).collect(),
        roles: Role::ALL
            .map(|role| (role.as_str(), p.role_name(role.as_str())))
            .to_vec(),
        tokens: tokens.iter().map(|one| token_row(p, one)).collect(),
        scopes: scope_names()
            .map(|name| (name, p.scope_says(name), token.ticked.contains_key(name)))
            .collect(),
        lives: lives(p),
        sessions: sessions.into_iter().map(|one| session_row(p, one)).collect(),
        end_at: if is_admin { "/people" } else { "/people/me" },
        typed_name: typed("add").name,
        typed_token: token.name,
        typed_days: if token.act.is_empty() {
            USUAL_LIFE.to_owned()
        } else {
            token.days
        },
    };
    render(status, &page)
}

/// What the page shows, as far as the visitor may see it.
struct Look {
    people: Vec<PersonView>,
    tokens: Vec<TokenView>,
    sessions: Vec<SessionView>,
    role: &'static str,
}

async fn look(reception: &Reception, visitor: &Visitor, headers: &HeaderMap) -> Result<Look, Problem> {
    let stamp = stamp(reception);
    let users = reception.accounts(|accounts| accounts.users()).await?;
    let own = users.iter().find(|user| user.name == visitor.name);
    let role = own.map_or("viewer", |user| Role::parse(&user.role).as_str());
    if !visitor.may(Scope::Admin) {
        let own = Some(visitor.name.clone());
        let sessions = match visitor.is_person() {
            true => reception.session_list(own, headers, stamp).await?,
            false => Vec::new(),
        };
        return Ok(Look {
            people: Vec::new(),
            tokens: Vec::new(),
            sessions,
            role,
        });
    }
    Ok(Look {
        people: users.iter().map(|user| PersonView::of(user, &stamp)).collect(),
        tokens: token_list(reception).await?,
        sessions: reception.session_list(None, headers, stamp).await?,
        role,
    })
}

fn person_row(p: &PeopleWords, one: &PersonView) -> PersonRow {
    PersonRow {
        name: one.name.clone(),
        role: one.role,
        last_login: time_or(one.last_login_at, p.never),
    }
}

fn token_row(p: &PeopleWords, one: &TokenView) -> TokenRow {
    let (state, state_word) = match one.state {
        "valid" => ("good", p.valid),
        "expired" => ("warn", p.expired),
        _ => ("bad", p.revoked),
    };
    let by = one.created_by.as_deref();
    TokenRow {
        id: one.id.clone(),
        name: one.name.clone(),
        scopes: one.scopes.join(" "),
        made: date_and_time(one.created_at),
        made_by: by.map_or_else(String::new, |who| fill(p.made_by, &[("who", who)])),
        ends: time_or(one.expires_at, p.never_ends),
        last_used: time_or(one.last_used_at, p.never),
        state,
        state_word,
        is_valid: one.state == "valid",
    }
}

fn session_row(p: &PeopleWords, one: SessionView) -> SessionRow {
    SessionRow {
        id: one.id,
        user: one.user,
        since: date_and_time(one.created_at),
        last_used: time_or(one.last_used_at, p.never),
        from: one.from.unwrap_or_default(),
        browser: one.browser.unwrap_or_default(),
        is_current: one.current,
    }
}

fn lives(p: &PeopleWords) -> Vec<(&'static str, String)> {
    let mut lives: Vec<_> = ["30", "90", "365"]
        .map(|days| (days, fill(p.days, &[("n", days)])))
        .to_vec();
    lives.push(("", p.until_revoked.to_owned()));
    lives
}

fn time_or(time: Option<Stamp>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), date_and_time)
}
