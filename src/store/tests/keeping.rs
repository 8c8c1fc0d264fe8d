use super::sample::{call_id, closing, digit, ended};
use super::{Hand, NOON, Room, open};
use crate::model::{Entry, Number};
use crate::store::journal::Durability;
use crate::store::{Batch, CdrFilter, Condition, NumberMatch};
use std::time::Duration;

const DAY: i64 = 86_400_000;

/// A store that tidies all the time, whose records are old after ten days.
fn tidy_room(dir: &std::path::Path, upstreams: &[&str], hand: &Hand) -> Room {
    let clock = hand.clock();
    open(dir, upstreams, |options| {
        options.clock = clock;
        options.keep.retention_days = 10;
        options.pace.tidy = Duration::from_millis(2);
    })
    .0
}

/// Waits until the condition is as it should be.
fn wait_for(room: &Room, what: &str, is: impl Fn(&Room) -> bool) {
    for _ in 0..4000 {
        if is(room) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} never was: {:?}", room.store.condition().now());
}

fn kept(room: &Room) -> Vec<u64> {
    let filter = CdrFilter {
        limit: 1000,
        ..CdrFilter::default()
    };
    let page = room.store.reader().cdrs(&filter).unwrap();
    page.items.iter().map(|(seq, _)| *seq).collect()
}

fn count(room: &Room, sql: &'static str) -> i64 {
    room.store
        .reader()
        .look(|db| Ok(db.query_row(sql, [], |row| row.get(0))?))
        .unwrap()
}

#[test]
fn old_records_go_with_their_details_and_their_numbers_and_young_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let room = tidy_room(dir.path(), &[], &hand);
    for n in 0..200 {
        room.append(digit(n, 5, "1"));
        room.append(closing(n));
    }
    room.settle();
    hand.put(NOON + 9 * DAY);
    for n in 200..205 {
        room.append(digit(n, 5, "1"));
        room.append(closing(n));
    }
    room.settle();
    assert_eq!(kept(&room).len(), 205);
    hand.put(NOON + 10 * DAY + 1);
    wait_for(&room, "the young alone", |room| {
        kept(room) == [201, 202, 203, 204, 205]
    });
    assert_eq!(room.store.reader().call_events(call_id(3)).unwrap(), []);
    assert_eq!(room.store.reader().call_events(call_id(203)).unwrap().len(), 1);
    assert_eq!(count(&room, "SELECT count(*) FROM call_stories"), 5);
    let all = CdrFilter {
        count: true,
        number: Some(NumberMatch::Prefix("+9665".to_owned())),
        ..CdrFilter::default()
    };
    assert_eq!(room.store.reader().cdrs(&all).unwrap().total, Some(5));
    assert_eq!(
        count(&room, "SELECT count(*) FROM numbers"),
        7,
        "five callers, our number, the phone"
    );
    // The next record gets the next number all the same.
    room.append(closing(300));
    room.settle();
    assert_eq!(kept(&room).last(), Some(&206));
}

#[test]
fn nothing_goes_before_every_enabled_destination_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let room = tidy_room(dir.path(), &["crm"], &hand);
    for n in 0..6 {
        room.append(closing(n));
    }
    room.settle();
    let outbox = room.store.outbox();
    let Batch::Items(_) = outbox.next_batch("crm", 6).unwrap() else {
        panic!("nothing waits")
    };
    outbox.delivered("crm", &[1, 2]).unwrap();
    outbox.park("crm", 3, "422").unwrap();
    outbox.delivered("crm", &[4]).unwrap();
    hand.put(NOON + 11 * DAY);
    wait_for(&room, "what is owed", |room| kept(room) == [3, 5, 6]);
    // A destination that is no longer enabled is waited for no more.
    room.store.journal().set_upstreams(Vec::new()).unwrap();
    wait_for(&room, "nothing", |room| kept(room).is_empty());
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!((backlog.pending, backlog.parked), (0, 0));
    assert_eq!(room.store.condition().now().deleted_unacknowledged, 0);
}

#[test]
fn nothing_goes_before_a_required_consumer_has_acknowledged_it() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &[], |options| {
        options.clock = clock;
        options.keep.retention_days = 10;
        options.keep.required_consumers = vec!["billing".to_owned()];
        options.pace.tidy = Duration::from_millis(2);
    });
    for n in 0..4 {
        room.append(closing(n));
    }
    room.settle();
    hand.put(NOON + 11 * DAY);
    wait_for(&room, "a look", |room| {
        room.store.condition().now().used_bytes > 0
    });
    assert_eq!(kept(&room), [1, 2, 3, 4]);
    room.store
        .journal()
        .change(Durability::Synced, |db| {
            db.execute_batch("INSERT INTO consumers (name, acked_seq, created_ms) VALUES ('billing', 3, 0)")
        })
        .unwrap();
    wait_for(&room, "what billing has not got", |room| kept(room) == [4]);
}

#[test]
fn for_ever_is_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &[], |options| {
        options.clock = clock;
        options.keep.retention_days = 0;
        options.pace.tidy = Duration::from_millis(2);
    });
    room.append(closing(1));
    room.settle();
    hand.put(NOON + 20 * DAY);
    wait_for(&room, "a look", |room| {
        room.store.condition().now().used_bytes > 0
    });
    room.settle();
    assert_eq!(kept(&room), [1]);
}

#[test]
fn a_full_database_gives_up_its_oldest_records_and_counts_those_that_were_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &["crm"], |options| {
        options.clock = clock;
        options.keep.retention_days = 0;
        options.keep.max_megabytes = 1;
        options.pace.tidy = Duration::from_millis(2);
    });
    for n in 0..2000_u32 {
        let mut cdr = ended(n);
        cdr.caller_number = Number::from(format!("+9665{n:08}"));
        cdr.notes = vec![super::digest(&n.to_be_bytes()); 1];
        cdr.tags = (0..6)
            .map(|part| super::digest(&[n.to_be_bytes(), [part; 4]].concat()))
            .collect();
        room.append(Entry::CallClosed(Box::new(cdr)));
        if n % 200 == 0 {
            room.settle();
        }
    }
    room.settle();
    wait_for(&room, "room", |room| {
        let Condition {
            used_bytes, is_full, ..
        } = room.store.condition().now();
        used_bytes > 0 && used_bytes <= 1 << 20 && !is_full
    });
    let kept = kept(&room);
    let condition = room.store.condition().now();
    assert_eq!(kept.last(), Some(&2000), "the newest stay");
    assert!(kept.len() < 1500, "{}", kept.len());
    assert_eq!(condition.deleted_unacknowledged, 2000 - kept.len() as u64);
    assert!(condition.lost_lately);
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!(backlog.pending, kept.len() as u64);
    // The count outlives the run.
    let lost = condition.deleted_unacknowledged;
    room.store.shutdown();
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &["crm"], |options| options.clock = clock);
    wait_for(&room, "the count", |room| {
        room.store.condition().now().deleted_unacknowledged == lost
    });
}

#[test]
fn an_idle_store_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let room = tidy_room(dir.path(), &["crm"], &hand);
    room.append(closing(1));
    room.settle();
    wait_for(&room, "a look", |room| {
        room.store.condition().now().used_bytes > 0
    });
    let changes = || {
        let log = std::fs::metadata(dir.path().join("callpost.db-wal")).unwrap();
        (log.len(), log.modified().unwrap())
    };
    let before = changes();
    // Two hundred times as often as in earnest.
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(changes(), before);
}
