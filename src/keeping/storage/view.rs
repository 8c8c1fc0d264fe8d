use super::target::{Target, Trouble};
use super::{Kind, Storage};
use crate::egress::Egress;
use crate::store::StorageBacklog;
use serde::Serialize;

/// A place as the API and the page show it; nothing secret is among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StorageView {
    /// How it stands.
    #[serde(flatten)]
    pub backlog: StorageBacklog,
    /// What kind of place it is; nothing when it is no longer in the configuration.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// The bucket, folder or directory.
    pub place: String,
    /// Whether a recording stays here until this place has it.
    pub required: bool,
    /// Days that a file stays here once this place has it.
    pub keep_local_days: Option<u32>,
    /// The most that is sent in a second.
    pub kilobytes_per_second: Option<u32>,
    /// `ok`, `sending`, `backing_off`, `stuck` or `off`.
    pub state: &'static str,
    /// For how long the oldest recording has waited.
    pub oldest_seconds: u64,
}

impl StorageView {
    pub(in crate::keeping) fn of(backlog: StorageBacklog, storage: Option<&Storage>, now_ms: i64) -> Self {
        let waited_ms = backlog
            .oldest_ms
            .map_or(0, |since| now_ms.saturating_sub(since).max(0));
        let oldest_seconds = u64::try_from(waited_ms / 1000).unwrap_or(0);
        let is_stuck = storage.is_some_and(|storage| oldest_seconds > storage.patience_seconds());
        let state = match (storage, backlog.enabled, backlog.failures, backlog.pending) {
            (None, ..) | (_, false, ..) => "off",
            _ if is_stuck => "stuck",
            (.., 1.., _) => "backing_off",
            (.., 1..) => "sending",
            (.., 0) => "ok",
        };
        Self {
            kind: storage.map(|storage| storage.kind),
            place: storage.map(|storage| storage.address_of("")).unwrap_or_default(),
            required: storage.is_some_and(|storage| storage.required),
            keep_local_days: storage.and_then(|storage| storage.keep_local_days),
            kilobytes_per_second: storage.map(|storage| storage.kilobytes_per_second),
            state,
            oldest_seconds,
            backlog,
        }
    }
}

impl Storage {
    pub(in crate::keeping) fn patience_seconds(&self) -> u64 {
        u64::from(self.alarm_after_hours) * 3600
    }
}

/// What may be done at a place: each right by its own step, the first that is missing with what the place says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Whether a small object could be written, read and deleted.
    pub ok: bool,
    /// The steps that went well: `write`, `read`, `delete`.
    pub done: Vec<&'static str>,
    /// The step that did not.
    pub failed: Option<&'static str>,
    /// Why, in plain words.
    pub reason: Option<String>,
}

impl Tested {
    /// Writes a small object, reads it and deletes it. A recording is never touched.
    pub(in crate::keeping) async fn run(storage: &Storage, egress: &Egress, nonce: &str) -> Self {
        let mut tested = Self {
            ok: false,
            done: Vec::new(),
            failed: None,
            reason: None,
        };
        match tested.steps(storage, egress, nonce).await {
            Ok(()) => tested.ok = true,
            Err((step, trouble)) => {
                tested.failed = Some(step);
                tested.reason = Some(trouble.to_string());
            }
        }
        tested
    }

    async fn steps(
        &mut self,
        storage: &Storage,
        egress: &Egress,
        nonce: &str,
    ) -> Result<(), (&'static str, Trouble)> {
        let key = format!("callpost-test-{nonce}.txt");
        let text = format!("A test of callpost; it may be deleted. {nonce}\n");
        let target = Target::open(storage, egress).map_err(|trouble| ("open", trouble))?;
        let put = target.put_small(&key, text.as_bytes()).await;
        put.map_err(|trouble| ("write", trouble))?;
        self.done.push("write");
        let read = target
            .read_small(&key)
            .await
            .map_err(|trouble| ("read", trouble))?;
        if read != text.as_bytes() {
            return Err((
                "read",
                Trouble("what lies there is not what was written".to_owned()),
            ));
        }
        self.done.push("read");
        target.delete(&key).await.map_err(|trouble| ("delete", trouble))?;
        self.done.push("delete");
        Ok(())
    }
}
