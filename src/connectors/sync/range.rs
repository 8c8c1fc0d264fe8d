//! Which range the next fetch is about.

use crate::store::{Legs, PbxSource, SyncLog, SyncStatus};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// An interrupted fetch older than this is not gone on with.
const STALE_MS: i64 = 7 * DAY_MS;

/// What a fetch goes through: one range, or what was left of an interrupted one and then the rest up to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The whole range, in ms since 1970.
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    /// One after the other.
    pub(super) legs: Vec<Legs>,
}

/// The ranges for a fetch now.
///
/// A range that was asked for is taken as it is. Otherwise an interrupted fetch is gone on with; else the range begins
/// at the end of what is fetched whole, less the overlap in which late records of long calls turn up, or `days_back`
/// days ago when that much was never fetched.
pub(super) fn plan(
    source: &PbxSource,
    last: Option<&SyncLog>,
    days_back: u32,
    overlap_hours: u32,
    asked: (Option<i64>, Option<i64>),
    now_ms: i64,
) -> Plan {
    let far = now_ms.saturating_sub(i64::from(days_back).saturating_mul(DAY_MS));
    if let (Some(_), _) | (_, Some(_)) = asked {
        let to_ms = asked.1.unwrap_or(now_ms);
        return one(asked.0.unwrap_or(far).min(to_ms), to_ms);
    }
    let overlap = i64::from(overlap_hours).saturating_mul(HOUR_MS);
    if let Some(last) = last.filter(|last| goes_on(last, now_ms)) {
        let rest = last.leg.to_ms.saturating_sub(overlap).max(last.leg.from_ms);
        let mut legs = vec![last.leg];
        if now_ms > last.leg.to_ms {
            legs.push(leg(rest, now_ms));
        }
        return Plan {
            from_ms: last.from_ms,
            to_ms: now_ms.max(last.leg.to_ms),
            legs,
        };
    }
    match (source.covered_from_ms, source.covered_to_ms) {
        // A day of grace: `days_back` moves on with every hour.
        (Some(from), Some(to)) if from <= far.saturating_add(DAY_MS) && to <= now_ms => {
            one(to.saturating_sub(overlap).max(from), now_ms)
        }
        (Some(from), Some(to)) if to <= now_ms => one(far.min(from), now_ms),
        (Some(_) | None, Some(_) | None) => one(far, now_ms),
    }
}

/// What is fetched whole after a success.
pub(super) fn covered(source: &PbxSource, from_ms: i64, to_ms: i64) -> (i64, i64) {
    match (source.covered_from_ms, source.covered_to_ms) {
        (Some(from), Some(to)) if from_ms <= to && to_ms >= from => (from.min(from_ms), to.max(to_ms)),
        // Apart from each other: the later one counts, so that no hole is forgotten.
        (Some(from), Some(to)) if to > to_ms => (from, to),
        (Some(_) | None, Some(_) | None) => (from_ms, to_ms),
    }
}

/// Calls that began before this are not asked for again by itself: before this fetch, and before `days_back`.
pub(super) fn forgotten(plan: &Plan, days_back: u32, now_ms: i64) -> i64 {
    let far = now_ms.saturating_sub(i64::from(days_back).saturating_mul(DAY_MS));
    plan.from_ms.min(far).saturating_sub(DAY_MS)
}

fn goes_on(last: &SyncLog, now_ms: i64) -> bool {
    last.status == SyncStatus::Error
        && last.can_resume
        && last.leg.offset > 0
        && now_ms.saturating_sub(last.started_ms) < STALE_MS
}

fn one(from_ms: i64, to_ms: i64) -> Plan {
    Plan {
        from_ms,
        to_ms,
        legs: vec![leg(from_ms, to_ms)],
    }
}

fn leg(from_ms: i64, to_ms: i64) -> Legs {
    Legs {
        from_ms,
        to_ms,
        offset: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ApiKey, Counts};

    const NOW: i64 = 1_795_165_200_000;

    fn source(covered: Option<(i64, i64)>) -> PbxSource {
        PbxSource {
            id: "s".into(),
            name: "pbx".into(),
            from_file: false,
            settings: String::new(),
            api_key: ApiKey::default(),
            created_ms: 0,
            updated_ms: 0,
            last_sync_ms: None,
            last_status: None,
            last_error: None,
            total_records: 0,
            covered_from_ms: covered.map(|range| range.0),
            covered_to_ms: covered.map(|range| range.1),
            last_slot_ms: None,
        }
    }

    fn ranges(source: &PbxSource, last: Option<&SyncLog>) -> Vec<(i64, i64, u64)> {
        let plan = plan(source, last, 30, 24, (None, None), NOW);
        plan.legs
            .iter()
            .map(|leg| (leg.from_ms, leg.to_ms, leg.offset))
            .collect()
    }

    /// S0-097, S0-041
    #[test]
    fn the_first_fetch_reaches_thirty_days_back_and_later_ones_begin_a_day_before_the_last() {
        assert_eq!(ranges(&source(None), None), [(NOW - 30 * DAY_MS, NOW, 0)]);
        let hour_ago = NOW - HOUR_MS;
        let known = source(Some((NOW - 30 * DAY_MS, hour_ago)));
        assert_eq!(ranges(&known, None), [(hour_ago - DAY_MS, NOW, 0)]);
        // Switched off for forty days: nothing is left out.
        let long_ago = NOW - 40 * DAY_MS;
        let stale = source(Some((NOW - 70 * DAY_MS, long_ago)));
        assert_eq!(ranges(&stale, None), [(long_ago - DAY_MS, NOW, 0)]);
        // More days back than before: all of them.
        let short = source(Some((NOW - 3 * DAY_MS, hour_ago)));
        assert_eq!(ranges(&short, None), [(NOW - 30 * DAY_MS, NOW, 0)]);
        // The clock was wrong once.
        let future = source(Some((NOW, NOW + 9 * DAY_MS)));
        assert_eq!(ranges(&future, None), [(NOW - 30 * DAY_MS, NOW, 0)]);
    }

    #[test]
    fn a_range_that_was_asked_for_is_taken_as_it_is() {
        let plan = plan(&source(None), None, 30, 24, (Some(5), Some(9)), NOW);
        assert_eq!((plan.from_ms, plan.to_ms, plan.legs.len()), (5, 9, 1));
        let plan = super::plan(&source(None), None, 30, 24, (Some(NOW + 5), Some(9)), NOW);
        assert_eq!((plan.from_ms, plan.to_ms), (9, 9));
    }

    /// S0-054
    #[test]
    fn an_interrupted_fetch_is_gone_on_with_and_then_the_rest_is_fetched() {
        let last = SyncLog {
            id: "l".into(),
            source: "s".into(),
            sync_type: "MANUAL".into(),
            status: SyncStatus::Error,
            from_ms: NOW - 30 * DAY_MS,
            to_ms: NOW - HOUR_MS,
            leg: Legs {
                from_ms: NOW - 30 * DAY_MS,
                to_ms: NOW - HOUR_MS,
                offset: 400,
            },
            counts: Counts::default(),
            error: Some("interrupted".into()),
            details: None,
            can_resume: true,
            started_ms: NOW - HOUR_MS,
            progress_ms: NOW - HOUR_MS,
            completed_ms: Some(NOW),
        };
        assert_eq!(
            ranges(&source(None), Some(&last)),
            [
                (NOW - 30 * DAY_MS, NOW - HOUR_MS, 400),
                (NOW - 25 * HOUR_MS, NOW, 0)
            ]
        );
        let final_error = SyncLog {
            can_resume: false,
            ..last.clone()
        };
        assert_eq!(
            ranges(&source(None), Some(&final_error)),
            [(NOW - 30 * DAY_MS, NOW, 0)]
        );
        let old = SyncLog {
            started_ms: NOW - 8 * DAY_MS,
            ..last
        };
        assert_eq!(ranges(&source(None), Some(&old)), [(NOW - 30 * DAY_MS, NOW, 0)]);
    }

    #[test]
    fn what_is_covered_grows_together_and_never_hides_a_hole() {
        let known = source(Some((100, 200)));
        assert_eq!(covered(&known, 150, 300), (100, 300));
        assert_eq!(covered(&known, 50, 120), (50, 200));
        assert_eq!(covered(&known, 300, 400), (300, 400));
        assert_eq!(covered(&known, 10, 20), (100, 200));
        assert_eq!(covered(&source(None), 1, 2), (1, 2));
    }
}
