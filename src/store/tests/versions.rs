use super::sample::{call_id, closing, ended};
use super::{NOON, open};
use crate::model::{CallId, Entry, ForeignRecord};
use crate::store::journal::Durability;
use crate::store::{Batch, CdrFilter, CdrPage, OriginMatch, StoreReply, filing};

fn latest() -> CdrFilter {
    CdrFilter {
        latest_only: true,
        ..CdrFilter::default()
    }
}

fn rows(page: &CdrPage) -> Vec<(u64, u32)> {
    page.items.iter().map(|(seq, cdr)| (*seq, cdr.version)).collect()
}

#[test]
fn a_later_fact_is_a_new_row_and_lists_show_the_call_once() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    room.append(closing(1));
    room.append(closing(2));
    room.settle();
    let seq = room
        .store
        .journal()
        .amend(call_id(1), |cdr| {
            cdr.notes.push("called back".to_owned());
            true
        })
        .unwrap();
    assert_eq!(seq, Some(3));
    let reader = room.store.reader();
    assert_eq!(
        rows(&reader.cdrs(&CdrFilter::default()).unwrap()),
        [(1, 1), (2, 1), (3, 2)]
    );
    assert_eq!(rows(&reader.cdrs(&latest()).unwrap()), [(2, 1), (3, 2)]);
    assert_eq!(reader.cdr(call_id(1)).unwrap().unwrap().1.notes, ["called back"]);
    let first = &reader.cdrs(&CdrFilter::default()).unwrap().items[0].1;
    assert_eq!(first, &ended(1), "the row that was filed first is as it was");
    let Batch::Items(items) = room.store.outbox().next_batch("crm", 10).unwrap() else {
        panic!("nothing waits")
    };
    let ids: Vec<String> = items.iter().map(crate::store::OutboxItem::delivery_id).collect();
    let id = |n, version| format!("{}_{version}", call_id(n));
    assert_eq!(ids, [id(1, 1), id(2, 1), id(1, 2)]);
}

#[test]
fn nothing_to_change_and_no_such_record_file_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(closing(1));
    room.settle();
    let journal = room.store.journal();
    assert_eq!(journal.amend(call_id(1), |_cdr| false).unwrap(), None);
    assert_eq!(journal.amend(call_id(9), |_cdr| true).unwrap(), None);
    let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
    assert_eq!(rows(&page), [(1, 1)]);
}

#[test]
fn a_version_that_comes_late_does_not_hide_the_newer_one() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let mut second = ended(1);
    second.version = 2;
    room.append(Entry::CallClosed(Box::new(second)));
    room.append(closing(1));
    room.settle();
    let page = room.store.reader().cdrs(&latest()).unwrap();
    assert_eq!(rows(&page), [(1, 2)]);
}

#[test]
fn a_fetched_record_is_a_row_like_any_other_with_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    room.append(closing(1));
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
    let mut fetched = ended(2);
    fetched.origin = Some(ForeignRecord {
        source: "onepos".to_owned(),
        external_id: "e-1".to_owned(),
    });
    let filed = room
        .store
        .journal()
        .change(Durability::Synced, move |db| filing::append(db, &fetched, NOON))
        .unwrap();
    assert_eq!(filed, filing::Filed::New(2));
    assert_eq!((room.filed(), room.filed()), (1, 2), "forwarders hear of both");
    assert_eq!(room.store.reader().backlog().unwrap()[0].pending, 2);
    let of = |origin| {
        let filter = CdrFilter {
            origin: Some(origin),
            ..latest()
        };
        rows(&room.store.reader().cdrs(&filter).unwrap())
    };
    assert_eq!(of(OriginMatch::Own), [(1, 1)]);
    assert_eq!(of(OriginMatch::Source("onepos".to_owned())), [(2, 1)]);
    assert_eq!(of(OriginMatch::Source("other".to_owned())), []);
}

#[test]
fn the_box_keeps_its_name_through_restarts_and_through_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let name = room.store.appliance_id().to_owned();
    let CallId(_uuid) = CallId(name.parse().unwrap());
    for n in 0..600 {
        room.append(closing(n));
    }
    room.store.shutdown();
    let (room, _) = open(dir.path(), &[], |_options| ());
    assert_eq!(room.store.appliance_id(), name);
    let epoch = room.store.reader().epoch().to_owned();
    room.store.shutdown();
    super::damage::break_a_page(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &[], |_options| ());
    assert!(found.set_aside.is_some());
    assert_eq!(room.store.appliance_id(), name);
    assert_ne!(room.store.reader().epoch(), epoch);
}

/// S0-149: the same record twice is impossible, and a look at the whole database says so.
#[test]
fn a_look_at_the_whole_database_finds_duplicates_gaps_and_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    for n in 0..50 {
        room.append(closing(n));
        room.append(closing(n));
    }
    room.settle();
    room.store.journal().amend(call_id(1), |_cdr| true).unwrap();
    let found = crate::store::examine(dir.path()).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!((found.rows, found.records, found.duplicates), (51, 50, 0));
    assert_eq!(
        (found.oldest_seq, found.latest_seq, found.gaps.len()),
        (Some(1), Some(51), 0)
    );
    assert_eq!(found.outbox[0].pending, 51);
    room.store
        .journal()
        .change(Durability::Synced, |db| {
            db.execute_batch(
                "DROP INDEX cdrs_by_id;
                 INSERT INTO cdrs (cdr_id, version, latest, filed_ms, started_ms, status, direction, caller, dialed, body)
                     SELECT cdr_id, version, latest, filed_ms, started_ms, status, direction, caller, dialed, body
                     FROM cdrs WHERE seq = 7;
                 DELETE FROM cdrs WHERE seq BETWEEN 20 AND 22;",
            )
        })
        .unwrap();
    let found = crate::store::examine(dir.path()).unwrap();
    assert!(!found.is_sound());
    assert_eq!(
        (found.duplicates, found.unclear, found.gaps),
        (1, 1, vec![(20, 22)])
    );
    assert!(crate::store::examine(&dir.path().join("nowhere")).is_err());
}
