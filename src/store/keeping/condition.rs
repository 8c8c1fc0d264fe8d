use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

/// How the database is, beside whether it can be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Bytes of the database that hold something.
    pub used_bytes: u64,
    /// The most they may become (`[cdr] max_megabytes`).
    pub max_bytes: u64,
    /// Whether the oldest records go because that is reached.
    pub is_full: bool,
    /// Records that went before everybody had them, since the database began.
    pub deleted_unacknowledged: u64,
    /// When the last of those went, by the wall clock in ms since 1970.
    pub deleted_unacknowledged_ms: Option<i64>,
    /// Whether that was within the last week.
    pub lost_lately: bool,
    /// Whether the disk was full and the reserve was given to the database.
    pub reserve_is_used: bool,
    /// What the check of the whole file found wrong; nothing when it is sound or not yet checked.
    pub damage: Option<String>,
    /// What time it is for old things, in ms since 1970: the wall clock, but not over a leap of years; 0 before the first
    /// look.
    #[serde(skip)]
    pub aged_ms: i64,
}

/// Looks at the [`Condition`] from any thread.
#[derive(Debug, Clone, Default)]
pub struct ConditionWatch(Arc<Mutex<Condition>>);

impl ConditionWatch {
    /// How it is now.
    pub fn now(&self) -> Condition {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::store) fn set(&self, change: impl FnOnce(&mut Condition)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
