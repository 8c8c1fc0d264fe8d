//! The number plan: what happens to a call for this number.
//!
//! A [`Plan`] holds the `[[number]]` rules and the agents' extensions. Nothing leaves by a trunk here: a call goes to
//! a flow, a group or an agent of this box, or nowhere.

mod number;
mod plan;

pub use number::{digits_only, without_separators};
pub use plan::{Decision, Origin, Pattern, Plan, Rule};
