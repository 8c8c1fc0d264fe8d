//! How voice sounds now, as three figures that an alarm can watch: the worst leg's.

use crate::engine::Snapshot;
use crate::model::Quality;

/// A gauge: its name, what it means, and its value when something was measured.
pub(super) type Gauge = (&'static str, &'static str, Option<f64>);

/// The worst of all legs that live now.
pub(super) fn worst(snapshot: &Snapshot) -> [Gauge; 3] {
    let legs = || {
        let calls = snapshot.calls.iter();
        calls.flat_map(|call| &call.legs).filter_map(|leg| leg.quality)
    };
    // The other side's word counts as much as ours: it is the other direction.
    let lowest = legs()
        .flat_map(|quality| [quality.mos, quality.there.and_then(|there| there.mos)])
        .flatten()
        .min_by(f32::total_cmp);
    let highest = |measured: fn(&Quality) -> [Option<f32>; 2]| {
        legs()
            .flat_map(|quality| measured(&quality))
            .flatten()
            .max_by(f32::total_cmp)
    };
    let loss = highest(|quality| {
        [
            quality.loss_percent,
            quality.there.and_then(|there| there.loss_percent),
        ]
    });
    let trip = highest(|quality| [quality.rtt_ms, None]);
    [
        (
            "callpost_voice_mos_lowest",
            "Opinion score of the worst leg that is measured now.",
            lowest.map(f64::from),
        ),
        (
            "callpost_voice_loss_percent_highest",
            "Packets lost by the worst leg that is measured now, in percent.",
            loss.map(f64::from),
        ),
        (
            "callpost_voice_round_trip_ms_highest",
            "Round trip of the slowest leg that is measured now.",
            trip.map(f64::from),
        ),
    ]
}
