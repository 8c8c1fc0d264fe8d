//! The files of messages, and the clerk who runs their errands.

use super::clock;
use super::post::{Letter, Post};
use crate::config::Config;
use crate::egress::Egress;
use crate::engine::Command;
use crate::mailroom::{Clerk, Means, Pace, ReadFile};
use crate::model::{CallId, Mailbox, MessageState, RecordingId, RecordingKind, RecordingRow, Stamp};
use crate::recording::{Found, Roots};
use crate::store::Store;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// Reads the file of a message, sealed or not.
pub(super) fn reading(roots: &Arc<Roots>, config: &Config) -> ReadFile {
    let (roots, keys) = (Arc::clone(roots), config.recording.keys());
    Arc::new(move |path| {
        let mut sound = Vec::new();
        let mut file = find(&roots, path)?.open(keys.as_ref())?;
        file.read_to_end(&mut sound)?;
        Ok(sound)
    })
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
) -> Clerk {
    let (owners, post, own_roots) = (config.clone(), post.clone(), Arc::clone(roots));
    Clerk::new(Means {
        messages: store.messages(),
        owner: Arc::new(move |mailbox: &Mailbox| owners.box_owner(mailbox)),
        read: reading(roots, config),
        remove: Arc::new(move |path| std::fs::remove_file(find(&own_roots, path)?.path)),
        throw_away: Arc::new(move |id| {
            let command = Command::MarkMessage(id, MessageState::Deleted);
            // A full queue: the next turn asks again.
            let _ = post.try_send(Letter::Command(command));
        }),
        egress,
        mail: config.mail.clone(),
        transcription: config.transcription.clone(),
        site: config.site.name.clone(),
        work_dir: data_dir.join("work"),
        clock: clock::for_store(),
        pace: Pace::default(),
    })
}
