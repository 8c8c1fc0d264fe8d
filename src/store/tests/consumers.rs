use super::sample::{closing, stamp};
use super::{Room, open};
use crate::store::{Acknowledged, Place, Seek};
use std::path::Path;

fn room_with(dir: &Path, records: u32) -> Room {
    let (room, _) = open(dir, &[], |_options| ());
    for n in 0..records {
        room.append(closing(n));
    }
    room.settle();
    room
}

fn stands(acked_seq: u64, lag: u64) -> Acknowledged {
    Acknowledged::Stands(Place { acked_seq, lag })
}

#[test]
fn an_acknowledgement_only_moves_forward_and_outlives_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 5);
    let consumers = room.store.consumers();
    assert_eq!(consumers.acknowledge("crm", 3).unwrap(), stands(3, 2));
    assert_eq!(
        consumers.acknowledge("crm", 1).unwrap(),
        stands(3, 2),
        "a lower one changes nothing"
    );
    assert_eq!(
        consumers.acknowledge("crm", 3).unwrap(),
        stands(3, 2),
        "nor the same again"
    );
    assert_eq!(
        consumers.acknowledge("crm", 6).unwrap(),
        Acknowledged::BeyondTheEnd
    );
    room.store.shutdown();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let known = room.store.reader().consumers().unwrap();
    assert_eq!(
        (known[0].name.as_str(), known[0].acked_seq, known[0].lag),
        ("crm", 3, 2)
    );
    assert!(known[0].waiting_since_ms.is_some() && known[0].last_ack_ms.is_some());
}

#[test]
fn a_reader_is_moved_where_a_person_says() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 5);
    let consumers = room.store.consumers();
    assert_eq!(consumers.seek("crm", Seek::Latest).unwrap(), stands(5, 0));
    assert_eq!(consumers.seek("crm", Seek::Oldest).unwrap(), stands(0, 5));
    assert_eq!(consumers.seek("crm", Seek::Seq(4)).unwrap(), stands(4, 1));
    assert_eq!(
        consumers.seek("crm", Seek::Seq(6)).unwrap(),
        Acknowledged::BeyondTheEnd
    );
    let third = stamp(2).unix_ms;
    assert_eq!(consumers.seek("crm", Seek::Time(third)).unwrap(), stands(2, 3));
    assert_eq!(
        consumers.seek("crm", Seek::Time(third + 1_000_000)).unwrap(),
        stands(5, 0)
    );
    assert!(consumers.forget("crm").unwrap());
    assert!(!consumers.forget("crm").unwrap());
}

#[test]
fn names_from_outside_have_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 1);
    let consumers = room.store.consumers();
    for n in 0..crate::store::Consumers::MOST {
        assert_eq!(
            consumers.acknowledge(&format!("reader-{n}"), 1).unwrap(),
            stands(1, 0)
        );
    }
    assert_eq!(
        consumers.acknowledge("one-more", 1).unwrap(),
        Acknowledged::TooMany
    );
    assert_eq!(consumers.acknowledge("reader-0", 1).unwrap(), stands(1, 0));
}

#[test]
fn a_reader_begins_again_when_the_database_does() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 200);
    room.store.consumers().acknowledge("crm", 150).unwrap();
    room.store.shutdown();
    super::damage::break_a_page(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &[], |_options| ());
    assert!(found.set_aside.is_some());
    let known = room.store.reader().consumers().unwrap();
    assert!(known.iter().all(|one| one.acked_seq == 0), "{known:?}");
}
