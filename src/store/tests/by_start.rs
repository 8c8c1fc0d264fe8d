use super::open;
use super::sample::{call_id, ended};
use crate::model::{CallId, Cdr, Direction, Entry, Stamp};
use crate::store::CdrFilter;

const BEGIN: i64 = 1_757_500_000_000;

/// The n-th call, begun so many milliseconds after the first.
fn begun(n: u32, after_ms: i64) -> Cdr {
    Cdr {
        started_at: Stamp {
            unix_ms: BEGIN + after_ms,
            offset_seconds: 0,
        },
        ..ended(n)
    }
}

fn window(offset: u64, limit: usize) -> CdrFilter {
    CdrFilter {
        by_start: true,
        latest_only: true,
        from_ms: Some(BEGIN),
        to_ms: Some(BEGIN + 1_000_000),
        offset,
        limit,
        ..CdrFilter::default()
    }
}

#[test]
fn pages_are_in_the_order_of_the_second_and_then_of_the_identity() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    // Filed as calls end, not as they begin; five calls a second, their identities against the milliseconds.
    let mut calls: Vec<Cdr> = (0..50_u32)
        .map(|n| begun(n, i64::from(n / 5) * 1000 + i64::from(900 - (n % 5) * 100)))
        .collect();
    calls.rotate_left(17);
    for cdr in &calls {
        room.append(Entry::CallClosed(Box::new(cdr.clone())));
    }
    room.settle();
    let mut expected: Vec<(i64, CallId)> = calls
        .iter()
        .map(|cdr| (cdr.started_at.unix_ms / 1000, cdr.cdr_id))
        .collect();
    expected.sort_by_key(|(second, id)| (*second, id.to_string()));
    let reader = room.store.reader();
    for limit in [1, 3, 7, 50, 60] {
        let mut seen = Vec::new();
        loop {
            let page = reader.cdrs(&window(seen.len() as u64, limit)).unwrap().items;
            seen.extend(
                page.iter()
                    .map(|(_, cdr)| (cdr.started_at.unix_ms / 1000, cdr.cdr_id)),
            );
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(seen, expected, "by pages of {limit}");
    }
    assert!(reader.cdrs(&window(50, 10)).unwrap().items.is_empty());
    assert!(reader.cdrs(&window(u64::MAX, 10)).unwrap().items.is_empty());
}

#[test]
fn each_call_is_there_once_and_filters_narrow() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let calls = [
        begun(1, 0),
        Cdr {
            caller_number: "1036".into(),
            ..begun(2, 1000)
        },
        Cdr {
            direction: Direction::Internal,
            ..begun(3, 2000)
        },
        Cdr {
            dialed_number: "0336626159".into(),
            ..begun(4, 3000)
        },
    ];
    for cdr in calls {
        room.append(Entry::CallClosed(Box::new(cdr)));
    }
    room.settle();
    let change = |cdr: &mut Cdr| {
        cdr.notes.push("called back".to_owned());
        true
    };
    room.store.journal().amend(call_id(1), change).unwrap();
    let found = |wanted: CdrFilter| -> Vec<(u64, u32)> {
        let page = room.store.reader().cdrs(&wanted).unwrap().items;
        page.iter().map(|(seq, cdr)| (*seq, cdr.version)).collect()
    };
    assert_eq!(found(window(0, 10)), [(5, 2), (2, 1), (3, 1), (4, 1)]);
    assert_eq!(
        found(CdrFilter {
            caller: Some("1036".to_owned()),
            ..window(0, 10)
        }),
        [(2, 1)]
    );
    assert_eq!(
        found(CdrFilter {
            dialed: Some("0336626159".to_owned()),
            ..window(0, 10)
        }),
        [(4, 1)]
    );
    assert_eq!(
        found(CdrFilter {
            without_internal: true,
            ..window(1, 10)
        }),
        [(2, 1), (4, 1)]
    );
    let to_ms = Some(BEGIN + 1000);
    assert_eq!(
        found(CdrFilter {
            to_ms,
            ..window(0, 10)
        }),
        [(5, 2), (2, 1)],
        "both ends are included"
    );
}
