//! What is kept how long, and room for it: records go when they are old and everybody who has to has them, the database
//! has a largest size, and a reserve on the disk lets records be written when everything else is full.

mod ageing;
mod condition;
mod config;
mod prune;
mod reserve;

pub use condition::{Condition, ConditionWatch};
pub use config::Config;

pub(super) use ageing::Ageing;
pub(super) use prune::{Pruned, Rule, prune, unacknowledged_deletions, used_bytes};
pub(super) use reserve::Reserve;
