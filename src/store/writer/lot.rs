use super::Job;
use crate::store::journal::Durability;
use std::time::Instant;

/// Jobs that wait for the next commit, in the order they came.
#[derive(Default)]
pub(in crate::store) struct Lot {
    pub(super) jobs: Vec<Job>,
    pub(super) durability: Option<Durability>,
    /// When the first of them has waited long enough.
    pub(super) patience_ends: Option<Instant>,
}

impl Lot {
    /// Whether it has to be committed now; `full` is the most that share a commit.
    pub(super) fn is_due(&self, now: Instant, full: usize) -> bool {
        match self.durability {
            None => false,
            Some(Durability::AtOnce | Durability::Synced) => true,
            Some(Durability::Patient) => {
                self.jobs.len() >= full || self.patience_ends.is_some_and(|at| at <= now)
            }
        }
    }
}
