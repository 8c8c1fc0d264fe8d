use super::scalar::Moment;
use super::trouble::coded;
use crate::connectors::sync::{DeskError, LogView, Patch, SourceView, SyncMode};
use crate::model::Stamp;
use crate::store::SyncStatus;
use async_graphql::{Enum, Error, InputObject, Json, SimpleObject};

/// When a PBX is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum CallCenterSyncMode {
    /// When somebody says so.
    Manual,
    /// By its cron expression.
    Scheduled,
}

impl CallCenterSyncMode {
    fn shown(mode: SyncMode) -> Self {
        match mode {
            SyncMode::Manual => Self::Manual,
            SyncMode::Scheduled => Self::Scheduled,
        }
    }

    fn of_the_house(self) -> SyncMode {
        match self {
            Self::Manual => SyncMode::Manual,
            Self::Scheduled => SyncMode::Scheduled,
        }
    }
}

/// A PBX whose records are fetched.
#[derive(Debug, SimpleObject)]
pub(super) struct CallCenterConfig {
    id: String,
    name: String,
    api_url: String,
    domain: String,
    /// Always null: a key goes in and never comes out. See `hasApiKey`.
    api_key: Option<String>,
    /// Whether a key is kept.
    has_api_key: bool,
    sync_mode: CallCenterSyncMode,
    /// Six fields, seconds first.
    cron_expression: Option<String>,
    is_active: bool,
    /// How many days the first fetch reaches back.
    default_days_back: u32,
    /// Records a request.
    batch_size: u32,
    last_sync_at: Option<Moment>,
    /// `success` or `error`.
    last_sync_status: Option<String>,
    last_sync_error: Option<String>,
    total_records_synced: u64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<SourceView> for CallCenterConfig {
    fn from(source: SourceView) -> Self {
        Self {
            id: source.id,
            name: source.name,
            api_url: source.api_url,
            domain: source.domain,
            api_key: None,
            has_api_key: source.has_api_key,
            sync_mode: CallCenterSyncMode::shown(source.sync_mode),
            cron_expression: Some(source.cron_expression),
            is_active: source.is_active,
            default_days_back: source.days_back,
            batch_size: source.batch_size,
            last_sync_at: source.last_sync_at.map(moment),
            last_sync_status: source.last_sync_status,
            last_sync_error: source.last_sync_error,
            total_records_synced: source.total_records_synced,
            created_at: moment(source.created_at),
            updated_at: moment(source.updated_at),
        }
    }
}

/// A fetch in the log.
#[derive(Debug, SimpleObject)]
pub(super) struct CallCenterSyncLog {
    id: String,
    config_id: Option<String>,
    sync_type: CallCenterSyncMode,
    /// `running`, `success` or `error`.
    status: String,
    from_date: Moment,
    to_date: Moment,
    /// Where it stands, or stood when it broke off.
    offset: u64,
    records_fetched: u64,
    records_created: u64,
    records_updated: u64,
    records_skipped: u64,
    error_message: Option<String>,
    error_details: Option<Json<serde_json::Value>>,
    started_at: Moment,
    completed_at: Option<Moment>,
    /// Milliseconds.
    duration: Option<u64>,
}

impl From<LogView> for CallCenterSyncLog {
    fn from(log: LogView) -> Self {
        Self {
            id: log.id,
            config_id: Some(log.source_id),
            sync_type: match log.sync_type.as_str() {
                "SCHEDULED" => CallCenterSyncMode::Scheduled,
                _ => CallCenterSyncMode::Manual,
            },
            status: log.status.as_str().to_owned(),
            from_date: moment(log.from),
            to_date: moment(log.to),
            offset: log.offset,
            records_fetched: log.records_fetched,
            records_created: log.records_created,
            records_updated: log.records_updated,
            records_skipped: log.records_skipped,
            error_message: log.error_message,
            error_details: log.error_details.map(Json),
            started_at: moment(log.started_at),
            completed_at: log.completed_at.map(moment),
            duration: log.duration_ms,
        }
    }
}

/// A PBX to be added. Without `isActive` it is only kept, not asked.
#[derive(InputObject)]
pub(super) struct CreateCallCenterConfigInput {
    /// The name people know it by; `pbx` unless given.
    name: Option<String>,
    api_url: String,
    domain: String,
    api_key: Option<String>,
    sync_mode: Option<CallCenterSyncMode>,
    cron_expression: Option<String>,
    is_active: Option<bool>,
    default_days_back: Option<u32>,
    batch_size: Option<u32>,
}

/// What is to be changed about a PBX; what is left out stays as it is.
#[derive(InputObject)]
pub(super) struct UpdateCallCenterConfigInput {
    name: Option<String>,
    api_url: Option<String>,
    domain: Option<String>,
    /// `""` takes the key away.
    api_key: Option<String>,
    sync_mode: Option<CallCenterSyncMode>,
    cron_expression: Option<String>,
    is_active: Option<bool>,
    default_days_back: Option<u32>,
    batch_size: Option<u32>,
}

impl From<UpdateCallCenterConfigInput> for Patch {
    fn from(input: UpdateCallCenterConfigInput) -> Self {
        Self {
            name: input.name,
            api_url: input.api_url,
            domain: input.domain,
            api_key: input.api_key,
            sync_mode: input.sync_mode.map(CallCenterSyncMode::of_the_house),
            cron_expression: input.cron_expression,
            is_active: input.is_active,
            days_back: input.default_days_back,
            batch_size: input.batch_size,
            ..Self::default()
        }
    }
}

impl From<CreateCallCenterConfigInput> for Patch {
    fn from(input: CreateCallCenterConfigInput) -> Self {
        UpdateCallCenterConfigInput {
            name: Some(input.name.unwrap_or_else(|| "pbx".to_owned())),
            api_url: Some(input.api_url),
            domain: Some(input.domain),
            api_key: input.api_key,
            sync_mode: input.sync_mode,
            cron_expression: input.cron_expression,
            is_active: input.is_active,
            default_days_back: input.default_days_back,
            batch_size: input.batch_size,
        }
        .into()
    }
}

/// Which records to fetch; by default what the PBX has had since the last time.
#[derive(Debug, Default, InputObject)]
pub(super) struct SyncCallCenterInput {
    /// Which PBX; the first active one unless given.
    pub(super) config_id: Option<String>,
    pub(super) from_date: Option<Moment>,
    pub(super) to_date: Option<Moment>,
}

/// How a sync went, or goes.
#[derive(Debug, Default, SimpleObject)]
pub(super) struct SyncCallCenterResult {
    pub(super) success: bool,
    pub(super) message: String,
    pub(super) records_fetched: u64,
    pub(super) records_created: u64,
    pub(super) records_updated: u64,
    pub(super) records_skipped: u64,
    /// The sync in the log.
    pub(super) log_id: Option<String>,
}

impl SyncCallCenterResult {
    /// A sync as its entry in the log tells it.
    pub(super) fn of(log: LogView) -> Self {
        let message = match log.status {
            SyncStatus::Running => {
                "The sync is still running; getCallCenterSyncLogs shows how it goes on.".to_owned()
            }
            SyncStatus::Success => format!("{} records fetched.", log.records_fetched),
            SyncStatus::Error => log.error_message.unwrap_or_else(|| "The sync failed.".to_owned()),
        };
        Self {
            success: log.status != SyncStatus::Error,
            message,
            records_fetched: log.records_fetched,
            records_created: log.records_created,
            records_updated: log.records_updated,
            records_skipped: log.records_skipped,
            log_id: Some(log.id),
        }
    }

    /// A sync that did not start.
    pub(super) fn refused(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// What the desk cannot do, as an error of this dialect; what the store said goes to the log alone.
pub(super) fn desk(error: DeskError) -> Error {
    let code = match &error {
        DeskError::NotFound => "not_found",
        DeskError::FromFile => "from_file",
        DeskError::Taken(_) => "conflict",
        DeskError::Faults(_) => "bad_request",
        DeskError::Store(error) => {
            tracing::warn!(%error, "The store could not answer a GraphQL question.");
            "store_unavailable"
        }
    };
    coded(code, &error.to_string())
}

fn moment(stamp: Stamp) -> Moment {
    Moment(stamp.unix_ms)
}
