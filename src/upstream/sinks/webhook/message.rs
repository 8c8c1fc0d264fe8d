use crate::model::Stamp;
use crate::store::OutboxItem;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Deserialize;

/// What a format may know of the box.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) site: String,
    pub(super) appliance_id: String,
}

/// One HTTP message, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its identity, the same at every try; without a dot (Standard Webhooks).
    pub(super) id: String,
    pub(super) content_type: &'static str,
    /// Headers of the format itself.
    pub(super) headers: Vec<(&'static str, String)>,
    /// A parameter to add to the URL.
    pub(super) query: Option<(&'static str, String)>,
    pub(super) body: String,
}

impl Message {
    /// A message about one record.
    pub(super) fn of(item: &OutboxItem, content_type: &'static str, body: String) -> Self {
        Self {
            id: item.delivery_id(),
            content_type,
            headers: Vec::new(),
            query: None,
            body,
        }
    }
}

/// What envelopes say about a record, read without the rest of it.
#[derive(Debug, Deserialize)]
pub(super) struct Gist {
    pub(super) call_id: String,
    started_at: Stamp,
    ended_at: Option<Stamp>,
}

impl Gist {
    pub(super) fn of(item: &OutboxItem) -> Result<Self, String> {
        serde_json::from_str(&item.body).map_err(|error| format!("the record cannot be read: {error}"))
    }

    /// When the call ended: the time of the event, the same at every try.
    pub(super) fn at(&self) -> Stamp {
        self.ended_at.unwrap_or(self.started_at)
    }
}

/// `2026-11-20 14:00:05` by the site's clock; nothing for a moment that never came.
pub(super) fn local_time(at: Option<Stamp>) -> String {
    let Some(at) = at else { return String::new() };
    let offset = Offset::from_seconds(at.offset_seconds).unwrap_or(Offset::UTC);
    let time = Timestamp::from_millisecond(at.unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    offset.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whole seconds, as the older formats count.
pub(super) fn seconds(ms: u64) -> u64 {
    ms / 1000
}
