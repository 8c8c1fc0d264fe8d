//! What a technician asks of the box as a whole, beside its calls and records.

use super::BoxFuture;
use crate::checkup::{Line, Report};
use serde::Serialize;
use std::time::Duration;

/// Looks after the box as a whole.
pub trait Caretaker: Send + Sync {
    /// Begins a look at everything the box needs; false when one is under way.
    fn begin_selftest(&self) -> bool;

    /// The look under way, and the last one that ended.
    fn selftest(&self) -> SelfTest;

    /// Waits until no look is under way, at most so long.
    fn selftest_ends(&self, patience: Duration) -> BoxFuture<'_, ()>;
}

/// How far a look at everything is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SelfTest {
    /// Whether one is under way.
    pub running: bool,
    /// What the one under way has found so far; empty when none is.
    pub so_far: Vec<Line>,
    /// The last one that ended; `null` before the first.
    pub report: Option<Report>,
}
