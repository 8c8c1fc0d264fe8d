use super::sample::{call_id, closing, ended, facts, recording, stamp};
use super::{NOON, Room, open};
use crate::model::{Cdr, Entry, RecordingFacts, Stamp, TapeDone};
use crate::store::{CdrFilter, StoreReply, Waking};
use std::sync::Arc;

fn filed_with_an_unfinished_recording(dir: &std::path::Path) -> Room {
    let (room, _) = open(dir, &["crm"], |_options| ());
    room.append(Entry::RecordingOpened(recording(1)));
    let mut cdr = ended(1);
    cdr.recording = Some(RecordingFacts {
        sha256: None,
        bytes: None,
        duration_ms: None,
        ..facts(1)
    });
    room.append(Entry::CallClosed(Box::new(cdr)));
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
    room
}

fn newest(room: &Room) -> (u64, Cdr) {
    room.store.reader().cdr(call_id(1)).unwrap().unwrap()
}

#[test]
fn a_recording_that_is_finished_late_is_in_the_records_next_version() {
    let dir = tempfile::tempdir().unwrap();
    let room = filed_with_an_unfinished_recording(dir.path());
    let done = TapeDone {
        id: facts(1).id,
        result: Ok(facts(1)),
    };
    room.store.journal().try_tape_done(done.clone()).unwrap();
    assert_eq!((room.filed(), room.filed()), (1, 2), "destinations hear of it");
    let (seq, cdr) = newest(&room);
    assert_eq!((seq, cdr.version, cdr.recording), (2, 2, Some(facts(1))));
    // Told twice, it changes nothing more.
    room.store.journal().try_tape_done(done).unwrap();
    room.settle();
    assert_eq!(newest(&room).0, 2);
}

#[test]
fn a_recording_that_is_lost_late_is_taken_out_of_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let room = filed_with_an_unfinished_recording(dir.path());
    let done = TapeDone {
        id: facts(1).id,
        result: Err("the disk is full".to_owned()),
    };
    room.store.journal().try_tape_done(done).unwrap();
    room.settle();
    let (_, cdr) = newest(&room);
    assert_eq!((cdr.version, cdr.recording), (2, None));
}

#[test]
fn a_recording_mended_at_the_next_start_completes_a_record_that_was_filed_without_it() {
    let dir = tempfile::tempdir().unwrap();
    filed_with_an_unfinished_recording(dir.path()).store.shutdown();
    let (room, found) = open(dir.path(), &["crm"], |options| {
        options.mend = Box::new(|_rows| vec![facts(1)])
    });
    assert_eq!(found.mended, 1);
    let (seq, cdr) = newest(&room);
    assert_eq!((seq, cdr.version, cdr.recording), (2, 2, Some(facts(1))));
}

/// How long after the start of 1970 it really was.
const BEHIND_MS: i64 = NOON - 100_000;

fn at_the_site(unix_ms: i64) -> Stamp {
    Stamp {
        unix_ms,
        offset_seconds: 10_800,
    }
}

/// The n-th call of a box that did not know the time.
fn in_1970(n: u32) -> Cdr {
    let mut cdr = ended(n);
    cdr.clock_synced = false;
    cdr.started_at = Stamp {
        unix_ms: 60_000 + i64::from(n),
        offset_seconds: 0,
    };
    cdr.ended_at = Some(Stamp {
        unix_ms: 68_000 + i64::from(n),
        offset_seconds: 0,
    });
    cdr.legs[0].invited_at = cdr.started_at;
    cdr
}

/// ROBUSTNESS 81: what a restart cut off is mended by the next start, by what the run before had learnt, and calls of
/// the new run, whose clock is not set yet, are left alone.
#[test]
fn times_that_were_not_mended_before_a_restart_are_mended_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let site = |options: &mut crate::store::Options| options.stamp_of = Arc::new(at_the_site);
    let (room, _) = open(dir.path(), &["crm"], site);
    for n in 0..250 {
        room.append(Entry::CallClosed(Box::new(in_1970(n))));
    }
    room.settle();
    room.store.journal().clock_set(BEHIND_MS).unwrap();
    // The shutdown comes before most of them have had their turn.
    room.store.shutdown();
    let (room, _) = open(dir.path(), &["crm"], site);
    room.append(Entry::CallClosed(Box::new(in_1970(900))));
    let unmended = |room: &Room| {
        let filter = CdrFilter {
            latest_only: true,
            limit: 1000,
            ..CdrFilter::default()
        };
        let page = room.store.reader().cdrs(&filter).unwrap();
        let left = page.items.into_iter().filter(|(_, cdr)| !cdr.clock_synced);
        left.map(|(_, cdr)| cdr.cdr_id).collect::<Vec<_>>()
    };
    while unmended(&room) != [call_id(900)] {
        room.filed();
    }
    let (_, cdr) = room.store.reader().cdr(call_id(249)).unwrap().unwrap();
    let expected = at_the_site(in_1970(249).started_at.unix_ms + BEHIND_MS);
    assert_eq!((cdr.version, cdr.started_at), (2, expected));
    room.store.shutdown();
    // Done is done.
    let (room, _) = open(dir.path(), &["crm"], site);
    room.settle();
    assert_eq!(unmended(&room), [call_id(900)]);
}

/// S0/ROBUSTNESS 81: a box without a battery clock files calls in 1970; once the clock is set they get their true
/// times as new versions, in the order of everything else.
#[test]
fn records_of_an_unset_clock_get_their_true_times_when_it_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &["crm"], |_options| ());
    room.append(closing(900));
    room.store.shutdown();
    let (room, _) = open(dir.path(), &["crm"], |options| {
        options.stamp_of = Arc::new(at_the_site)
    });
    for n in 0..250 {
        room.append(Entry::CallClosed(Box::new(in_1970(n))));
    }
    room.append(closing(901));
    room.settle();
    let restamp = |stamp: Stamp| at_the_site(stamp.unix_ms + BEHIND_MS);
    room.store.journal().clock_set(BEHIND_MS).unwrap();
    // One from last year's run, 250 and one of this run, and 250 versions.
    while room.filed() < 502 {}
    let filter = CdrFilter {
        latest_only: true,
        limit: 1000,
        ..CdrFilter::default()
    };
    let page = room.store.reader().cdrs(&filter).unwrap();
    assert_eq!(page.items.len(), 252);
    for (seq, cdr) in &page.items {
        assert!(cdr.clock_synced);
        if cdr.version == 1 {
            continue;
        }
        let n = u32::try_from(seq - 253).unwrap();
        assert_eq!((cdr.cdr_id, cdr.version), (call_id(n), 2));
        assert_eq!(cdr.started_at, restamp(in_1970(n).started_at));
        assert_eq!(cdr.legs[0].invited_at, cdr.started_at);
        assert_eq!(cdr.duration_ms, ended(n).duration_ms);
        assert_eq!(cdr.started_at.offset_seconds, 10_800);
    }
    let untouched = room.store.reader().cdr(call_id(900)).unwrap().unwrap().1;
    assert_eq!((untouched.version, untouched.started_at), (1, stamp(900)));
    assert_eq!(room.store.reader().backlog().unwrap()[0].pending, 502);
}

/// ROBUSTNESS 81: the watchdog bites before the clock is set, and the clock is set while the daemon is away.
#[test]
fn records_of_every_run_since_the_machine_woke_are_mended_and_those_of_an_earlier_waking_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let woken = |id: &str, at_ms: i64| {
        let waking = Waking {
            id: id.to_owned(),
            at_ms,
        };
        move |options: &mut crate::store::Options| {
            options.stamp_of = Arc::new(at_the_site);
            options.waking = Some(waking);
        }
    };
    let run = |first: u32, adjust: &dyn Fn(&mut crate::store::Options)| {
        let (room, found) = open(dir.path(), &["crm"], adjust);
        for n in first..first + 10 {
            room.append(Entry::CallClosed(Box::new(in_1970(n))));
        }
        room.settle();
        room.store.shutdown();
        found.behind_ms
    };
    assert_eq!(run(0, &|options| woken("yesterday", 0)(options)), None);
    assert_eq!(run(10, &|options| woken("today", 0)(options)), None);
    // A little later by the same clock: the times of two looks are never quite the same.
    assert_eq!(run(20, &|options| woken("today", 3)(options)), None);

    let (room, found) = open(dir.path(), &["crm"], woken("today", BEHIND_MS));
    assert_eq!(found.behind_ms, Some(BEHIND_MS), "it was set in between");
    room.store.journal().clock_set(BEHIND_MS).unwrap();
    while room.filed() < 50 {}
    let (_, cdr) = room.store.reader().cdr(call_id(10)).unwrap().unwrap();
    let expected = at_the_site(in_1970(10).started_at.unix_ms + BEHIND_MS);
    assert_eq!((cdr.version, cdr.started_at), (2, expected));
    let (_, older) = room.store.reader().cdr(call_id(9)).unwrap().unwrap();
    assert!(
        !older.clock_synced,
        "nobody knows how wrong the clock was yesterday"
    );
    room.settle();
    room.store.shutdown();
    let (room, found) = open(dir.path(), &["crm"], woken("today", BEHIND_MS + 5));
    assert_eq!(found.behind_ms, None, "done is done");
    room.store.shutdown();
}
