//! A ladder in letters, for terminals and tickets.

use super::frame::Way;
use super::ladder::Step;
use serde::Serialize;
use std::fmt::Write as _;

/// Columns from one party to the next.
const WIDTH: usize = 26;
/// Columns of the time in front.
const TIME: usize = 9;

/// Who stands beside the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// 0 is the caller.
    pub leg: u32,
    /// Number, agent or address.
    pub name: String,
}

/// An arrow between two columns, counted from the left.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Seconds since the first.
    pub seconds: f64,
    /// Where it begins.
    pub from: usize,
    /// Where it ends: another column.
    pub to: usize,
    /// What stands on it.
    pub words: String,
}

/// The steps of a call as arrows between its columns. Times are seconds since the first.
pub fn draw(parties: &[Party], steps: &[Step]) -> String {
    let columns = columns(parties, "box");
    let place = |leg: Option<u32>| columns.iter().position(|(own, _)| *own == leg);
    let rungs = steps.iter().filter_map(|step| {
        let (us, them) = (place(None)?, place(Some(step.leg))?);
        let (from, to) = match step.way {
            Way::Received => (them, us),
            Way::Sent => (us, them),
        };
        Some(Rung {
            seconds: step.offset_us as f64 / 1e6,
            from,
            to,
            words: words(step),
        })
    });
    let names: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
    draw_rungs(&names, rungs)
}

/// Arrows between columns of these names. The words stand in the part of an arrow that is next to its right end, so that
/// a column reads like its phone's log.
pub fn draw_rungs(names: &[&str], rungs: impl IntoIterator<Item = Rung>) -> String {
    let mut text = format!("{:TIME$}", "");
    for name in names {
        let shown: String = name.chars().take(WIDTH - 2).collect();
        let _ = write!(text, "{shown:^WIDTH$}");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for rung in rungs {
        let cells = arrow(names.len(), rung.from, rung.to, &rung.words);
        let _ = writeln!(text, "{:>8.3} {}", rung.seconds, cells.trim_end());
    }
    text
}

/// Whose column stands where, with its name: the caller, the box (without a leg), and the others in the order of their
/// legs.
pub fn columns(parties: &[Party], the_box: &str) -> Vec<(Option<u32>, String)> {
    let mut columns: Vec<_> = parties
        .iter()
        .map(|party| (Some(party.leg), party.name.clone()))
        .collect();
    let place = usize::from(parties.first().is_some_and(|first| first.leg == 0));
    columns.insert(place, (None, the_box.to_owned()));
    columns
}

fn words(step: &Step) -> String {
    let mut words = step.title.clone();
    if step.is_again {
        words.push_str(" (again)");
    } else if let Some(reason) = &step.reason {
        let _ = write!(words, " ({reason})");
    }
    words
}

/// One line.
fn arrow(columns: usize, from: usize, to: usize, words: &str) -> String {
    let middle = |column: usize| column * WIDTH + WIDTH / 2;
    let (left, right) = (middle(from.min(to)), middle(from.max(to)));
    let mut cells = vec![' '; columns * WIDTH];
    for column in 0..columns {
        put(&mut cells, middle(column), '│');
    }
    for place in left + 1..right {
        put(&mut cells, place, '─');
    }
    if from < to {
        put(&mut cells, right - 1, '▶');
    } else {
        put(&mut cells, left + 1, '◀');
    }
    let (start, end) = (right.saturating_sub(WIDTH - 1), right - 1);
    let words: Vec<char> = format!(" {words} ")
        .chars()
        .take((end - start).saturating_sub(2))
        .collect();
    let begin = start + (end - start - words.len()) / 2;
    for (place, letter) in words.into_iter().enumerate() {
        put(&mut cells, begin + place, letter);
    }
    cells.into_iter().collect()
}

fn put(cells: &mut [char], place: usize, letter: char) {
    if let Some(cell) = cells.get_mut(place) {
        *cell = letter;
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::traced;
    use super::super::ladder::steps;
    use super::*;

    #[test]
    fn a_call_is_drawn_with_the_box_behind_the_caller() {
        let head = |first: &str, cseq: &str| format!("{first}\r\nCall-ID: a\r\nCSeq: 1 {cseq}\r\n\r\n");
        let (caller, phone) = (
            "udp 127.0.0.20:5060 127.0.0.1:5060",
            "udp 127.0.0.31:5060 127.0.0.1:5060",
        );
        let invite = head("INVITE sip:1@h SIP/2.0", "INVITE");
        let messages = [
            traced(0, Way::Received, caller, 0, &invite),
            traced(1_500, Way::Sent, phone, 1, &invite),
            traced(501_500, Way::Sent, phone, 1, &invite),
            traced(
                2_000_000,
                Way::Received,
                phone,
                1,
                &head("SIP/2.0 180 Ringing", "INVITE"),
            ),
        ];
        let parties = [(0, "0501234567"), (1, "ali")].map(|(leg, name)| Party {
            leg,
            name: name.to_owned(),
        });
        let drawn = draw(&parties, &steps(&messages));
        insta::assert_snapshot!(drawn, @"
                      0501234567                   box                       ali
        0.000              │──────── INVITE ────────▶│                         │
        0.002              │                         │──────── INVITE ────────▶│
        0.501              │                         │──── INVITE (again) ────▶│
        2.000              │                         │◀──── 180 Ringing ───────│
        ");
    }
}
