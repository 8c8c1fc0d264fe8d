//! Who can take a call right now.
//!
//! The [`Roster`] knows every agent and group of the configuration and what each agent's legs are doing; an
//! agent's state is derived from that, so it can never be stale.

mod group;
mod roster;
mod state;

pub use group::{Group, Overflow, Strategy};
pub use roster::{Agent, NoSuchAgent, Reach, Roster, Standing};
pub use state::AgentState;
