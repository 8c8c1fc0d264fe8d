//! Phones and agents: who is registered and how well, who is shut out, who is written down.

use super::agent_form::AgentForm;
use super::agent_sheet;
use super::frame::{Frame, Here};
use super::now_view::{BanRow, Painter};
use super::phones_view::{AgentLine, PhoneLine, PhonesView};
use super::render;
use super::words::{Chosen, PhoneWords, Words};
use crate::http::agent_book::{AgentSource, FormFault};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::{Shared, card, cards, take_out, write};
use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};

#[derive(Template)]
#[template(path = "phones.html", config = "src/http/askama.toml")]
struct PhonesPage<'a> {
    w: &'static Words,
    p: &'static PhoneWords,
    frame: Frame<'a>,
    now: PhonesView,
    may_edit: bool,
    /// Rows without words, which the script copies when something new appears.
    blank: Blank,
}

#[derive(Default)]
struct Blank {
    agent: AgentLine,
    phone: PhoneLine,
    ban: BanRow,
}

/// `GET /phones`.
pub(in crate::http) async fn phones(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let (status, now) = match look(&reception, words, &visitor).await {
        Ok(view) => (StatusCode::OK, view),
        Err(problem) => (problem.status(), PhonesView::default()),
    };
    let page = PhonesPage {
        w: words,
        p: words.of_phones(),
        frame: Frame::new(&reception, words, Some(&visitor), Here::Phones, "/phones"),
        now,
        may_edit: visitor.may(Scope::AgentsWrite),
        blank: Blank::default(),
    };
    render(status, &page)
}

/// `GET /phones.json`: the same again, for the page's script.
pub(in crate::http) async fn phones_json(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    Ok(Json(look(&reception, words, &visitor).await?).into_response())
}

async fn look(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
) -> Result<PhonesView, Problem> {
    let snapshot = reception.snapshot().await?;
    let cards = cards(reception).await?;
    let painter = Painter {
        words,
        visitor,
        snapshot: &snapshot,
    };
    Ok(painter.phones(&cards))
}

#[derive(Template)]
#[template(path = "agent.html", config = "src/http/askama.toml")]
struct AgentPage<'a> {
    w: &'static Words,
    p: &'static PhoneWords,
    frame: Frame<'a>,
    form: AgentForm,
    title: String,
    /// What is wrong with what was sent: the field, and what to do.
    mistakes: Vec<(&'static str, String)>,
    groups: Vec<String>,
    trunks: Vec<String>,
    /// Whether it stands in the file, where it is changed.
    is_of_file: bool,
}

/// `GET /phones/agents/new`.
pub(in crate::http) async fn new_agent(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let form = AgentForm::blank();
    show(
        &reception,
        words,
        &visitor,
        StatusCode::OK,
        (form, false),
        Vec::new(),
    )
    .await
}

/// `GET /phones/agents/{id}`.
pub(in crate::http) async fn agent(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    match card(&reception, &id).await {
        Ok(card) => {
            let filled = (AgentForm::of(&card), card.source == AgentSource::File);
            show(&reception, words, &visitor, StatusCode::OK, filled, Vec::new()).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// `POST /phones/agents`: makes an agent or changes one. With a new password the sheet for the phone follows, which shows
/// it this once.
pub(in crate::http) async fn save_agent(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    sent: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let Ok(Form(pairs)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let form = AgentForm::sent(pairs);
    let typed = form.password();
    let change = form.is_known.then(|| form.version.parse().ok());
    match write(&reception, &visitor, form.written(), typed.clone().into(), change).await {
        Ok(done) => match done.password.or(typed) {
            Some(password) => {
                agent_sheet::with_password(&reception, words, &visitor, &headers, &done.card, &password)
            }
            None => Redirect::to("/phones").into_response(),
        },
        Err(problem) => {
            let mistakes = told(words, &problem);
            show(
                &reception,
                words,
                &visitor,
                problem.status(),
                (form, false),
                mistakes,
            )
            .await
        }
    }
}

/// `POST /phones/agents/{id}/remove`.
pub(in crate::http) async fn remove_agent(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    match take_out(&reception, &visitor, &id).await {
        Ok(()) => Redirect::to("/phones").into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn show(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    status: StatusCode,
    (form, is_of_file): (AgentForm, bool),
    mistakes: Vec<(&'static str, String)>,
) -> Response {
    let snapshot = reception.snapshot().await.ok();
    let p = words.of_phones();
    let address = if form.is_known {
        format!("/phones/agents/{}", super::text::encoded(&form.id))
    } else {
        "/phones/agents/new".to_owned()
    };
    let groups = snapshot.iter().flat_map(|snapshot| &snapshot.queues);
    let trunks = snapshot.iter().flat_map(|snapshot| &snapshot.trunks);
    let page = AgentPage {
        w: words,
        p,
        frame: Frame::new(reception, words, Some(visitor), Here::Phones, &address),
        title: match (form.is_known, form.name.is_empty()) {
            (false, _) => p.new_agent.to_owned(),
            (true, true) => form.id.clone(),
            (true, false) => form.name.clone(),
        },
        groups: groups.map(|queue| queue.group.to_string()).collect(),
        trunks: trunks.map(|trunk| trunk.name.to_string()).collect(),
        form,
        mistakes,
        is_of_file,
    };
    render(status, &page)
}

/// What is wrong, by the names of the fields.
fn told(words: &'static Words, problem: &Problem) -> Vec<(&'static str, String)> {
    let f = &words.of_phones().form;
    let faults: Vec<FormFault> = problem.member("faults").unwrap_or_default();
    let named = |key: &str| match key {
        "id" => f.id,
        "name" => f.name,
        "extension" => f.extension,
        "password" => f.password,
        "trunk" => f.trunk,
        "number" => f.number,
        "contact" => f.contact,
        "groups" => f.groups,
        "skills" => f.skills,
        "srtp" => f.voice,
        _ => "",
    };
    if faults.is_empty() {
        return vec![("", problem.detail().to_owned())];
    }
    faults
        .into_iter()
        .map(|fault| (named(&fault.key), format!("{} — {}.", fault.problem, fault.cure)))
        .collect()
}
