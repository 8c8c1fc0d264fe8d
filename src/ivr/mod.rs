//! Flows: what a caller hears next, which key leads where, which group to ring.
//!
//! A [`Flow`] is a table of named steps, each a verb from `verbs/`; a [`Session`] is one caller's walk through it.
//! The room knows nothing of SIP, sockets or sound: it takes an [`Input`] and answers with a [`Turn`].

pub mod aloud;
mod boxes;
mod check;
mod flow;
mod keys;
mod listening;
mod local_time;
mod nearest;
#[cfg(test)]
mod rehearsal;
mod said;
mod seconds;
mod session;
mod survey;
mod turn;
mod verbs;
mod walk;
mod words;

pub use boxes::{BoxAnswer, BoxContents, BoxDeed, BoxMessage, BoxQuestion, BoxRoom, Pin, Taken, TakenBy};
pub use check::{Fault, Known};
pub use flow::Flow;
pub use local_time::LocalTime;
pub(crate) use nearest::nearest;
pub use session::Session;
pub use turn::{EndCause, Input, RingResult, Turn};
pub use verbs::Verb;
pub use walk::Caller;
