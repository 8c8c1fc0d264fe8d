use crate::app::monotonic;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Work that takes less is not worth a bar.
const WORTH_A_BAR: Duration = Duration::from_secs(1);

/// A bar on standard error for work over a second, when somebody is looking.
pub(in crate::cli) struct Progress {
    began: Instant,
    total: u64,
    bar: Option<ProgressBar>,
    somebody_looks: bool,
}

impl Progress {
    /// For this many steps.
    pub(in crate::cli) fn new(total: u64) -> Self {
        Self {
            began: monotonic(),
            total,
            bar: None,
            somebody_looks: std::io::stderr().is_terminal(),
        }
    }

    /// So many steps are done.
    pub(in crate::cli) fn at(&mut self, done: u64) {
        if !self.somebody_looks || monotonic().saturating_duration_since(self.began) < WORTH_A_BAR {
            return;
        }
        let total = self.total;
        let bar = self.bar.get_or_insert_with(|| bar(total));
        bar.set_position(done.min(total));
    }

    /// Takes the bar away.
    pub(in crate::cli) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent} %  {pos} of {len}, {eta} left");
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
