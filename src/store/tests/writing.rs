use super::sample::{
    binding, call_id, closing, digit, draft, ended, facts, opening, recording, recording_id,
};
use super::{NOON, open};
use crate::model::{CallKey, Entry, Number, TapeDone};
use crate::store::journal::Durability;
use crate::store::{CdrFilter, RecordingState, StoreError, StoreReply};
use std::time::Duration;

#[test]
fn a_call_is_answered_for_when_it_is_on_disk_and_its_record_replaces_the_open_row() {
    let dir = tempfile::tempdir().unwrap();
    let (room, found) = open(dir.path(), &["head-office", "crm"], |_options| ());
    assert!(found.interrupted.is_empty() && found.set_aside.is_none());
    room.append(opening(1));
    assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(1)));
    room.append(digit(1, 900, "1"));
    room.append(closing(1));
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });

    let reader = room.store.reader();
    assert_eq!(reader.cdr(call_id(1)).unwrap(), Some((1, ended(1))));
    assert_eq!(reader.call_events(call_id(1)).unwrap().len(), 1);
    let waiting: Vec<_> = reader
        .backlog()
        .unwrap()
        .into_iter()
        .map(|b| (b.upstream, b.pending, b.oldest_ms))
        .collect();
    assert_eq!(
        waiting,
        [
            ("head-office".to_owned(), 1, Some(NOON)),
            ("crm".to_owned(), 1, Some(NOON))
        ]
    );
    let open_rows: i64 = reader
        .look(|db| Ok(db.query_row("SELECT count(*) FROM open_calls", [], |row| row.get(0))?))
        .unwrap();
    assert_eq!(open_rows, 0);
}

#[test]
fn the_same_record_filed_twice_is_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    room.append(closing(1));
    room.append(closing(1));
    room.append(closing(2));
    let seqs: Vec<_> = (0..3).map(|_| room.reply()).collect();
    let closed = |seq| StoreReply::CallClosed { seq };
    assert_eq!(seqs, [closed(1), closed(1), closed(2)]);
    assert_eq!(room.store.reader().backlog().unwrap()[0].pending, 2);
}

#[test]
fn a_later_version_is_a_new_row_and_the_one_shown_for_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let mut later = ended(1);
    later.version = 2;
    later.notes.push("called back".to_owned());
    room.append(closing(1));
    room.append(Entry::CallClosed(Box::new(later.clone())));
    room.settle();
    assert_eq!(room.store.reader().cdr(call_id(1)).unwrap(), Some((2, later)));
    assert_eq!(
        room.store
            .reader()
            .cdrs(&CdrFilter::default())
            .unwrap()
            .items
            .len(),
        2
    );
}

#[test]
fn many_entries_share_one_commit_and_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    for n in 0..300 {
        room.append(closing(n));
    }
    let seqs: Vec<_> = (0..300).map(|_| room.reply()).collect();
    let expected: Vec<_> = (1..=300).map(|seq| StoreReply::CallClosed { seq }).collect();
    assert_eq!(seqs, expected);
    for (n, (seq, cdr)) in room
        .store
        .reader()
        .cdrs(&CdrFilter {
            limit: 300,
            ..CdrFilter::default()
        })
        .unwrap()
        .items
        .iter()
        .enumerate()
    {
        assert_eq!((*seq, cdr.cdr_id), (n as u64 + 1, call_id(n as u32)));
    }
}

#[test]
fn a_full_queue_hands_the_entry_back() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |options| options.pace.queue = 1);
    let (enter, inside) = std::sync::mpsc::channel();
    let (leave, wait) = std::sync::mpsc::channel::<()>();
    let journal = room.store.journal();
    let busy = std::thread::spawn(move || {
        journal.change(Durability::AtOnce, move |_connection| {
            enter.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        })
    });
    inside.recv().unwrap();
    room.append(closing(1));
    assert_eq!(room.store.journal().try_append(closing(2)), Err(closing(2)));
    leave.send(()).unwrap();
    busy.join().unwrap().unwrap();
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
}

#[test]
fn a_change_at_fault_is_undone_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let told = room.store.journal().change(Durability::Synced, |db| {
        db.execute("INSERT INTO meta (key, value) VALUES ('half', 'done')", [])?;
        db.execute("INSERT INTO meta (key, value) VALUES ('half', 'again')", [])
    });
    assert!(matches!(told, Err(StoreError::Database(_))), "{told:?}");
    room.append(closing(1));
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
    let half = room
        .store
        .reader()
        .look(|db| Ok(crate::store::tables::meta::get(db, "half")?))
        .unwrap();
    assert_eq!(half, None);
}

#[test]
fn when_the_disk_is_full_calls_are_refused_and_records_wait_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |options| {
        options.pace.retry = Duration::from_secs(1)
    });
    room.append(opening(1));
    assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(1)));
    // Pages are limited for this connection only; the writer opens a new one before it tries again.
    room.store
        .journal()
        .change(Durability::Synced, |db| {
            let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_row| Ok(()))
        })
        .unwrap();
    let mut large = ended(1);
    large
        .notes
        .extend((0..4000_u32).map(|n| super::digest(&n.to_be_bytes())));
    room.append(Entry::CallClosed(Box::new(large)));
    let StoreReply::Failed { call: None, reason } = room.reply() else {
        panic!("no trouble was told")
    };
    assert!(reason.contains("full"), "{reason}");
    assert!(room.store.trouble().is_some());
    room.append(opening(2));
    room.append(closing(3));
    let refused = room.store.accounts().create_user("sam", "$argon2id$", "admin");
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
    assert!(matches!(
        room.reply(),
        StoreReply::Failed {
            call: Some(CallKey(2)),
            ..
        }
    ));

    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 2 });
    assert_eq!(room.store.trouble(), None);
    assert!(
        room.store
            .accounts()
            .create_user("sam", "$argon2id$", "admin")
            .unwrap()
    );
}

#[test]
fn a_recording_is_open_then_done_and_a_lost_one_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::RecordingOpened(recording(1)));
    room.append(Entry::RecordingOpened(recording(2)));
    room.append(Entry::RecordingOpened(recording(3)));
    let journal = room.store.journal();
    journal
        .try_tape_done(TapeDone {
            id: recording_id(1),
            result: Ok(facts(1)),
        })
        .unwrap();
    journal
        .try_tape_done(TapeDone {
            id: recording_id(2),
            result: Err("the disk is full".to_owned()),
        })
        .unwrap();
    room.settle();
    let reader = room.store.reader();
    let state = |n| reader.recording(recording_id(n)).unwrap().unwrap().state;
    assert_eq!(state(1), RecordingState::Done(facts(1)));
    assert_eq!(state(2), RecordingState::Failed("the disk is full".to_owned()));
    assert_eq!(state(3), RecordingState::Open);
    assert_eq!(reader.recording(recording_id(9)).unwrap(), None);

    let newest = reader.recordings(2, None).unwrap();
    assert_eq!(
        newest.iter().map(|r| r.row.id).collect::<Vec<_>>(),
        [recording_id(3), recording_id(2)]
    );
    let rest = reader.recordings(2, Some(recording_id(2))).unwrap();
    assert_eq!(
        rest.iter().map(|r| r.row.id).collect::<Vec<_>>(),
        [recording_id(1)]
    );
}

#[test]
fn the_records_recording_facts_complete_the_recordings_row() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::RecordingOpened(recording(1)));
    let mut cdr = ended(1);
    cdr.recording = Some(facts(1));
    room.append(Entry::CallClosed(Box::new(cdr)));
    room.settle();
    let stored = room.store.reader().recording(recording_id(1)).unwrap().unwrap();
    assert_eq!(stored.facts(), Some(&facts(1)));
}

#[test]
fn a_mere_refresh_waits_and_a_new_phone_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::Bound(binding("1001", 1, NOON + 3_600_000)));
    room.settle();
    room.append(Entry::Bound(binding("1001", 2, NOON + 7_200_000)));
    room.append(Entry::Bound(binding("1002", 1, NOON + 3_600_000)));
    room.settle();
    let stored = |room: &super::Room| {
        room.store
            .reader()
            .look(|db| Ok(crate::store::tables::registrations::all(db)?))
            .unwrap()
    };
    assert_eq!(
        stored(&room),
        [
            binding("1001", 1, NOON + 3_600_000),
            binding("1002", 1, NOON + 3_600_000)
        ]
    );
    room.append(Entry::Unbound {
        extension: Number::from("1002"),
        contact: "sip:1002@127.0.0.10:5060".to_owned(),
    });
    room.settle();
    assert_eq!(stored(&room).len(), 1);
    // The shutdown writes the refresh that waited.
    room.store.shutdown();
    let (_room, found) = open(dir.path(), &[], |_options| ());
    assert_eq!(found.bindings, [binding("1001", 2, NOON + 7_200_000)]);
}

#[test]
fn a_refresh_is_written_before_the_stored_registration_would_run_out() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::Bound(binding("1001", 1, NOON + 40)));
    room.settle();
    room.append(Entry::Bound(binding("1001", 2, NOON + 3_600_000)));
    // Twenty milliseconds later, half of what was left, the refresh is in the table.
    let written = (0..2000).any(|_| {
        std::thread::yield_now();
        room.settle();
        let all = room
            .store
            .reader()
            .look(|db| Ok(crate::store::tables::registrations::all(db)?))
            .unwrap();
        all.first().is_some_and(|binding| binding.cseq == 2)
    });
    assert!(written);
}

#[test]
fn entries_after_the_shutdown_are_handed_back() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let journal = room.store.journal();
    let outbox = room.store.outbox();
    room.append(digit(1, 5, "1"));
    room.store.shutdown();
    assert!(journal.try_append(closing(1)).is_err());
    assert!(matches!(outbox.delivered("crm", &[1]), Err(StoreError::Closed)));
    let (room, _) = open(dir.path(), &[], |_options| ());
    assert_eq!(
        room.store.reader().call_events(call_id(1)).unwrap().len(),
        1,
        "the shutdown wrote what waited"
    );
    assert_eq!(draft(1).call_id, call_id(1));
}
