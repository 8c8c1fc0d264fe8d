//! The API, one file a resource. To add one, write its file and its lines in [`table`].

mod agents;
mod audit;
mod bans;
mod calls;
mod cdrs;
mod config;
mod consumers;
mod destinations;
mod distant_audio;
mod evidence;
mod export;
mod flows;
mod foreign_audio;
mod guests;
mod health;
mod input;
mod keeping;
mod mailboxes;
mod messages;
mod metrics;
mod narrow;
mod notes;
mod people;
mod process;
mod prompts;
mod quarantine;
mod recordings;
mod selftest;
mod simulate;
mod sources;
mod status;
mod syncs;
mod telephone;
mod tokens;
mod toml_body;
mod traces;
mod upstreams;
mod verdicts;
mod voice_metrics;
mod work_metrics;
mod written_agents;

pub(super) use config::ask as ask_settings;
pub(super) use input::stamp as input_stamp;
pub(super) use keeping::{look as look_at_keeping, views as storages};
pub(super) use people::{Refusal, own_password, stamp};
pub(super) use prompts::{
    all as prompts, put_back as put_prompt_back, receive, take as take_prompt, too_large,
};
pub(super) use recordings::send as send_recording;
pub(super) use tokens::{after_days, make_token, token_list};
pub(super) use traces::Told;
pub(super) use upstreams::carry_on;
pub(super) use verdicts::judge;
pub(super) use written_agents::{PasswordWish, card, cards, take_out, write};

use super::dialects;
use super::pages;
use super::people::Scope;
use super::porch::{FORM_BYTES, MAX_TEXT_BYTES, MAX_UPLOAD_BYTES};
use super::reception::Reception;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, post, put};
use std::sync::Arc;

/// The state of every handler.
pub(super) type Shared = axum::extract::State<Arc<Reception>>;

/// One address and method, and the scope it needs.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) method: Method,
    pub(super) scope: Scope,
    pub(super) handler: MethodRouter<Arc<Reception>>,
}

/// The routes of the configuration.
fn of_settings() -> Vec<Route> {
    let route = |method, path, handler: MethodRouter<Arc<Reception>>| Route {
        path,
        method,
        scope: Scope::ConfigWrite,
        handler: handler.layer(DefaultBodyLimit::max(MAX_TEXT_BYTES)),
    };
    vec![
        route(Method::GET, "/api/v1/config", get(config::show)),
        route(Method::PUT, "/api/v1/config", put(config::replace)),
        route(Method::POST, "/api/v1/config/check", post(config::check)),
        route(Method::POST, "/api/v1/config/diff", post(config::diff)),
        route(Method::POST, "/api/v1/config/reload", post(config::reload)),
        route(Method::POST, "/api/v1/config/confirm", post(config::confirm)),
        route(Method::GET, "/api/v1/config/history", get(config::history)),
        route(Method::GET, "/api/v1/config/history/{id}", get(config::version)),
        route(
            Method::POST,
            "/api/v1/config/history/{id}/return",
            post(config::go_back),
        ),
        route(Method::GET, "/api/v1/flows", get(flows::list)),
        route(Method::GET, "/api/v1/flows/{name}", get(flows::show)),
        route(Method::PUT, "/api/v1/flows/{name}", put(flows::replace)),
        route(Method::DELETE, "/api/v1/flows/{name}", delete(flows::remove)),
        route(Method::POST, "/api/v1/flows/{name}/check", post(flows::check)),
        route(Method::POST, "/api/v1/flows/{name}/diff", post(flows::diff)),
        route(Method::POST, "/api/v1/simulate", post(simulate::run)),
        route(Method::GET, "/settings", get(pages::settings)),
        route(Method::GET, "/assets/settings.js", get(pages::settings_script)),
    ]
}

/// Every route behind the guard.
pub(super) fn table() -> Vec<Route> {
    let mut table = of_settings();
    table.extend(of_the_rest());
    table
}

fn of_the_rest() -> Vec<Route> {
    let read = |path, scope, handler| Route {
        path,
        method: Method::GET,
        scope,
        handler,
    };
    let act = |path, scope, handler| Route {
        path,
        method: Method::POST,
        scope,
        handler,
    };
    vec![
        read("/api/v1/status", Scope::CallsRead, get(status::show)),
        read("/api/v1/calls", Scope::CallsRead, get(calls::list)),
        read("/api/v1/calls/{id}", Scope::CallsRead, get(calls::show)),
        read("/api/v1/calls/{id}/ladder", Scope::CdrRead, get(traces::ladder)),
        read("/api/v1/calls/{id}/verdict", Scope::CdrRead, get(verdicts::show)),
        read("/api/v1/calls/{id}/pcap", Scope::CdrRead, get(traces::pcap)),
        act(
            "/api/v1/calls/{id}/hangup",
            Scope::CallsControl,
            post(calls::hang_up),
        ),
        act(
            "/api/v1/calls/{id}/transfer",
            Scope::CallsControl,
            post(calls::transfer),
        ),
        act("/api/v1/calls/{id}/hold", Scope::CallsControl, post(calls::hold)),
        act(
            "/api/v1/calls/{id}/resume",
            Scope::CallsControl,
            post(calls::resume),
        ),
        act(
            "/api/v1/calls/{id}/record",
            Scope::CallsControl,
            post(calls::record),
        ),
        act(
            "/api/v1/calls/{id}/monitor",
            Scope::CallsControl,
            post(guests::monitor),
        ),
        act("/api/v1/calls/{id}/join", Scope::CallsControl, post(guests::join)),
        read("/api/v1/mailboxes", Scope::CallsRead, get(mailboxes::list)),
        act(
            "/api/v1/mailboxes/{name}/heard",
            Scope::CallsControl,
            post(mailboxes::heard),
        ),
        read("/api/v1/messages", Scope::CdrRead, get(messages::list)),
        read("/api/v1/messages/{id}", Scope::CdrRead, get(messages::show)),
        act(
            "/api/v1/messages/{id}",
            Scope::CallsControl,
            post(messages::change),
        ),
        Route {
            path: "/api/v1/messages/{id}",
            method: Method::DELETE,
            scope: Scope::CallsControl,
            handler: delete(messages::remove),
        },
        read(
            "/api/v1/messages/{id}/audio",
            Scope::CdrRead,
            get(messages::audio),
        ),
        read(
            "/api/v1/messages/{id}/transcript",
            Scope::CdrRead,
            get(messages::transcript),
        ),
        Route {
            path: "/api/v1/messages/{id}/transcript",
            method: Method::PUT,
            scope: Scope::CallsControl,
            handler: put(messages::write_down),
        },
        read("/api/v1/cdrs", Scope::CdrRead, get(cdrs::list)),
        read("/api/v1/cdrs/export", Scope::CdrRead, get(export::stream)),
        read("/api/v1/cdrs/{id}", Scope::CdrRead, get(cdrs::show)),
        read("/api/v1/cdrs/{id}/events", Scope::CdrRead, get(notes::events)),
        act("/api/v1/cdrs/{id}/notes", Scope::CallsControl, post(notes::add)),
        read("/api/v1/consumers", Scope::CdrRead, get(consumers::list)),
        act(
            "/api/v1/consumers/{name}/ack",
            Scope::CdrAck,
            post(consumers::acknowledge),
        ),
        act(
            "/api/v1/consumers/{name}/seek",
            Scope::Admin,
            post(consumers::seek),
        ),
        Route {
            path: "/api/v1/consumers/{name}",
            method: Method::DELETE,
            scope: Scope::Admin,
            handler: delete(consumers::forget),
        },
        read("/api/v1/upstreams", Scope::CdrRead, get(upstreams::list)),
        read("/api/v1/upstreams/{name}", Scope::CdrRead, get(upstreams::show)),
        read(
            "/api/v1/upstreams/{name}/proof",
            Scope::CdrRead,
            get(upstreams::proof),
        ),
        act(
            "/api/v1/upstreams/{name}/replay",
            Scope::ConfigWrite,
            post(upstreams::replay),
        ),
        act(
            "/api/v1/upstreams/{name}/retry",
            Scope::ConfigWrite,
            post(upstreams::retry),
        ),
        read(
            "/api/v1/upstreams/{name}/parked",
            Scope::CdrRead,
            get(upstreams::parked),
        ),
        act(
            "/api/v1/upstreams/{name}/parked/retry",
            Scope::ConfigWrite,
            post(upstreams::retry_parked),
        ),
        act(
            "/api/v1/upstreams/{name}/parked/drop",
            Scope::ConfigWrite,
            post(upstreams::drop_parked),
        ),
        read("/api/v1/recordings", Scope::CdrRead, get(recordings::list)),
        read(
            "/api/v1/recordings/retention",
            Scope::CdrRead,
            get(keeping::preview),
        ),
        act(
            "/api/v1/recordings/retention/run",
            Scope::Admin,
            post(keeping::run),
        ),
        read("/api/v1/storages", Scope::CdrRead, get(keeping::storages)),
        act(
            "/api/v1/storages/{name}/retry",
            Scope::ConfigWrite,
            post(keeping::retry),
        ),
        act(
            "/api/v1/storages/{name}/test",
            Scope::ConfigWrite,
            post(keeping::test),
        ),
        read(
            "/api/v1/recordings/{id}",
            Scope::CdrRead,
            get(recordings::download),
        ),
        Route {
            path: "/api/v1/recordings/{id}",
            method: Method::DELETE,
            scope: Scope::Admin,
            handler: delete(evidence::remove),
        },
        act(
            "/api/v1/recordings/{id}/redact",
            Scope::Admin,
            post(evidence::redact),
        ),
        act(
            "/api/v1/recordings/{id}/hold",
            Scope::ConfigWrite,
            post(evidence::hold),
        ),
        act(
            "/api/v1/recordings/{id}/release",
            Scope::Admin,
            post(evidence::release),
        ),
        act(
            "/api/v1/recordings/{id}/rekey",
            Scope::Admin,
            post(evidence::rekey),
        ),
        read(
            "/api/v1/recordings/{id}/history",
            Scope::CdrRead,
            get(evidence::history),
        ),
        read("/api/v1/recordings/verify", Scope::CdrRead, get(evidence::audit)),
        act(
            "/api/v1/recordings/verify",
            Scope::ConfigWrite,
            post(evidence::begin_audit),
        ),
        read("/api/v1/agents", Scope::CallsRead, get(agents::list)),
        read("/api/v1/agents/{id}", Scope::CallsRead, get(agents::show)),
        act(
            "/api/v1/agents/{id}/state",
            Scope::AgentsState,
            post(agents::set_state),
        ),
        act("/api/v1/agents", Scope::AgentsWrite, post(written_agents::create)),
        Route {
            path: "/api/v1/agents/{id}",
            method: Method::PUT,
            scope: Scope::AgentsWrite,
            handler: put(written_agents::update),
        },
        Route {
            path: "/api/v1/agents/{id}",
            method: Method::DELETE,
            scope: Scope::AgentsWrite,
            handler: delete(written_agents::remove),
        },
        act(
            "/api/v1/agents/{id}/password",
            Scope::AgentsWrite,
            post(written_agents::set_password),
        ),
        read("/api/v1/selftest", Scope::CallsRead, get(selftest::show)),
        act("/api/v1/selftest", Scope::ConfigWrite, post(selftest::begin)),
        read("/api/v1/audit", Scope::Admin, get(audit::list)),
        read("/api/v1/audit/verify", Scope::Admin, get(audit::verify)),
        read("/api/v1/users", Scope::Admin, get(people::list)),
        act("/api/v1/users", Scope::Admin, post(people::add)),
        read("/api/v1/users/{name}", Scope::Admin, get(people::show)),
        Route {
            path: "/api/v1/users/{name}",
            method: Method::PUT,
            scope: Scope::Admin,
            handler: put(people::change),
        },
        Route {
            path: "/api/v1/users/{name}",
            method: Method::DELETE,
            scope: Scope::Admin,
            handler: delete(people::remove),
        },
        act(
            "/api/v1/users/{name}/password",
            Scope::Admin,
            post(people::set_password),
        ),
        read("/api/v1/sessions", Scope::Admin, get(people::sessions)),
        Route {
            path: "/api/v1/sessions/{id}",
            method: Method::DELETE,
            scope: Scope::Admin,
            handler: delete(people::end_session),
        },
        read("/api/v1/tokens", Scope::Admin, get(tokens::list)),
        act("/api/v1/tokens", Scope::Admin, post(tokens::make)),
        Route {
            path: "/api/v1/tokens/{id}",
            method: Method::DELETE,
            scope: Scope::Admin,
            handler: delete(tokens::revoke),
        },
        read("/api/v1/me", Scope::Known, get(people::me)),
        act(
            "/api/v1/me/password",
            Scope::Known,
            post(people::change_own_password),
        ),
        read("/api/v1/me/sessions", Scope::Known, get(people::own_sessions)),
        Route {
            path: "/api/v1/me/sessions/{id}",
            method: Method::DELETE,
            scope: Scope::Known,
            handler: delete(people::end_own_session),
        },
        read("/api/v1/prompts", Scope::CallsRead, get(prompts::list)),
        read(
            "/api/v1/prompts/{language}/{name}",
            Scope::CallsRead,
            get(prompts::show),
        ),
        Route {
            path: "/api/v1/prompts/{language}/{name}",
            method: Method::PUT,
            scope: Scope::ConfigWrite,
            handler: put(prompts::upload).layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES + FORM_BYTES)),
        },
        Route {
            path: "/api/v1/prompts/{language}/{name}",
            method: Method::DELETE,
            scope: Scope::ConfigWrite,
            handler: delete(prompts::remove),
        },
        read(
            "/api/v1/prompts/{language}/{name}/audio",
            Scope::CallsRead,
            get(prompts::audio),
        ),
        read("/api/v1/bans", Scope::CallsRead, get(bans::list)),
        Route {
            path: "/api/v1/bans/{address}",
            method: Method::DELETE,
            scope: Scope::ConfigWrite,
            handler: delete(bans::lift),
        },
        read("/api/v1/cdr/sources", Scope::ConfigWrite, get(sources::list)),
        act("/api/v1/cdr/sources", Scope::ConfigWrite, post(sources::create)),
        read("/api/v1/cdr/sources/{id}", Scope::ConfigWrite, get(sources::show)),
        Route {
            path: "/api/v1/cdr/sources/{id}",
            method: Method::PUT,
            scope: Scope::ConfigWrite,
            handler: put(sources::update),
        },
        Route {
            path: "/api/v1/cdr/sources/{id}",
            method: Method::DELETE,
            scope: Scope::ConfigWrite,
            handler: delete(sources::remove),
        },
        read(
            "/api/v1/cdr/sources/{id}/history",
            Scope::ConfigWrite,
            get(sources::history),
        ),
        act(
            "/api/v1/cdr/sources/{id}/sync",
            Scope::ConfigWrite,
            post(sources::sync_one),
        ),
        act(
            "/api/v1/cdr/sources/{id}/test",
            Scope::ConfigWrite,
            post(sources::test),
        ),
        act("/api/v1/cdr/sync", Scope::ConfigWrite, post(sources::sync)),
        read("/api/v1/cdr/schedule", Scope::ConfigWrite, get(sources::schedule)),
        read("/api/v1/cdr/sync/logs", Scope::CdrRead, get(syncs::list)),
        read("/api/v1/cdr/sync/logs/{id}", Scope::CdrRead, get(syncs::show)),
        read("/api/v1/cdr/sync/stats", Scope::CdrRead, get(syncs::stats)),
        read("/api/v1/cdr/quarantine", Scope::CdrRead, get(syncs::quarantine)),
        read(
            "/api/v1/cdr/quarantine/{id}",
            Scope::CdrRead,
            get(quarantine::show),
        ),
        Route {
            path: "/api/v1/cdr/quarantine/{id}",
            method: Method::DELETE,
            scope: Scope::ConfigWrite,
            handler: delete(quarantine::discard),
        },
        act(
            "/api/v1/cdr/quarantine/{id}/retry",
            Scope::ConfigWrite,
            post(quarantine::retry),
        ),
        act(
            "/api/v1/cdr/quarantine/retry",
            Scope::ConfigWrite,
            post(quarantine::retry_all),
        ),
        act(
            "/api/v1/cdr/quarantine/discard",
            Scope::ConfigWrite,
            post(quarantine::discard_all),
        ),
        act(
            "/api/v1/upstreams/{name}/enable",
            Scope::ConfigWrite,
            post(destinations::enable),
        ),
        act(
            "/api/v1/upstreams/{name}/accept-key",
            Scope::ConfigWrite,
            post(destinations::accept_key),
        ),
        read("/metrics", Scope::CallsRead, get(metrics::show)),
        read("/", Scope::CallsRead, get(pages::now)),
        read("/now.json", Scope::CallsRead, get(pages::now_json)),
        read("/assets/now.js", Scope::CallsRead, get(pages::now_script)),
        read("/calls", Scope::CdrRead, get(pages::calls)),
        read("/admin/callcenter", Scope::CdrRead, get(pages::calls)),
        read("/assets/journal.js", Scope::CdrRead, get(pages::journal_script)),
        read("/calls/{id}", Scope::CdrRead, get(pages::call)),
        read("/calls/messages", Scope::CdrRead, get(pages::messages)),
        act("/calls/messages", Scope::CallsControl, post(pages::mark_message)),
        read("/calls/sync", Scope::CdrRead, get(pages::sync)),
        read("/calls/quarantine", Scope::CdrRead, get(pages::quarantine)),
        act(
            "/calls/quarantine/retry",
            Scope::ConfigWrite,
            post(pages::retry_quarantine),
        ),
        act(
            "/calls/quarantine/discard",
            Scope::ConfigWrite,
            post(pages::discard_quarantine),
        ),
        read("/phones", Scope::CallsRead, get(pages::phones)),
        read("/phones.json", Scope::CallsRead, get(pages::phones_json)),
        read("/phones/agents/new", Scope::AgentsWrite, get(pages::new_agent)),
        read("/phones/agents/{id}", Scope::AgentsWrite, get(pages::agent)),
        act("/phones/agents", Scope::AgentsWrite, post(pages::save_agent)),
        read("/phones/agents/{id}/sheet", Scope::AgentsWrite, get(pages::sheet)),
        act(
            "/phones/agents/{id}/password",
            Scope::AgentsWrite,
            post(pages::renew_password),
        ),
        act(
            "/phones/agents/{id}/remove",
            Scope::AgentsWrite,
            post(pages::remove_agent),
        ),
        read("/prompts", Scope::CallsRead, get(pages::prompts)),
        Route {
            path: "/prompts/upload",
            method: Method::POST,
            scope: Scope::ConfigWrite,
            handler: post(pages::upload_prompt).layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES + FORM_BYTES)),
        },
        act("/prompts/delete", Scope::ConfigWrite, post(pages::delete_prompt)),
        read("/delivery", Scope::CdrRead, get(pages::delivery)),
        read("/people", Scope::Known, get(pages::people)),
        act("/people", Scope::Admin, post(pages::change_people)),
        act("/people/me", Scope::Known, post(pages::change_me)),
        read("/calls/cron.json", Scope::CdrRead, get(pages::explain_cron)),
        act("/calls/sync/start", Scope::ConfigWrite, post(pages::start_sync)),
        act("/calls/sync/test", Scope::ConfigWrite, post(pages::test_source)),
        act("/calls/sync/save", Scope::ConfigWrite, post(pages::save_source)),
        act(
            "/calls/sync/remove",
            Scope::ConfigWrite,
            post(pages::remove_source),
        ),
        read("/graphql", Scope::CdrRead, get(dialects::answer_get)),
        act("/graphql", Scope::CdrRead, post(dialects::answer)),
        read("/assets/graphql.js", Scope::CdrRead, get(pages::graphql_script)),
        act("/language", Scope::Known, post(pages::choose_language)),
        act("/logout", Scope::Known, post(pages::log_out)),
    ]
}

/// The few routes that need no token: whether the box is well, and the way in.
pub(super) fn open() -> Vec<(&'static str, MethodRouter<Arc<Reception>>)> {
    vec![
        ("/health", get(health::show)),
        ("/sip", get(telephone::open)),
        ("/provision/{code}", get(pages::provision)),
        ("/login", get(pages::login).post(pages::log_in)),
        ("/claim", post(pages::claim)),
        ("/assets/callpost.css", get(pages::stylesheet)),
        ("/assets/callpost.svg", get(pages::icon)),
    ]
}
