//! Every row of what was asked for is named by the test that proves it.
//!
//! The rows are in `acceptance/*.txt`, one file a list, one row a line: an id and a title. A test names the rows it
//! proves in the comment above it (`/// S0-102, S0-103: …`), each by its whole id, so that a search for one finds it.
#![expect(
    clippy::unwrap_used,
    reason = "lists and sources that cannot be read should stop the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where tests are.
const PLACES: [&str; 3] = ["tests", "src", "benches"];

#[test]
fn each_row_is_named_by_a_test() {
    let named = named_by_tests();
    let mut unproven = Vec::new();
    for (id, title) in rows() {
        if !named.contains_key(&id) {
            unproven.push(format!("{id} {title}"));
        }
    }
    assert!(
        unproven.is_empty(),
        "no test names these:\n{}",
        unproven.join("\n")
    );
}

#[test]
fn no_test_names_a_row_that_does_not_exist() {
    let rows: BTreeMap<String, String> = rows().into_iter().collect();
    let lists: BTreeSet<&str> = rows.keys().filter_map(|id| id.split('-').next()).collect();
    let strays: Vec<String> = named_by_tests()
        .into_iter()
        .filter(|(id, _)| lists.contains(id.split('-').next().unwrap()) && !rows.contains_key(id))
        .map(|(id, tests)| format!("{id}: {}", tests.join(", ")))
        .collect();
    assert!(
        strays.is_empty(),
        "there are no such rows:\n{}",
        strays.join("\n")
    );
}

#[test]
fn rows_are_named_one_by_one() {
    let mut spans = Vec::new();
    for path in sources() {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let is_comment = line.trim_start().starts_with("///");
            if is_comment
                && ids(line)
                    .iter()
                    .any(|(_, rest)| rest.trim_start().starts_with('…'))
            {
                spans.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(
        spans.is_empty(),
        "write each id out; a search for one does not find a span:\n{}",
        spans.join("\n")
    );
}

/// S0-167: the ten things the first list promises of itself, each with the rows that are it.
#[test]
fn the_key_capabilities_are_rows_that_tests_name() {
    let named = named_by_tests();
    for (capability, rows) in [
        (
            "Fetch CDR from external PBX API",
            &["S0-001", "S0-062", "S0-099"][..],
        ),
        ("Store in PostgreSQL", &["S0-004", "S0-005", "S0-100"]),
        ("Manual sync via UI", &["S0-002", "S0-131"]),
        ("Scheduled sync with cron", &["S0-003", "S0-093", "S0-140"]),
        (
            "View call records with filters",
            &["S0-084", "S0-115", "S0-116", "S0-117"],
        ),
        ("Pagination support", &["S0-085", "S0-114"]),
        ("Sync history & logs", &["S0-048", "S0-086", "S0-125"]),
        ("Config management", &["S0-088", "S0-089", "S0-126"]),
        ("Error handling", &["S0-104", "S0-105", "S0-106", "S0-108"]),
        ("GraphQL API", &["S0-008", "S0-082", "S0-083", "S0-087"]),
    ] {
        for row in rows {
            assert!(named.contains_key(*row), "{capability}: no test names {row}");
        }
    }
}

/// Id and title of every row of every list, in order.
fn rows() -> Vec<(String, String)> {
    let mut lists: Vec<PathBuf> = fs::read_dir(root().join("tests/acceptance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    lists.sort();
    let mut rows = Vec::new();
    for list in lists {
        let text = fs::read_to_string(&list).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (id, title) = line.split_once(' ').unwrap();
            assert!(
                ids(id).len() == 1 && !title.trim().is_empty(),
                "{}: {line}",
                list.display()
            );
            rows.push((id.to_owned(), title.to_owned()));
        }
    }
    let unique: BTreeSet<&String> = rows.iter().map(|(id, _)| id).collect();
    assert_eq!(unique.len(), rows.len(), "a row stands there twice");
    rows
}

/// The tests that name each id.
fn named_by_tests() -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let mut pending = Vec::new();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("///") {
                pending.extend(ids(line).into_iter().map(|(id, _)| id));
            } else if line.starts_with("#[") {
                is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            } else if let Some(name) = function(line) {
                for id in pending.drain(..).filter(|_| is_test) {
                    named.entry(id).or_default().push(name.to_owned());
                }
                is_test = false;
            } else if line.is_empty() || line.ends_with(['{', '}', ';']) {
                pending.clear();
                is_test = false;
            }
        }
    }
    named
}

/// The name of the function that begins in this line.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split('(').next()
}

/// The ids in a line, each with what stands behind it: `S0-102`, a list, a dash, three digits.
fn ids(line: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for (dash, _) in line.match_indices('-') {
        let (Some(before), Some(digits)) = (
            line.get(dash.saturating_sub(2)..dash),
            line.get(dash + 1..dash + 4),
        ) else {
            continue;
        };
        let is_list = before == "DC" || matches!(before.as_bytes(), [b'S', b'0'..=b'9']);
        let behind = line.get(dash + 4..).unwrap_or_default();
        let ends = !behind.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if is_list && ends && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            found.push((format!("{before}-{digits}"), behind));
        }
    }
    found
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in PLACES {
        walk(&root().join(place), &mut found);
    }
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
