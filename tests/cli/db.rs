//! `callpost db check`.

use crate::cdr::House;
use serde_json::{Value, json};
use std::path::Path;

/// S0-149: a look at the whole database, beside the running daemon as without one.
#[test]
fn a_sound_database_is_said_to_be_sound_with_and_without_a_daemon() {
    let house = House::with(5);
    let told = house.says(&["db", "check"]);
    for words in [
        "5 in 5 rows, seq 1 to 5",
        "pages        sound",
        "duplicates   none",
        "gaps         none",
        "archive: 0 wait, 0 parked, 5 delivered",
    ] {
        assert!(told.contains(words), "{words} is missing in {told}");
    }
    let _daemon = house.daemon();
    let found = house.json(&["db", "check", "--json"]);
    assert_eq!(
        (&found["records"], &found["rows"], &found["duplicates"]),
        (&json!(5), &json!(5), &json!(0))
    );
    assert_eq!((&found["damage"], &found["gaps"]), (&json!([]), &json!([])));
    assert_eq!(
        (&found["oldest_seq"], &found["latest_seq"]),
        (&json!(1), &json!(5))
    );
}

#[test]
fn a_damaged_database_is_told_with_what_to_do_and_is_not_touched() {
    let house = House::with(5);
    let database = house.data().join("callpost.db");
    break_a_page(&database);
    let before = std::fs::read(&database).unwrap();
    let checked = house.callpost(&["db", "check"]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(
        told.contains("DAMAGED") && told.contains("Restart the daemon"),
        "{told}"
    );
    let found: Value = serde_json::from_slice(&house.callpost(&["db", "check", "--json"]).stdout).unwrap();
    assert!(!found["damage"].as_array().unwrap().is_empty(), "{found}");
    assert_eq!(
        std::fs::read(&database).unwrap(),
        before,
        "looking changes nothing"
    );
}

#[test]
fn without_a_database_the_check_says_so_with_its_own_code() {
    let house = House::with(1);
    let empty = house.data().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let checked = house.callpost(&["db", "check", "--data-dir", empty.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2));
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(told.contains("callpost.db"), "{told}");
    std::fs::write(
        empty.join("callpost.db"),
        "this is no database at all, only a text file",
    )
    .unwrap();
    let checked = house.callpost(&["db", "check", "--data-dir", empty.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(2));
}

/// Turns the cells of one leaf (file format §1.6) of the records' table around.
fn break_a_page(database: &Path) {
    let number = |sql: &str| {
        let db = rusqlite::Connection::open(database).unwrap();
        let number: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(number).unwrap()
    };
    let size = number("PRAGMA page_size");
    let root = number("SELECT rootpage FROM sqlite_schema WHERE name = 'cdrs' AND type = 'table'");
    let mut bytes = std::fs::read(database).unwrap();
    let page = (root - 1) * size;
    // The head of the page stays; the places of its cells point behind the page.
    bytes[page + 8..page + 14].fill(0xff);
    std::fs::write(database, bytes).unwrap();
}
