//! The pages, rendered here and complete without a script; the scripts only keep them fresh.
//!
//! What a page shows is made once, as ready words, in its `*_view.rs`: the template paints it first and the script
//! fetches it again as JSON and puts it into the same places, so no word and no format exists twice.

mod assets;
mod login;
mod now;
mod now_view;
mod text;
mod words;

pub(super) use assets::{icon, script, stylesheet};
pub(super) use login::{claim, log_in, log_out, login};
pub(super) use now::{now, now_json};

use super::problem::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// Renders a page, or says 500 when a template fails, which only a full memory could make it do.
fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "A page could not be rendered.");
            Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}
