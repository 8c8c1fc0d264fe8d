//! The files of messages, and the clerk who runs their errands.

use super::clock;
use super::post::{Letter, Post};
use crate::config::Config;
use crate::egress::Egress;
use crate::engine::Command;
use crate::mailroom::{Clerk, Means, Orders, Pace, ReadFile};
use crate::model::{CallId, Mailbox, MessageState, RecordingId, RecordingKind, RecordingRow, Stamp};
use crate::recording::{self, Found, Roots};
use crate::store::Store;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Reads the file of a message as WAV, also one that is sealed or compressed.
pub(super) fn reading(roots: &Arc<Roots>, config: &Config) -> ReadFile {
    let (roots, keys) = (Arc::clone(roots), config.recording.keys());
    Arc::new(move |path| recording::as_wav(&find(&roots, path)?, keys.as_ref()))
}

fn find(roots: &Roots, path: &str) -> io::Result<Found> {
    let nobody = uuid::Uuid::nil();
    // Where a file lies follows from its kind and its path alone.
    roots.find(&RecordingRow {
        id: RecordingId(nobody),
        call_id: CallId(nobody),
        kind: RecordingKind::Voicemail,
        path: path.to_owned(),
        started_at: Stamp {
            unix_ms: 0,
            offset_seconds: 0,
        },
        agent: None,
    })
}

/// Whoever sends messages by e-mail, has them written down, and throws old ones away.
pub(super) fn clerk(
    config: &Config,
    store: &Store,
    post: &Post,
    roots: &Arc<Roots>,
    data_dir: &Path,
    egress: Egress,
) -> (Clerk, watch::Sender<Orders>) {
    let (post, own_roots) = (post.clone(), Arc::clone(roots));
    let means = Means {
        messages: store.messages(),
        read: reading(roots, config),
        remove: Arc::new(move |path| std::fs::remove_file(find(&own_roots, path)?.path)),
        throw_away: Arc::new(move |id| {
            let command = Command::MarkMessage(id, MessageState::Deleted);
            // A full queue: the next turn asks again.
            let _ = post.try_send(Letter::Command(command));
        }),
        egress,
        site: config.site.name.clone(),
        work_dir: data_dir.join("work"),
        clock: clock::for_store(),
        pace: Pace::default(),
    };
    let (change, orders) = watch::channel(self::orders(config));
    (Clerk::new(means, orders), change)
}

/// What the configuration says about e-mails and transcripts.
pub(super) fn orders(config: &Config) -> Orders {
    let owners = config.clone();
    Orders {
        owner: Arc::new(move |mailbox: &Mailbox| owners.box_owner(mailbox)),
        mail: config.mail.clone(),
        transcription: config.transcription.clone(),
    }
}
