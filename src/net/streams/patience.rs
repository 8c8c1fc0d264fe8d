use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A peer that never proved who it is and says nothing may stay so long.
pub(super) const FOR_STRANGERS: Duration = Duration::from_secs(30);

/// How long a connection may be silent. The engine lengthens it when the peer turns out to be a phone that registered
/// or a trunk; the connection's own task looks at it whenever its time is up.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    seconds: Arc<AtomicU64>,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            seconds: Arc::new(AtomicU64::new(FOR_STRANGERS.as_secs())),
        }
    }

    pub(super) fn become_at_least(&self, long: Duration) {
        let seconds = long.max(FOR_STRANGERS).as_secs();
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    /// Whether the engine knows the peer.
    pub(super) fn is_known(&self) -> bool {
        self.now() > FOR_STRANGERS
    }
}
