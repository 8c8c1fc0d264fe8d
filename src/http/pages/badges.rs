use super::text::{clock_of_ms, fill};
use super::words::Words;
use crate::engine::LegView;
use crate::model::{Direction, Number, Status};
use serde::Serialize;

/// A word and the state that colours it. The word alone says it all.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Badge {
    pub(super) state: String,
    pub(super) word: String,
}

pub(super) fn badge(state: &str, word: &str) -> Badge {
    Badge {
        state: state.to_owned(),
        word: word.to_owned(),
    }
}

/// How a call went.
pub(super) fn status(w: &Words, status: Status) -> Badge {
    match status {
        Status::Answer => badge("good", w.status_answer),
        Status::Canceled => badge("quiet", w.status_canceled),
        Status::Busy => badge("warn", w.status_busy),
        Status::NoAnswer => badge("warn", w.status_no_answer),
        Status::Failed => badge("bad", w.status_failed),
        Status::Voicemail => badge("note", w.status_voicemail),
    }
}

/// Which way a call went.
pub(super) fn way(w: &Words, direction: Direction) -> Badge {
    match direction {
        Direction::Inbound => badge("inbound", w.inbound),
        Direction::Outbound => badge("outbound", w.outbound),
        Direction::Internal => badge("internal", w.internal),
    }
}

/// How the worst-sounding way of a call sounds by now, by ITU-T G.107 Annex B: many are dissatisfied below 3.6, nearly
/// all below 3.1. Nothing while nothing is measured.
pub(super) fn voice(w: &Words, legs: &[LegView]) -> Badge {
    let measured = || legs.iter().filter_map(|leg| leg.quality);
    let scores = measured().flat_map(|here| [here.mos, here.there.and_then(|there| there.mos)]);
    let losses =
        measured().flat_map(|here| [here.loss_percent, here.there.and_then(|there| there.loss_percent)]);
    let Some(score) = scores.flatten().reduce(f32::min) else {
        return Badge::default();
    };
    let state = match score {
        low if low < 3.1 => "bad",
        low if low < 3.6 => "warn",
        _ => "good",
    };
    let (score, loss) = (
        format!("{score:.1}"),
        losses.flatten().reduce(f32::max).unwrap_or_default(),
    );
    // Less than half a tenth of a percent is shown as none.
    if loss < 0.05 {
        return badge(state, &fill(w.voice, &[("score", &score)]));
    }
    let loss = format!("{loss:.1}");
    badge(
        state,
        &fill(w.voice_with_loss, &[("score", &score), ("loss", &loss)]),
    )
}

/// A number for people: one that is withheld says so.
pub(super) fn number(w: &Words, number: &Number) -> String {
    if *number == Number::anonymous() {
        w.withheld.to_owned()
    } else {
        number.to_string()
    }
}

/// A duration, or nothing for none.
pub(super) fn some_time(millis: u64) -> String {
    if millis > 0 {
        clock_of_ms(millis)
    } else {
        String::new()
    }
}
