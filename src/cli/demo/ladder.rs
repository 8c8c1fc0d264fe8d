use crate::app::monotonic;
use crate::trace::{self, draw_rungs};
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
        let place = |name| COLUMNS.iter().position(|column| *column == name).unwrap_or(0);
        draw_rungs(
            &COLUMNS,
            rungs.iter().map(|rung| trace::Rung {
                seconds: rung.at.as_secs_f64(),
                from: place(rung.from),
                to: place(rung.to),
                words: rung.what.clone(),
            }),
        )
    }
}
