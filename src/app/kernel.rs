//! The one place with `unsafe`: what only the kernel or the C library knows, and no safe interface asks for. Giving memory
//! that nobody uses back to the system, and asking whether anybody keeps the clock right.
//!
//! After a rush of ten thousand calls glibc keeps some ten megabytes that nobody uses, for good; and of the program's
//! own code, two thirds of what is resident were needed by the start alone. On a board with 512 MB that others share
//! both should go back; no safe interface asks for it.

use crate::checkup::ClockReading;
use std::time::{Duration, Instant};

/// Gives what is free back to the system. Takes a few milliseconds; done when nothing goes on.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "malloc_trim has no safe interface")]
pub(super) fn give_back() {
    // SAFETY: malloc_trim takes no pointer and may be called from any thread at any time (malloc_trim(3), MT-Safe).
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}

/// How often it is looked whether many pages of the program have come back …
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// … and how many kB of them are many.
const MANY_KB: u64 = 2048;

/// Looks after the pages of the program file while it runs: a rush of calls, somebody who looks at a page, a report; what
/// they needed stays otherwise until the box rests.
#[derive(Debug, Default)]
pub struct ProgramPages {
    looked_at: Option<Instant>,
    /// The least that was there at a look.
    least_kb: Option<u64>,
}

impl ProgramPages {
    /// Lets the pages go when many have come back. To be called about once a second; costs a look at a small file of
    /// `/proc` every ten seconds.
    pub fn tidy(&mut self, now: Instant) {
        let is_early = |at| now.saturating_duration_since(at) < LOOK_EVERY;
        if self.looked_at.is_some_and(is_early) {
            return;
        }
        self.looked_at = Some(now);
        let Some(mapped_kb) = mapped_kb() else { return };
        let least_kb = self.least_kb.map_or(mapped_kb, |least| least.min(mapped_kb));
        self.least_kb = Some(least_kb);
        if mapped_kb - least_kb >= MANY_KB {
            let_program_pages_go();
        }
    }
}

/// How much of mapped files is in memory, as /proc/self/status says it (proc_pid_status(5), since Linux 4.5).
fn mapped_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssFile:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Lets go of the pages of the program file: code that ran once, tables that were read once. What is needed comes back
/// by itself, page by page, out of the system's cache of the file; where memory is short the system may now drop the
/// rest, and does not ask again who uses it. For some milliseconds after it each first step into a page costs about a
/// microsecond: what carries voices steps into a few dozen.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "madvise has no safe interface for memory that is in use"
)]
pub(super) fn let_program_pages_go() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return;
    };
    let Some(program) = std::fs::read_link("/proc/self/exe")
        .ok()
        .and_then(|path| path.into_os_string().into_string().ok())
    else {
        return;
    };
    for part in maps.lines().filter_map(|line| unwritten(line, &program)) {
        // SAFETY: these pages are mapped from the program file and no write has ever been possible to them, so that
        // what the system maps in their place at the next touch is the same bytes (madvise(2), MADV_DONTNEED). The
        // advice changes no address and no protection, and may be given from any thread.
        unsafe {
            libc::madvise(
                std::ptr::without_provenance_mut(part.start),
                part.len(),
                libc::MADV_DONTNEED,
            )
        };
    }
}

/// What the kernel says of the clock; nothing when it does not say, or is not allowed to be asked.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "adjtimex has no safe interface")]
pub(super) fn clock_reading() -> Option<ClockReading> {
    // SAFETY: timex is made of numbers alone, for which every pattern of bits is a value (adjtimex(2)).
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a timex that lives through the call; with no mode set the call changes nothing.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    (state != -1).then(|| ClockReading {
        synced: timex.status & libc::STA_UNSYNC == 0,
        max_error_ms: timex.maxerror as f64 / 1000.0,
        // In 65536ths of a millionth.
        frequency_ppm: timex.freq as f64 / 65_536.0,
    })
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn clock_reading() -> Option<ClockReading> {
    None
}

/// Other systems look after this themselves.
#[cfg(not(target_os = "linux"))]
pub(super) fn let_program_pages_go() {}

/// The addresses of a line of /proc/self/maps (proc_pid_maps(5)), if it is a part of the program that cannot have been
/// written since the file was mapped: its code, and the constants before it at the beginning of the file. Constants
/// further on held addresses that the loader put right; they are read-only now, but no longer what the file says.
#[cfg(target_os = "linux")]
fn unwritten(line: &str, program: &str) -> Option<std::ops::Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (addresses, rights, offset) = (words.next()?, words.next()?, words.next()?);
    let path = line.splitn(6, ' ').nth(5)?.trim_start();
    let begins_file = offset.bytes().all(|digit| digit == b'0');
    let is_constant = rights == "r-xp" || (rights == "r--p" && begins_file);
    if path != program || !is_constant {
        return None;
    }
    let (start, end) = addresses.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    Some(address(start)?..address(end)?).filter(|part| !part.is_empty())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_have_written_is_let_go() {
        let program = "/usr/bin/call post";
        let part = |line: &str| unwritten(line, program).map(|part| (part.start, part.end));
        let code =
            "55a14bec4000-55a14cf60000 r-xp 00859000 fe:01 1234                       /usr/bin/call post";
        assert_eq!(part(code), Some((0x55a1_4bec_4000, 0x55a1_4cf6_0000)));
        let first = "1000-3000 r--p 00000000 fe:01 1234                       /usr/bin/call post";
        assert_eq!(part(first), Some((0x1000, 0x3000)));
        for other in [
            "1000-3000 r--p 00004000 fe:01 1234                       /usr/bin/call post",
            "1000-3000 rw-p 00000000 fe:01 1234                       /usr/bin/call post",
            "1000-3000 rwxp 00000000 fe:01 1234                       /usr/bin/call post",
            "1000-3000 r-xp 00000000 fe:01 1234                       /usr/lib/libc.so.6",
            "1000-3000 r-xp 00000000 00:00 0                          [vdso]",
            "3000-1000 r-xp 00000000 fe:01 1234                       /usr/bin/call post",
            "1000-3000 rw-p 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(part(other), None, "{other}");
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn pages_are_looked_after_every_ten_seconds() {
        let (mut pages, now) = (ProgramPages::default(), Instant::now());
        pages.tidy(now);
        let least = pages.least_kb;
        assert!(least.is_some_and(|kb| kb > 0));
        pages.least_kb = Some(0);
        pages.tidy(now + Duration::from_secs(9));
        assert_eq!(pages.looked_at, Some(now));
        pages.tidy(now + Duration::from_secs(10));
        assert_eq!(pages.looked_at, Some(now + Duration::from_secs(10)));
    }

    #[test]
    fn a_program_whose_pages_were_let_go_goes_on() {
        let text = include_str!("kernel.rs");
        let before: u64 = text.bytes().map(u64::from).sum();
        let_program_pages_go();
        give_back();
        assert_eq!(text.bytes().map(u64::from).sum::<u64>(), before);
    }
}
