//! The pages, rendered here and complete without a script; the scripts only keep them fresh.
//!
//! What a page shows is made once, as ready words, in its `*_view.rs`, so no word and no format exists twice. The page
//! "Now" is painted by its template and fetched again as JSON, which its script puts into the same places; the pages
//! about records are fetched again as pages, of which their script takes the parts.

mod act;
mod agent_form;
mod agent_sheet;
mod assets;
mod badges;
mod call;
mod calls;
mod calls_filter;
mod calls_view;
mod cards;
mod delivery;
mod delivery_view;
mod frame;
mod graphql;
mod keeping_view;
mod ladder_view;
mod login;
mod messages;
mod now;
mod now_view;
mod people;
mod phones;
mod phones_view;
mod prompts;
mod qr;
mod quarantine;
mod settings;
mod sync;
mod sync_form;
mod sync_view;
mod tabs;
mod text;
mod turning;
mod verify_view;
mod words;

pub(super) use agent_sheet::{provision, renew as renew_password, sheet};
pub(super) use assets::{graphql_script, icon, journal_script, now_script, settings_script, stylesheet};
pub(super) use call::call;
pub(super) use calls::calls;
pub(super) use delivery::delivery;
pub(super) use frame::choose_language;
pub(super) use graphql::graphql;
pub(super) use login::{claim, log_in, log_out, login};
pub(super) use messages::{mark_message, messages};
pub(super) use now::{now, now_json};
pub(super) use people::{change_me, change_people, people};
pub(super) use phones::{agent, new_agent, phones, phones_json, remove_agent, save_agent};
pub(super) use prompts::{delete_prompt, prompts, upload_prompt};
pub(super) use quarantine::{discard_quarantine, quarantine, retry_quarantine};
pub(super) use settings::settings;
pub(super) use sync::{explain_cron, remove_source, save_source, start_sync, sync, test_source};
pub(super) use words::Chosen;

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
