//! Other systems' ways to ask for the same things, one file or folder a dialect: a program that was written for them
//! changes its address and nothing else. A dialect has its own way in and its own form of errors; to add one, write it
//! and its line in [`routes`].

mod onepos;

pub use onepos::{Config as OneposConfig, InternalAs, Network, VoicemailAs};

use super::routes::Route;

/// The routes of every dialect. Each lets in only whom it knows, by itself.
pub(super) fn routes() -> Vec<Route> {
    onepos::routes()
}
