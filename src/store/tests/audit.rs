use super::{Room, open};
use crate::model::{Entry, Number};
use crate::store::journal::Durability;
use crate::store::tests::sample::{recording_id, stamp};
use crate::store::{AuditDid, AuditNote, AuditPage, AuditWay};

fn note(n: u32) -> AuditNote {
    AuditNote {
        at: stamp(n),
        by: "mona".to_owned(),
        way: AuditWay::Page,
        from: Some("192.0.2.7".to_owned()),
        did: AuditDid::Changed,
        what: format!("DELETE /api/v1/bans/198.51.100.{n}"),
    }
}

fn written(entries: u32) -> (tempfile::TempDir, Room) {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    for n in 0..entries {
        room.store.journal().note_deed(note(n)).unwrap();
    }
    (dir, room)
}

fn places(room: &Room, page: AuditPage, limit: usize) -> Vec<u64> {
    let entries = room.store.reader().audit(page, limit).unwrap();
    entries.into_iter().map(|entry| entry.place).collect()
}

/// S2-013
#[test]
fn the_audit_log_is_read_from_either_end() {
    let (_dir, room) = written(5);
    assert_eq!(places(&room, AuditPage::Before(None), 2), [5, 4]);
    assert_eq!(places(&room, AuditPage::Before(Some(4)), 9), [3, 2, 1]);
    assert_eq!(places(&room, AuditPage::After(0), 2), [1, 2]);
    assert_eq!(places(&room, AuditPage::After(4), 9), [5]);
    let newest = room.store.reader().audit(AuditPage::Before(None), 1).unwrap();
    assert_eq!(newest[0].note, note(4));
    let report = room.store.reader().check_audit().unwrap();
    assert_eq!((report.entries, report.broken_at), (5, None));
    assert_eq!(report.head, Some(newest[0].hash.clone()));
}

/// S2-013: who listens by telephone is written down like everybody else.
#[test]
fn whoever_hears_a_message_by_phone_is_in_the_audit_log() {
    let (_dir, room) = written(0);
    room.append(Entry::MessageHeard {
        id: recording_id(3),
        by: Number::from("1001"),
        at: stamp(9),
    });
    // Whoever waits for a change knows that all before it is written.
    room.store.journal().note_deed(note(1)).unwrap();
    let heard = room.store.reader().audit(AuditPage::After(0), 1).unwrap();
    assert_eq!(
        heard[0].note,
        AuditNote {
            at: stamp(9),
            by: "1001".to_owned(),
            way: AuditWay::Phone,
            from: None,
            did: AuditDid::Heard,
            what: recording_id(3).to_string(),
        }
    );
}

/// S3-086
#[test]
fn an_entry_that_was_changed_or_taken_out_of_the_audit_log_is_found() {
    for (tampering, broken_at) in [
        (
            "UPDATE audit SET body = replace(body, 'mona', 'omar') WHERE place = 3",
            3,
        ),
        ("DELETE FROM audit WHERE place = 3", 4),
        (
            "UPDATE audit SET hash = (SELECT hash FROM audit WHERE place = 2) WHERE place = 3",
            3,
        ),
        ("DELETE FROM audit WHERE place = 1", 2),
    ] {
        let (_dir, room) = written(5);
        room.store
            .journal()
            .change(Durability::Synced, move |db| db.execute_batch(tampering))
            .unwrap();
        let report = room.store.reader().check_audit().unwrap();
        assert_eq!(report.broken_at, Some(broken_at), "{tampering}");
    }
}
