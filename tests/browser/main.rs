//! The pages in a real browser: headless Chromium, driven by the scripts beside this file, against the running box.
//!
//! A script says what a person does and what they then see, in English, Arabic and Vietnamese, on a telephone and on a
//! wide screen, and fails on every error the browser's console shows. What it saw lies in `target/tmp/browser/`.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: the browser tests read the clock"
)]
#![expect(clippy::print_stderr, reason = "a test that fails shows what the script said")]

#[path = "../wire/harness/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the wire tests; the browser needs a part of it"
)]
mod harness;
mod pbx;
mod phone;
mod receivers;
mod site;
#[path = "../http/world.rs"]
#[allow(
    dead_code,
    reason = "the world belongs to the HTTP tests; the browser needs its calls"
)]
mod world;

use harness::baresip::Account;
use harness::sip::Draft;
use harness::{Baresip, Phone, Street, setup};
use pbx::Pbx;
use receivers::Receivers;
use site::Site;
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// S0-007, S0-114, S0-115, S0-116, S0-117, S0-118, S0-119, S0-120, S0-121, S0-122, S0-123, S0-124, S0-133, S0-134,
/// S0-136, S0-164 (filters, pagination), S0-165, ROBUSTNESS 58
#[test]
fn the_calls_are_listed_filtered_turned_and_played_in_every_language_and_width() {
    let site = Site::open();
    run("calls.mjs", &site, &[]);
}

/// S0-002, S0-110, S0-111, S0-112, S0-113, S0-125, S0-126, S0-127, S0-128, S0-129, S0-130, S0-131, S0-132, S0-133,
/// S0-134, S0-135, S0-137, S0-146, S0-147, S0-148, S0-164 (set-up, manual sync, sync logs)
#[test]
fn a_pbx_is_set_up_tested_synced_and_its_calls_appear() {
    let site = Site::open();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let _pbx = Pbx::open(site.pbx, 450, i64::try_from(now).unwrap());
    run("sync.mjs", &site, &[("PBX", site.pbx)]);
}

/// S0-164; the pages' part of delivery: backlog, proof, replay with a count first.
#[test]
fn deliveries_are_looked_at_hurried_and_sent_again() {
    let site = Site::open();
    run("delivery.mjs", &site, &[]);
}

/// A baresip and a phone with bad manners are registered, and somebody has guessed passwords: the page about phones, the
/// form of an agent, the sheet for a phone. ROBUSTNESS 58
#[test]
fn phones_are_looked_at_agents_made_and_their_phones_set_up() {
    let site = Site::open();
    let street = &site.street;
    let _ali = Baresip::start(street, &Account::new("1001", street.box_sip()));
    let rude = Phone::new(
        "1001",
        SocketAddrV4::new(street.house(66), 5060),
        street.box_sip(),
    );
    let manners = |draft: Draft| draft.with("User-Agent", site::HOSTILE);
    rude.register_saying("secret-1001", "MD5", 600, manners);
    let guesser = Phone::new(
        "1001",
        SocketAddrV4::new(street.house(77), 5060),
        street.box_sip(),
    );
    for guess in 0..10 {
        guesser.register(&format!("guess {guess}"), "MD5", 600);
    }
    run("phones.mjs", &site, &[]);
}

/// The buttons for destinations in trouble, pressed in every language: one that says it is gone, one that shows another
/// key, one that refuses records. S0-164.
#[test]
fn destinations_in_trouble_are_mended_from_the_page_in_every_language() {
    let street = Street::claim();
    let folder = tempfile::tempdir().unwrap();
    let receivers = Receivers::open(&street, folder.path());
    let names = ["head-office", "gone", "strict", "picky"];
    let site = Site::with(street, &receivers.destinations(), &names);
    run("destinations.mjs", &site, &[("RECEIVERS", receivers.plain)]);
}

/// S4-140, S4-141, S4-146, S4-166: people, their roles, sessions and passwords; tokens of programs. ROBUSTNESS 58.
#[test]
fn people_and_tokens_are_looked_after_in_every_language_and_width() {
    let site = Site::open();
    run("people.mjs", &site, &[]);
}

/// The page Settings: checked while it is typed, told, applied, kept, taken back.
#[test]
fn the_configuration_is_changed_from_the_page() {
    let site = Site::open();
    run("settings.mjs", &site, &[]);
}

/// Runs one script to its end.
fn run(script: &str, site: &Site, more: &[(&str, SocketAddrV4)]) {
    setup::ensure("browser");
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&shots).unwrap();
    let mut command = Command::new("node");
    command
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/browser")
                .join(script),
        )
        .env("PLAYWRIGHT", setup::playwright())
        .env("CHROMIUM", chromium())
        .env("SHOTS", &shots)
        .env("BOX", format!("http://{}", site.http))
        .env("CLAIM", &site.claim_code);
    for (name, address) in more {
        command.env(name, address.to_string());
    }
    let output = command.output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{script}:\n{said}\nthe box:\n{}",
        site.log()
    );
    eprintln!("{said}");
}

fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    places.into_iter().find(|place| place.is_file()).unwrap()
}
