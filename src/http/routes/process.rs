use serde::Serialize;
use std::fs;

/// What the operating system says about this process; a value it does not tell is `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Process {
    /// Resident memory.
    pub(super) resident_bytes: Option<u64>,
    /// Processor time used since start, all threads, user and system.
    pub(super) cpu_seconds: Option<f64>,
    /// Open file handles.
    pub(super) open_files: Option<u64>,
    /// Most file handles there may be.
    pub(super) open_files_limit: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
}

/// Ticks a second in `/proc/self/stat`: 100 on every Linux we run on, whatever the kernel's own clock (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

impl Process {
    /// Reads `/proc/self`. Takes some ten microseconds; nothing there blocks.
    pub(super) fn look() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self {
            resident_bytes: number_after(&status, "VmRSS:").map(|kilobytes| kilobytes * 1024),
            threads: number_after(&status, "Threads:"),
            cpu_seconds: fs::read_to_string("/proc/self/stat")
                .ok()
                .as_deref()
                .and_then(cpu_seconds),
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| files.count() as u64),
            open_files_limit: number_after(&limits, "Max open files"),
        }
    }
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `/proc/self/stat`; the program's name in field 2 may hold blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_strange_program_name() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (cut"), None);
    }

    #[test]
    fn this_process_has_memory_and_files() {
        let process = Process::look();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000));
        assert!(process.open_files.is_some_and(|files| files >= 3));
    }
}
