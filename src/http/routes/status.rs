use super::Shared;
use super::consumers::{self, ConsumerView};
use super::keeping;
use super::process::Process;
use crate::engine::Snapshot;
use crate::http::problem::Problem;
use crate::http::{Certificate, Disk, Unrecorded, reception::Reception};
use crate::keeping::StorageView;
use crate::model::Stamp;
use crate::store::{Backlog, CdrFilter, Condition, PinRow, Reader, StoreError};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;

/// What the store says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Journal {
    /// The first `seq` still kept; `null` in an empty store.
    pub(super) oldest_seq: Option<u64>,
    /// The last `seq`.
    pub(super) latest_seq: Option<u64>,
    /// What each upstream has not yet taken.
    #[serde(skip)]
    pub(super) outbox: Vec<Backlog>,
}

/// The answer of `GET /api/v1/status`: the engine's snapshot with the box around it.
#[derive(Serialize)]
pub(super) struct Status<'a> {
    #[serde(flatten)]
    snapshot: &'a Snapshot,
    version: &'static str,
    clock: Clock,
    /// `null` when the store did not answer.
    journal: Option<Journal>,
    /// Per upstream; `null` when the store did not answer.
    outbox: Option<Vec<Backlog>>,
    /// The TLS keys that were pinned on first use.
    tls_pins: Vec<PinRow>,
    /// Readers that acknowledge; `null` when the store did not answer.
    consumers: Option<Vec<ConsumerView>>,
    disk: Option<Disk>,
    /// How the database is: its size, what went undelivered, whether the disk's reserve is used.
    database: Condition,
    /// Recordings given up for want of space.
    unrecorded: Unrecorded,
    /// Places that copies of recordings go to; `null` when the store did not answer.
    storages: Option<Vec<StorageView>>,
    /// How SIP is carried.
    transport: Transport,
    memory: Memory,
    process: Process,
    /// Why calls cannot be served; empty when they can.
    troubles: Vec<String>,
}

#[derive(Serialize)]
struct Transport {
    /// The certificate of TLS; `null` when nobody is listened to by TLS.
    certificate: Option<Certificate>,
    /// Connections over TCP, TLS and WebSocket.
    streams: usize,
}

#[derive(Serialize)]
struct Clock {
    now: Stamp,
    synced: bool,
}

#[derive(Serialize)]
struct Memory {
    resident_bytes: Option<u64>,
}

/// `GET /api/v1/status`.
pub(super) async fn show(State(reception): Shared) -> Result<axum::response::Response, Problem> {
    let snapshot: Arc<Snapshot> = reception.snapshot().await?;
    let journal = journal(&reception).await;
    let health = reception.faces.health.look();
    let process = Process::look();
    let status = Status {
        version: reception.faces.version,
        clock: Clock {
            now: snapshot.at,
            synced: snapshot.clock_synced,
        },
        outbox: journal.as_ref().map(|journal| journal.outbox.clone()),
        journal,
        tls_pins: reception.faces.destinations.pins(),
        consumers: consumers::views(&reception).await.ok(),
        disk: health.disk,
        database: health.journal,
        unrecorded: health.recordings,
        storages: keeping::views(&reception).await.ok(),
        transport: Transport {
            certificate: health.certificate,
            streams: health.sip_streams,
        },
        memory: Memory {
            resident_bytes: process.resident_bytes,
        },
        process,
        troubles: health.troubles,
        snapshot: &snapshot,
    };
    Ok(axum::response::IntoResponse::into_response(Json(status)))
}

/// What the store says about itself, or nothing when it cannot be asked: the rest is still worth showing then.
pub(super) async fn journal(reception: &Reception) -> Option<Journal> {
    reception.read(ask).await.ok()
}

fn ask(reader: &Reader) -> Result<Journal, StoreError> {
    let page = reader.cdrs(&CdrFilter {
        limit: 1,
        newest_first: true,
        ..CdrFilter::default()
    })?;
    Ok(Journal {
        oldest_seq: page.oldest_seq,
        latest_seq: page.latest_seq,
        outbox: reader.backlog()?,
    })
}
