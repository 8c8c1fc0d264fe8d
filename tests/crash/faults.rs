//! The n-th write or sync of the database fails, for every n.
//!
//! `fault_io.c` is preloaded into the second process. It also keeps what a power cut would leave (its "platter"), so
//! that a sync that failed and was believed later shows as a lost record.

use crate::driver::{Driven, Task, Word};
use crate::ledger::Ledger;
use crate::{in_memory, rounds};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// For ever, as far as these runs go.
const FOR_EVER: u64 = 1_000_000;

/// DC-006, ROBUSTNESS 77.
#[test]
fn when_the_nth_operation_fails_once_and_the_power_goes_later_nothing_acknowledged_is_lost() {
    for_every_n(&Fault::new("eio", 1).and_a_power_cut(), 1, |run| {
        run.assert_went_on();
    });
}

/// ROBUSTNESS 77.
#[test]
fn when_the_nth_operation_fails_once_the_call_after_it_goes_on_and_the_box_stops_well() {
    for_every_n(&Fault::new("eio", 1), 5, |run| {
        run.assert_went_on();
        assert_eq!(run.words.last(), Some(&Word::Done), "it ends well: {run:#?}");
    });
}

/// ROBUSTNESS 77: a disk that stays broken is told, no call is let in without its row, and what was acknowledged before is
/// there.
#[test]
fn when_every_operation_from_the_nth_on_fails_that_is_told_and_nothing_is_acknowledged_any_more() {
    for_every_n(&Fault::new("eio", FOR_EVER), 11, |run| {
        run.assert_told();
    });
}

/// ROBUSTNESS 77 and 78.
#[test]
fn when_the_disk_is_full_for_a_moment_at_the_nth_operation_nothing_acknowledged_is_lost() {
    for_every_n(&Fault::new("enospc", 1), 5, |run| {
        run.assert_went_on();
    });
}

/// ROBUSTNESS 77.
#[test]
fn when_the_disk_is_full_for_a_while_from_the_nth_operation_on_calls_go_on_afterwards() {
    for_every_n(&Fault::new("enospc", 30), 11, |run| {
        run.assert_told();
    });
}

/// ROBUSTNESS 77: short write.
#[test]
fn when_the_nth_write_is_cut_short_nothing_acknowledged_is_lost() {
    for_every_n(&Fault::new("short", 1), 7, |run| {
        run.assert_went_on();
    });
}

/// ROBUSTNESS 77: write torn at 512 B.
#[test]
fn when_the_nth_write_is_torn_and_the_process_dies_nothing_acknowledged_is_lost() {
    for_every_n(&Fault::new("torn", 1), 3, |_run| ());
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
struct Fault {
    how: &'static str,
    times: u64,
    power_cut: bool,
}

/// How one run went.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a run fails")]
struct Run {
    fault: Fault,
    nth: u64,
    operations: u64,
    calls: u32,
    words: Vec<Word>,
}

impl Fault {
    fn new(how: &'static str, times: u64) -> Self {
        Self {
            how,
            times,
            power_cut: false,
        }
    }

    /// The run has no proper end: nothing is folded back or synced then.
    fn and_a_power_cut(mut self) -> Self {
        self.power_cut = true;
        self
    }
}

/// Runs with the 1st, the 2nd … operation failing, until a run has fewer operations than that. A plain test run takes
/// each `stride`-th n, another choice every day; `just crash` takes all, with more calls.
fn for_every_n(fault: &Fault, stride: u64, judge: impl Fn(&Run) + Sync) {
    let is_long = rounds(0) > 0;
    let (calls, stride) = match (is_long, fault.times) {
        (true, 1) => (20, 1),
        (true, _) => (6, 1),
        (false, _) => (6, stride),
    };
    let began = Instant::now();
    let (next, runs, refused) = (AtomicU64::new(1), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                loop {
                    let nth = next.fetch_add(stride, Ordering::SeqCst);
                    let run = Run::with(fault, nth, calls);
                    judge(&run);
                    runs.fetch_add(1, Ordering::SeqCst);
                    refused.fetch_add(
                        run.count(|word| matches!(word, Word::Refused(_))),
                        Ordering::SeqCst,
                    );
                    if run.operations < nth {
                        return;
                    }
                }
            });
        }
    });
    println!(
        "{} × {}: {} runs of {calls} calls, {} refused, acknowledged and missing 0, {:.0} s",
        fault.how,
        fault.times,
        runs.into_inner(),
        refused.into_inner(),
        began.elapsed().as_secs_f64()
    );
}

impl Run {
    fn with(fault: &Fault, nth: u64, calls: u32) -> Self {
        let folder = in_memory();
        let (data, platter) = (folder.path().join("data"), folder.path().join("platter"));
        for dir in [&data, &platter] {
            std::fs::create_dir(dir).expect("a folder can be made");
        }
        let tally = folder.path().join("tally");
        let mut task = Task::new(&data).filing(0, calls);
        (task.persistent, task.abrupt) = (true, fault.power_cut);
        // What is delivered is noted without a sync, between the synced records.
        let lines = folder.path().join("lines.jsonl");
        task.upstreams = vec![format!(
            "name = \"lines\"\ntype = \"file\"\npath = \"{}\"\n",
            lines.display()
        )];
        task.patience_ms = if fault.times == FOR_EVER { 150 } else { 10_000 };
        let text = |path: &Path| path.display().to_string();
        let variables = [
            ("LD_PRELOAD", text(library())),
            ("FAULT_FILES", "callpost.db".to_owned()),
            ("FAULT_NTH", nth.to_string()),
            ("FAULT_TIMES", fault.times.to_string()),
            ("FAULT_HOW", fault.how.to_owned()),
            ("FAULT_PLATTER", text(&platter)),
            ("FAULT_TALLY", text(&tally)),
        ];
        let (words, _) = Driven::start_with(&task, &variables).finish(Duration::from_secs(60));
        let operations = std::fs::read_to_string(&tally).unwrap_or_default();
        let run = Self {
            fault: *fault,
            nth,
            operations: operations.trim().parse().unwrap_or(0),
            calls,
            words,
        };
        run.nothing_is_lost(&data, "the process ended");
        run.nothing_is_lost(&platter, "the power went");
        run
    }

    #[track_caller]
    fn nothing_is_lost(&self, dir: &Path, when: &str) {
        let acknowledged = self.count(|word| matches!(word, Word::Filed(..) | Word::Opened(_)));
        if acknowledged == 0 {
            return;
        }
        let ledger = Ledger::of(dir);
        let lost = ledger.lost(&self.words);
        assert!(
            lost.is_empty(),
            "{when}: acknowledged and lost {lost:?} after {self:#?}"
        );
        ledger.assert_sound();
        let opened = crate::driver::open_here(dir);
        assert!(
            opened.set_aside.is_none(),
            "{when}: {:?} after {self:#?}",
            opened.set_aside
        );
        opened.store.shutdown();
    }

    fn count(&self, is_meant: impl Fn(&Word) -> bool) -> u64 {
        self.words.iter().filter(|word| is_meant(word)).count() as u64
    }

    /// After one fault every call is served, but for the one whose row could not be written.
    #[track_caller]
    fn assert_went_on(&self) {
        let refused = self.count(|word| matches!(word, Word::Refused(_)));
        let filed = self.count(Word::is_filed);
        assert!(refused <= 1, "one fault, one call refused: {self:#?}");
        assert_eq!(
            filed + refused,
            u64::from(self.calls),
            "the others are filed: {self:#?}"
        );
        assert!(
            refused == 0 || self.is_told(),
            "whoever is refused, it is told: {self:#?}"
        );
    }

    /// A call that is not served is told, and none is stuck with an answer.
    #[track_caller]
    fn assert_told(&self) {
        let served = self.count(Word::is_filed);
        if self.operations >= self.nth && served < u64::from(self.calls) {
            assert!(self.is_told(), "it is told: {self:#?}");
        }
    }

    fn is_told(&self) -> bool {
        self.count(|word| matches!(word, Word::Trouble(_) | Word::NotOpen(_))) > 0
    }
}

/// `fault_io.c`, compiled once a run.
fn library() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("fault_io.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/fault_io.c");
        let built = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&path)
            .arg(&source)
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("a C compiler is installed, as the build needs one");
        let complaint = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{}: {complaint}", source.display());
        (folder, path)
    });
    path
}
