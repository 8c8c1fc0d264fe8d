//! The pull of a hosted PBX, `GET /api/v2/cdrs` with `/recordings…`, over the records of this box
//! (wire/cdr-pull-onepos.md): every value a string, five states, pages by offset, JSONP.

mod allow;
mod answer;
mod config;
mod door;
mod page;
mod record;
mod sound;
mod wanted;

pub use allow::Network;
pub use config::{Config, InternalAs, VoicemailAs};

use crate::http::people::Scope;
use crate::http::routes::Route;
use axum::http::Method;
use axum::routing::{MethodRouter, get};

/// The page of records, and the recordings its `record_path` leads to.
pub(super) fn routes() -> Vec<Route> {
    let read = |path, handler: MethodRouter<_>| Route {
        path,
        method: Method::GET,
        scope: Scope::CdrRead,
        handler: handler.fallback(door::other_method),
    };
    vec![
        read("/api/v2/cdrs", get(page::list)),
        read("/recordings/{*path}", get(sound::play)),
    ]
}
