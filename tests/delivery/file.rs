//! The `file` destination: what a reader of the files finds.
#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read should stop the test"
)]

use super::house::{House, cdr};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn keys(path: &Path, more: &str) -> String {
    format!("type = 'file'\npath = '{}'\n{more}", path.display())
}

/// The files of a folder, the oldest first and the present one last.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    // `cdrs-20261120-000001.jsonl` before `cdrs.jsonl`, as `-` comes before `.`.
    found.sort();
    found
}

fn seqs(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["seq"]
                .as_u64()
                .unwrap()
        })
        .collect()
}

#[tokio::test]
async fn files_are_turned_over_by_size_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out/cdrs.jsonl");
    let house = House::open(&keys(&path, "rotate_megabytes = 1\nkeep = 2"));
    let line = cdr(0).to_string().len();
    let lines = u32::try_from(3_600_000 / line).unwrap();
    house.file(0..lines);
    house.settled(u64::from(lines)).await;
    house.close().await;
    let files = files(path.parent().unwrap());
    let names: Vec<&str> = files
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[0].ends_with("-000002.jsonl") && names[1].ends_with("-000003.jsonl"),
        "{names:?}"
    );
    assert!(
        files
            .iter()
            .all(|file| fs::metadata(file).unwrap().len() <= 1_000_000)
    );
    let kept: Vec<u64> = files.iter().flat_map(|file| seqs(file)).collect();
    assert_eq!(kept.last(), Some(&u64::from(lines)));
    assert!(
        kept.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "no line is missing where two files meet"
    );
}

#[tokio::test]
async fn yesterdays_file_is_put_away_under_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cdrs.jsonl");
    fs::write(&path, "{\"seq\":0}\n").unwrap();
    let day = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_046_400);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(day)
        .unwrap();
    let house = House::open(&keys(&path, "rotate = 'daily'"));
    house.file(0..3);
    house.settled(3).await;
    house.close().await;
    assert_eq!(
        files(folder.path()),
        [folder.path().join("cdrs-20261119-000001.jsonl"), path.clone()]
    );
    assert_eq!(seqs(&path), [1, 2, 3]);
}

/// A kill in the middle of a write leaves half a line; the record was not acknowledged and comes again.
#[tokio::test]
async fn half_a_line_of_a_killed_daemon_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cdrs.jsonl");
    fs::write(&path, "{\"seq\":0}\n{\"seq\":1,\"cdr_id\":\"01").unwrap();
    let house = House::open(&keys(&path, ""));
    house.file(0..2);
    house.settled(2).await;
    house.close().await;
    assert_eq!(seqs(&path), [0, 1, 2]);
}

/// ROBUSTNESS 60: a caller's name never becomes a formula. One line of names, however often the daemon starts.
#[tokio::test]
async fn a_spreadsheet_gets_names_once_and_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cdrs.csv");
    for n in 0..2 {
        let house = House::open(&keys(&path, "format = 'csv'"));
        let mut cdr = cdr(n);
        cdr["caller_name"] = json!("=HYPERLINK(\"http://evil.example\",\"Huda\")");
        house.file_one(cdr);
        house.settled(1).await;
        house.close().await;
    }
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("seq,cdr_id,version,"));
    assert!(
        lines[1].contains(",\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"Huda\"\")\","),
        "{text}"
    );
    assert!(lines[2].contains(",'+966500000001,"), "{text}");
}
