use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often a loop has come round. The loop counts, others look: one that has been woken and does not come round is
/// stuck.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<AtomicU64>);

impl Turns {
    /// The loop begins another turn. Costs no lock and no memory.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there have been.
    pub fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
