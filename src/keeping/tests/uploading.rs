use super::NOON_MS;
use super::house::{DAY_MS, House, rules, wait_until};
use crate::keeping::{Keeper, KeepingDesk, Rules, Storage};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;

fn nas(dir: &Path, more: &str) -> Storage {
    let text = format!(
        "name='nas'\ntype='local'\ndir='{}'\nkilobytes_per_second=100000\n{more}",
        dir.display()
    );
    toml::from_str(&text).unwrap()
}

fn with(storage: &Storage) -> Rules {
    Rules {
        storages: vec![storage.rule()],
        ..rules()
    }
}

fn verified(desk: &KeepingDesk) -> u64 {
    desk.storages()
        .unwrap()
        .first()
        .map_or(0, |storage| storage.backlog.verified)
}

/// S3-093: every recording is copied, the copy is the same, and the record says where it lies.
#[test]
fn a_recording_is_copied_and_its_record_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let before = house.record(1, NOON_MS, 300_000);
    let storage = nas(&mount, "");
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    let after = house.record(2, NOON_MS, 20);
    wait_until("both are copied", || verified(&desk) == 2);
    for row in [&before, &after] {
        let copy = mount.join(format!("branch-01/2026/11/20/{}.wav", row.id));
        assert_eq!(fs::read(&copy).unwrap(), fs::read(house.file(row)).unwrap());
        let cdr = house.cdr(row);
        assert_eq!(cdr.version, 2);
        assert_eq!(
            cdr.recording.unwrap().url,
            Some(format!("file://{}", copy.display()))
        );
    }
    let view = desk.storages().unwrap().remove(0);
    assert_eq!(
        (view.state, view.backlog.pending, view.backlog.verified_bytes),
        ("ok", 0, 300_020)
    );
    let leftover = walk(&mount)
        .into_iter()
        .filter(|name| name.ends_with(".part"))
        .count();
    assert_eq!(leftover, 0);
    keeper.shutdown();
}

fn walk(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            names.extend(walk(&entry.path()));
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names
}

/// S3-124: what cannot be copied stays, is tried again, and is told.
#[test]
fn a_disk_that_is_not_mounted_is_waited_for_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    let storage = nas(&mount, "alarm_after_hours=1");
    let row = house.record(1, NOON_MS, 1000);
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    let backlog = || desk.storages().unwrap().remove(0);
    wait_until("it was tried", || backlog().backlog.failures > 0);
    let error = backlog().backlog.last_error.unwrap();
    assert!(error.contains("is the disk mounted?"), "{error}");
    assert!(!mount.exists(), "this disk would fill up");
    // Past its days, and past patience: it stays all the same, with an alarm.
    house.now_ms.fetch_add(91 * DAY_MS, Ordering::SeqCst);
    wait_until("the alarm", || !desk.watch().now().is_empty());
    let alarm = desk.watch().now().remove(0);
    assert!(
        alarm.text.contains("nas") && alarm.text.contains("is the disk mounted?"),
        "{}",
        alarm.text
    );
    wait_until("the night", || {
        let runs = house.store.reader().retention_runs(1).unwrap();
        runs.first().is_some_and(|run| run.awaiting_copy == 1)
    });
    assert!(house.file(&row).exists());
    fs::create_dir(&mount).unwrap();
    desk.retry("nas").unwrap();
    wait_until("it is copied", || verified(&desk) == 1);
    desk.run_now("sara").unwrap();
    wait_until("it goes", || !house.file(&row).exists());
    keeper.shutdown();
}

/// The file leaves this box after it was verified elsewhere, never before.
#[test]
fn a_file_may_leave_as_soon_as_its_copy_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let storage = nas(&mount, "keep_local_days=0\nlink='https://rec.example/'");
    let row = house.record(1, NOON_MS, 1000);
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    wait_until("it is copied", || verified(&desk) == 1);
    desk.run_now("sara").unwrap();
    wait_until("it goes", || !house.file(&row).exists());
    wait_until("its record says so", || house.cdr(&row).version == 3);
    let recording = house.cdr(&row).recording.unwrap();
    assert_eq!(recording.removed.unwrap().rule, "storage.nas.keep_local_days");
    assert_eq!(
        recording.url,
        Some(format!("https://rec.example/branch-01/2026/11/20/{}.wav", row.id))
    );
    assert_eq!(house.store.reader().copies(row.id).unwrap().len(), 1);
    keeper.shutdown();
}

/// A recording that somebody changed is evidence of that; it is not sent as if nothing had been.
#[test]
fn a_file_that_is_not_what_was_recorded_is_told_and_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let changed = house.record(1, NOON_MS, 1000);
    fs::write(house.file(&changed), vec![1; 1000]).unwrap();
    let missing = house.record(2, NOON_MS, 1000);
    fs::remove_file(house.file(&missing)).unwrap();
    let sound = house.record(3, NOON_MS, 1000);
    let storage = nas(&mount, "");
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    wait_until("the others are judged", || {
        let view = desk.storages().unwrap().remove(0);
        (view.backlog.verified, view.backlog.failed, view.backlog.pending) == (1, 2, 0)
    });
    assert_eq!(walk(&mount).len(), 1);
    assert!(house.cdr(&sound).recording.unwrap().url.is_some());
    wait_until("the alarm", || {
        desk.watch()
            .now()
            .iter()
            .any(|alarm| alarm.text.contains("2 recordings are not copied"))
    });
    keeper.shutdown();
}

/// A copy that lies there already, from a run that was killed just before it could say so, is not sent twice.
#[test]
fn what_lies_there_already_is_only_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    let row = house.record(1, NOON_MS, 1000);
    let key = format!("branch-01/2026/11/20/{}.wav", row.id);
    let copy = mount.join(&key);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(house.file(&row), &copy).unwrap();
    fs::set_permissions(copy.parent().unwrap(), fs::Permissions::from_mode(0o555)).unwrap();
    let began = fs::metadata(&copy).unwrap().modified().unwrap();
    let uploads = house.store.uploads();
    uploads.begin(&["nas".to_owned()]).unwrap();
    uploads.take("nas").unwrap().unwrap();
    uploads.begin_parts("nas", row.id, &key, None, "x").unwrap();
    let storage = nas(&mount, "");
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    wait_until("it is verified", || verified(&desk) == 1);
    assert_eq!(fs::metadata(&copy).unwrap().modified().unwrap(), began);
    keeper.shutdown();
}

/// S3-124
#[tokio::test]
async fn a_test_names_the_right_that_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    let storage = nas(&mount, "");
    let desk = house.desk(with(&storage), vec![storage]);
    let tested = desk.test("nas", "1").await.unwrap();
    assert_eq!((tested.ok, tested.failed), (false, Some("write")));
    fs::create_dir(&mount).unwrap();
    let tested = desk.test("nas", "1").await.unwrap();
    assert_eq!((tested.ok, tested.done), (true, vec!["write", "read", "delete"]));
    assert!(walk(&mount).is_empty());
    assert!(desk.test("nobody", "1").await.is_none());
}

/// A recording that was compressed after it was copied is copied anew, and its old form does not stay behind.
#[test]
fn a_copy_follows_its_recording_into_another_form() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let mount = dir.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let storage = nas(&mount, "");
    let row = house.record(1, NOON_MS, 1000);
    let desk = house.desk(with(&storage), vec![storage]);
    let keeper = Keeper::start(&desk).unwrap();
    wait_until("it is copied", || verified(&desk) == 1);
    let smaller = house.file(&row).with_extension("ogg");
    fs::write(&smaller, b"smaller").unwrap();
    fs::remove_file(house.file(&row)).unwrap();
    let facts = house.cdr(&row).recording.unwrap();
    let done = crate::model::TapeDone {
        id: row.id,
        result: Ok(crate::model::RecordingFacts {
            sha256: Some("another".to_owned()),
            bytes: Some(3),
            ..facts
        }),
    };
    house.store.journal().try_tape_done(done).unwrap();
    wait_until("it is copied anew", || verified(&desk) == 2);
    let name = format!("{}.ogg", row.id);
    assert_eq!(
        walk(&mount),
        [mount
            .join("branch-01/2026/11/20")
            .join(name)
            .display()
            .to_string()]
    );
    keeper.shutdown();
}
