//! How the journal is opened: what it keeps, for whom, and whom it tells.

use super::post::{Letter, Post};
use super::{clock, monotonic, waking, wall_unix_ms};
use crate::config::Config;
use crate::model::WallClock;
use crate::recording::{self, Roots};
use crate::store::{Opened, Options, Store, StoreReply};
use crate::upstream::Waker;
use anyhow::Context as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Notify, watch};

/// Opens the journal in this directory; a call's record is forwarded by `waker` as soon as it is committed.
pub(super) fn open(
    config: &Config,
    data_dir: &Path,
    roots: &Roots,
    post: &Post,
    waker: &Arc<OnceLock<Waker>>,
    (committed, clerk_bell): (watch::Sender<u64>, Arc<Notify>),
) -> anyhow::Result<Opened> {
    let mut options = Options::new(clock::for_store());
    options.upstreams = config
        .upstreams
        .iter()
        .filter(|upstream| upstream.enabled)
        .map(|upstream| upstream.name.clone())
        .collect();
    options.keep = config.cdr.clone();
    // A call record is personal data too.
    options.keep.retention_days = config.retention.shorter(config.cdr.retention_days);
    let site = WallClock::new(monotonic(), wall_unix_ms(), false, config.site.zone());
    options.stamp_of = Arc::new(move |unix_ms| site.stamp_of(unix_ms));
    options.waking = waking::this_one();
    let (roots, keys) = (roots.clone(), config.recording.keys());
    options.mend = Box::new(move |rows| {
        let report = recording::mend_all(&roots, keys.as_ref(), rows);
        for (id, reason) in &report.lost {
            tracing::warn!(%id, "A recording of the last run has no usable file: {reason}.");
        }
        report.facts
    });
    let (post, waker) = (post.clone(), Arc::clone(waker));
    options.on_reply = Box::new(move |reply| match reply {
        StoreReply::CallOpened(call) => post.send(Letter::Journaled { call, on_disk: true }),
        StoreReply::CallClosed { .. } => {}
        StoreReply::MessageLeft => clerk_bell.notify_one(),
        StoreReply::Filed { seq } => {
            committed.send_replace(seq);
            if let Some(waker) = waker.get() {
                waker.wake();
            }
        }
        StoreReply::Failed { call, reason } => {
            tracing::error!("The journal cannot be written: {reason}.");
            if let Some(call) = call {
                post.send(Letter::Journaled { call, on_disk: false });
            }
        }
    });
    Store::open(data_dir, options)
        .with_context(|| format!("opening the data directory {}", data_dir.display()))
}

/// What the last run left, for the log.
pub(super) fn tell_what_was_found(opened: &Opened) {
    if let Some(aside) = &opened.set_aside {
        tracing::error!(
            ?aside,
            "The database was damaged and has been set aside; a new one is in use."
        );
    }
    if !opened.interrupted.is_empty() {
        tracing::warn!(
            calls = opened.interrupted.len(),
            recordings = opened.mended,
            "{} calls were cut by the last stop; their records are closed, {} recordings mended.",
            opened.interrupted.len(),
            opened.mended
        );
    }
}
