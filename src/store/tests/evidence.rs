use super::{Room, open};
use crate::model::{Entry, RecordingId, TapeDone};
use crate::store::tests::sample::{ended, facts, opening, recording, recording_id, stamp, talked};
use crate::store::{ChainEntry, Deed, DeedMark, Evidence};
use std::path::Path;

/// A box with this many complete recordings.
fn recorded(dir: &Path, count: u32) -> (Room, Evidence) {
    let (room, _) = open(dir, &[], |_options| ());
    let journal = room.store.journal();
    for n in 0..count {
        journal.try_append(opening(n)).unwrap();
        journal.try_append(Entry::RecordingOpened(recording(n))).unwrap();
        let result = Ok(facts(n));
        let id = recording_id(n);
        journal.try_tape_done(TapeDone { id, result }).unwrap();
        let mut cdr = talked(n);
        cdr.recording = Some(facts(n));
        journal.try_append(Entry::CallClosed(Box::new(cdr))).unwrap();
    }
    let evidence = room.store.evidence();
    // Whoever waits for a change knows that all before it is written.
    assert!(
        !evidence
            .hold(recording_id(900), true, stamp(1), "x", "x")
            .unwrap()
    );
    (room, evidence)
}

fn deeds(room: &Room, id: RecordingId) -> Vec<DeedMark> {
    let entries = room.store.reader().recording_deeds(id).unwrap();
    entries.iter().map(|entry: &ChainEntry| entry.deed.what).collect()
}

#[test]
fn a_completed_recording_is_one_entry_however_often_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = recorded(dir.path(), 3);
    assert_eq!(deeds(&room, recording_id(1)), [DeedMark::Written]);
    let report = room.store.reader().check_recording_chain().unwrap();
    assert_eq!((report.entries, report.broken_at), (3, None));
    assert!(report.head.is_some());
}

#[test]
fn a_hold_wins_over_every_removal_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let (room, evidence) = recorded(dir.path(), 1);
    let id = recording_id(0);
    assert!(evidence.hold(id, true, stamp(1), "sam", "case 12").unwrap());
    assert!(!evidence.hold(id, true, stamp(1), "sam", "again").unwrap());
    assert!(!evidence.begin_removal(id, "deleted by eve").unwrap());
    let granted = room
        .store
        .upkeep()
        .begin_removals(vec![(id, "recording.retention_days".to_owned())]);
    assert_eq!(granted.unwrap(), []);
    assert!(evidence.hold(id, false, stamp(2), "sam", "closed").unwrap());
    assert!(evidence.begin_removal(id, "deleted by eve").unwrap());
    let deed = Deed {
        at: Some(stamp(3)),
        ..Deed::new(DeedMark::Removed)
    };
    evidence.removed(&recording(0), "deleted by eve", deed).unwrap();
    let known = room.store.reader().known_recording(id).unwrap().unwrap();
    assert!(known.removed_ms.is_some() && known.held_since.is_none());
    let (_, cdr) = room.store.reader().cdr(ended(0).cdr_id).unwrap().unwrap();
    let told = cdr.recording.unwrap();
    assert_eq!(
        (told.path.as_str(), told.removed.unwrap().rule.as_str()),
        ("", "deleted by eve")
    );
    use DeedMark::{Held, Released, Removed, Written};
    assert_eq!(deeds(&room, id), [Written, Held, Released, Removed]);
}

#[test]
fn a_change_on_purpose_gives_the_record_its_next_version() {
    let dir = tempfile::tempdir().unwrap();
    let (room, evidence) = recorded(dir.path(), 1);
    let mut changed = facts(0);
    changed.sha256 = Some("ab".repeat(32));
    changed.bytes = Some(77);
    let deed = Deed {
        before: facts(0).sha256,
        after: changed.sha256.clone(),
        ..Deed::new(DeedMark::Redacted)
    };
    evidence.changed(&recording(0), changed.clone(), deed).unwrap();
    let (_, cdr) = room.store.reader().cdr(ended(0).cdr_id).unwrap().unwrap();
    assert_eq!(cdr.version, 2);
    assert_eq!(cdr.recording.unwrap().sha256, changed.sha256);
    assert_eq!(
        deeds(&room, recording_id(0)),
        [DeedMark::Written, DeedMark::Redacted]
    );
}

/// FIELD A6: tamper evidence.
#[test]
fn a_changed_entry_and_one_taken_out_are_found_where_they_were() {
    let tampers = [
        ("UPDATE recording_chain SET bytes = bytes + 1 WHERE place = 3", 3),
        (
            "UPDATE recording_chain SET recording = zeroblob(16) WHERE place = 2",
            2,
        ),
        ("DELETE FROM recording_chain WHERE place = 4", 5),
        (
            "UPDATE recording_chain SET hash = zeroblob(32) WHERE place = 5",
            5,
        ),
    ];
    for (tamper, found_at) in tampers {
        let dir = tempfile::tempdir().unwrap();
        let (room, _) = recorded(dir.path(), 5);
        let beside = rusqlite::Connection::open(dir.path().join("callpost.db")).unwrap();
        assert_eq!(beside.execute(tamper, []).unwrap(), 1, "{tamper}");
        let report = room.store.reader().check_recording_chain().unwrap();
        assert_eq!(report.broken_at, Some(found_at), "{tamper}");
    }
}

#[test]
fn recordings_are_walked_through_in_whichever_state() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = recorded(dir.path(), 5);
    let reader = room.store.reader();
    assert_eq!(reader.recording_count().unwrap(), 5);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let lot = reader.known_recordings(after, 2).unwrap();
        let Some(last) = lot.last() else { break };
        after = Some(last.stored.row.id);
        seen.extend(lot.iter().map(|known| known.stored.row.id));
    }
    assert_eq!(seen, (0..5).map(recording_id).collect::<Vec<_>>());
}
