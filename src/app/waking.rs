//! With what time the machine woke: whether it can be believed, and which waking this is.
//!
//! A board without a battery wakes in 1970. systemd lifts that to the day it was built itself, and `systemd-timesyncd` to
//! the time it last wrote down: both look like a time and are none.

use super::clock::{looks_set, wall_unix_ms};
use crate::store::Waking;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// This waking of the machine, as far as the kernel tells.
pub(super) fn this_one() -> Option<Waking> {
    // The unit hands it in (`%b`), because the process does not see the whole of /proc there.
    let told = std::env::var("CALLPOST_BOOT_ID").ok();
    let id = told.or_else(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok())?;
    Some(Waking {
        id: id.trim().replace('-', ""),
        at_ms: woken_at_ms(),
    })
}

/// Whether the wall clock of now can be believed.
pub(super) fn is_clock_believable() -> bool {
    Signs::below(Path::new("/")).speak_for(wall_unix_ms(), woken_at_ms())
}

/// When the machine was switched on, by the wall clock of now, in milliseconds since 1970.
fn woken_at_ms() -> i64 {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    wall_unix_ms().saturating_sub(since.tv_sec.saturating_mul(1000) + since.tv_nsec / 1_000_000)
}

/// What the machine shows of where its time comes from.
struct Signs {
    root: PathBuf,
}

impl Signs {
    fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Whether a wall clock that shows this, on a machine that woke then by the same clock, has been set by somebody.
    fn speak_for(&self, wall_ms: i64, woken_at_ms: i64) -> bool {
        let is_guessed = self.woke_on_the_day_systemd_was_built(woken_at_ms)
            || (self.waits_for_a_server() && !self.has_a_clock_of_its_own());
        looks_set(wall_ms) && !is_guessed
    }

    /// A clock with a battery that was set once. One without a battery is there on some boards too, and shows 1970.
    fn has_a_clock_of_its_own(&self) -> bool {
        let clocks = std::fs::read_dir(self.root.join("sys/class/rtc"));
        clocks.into_iter().flatten().flatten().any(|clock| {
            let seconds = std::fs::read_to_string(clock.path().join("since_epoch")).unwrap_or_default();
            seconds
                .trim()
                .parse()
                .is_ok_and(|seconds: i64| looks_set(seconds.saturating_mul(1000)))
        })
    }

    /// `systemd-timesyncd` runs and has not heard of any server since the machine woke.
    fn waits_for_a_server(&self) -> bool {
        let folder = self.root.join("run/systemd/timesync");
        folder.is_dir() && !folder.join("synchronized").exists()
    }

    /// systemd takes the date of the first file, and without it the day it was built, which packagers give the program as
    /// its date too.
    fn woke_on_the_day_systemd_was_built(&self, woken_at_ms: i64) -> bool {
        const START_OF_THE_KERNEL_MS: u64 = 5 * 60_000;
        let of = |path: &str| {
            let written = std::fs::metadata(self.root.join(path)).ok()?.modified().ok()?;
            i64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
        };
        of("usr/lib/clock-epoch")
            .or_else(|| of("usr/lib/systemd/systemd"))
            .is_some_and(|built_ms| woken_at_ms.abs_diff(built_ms) < START_OF_THE_KERNEL_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    /// 2026-11-21 and 2026-04-27, ms since 1970.
    const TODAY: i64 = 1_795_219_200_000;
    const BUILT: i64 = 1_777_319_335_000;

    fn machine() -> (tempfile::TempDir, Signs) {
        let root = tempfile::tempdir().unwrap();
        let signs = Signs::below(root.path());
        put(&signs, "usr/lib/systemd/systemd", "");
        built_at(&signs, "usr/lib/systemd/systemd", BUILT);
        (root, signs)
    }

    fn put(signs: &Signs, path: &str, text: &str) {
        let path = signs.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn built_at(signs: &Signs, path: &str, unix_ms: i64) {
        let file = std::fs::File::options()
            .write(true)
            .open(signs.root.join(path))
            .unwrap();
        let then: SystemTime = UNIX_EPOCH + Duration::from_millis(unix_ms.unsigned_abs());
        file.set_modified(then).unwrap();
    }

    /// ROBUSTNESS 81.
    #[test]
    fn the_day_systemd_was_built_is_no_time_of_day() {
        let (_root, signs) = machine();
        assert!(
            signs.speak_for(TODAY, TODAY - 3_600_000),
            "a machine that was set"
        );
        assert!(
            !signs.speak_for(BUILT + 90_000, BUILT + 2_000),
            "one that nobody set"
        );
        assert!(
            !signs.speak_for(BUILT + 86_400_000, BUILT + 2_000),
            "nor is it a day later"
        );
        put(&signs, "usr/lib/clock-epoch", "");
        built_at(&signs, "usr/lib/clock-epoch", TODAY);
        assert!(
            !signs.speak_for(TODAY + 90_000, TODAY),
            "an image has a date of its own"
        );
        assert!(!signs.speak_for(0, 0), "1970 is believed by nobody");
    }

    /// ROBUSTNESS 81.
    #[test]
    fn the_time_that_was_last_written_down_is_believed_once_a_server_has_told_it_or_a_battery_has_kept_it() {
        let (_root, signs) = machine();
        let believed = || signs.speak_for(TODAY, TODAY - 60_000);
        put(&signs, "run/systemd/timesync/clock", "");
        assert!(!believed(), "it stood still while the box was off");
        put(&signs, "run/systemd/timesync/synchronized", "");
        assert!(believed());
        std::fs::remove_file(signs.root.join("run/systemd/timesync/synchronized")).unwrap();
        put(&signs, "sys/class/rtc/rtc0/since_epoch", "12\n");
        assert!(!believed(), "a clock whose battery is missing");
        put(&signs, "sys/class/rtc/rtc0/since_epoch", "1795219200\n");
        assert!(believed());
    }
}
