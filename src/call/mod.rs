//! One telephone call as a pure state machine: events in, actions out.
//!
//! `call` speaks telephony, never SIP: no header, no status code of its own, no socket, no clock. It decides who
//! wins, when to try again and what the record says; `Call::end` is the only way out and files the CDR once.

mod action;
mod early;
mod event;
mod guests;
mod hold;
mod hunt;
mod join;
mod ledger;
mod machine;
mod message;
mod outside;
mod pickup;
mod record;
mod talk;
mod taping;
mod transfer;
mod view;

pub use action::{Action, Cause};
pub use event::{Candidate, Event, FlowSought, Found, Overflow, Refusal, RefusalKind, Sought, Who};
pub use guests::{GuestKind, GuestWish};
pub use join::JoinWish;
pub use ledger::{LegState, LegView};
pub use machine::{Call, Entry, Policy, Setup};
pub use outside::{Outside, Way};
pub use pickup::Newcomer;
pub use transfer::{TransferNews, TransferObjection, TransferWish};
