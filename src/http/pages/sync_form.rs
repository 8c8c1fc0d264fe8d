use crate::connectors::sync::{Patch, SourceView, SyncMode, USUAL_CRON};
use serde::Deserialize;

/// What the dialog of a source sends, and what it is filled with. Everything is text, as people type it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct SourceForm {
    /// Empty for a new source.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) api_url: String,
    pub(super) domain: String,
    /// Never filled; empty keeps the key there is.
    api_key: String,
    pub(super) is_active: Option<String>,
    pub(super) sync_mode: String,
    pub(super) cron_expression: String,
    pub(super) days_back: String,
    pub(super) batch_size: String,
    pub(super) timezone: String,
    pub(super) allow_http: Option<String>,
    /// Whether there is a key already; the page's own, not the form's.
    #[serde(skip)]
    pub(super) has_api_key: bool,
}

impl SourceForm {
    /// The form of a source that is not there yet.
    pub(super) fn blank() -> Self {
        Self {
            sync_mode: SyncMode::Manual.as_str().to_owned(),
            cron_expression: USUAL_CRON.to_owned(),
            days_back: "30".to_owned(),
            batch_size: "200".to_owned(),
            ..Self::default()
        }
    }

    /// The form, filled with what is.
    pub(super) fn of(source: &SourceView) -> Self {
        let on = |is: bool| is.then(|| "on".to_owned());
        Self {
            id: source.id.clone(),
            name: source.name.clone(),
            api_url: source.api_url.clone(),
            domain: source.domain.clone(),
            api_key: String::new(),
            is_active: on(source.is_active),
            sync_mode: source.sync_mode.as_str().to_owned(),
            cron_expression: source.cron_expression.clone(),
            days_back: source.days_back.to_string(),
            batch_size: source.batch_size.to_string(),
            timezone: source.timezone.clone(),
            allow_http: on(source.allow_http),
            has_api_key: source.has_api_key,
        }
    }

    /// Whether the schedule is chosen.
    pub(super) fn is_scheduled(&self) -> bool {
        self.sync_mode.eq_ignore_ascii_case(SyncMode::Scheduled.as_str())
    }

    /// What is to be changed. A number that is none becomes 0, which the desk refuses by the field's name.
    pub(super) fn patch(&self) -> Patch {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        let mode = if self.is_scheduled() {
            SyncMode::Scheduled
        } else {
            SyncMode::Manual
        };
        Patch {
            name: Some(self.name.trim().to_owned()),
            api_url: Some(self.api_url.trim().to_owned()),
            domain: Some(self.domain.trim().to_owned()),
            api_key: Some(self.api_key.trim().to_owned()).filter(|key| !key.is_empty()),
            sync_mode: Some(mode),
            cron_expression: Some(self.cron_expression.trim().to_owned()),
            is_active: Some(self.is_active.is_some()),
            days_back: Some(number(&self.days_back)),
            batch_size: Some(number(&self.batch_size)),
            timezone: Some(self.timezone.trim().to_owned()),
            allow_http: Some(self.allow_http.is_some()),
            ..Patch::default()
        }
    }
}
