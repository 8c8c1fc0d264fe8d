//! Records as the columns of the table. The box takes them out of the text itself: it has one record at a time to look
//! at, the database those of a thousand boxes.

use crate::store::OutboxItem;
use serde::Deserialize;
use tokio_postgres::types::ToSql;

macro_rules! columns {
    ($($field:ident: $type:ty => $column:literal, $kept:literal;)*) => {
        /// One row.
        struct Row {
            $($field: $type,)*
        }

        /// Rows, column by column, as `unnest` takes them.
        #[derive(Default)]
        pub(super) struct Columns {
            $($field: Vec<$type>,)*
        }

        impl Columns {
            fn push(&mut self, row: Row) {
                $(self.$field.push(row.$field);)*
            }

            /// One array for each of [`COLUMNS`].
            pub(super) fn arrays(&self) -> Vec<&(dyn ToSql + Sync)> {
                vec![$(&self.$field,)*]
            }
        }

        /// Name and type of each column that a record fills.
        pub(super) const COLUMNS: &[(&str, &str)] = &[$(($column, $kept),)*];
    };
}

columns! {
    cdr_id: String => "cdr_id", "uuid";
    version: i32 => "version", "integer";
    site: String => "site", "text";
    seq: i64 => "seq", "bigint";
    call_id: Option<String> => "call_id", "uuid";
    is_final: Option<bool> => "final", "boolean";
    direction: Option<String> => "direction", "text";
    status: Option<String> => "status", "text";
    caller_number: Option<String> => "caller_number", "text";
    caller_name: Option<String> => "caller_name", "text";
    dialed_number: Option<String> => "dialed_number", "text";
    callee_number: Option<String> => "callee_number", "text";
    outbound_caller_id: Option<String> => "outbound_caller_id", "text";
    started_at: Option<String> => "started_at", "timestamptz";
    ringing_at: Option<String> => "ringing_at", "timestamptz";
    answered_at: Option<String> => "answered_at", "timestamptz";
    ended_at: Option<String> => "ended_at", "timestamptz";
    clock_synced: Option<bool> => "clock_synced", "boolean";
    duration_ms: Option<i64> => "duration_ms", "bigint";
    talk_ms: Option<i64> => "talk_ms", "bigint";
    ring_ms: Option<i64> => "ring_ms", "bigint";
    wait_ms: Option<i64> => "wait_ms", "bigint";
    hold_ms: Option<i64> => "hold_ms", "bigint";
    sip_code: Option<i32> => "sip_code", "integer";
    q850: Option<i32> => "q850", "integer";
    hangup_by: Option<String> => "hangup_by", "text";
    cause: Option<String> => "cause", "text";
    agent: Option<String> => "agent", "text";
    group: Option<String> => "group_name", "text";
    flow: Option<String> => "flow", "text";
    trunk: Option<String> => "trunk", "text";
    recording_path: Option<String> => "recording_path", "text";
    origin_source: Option<String> => "origin_source", "text";
    origin_id: Option<String> => "origin_id", "text";
    body: String => "body", "jsonb";
}

/// What the columns need of a record's text.
#[derive(Deserialize)]
struct Facts {
    site: String,
    call_id: Option<String>,
    #[serde(rename = "final")]
    is_final: Option<bool>,
    direction: Option<String>,
    status: Option<String>,
    caller_number: Option<String>,
    caller_name: Option<String>,
    dialed_number: Option<String>,
    callee_number: Option<String>,
    outbound_caller_id: Option<String>,
    started_at: Option<String>,
    ringing_at: Option<String>,
    answered_at: Option<String>,
    ended_at: Option<String>,
    clock_synced: Option<bool>,
    duration_ms: Option<i64>,
    talk_ms: Option<i64>,
    ring_ms: Option<i64>,
    wait_ms: Option<i64>,
    hold_ms: Option<i64>,
    sip_code: Option<i32>,
    q850: Option<i32>,
    hangup_by: Option<String>,
    cause: Option<String>,
    agent: Option<String>,
    group: Option<String>,
    flow: Option<String>,
    trunk: Option<String>,
    recording: Option<Recording>,
    origin: Option<Origin>,
}

#[derive(Deserialize)]
struct Recording {
    path: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Origin {
    source: Option<String>,
    external_id: Option<String>,
}

impl Columns {
    /// The columns of these records, or what is wrong with one of them.
    pub(super) fn of(items: &[OutboxItem]) -> Result<Self, String> {
        let mut columns = Self::default();
        for item in items {
            let facts: Facts = serde_json::from_str(&item.body)
                .map_err(|error| format!("record {} is not one of ours: {error}", item.seq))?;
            columns.push(row(item, facts));
        }
        Ok(columns)
    }
}

fn row(item: &OutboxItem, facts: Facts) -> Row {
    let (source, id) = facts
        .origin
        .map_or((None, None), |origin| (origin.source, origin.external_id));
    Row {
        cdr_id: item.cdr_id.clone(),
        version: i32::try_from(item.version).unwrap_or(i32::MAX),
        site: facts.site,
        seq: i64::try_from(item.seq).unwrap_or(i64::MAX),
        call_id: facts.call_id,
        is_final: facts.is_final,
        direction: facts.direction,
        status: facts.status,
        caller_number: facts.caller_number,
        caller_name: facts.caller_name,
        dialed_number: facts.dialed_number,
        callee_number: facts.callee_number,
        outbound_caller_id: facts.outbound_caller_id,
        started_at: facts.started_at,
        ringing_at: facts.ringing_at,
        answered_at: facts.answered_at,
        ended_at: facts.ended_at,
        clock_synced: facts.clock_synced,
        duration_ms: facts.duration_ms,
        talk_ms: facts.talk_ms,
        ring_ms: facts.ring_ms,
        wait_ms: facts.wait_ms,
        hold_ms: facts.hold_ms,
        sip_code: facts.sip_code,
        q850: facts.q850,
        hangup_by: facts.hangup_by,
        cause: facts.cause,
        agent: facts.agent,
        group: facts.group,
        flow: facts.flow,
        trunk: facts.trunk,
        recording_path: facts
            .recording
            .and_then(|recording| recording.path.or(recording.url)),
        origin_source: source,
        origin_id: id,
        body: item.numbered_body(),
    }
}

/// The type an array of this column is sent as: what PostgreSQL has a form of its own for goes as its text.
pub(super) fn sent_as(kept: &str) -> &str {
    match kept {
        "uuid" | "timestamptz" | "jsonb" => "text",
        plain => plain,
    }
}
