//! What the last look at every recording found, as ready words.

use super::text::{date_and_time, fill};
use super::words::Keeping;
use crate::model::Stamp;
use serde::Deserialize;

/// What is shown of it.
#[derive(Debug, Default)]
pub(super) struct VerifyView {
    /// `good`, `bad`, or nothing where nobody has looked.
    pub(super) state: &'static str,
    pub(super) said: Vec<String>,
    /// What asks for somebody's eye: the file, and what is found.
    pub(super) problems: Vec<(String, String)>,
}

/// The report, as far as it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    begun_at: Option<Stamp>,
    sound: bool,
    error: Option<String>,
    recordings: Recordings,
    chain: Chain,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Recordings {
    expected: u64,
    present: u64,
    playable: u64,
    unchanged: u64,
    problems: Vec<Problem>,
    orphans: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    path: String,
    judgement: String,
    detail: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chain {
    entries: u64,
    broken_at: Option<u64>,
}

/// The most of what asks for somebody's eye that is shown; the API tells all of it.
const SHOWN: usize = 50;

impl VerifyView {
    pub(super) fn new(k: &Keeping, found: Option<serde_json::Value>) -> Self {
        let Some(report) = found.and_then(|found| serde_json::from_value::<Report>(found).ok()) else {
            return Self {
                said: vec![k.verify_never.to_owned()],
                ..Self::default()
            };
        };
        if let Some(why) = report.error {
            return Self {
                state: "bad",
                said: vec![fill(k.verify_failed, &[("why", &why)])],
                problems: Vec::new(),
            };
        }
        Self {
            state: if report.sound { "good" } else { "bad" },
            said: sentences(k, &report),
            problems: problems(report.recordings),
        }
    }
}

fn sentences(k: &Keeping, report: &Report) -> Vec<String> {
    let found = &report.recordings;
    let time = report.begun_at.map(date_and_time).unwrap_or_default();
    let is_whole = found.problems.is_empty() && found.orphans.is_empty();
    let sentence = if is_whole { k.verify_sound } else { k.verify_eye };
    let counts = [found.expected, found.present, found.playable, found.unchanged];
    let [expected, present, playable, unchanged] = counts.map(|count| count.to_string());
    let values = [
        ("time", time.as_str()),
        ("n", &expected),
        ("present", &present),
        ("playable", &playable),
        ("unchanged", &unchanged),
    ];
    let chain = match report.chain.broken_at {
        None => fill(k.chain_whole, &[("n", &report.chain.entries.to_string())]),
        Some(place) => fill(k.chain_broken, &[("n", &place.to_string())]),
    };
    vec![fill(sentence, &values), chain]
}

fn problems(found: Recordings) -> Vec<(String, String)> {
    let judged = found.problems.into_iter().map(|problem| {
        let word = problem.judgement.replace('_', " ");
        let said = match problem.detail.as_str() {
            "" => word,
            detail => format!("{word}: {detail}"),
        };
        (problem.path, said)
    });
    let orphans = found.orphans.into_iter().map(|path| (path, "orphan".to_owned()));
    judged.chain(orphans).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::words::keeping;
    use serde_json::json;

    #[test]
    fn a_report_says_what_asks_for_an_eye_and_no_report_that_nobody_has_looked() {
        let k = keeping("en");
        assert_eq!(VerifyView::new(k, None).said, [k.verify_never]);
        let report = json!({
            "begun_at": "2026-11-20T12:00:00.000+03:00",
            "sound": false,
            "recordings": {
                "expected": 3, "present": 2, "playable": 2, "unchanged": 2,
                "problems": [{"path": "recordings/a.wav", "judgement": "missing", "detail": ""}],
                "orphans": ["recordings/x.wav"],
            },
            "chain": {"entries": 12, "broken_at": 7},
        });
        let view = VerifyView::new(k, Some(report));
        assert_eq!(view.state, "bad");
        assert!(
            view.said[0].contains("of 3 recordings that should be there, 2 are"),
            "{:?}",
            view.said
        );
        assert!(view.said[1].ends_with("broken at entry 7."), "{:?}", view.said);
        let pair = |path: &str, said: &str| (path.to_owned(), said.to_owned());
        assert_eq!(
            view.problems,
            [
                pair("recordings/a.wav", "missing"),
                pair("recordings/x.wav", "orphan")
            ]
        );
        let failed = VerifyView::new(k, Some(json!({"error": "the disk is gone"})));
        assert_eq!(failed.said, ["The look broke off: the disk is gone."]);
    }
}
