use super::sample::ended;
use super::{NOON, Room, open};
use crate::model::{AgentId, Cdr, Direction, ForeignRecord, GroupName, Number, Status};
use crate::store::journal::Durability;
use crate::store::{CdrFilter, NumberMatch, OriginMatch, filing};
use proptest::prelude::*;

const AGENTS: [&str; 3] = ["ali", "mona", "omar"];
const STATUSES: [Status; 6] = [
    Status::Answer,
    Status::Canceled,
    Status::Busy,
    Status::NoAnswer,
    Status::Failed,
    Status::Voicemail,
];
const DIRECTIONS: [Direction; 3] = [Direction::Inbound, Direction::Outbound, Direction::Internal];
const DAY: i64 = 86_400_000;

/// Records of a fortnight in no good order, some of them fetched, some of them in two versions.
fn records() -> Vec<Cdr> {
    let mut all = Vec::new();
    for n in 0..700_u32 {
        let dice = n.wrapping_mul(2_654_435_761) >> 7;
        let mut cdr = ended(n);
        cdr.started_at.unix_ms = NOON - DAY * 14 + i64::from(n) * DAY / 50 + i64::from(dice % 40_000_000);
        cdr.status = STATUSES[dice as usize % 6];
        cdr.direction = DIRECTIONS[(dice / 7) as usize % 3];
        cdr.agent = (dice % 4 > 0).then(|| AgentId::from(AGENTS[(dice % 3) as usize]));
        cdr.group = (dice % 5 > 0).then(|| GroupName::from("sales"));
        cdr.caller_number = Number::from(format!("+96650{:07}", dice % 400 * 7919));
        cdr.callee_number = cdr
            .agent
            .is_some()
            .then(|| Number::from(format!("10{:02}", dice % 30)));
        cdr.origin = (dice % 9 == 0).then(|| ForeignRecord {
            source: "onepos".to_owned(),
            external_id: n.to_string(),
        });
        all.push(cdr.clone());
        if dice % 11 == 0 {
            cdr.version = 2;
            cdr.status = Status::Voicemail;
            all.push(cdr);
        }
    }
    all
}

fn room(dir: &std::path::Path) -> Room {
    let (room, _) = open(dir, &[], |_options| ());
    room.store
        .journal()
        .change(Durability::AtOnce, |db| {
            records()
                .iter()
                .try_for_each(|cdr| filing::append(db, cdr, NOON).map(drop))
        })
        .unwrap();
    room
}

fn fits(filter: &CdrFilter, cdr: &Cdr, newest: bool) -> bool {
    let numbers = [
        Some(&cdr.caller_number),
        Some(&cdr.dialed_number),
        cdr.callee_number.as_ref(),
    ];
    let number = |wanted: &NumberMatch| {
        numbers.into_iter().flatten().any(|number| match wanted {
            NumberMatch::Exact(text) => number.as_str() == text,
            NumberMatch::Prefix(text) => number.as_str().starts_with(text),
            NumberMatch::Suffix(text) => number.as_str().ends_with(text),
            NumberMatch::Any(text) => number.as_str().contains(text),
        })
    };
    let start = cdr.started_at.unix_ms;
    let source = cdr.origin.as_ref().map(|origin| origin.source.as_str());
    filter
        .status
        .is_none_or(|status| cdr.status == status || Some(cdr.status) == filter.or_status)
        && filter
            .direction
            .is_none_or(|direction| cdr.direction == direction || Some(cdr.direction) == filter.or_direction)
        && filter
            .agent
            .as_ref()
            .is_none_or(|agent| cdr.agent.as_ref() == Some(agent))
        && filter
            .group
            .as_ref()
            .is_none_or(|group| cdr.group.as_ref() == Some(group))
        && filter.from_ms.is_none_or(|from| start >= from)
        && filter.to_ms.is_none_or(|to| start <= to)
        && filter.number.as_ref().is_none_or(number)
        && filter
            .caller
            .as_ref()
            .is_none_or(|caller| cdr.caller_number.as_str() == caller)
        && filter
            .dialed
            .as_ref()
            .is_none_or(|dialed| cdr.dialed_number.as_str() == dialed)
        && !(filter.without_internal && cdr.direction == Direction::Internal)
        && (!filter.latest_only || newest)
        && match &filter.origin {
            None => true,
            Some(OriginMatch::Own) => source.is_none(),
            Some(OriginMatch::Source(name)) => source == Some(name),
        }
}

/// What the list should be, found by looking at every record.
fn truth(filter: &CdrFilter) -> (Vec<u64>, u64, bool) {
    let all = records();
    let mut rows: Vec<((i64, String), u64)> = Vec::new();
    for (seq, cdr) in (1..).zip(&all) {
        let newest = all
            .iter()
            .all(|other| other.cdr_id != cdr.cdr_id || other.version <= cdr.version);
        let beyond = filter.by_start
            || filter.after.is_none_or(|after| {
                if filter.newest_first {
                    seq < after
                } else {
                    seq > after
                }
            });
        if fits(filter, cdr, newest) && beyond {
            let place = (cdr.started_at.unix_ms / 1000, cdr.cdr_id.to_string());
            rows.push((
                if filter.by_start {
                    place
                } else {
                    Default::default()
                },
                seq,
            ));
        }
    }
    rows.sort_unstable();
    if filter.newest_first {
        rows.reverse();
    }
    let total = rows.len() as u64;
    let rows: Vec<u64> = rows
        .into_iter()
        .map(|(_, seq)| seq)
        .skip(filter.offset as usize)
        .collect();
    let more = rows.len() > filter.limit;
    (rows.into_iter().take(filter.limit).collect(), total, more)
}

fn number() -> impl Strategy<Value = NumberMatch> {
    prop_oneof![
        Just(NumberMatch::Exact("1007".to_owned())),
        Just(NumberMatch::Exact("+966112345678".to_owned())),
        Just(NumberMatch::Exact("nobody".to_owned())),
        (0..400_u32).prop_map(|n| NumberMatch::Exact(format!("+96650{:07}", n * 7919))),
        Just(NumberMatch::Prefix("+966500".to_owned())),
        Just(NumberMatch::Prefix("100".to_owned())),
        (0..100_u32).prop_map(|n| NumberMatch::Suffix(format!("{n:02}"))),
        (0..100_u32).prop_map(|n| NumberMatch::Any(format!("{n:02}"))),
        Just(NumberMatch::Any("%".to_owned())),
    ]
}

prop_compose! {
    fn any_filter()(
        status in prop::option::of((0..6_usize, prop::option::weighted(0.3, 0..6_usize))),
        direction in prop::option::weighted(0.3, (0..3_usize, prop::option::weighted(0.3, 0..3_usize))),
        agent in prop::option::weighted(0.3, prop_oneof![(0..3_usize).prop_map(|n| AGENTS[n]), Just("nobody")]),
        group in prop::option::weighted(0.2, Just("sales")),
        origin in prop::option::weighted(0.3, prop_oneof![Just(OriginMatch::Own), Just(OriginMatch::Source("onepos".to_owned()))]),
        number in prop::option::weighted(0.4, number()),
        caller in prop::option::weighted(0.1, (0..400_u32).prop_map(|n| format!("+96650{:07}", n * 7919))),
        dialed in prop::option::weighted(0.1, Just("+966112345678".to_owned())),
        from in prop::option::weighted(0.3, -15..1_i64),
        days in prop::option::weighted(0.3, 0..9_i64),
        part in 0..DAY,
        after in prop::option::weighted(0.4, 0..800_u64),
        offset in prop_oneof![Just(0), 0..300_u64],
        limit in 1..60_usize,
        flags in (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)),
    ) -> CdrFilter {
        CdrFilter {
            after: after.filter(|_| !flags.2),
            limit,
            from_ms: from.map(|day| NOON + day * DAY + part),
            to_ms: days.map(|days| NOON + (from.unwrap_or(-14) + days) * DAY + part / 2),
            status: status.map(|(n, _)| STATUSES[n]),
            or_status: status.and_then(|(_, or)| or).map(|n| STATUSES[n]),
            direction: direction.map(|(n, _)| DIRECTIONS[n]),
            or_direction: direction.and_then(|(_, or)| or).map(|n| DIRECTIONS[n]),
            number,
            caller,
            dialed,
            without_internal: flags.3,
            agent: agent.map(AgentId::from),
            group: group.map(GroupName::from),
            origin,
            latest_only: flags.0,
            newest_first: flags.1,
            by_start: flags.2,
            offset,
            count: true,
        }
    }
}

/// Whatever is asked for: the list is what a look at every record finds, page by number or by cursor, and so is
/// its count.
#[test]
fn a_list_is_what_a_look_at_every_record_finds() {
    let dir = tempfile::tempdir().unwrap();
    let room = room(dir.path());
    let reader = room.store.reader();
    let config = ProptestConfig {
        cases: 600,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&any_filter(), |filter| {
            let page = reader.cdrs(&filter).unwrap();
            let (rows, total, more) = truth(&filter);
            let found: Vec<u64> = page.items.iter().map(|(seq, _)| *seq).collect();
            prop_assert_eq!(found, rows);
            prop_assert_eq!(page.has_more, more);
            let whole = CdrFilter {
                after: None,
                ..filter.clone()
            };
            let total = if filter.after.is_some() {
                truth(&whole).1
            } else {
                total
            };
            prop_assert_eq!((page.total, page.total_is_least), (Some(total), false));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_database_of_the_release_before_is_taken_over_with_all_its_records() {
    let dir = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(dir.path().join("callpost.db")).unwrap();
    old.execute_batch(include_str!("../migrations/01-journal.sql"))
        .unwrap();
    old.execute_batch(include_str!("../migrations/02-accounts.sql"))
        .unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    old.execute_batch("INSERT INTO upstreams (name, pending) VALUES ('crm', 700)")
        .unwrap();
    let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    for (seq, cdr) in (1_i64..).zip(records().iter().filter(|cdr| cdr.origin.is_none())) {
        old.execute(
            "INSERT INTO cdrs (seq, cdr_id, version, final, filed_ms, started_ms, status, direction, caller, dialed,
                               callee, agent, ring_group, body)
             VALUES (?1, ?2, ?3, 1, 5, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            rusqlite::params![
                seq,
                cdr.cdr_id.to_string(),
                cdr.version,
                cdr.started_at.unix_ms,
                cdr.status.as_str(),
                word(serde_json::to_value(cdr.direction).unwrap()),
                cdr.caller_number.as_str(),
                cdr.dialed_number.as_str(),
                cdr.callee_number.as_ref().map(Number::as_str),
                cdr.agent.as_ref().map(AgentId::as_str),
                cdr.group.as_ref().map(GroupName::as_str),
                serde_json::to_string(cdr).unwrap(),
            ],
        )
        .unwrap();
        old.execute("INSERT INTO outbox (upstream, seq) VALUES (1, ?1)", [seq])
            .unwrap();
    }
    drop(old);
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
    let own: Vec<Cdr> = records().into_iter().filter(|cdr| cdr.origin.is_none()).collect();
    let reader = room.store.reader();
    let page = reader
        .cdrs(&CdrFilter {
            limit: 1000,
            count: true,
            ..CdrFilter::default()
        })
        .unwrap();
    let read: Vec<Cdr> = page.items.into_iter().map(|(_, cdr)| cdr).collect();
    assert_eq!((read, page.total), (own.clone(), Some(own.len() as u64)));
    let busy = CdrFilter {
        status: Some(Status::Busy),
        number: Some(NumberMatch::Prefix("+96650".to_owned())),
        latest_only: true,
        by_start: true,
        count: true,
        ..CdrFilter::default()
    };
    let newest = |cdr: &&Cdr| {
        own.iter()
            .all(|other| other.cdr_id != cdr.cdr_id || other.version <= cdr.version)
    };
    let expected = own
        .iter()
        .filter(newest)
        .filter(|cdr| cdr.status == Status::Busy)
        .count();
    assert_eq!(reader.cdrs(&busy).unwrap().total, Some(expected as u64));
    // What had waited for its destination goes out, and the next record gets the next number.
    let crate::store::Batch::Items(items) = room.store.outbox().next_batch("crm", 3).unwrap() else {
        panic!("nothing waits")
    };
    assert_eq!(items[2].cdr_id, own[2].cdr_id.to_string());
    assert_eq!(items[2].body, serde_json::to_string(&own[2]).unwrap());
    room.append(super::sample::closing(5000));
    assert_eq!(room.filed(), own.len() as u64 + 1);
}
