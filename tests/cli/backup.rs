//! `callpost backup` and `callpost restore`.

use crate::cdr::{Daemon, House, TOKEN};
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

const PASSPHRASE: &str = "many plain words together";
const SECRETS: [&str; 3] = ["whsec_C2FVsBQIhrscChlQIMV", "hush-the-trunk", PASSPHRASE];

/// A box with records, sounds and secrets.
fn furnished() -> House {
    let house = House::with(5);
    let place = house.place.path();
    let config = place.join("callpost.toml");
    let mut text = fs::read_to_string(&config).unwrap();
    text +=
        "[[trunk]]\nname = \"pbx\"\nhost = \"127.0.0.9\"\nusername = \"box\"\npassword_file = \"trunk.pw\"\n";
    fs::write(&config, text).unwrap();
    fs::write(place.join("trunk.pw"), "hush-the-trunk\n").unwrap();
    for sound in ["recordings/2026/11/20/one.wav", "voicemail/2026/11/20/two.wav"] {
        let path = house.data().join(sound);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sound.repeat(10_000)).unwrap();
    }
    fs::write(place.join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    house
}

fn back_up(house: &House, more: &[&str]) -> PathBuf {
    let file = house.place.path().join("box.backup");
    let (to, from) = (file.display().to_string(), house.place.path().join("passphrase"));
    let mut words = vec!["backup", to.as_str(), "--passphrase-file"];
    let from = from.display().to_string();
    words.push(&from);
    words.extend(more);
    let told = house.says(&words);
    assert!(
        told.contains("5 rows of call records") && told.contains("sealed"),
        "{told}"
    );
    file
}

fn restore(house: &House, file: &Path, to: &Path, more: &[&str]) -> Output {
    house
        .program()
        .arg("restore")
        .arg(file)
        .arg("--passphrase-file")
        .arg(house.place.path().join("passphrase"))
        .arg("--config-dir")
        .arg(to.join("etc"))
        .arg("--data-dir")
        .arg(to.join("data"))
        .args(more)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn get(house: &House, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(house.http).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        house.http
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap())
}

/// S4-172: made beside the running daemon, put onto another box; the records, secrets and sounds are there, and who
/// reads by a cursor is told.
#[test]
fn a_box_is_backed_up_while_it_runs_and_put_onto_another_one() {
    let house = furnished();
    let daemon = house.daemon();
    let (_, page) = get(&house, "/api/v1/cdrs?limit=2");
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let file = back_up(&house, &["--recordings"]);
    let bytes = fs::read(&file).unwrap();
    for secret in SECRETS {
        let found = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} can be read in the backup");
    }
    assert!(!house.data().join(".callpost-backup.db").exists());

    let elsewhere = tempfile::tempdir().unwrap();
    let dry = restore(&house, &file, elsewhere.path(), &["--dry-run"]);
    let told = text(&dry.stdout);
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    for words in [
        "A backup of branch-01",
        "every byte proven",
        "would put the database, with a new epoch",
        "would put recordings",
        "messages in boxes",
        "Nothing was changed.",
    ] {
        assert!(told.contains(words), "{words} is missing in {told}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    // On the box that runs, it refuses.
    let refused = house
        .program()
        .arg("restore")
        .arg(&file)
        .arg("--passphrase-file")
        .arg(house.place.path().join("passphrase"))
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("systemctl stop callpost"),
        "{}",
        text(&refused.stderr)
    );
    drop(daemon);

    let done = restore(&house, &file, elsewhere.path(), &[]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(
        fs::read_to_string(elsewhere.path().join("etc/trunk.pw")).unwrap(),
        "hush-the-trunk\n"
    );
    let sound = "recordings/2026/11/20/one.wav";
    let back = fs::read_to_string(elsewhere.path().join("data").join(sound)).unwrap();
    assert_eq!(back, sound.repeat(10_000));
    let _daemon = started(&house, elsewhere.path());
    let (_, page) = get(&house, "/api/v1/cdrs?limit=200");
    assert_eq!(page["items"].as_array().unwrap().len(), 5);
    let (status, told) = get(&house, &format!("/api/v1/cdrs?after={cursor}"));
    assert_eq!((status, &told["code"]), (410, &"cursor_expired".into()), "{told}");
}

/// The daemon on what was put back.
fn started(house: &House, at: &Path) -> Daemon {
    house.daemon_of(&at.join("etc/callpost.toml"), Some(&at.join("data")))
}

/// What is there is kept beside what comes, and a second restore is as good as the first.
#[test]
fn what_was_there_is_kept() {
    let house = furnished();
    let file = back_up(&house, &[]);
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir_all(elsewhere.path().join("data")).unwrap();
    fs::create_dir_all(elsewhere.path().join("etc")).unwrap();
    fs::write(elsewhere.path().join("etc/callpost.toml"), "# before\n").unwrap();
    fs::write(elsewhere.path().join("data/callpost.db"), "an old one").unwrap();
    let done = restore(&house, &file, elsewhere.path(), &[]);
    let told = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(
        told.contains("is kept as") && told.contains(".before-restore-"),
        "{told}"
    );
    assert!(
        told.contains("recordings of calls were not put into this backup"),
        "{told}"
    );
    let kept = |folder: &str, name: &str| {
        let entries = fs::read_dir(elsewhere.path().join(folder)).unwrap().flatten();
        let found = entries.map(|entry| entry.path()).find(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(&format!("{name}.before-restore-"))
        });
        fs::read_to_string(found.unwrap()).unwrap()
    };
    assert_eq!(kept("etc", "callpost.toml"), "# before\n");
    assert_eq!(kept("data", "callpost.db"), "an old one");
    let left: Vec<_> = fs::read_dir(elsewhere.path().join("data"))
        .unwrap()
        .flatten()
        .collect();
    assert!(
        left.iter()
            .all(|entry| !entry.file_name().to_string_lossy().contains(".restoring-")),
        "{left:?}"
    );
}

#[test]
fn a_backup_that_was_cut_changed_or_sealed_with_other_words_is_refused_and_nothing_is_changed() {
    let house = furnished();
    let file = back_up(&house, &[]);
    let whole = fs::read(&file).unwrap();
    let place = house.place.path();
    let cut = place.join("cut.backup");
    fs::write(&cut, &whole[..whole.len() - 1000]).unwrap();
    let changed = place.join("changed.backup");
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    fs::write(&changed, bytes).unwrap();
    let other = place.join("other.backup");
    fs::write(&other, "this is a letter").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for (path, words) in [
        (&cut, "it is cut off after"),
        (&changed, "it was changed or damaged near byte"),
        (&other, "this is no backup of callpost"),
    ] {
        let refused = restore(&house, path, elsewhere.path(), &[]);
        assert_eq!(refused.status.code(), Some(1), "{words}");
        assert!(text(&refused.stderr).contains(words), "{}", text(&refused.stderr));
    }
    fs::write(place.join("passphrase"), "Many plain words together").unwrap();
    let refused = restore(&house, &file, elsewhere.path(), &[]);
    assert!(
        text(&refused.stderr).contains("the passphrase is another one"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);

    fs::write(place.join("passphrase"), "short").unwrap();
    let from = place.join("passphrase").display().to_string();
    let to = place.join("weak.backup");
    let weak = house.callpost(&["backup", &to.display().to_string(), "--passphrase-file", &from]);
    assert!(
        text(&weak.stderr).contains("use 12 or more"),
        "{}",
        text(&weak.stderr)
    );
    assert!(!to.exists(), "half a backup is none");
}
