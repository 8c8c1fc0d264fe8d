//! What the rooms beside the engine have to tell a technician. The engine does not know of disks and destinations, so
//! their alarms are added to its snapshot on the way out.

use super::consumer_watch::ConsumerWatch;
use crate::engine::{Alarm, Severity, Snapshot};
use crate::http::Unrecorded;
use crate::recording::SpaceWatch;
use std::sync::Arc;

/// Everybody who may have an alarm.
#[derive(Debug)]
pub(super) struct Board {
    space: SpaceWatch,
    consumers: ConsumerWatch,
}

impl Board {
    pub(super) fn new(space: SpaceWatch, consumers: ConsumerWatch) -> Self {
        Self { space, consumers }
    }

    /// The snapshot with what is wrong elsewhere, still the worst first.
    pub(super) fn add_to(&self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        let alarms = self.alarms();
        if alarms.is_empty() {
            return snapshot;
        }
        let mut snapshot = Arc::unwrap_or_clone(snapshot);
        snapshot.alarms.extend(alarms);
        snapshot.alarms.sort_by_key(|alarm| alarm.severity);
        Arc::new(snapshot)
    }

    /// Must not block.
    fn alarms(&self) -> Vec<Alarm> {
        let mut alarms = self.consumers.alarms();
        alarms.extend(self.no_room());
        alarms
    }

    fn no_room(&self) -> Option<Alarm> {
        let short = self.space.now()?;
        let Unrecorded { cut, left_out } = self.recordings();
        Some(Alarm {
            severity: Severity::Critical,
            code: "recordings_stopped",
            text: format!(
                "Calls are not recorded: {short}. {cut} recordings were ended early and {left_out} not begun. Make room, \
                 or lower [recording] keep_free_megabytes."
            ),
        })
    }

    pub(super) fn recordings(&self) -> Unrecorded {
        Unrecorded {
            cut: self.space.cut(),
            left_out: self.space.left_out(),
        }
    }
}
