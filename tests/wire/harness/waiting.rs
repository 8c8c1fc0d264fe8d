//! Waiting for something to become true.

use std::time::{Duration, Instant};

/// How long a thing that normally takes milliseconds may take on a busy machine before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Asks the question again every few milliseconds until it has an answer.
///
/// Panics with `what` once `within` is over: a test never hangs, and never waits longer than it has to.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, within: Duration, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "after {within:?} still not true: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
