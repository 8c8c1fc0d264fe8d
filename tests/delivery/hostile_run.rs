//! Ten thousand records, every kind of trouble, twenty kills.

use crate::driver::{Driven, Task, Word};
use crate::hostile::{Hostile, Mode, Plan};
use crate::ledger::Ledger;
use callpost::model::Dice;
use std::time::{Duration, Instant};

/// How many records.
const RECORDS: u64 = 10_000;
/// How often the process is killed.
const KILLS: u32 = 20;
/// Rounds whose kill comes while a delivery hangs.
const HANGING: [u32; 4] = [3, 8, 13, 18];

/// DC-006, DC-007, ROBUSTNESS 75 and 85: whatever the receiver does and whenever the power goes, every record arrives, in
/// order, and again only under the same id.
#[test]
fn ten_thousand_records_and_twenty_kills_later_nothing_is_missing() {
    let seed = std::env::var("CALLPOST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(20_261_120);
    let mut dice = Dice::from_number(seed);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let hostile = Hostile::start(Plan::Mixed(Box::new(dice.fork()), 120));
    let data = folder.path().join("data");
    let began = Instant::now();
    let mut said = Vec::new();
    for round in 0..KILLS {
        let mut task = Task::new(&data).forwarding(&hostile.url(), &Hostile::keys());
        task.first = round * 100_000;
        task.until_records = RECORDS * u64::from(round + 1) / u64::from(KILLS + 1);
        task.at_most = u32::MAX / 2;
        task.at_once = 24;
        task.drain = true;
        let mut process = Driven::start(&task);
        said.push(process.until_open());
        if HANGING.contains(&round) {
            hostile.hang_next();
            wait_until("a delivery hangs", || hostile.is_hanging());
        } else {
            std::thread::sleep(Duration::from_millis(20 + dice.roll(1500)));
        }
        said.extend(process.kill());
    }
    let mut task = Task::new(&data).forwarding(&hostile.url(), &Hostile::keys());
    task.first = KILLS * 100_000;
    task.until_records = RECORDS;
    task.at_most = u32::MAX / 2;
    task.at_once = 24;
    task.drain = true;
    let mut last = Driven::start(&task);
    let (words, status) = last.finish(Duration::from_secs(300));
    said.extend(words);
    assert!(status.success(), "the last run ends well");

    let ledger = Ledger::of(&data);
    ledger.assert_sound();
    ledger.assert_holds(&said);
    assert_eq!(ledger.rows.len() as u64, RECORDS);
    let report = hostile.report(&ledger.rows);
    println!(
        "records {RECORDS}, kills {KILLS}, seed {seed}: missing {}, doubles under the same id {}, doubles under \
         another id {}, out of order {}, {:.0} s; met {:?}",
        report.missing.len(),
        report.repeated,
        report.under_another_id.len(),
        report.out_of_order.len(),
        began.elapsed().as_secs_f64(),
        report.met,
    );
    report.assert_faultless();
    for mode in Mode::ALL {
        assert!(
            report.met.contains_key(&mode),
            "{mode:?} was met: {:?}",
            report.met
        );
    }
    let interrupted = said
        .iter()
        .filter(|word| matches!(word, Word::Open { interrupted: 1.., .. }));
    assert!(interrupted.count() > 0, "some kill came in the middle of calls");
}

fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_true() {
        assert!(Instant::now() < deadline, "still not true: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
