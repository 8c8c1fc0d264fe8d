//! Records as a file.

use crate::world::{World, cdr};
use callpost::model::{Cdr, Status};

/// The rows of a file after RFC 4180, read by somebody else's rules than those it was written by.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (letter, _) => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last line has its end");
    rows
}

/// ROBUSTNESS 60
#[tokio::test]
async fn a_table_holds_every_record_and_no_formula() {
    let world = World::new();
    let evil = "=cmd|' /C calc'!A0, \"quoted\"\r\nnext";
    world.file(Cdr {
        caller_name: Some(evil.to_owned()),
        ..cdr(1)
    });
    world.file_many((2..=1234).map(cdr));
    let answer = world.get("/api/v1/cdrs/export?format=csv").await;
    assert_eq!(
        answer.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"calls-2026-11-20.csv\""
    );
    let rows = rows(&answer.text());
    assert_eq!(rows.len(), 1235, "a header line and 1,234 records");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let column = |name: &str| rows[0].iter().position(|title| title == name).unwrap();
    assert_eq!(rows[1][column("caller_name")], format!("'{evil}"));
    assert_eq!(rows[1][column("caller_number")], "'+966500000001");
    assert_eq!(
        (
            rows[7][column("seq")].as_str(),
            rows[7][column("status")].as_str()
        ),
        ("7", "ANSWER")
    );
    let formula = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(!rows.iter().flatten().any(formula));
}

#[tokio::test]
async fn lines_of_json_are_the_records_as_the_list_shows_them() {
    let world = World::new();
    for number in 0..5 {
        world.file(cdr(number));
    }
    world.file(Cdr {
        status: Status::Busy,
        ..cdr(5)
    });
    world.file(Cdr {
        version: 2,
        notes: vec!["called back".to_owned()],
        ..cdr(0)
    });
    let lines = async |query: &str| {
        let text = world
            .get(&format!("/api/v1/cdrs/export?format=jsonl{query}"))
            .await
            .text();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .collect::<Vec<_>>()
    };
    let listed = world.get("/api/v1/cdrs?latest_only=true").await.json();
    assert_eq!(
        serde_json::Value::from(lines("").await),
        listed["items"],
        "each call once"
    );
    assert_eq!(lines("&versions=all").await.len(), 7);
    assert_eq!(lines("&status=BUSY").await[0]["seq"], 6);
    assert!(lines("&status=BUSY&direction=internal").await.is_empty());
    for wrong in [
        "format=xml",
        "versions=some",
        "status=GREAT",
        "after=x",
        "from=today",
    ] {
        let answer = world.get(&format!("/api/v1/cdrs/export?{wrong}")).await;
        assert_eq!(answer.problem(), "bad_request", "{wrong}");
    }
}
