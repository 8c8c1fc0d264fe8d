//! Recordings after their calls: how long they stay on this box, and where copies of them go.
//!
//! [`Rules`] decide which rule takes a recording and when; they look at values only. The [`Keeper`], one thread, carries
//! that out a few files at a time: at the start, at night, and when the disk gets full. It also sends copies to the places
//! of `[[storage]]`, one at a time and never faster than it may, and looks whether each arrived whole.
//!
//! Nothing is removed that is under legal hold, or that a place still has to get.

mod config;
mod desk;
mod forms;
mod keeper;
mod orphans;
mod preview;
mod pruner;
mod rules;
mod schedule;
mod storage;
#[cfg(test)]
mod tests;
mod watch;

pub use config::Config;
pub use desk::{Busy, KeepingDesk};
pub use keeper::{FreeBytes, Keeper, Pace, Setup};
pub use orphans::Orphans;
pub use preview::{Due, Preview, RuleView};
pub use rules::{DiskTakes, Fate, Obstacle, Rule, Rules, StorageRule};
pub use schedule::NightTime;
pub use storage::{DistantCopy, Storage, StorageKind, StorageView, Tested};
pub use watch::{KeepingAlarm, KeepingTrouble, KeepingWatch};
