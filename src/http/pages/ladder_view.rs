//! The ladder as a picture: where each line and arrow stands.

use super::text::fill;
use super::words::CallWords;
use crate::trace::{Party, Step, Way, columns};

/// From one party to the next.
const APART: u32 = 210;
/// From one arrow to the next.
const STEP: u32 = 34;
/// Above the first arrow.
const TOP: u32 = 54;
/// Left of the first party: the times.
const LEFT: u32 = 150;
/// Letters that fit on an arrow.
const LETTERS: usize = 27;

/// A picture of a ladder, in units of its own.
#[derive(Debug, Default)]
pub(super) struct LadderView {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) columns: Vec<Column>,
    pub(super) arrows: Vec<Arrow>,
}

/// A party's line.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) x: u32,
    pub(super) name: String,
    pub(super) is_box: bool,
}

/// One message.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) number: usize,
    pub(super) y: u32,
    pub(super) text_y: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    /// The head of the arrow, as points of a polygon.
    pub(super) head: String,
    pub(super) middle: u32,
    pub(super) words: String,
    pub(super) seconds: String,
    /// `request`, `good`, `on_its_way` or `bad`.
    pub(super) state: &'static str,
    pub(super) is_again: bool,
    /// The whole message.
    pub(super) message: String,
    /// Between which addresses: `udp 192.168.1.20:5060 → 192.168.1.5:5060`.
    pub(super) between: String,
    /// What stands above the message.
    pub(super) title: String,
}

impl LadderView {
    /// The caller stands left of the box, whoever was called right of it.
    pub(super) fn new(words: &CallWords, parties: &[Party], steps: &[Step]) -> Self {
        let order = columns(parties, words.the_box);
        let columns: Vec<Column> = (LEFT..)
            .step_by(APART as usize)
            .zip(&order)
            .map(|(x, (leg, name))| Column {
                x,
                name: short(name, 24),
                is_box: leg.is_none(),
            })
            .collect();
        let x_of = |leg: Option<u32>| {
            let place = order.iter().position(|(own, _)| *own == leg);
            place
                .and_then(|place| columns.get(place))
                .map_or(LEFT, |column| column.x)
        };
        let arrows: Vec<Arrow> = (TOP..)
            .step_by(STEP as usize)
            .zip(steps)
            .enumerate()
            .map(|(number, (y, step))| arrow(words, number, y, step, x_of(None), x_of(Some(step.leg))))
            .collect();
        let last = columns.last().map_or(LEFT, |column| column.x);
        let rows = u32::try_from(arrows.len()).unwrap_or(0);
        Self {
            width: last + APART / 2,
            height: TOP + rows * STEP + 10,
            columns,
            arrows,
        }
    }
}

fn arrow(words: &CallWords, number: usize, y: u32, step: &Step, us: u32, them: u32) -> Arrow {
    let (from, to) = match step.way {
        Way::Received => (them, us),
        Way::Sent => (us, them),
    };
    let back = if from < to { to - 9 } else { to + 9 };
    // The words stand next to the party, so that a column reads like its phone's log.
    let middle = if them > us {
        them - APART / 2
    } else {
        them + APART / 2
    };
    let mut said = step.title.clone();
    if step.has_sdp {
        said.push_str(" · SDP");
    }
    if step.is_again {
        said = fill("{said} ({again})", &[("said", &said), ("again", words.again)]);
    } else if let Some(reason) = &step.reason {
        said = fill("{said} ({reason})", &[("said", &said), ("reason", reason)]);
    }
    let seconds = format!("{:.3}", step.offset_us as f64 / 1e6);
    let (left, right) = match step.way {
        Way::Received => (step.peer, step.local),
        Way::Sent => (step.local, step.peer),
    };
    Arrow {
        number,
        y,
        text_y: y - 6,
        from,
        to,
        head: format!("{to},{y} {back},{} {back},{}", y - 4, y + 4),
        middle,
        words: short(&said, LETTERS),
        state: state(&step.title),
        is_again: step.is_again,
        message: step.message.clone(),
        between: format!("{} {left} → {right}", step.transport),
        title: format!("{seconds} · {said}"),
        seconds,
    }
}

/// The colour of a message: by its status, if it has one.
fn state(title: &str) -> &'static str {
    match title.as_bytes().first() {
        Some(b'1') => "on_its_way",
        Some(b'2') => "good",
        Some(b'3'..=b'6') => "bad",
        _ => "request",
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}
