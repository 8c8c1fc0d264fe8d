//! What the tables themselves promise: nothing twice, nothing searched row by row.

use crate::store::journal::Durability;
use crate::store::tests::open;
use rusqlite::Connection;

fn plan(connection: &Connection, sql: &str) -> Result<String, rusqlite::Error> {
    let explain = ["EXPLAIN QUERY PLAN ", sql].concat();
    let places = connection.prepare(sql)?.parameter_count();
    let mut steps = connection.prepare(&explain)?;
    let nothing = vec![rusqlite::types::Value::Null; places];
    let steps = steps
        .query_map(rusqlite::params_from_iter(nothing), |row| row.get::<_, String>(3))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(steps.join("; "))
}

/// S0-151, S0-156, S0-157
#[test]
fn every_look_at_what_was_fetched_goes_by_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let looks = [
        (
            "SELECT id FROM pbx_records WHERE external_id = ?1 AND source = ?2",
            "pbx_records_by_external_id",
        ),
        (
            "SELECT raw FROM pbx_records WHERE cdr_id = ?1 ORDER BY id LIMIT 1",
            "pbx_records_by_cdr",
        ),
        (
            "SELECT id FROM pbx_records WHERE start_ms < ?1 ORDER BY start_ms LIMIT 9",
            "pbx_records_by_start",
        ),
        (
            "SELECT id FROM pbx_records WHERE synced_ms >= ?1 ORDER BY synced_ms LIMIT 9",
            "pbx_records_by_sync",
        ),
        (
            "SELECT seq, body FROM cdrs WHERE started_ms BETWEEN ?1 AND ?2 AND latest = 1 AND origin IS NULL LIMIT ?3",
            "cdrs_by_start",
        ),
        (
            "SELECT id FROM pbx_sync_logs WHERE source = ?1 AND status = 'running' LIMIT 1",
            "pbx_sync_logs",
        ),
    ];
    for (sql, index) in looks {
        let plan = room
            .store
            .journal()
            .change(Durability::Patient, move |connection| plan(connection, sql))
            .unwrap();
        assert!(plan.contains(index) && !plan.contains("SCAN"), "{sql}\n  {plan}");
    }
}

/// S0-149
#[test]
fn the_same_call_of_a_source_cannot_stand_there_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let insert = |source: &'static str| {
        room.store.journal().change(Durability::Patient, move |connection| {
            connection.execute(
                "INSERT INTO pbx_records (source, external_id, cdr_id, linked, digest, start_ms, raw, synced_ms, updated_ms)
                 VALUES (?1, 'e-1', x'00', 0, x'00', 0, '{}', 0, 0)",
                [source],
            )
        })
    };
    assert_eq!(insert("one").unwrap(), 1);
    assert!(insert("one").is_err());
    assert_eq!(insert("two").unwrap(), 1);
}
