//! Event notification: RFC 6665, seen by the side that notifies.
//!
//! A phone subscribes to a [`Package`] of a resource; the [`Notifier`] remembers it, says when a NOTIFY is due and
//! which version it has, and forgets it when it expires, is ended, or nobody takes the NOTIFY any more. Every NOTIFY
//! carries the full state, so of several changes only the last has to be told: a subscription has one NOTIFY under
//! way and at most one a second. One file a package says what is in the body.

mod dialog_info;
mod message_summary;
mod notifier;
mod package;
mod reg_info;
mod xml;

#[cfg(test)]
mod stories;

pub use dialog_info::{CallName, LampState, Line};
pub use message_summary::Messages;
pub(super) use notifier::{Notifier, Notify, Refused, SubscriptionId, Wanted};
pub(super) use package::Package;

pub(super) use dialog_info::body as dialog_info;
pub(super) use message_summary::body as message_summary;
pub(super) use reg_info::body as reg_info;
