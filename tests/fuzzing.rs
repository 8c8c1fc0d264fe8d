//! The fuzz targets of `fuzz/` with random changes of their seeds: the same at every run, and soon over.
//!
//! `FUZZ_ROUNDS` says how often each target is tried; without it, as often as takes some seconds.
#![expect(
    clippy::unwrap_used,
    reason = "a seed that cannot be read should stop the test"
)]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use callpost::model::Dice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Words that parsers stumble over.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n ",
    b"\n",
    b"\0",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"@",
    b"%00",
    b"%",
    b"=",
    b"[",
    b"]",
    b"::",
    b"z9hG4bK",
    b";tag=",
    b"4294967296",
    b"99999999999999999999",
    b"-1",
    b"0",
    b"sip:",
    b"SIP/2.0",
    b"\xff\xfe",
    b"\xc3\xa4",
    b"Content-Length: 5\r\n",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"c=IN IP4 127.0.0.1\r\n",
    b"--",
];

fn rounds() -> u64 {
    let wanted = std::env::var("FUZZ_ROUNDS").ok();
    wanted.and_then(|rounds| rounds.parse().ok()).unwrap_or(10_000)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    files(&folder)
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn place(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.roll(length as u64 + 1)).unwrap()
}

/// Changes some bytes, takes some out, puts some in, or crosses it with another seed.
fn change(dice: &mut Dice, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=dice.roll(4) {
        let (one, two) = (place(dice, bytes.len()), place(dice, bytes.len()));
        let (start, end) = (one.min(two), one.max(two));
        match dice.roll(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(start) {
                    *byte = dice.bytes::<1>()[0];
                }
            }
            1 => drop(bytes.drain(start..end.min(start + 16))),
            2 => {
                let word = WORDS[place(dice, WORDS.len() - 1)];
                bytes.splice(start..start, word.iter().copied());
            }
            3 => {
                let copy = bytes[start..end.min(start + 64)].to_vec();
                bytes.splice(end..end, copy);
            }
            4 => bytes.truncate(end),
            _ => {
                let other = &others[place(dice, others.len() - 1)];
                let from = place(dice, other.len());
                bytes.splice(start..end, other[from..].iter().copied());
            }
        }
    }
}

fn torment(target: &str, body: fn(&[u8])) {
    let (seeds, mut dice) = (seeds(target), Dice::from_number(4475));
    assert!(!seeds.is_empty());
    for seed in &seeds {
        body(seed);
    }
    for round in 0..rounds() {
        let mut bytes = seeds[place(&mut dice, seeds.len() - 1)].clone();
        change(&mut dice, &mut bytes, &seeds);
        let outcome = catch_unwind(AssertUnwindSafe(|| body(&bytes)));
        assert!(
            outcome.is_ok(),
            "{target}, round {round}: {}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn no_message_breaks_anything() {
    torment("message", bodies::message);
}

#[test]
fn no_stream_breaks_anything() {
    torment("stream", bodies::stream);
}

#[test]
fn no_uri_breaks_anything() {
    torment("uri", bodies::uri);
}

#[test]
fn no_header_breaks_anything() {
    torment("header", bodies::header);
}

/// One header after the other has its turn: the name stays, its value changes.
#[test]
fn no_value_of_any_typed_header_breaks_anything() {
    let (seeds, mut dice) = (seeds("header"), Dice::from_number(5118));
    for seed in &seeds {
        let colon = seed.iter().position(|byte| *byte == b':').unwrap();
        let (name, value) = seed.split_at(colon + 1);
        for round in 0..rounds() / 20 {
            let mut changed = value.to_vec();
            change(&mut dice, &mut changed, &seeds);
            let line = [name, &changed].concat();
            let outcome = catch_unwind(AssertUnwindSafe(|| bodies::header(&line)));
            assert!(outcome.is_ok(), "round {round}: {}", line.escape_ascii());
        }
    }
}

/// A header that becomes a type gets a seed in the same change.
#[test]
fn every_typed_header_has_its_seed() {
    // Files that hold no header of their own, and those that hold one under another name.
    const SHARED: [&str; 4] = ["mod", "dialog_name", "number", "token_list"];
    const NAMED: [(&str, &str); 4] = [
        ("challenge", "www-authenticate"),
        ("credentials", "authorization"),
        ("event_package", "event"),
        ("name_addr", "from"),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in files(&root.join("src/sip/headers")) {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        if SHARED.contains(&stem.as_str()) {
            continue;
        }
        let other = NAMED.iter().find(|(name, _)| *name == stem);
        let seed = other.map_or_else(|| stem.replace('_', "-"), |(_, seed)| (*seed).to_owned());
        assert!(
            root.join("fuzz/seeds/header").join(&seed).is_file(),
            "{} has no seed fuzz/seeds/header/{seed}",
            file.display()
        );
    }
}

/// What `cargo fuzz` builds and what this file runs are the same targets.
#[test]
fn every_fuzz_target_is_run_here_and_has_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = std::fs::read_to_string(root.join("tests/fuzzing.rs")).unwrap();
    let built = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    for file in files(&root.join("fuzz/fuzz_targets")) {
        let target = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!seeds(&target).is_empty(), "{target} has seeds");
        assert!(
            ours.contains(&format!("torment(\"{target}\"")),
            "{target} is run here"
        );
        assert!(
            built.contains(&format!("name = \"{target}\"")),
            "{target} is built"
        );
    }
}

#[test]
fn no_credentials_break_anything() {
    torment("digest", bodies::digest);
}

#[test]
fn no_websocket_frame_breaks_anything() {
    torment("websocket", bodies::websocket);
}

#[test]
fn no_rtp_packet_breaks_anything() {
    torment("rtp", bodies::rtp);
}

#[test]
fn no_session_description_breaks_anything() {
    torment("sdp", bodies::sdp);
}
