//! Other systems' ways to ask for the same things, one file or folder a dialect: a program that was written for them
//! changes its address and nothing else. A dialect with its own way in and its own form of errors names its routes in
//! [`routes`]; one that is let in like everybody else stands in the table of all routes.

mod graphql;
mod onepos;

pub(super) use graphql::{answer, answer_get};
pub use onepos::{Config as OneposConfig, InternalAs, Network, VoicemailAs};

use super::routes::Route;

/// The routes of the dialects that let in whom they know by themselves.
pub(super) fn routes() -> Vec<Route> {
    onepos::routes()
}
