//! Messages that are old enough are thrown away, and what was thrown away long enough ago is removed.

use super::clerk::{BoxOwner, Means};
use crate::model::Mailbox;
use crate::store::StoreError;

/// How long somebody may take back what was thrown away.
const GRACE_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Goes through all boxes once. Waits for the disk.
///
/// # Errors
/// When the store cannot be read or written; the next turn goes on.
pub(super) fn sweep(means: &Means, owner: &dyn Fn(&Mailbox) -> BoxOwner) -> Result<(), StoreError> {
    let now = (means.clock.unix_ms)();
    for mailbox in means.messages.boxes()? {
        let days = owner(&mailbox).keep_days;
        if days == 0 {
            continue;
        }
        for id in means.messages.old(&mailbox, now - i64::from(days) * DAY_MS)? {
            tracing::info!(%mailbox, message = %id, "A message in {mailbox} is older than {days} days and goes.");
            // A busy engine is asked again at the next turn.
            (means.throw_away)(id);
        }
    }
    for stored in means.messages.to_remove(now - GRACE_MS)? {
        let message = &stored.message;
        match (means.remove)(&message.path) {
            Ok(()) => means.messages.file_gone(message.id)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                means.messages.file_gone(message.id)?;
            }
            Err(error) => {
                tracing::warn!(path = %message.path, %error, "A message that was thrown away cannot be removed: {error}.");
            }
        }
    }
    Ok(())
}
