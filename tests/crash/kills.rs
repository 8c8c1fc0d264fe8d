//! kill -9 at random instants while records are written and forwarded.

use crate::driver::{Driven, Task};
use crate::hostile::{Hostile, Plan};
use crate::ledger::Ledger;
use crate::{dice, rounds};
use std::time::{Duration, Instant};

/// Rounds on one database, before a fresh one keeps the copies small.
const ON_ONE_DATABASE: u32 = 20;

/// DC-006, S0-149, ROBUSTNESS 75.
#[test]
fn whenever_the_process_is_killed_what_it_acknowledged_is_there_and_nothing_is_doubled() {
    let (rounds, mut dice, began) = (rounds(20), dice(75), Instant::now());
    let (mut acknowledged, mut records, mut repeated, mut done) = (0, 0, 0, 0);
    while done < rounds {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let hostile = Hostile::start(Plan::Mixed(Box::new(dice.fork()), 50));
        let task = |round: u32| {
            let task = Task::new(folder.path()).forwarding(&hostile.url(), &Hostile::keys());
            let mut task = task.filing(round * 100_000, 100_000);
            task.at_once = 1 + round % 32;
            task
        };
        let mut said = Vec::new();
        for round in 0..ON_ONE_DATABASE.min(rounds - done) {
            let mut process = Driven::start(&task(round));
            if !round.is_multiple_of(5) {
                said.push(process.until_open());
            }
            // Every fifth kill may hit the start itself.
            std::thread::sleep(Duration::from_micros(dice.roll(250_000)));
            said.extend(process.kill());
            done += 1;
            let ledger = Ledger::of(folder.path());
            ledger.assert_sound();
            ledger.assert_holds(&said);
        }
        let mut last = task(ON_ONE_DATABASE);
        (last.at_most, last.drain) = (1, true);
        let (words, status) = Driven::start(&last).finish(Duration::from_secs(300));
        assert!(status.success(), "the last run ends well");
        said.extend(words);
        let ledger = Ledger::of(folder.path());
        ledger.assert_sound();
        ledger.assert_holds(&said);
        let report = hostile.report(&ledger.rows);
        report.assert_faultless();
        acknowledged += said.iter().filter(|word| word.is_filed()).count();
        records += ledger.rows.len();
        repeated += report.repeated;
    }
    println!(
        "kills {rounds}: acknowledged {acknowledged}, in the database {records}, acknowledged and missing 0, not \
         delivered 0, doubles under the same id {repeated}, under another id 0, integrity_check errors 0, {:.0} s",
        began.elapsed().as_secs_f64()
    );
    assert!(acknowledged > 0, "the kills left time to file something");
}
