use super::NOON_MS;
use super::house::{DAY_MS, House, rules, wait_until};
use crate::keeping::{DiskTakes, Keeper, Rules};
use crate::model::{Entry, Greeting, Mailbox, RecordingKind};
use crate::store::{CdrFilter, RetentionRun};
use std::fs;
use std::sync::atomic::Ordering;

fn one_round(house: &House, rules: Rules) -> RetentionRun {
    let desk = house.desk(rules, Vec::new());
    let pruner = &desk.shared.pruner;
    let mut round = pruner.begin("night");
    while pruner.step(&mut round).unwrap() {}
    round.run
}

/// S3-087, S3-098, S3-103: what is too old goes, what is held stays, and what is left is a tombstone.
#[test]
fn what_is_too_old_goes_and_leaves_its_hash_its_size_and_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let old = house.record(1, NOON_MS, 5000);
    let held = house.record(2, NOON_MS, 5000);
    let young = house.record(3, NOON_MS + 60 * DAY_MS, 5000);
    let message = house.record_as(RecordingKind::Voicemail, 4, NOON_MS, 700);
    house.hold(&held);
    house.pass_days(91);
    let run = one_round(&house, rules());
    assert_eq!(
        (run.removed, run.removed_bytes, run.held, run.looked_at),
        (2, 5700, 1, 4)
    );
    assert_eq!(run.by_rule["recording.retention_days"], 1);
    assert_eq!(run.by_rule["retention.voicemail_days"], 1);
    assert!(!house.file(&old).exists() && !house.file(&message).exists());
    assert!(house.file(&held).exists() && house.file(&young).exists());

    let stored = house.store.reader().recording(old.id).unwrap().unwrap();
    let facts = stored.facts().unwrap();
    assert_eq!(
        (facts.bytes, facts.sha256.as_ref().unwrap().len()),
        (Some(5000), 64)
    );
    assert_eq!(
        stored.removed,
        Some(("recording.retention_days".to_owned(), NOON_MS + 91 * DAY_MS))
    );
    let cdr = house.cdr(&old);
    let recording = cdr.recording.unwrap();
    assert_eq!(
        (cdr.version, recording.path.as_str(), recording.bytes),
        (2, "", Some(5000))
    );
    assert_eq!(recording.removed.unwrap().rule, "recording.retention_days");
    let json = serde_json::to_value(house.cdr(&old)).unwrap();
    assert!(json["recording"].get("path").is_none(), "{}", json["recording"]);
    assert_eq!(house.cdr(&young).version, 1);
    assert_eq!(house.store.reader().retention_runs(9).unwrap(), [run]);
}

#[test]
fn a_second_look_finds_nothing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let old = house.record(1, NOON_MS, 100);
    house.pass_days(91);
    assert_eq!(one_round(&house, rules()).removed, 1);
    let again = one_round(&house, rules());
    assert_eq!((again.removed, again.looked_at), (0, 0));
    assert_eq!(house.cdr(&old).version, 2);
}

/// More than a lot at a time, and the versions come out in order.
#[test]
fn many_go_a_few_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    for n in 0..120 {
        house.record(n, NOON_MS + i64::from(n), 10);
    }
    house.pass_days(91);
    assert_eq!(one_round(&house, rules()).removed, 120);
    let page = house.store.reader().cdrs(&CdrFilter {
        limit: 500,
        latest_only: true,
        ..CdrFilter::default()
    });
    let versions: Vec<u32> = page
        .unwrap()
        .items
        .into_iter()
        .map(|(_, cdr)| cdr.version)
        .collect();
    assert_eq!(versions, [2; 120]);
}

/// The power goes between the rule's being written down and the file's removal: the next start ends it, and a hold that
/// came meanwhile wins.
#[test]
fn a_removal_that_was_cut_is_finished_unless_it_is_held_now() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows = [
        house.record(1, NOON_MS, 10),
        house.record(2, NOON_MS, 10),
        house.record(3, NOON_MS, 10),
    ];
    let rule = "recording.retention_days".to_owned();
    let wanted = rows.iter().map(|row| (row.id, rule.clone())).collect();
    assert_eq!(house.store.upkeep().begin_removals(wanted).unwrap().len(), 3);
    // The first file had gone already, the second not yet, the third is held.
    fs::remove_file(house.file(&rows[0])).unwrap();
    house.hold(&rows[2]);
    let desk = house.desk(rules(), Vec::new());
    assert_eq!(desk.shared.pruner.finish_half_removed().unwrap(), 2);
    for gone in &rows[..2] {
        assert!(!house.file(gone).exists());
        assert_eq!(house.cdr(gone).recording.unwrap().removed.unwrap().rule, rule);
    }
    assert!(house.file(&rows[2]).exists());
    assert!(house.cdr(&rows[2]).recording.unwrap().removed.is_none());
    assert!(house.store.reader().half_removed_recordings().unwrap().is_empty());
}

#[test]
fn a_hold_placed_after_the_look_is_seen_before_the_file_goes() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 10);
    house.hold(&row);
    let granted = house
        .store
        .upkeep()
        .begin_removals(vec![(row.id, "x".to_owned())])
        .unwrap();
    assert!(granted.is_empty());
}

/// ROBUSTNESS 78: when the disk gets full the oldest go first, no more than is needed.
#[test]
fn a_full_disk_takes_the_oldest_and_no_more_than_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows: Vec<_> = (0..40)
        .map(|n| house.record(n, NOON_MS + i64::from(n) * 1000, 1000))
        .collect();
    let rules = Rules {
        mark_bytes: 80_000,
        disk_takes: DiskTakes::Oldest,
        ..rules()
    };
    let desk = house.desk(rules, Vec::new());
    let pruner = &desk.shared.pruner;
    assert!(pruner.begin_for_room().is_none(), "there is room");
    house.free.store(75_000, Ordering::SeqCst);
    let mut round = pruner.begin_for_room().unwrap();
    assert!(pruner.step(&mut round).unwrap());
    assert_eq!(
        round.run.removed, 0,
        "those with a copy come first, and there are none"
    );
    assert!(pruner.step(&mut round).unwrap());
    assert_eq!(round.run.removed, 10);
    house.free.store(85_000, Ordering::SeqCst);
    assert!(
        pruner.step(&mut round).unwrap(),
        "an eighth more than the mark is wanted"
    );
    house.free.store(95_000, Ordering::SeqCst);
    assert!(!pruner.step(&mut round).unwrap());
    assert_eq!(round.run.removed, 20);
    let left: Vec<bool> = rows.iter().map(|row| house.file(row).exists()).collect();
    assert_eq!(left, [[false; 20], [true; 20]].concat());
    let cdr = house.cdr(&rows[0]);
    assert_eq!(
        cdr.recording.unwrap().removed.unwrap().rule,
        "retention.below_megabytes"
    );
}

#[test]
fn a_full_disk_takes_nothing_that_lies_nowhere_else_unless_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 1000);
    house.free.store(0, Ordering::SeqCst);
    let desk = house.desk(
        Rules {
            mark_bytes: 80_000,
            ..rules()
        },
        Vec::new(),
    );
    let mut round = desk.shared.pruner.begin_for_room().unwrap();
    assert!(!desk.shared.pruner.step(&mut round).unwrap());
    assert!(house.file(&row).exists());
    assert!(
        house.store.reader().retention_runs(9).unwrap().is_empty(),
        "nothing happened"
    );
}

#[test]
fn a_file_that_cannot_be_removed_stays_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 10);
    fs::remove_file(house.file(&row)).unwrap();
    fs::create_dir(house.file(&row)).unwrap();
    house.pass_days(91);
    let run = one_round(&house, rules());
    assert_eq!((run.removed, run.failed), (0, 1));
    assert!(run.failure.unwrap().contains(&row.path));
    assert_eq!(house.cdr(&row).version, 1);
    assert!(house.store.reader().half_removed_recordings().unwrap().is_empty());
}

/// Files that no recording knows are told, and never touched.
#[test]
fn orphans_are_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    house.record(1, NOON_MS, 10);
    let stray = house.roots().recordings.join("2026/11/20/stray.wav");
    fs::write(&stray, b"?").unwrap();
    fs::write(house.roots().recordings.join("README.md"), b"?").unwrap();
    let run = one_round(&house, rules());
    assert_eq!(
        (run.orphans, run.orphan_names),
        (1, vec!["2026/11/20/stray.wav".to_owned()])
    );
    assert!(stray.exists());
}

/// S3-087, S3-103: the dry run says which rule takes what and when, and takes nothing.
#[test]
fn a_preview_says_which_rule_takes_what_and_when() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let old = house.record(1, NOON_MS, 100);
    let held = house.record(2, NOON_MS + 1, 200);
    let young = house.record(3, NOON_MS + 20 * DAY_MS, 400);
    house.hold(&held);
    house.pass_days(31);
    let desk = house.desk(
        Rules {
            personal_days: Some(30),
            ..rules()
        },
        Vec::new(),
    );
    let preview = desk.preview(2).unwrap();
    assert_eq!((preview.recordings, preview.bytes), (3, 700));
    assert_eq!((preview.due, preview.due_bytes, preview.held), (1, 100, 1));
    let personal = preview
        .rules
        .iter()
        .find(|rule| rule.rule == "retention.personal_data_days");
    let personal = personal.unwrap();
    assert_eq!(
        (personal.days, personal.recordings, personal.due),
        (Some(30), 3, 1)
    );
    let next: Vec<_> = preview
        .next
        .iter()
        .map(|due| (due.id, due.due_at.unix_ms, due.kept_by))
        .collect();
    assert_eq!(
        next,
        [
            (old.id, NOON_MS + 30 * DAY_MS, None),
            (held.id, NOON_MS + 1 + 30 * DAY_MS, Some("held"))
        ],
        "only as many as were asked for"
    );
    assert_eq!(
        preview.next_run_at.unix_ms,
        NOON_MS + 31 * DAY_MS + (15 * 60 + 15) * 60_000
    );
    assert!(house.file(&old).exists() && house.file(&young).exists());
}

#[test]
fn the_keeper_looks_at_the_start_at_night_and_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let first = house.record(1, NOON_MS, 10);
    let second = house.record(2, NOON_MS + DAY_MS, 10);
    let third = house.record(3, NOON_MS + 2 * DAY_MS, 10);
    house.pass_days(90);
    let desk = house.desk(rules(), Vec::new());
    let keeper = Keeper::start(&desk).unwrap();
    let runs = || house.store.reader().retention_runs(9).unwrap();
    wait_until("the first look", || runs().len() == 1);
    assert!(!house.file(&first).exists() && house.file(&second).exists());
    house.pass_days(1);
    wait_until("the night", || runs().len() == 2);
    assert!(!house.file(&second).exists() && house.file(&third).exists());
    house.now_ms.fetch_add(DAY_MS / 2, Ordering::SeqCst);
    desk.run_now("sara").unwrap();
    wait_until("the look that was asked for", || {
        runs().iter().any(|run| run.reason == "sara")
    });
    keeper.shutdown();
}

#[test]
fn a_box_that_does_not_know_the_time_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 10);
    house.now_ms.store(5000, Ordering::SeqCst);
    let desk = house.desk(rules(), Vec::new());
    let keeper = Keeper::start(&desk).unwrap();
    desk.run_now("sara").unwrap();
    house.now_ms.store(NOON_MS + 91 * DAY_MS, Ordering::SeqCst);
    wait_until("the clock was set", || !house.file(&row).exists());
    keeper.shutdown();
}

/// Another form of the file (compressed, encrypted) goes with it.
#[test]
fn a_compressed_or_encrypted_form_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 10);
    let forms = crate::keeping::forms::forms(&house.roots(), &row);
    for form in &forms {
        fs::write(form, b"audio").unwrap();
    }
    house.pass_days(91);
    assert_eq!(one_round(&house, rules()).removed, 1);
    assert!(forms.iter().all(|form| !form.exists()));
}

/// ROBUSTNESS 81: a clock that leaps by years removes nothing by years.
#[test]
fn a_clock_that_leaps_removes_nothing_before_somebody_has_seen_it() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, NOON_MS, 10);
    let mut setup = house.setup(rules(), Vec::new());
    setup.aged_ms = std::sync::Arc::new(|| NOON_MS + DAY_MS);
    let desk = crate::keeping::KeepingDesk::new(setup);
    house.pass_days(3650);
    let mut round = desk.shared.pruner.begin("night");
    while desk.shared.pruner.step(&mut round).unwrap() {}
    assert_eq!(round.run.removed, 0);
    assert!(house.file(&row).exists());
}

#[test]
fn the_greeting_of_a_box_is_spared_as_long_as_the_box_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let greeting = house.record_as(RecordingKind::Voicemail, 1, NOON_MS, 5000);
    let message = house.record_as(RecordingKind::Voicemail, 2, NOON_MS, 5000);
    let set = |greeting: Option<Greeting>| {
        let mailbox = Mailbox::Agent("ali".into());
        let entry = Entry::GreetingSet { mailbox, greeting };
        house.store.journal().try_append(entry).unwrap();
    };
    set(Some(Greeting {
        id: greeting.id,
        path: greeting.path.as_str().into(),
    }));
    house.pass_days(40);
    let left = || {
        let kept = house.store.reader().kept_recordings(None, 10).unwrap();
        kept.iter().map(|kept| kept.row.id).collect::<Vec<_>>()
    };
    wait_until("the greeting is known", || left() == [message.id]);
    set(None);
    wait_until("nobody uses it any more", || left() == [greeting.id, message.id]);
}
