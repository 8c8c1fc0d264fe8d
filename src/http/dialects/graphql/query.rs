use super::input::{CallCenterRecordFiltersInput, PaginationInput};
use super::record::{CallCenterRecord, CallCenterRecordsPage, PaginationInfo};
use super::source::{CallCenterConfig, CallCenterSyncLog, desk};
use super::trouble::{reception, told};
use crate::connectors::sync::SourceView;
use crate::model::CallId;
use async_graphql::{Context, Error, Object};
use uuid::Uuid;

/// What can be asked.
pub(super) struct Query;

#[Object]
impl Query {
    /// Call records, newest first, each call once.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn get_call_center_records(
        &self,
        context: &Context<'_>,
        pagination: PaginationInput,
        filters: Option<CallCenterRecordFiltersInput>,
    ) -> Result<CallCenterRecordsPage, Error> {
        let place = pagination.place()?;
        let reception = reception(context);
        let config = &reception.faces.config.onepos;
        let filter = filters.unwrap_or_default().filter(place, config)?;
        let page = reception
            .read(move |reader| reader.cdrs(&filter))
            .await
            .map_err(told)?;
        let total = page.total.unwrap_or(0);
        Ok(CallCenterRecordsPage {
            items: page
                .items
                .iter()
                .map(|(_, cdr)| CallCenterRecord::of(cdr, config))
                .collect(),
            pagination: PaginationInfo {
                current_page: place.page,
                total_pages: place.pages(total),
                total_items: total,
            },
        })
    }

    /// One call record, or null.
    async fn get_call_center_record(
        &self,
        context: &Context<'_>,
        id: String,
    ) -> Result<Option<CallCenterRecord>, Error> {
        let Ok(id) = Uuid::try_parse(&id) else {
            return Ok(None);
        };
        let reception = reception(context);
        let found = reception
            .read(move |reader| reader.cdr(CallId(id)))
            .await
            .map_err(told)?;
        let Some((_, cdr)) = found else { return Ok(None) };
        let said = reception.faces.sync.record_of(cdr.cdr_id).await.map_err(desk)?;
        Ok(Some(
            CallCenterRecord::of(&cdr, &reception.faces.config.onepos).told_by_the_pbx(said),
        ))
    }

    /// A PBX whose records are fetched: the one of this id, else the first active one, else the first.
    async fn get_call_center_config(
        &self,
        context: &Context<'_>,
        id: Option<String>,
    ) -> Result<Option<CallCenterConfig>, Error> {
        let sources = reception(context).faces.sync.sources().await.map_err(desk)?;
        let found = match id {
            Some(id) => sources.into_iter().find(|source| source.id == id),
            None => usual(sources),
        };
        Ok(found.map(Into::into))
    }

    /// Every PBX whose records are fetched.
    async fn get_call_center_configs(&self, context: &Context<'_>) -> Result<Vec<CallCenterConfig>, Error> {
        let sources = reception(context).faces.sync.sources().await.map_err(desk)?;
        Ok(sources.into_iter().map(Into::into).collect())
    }

    /// The log of fetches, newest first.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn get_call_center_sync_logs(
        &self,
        context: &Context<'_>,
        pagination: PaginationInput,
        config_id: Option<String>,
    ) -> Result<Vec<CallCenterSyncLog>, Error> {
        let place = pagination.place()?;
        let sync = &reception(context).faces.sync;
        let logs = sync
            .logs(config_id.as_deref(), place.offset(), place.limit)
            .await
            .map_err(desk)?;
        Ok(logs.items.into_iter().map(Into::into).collect())
    }
}

/// The PBX that is meant when none is named.
pub(super) fn usual(sources: Vec<SourceView>) -> Option<SourceView> {
    let place = sources.iter().position(|source| source.is_active).unwrap_or(0);
    sources.into_iter().nth(place)
}
