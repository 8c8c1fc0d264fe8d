use super::source::{
    CallCenterConfig, CreateCallCenterConfigInput, SyncCallCenterInput, SyncCallCenterResult,
    UpdateCallCenterConfigInput, desk,
};
use super::trouble::{author, reception, require};
use crate::connectors::sync::{DeskError, StartError, Wish};
use crate::http::people::Scope;
use async_graphql::{Context, Error, Object};
use std::time::Duration;

/// How long a sync is waited for before the answer says that it is still running.
const PATIENCE: Duration = Duration::from_secs(15);

/// What can be changed.
pub(super) struct Mutation;

#[Object]
impl Mutation {
    /// Fetches a PBX's records now, and waits up to 15 seconds for the end. While one is running, `success` is false
    /// and the message says `already running`. Needs `config:write`.
    async fn sync_call_center_data(
        &self,
        context: &Context<'_>,
        input: Option<SyncCallCenterInput>,
    ) -> Result<SyncCallCenterResult, Error> {
        require(context, Scope::ConfigWrite)?;
        let sync = &reception(context).faces.sync;
        let input = input.unwrap_or_default();
        let source = match input.config_id {
            Some(id) => id,
            None => match super::query::usual(sync.sources().await.map_err(desk)?) {
                Some(source) => source.id,
                None => return Ok(SyncCallCenterResult::refused("No PBX is configured.".to_owned())),
            },
        };
        let wish = Wish {
            from_ms: input.from_date.map(|moment| moment.0),
            to_ms: input.to_date.map(|moment| moment.0),
            ..Wish::default()
        };
        let log = match sync.start(&source, wish).await {
            Ok(log) => log,
            Err(StartError::Desk(error @ (DeskError::NotFound | DeskError::Store(_)))) => {
                return Err(desk(error));
            }
            Err(refusal) => return Ok(SyncCallCenterResult::refused(refusal.to_string())),
        };
        let ended = tokio::time::timeout(PATIENCE, sync.wait(&log)).await;
        let entry = match ended {
            Ok(entry) => entry,
            Err(_still_running) => sync.log(&log).await,
        };
        entry.map(SyncCallCenterResult::of).map_err(desk)
    }

    /// Adds a PBX. Needs `admin`.
    async fn create_call_center_config(
        &self,
        context: &Context<'_>,
        input: CreateCallCenterConfigInput,
    ) -> Result<CallCenterConfig, Error> {
        require(context, Scope::Admin)?;
        let sync = &reception(context).faces.sync;
        let made = sync.create(input.into(), author(context)).await;
        made.map(Into::into).map_err(desk)
    }

    /// Changes a PBX. Needs `admin`.
    async fn update_call_center_config(
        &self,
        context: &Context<'_>,
        id: String,
        input: UpdateCallCenterConfigInput,
    ) -> Result<CallCenterConfig, Error> {
        require(context, Scope::Admin)?;
        let sync = &reception(context).faces.sync;
        let changed = sync.update(&id, input.into(), author(context)).await;
        changed.map(Into::into).map_err(desk)
    }

    /// Removes a PBX; its records stay. Needs `admin`.
    async fn delete_call_center_config(&self, context: &Context<'_>, id: String) -> Result<bool, Error> {
        require(context, Scope::Admin)?;
        let removed = reception(context).faces.sync.delete(&id, author(context)).await;
        removed.map(|()| true).map_err(desk)
    }
}
