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

/// What a release before the keys were sealed has left.
fn clear_key(room: &crate::store::tests::Room, name: &'static str, key: &'static str) {
    room.store
        .journal()
        .change(Durability::Synced, move |connection| {
            connection.execute(
                "INSERT INTO pbx_sources (id, name, from_file, settings, api_key, created_ms, updated_ms)
                 VALUES (?1, ?1, 0, '{}', ?2, 0, 0)",
                [name, key],
            )
        })
        .unwrap();
}

fn all_bytes(dir: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}

/// S0-037
#[test]
fn keys_of_an_earlier_release_are_sealed_at_the_start_and_wiped_where_they_lay() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    clear_key(&room, "one", "the-first-secret");
    clear_key(&room, "two", "the-second-secret");
    room.store.shutdown();
    assert!(holds(&all_bytes(dir.path()), "the-first-secret"));

    for _ in 0..2 {
        let (room, _) = open(dir.path(), &[], |_options| ());
        let known = room.store.sync_book().sources().unwrap();
        let keys: Vec<&str> = known.iter().map(|source| source.api_key.expose()).collect();
        assert_eq!(keys, ["the-first-secret", "the-second-secret"]);
        room.store.shutdown();
        let bytes = all_bytes(dir.path());
        assert!(!holds(&bytes, "the-first-secret") && !holds(&bytes, "the-second-secret"));
    }
    // Without its file the database tells nothing, and the sources stand there without keys.
    std::fs::remove_file(dir.path().join("seal.key")).unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let known = room.store.sync_book().sources().unwrap();
    assert!(known.len() == 2 && known.iter().all(|source| source.api_key.is_empty()));
    // A key that is entered again is kept under a new one.
    let again = crate::store::PbxSource {
        api_key: crate::store::ApiKey::from("entered-again"),
        ..known[0].clone()
    };
    let book = room.store.sync_book();
    book.write_source(again, "ali", "{}").unwrap();
    assert_eq!(
        book.source("one").unwrap().unwrap().api_key.expose(),
        "entered-again"
    );
    room.store.shutdown();
    assert!(!holds(&all_bytes(dir.path()), "entered-again"));
}

/// A key given by the configuration, from a systemd credential say, stands in for the file.
#[test]
fn a_given_key_leaves_no_file_and_opens_nothing_that_another_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let given = |digits: &'static str| {
        move |options: &mut crate::store::Options| {
            options.keep.seal_key = Some(crate::model::Secret::from(digits.repeat(32).as_str()));
        }
    };
    let (room, _) = open(dir.path(), &[], given("0a"));
    clear_key(&room, "one", "hush-hush");
    room.store.shutdown();
    for (digits, key) in [("0a", "hush-hush"), ("0b", ""), ("0a", "hush-hush")] {
        let (room, _) = open(dir.path(), &[], given(digits));
        let source = room.store.sync_book().source("one").unwrap().unwrap();
        assert_eq!(source.api_key.expose(), key);
        room.store.shutdown();
    }
    assert!(!dir.path().join("seal.key").exists());
}
