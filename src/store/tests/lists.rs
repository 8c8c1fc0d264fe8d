use super::open;
use super::sample::{call_id, closing, ended, stamp};
use crate::model::{Direction, Entry, Number, Status};
use crate::store::{CdrFilter, CdrPage, NumberMatch};

fn seqs(page: &CdrPage) -> Vec<u64> {
    page.items.iter().map(|(seq, _)| *seq).collect()
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    for n in 0..10 {
        room.append(closing(n));
    }
    room.settle();
    let reader = room.store.reader();
    for newest_first in [false, true] {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = reader
                .cdrs(&CdrFilter {
                    after,
                    limit: 4,
                    newest_first,
                    ..CdrFilter::default()
                })
                .unwrap();
            assert_eq!((page.oldest_seq, page.latest_seq), (Some(1), Some(10)));
            all.extend(seqs(&page));
            after = page.last_seq;
            if !page.has_more {
                break;
            }
        }
        let mut expected: Vec<u64> = (1..=10).collect();
        if newest_first {
            expected.reverse();
        }
        assert_eq!(all, expected);
    }
}

#[test]
fn an_empty_store_has_an_empty_page() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
    assert_eq!(
        (page.items.len(), page.has_more, page.last_seq, page.latest_seq),
        (0, false, None, None)
    );
    assert_eq!(room.store.reader().epoch().len(), 36);
}

#[test]
fn filters_narrow_and_can_be_joined() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    for n in 0..6 {
        let mut cdr = ended(n);
        if n == 4 {
            cdr.direction = Direction::Internal;
            cdr.callee_number = Some(Number::from("1007"));
        }
        room.append(Entry::CallClosed(Box::new(cdr)));
    }
    room.settle();
    let reader = room.store.reader();
    let list = |filter: CdrFilter| seqs(&reader.cdrs(&filter).unwrap());
    let all = CdrFilter::default;
    assert_eq!(
        list(CdrFilter {
            status: Some(Status::NoAnswer),
            ..all()
        }),
        [1, 4]
    );
    assert_eq!(
        list(CdrFilter {
            direction: Some(Direction::Internal),
            ..all()
        }),
        [5]
    );
    assert_eq!(
        list(CdrFilter {
            number: Some(NumberMatch::Exact("+966500000002".to_owned())),
            ..all()
        }),
        [3]
    );
    assert_eq!(
        list(CdrFilter {
            number: Some(NumberMatch::Exact("1007".to_owned())),
            ..all()
        }),
        [5]
    );
    assert_eq!(
        list(CdrFilter {
            number: Some(NumberMatch::Exact("' OR 1=1 --".to_owned())),
            ..all()
        }),
        [0; 0]
    );
    assert_eq!(
        list(CdrFilter {
            from_ms: Some(stamp(1).unix_ms),
            to_ms: Some(stamp(3).unix_ms),
            ..all()
        }),
        [2, 3, 4]
    );
    let joined = CdrFilter {
        status: Some(Status::Answer),
        from_ms: Some(stamp(2).unix_ms),
        newest_first: true,
        limit: 2,
        ..all()
    };
    let page = reader.cdrs(&joined).unwrap();
    assert_eq!((seqs(&page), page.has_more), (vec![6, 5], true));
}

#[test]
fn a_row_that_another_version_wrote_does_not_stop_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    for n in 0..3 {
        room.append(closing(n));
    }
    room.settle();
    room.store
        .journal()
        .change(crate::store::journal::Durability::Synced, |db| {
            db.execute("UPDATE cdrs SET body = '{\"unknown\":true}' WHERE seq = 3", [])
        })
        .unwrap();
    let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
    assert_eq!((seqs(&page), page.last_seq), (vec![1, 2], Some(3)));
    assert_eq!(room.store.reader().cdr(call_id(2)).unwrap(), None);
}
