//! Memory and file handles.

use super::{Area, Line, Wanted, Whom};
use std::fs;
use std::path::Path;

/// Two legs with a socket for voice and one for its reports each, and the recording.
const FILES_OF_A_CALL: u64 = 5;
/// The database, the sockets of SIP, the pages and what goes out.
const FILES_BESIDE: u64 = 400;
/// Below this the next rush ends in the kernel's killing somebody.
const LITTLE_MEMORY: u64 = 32_000_000;

pub(super) fn look(wanted: &Wanted) -> Vec<Line> {
    vec![memory(wanted), files(wanted)]
}

/// `/proc` of the daemon, when it can be read, or else our own.
fn process(wanted: &Wanted) -> String {
    let own = wanted.daemon.map(|pid| format!("/proc/{pid}"));
    own.filter(|place| fs::read_to_string(Path::new(place).join("limits")).is_ok())
        .unwrap_or_else(|| "/proc/self".to_owned())
}

fn memory(wanted: &Wanted) -> Line {
    let place = process(wanted);
    let status = fs::read_to_string(format!("{place}/status")).unwrap_or_default();
    let resident = kilobytes(&status, "VmRSS:");
    let free = kilobytes(
        &fs::read_to_string("/proc/meminfo").unwrap_or_default(),
        "MemAvailable:",
    );
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    let used = match (wanted.daemon, resident) {
        (Some(_), Some(resident)) if place != "/proc/self" || wanted.daemon == Some(std::process::id()) => {
            format!("the daemon uses {}, ", megabytes(resident))
        }
        _ => String::new(),
    };
    let Some(free) = free else {
        // The unit hides it.
        return Line::ok(Area::Memory, "", format!("{used}what is free is not told"));
    };
    let text = format!("{used}{} are free", megabytes(free));
    if free < LITTLE_MEMORY {
        let cure = "see what else uses memory on this box; restart the box if that is unclear";
        return Line::warn(Area::Memory, "", text, cure, Whom::Box);
    }
    Line::ok(Area::Memory, "", text)
}

fn files(wanted: &Wanted) -> Line {
    let place = process(wanted);
    let limits = fs::read_to_string(format!("{place}/limits")).unwrap_or_default();
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    let Some(limit) = limit else {
        return Line::ok(Area::Files, "", "the limit of open files is not told");
    };
    let [first, last] = wanted.rtp_ports;
    let calls = u64::from(last.saturating_sub(first)) / 4;
    let open = fs::read_dir(format!("{place}/fd")).map_or(0, Iterator::count);
    let text = format!("{open} open, {limit} allowed");
    let needed = FILES_BESIDE + calls * FILES_OF_A_CALL;
    if limit < needed {
        let fits = limit.saturating_sub(FILES_BESIDE) / FILES_OF_A_CALL;
        return Line::warn(
            Area::Files,
            "",
            format!("{text}: enough for {fits} calls at once, while [media] rtp_ports has room for {calls}"),
            "start the daemon with a higher limit: LimitNOFILE= in its unit, or `ulimit -n 16384`",
            Whom::Box,
        );
    }
    Line::ok(Area::Files, "", text)
}

fn kilobytes(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
