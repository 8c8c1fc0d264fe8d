use super::badges::{Badge, badge};
use super::frame::{Frame, Here};
use super::render;
use super::sync_view::Chip;
use super::text::{address, clock_of_ms, date_and_time, encoded, fill};
use super::words::{Chosen, PromptWords, Words};
use crate::http::announcer::{Announcement, PromptOrigin};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::{
    Shared, input_stamp, prompts as all_prompts, put_prompt_back, receive, take_prompt,
};
use askama::Template;
use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Template)]
#[template(path = "prompts.html", config = "src/http/askama.toml")]
struct PromptsPage<'a> {
    w: &'static Words,
    p: &'static PromptWords,
    frame: Frame<'a>,
    toasts: Vec<Badge>,
    chips: Vec<Chip>,
    /// The language whose prompts these are, by its tag.
    language: String,
    languages: Vec<Tongue>,
    /// What the upload form says at first.
    name: String,
    /// Names to choose from.
    names: BTreeSet<String>,
    rows: Vec<Row>,
    /// Those that the synthesiser says.
    spoken: Vec<Row>,
    may_change: bool,
    /// Why there is nothing to show.
    trouble: String,
}

/// A language to choose.
struct Tongue {
    tag: String,
    name: String,
    is_here: bool,
}

/// One prompt, in ready words.
struct Row {
    name: String,
    badge: Badge,
    length: String,
    changed: String,
    used_by: String,
    /// Why it cannot be heard.
    problem: String,
    /// What the synthesiser says.
    text: String,
    /// Empty where there is nothing to hear yet.
    audio: String,
    /// What the player shows.
    title: String,
    /// Where the form for another file is, filled in.
    replace: String,
    /// What the button to delete it says; empty for what is not the running box's own.
    put_back: &'static str,
    put_back_sure: &'static str,
}

/// What the page's address says.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    language: String,
    name: String,
    /// What has just been done: `taken`, `deleted`.
    said: String,
}

/// What the delete buttons send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Order {
    language: String,
    name: String,
}

/// `GET /prompts`: what the box says, and where each sentence of it comes from.
pub(in crate::http) async fn prompts(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = wanted.unwrap_or_default();
    show(&reception, words, &visitor, wanted, None).await
}

/// `POST /prompts/upload`: a form with `language`, `name` and `file`.
pub(in crate::http) async fn upload_prompt(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let sent = match receive(&reception, request).await {
        Ok(sent) => sent,
        Err(problem) => return show(&reception, words, &visitor, Wanted::default(), Some(problem)).await,
    };
    let (language, name) = (sent.text("language"), sent.text("name"));
    let taken = match sent.file() {
        Ok(file) => take_prompt(&reception, &visitor, language.clone(), name.clone(), file).await,
        Err(problem) => Err(problem),
    };
    done(
        &reception,
        words,
        &visitor,
        (language, name),
        taken.map(|_| "taken"),
    )
    .await
}

/// `POST /prompts/delete`: what was given to the running box goes, and what is under it is heard again.
pub(in crate::http) async fn delete_prompt(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<Order>, FormRejection>,
) -> Response {
    let Ok(Form(Order { language, name })) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let gone = put_prompt_back(&reception, &visitor, language.clone(), name.clone()).await;
    done(
        &reception,
        words,
        &visitor,
        (language, name),
        gone.map(|_| "deleted"),
    )
    .await
}

async fn done(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    (language, name): (String, String),
    outcome: Result<&'static str, Problem>,
) -> Response {
    match outcome {
        Ok(said) => {
            let pairs = [("language", language.as_str()), ("name", &name), ("said", said)];
            Redirect::to(&address("/prompts", &pairs)).into_response()
        }
        Err(problem) => {
            let wanted = Wanted {
                language,
                name,
                said: String::new(),
            };
            show(reception, words, visitor, wanted, Some(problem)).await
        }
    }
}

async fn show(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    wanted: Wanted,
    refused: Option<Problem>,
) -> Response {
    let p = words.prompts();
    let (mut status, found, trouble) = match all_prompts(reception).await {
        Ok(found) => (StatusCode::OK, found, String::new()),
        Err(problem) => (problem.status(), Vec::new(), p.loading.to_owned()),
    };
    let toasts = match &refused {
        Some(problem) => {
            status = problem.status();
            let why = fill(p.refused, &[("why", problem.detail())]);
            vec![badge("bad", &why)]
        }
        None => said(p, &wanted),
    };
    let mut tags: Vec<&str> = found.iter().map(|one| one.language.as_str()).collect();
    tags.dedup();
    let is_known = tags.contains(&wanted.language.as_str());
    let language = match tags.first() {
        Some(first) if !is_known => (*first).to_owned(),
        _ => wanted.language,
    };
    let tongue = |tag: &str| Tongue {
        name: name_of(words, tag),
        is_here: tag == language,
        tag: tag.to_owned(),
    };
    let languages: Vec<Tongue> = tags.iter().map(|tag| tongue(tag)).collect();
    let chips = languages.iter().map(|tongue| Chip {
        name: tongue.name.clone(),
        address: address("/prompts", &[("language", &tongue.tag)]),
        is_here: tongue.is_here,
    });
    let here = address("/prompts", &[("language", &language)]);
    let of_language = found.iter().filter(|one| one.language == language);
    let (spoken, recorded): (Vec<&Announcement>, Vec<_>) =
        of_language.partition(|one| one.origin == PromptOrigin::Spoken);
    let rows = |of: Vec<&Announcement>| of.into_iter().map(|one| row(reception, p, one)).collect();
    let page = PromptsPage {
        w: words,
        p,
        frame: Frame::new(reception, words, Some(visitor), Here::Prompts, &here),
        toasts,
        chips: chips.collect(),
        name: wanted.name,
        names: found.iter().map(|one| one.name.clone()).collect(),
        rows: rows(recorded),
        spoken: rows(spoken),
        languages,
        language,
        may_change: visitor.may(Scope::ConfigWrite),
        trouble,
    };
    render(status, &page)
}

/// What has just been done, by the page's address.
fn said(p: &PromptWords, wanted: &Wanted) -> Vec<Badge> {
    let sentence = match wanted.said.as_str() {
        "taken" => p.taken,
        "deleted" => p.deleted,
        _ => return Vec::new(),
    };
    vec![badge("good", &fill(sentence, &[("name", &wanted.name)]))]
}

/// What a language is called here; its tag where that is not known.
fn name_of(words: &Words, tag: &str) -> String {
    let known = words.languages.iter().find(|(known, _)| *known == tag);
    known.map_or(tag, |(_, name)| name).to_owned()
}

fn row(reception: &Reception, p: &'static PromptWords, one: &Announcement) -> Row {
    let (state, word) = match one.origin {
        PromptOrigin::Shipped => ("quiet", p.shipped),
        PromptOrigin::File => ("inbound", p.file_beside),
        PromptOrigin::Uploaded => ("good", p.uploaded),
        PromptOrigin::Recorded => ("good", p.recorded),
        PromptOrigin::Spoken => ("note", p.spoken),
    };
    let has_sound = one.problem.is_none();
    let step = format!(
        "/api/v1/prompts/{}/{}",
        encoded(&one.language),
        encoded(&one.name)
    );
    let version = one.changed_unix_ms.unwrap_or_default().to_string();
    let (put_back, put_back_sure) = match (one.origin.is_own(), one.covers) {
        (false, _) => ("", ""),
        (true, Some(_)) => (p.put_back, p.put_back_sure),
        (true, None) => (p.delete, p.delete_sure),
    };
    Row {
        badge: match one.problem {
            Some(_) => badge("bad", p.broken),
            None => badge(state, word),
        },
        length: one.length_ms.map(clock_of_ms).unwrap_or_default(),
        changed: one
            .changed_unix_ms
            .map(|at| date_and_time(input_stamp(&reception.faces.zone, at)))
            .unwrap_or_default(),
        used_by: one.used_by.join(", "),
        problem: one.problem.clone().unwrap_or_default(),
        text: one.text.clone().unwrap_or_default(),
        audio: if has_sound {
            address(&format!("{step}/audio"), &[("v", &version)])
        } else {
            String::new()
        },
        title: format!("{} · {}", one.name, one.language),
        replace: address("/prompts", &[("language", &one.language), ("name", &one.name)]),
        put_back,
        put_back_sure,
        name: one.name.clone(),
    }
}
