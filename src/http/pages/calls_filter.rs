use super::calls_view::ROWS;
use super::text::fill;
use super::words::Words;
use crate::engine::Snapshot;
use crate::model::{Direction, Status};
use crate::store::{CdrFilter, NumberMatch, OriginMatch};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// Longest number or name to search for, in characters.
const MAX_TEXT: usize = 64;
/// The word for this box in the choice of origins; no PBX can be named so, since names have no colon.
const OWN: &str = ":own";

const DIRECTIONS: [(&str, Direction); 3] = [
    ("inbound", Direction::Inbound),
    ("outbound", Direction::Outbound),
    ("internal", Direction::Internal),
];
const STATUSES: [(&str, Status); 6] = [
    ("ANSWER", Status::Answer),
    ("CANCELED", Status::Canceled),
    ("BUSY", Status::Busy),
    ("NO_ANSWER", Status::NoAnswer),
    ("FAILED", Status::Failed),
    ("VOICEMAIL", Status::Voicemail),
];

/// What the filter's form sends: empty fields for what was not asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Wanted {
    page: String,
    direction: String,
    status: String,
    number: String,
    /// `any`, `prefix`, `suffix` or `exact`.
    #[serde(rename = "match")]
    matching: String,
    agent: String,
    group: String,
    /// A day of the site, `2026-11-20`.
    from: String,
    to: String,
    origin: String,
}

impl Wanted {
    /// The filters as an address carries them.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        let matching = if self.number.is_empty() {
            ""
        } else {
            &self.matching
        };
        vec![
            ("direction", &self.direction),
            ("status", &self.status),
            ("number", &self.number),
            ("match", matching),
            ("agent", &self.agent),
            ("group", &self.group),
            ("from", &self.from),
            ("to", &self.to),
            ("origin", &self.origin),
        ]
    }

    /// Whether anything may be filtered out.
    pub(super) fn narrows(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }
}

/// The filter for the store, the page's number, and what could not be understood: somebody who mistyped a date still
/// sees calls, and is told.
pub(super) fn understand(wanted: &Wanted, zone: &TimeZone) -> (CdrFilter, u64, Vec<String>) {
    let mut problems = Vec::new();
    let page: u64 = wanted.page.parse().unwrap_or(1).clamp(1, u64::from(u32::MAX));
    let filter = CdrFilter {
        limit: super::calls::ROWS_LIMIT,
        newest_first: true,
        by_start: true,
        latest_only: true,
        count: true,
        offset: (page - 1) * ROWS,
        direction: one_of(&wanted.direction, &DIRECTIONS, &mut problems),
        status: one_of(&wanted.status, &STATUSES, &mut problems),
        number: number(wanted),
        agent: text(&wanted.agent).map(|agent| agent.as_str().into()),
        group: text(&wanted.group).map(|group| group.as_str().into()),
        origin: text(&wanted.origin).map(|origin| match origin.as_str() {
            OWN => OriginMatch::Own,
            _ => OriginMatch::Source(origin),
        }),
        from_ms: day(&wanted.from, &mut problems).map(|day| start_of(day, zone)),
        to_ms: day(&wanted.to, &mut problems)
            .and_then(|day| day.tomorrow().ok())
            .map(|day| start_of(day, zone) - 1),
        ..CdrFilter::default()
    };
    (filter, page, problems)
}

fn one_of<T: Copy>(word: &str, choices: &[(&str, T)], problems: &mut Vec<String>) -> Option<T> {
    let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    if found.is_none() && !word.is_empty() {
        problems.push(word.to_owned());
    }
    found.map(|(_, value)| *value)
}

fn text(word: &str) -> Option<String> {
    let word = word.trim();
    (!word.is_empty()).then(|| word.chars().take(MAX_TEXT).collect())
}

/// Blanks, brackets and dashes that people write between digits are not part of a number.
fn number(wanted: &Wanted) -> Option<NumberMatch> {
    let written = text(&wanted.number)?;
    let number: String = written
        .chars()
        .filter(|letter| !" ()-.\u{a0}".contains(*letter))
        .collect();
    if number.is_empty() {
        return None;
    }
    Some(match wanted.matching.as_str() {
        "exact" => NumberMatch::Exact(number),
        "prefix" => NumberMatch::Prefix(number),
        "suffix" => NumberMatch::Suffix(number),
        _ => NumberMatch::Any(number),
    })
}

fn day(word: &str, problems: &mut Vec<String>) -> Option<Date> {
    let word = word.trim();
    let day = word.parse().ok();
    if day.is_none() && !word.is_empty() {
        problems.push(word.to_owned());
    }
    day
}

fn start_of(day: Date, zone: &TimeZone) -> i64 {
    day.to_zoned(zone.clone())
        .map_or(i64::MAX, |midnight| midnight.timestamp().as_millisecond())
}

/// The form, filled with what was asked.
#[derive(Debug, Default)]
pub(super) struct CallsForm {
    pub(super) directions: Vec<Choice>,
    pub(super) statuses: Vec<Choice>,
    pub(super) ways_to_match: Vec<Choice>,
    pub(super) origins: Vec<Choice>,
    pub(super) agents: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) number: String,
    pub(super) agent: String,
    pub(super) group: String,
    pub(super) from: String,
    pub(super) to: String,
    /// What could not be understood, as a sentence; empty when all was.
    pub(super) notice: String,
}

/// One entry of a selection.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) word: String,
    pub(super) is_chosen: bool,
}

/// An entry that is chosen when its value is the one that was asked for.
pub(super) fn choice(asked: &str, value: &str, word: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        word: word.to_owned(),
        is_chosen: value.eq_ignore_ascii_case(asked),
    }
}

impl CallsForm {
    pub(super) fn new(
        w: &'static Words,
        wanted: &Wanted,
        snapshot: Option<&Snapshot>,
        sources: &[String],
        problems: &[String],
    ) -> Self {
        let j = &w.journal;
        let all = |asked| choice(asked, "", j.all);
        let directions = DIRECTIONS.map(|(value, direction)| {
            choice(&wanted.direction, value, &super::badges::way(w, direction).word)
        });
        let statuses = STATUSES
            .map(|(value, status)| choice(&wanted.status, value, &super::badges::status(w, status).word));
        let mut ways_to_match = vec![
            choice(&wanted.matching, "any", j.contains),
            choice(&wanted.matching, "prefix", j.begins_with),
            choice(&wanted.matching, "suffix", j.ends_with),
            choice(&wanted.matching, "exact", j.is_exactly),
        ];
        if let Some(first) = ways_to_match.first_mut()
            && wanted.matching.is_empty()
        {
            first.is_chosen = true;
        }
        let mut origins = vec![all(&wanted.origin), choice(&wanted.origin, OWN, j.this_box)];
        origins.extend(
            sources
                .iter()
                .map(|source| choice(&wanted.origin, source, source)),
        );
        if !wanted.origin.is_empty() && !origins.iter().any(|origin| origin.is_chosen) {
            origins.push(choice(&wanted.origin, &wanted.origin, &wanted.origin));
        }
        let agents = snapshot
            .map(|snapshot| snapshot.agents.as_slice())
            .unwrap_or_default();
        let queues = snapshot
            .map(|snapshot| snapshot.queues.as_slice())
            .unwrap_or_default();
        let what = problems.join(", ");
        Self {
            directions: std::iter::once(all(&wanted.direction))
                .chain(directions)
                .collect(),
            statuses: std::iter::once(all(&wanted.status)).chain(statuses).collect(),
            ways_to_match,
            origins,
            agents: agents.iter().map(|agent| agent.id.to_string()).collect(),
            groups: queues.iter().map(|queue| queue.group.to_string()).collect(),
            number: wanted.number.clone(),
            agent: wanted.agent.clone(),
            group: wanted.group.clone(),
            from: wanted.from.clone(),
            to: wanted.to.clone(),
            notice: if problems.is_empty() {
                String::new()
            } else {
                fill(j.bad_filter, &[("what", &what)])
            },
        }
    }
}
