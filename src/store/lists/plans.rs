//! The indexes that lists and look-ups promise to use.

use super::by_seq::walking;
use super::by_start::statement;
use super::entry::{Role, having, newest_having};
use super::sought::{Sought, Walk};
use super::spans::counting;
use super::{CdrFilter, OriginMatch};
use crate::model::{AgentId, Direction, ForeignRecord, GroupName, Status};
use crate::store::tests::{NOON, open, sample};
use crate::store::{StoreError, filing};
use rusqlite::Connection;
use rusqlite::types::Value;

fn explain(connection: &Connection, sql: &str, values: Vec<Value>) -> String {
    let mut select = connection
        .prepare(&["EXPLAIN QUERY PLAN ", sql].concat())
        .unwrap();
    let lines: Vec<String> = select
        .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    lines.join("; ")
}

fn with_a_record(look: impl FnOnce(&Connection)) {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    let mut cdr = sample::talked(1);
    cdr.origin = Some(ForeignRecord {
        source: "onepos".to_owned(),
        external_id: "e".to_owned(),
    });
    room.store
        .journal()
        .change(crate::store::journal::Durability::Synced, move |db| {
            filing::append(db, &cdr, NOON)
        })
        .unwrap();
    room.store
        .reader()
        .look(|connection| {
            look(connection);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// S0-152, S0-153: a list walks the index of its filter, in the order of the rows, and sorts nothing.
#[test]
fn a_list_walks_the_index_of_its_filter() {
    with_a_record(|connection| {
        let all = CdrFilter::default;
        let asked = [
            (
                "cdrs_by_status (status=?",
                CdrFilter {
                    status: Some(Status::Busy),
                    ..all()
                },
            ),
            (
                "cdrs_by_direction (direction=?",
                CdrFilter {
                    direction: Some(Direction::Inbound),
                    ..all()
                },
            ),
            (
                "cdrs_by_agent (agent=?",
                CdrFilter {
                    agent: Some(AgentId::from("ali")),
                    ..all()
                },
            ),
            (
                "cdrs_by_group (ring_group=?",
                CdrFilter {
                    group: Some(GroupName::from("sales")),
                    ..all()
                },
            ),
            (
                "cdrs_by_origin (origin=?",
                CdrFilter {
                    origin: Some(OriginMatch::Source("onepos".to_owned())),
                    ..all()
                },
            ),
            // Of several, the one that usually leaves the fewest rows.
            (
                "cdrs_by_agent (agent=?",
                CdrFilter {
                    agent: Some(AgentId::from("ali")),
                    status: Some(Status::Busy),
                    ..all()
                },
            ),
        ];
        for (index, filter) in asked {
            let sought = Sought::resolve(connection, &filter).unwrap().unwrap();
            for descending in [false, true] {
                let (sql, values) = walking(&sought, Walk::Facet, (0, 10), descending);
                let plan = explain(connection, &sql, values);
                assert!(
                    plan.contains(index) && plan.contains("rowid>? AND rowid<?"),
                    "{plan}"
                );
                assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
            }
        }
    });
}

/// S0-156: the pages of people are read from the index of the start.
#[test]
fn a_numbered_page_reads_its_day_from_the_index_of_the_start() {
    with_a_record(|connection| {
        let filter = CdrFilter {
            status: Some(Status::Busy),
            latest_only: true,
            ..CdrFilter::default()
        };
        let sought = Sought::resolve(connection, &filter).unwrap().unwrap();
        for descending in [false, true] {
            let (sql, values) = statement(&sought, descending);
            let edges = [Value::from(0), Value::from(10)].into_iter();
            let plan = explain(connection, &sql, edges.chain(values).collect());
            assert!(
                plan.contains("cdrs_by_start (started_ms>? AND started_ms<?)"),
                "{plan}"
            );
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{plan}");
        }
    });
}

/// S0-156: how many calls of a cut day went like this is counted in the index of the start alone.
#[test]
fn a_part_of_a_day_is_counted_without_its_rows() {
    with_a_record(|connection| {
        let filter = CdrFilter {
            status: Some(Status::Busy),
            direction: Some(Direction::Inbound),
            latest_only: true,
            ..CdrFilter::default()
        };
        let sought = Sought::resolve(connection, &filter).unwrap().unwrap();
        let (sql, values) = counting(&sought);
        let edges = [Value::from(0), Value::from(10)].into_iter();
        let plan = explain(connection, &sql, edges.chain(values).collect());
        assert!(plan.contains("USING COVERING INDEX cdrs_by_start"), "{plan}");
    });
}

/// S0-151, S0-154, S0-155, S0-157: look-ups by identity, by number, and of what still has to go out.
#[test]
fn look_ups_go_through_an_index() {
    with_a_record(|connection| {
        let asked = [
            (
                "SELECT seq FROM cdrs WHERE cdr_id = ? ORDER BY version DESC LIMIT 1",
                "cdrs_by_id (cdr_id=?",
            ),
            (
                "SELECT id FROM numbers WHERE number >= ? AND number <= ? LIMIT 9",
                "COVERING INDEX sqlite_autoindex_numbers_1 (number>? AND number<?)",
            ),
            ("SELECT id FROM numbers WHERE number = ?", "(number=?)"),
            (
                "SELECT seq FROM outbox WHERE upstream = ? AND state = 'pending' ORDER BY seq LIMIT 9",
                "PRIMARY KEY (upstream=?",
            ),
        ];
        for (sql, index) in asked {
            let plan = explain(connection, sql, vec![Value::from(1); sql.matches('?').count()]);
            assert!(plan.contains("SEARCH") && plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    });
}

/// S0-154, S0-155: a search for a number is answered by the index of the number, with the start and the version in it;
/// the rows, which lie all over the file, are not read for it.
#[test]
fn a_search_for_a_number_reads_the_index_alone() {
    with_a_record(|connection| {
        for (role, name) in Role::ALL.into_iter().zip(["caller", "dialed", "callee"]) {
            for sql in [having(role), newest_having(role)] {
                let values = vec![Value::from(1); 7];
                let plan = explain(connection, &sql, values);
                let index = format!(
                    "SEARCH cdrs USING COVERING INDEX cdrs_by_{name} ({name}=? AND started_ms>? AND started_ms<?"
                );
                assert!(plan.contains(&index), "{sql}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
            }
        }
    });
}
