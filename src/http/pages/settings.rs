use super::frame::{Frame, Here};
use super::render;
use super::text::{address, date_and_time, fill};
use super::words::{Chosen, SettingsWords, Words};
use crate::http::people::Visitor;
use crate::http::routes::{Shared, ask_settings};
use crate::http::settings::{Part, SettingsView, VersionView};
use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

/// Versions on the page.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "settings.html", config = "src/http/askama.toml")]
struct SettingsPage<'a> {
    w: &'static Words,
    s: &'static SettingsWords,
    frame: Frame<'a>,
    view: SettingsView,
    /// Where the file lies, or that there is none.
    place: String,
    version: String,
    chips: Vec<Chip>,
    /// The flow that is looked at; empty for the file.
    flow: String,
    /// The address of the text in the API.
    api: String,
    title: String,
    text: String,
    etag: String,
    history: Vec<Row>,
    /// The version before the one on trial.
    returns_to: String,
    trial: String,
    offset: String,
}

/// A way to one of the texts.
struct Chip {
    name: String,
    address: String,
    is_here: bool,
}

/// One version.
struct Row {
    id: u64,
    when: String,
    who: String,
    changes: Vec<String>,
    reason: String,
    in_use: bool,
}

/// What the page's address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    flow: String,
}

/// `GET /settings`: the configuration as text, what a change would do, and the versions before.
pub(in crate::http) async fn settings(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(Wanted { flow }) = wanted.unwrap_or_default();
    let s = words.settings();
    let view = reception.faces.settings.look().await;
    let known = view.flows.iter().any(|own| own.name == flow);
    let flow = if known { flow } else { String::new() };
    let part = if known {
        Part::Flow(flow.clone())
    } else {
        Part::Main
    };
    let found = ask_settings(&reception, move |door| (door.text(&part), door.history())).await;
    let (found, history) = found.unwrap_or_default();
    let status = if found.is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let (text, etag) = found.map(|found| (found.text, found.etag)).unwrap_or_default();
    let chips = std::iter::once(chip("callpost.toml", "", &flow))
        .chain(view.flows.iter().map(|own| chip(&own.name, &own.name, &flow)));
    let here = address("/settings", &[("flow", &flow)]);
    let page = SettingsPage {
        w: words,
        s,
        frame: Frame::new(&reception, words, Some(&visitor), Here::Settings, &here),
        place: view.file.clone().unwrap_or_else(|| s.built_in.to_owned()),
        version: fill(
            s.version,
            &[("n", &view.version.map(|id| id.to_string()).unwrap_or_default())],
        ),
        chips: chips.collect(),
        api: if known {
            format!("/api/v1/flows/{flow}")
        } else {
            "/api/v1/config".to_owned()
        },
        title: if known {
            format!("flows/{flow}.toml")
        } else {
            "callpost.toml".to_owned()
        },
        flow,
        text,
        etag,
        history: history
            .iter()
            .take(SHOWN)
            .map(|version| row(s, version))
            .collect(),
        returns_to: view
            .trial
            .as_ref()
            .map(|trial| trial.returns_to.to_string())
            .unwrap_or_default(),
        trial: view
            .trial
            .as_ref()
            .map(|trial| {
                if trial.wants_confirmation {
                    "asked"
                } else {
                    "watched"
                }
                .to_owned()
            })
            .unwrap_or_default(),
        offset: super::text::offset_of(reception.faces.outside.wall()),
        view,
    };
    render(status, &page)
}

fn chip(name: &str, flow: &str, here: &str) -> Chip {
    Chip {
        name: name.to_owned(),
        address: address("/settings", &[("flow", flow)]),
        is_here: flow == here,
    }
}

fn row(s: &SettingsWords, version: &VersionView) -> Row {
    Row {
        id: version.id,
        when: date_and_time(version.at),
        who: match version.way.as_str() {
            "found" => s.by_hand.to_owned(),
            "taken_back" => s.by_the_box.to_owned(),
            _ => version.by.clone(),
        },
        changes: version.changes.clone(),
        reason: version.reason.clone(),
        in_use: version.in_use,
    }
}
