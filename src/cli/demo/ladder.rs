use crate::app::monotonic;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Everything that went between the box and the phones, drawn as the columns of a ladder.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    started: Instant,
    rungs: Arc<Mutex<Vec<Rung>>>,
}

#[derive(Debug)]
struct Rung {
    at: Duration,
    from: &'static str,
    to: &'static str,
    what: String,
}

const COLUMNS: [&str; 5] = ["caller", "box", "ali", "mona", "omar"];
const WIDTH: usize = 26;
const TIME: usize = 9;

impl Ladder {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            rungs: Arc::default(),
        }
    }

    pub(super) fn note(&self, from: &'static str, to: &'static str, what: &str) {
        let at = monotonic() - self.started;
        let rung = Rung {
            at,
            from,
            to,
            what: what.to_owned(),
        };
        self.rungs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rung);
    }

    pub(super) fn draw(&self) -> String {
        let mut rungs = self.rungs.lock().unwrap_or_else(PoisonError::into_inner);
        rungs.sort_by_key(|rung| rung.at);
        let mut text = format!("{:TIME$}", "");
        for column in COLUMNS {
            let _ = write!(text, "{column:^WIDTH$}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        for rung in rungs.iter() {
            text += &rung.draw();
            text.push('\n');
        }
        text
    }
}

impl Rung {
    /// One arrow, its words in the middle of the span it crosses next to the box.
    fn draw(&self) -> String {
        let place = |name| COLUMNS.iter().position(|column| *column == name).unwrap_or(0);
        let (from, to) = (place(self.from), place(self.to));
        let middle = |column: usize| column * WIDTH + WIDTH / 2;
        let (left, right) = (middle(from.min(to)), middle(from.max(to)));
        let mut cells = vec![' '; COLUMNS.len() * WIDTH];
        for column in 0..COLUMNS.len() {
            cells[middle(column)] = '│';
        }
        for cell in &mut cells[left + 1..right] {
            *cell = '─';
        }
        if from < to {
            cells[right - 1] = '▶';
        } else {
            cells[left + 1] = '◀';
        }
        // The words stand in the span's part that is next to the phone, so that a column reads like its phone's log.
        let (start, end) = if to.max(from) > 1 {
            (right - WIDTH + 1, right - 1)
        } else {
            (left + 1, right)
        };
        let words: Vec<char> = format!(" {} ", self.what).chars().take(end - start - 2).collect();
        let begin = start + (end - start - words.len()) / 2;
        for (cell, letter) in cells[begin..].iter_mut().zip(words) {
            *cell = letter;
        }
        let line: String = cells.into_iter().collect();
        format!("{:>7.3} {}", self.at.as_secs_f64(), line.trim_end())
    }
}
