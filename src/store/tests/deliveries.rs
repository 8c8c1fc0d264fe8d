use super::sample::{closing, stamp};
use super::{Room, open};
use crate::store::journal::Durability;
use crate::store::{Batch, Deliveries, Proof, ReplayBegun, ReplayRange, SeqRange};
use proptest::prelude::*;
use std::path::Path;

fn room_with(dir: &Path, records: u32) -> Room {
    let (room, _) = open(dir, &["crm"], |_options| ());
    for n in 0..records {
        room.append(closing(n));
        if n % 500 == 499 {
            room.settle();
        }
    }
    room.settle();
    room
}

fn proof(room: &Room) -> Proof {
    let proof = room.store.reader().proof("crm", 1, u64::MAX).unwrap().unwrap();
    let sum = proof.acknowledged
        + proof.pending
        + proof.parked
        + proof.dropped
        + proof.deleted_unacknowledged
        + proof.gaps;
    assert_eq!(proof.filed, sum, "every record is in one place: {proof:?}");
    proof
}

fn all() -> ReplayRange {
    ReplayRange {
        from_seq: 1,
        to_seq: u64::MAX,
        from_ms: None,
        to_ms: None,
    }
}

fn span(from_seq: u64, to_seq: u64) -> SeqRange {
    SeqRange { from_seq, to_seq }
}

/// Replays a range to its end; how many records it queued.
fn replay(room: &Room, range: ReplayRange) -> u64 {
    let deliveries = room.store.deliveries();
    let begun = deliveries.begin_replay("crm", range, "ali").unwrap();
    assert!(matches!(begun, ReplayBegun::Now(_)), "{begun:?}");
    loop {
        let step = deliveries.continue_replay("crm").unwrap().unwrap();
        if step.done_ms.is_some() {
            return step.queued;
        }
    }
}

fn take_all(room: &Room) -> Vec<u64> {
    match room.store.outbox().next_batch("crm", 10_000).unwrap() {
        Batch::Items(items) => items.iter().map(|item| item.seq).collect(),
        Batch::WaitUntil(_) | Batch::Empty => Vec::new(),
    }
}

fn pending(room: &Room) -> u64 {
    room.store.reader().backlog().unwrap()[0].pending
}

#[test]
fn the_proof_says_where_every_record_is() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 10);
    let outbox = room.store.outbox();
    outbox.next_batch("crm", 8).unwrap();
    outbox.delivered("crm", &[2, 1, 3]).unwrap();
    outbox.park("crm", 4, "422").unwrap();
    outbox.park("crm", 5, "422").unwrap();
    outbox.delivered("crm", &[6]).unwrap();
    outbox.retry("crm", 7, 0, "503").unwrap();
    outbox.put_back("crm", &[8]).unwrap();
    let dropped = room
        .store
        .deliveries()
        .drop_parked("crm", Some(vec![5, 9]), "ali", "a test call");
    assert_eq!(dropped.unwrap(), Some(1), "only what is parked can be given up");
    let proof = proof(&room);
    assert_eq!(
        (
            proof.filed,
            proof.sent,
            proof.acknowledged,
            proof.pending,
            proof.parked,
            proof.dropped
        ),
        (10, 7, 4, 4, 1, 1)
    );
    assert_eq!(
        (proof.gaps, proof.deleted_unacknowledged, proof.not_meant),
        (0, 0, 0)
    );
    assert_eq!(proof.ranges.acknowledged, [span(1, 3), span(6, 6)]);
    assert_eq!(proof.ranges.pending, [span(7, 10)]);
    assert_eq!(
        (proof.ranges.parked, proof.ranges.dropped),
        (vec![span(4, 4)], vec![span(5, 5)])
    );
    assert_eq!(room.store.reader().proof("nobody", 1, 9).unwrap(), None);
}

#[test]
fn a_record_that_fell_out_of_the_tables_is_a_gap_and_one_that_was_deleted_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 6);
    room.store.outbox().next_batch("crm", 6).unwrap();
    room.store.outbox().delivered("crm", &[2]).unwrap();
    let tamper = |connection: &rusqlite::Connection| {
        connection
            .execute_batch("DELETE FROM outbox WHERE seq IN (1, 3, 4); DELETE FROM cdrs WHERE seq IN (1, 2);")
    };
    room.store.journal().change(Durability::Synced, tamper).unwrap();
    let proof = proof(&room);
    assert_eq!(
        (
            proof.acknowledged,
            proof.pending,
            proof.gaps,
            proof.deleted_unacknowledged
        ),
        (1, 2, 2, 1)
    );
    assert_eq!(proof.ranges.gaps, [span(3, 4)]);
    assert_eq!(proof.ranges.deleted_unacknowledged, [span(1, 1)]);
}

#[test]
fn what_was_filed_while_a_destination_was_not_enabled_was_not_meant_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    room.store.journal().set_upstreams(vec![]).unwrap();
    room.append(closing(3));
    room.settle();
    room.store
        .journal()
        .set_upstreams(vec!["crm".to_owned()])
        .unwrap();
    room.append(closing(4));
    room.settle();
    let before = proof(&room);
    assert_eq!(
        (before.filed, before.pending, before.not_meant, before.gaps),
        (4, 4, 1, 0)
    );
    assert_eq!(replay(&room, all()), 1, "what waits is not queued twice");
    let after = proof(&room);
    assert_eq!((after.filed, after.pending, after.not_meant), (5, 5, 0));
    assert_eq!(take_all(&room), [1, 2, 3, 4, 5]);
}

#[test]
fn a_replay_sends_a_range_again_under_the_same_ids_and_is_idempotent_while_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 6);
    let outbox = room.store.outbox();
    let ids = |batch: Batch| match batch {
        Batch::Items(items) => items.iter().map(|item| item.delivery_id()).collect::<Vec<_>>(),
        Batch::WaitUntil(_) | Batch::Empty => Vec::new(),
    };
    let first = ids(outbox.next_batch("crm", 10).unwrap());
    outbox.delivered("crm", &[1, 2, 3, 4, 6]).unwrap();
    outbox.park("crm", 5, "422").unwrap();
    let range = ReplayRange {
        from_seq: 2,
        to_seq: 5,
        ..all()
    };
    assert_eq!(
        room.store.reader().count_replay("crm", range).unwrap(),
        Some((range, 4))
    );
    assert_eq!(replay(&room, range), 4);
    assert_eq!(replay(&room, range), 0);
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!(
        (backlog.pending, backlog.parked),
        (4, 0),
        "a parked record is tried again"
    );
    let proof = proof(&room);
    assert_eq!((proof.acknowledged, proof.pending, proof.replaying), (5, 1, 3));
    assert_eq!(ids(outbox.next_batch("crm", 10).unwrap()), first[1..5]);
    outbox.delivered("crm", &[2, 3, 4, 5]).unwrap();
    assert_eq!(super::deliveries::proof(&room).ranges.acknowledged, [span(1, 6)]);
}

#[test]
fn a_replay_of_an_hour_takes_the_calls_of_that_hour() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 6);
    take_all(&room);
    room.store.outbox().delivered("crm", &[1, 2, 3, 4, 5, 6]).unwrap();
    let hour = ReplayRange {
        from_ms: Some(stamp(2).unix_ms),
        to_ms: Some(stamp(3).unix_ms),
        ..all()
    };
    let (range, records) = room.store.reader().count_replay("crm", hour).unwrap().unwrap();
    assert_eq!((range.from_seq, range.to_seq, records), (3, 4, 2));
    assert_eq!(replay(&room, range), 2);
    assert_eq!(take_all(&room), [3, 4]);
    let nothing = ReplayRange {
        from_ms: Some(i64::MAX),
        ..all()
    };
    assert_eq!(
        room.store
            .reader()
            .count_replay("crm", nothing)
            .unwrap()
            .unwrap()
            .1,
        0
    );
}

#[test]
fn a_long_replay_is_queued_in_lots_and_goes_on_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let records = u32::try_from(Deliveries::LOT).unwrap() + 500;
    let room = room_with(dir.path(), records);
    let last = u64::from(records);
    take_all(&room);
    room.store
        .outbox()
        .delivered("crm", &(1..=last).collect::<Vec<_>>())
        .unwrap();
    assert_eq!(
        proof(&room).ranges.acknowledged,
        [span(1, last)],
        "in order, it is one range"
    );
    let deliveries = room.store.deliveries();
    deliveries.begin_replay("crm", all(), "ali").unwrap();
    let step = deliveries.continue_replay("crm").unwrap().unwrap();
    assert_eq!((step.queued, step.done_ms), (Deliveries::LOT as u64, None));
    let again = deliveries.begin_replay("crm", all(), "ali").unwrap();
    assert!(matches!(again, ReplayBegun::Already(_)), "{again:?}");
    let other = deliveries
        .begin_replay("crm", ReplayRange { from_seq: 2, ..all() }, "ali")
        .unwrap();
    assert!(matches!(other, ReplayBegun::AnotherRuns(_)), "{other:?}");
    room.store.shutdown();

    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(room.store.reader().unfinished_replays().unwrap(), ["crm"]);
    let step = room.store.deliveries().continue_replay("crm").unwrap().unwrap();
    assert!(step.done_ms.is_some());
    assert_eq!((step.queued, pending(&room)), (last, last));
    assert_eq!(room.store.deliveries().continue_replay("crm").unwrap(), None);
}

#[test]
fn parked_records_are_listed_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 3);
    let outbox = room.store.outbox();
    outbox.next_batch("crm", 3).unwrap();
    (1..=3).for_each(|seq| outbox.park("crm", seq, "422 Unprocessable").unwrap());
    let parked = room.store.reader().parked("crm", 1, 10).unwrap().unwrap();
    assert_eq!(parked.iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(
        (parked[0].error.as_str(), parked[0].attempts),
        ("422 Unprocessable", 1)
    );
    assert!(parked[0].cdr.is_some());
    let deliveries = room.store.deliveries();
    assert_eq!(deliveries.retry_parked("crm", Some(vec![2])).unwrap(), Some(1));
    assert_eq!(deliveries.retry_parked("crm", None).unwrap(), Some(2));
    assert_eq!(deliveries.retry_parked("nobody", None).unwrap(), None);
    assert_eq!(take_all(&room), [1, 2, 3]);
}

#[test]
fn what_waits_for_its_next_try_can_be_tried_now() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 2);
    room.store.outbox().next_batch("crm", 1).unwrap();
    room.store
        .outbox()
        .retry("crm", 1, super::NOON + 3_600_000, "503")
        .unwrap();
    assert!(take_all(&room).is_empty());
    assert_eq!(room.store.deliveries().retry_now("crm").unwrap(), Some(1));
    assert_eq!(take_all(&room), [1, 2]);
}

#[test]
fn after_damage_nothing_beyond_the_saved_records_counts_as_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let room = room_with(dir.path(), 400);
    take_all(&room);
    room.store
        .outbox()
        .delivered("crm", &(1..=390).collect::<Vec<_>>())
        .unwrap();
    room.store.shutdown();
    super::damage::break_a_page(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert!(found.set_aside.is_some());
    let last = room.store.reader().bounds().unwrap().latest_seq;
    let proof = proof(&room);
    assert!(proof.to_seq == last && proof.acknowledged <= 390, "{proof:?}");
    assert_eq!(proof.gaps, 0, "{proof:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn acknowledgements_in_any_order_melt_into_the_ranges_they_make(
        lots in proptest::collection::vec(proptest::collection::vec(1u64..30, 1..6), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let room = room_with(dir.path(), 30);
        take_all(&room);
        let mut known = std::collections::BTreeSet::new();
        for lot in &lots {
            room.store.outbox().delivered("crm", lot).unwrap();
            known.extend(lot.iter().copied());
        }
        let proof = proof(&room);
        let mut told = std::collections::BTreeSet::new();
        for range in &proof.ranges.acknowledged {
            told.extend(range.from_seq..=range.to_seq);
        }
        prop_assert_eq!(told, known);
        let beside = proof.ranges.acknowledged.windows(2).all(|two| two[0].to_seq + 1 < two[1].from_seq);
        prop_assert!(beside, "ranges neither touch nor overlap");
    }
}
