//! The process is killed while it brings an old database to this version's shape.

use crate::driver::{Driven, Task, Word, call_id, ended, open_here};
use crate::{dice, in_memory, rounds};
use callpost::model::Cdr;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How many records the old database holds: as many as `just crash` has time for, fewer in a plain test run.
static ROWS: LazyLock<u32> = LazyLock::new(|| if rounds(0) > 0 { 100_000 } else { 20_000 });
/// The steps an old release had taken.
const OLD_STEPS: [&str; 2] = [
    include_str!("../../src/store/migrations/01-journal.sql"),
    include_str!("../../src/store/migrations/02-accounts.sql"),
];

/// S1-041, ROBUSTNESS 83.
#[test]
fn an_old_database_opens_in_the_end_however_often_the_process_is_killed_over_it() {
    let (rounds, mut dice, began) = (rounds(10), dice(83), Instant::now());
    let folder = in_memory();
    let old = folder.path().join("old.db");
    make_old(&old);
    let unhurried = Duration::from_millis(upgrade(&copy_of(&old, folder.path(), "whole")));
    let mut kills = 0;
    for round in 0..rounds {
        let data = copy_of(&old, folder.path(), &format!("round-{round}"));
        let span = u64::try_from(unhurried.as_micros()).unwrap_or(u64::MAX).max(1) * 5 / 4 + 20_000;
        for _ in 0..if round % 4 == 3 { 3 } else { 1 } {
            let mut process = Driven::start(&Task::new(&data));
            std::thread::sleep(Duration::from_micros(dice.roll(span)));
            let words = process.kill();
            assert!(
                !words.iter().any(|word| matches!(word, Word::SetAside(_))),
                "{words:?}"
            );
            kills += 1;
        }
        upgrade(&data);
        nothing_is_missing(&data);
        std::fs::remove_dir_all(&data).expect("the copy can be removed");
    }
    println!(
        "upgrades of {} records killed {kills} times in {rounds} rounds: opened {rounds} of {rounds}, missing 0; an \
         upgrade that nobody kills takes {unhurried:?}; {:.0} s",
        *ROWS,
        began.elapsed().as_secs_f64()
    );
}

/// Opens it in a process of its own, without a kill; how many milliseconds that took.
fn upgrade(data: &Path) -> u64 {
    let (words, status) = Driven::start(&Task::new(data)).finish(Duration::from_secs(120));
    assert!(status.success(), "it opens: {words:?}");
    let open = words.iter().find_map(|word| match word {
        Word::Open { ms, .. } => Some(*ms),
        Word::SetAside(reason) => panic!("a sound database was set aside: {reason}"),
        Word::NotOpen(_)
        | Word::Opened(_)
        | Word::Refused(_)
        | Word::Filed(..)
        | Word::Trouble(_)
        | Word::Stuck(_)
        | Word::Done => None,
    });
    open.unwrap_or_else(|| panic!("it opens: {words:?}"))
}

fn nothing_is_missing(data: &Path) {
    let opened = open_here(data);
    let reader = opened.store.reader();
    for n in [0, 1, 777, *ROWS / 2, *ROWS - 1] {
        let found = reader.cdr(call_id(n)).expect("the record can be looked for");
        let (seq, cdr) = found.unwrap_or_else(|| panic!("record {n} is there"));
        assert_eq!((seq, cdr), (u64::from(n) + 1, ended(n)));
    }
    let backlog = reader.backlog().expect("the backlog can be asked for");
    let waiting: Vec<u64> = backlog.iter().map(|one| one.pending).collect();
    assert_eq!(
        waiting,
        [u64::from(*ROWS) / 2],
        "what waited for a destination still waits"
    );
    opened.store.shutdown();
    let connection = Connection::open(data.join("callpost.db")).expect("the database opens");
    let count = |question: &str| -> u32 {
        let answer = connection.query_row(question, [], |row| row.get(0));
        answer.unwrap_or_else(|error| panic!("{question}: {error}"))
    };
    assert_eq!(count("SELECT count(*) FROM cdrs"), *ROWS);
    assert_eq!(count("SELECT count(DISTINCT cdr_id) FROM cdrs"), *ROWS);
    assert_eq!(
        count("SELECT max(seq) - min(seq) + 1 FROM cdrs"),
        *ROWS,
        "no number is left out"
    );
    assert_eq!(count("SELECT count(*) FROM outbox"), *ROWS / 2);
    let complaint: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .expect("the check runs");
    assert_eq!(complaint, "ok");
}

fn copy_of(old: &Path, folder: &Path, name: &str) -> std::path::PathBuf {
    let data = folder.join(name);
    std::fs::create_dir(&data).expect("a folder can be made");
    std::fs::copy(old, data.join("callpost.db")).expect("the old database can be copied");
    data
}

/// A database as the release with two steps left it: half of its records wait for a destination.
fn make_old(path: &Path) {
    let mut connection = Connection::open(path).expect("a database can be made");
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .expect("it keeps a log");
    for (step, sql) in (1_i64..).zip(OLD_STEPS) {
        connection.execute_batch(sql).expect("the step can be taken");
        connection
            .pragma_update(None, "user_version", step)
            .expect("the step is counted");
    }
    let transaction = connection.transaction().expect("a transaction begins");
    transaction
        .execute(
            "INSERT INTO upstreams (id, name, pending) VALUES (1, 'head-office', ?1)",
            [*ROWS / 2],
        )
        .expect("the destination is known");
    for n in 0..*ROWS {
        file(&transaction, n, &ended(n)).expect("the record is filed");
    }
    transaction.commit().expect("it is committed");
}

fn file(connection: &Connection, n: u32, cdr: &Cdr) -> Result<(), rusqlite::Error> {
    let body = serde_json::to_string(cdr).expect("a record is JSON");
    connection
        .prepare_cached(
            "INSERT INTO cdrs (seq, cdr_id, version, final, filed_ms, started_ms, status, direction, caller, dialed,
                               callee, body)
             VALUES (?1, ?2, 1, 1, ?3, ?3, 'ANSWER', 'inbound', ?4, ?5, '1001', ?6)",
        )?
        .execute(params![
            n + 1,
            cdr.cdr_id.to_string(),
            cdr.started_at.unix_ms,
            cdr.caller_number.as_str(),
            cdr.dialed_number.as_str(),
            body,
        ])?;
    if n >= *ROWS / 2 {
        connection
            .prepare_cached("INSERT INTO outbox (upstream, seq) VALUES (1, ?1)")?
            .execute(params![n + 1])?;
    }
    Ok(())
}
