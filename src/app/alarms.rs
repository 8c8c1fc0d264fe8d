//! What the rooms beside the engine have to tell a technician. The engine does not know of disks and destinations, so
//! their alarms are added to its snapshot on the way out.

use super::clock;
use super::consumer_watch::ConsumerWatch;
use super::pins::PinDesk;
use super::secure::Shown;
use crate::connectors::sync::{SyncAlarm, SyncTrouble, SyncWatch};
use crate::engine::{Alarm, Severity, Snapshot};
use crate::http::{ErrandCounts, RecorderWork, Unrecorded};
use crate::keeping::{KeepingAlarm, KeepingTrouble, KeepingWatch};
use crate::mailroom::{ErrandNews, ErrandWatch};
use crate::net::CertificateFacts;
use crate::net::rtp::RtpThreads;
use crate::recording::{RecorderWatch, SpaceWatch};
use crate::store::{Condition, ConditionWatch, PinRow, TroubleWatch};
use crate::upstream::{DeliveryAlarm, DeliveryTrouble, DeliveryWatch};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Everybody who may have an alarm.
#[derive(Debug)]
pub(super) struct Board {
    space: SpaceWatch,
    journal: ConditionWatch,
    trouble: TroubleWatch,
    consumers: ConsumerWatch,
    pins: Arc<PinDesk>,
    /// Set when the forwarders run.
    deliveries: OnceLock<DeliveryWatch>,
    /// Set when somebody is listened to by TLS.
    certificate: OnceLock<Arc<Shown>>,
    /// Set when the records of PBXs are fetched.
    syncs: OnceLock<SyncWatch>,
    /// Set when recordings are looked after.
    keeping: OnceLock<KeepingWatch>,
    /// Set when recordings are written.
    tapes: OnceLock<(RecorderWatch, Weak<RtpThreads>)>,
    gaps: Mutex<Gaps>,
    /// Set when messages are sent and written down.
    errands: OnceLock<ErrandWatch>,
    /// Set when the configuration can be changed.
    settings: OnceLock<watch::Receiver<Vec<Alarm>>>,
}

/// Audio that recordings have lost, and when that was seen to grow.
#[derive(Debug, Default)]
struct Gaps {
    dropped_ms: u64,
    grew: Option<Instant>,
}

/// How long recordings with gaps are told of.
const TELL_OF_GAPS: Duration = Duration::from_secs(3600);

impl Board {
    pub(super) fn new(
        space: SpaceWatch,
        (journal, trouble): (ConditionWatch, TroubleWatch),
        consumers: ConsumerWatch,
        pins: Arc<PinDesk>,
    ) -> Self {
        Self {
            space,
            journal,
            trouble,
            consumers,
            pins,
            deliveries: OnceLock::new(),
            certificate: OnceLock::new(),
            syncs: OnceLock::new(),
            keeping: OnceLock::new(),
            tapes: OnceLock::new(),
            gaps: Mutex::default(),
            errands: OnceLock::new(),
            settings: OnceLock::new(),
        }
    }

    pub(super) fn watch_deliveries(&self, watch: DeliveryWatch) {
        // There is one set of forwarders; a second watch would see the same.
        let _ = self.deliveries.set(watch);
    }

    pub(super) fn watch_certificate(&self, shown: Arc<Shown>) {
        // There is one certificate.
        let _ = self.certificate.set(shown);
    }

    /// What the certificate of SIP says, if there is one.
    pub(super) fn certificate(&self) -> Option<Arc<CertificateFacts>> {
        self.certificate.get().map(|shown| shown.facts())
    }

    pub(super) fn watch_syncs(&self, watch: SyncWatch) {
        // There is one desk; a second watch would see the same.
        let _ = self.syncs.set(watch);
    }

    pub(super) fn watch_keeping(&self, watch: KeepingWatch) {
        // There is one keeper.
        let _ = self.keeping.set(watch);
    }

    pub(super) fn watch_tapes(&self, recorder: RecorderWatch, rtp: &Arc<RtpThreads>) {
        // There is one recorder.
        let _ = self.tapes.set((recorder, Arc::downgrade(rtp)));
    }

    pub(super) fn watch_errands(&self, watch: ErrandWatch) {
        // There is one clerk.
        let _ = self.errands.set(watch);
    }

    pub(super) fn watch_settings(&self, alarms: watch::Receiver<Vec<Alarm>>) {
        // There is one desk.
        let _ = self.settings.set(alarms);
    }

    /// What writing recordings has cost.
    pub(super) fn recorder(&self) -> RecorderWork {
        let Some((recorder, rtp)) = self.tapes.get() else {
            return RecorderWork::default();
        };
        let (written, rtp) = (recorder.now(), rtp.upgrade());
        let heard = rtp.map(|rtp| rtp.counters()).unwrap_or_default();
        RecorderWork {
            failed: written.failed,
            writes: written.writes,
            bytes: written.bytes,
            syncs: written.syncs,
            deepest_queue: written.deepest_queue,
            dropped_ms: heard.tape_ms_dropped,
            late_packets: heard.tape_packets_late,
        }
    }

    /// What is to be done about messages.
    pub(super) fn errands(&self) -> ErrandCounts {
        let now = self.errands.get().map(ErrandWatch::now).unwrap_or_default();
        ErrandCounts {
            waiting: now.waiting,
            given_up: now.given_up,
        }
    }

    fn gaps(&self) -> Option<Alarm> {
        let dropped_ms = self.recorder().dropped_ms;
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::monotonic();
        if dropped_ms > gaps.dropped_ms {
            (gaps.dropped_ms, gaps.grew) = (dropped_ms, Some(now));
        }
        let is_news = |grew: Instant| now.saturating_duration_since(grew) < TELL_OF_GAPS;
        gaps.grew.filter(|grew| is_news(*grew))?;
        Some(Alarm {
            severity: Severity::Critical,
            code: "recordings_have_gaps",
            text: format!(
                "The disk does not keep up with the recordings: {:.1} s of them since the start are silence. Calls are not \
                 touched. See what else writes to the disk, or record fewer calls.",
                dropped_ms as f64 / 1000.0
            ),
        })
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
        let deliveries = self.deliveries.get().map(DeliveryWatch::now).unwrap_or_default();
        let mut alarms = self.consumers.alarms();
        alarms.extend(self.trouble.now().map(not_written));
        alarms.extend(self.no_room());
        alarms.extend(self.gaps());
        let errands = self.errands.get().map(ErrandWatch::now).unwrap_or_default();
        alarms.extend(about_errands(&errands));
        alarms.extend(
            self.certificate
                .get()
                .map(|shown| shown.alarms())
                .unwrap_or_default(),
        );
        alarms.extend(of_the_journal(&self.journal.now()));
        alarms.extend(deliveries.into_iter().map(about_delivery));
        let syncs = self.syncs.get().map(SyncWatch::now).unwrap_or_default();
        alarms.extend(syncs.into_iter().map(about_sync));
        let keeping = self.keeping.get().map(KeepingWatch::now).unwrap_or_default();
        alarms.extend(keeping.into_iter().map(about_keeping));
        alarms.extend(self.pins.all().into_iter().filter_map(about_key));
        let settings = self.settings.get();
        alarms.extend(settings.map(|told| told.borrow().clone()).unwrap_or_default());
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

    pub(super) fn journal(&self) -> Condition {
        self.journal.now()
    }

    pub(super) fn recordings(&self) -> Unrecorded {
        Unrecorded {
            cut: self.space.cut(),
            left_out: self.space.left_out(),
        }
    }
}

fn not_written(reason: String) -> Alarm {
    Alarm {
        severity: Severity::Critical,
        code: "records_not_written",
        text: format!(
            "Call records cannot be written: {reason}. Calls are served and their records kept in memory; they are lost if \
             the power goes. Look after the disk; a file system that became read-only has to be checked."
        ),
    }
}

fn of_the_journal(journal: &Condition) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    let mut raise = |severity, code, text| {
        alarms.push(Alarm { severity, code, text });
    };
    if let Some(damage) = &journal.damage {
        let text = format!(
            "The database is damaged: {damage}. Call records are still written; the next start sets it aside and saves \
             what can be read. `callpost db check` tells more."
        );
        raise(Severity::Critical, "database_damaged", text);
    }
    if journal.reserve_is_used {
        let text = "The disk was full: call records are written into their reserve. Make room.".to_owned();
        raise(Severity::Critical, "disk_reserve_used", text);
    }
    if journal.is_full {
        let text = format!(
            "The database has reached {} MB ([cdr] max_megabytes): the oldest call records go. {} of them were not \
             delivered everywhere.",
            journal.max_bytes >> 20,
            journal.deleted_unacknowledged
        );
        raise(Severity::Critical, "database_full", text);
    } else if journal.lost_lately {
        let text = format!(
            "{} call records went before they were delivered everywhere, because the database was full.",
            journal.deleted_unacknowledged
        );
        raise(Severity::Warning, "records_deleted_undelivered", text);
    }
    alarms
}

fn about_delivery(alarm: DeliveryAlarm) -> Alarm {
    let (severity, code) = match alarm.kind {
        DeliveryTrouble::Gone => (Severity::Critical, "upstream_gone"),
        DeliveryTrouble::Stuck => (Severity::Critical, "delivery_stuck"),
        DeliveryTrouble::Parked => (Severity::Warning, "records_parked"),
    };
    Alarm {
        severity,
        code,
        text: alarm.text,
    }
}

fn about_sync(alarm: SyncAlarm) -> Alarm {
    let code = match alarm.kind {
        SyncTrouble::Failing => "pbx_sync_failing",
        SyncTrouble::Late => "pbx_sync_late",
    };
    Alarm {
        severity: Severity::Warning,
        code,
        text: alarm.text,
    }
}

fn about_keeping(alarm: KeepingAlarm) -> Alarm {
    let (severity, code) = match alarm.kind {
        KeepingTrouble::Stuck => (Severity::Critical, "uploads_stuck"),
        KeepingTrouble::Faulty => (Severity::Critical, "recordings_not_copied"),
        KeepingTrouble::Overdue => (Severity::Warning, "recordings_overdue"),
        KeepingTrouble::NotRemoved => (Severity::Warning, "recordings_not_removed"),
    };
    Alarm {
        severity,
        code,
        text: alarm.text,
    }
}

fn about_errands(errands: &ErrandNews) -> Option<Alarm> {
    let last = errands.last_given_up.as_ref()?;
    Some(Alarm {
        severity: Severity::Warning,
        code: "message_errands_given_up",
        text: format!(
            "{} e-mails or transcripts of messages were given up in the last day, the last because {last}. The messages are \
             in their boxes. Look after [mail] and [transcription]; new messages are tried again.",
            errands.given_up_lately
        ),
    })
}

fn about_key(pin: PinRow) -> Option<Alarm> {
    let shown = pin.shown?;
    let PinRow {
        destination, kept, ..
    } = pin;
    Some(Alarm {
        severity: Severity::Critical,
        code: "tls_key_changed",
        text: format!(
            "{destination} shows the TLS key {shown} in place of {kept} and is refused. If the key was changed on \
             purpose, accept it: POST /api/v1/upstreams/…/accept-key."
        ),
    })
}
