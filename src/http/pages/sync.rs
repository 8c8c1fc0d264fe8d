use super::badges::{Badge, badge};
use super::cards::{self, Card};
use super::frame::{Frame, Here};
use super::render;
use super::sync_form::SourceForm;
use super::sync_view::{self, Chip, LogRow, ROWS, SourceCard, StepRow, page_address};
use super::tabs::Tab;
use super::text::{address, date_and_time_within, fill};
use super::turning::Turning;
use super::words::{Chosen, Words};
use crate::connectors::sync::{DeskError, LogView, LogViews, SourceView, StartError, Wish};
use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

/// Runs of a schedule that are told ahead.
const NEXT_RUNS: usize = 5;

#[derive(Template)]
#[template(path = "sync.html", config = "src/http/askama.toml")]
struct SyncPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    tab: Tab,
    toasts: Vec<Badge>,
    cards: Vec<Card>,
    chips: Vec<Chip>,
    /// The source that is looked at; none before there is any.
    source: Option<SourceCard>,
    steps: Vec<StepRow>,
    logs: Vec<LogRow>,
    turning: Turning,
    /// Address to look at again while a sync runs; empty when none does.
    watch: String,
    may_change: bool,
    dialogs: Vec<Dialog>,
    /// Why there is nothing to show, when the store is the reason.
    trouble: String,
}

/// The dialog of a source.
struct Dialog {
    key: &'static str,
    title: String,
    form: SourceForm,
    is_open: bool,
    /// What is wrong with what was sent; empty at first.
    mistake: String,
    schedule: Explained,
    /// Asked before the source is removed.
    sure: String,
}

/// A schedule in words.
#[derive(Debug, Default, Serialize)]
pub(super) struct Explained {
    pub(super) is_valid: bool,
    pub(super) words: String,
    pub(super) next: Vec<String>,
}

/// What the page's address says.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    source: String,
    page: String,
    /// A sync somebody waits for.
    watch: String,
    /// What has just been done: `saved`, `removed`, `busy`.
    said: String,
    /// Whom it was done to.
    who: String,
    /// Which dialog stands open: `config` or `new`.
    dialog: String,
}

/// What a handler adds to the page.
#[derive(Default)]
struct Extra {
    status: StatusCode,
    toast: Option<Badge>,
    steps: Vec<StepRow>,
    refused: Option<(SourceForm, String)>,
}

/// `GET /calls/sync`: the PBXs whose records are fetched, and the log of the fetches.
pub(in crate::http) async fn sync(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = wanted.unwrap_or_default();
    show(&reception, words, &visitor, &wanted, Extra::default()).await
}

/// What the buttons of a source send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct OneSource {
    source: String,
}

/// `POST /calls/sync/start`: starts a sync and goes to where it can be watched.
pub(in crate::http) async fn start_sync(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<OneSource>, FormRejection>,
) -> Response {
    let Ok(Form(OneSource { source })) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    match reception.faces.sync.start(&source, Wish::default()).await {
        Ok(log) => to("/calls/sync", &[("source", &source), ("watch", &log)]),
        Err(StartError::AlreadyRunning { log_id }) => to(
            "/calls/sync",
            &[("source", &source), ("watch", &log_id), ("said", "busy")],
        ),
        Err(error) => {
            let why = match &error {
                StartError::Inactive => words.journal.cause_inactive.to_owned(),
                StartError::AlreadyRunning { .. } | StartError::Desk(_) => error.to_string(),
            };
            let extra = Extra::refused(words, &why);
            show(&reception, words, &visitor, &Wanted::of(source), extra).await
        }
    }
}

/// `POST /calls/sync/test`: goes the way to one record and shows the steps.
pub(in crate::http) async fn test_source(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<OneSource>, FormRejection>,
) -> Response {
    let Ok(Form(OneSource { source })) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let extra = match reception.faces.sync.test(&source).await {
        Ok(steps) => {
            let (steps, toast) = sync_view::steps(words, &steps);
            Extra {
                toast: Some(toast),
                steps,
                ..Extra::default()
            }
        }
        Err(error) => Extra::refused(words, &error.to_string()),
    };
    show(&reception, words, &visitor, &Wanted::of(source), extra).await
}

/// `POST /calls/sync/save`: makes a source or changes one.
pub(in crate::http) async fn save_source(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<SourceForm>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let desk = &reception.faces.sync;
    let done = if form.id.is_empty() {
        desk.create(form.patch(), &visitor.name).await
    } else {
        desk.update(&form.id, form.patch(), &visitor.name).await
    };
    match done {
        Ok(source) => to(
            "/calls/sync",
            &[("source", &source.id), ("said", "saved"), ("who", &source.name)],
        ),
        Err(error) => {
            let status = match error {
                DeskError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
                DeskError::NotFound => StatusCode::NOT_FOUND,
                DeskError::FromFile | DeskError::Taken(_) | DeskError::Faults(_) => {
                    StatusCode::UNPROCESSABLE_ENTITY
                }
            };
            let wanted = Wanted::of(form.id.clone());
            let extra = Extra {
                status,
                refused: Some((form, error.to_string())),
                ..Extra::default()
            };
            show(&reception, words, &visitor, &wanted, extra).await
        }
    }
}

/// `POST /calls/sync/remove`: removes a source; its records stay.
pub(in crate::http) async fn remove_source(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    sent: Result<Form<OneSource>, FormRejection>,
) -> Response {
    let Ok(Form(OneSource { source })) = sent else {
        return Problem::of_status(StatusCode::BAD_REQUEST).into_response();
    };
    let desk = &reception.faces.sync;
    let name = desk
        .source(&source)
        .await
        .map(|source| source.name)
        .unwrap_or_default();
    match desk.delete(&source, &visitor.name).await {
        Ok(()) => to("/calls/sync", &[("said", "removed"), ("who", &name)]),
        Err(error) => {
            let extra = Extra::refused(words, &error.to_string());
            show(&reception, words, &visitor, &Wanted::of(source), extra).await
        }
    }
}

/// What is typed into the field of the schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Typed {
    expression: String,
}

/// `GET /calls/cron.json?expression=…`: a schedule in words and its next five runs, while it is typed.
pub(in crate::http) async fn explain_cron(
    State(reception): Shared,
    Chosen(words): Chosen,
    typed: Result<Query<Typed>, QueryRejection>,
) -> Response {
    let Query(Typed { expression }) = typed.unwrap_or_default();
    Json(explained(&reception, words, &expression)).into_response()
}

fn explained(reception: &Reception, w: &Words, expression: &str) -> Explained {
    let desk = &reception.faces.sync;
    let told = desk
        .describe(expression, w.lang)
        .and_then(|words| Ok((words, desk.next_runs(expression, NEXT_RUNS)?)));
    match told {
        Ok((words, next)) => Explained {
            is_valid: true,
            words,
            next: next.into_iter().map(date_and_time_within).collect(),
        },
        Err(why) => Explained {
            is_valid: false,
            words: fill(w.journal.cron_wrong, &[("why", &why)]),
            next: Vec::new(),
        },
    }
}

impl Wanted {
    fn of(source: String) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }
}

impl Extra {
    fn refused(words: &Words, why: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            toast: Some(badge("bad", &fill(words.journal.not_done, &[("why", why)]))),
            ..Self::default()
        }
    }
}

fn to(path: &str, pairs: &[(&str, &str)]) -> Response {
    Redirect::to(&address(path, pairs)).into_response()
}

/// What the desk answered to all the questions of the page.
struct Look {
    sources: Vec<SourceView>,
    here: Option<SourceView>,
    source: Option<SourceCard>,
    cards: Vec<Card>,
    logs: LogViews,
    watched: Option<LogView>,
}

async fn look(
    reception: &Reception,
    words: &'static Words,
    wanted: &Wanted,
    page: u64,
) -> Result<Look, DeskError> {
    let desk = &reception.faces.sync;
    let sources = desk.sources().await?;
    let here = sources
        .iter()
        .find(|source| source.id == wanted.source)
        .or_else(|| sources.iter().find(|source| source.is_active))
        .or_else(|| sources.first())
        .cloned();
    let stats = desk.stats().await?;
    let mut look = Look {
        cards: here
            .as_ref()
            .map(|here| cards::of(words, &stats, here))
            .unwrap_or_default(),
        logs: LogViews {
            items: Vec::new(),
            total: 0,
        },
        source: None,
        watched: None,
        here,
        sources,
    };
    if let Some(here) = &look.here {
        look.logs = desk.logs(Some(&here.id), (page - 1) * ROWS, ROWS).await?;
        let advice = desk.advice(&here.id).await?;
        let running = match &here.running {
            Some(log) => desk.log(log).await.ok(),
            None => None,
        };
        let schedule = desk
            .describe(&here.cron_expression, words.lang)
            .unwrap_or_default();
        let quarantined = desk.quarantine(Some(&here.id), 0, 0).await?.total;
        let card = sync_view::card(words, here, &schedule, &advice, running.as_ref(), quarantined);
        look.source = Some(card);
    }
    if !wanted.watch.is_empty() {
        look.watched = desk.log(&wanted.watch).await.ok();
    }
    Ok(look)
}

async fn show(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    wanted: &Wanted,
    extra: Extra,
) -> Response {
    let page: u64 = wanted.page.parse().unwrap_or(1).clamp(1, u64::from(u32::MAX));
    let (look, trouble) = match look(reception, words, wanted, page).await {
        Ok(look) => (Some(look), ""),
        Err(_) => (None, words.no_store),
    };
    let here = look.as_ref().and_then(|look| look.here.as_ref());
    let id = here.map(|here| here.id.clone()).unwrap_or_default();
    let mut toasts: Vec<Badge> = extra.toast.into_iter().collect();
    toasts.extend(said(words, wanted, look.as_ref()));
    let running = here.and_then(|here| here.running.clone());
    let status = if look.is_some() {
        extra.status
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let page = SyncPage {
        w: words,
        frame: Frame::new(
            reception,
            words,
            Some(visitor),
            Here::Calls,
            &page_address(&id, page),
        ),
        tab: Tab::SyncLogs,
        toasts,
        dialogs: dialogs(reception, words, wanted, here, extra.refused),
        watch: running
            .map(|log| address("/calls/sync", &[("source", &id), ("watch", &log)]))
            .unwrap_or_default(),
        may_change: visitor.may(Scope::ConfigWrite),
        steps: extra.steps,
        chips: look
            .as_ref()
            .map(|look| sync_view::chips(&look.sources, &id))
            .unwrap_or_default(),
        logs: look
            .as_ref()
            .map(|look| sync_view::rows(words, &look.logs))
            .unwrap_or_default(),
        turning: look
            .as_ref()
            .map(|look| sync_view::turning(words, &look.logs, &id, page))
            .unwrap_or_default(),
        trouble: trouble.to_owned(),
        cards: Vec::new(),
        source: None,
    };
    let (cards, source) = look.map(|look| (look.cards, look.source)).unwrap_or_default();
    render(
        status,
        &SyncPage {
            cards,
            source,
            ..page
        },
    )
}

/// What the address says has been done, and how the sync that was waited for has ended.
fn said(words: &'static Words, wanted: &Wanted, look: Option<&Look>) -> Option<Badge> {
    let j = &words.journal;
    let name = look
        .and_then(|look| look.here.as_ref())
        .map_or("", |here| here.name.as_str());
    let watched = look.and_then(|look| look.watched.as_ref());
    match wanted.said.as_str() {
        "saved" => Some(badge("good", &fill(j.saved, &[("who", &wanted.who)]))),
        "removed" => Some(badge("good", &fill(j.removed, &[("who", &wanted.who)]))),
        "busy" => Some(badge("bad", &fill(j.already_running, &[("who", name)]))),
        _ => watched.and_then(|log| sync_view::outcome(j, name, log)),
    }
}

fn dialogs(
    reception: &Reception,
    w: &'static Words,
    wanted: &Wanted,
    here: Option<&SourceView>,
    refused: Option<(SourceForm, String)>,
) -> Vec<Dialog> {
    let j = &w.journal;
    let (refused, mistake) = refused.map_or((None, String::new()), |(form, why)| (Some(form), why));
    let dialog = |key, title: String, usual: SourceForm| {
        let is_new = key == "new";
        let sent = refused.clone().filter(|form| form.id.is_empty() == is_new);
        let is_open = sent.is_some() || wanted.dialog == key;
        let has_api_key = usual.has_api_key;
        let mut form = sent.unwrap_or(usual);
        form.has_api_key = has_api_key;
        Dialog {
            key,
            title,
            mistake: if is_open { mistake.clone() } else { String::new() },
            schedule: explained(reception, w, &form.cron_expression),
            sure: fill(j.remove_sure, &[("who", &form.name)]),
            form,
            is_open,
        }
    };
    let change = here.filter(|here| !here.from_file).map(|here| {
        dialog(
            "config",
            fill(j.config_of, &[("who", &here.name)]),
            SourceForm::of(here),
        )
    });
    let make = dialog("new", j.new_source.to_owned(), SourceForm::blank());
    change.into_iter().chain([make]).collect()
}
