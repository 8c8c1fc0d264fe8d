//! The program on the command line, over a journal with calls in it: with no daemon running, and with one.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up should stop"
)]

mod backup;
mod cdr;
mod db;
mod handbook;
mod people;
mod recordings;
