//! The number plan: what happens to a call for this number.
//!
//! A [`Plan`] holds the `[[number]]` rules, the agents' extensions and the `[[route]]`s by which phones of the house
//! reach the outside, as far as [`Dialing`] allows it. Who comes in by a trunk never leaves by one.

mod dialing;
mod number;
mod plan;
mod route;

pub use dialing::{Dialing, NotAllowed};
pub use number::{digits_only, without_separators};
pub use plan::{Decision, Origin, Outside, Pattern, Plan, Rule, Way};
pub use route::{Pattern as RoutePattern, Route};
