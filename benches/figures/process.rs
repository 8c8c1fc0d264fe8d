//! What a process costs, read from outside.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Clock ticks a second in /proc/PID/stat: `USER_HZ`, 100 on every Linux we run on.
const TICKS_A_SECOND: u64 = 100;

/// A process under measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// User and system time so far, of all its threads.
    pub(crate) fn cpu(self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        // The second field is the name in brackets and may hold blanks; utime and stime are fields 14 and 15.
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 1000 / TICKS_A_SECOND)
    }

    /// Resident memory in kB: VmRSS.
    pub(crate) fn resident_kb(self) -> Option<f64> {
        self.field("status", "VmRSS:")
    }

    /// Its share of memory in kB, where pages shared with others count in part: PSS.
    pub(crate) fn proportional_kb(self) -> Option<f64> {
        self.field("smaps_rollup", "Pss:")
    }

    /// Leaves it this core alone, as `taskset` counts them.
    pub(crate) fn pin(self, cores: &str) -> Result<(), String> {
        let status = Command::new("taskset")
            .args(["-acp", cores, &self.0.to_string()])
            .stdout(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("taskset ends with {status}")),
            Err(error) => Err(format!("taskset: {error}")),
        }
    }

    /// Gives it every core back.
    pub(crate) fn unpin(self) -> Result<(), String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.pin(&format!("0-{}", cores - 1))
    }

    fn field(self, file: &str, name: &str) -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.0)).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }
}
