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

/// Fills a page among the records with junk: the schema and the roots of the tables lie in the first half of a file as
/// small as these.
pub(super) fn break_a_page(path: &Path) {
    let among = fs::metadata(path).unwrap().len() / 4096 * 3 / 4;
    overwrite(path, among * 4096, &[0xa5; 4096]);
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

fn asides(dir: &Path) -> usize {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| {
            let name = name.to_str().unwrap();
            name.starts_with("callpost.db.corrupt-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .count()
}

/// ROBUSTNESS 75, 80: a kill in the middle of a salvage leaves the damaged database where it was; the next start begins
/// anew and saves as much.
#[test]
fn a_salvage_that_is_cut_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 400);
    let path = dir.path().join("callpost.db");
    break_a_page(&path);
    // As the kill leaves it: the second name is given, the draft is half full.
    let aside = crate::store::salvage::set_aside(&path, NOON).unwrap();
    let draft = crate::store::birth::begin_draft(&path).unwrap();
    draft.execute_batch("BEGIN; CREATE TABLE half (x)").unwrap();
    drop(draft);
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    let told = found.set_aside.unwrap();
    assert_eq!(told.path, aside, "the same file gets no third name");
    assert!(told.cdrs > 300 && total(&room) == told.cdrs, "{told:?}");
    assert_eq!(asides(dir.path()), 1);
    room.store.shutdown();
    let (_, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
}

/// ROBUSTNESS 80: a kill between the salvage and its new name: the next start finishes, and tells of it. The log of the
/// damaged database is not taken for that of the new one.
#[test]
fn a_salvage_that_was_complete_is_taken_up_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 400);
    let path = dir.path().join("callpost.db");
    break_a_page(&path);
    let before = fs::read(&path).unwrap();
    {
        let (room, found) = open(dir.path(), &["crm"], |_options| ());
        assert!(found.set_aside.is_some());
        room.store.shutdown();
    }
    // Back to the moment before the last rename: the damaged file has its name, with a log beside it.
    let saved = rusqlite::Connection::open(&path).unwrap();
    let note = r#"{"path":"callpost.db.corrupt-1","reason":"a page","cdrs":390,"rows":390,"complete":false,"rest_follows":false}"#;
    saved
        .execute("INSERT INTO meta (key, value) VALUES ('salvage', ?1)", [note])
        .unwrap();
    saved.close().unwrap();
    fs::rename(&path, dir.path().join("callpost.db.saved")).unwrap();
    fs::write(&path, before).unwrap();
    fs::write(
        dir.path().join("callpost.db-wal"),
        b"the log of the damaged database",
    )
    .unwrap();
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(
        found.set_aside.unwrap().cdrs,
        390,
        "it is told by the start that finishes it"
    );
    assert!(total(&room) > 300);
    room.store.shutdown();
    let (_, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
}

/// A database beyond the size that is checked before the first call: three ages of records, some delivered.
fn large(dir: &Path) -> u32 {
    const RECORDS: u32 = 6000;
    let (room, _) = open(dir, &["crm"], |_options| ());
    for lot in 0..RECORDS / 100 {
        room.store
            .journal()
            .change(crate::store::journal::Durability::AtOnce, move |db| {
                (lot * 100..lot * 100 + 100).try_for_each(|n| {
                    let mut cdr = super::sample::talked(n);
                    cdr.tags = (0..90)
                        .map(|part| super::digest(&[n.to_be_bytes(), [part; 4]].concat()))
                        .collect();
                    crate::store::filing::append(db, &cdr, NOON).map(drop)
                })
            })
            .unwrap();
    }
    let outbox = room.store.outbox();
    while let crate::store::Batch::Items(items) = outbox.next_batch("crm", 500).unwrap() {
        let seqs: Vec<u64> = items
            .iter()
            .map(|item| item.seq)
            .filter(|seq| *seq <= 1000)
            .collect();
        if seqs.is_empty() {
            break;
        }
        outbox.delivered("crm", &seqs).unwrap();
    }
    room.store.shutdown();
    assert!(fs::metadata(dir.join("callpost.db")).unwrap().len() > 16 << 20);
    RECORDS
}

fn wait_for(room: &super::Room, what: &str, is: impl Fn(&super::Room) -> bool) {
    for _ in 0..6000 {
        if is(room) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{what} never was: {:?}", room.store.condition().now());
}

fn total(room: &super::Room) -> u64 {
    let filter = CdrFilter {
        count: true,
        limit: 1,
        ..CdrFilter::default()
    };
    room.store.reader().cdrs(&filter).unwrap().total.unwrap()
}

/// Where a start looks: the page of the table of tokens.
fn break_the_tokens(path: &Path) {
    let page: u64 = {
        let db = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'tokens'";
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
            .try_into()
            .unwrap()
    };
    overwrite(path, (page - 1) * 4096, &[0xa5; 4096]);
}

/// ROBUSTNESS 80: a stop while the records of a large database come over loses none: the next start goes on.
#[test]
fn the_rest_of_a_salvage_is_gone_on_with_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let records = u64::from(large(dir.path()));
    break_the_tokens(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    let aside = found.set_aside.unwrap();
    // Some have come over, never all of them at the first look.
    let before = total(&room);
    room.store.shutdown();
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    if before < records {
        assert_eq!(found.set_aside.unwrap().path, aside.path);
    }
    wait_for(&room, "every record", |room| total(room) == records);
    wait_for(&room, "the end of the salvage", |room| {
        let left = room
            .store
            .reader()
            .look(|db| Ok::<_, crate::store::StoreError>(crate::store::SetAside::noted(db)?))
            .unwrap();
        left.is_none()
    });
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!(
        backlog.pending,
        records - 1000,
        "nothing is queued twice, and nothing forgotten"
    );
    room.store.shutdown();
    let (_, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
}

/// ROBUSTNESS 80: of a large database calls are served at once; its records come over beside them.
#[test]
fn a_large_damaged_database_is_saved_while_calls_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let records = u64::from(large(dir.path()));
    break_the_tokens(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    let aside = found.set_aside.unwrap();
    assert!(
        aside.rest_follows && aside.cdrs == 0 && aside.path.exists(),
        "{aside:?}"
    );
    room.append(closing(50_000));
    let StoreReply::CallClosed { seq } = room.reply() else {
        panic!("the call was not filed")
    };
    assert_eq!(
        seq,
        records + 1,
        "behind the numbers of those that are still to come over"
    );
    wait_for(&room, "every record", |room| total(room) == records + 1);
    let backlog = &room.store.reader().backlog().unwrap()[0];
    assert_eq!(
        backlog.pending,
        records - 1000 + 1,
        "what was not delivered still goes out, and no more"
    );
    assert_eq!(room.store.reader().cdr(call_id(4321)).unwrap().unwrap().0, 4322);
}

/// ROBUSTNESS 80: damage that the start does not look for is found beside the calls, alarmed, and mended at the next
/// start.
#[test]
fn damage_deep_in_a_large_database_is_found_beside_the_calls() {
    let dir = tempfile::tempdir().unwrap();
    let records = u64::from(large(dir.path()));
    break_a_page(&dir.path().join("callpost.db"));
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None, "calls are served at once");
    room.append(opening(50_000));
    assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(50_000)));
    room.append(closing(50_000));
    wait_for(&room, "an alarm", |room| {
        room.store.condition().now().damage.is_some()
    });
    room.settle();
    room.store.shutdown();
    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert!(found.set_aside.is_some());
    // At most the rows of one page are gone.
    wait_for(&room, "the others", |room| total(room) + 60 > records);
    assert!(room.store.reader().cdr(call_id(50_000)).unwrap().is_some());
    assert!(room.store.reader().cdr(call_id(0)).unwrap().is_some());
}

#[test]
fn a_lost_index_of_the_log_and_a_log_cut_in_the_middle_cost_no_record_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 20);
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    for n in 20..40 {
        room.append(closing(n));
    }
    room.settle();
    // As a power cut leaves it: database and log copied while the daemon runs.
    let cut = tempfile::tempdir().unwrap();
    for name in ["callpost.db", "callpost.db-wal"] {
        fs::copy(dir.path().join(name), cut.path().join(name)).unwrap();
    }
    let whole = tempfile::tempdir().unwrap();
    for name in ["callpost.db", "callpost.db-wal"] {
        fs::copy(dir.path().join(name), whole.path().join(name)).unwrap();
    }
    let log = cut.path().join("callpost.db-wal");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    // Without the -shm file the log is read anew, every record of it.
    let (room, found) = open(whole.path(), &["crm"], |_options| ());
    assert_eq!((found.set_aside, total(&room)), (None, 40));
    // Of the log that was cut, what was committed before the cut.
    let (room, found) = open(cut.path(), &["crm"], |_options| ());
    assert_eq!(found.set_aside, None);
    let kept = total(&room);
    assert!((20..=40).contains(&kept), "{kept}");
    let (oldest, latest) = (1, kept);
    let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
    assert_eq!(
        (page.oldest_seq, page.latest_seq),
        (Some(oldest), Some(latest)),
        "no gap"
    );
}
