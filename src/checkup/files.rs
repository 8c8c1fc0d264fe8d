//! Files that the configuration names: certificates and their ends, prompts that can be played.

use super::{Area, FileProblem, Line, Outcome, Wanted, Whom};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// So long before its end a certificate is worth a line.
const SOON_MS: i64 = 21 * DAY_MS;

pub(super) fn look(wanted: &Wanted) -> Vec<Line> {
    let mut lines: Vec<Line> = wanted.problems.iter().map(about_problem).collect();
    let now = (wanted.unix_ms)();
    lines.extend(wanted.certificates.iter().map(|own| {
        let left = own.not_after_unix_ms.saturating_sub(now);
        let cure = "give the box a new one: tls_certificate in [sip]";
        let days = left / DAY_MS;
        // A clock that is not set cannot tell what is old.
        if !wanted.clock_looks_set {
            Line::ok(
                Area::Certificate,
                &own.of,
                "its end cannot be told while the clock is not set",
            )
        } else if left <= 0 {
            Line::fail(
                Area::Certificate,
                &own.of,
                "has ended: phones that check it cannot log in by TLS",
                cure,
                Whom::Box,
            )
        } else if own.not_before_unix_ms > now {
            Line::fail(
                Area::Certificate,
                &own.of,
                "is not valid yet",
                "look at the clock of this box",
                Whom::Box,
            )
        } else if left <= SOON_MS {
            Line::warn(
                Area::Certificate,
                &own.of,
                format!("ends in {days} days"),
                cure,
                Whom::Box,
            )
        } else {
            Line::ok(Area::Certificate, &own.of, format!("good for {days} days"))
        }
    }));
    let is_bad = |line: &Line| line.area == Area::Prompts && line.outcome > Outcome::Ok;
    if !lines.iter().any(is_bad) {
        lines.push(Line::ok(Area::Prompts, "", "all can be played"));
    }
    lines
}

fn about_problem(problem: &FileProblem) -> Line {
    let FileProblem {
        area,
        file,
        problem,
        cure,
        is_grave,
    } = problem;
    if *is_grave {
        Line::fail(*area, file, problem, cure, Whom::Box)
    } else {
        Line::warn(*area, file, problem, cure, Whom::Box)
    }
}
