use super::sample::{binding, call_id, closing, opening};
use super::{NOON, open};
use crate::model::{CallKey, Entry};
use crate::store::{CdrFilter, StoreReply};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

fn filled(dir: &Path, calls: u32) -> String {
    let (room, _) = open(dir, &["crm"], |_options| ());
    for n in 0..calls {
        room.append(closing(n));
    }
    room.append(Entry::Bound(binding("1001", 1, NOON + 3_600_000)));
    room.settle();
    let epoch = room.store.reader().epoch().to_owned();
    room.store.shutdown();
    epoch
}

/// Fills a page in the middle of the file with junk.
pub(super) fn break_a_page(path: &Path) {
    let middle = fs::metadata(path).unwrap().len() / 4096 / 2;
    overwrite(path, middle * 4096, &[0xa5; 4096]);
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_zeroed_header_sets_the_database_aside_and_calls_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let epoch = filled(dir.path(), 5);
    overwrite(&dir.path().join("callpost.db"), 0, &[0; 100]);
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    let aside = found.set_aside.unwrap();
    assert!(
        aside
            .path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("callpost.db.corrupt-")
    );
    assert!(
        fs::metadata(&aside.path).unwrap().len() > 0,
        "the damaged file is kept"
    );
    assert_eq!((aside.cdrs, aside.complete), (0, false));
    assert_ne!(
        room.store.reader().epoch(),
        epoch,
        "cursors into the lost store are recognised"
    );
    room.append(opening(9));
    assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(9)));
}

#[test]
fn an_emptied_file_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 5);
    fs::write(dir.path().join("callpost.db"), b"").unwrap();
    let (_room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside.unwrap().reason, "the file is empty");
}

#[test]
fn damaged_pages_cost_only_the_rows_on_them() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 400);
    let path = dir.path().join("callpost.db");
    break_a_page(&path);
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    let aside = found.set_aside.unwrap();
    assert!(aside.cdrs > 300 && aside.cdrs <= 400, "{aside:?}");
    let page = room
        .store
        .reader()
        .cdrs(&CdrFilter {
            limit: 1000,
            ..CdrFilter::default()
        })
        .unwrap();
    assert_eq!(page.items.len() as u64, aside.cdrs);
    for (seq, cdr) in &page.items {
        assert_eq!(
            cdr.cdr_id,
            call_id(u32::try_from(*seq).unwrap() - 1),
            "a saved record keeps its number"
        );
    }
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!(
        backlog.pending, aside.cdrs,
        "what was not acknowledged still goes out"
    );
    room.append(closing(1000));
    assert_eq!(
        room.reply(),
        StoreReply::CallClosed {
            seq: page.latest_seq.unwrap() + 1
        }
    );
    assert_eq!(found.bindings.len(), 1);
}

#[test]
fn a_second_start_after_damage_finds_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 50);
    overwrite(&dir.path().join("callpost.db"), 0, b"not a database at all");
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    let epoch = room.store.reader().epoch().to_owned();
    room.store.shutdown();
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(
        (found.set_aside, room.store.reader().epoch()),
        (None, epoch.as_str())
    );
}

#[test]
fn a_log_cut_short_loses_nothing_that_was_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    fs::write(dir.path().join("callpost.db-wal"), b"half a header").unwrap();
    fs::write(dir.path().join("callpost.db-shm"), b"").unwrap();
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
    assert_eq!(
        room.store
            .reader()
            .cdrs(&CdrFilter::default())
            .unwrap()
            .items
            .len(),
        20
    );
}
