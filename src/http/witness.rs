//! Writes down who changed, saw and heard what, before they get their answer.

use super::people::Visitor;
use super::reception::Reception;
use super::serve::Peer;
use crate::store::{AuditDid, AuditNote, AuditWay};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A player fetches a file in many parts: within this time they are one listening.
const ONE_LISTENING: Duration = Duration::from_secs(15 * 60);
/// Listenings remembered for that. Full: the oldest is forgotten, and its next part is written down again.
const MOST_LISTENINGS: usize = 256;
/// Longest address of a request that is written down, in characters.
const MAX_WHAT: usize = 300;

/// An answer carries this when its request turned out to be a question alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnlyAsked;

/// What was done, where the address of the request does not say it; an answer carries it.
#[derive(Debug, Clone)]
pub(super) struct Deed(pub(super) String);

/// What has been heard a moment ago.
#[derive(Debug, Default)]
pub(super) struct Listenings(VecDeque<(Instant, String)>);

impl Listenings {
    /// Whether this one is new; it is remembered then.
    fn begin(&mut self, now: Instant, who_what: String) -> bool {
        let is_old = |begun: Instant| now.saturating_duration_since(begun) >= ONE_LISTENING;
        self.0.retain(|(begun, _)| !is_old(*begun));
        if self.0.iter().any(|(_, known)| *known == who_what) {
            return false;
        }
        if self.0.len() >= MOST_LISTENINGS {
            self.0.pop_front();
        }
        self.0.push_back((now, who_what));
        true
    }

    fn forget(&mut self, who_what: &str) {
        self.0.retain(|(_, known)| known != who_what);
    }
}

/// Has everything that is done by this route written down, where it is of a kind that is.
pub(super) fn watch(
    reception: &Arc<Reception>,
    method: &Method,
    path: &str,
    handler: MethodRouter<Arc<Reception>>,
) -> MethodRouter<Arc<Reception>> {
    match kind(method, path) {
        None => handler,
        Some(did) => handler.layer(from_fn_with_state((Arc::clone(reception), did), note)),
    }
}

/// What a request to this route does. A reader's acknowledgement and a person's choice of language change nothing for
/// anybody else.
fn kind(method: &Method, path: &str) -> Option<AuditDid> {
    if method != Method::GET {
        let is_own = matches!(path, "/api/v1/consumers/{name}/ack" | "/language");
        return (!is_own).then_some(AuditDid::Changed);
    }
    match path {
        "/api/v1/recordings/{id}" | "/api/v1/messages/{id}/audio" | "/recordings/{*path}" => {
            Some(AuditDid::Heard)
        }
        "/api/v1/messages/{id}/transcript" | "/api/v1/calls/{id}/ladder" | "/api/v1/calls/{id}/pcap" => {
            Some(AuditDid::Read)
        }
        "/api/v1/cdrs/export" => Some(AuditDid::Exported),
        _ => None,
    }
}

async fn note(
    State((reception, did)): State<(Arc<Reception>, AuditDid)>,
    request: Request,
    next: Next,
) -> Response {
    let is_look = request.method() == Method::HEAD;
    let mut note = to_note(&reception, did, &request);
    let response = next.run(request).await;
    if let Some(Deed(deed)) = response.extensions().get() {
        note.what = format!("{} ({deed})", note.what).chars().take(MAX_WHAT).collect();
    }
    let went_well = response.status().is_success() || response.status().is_redirection();
    if is_look || !went_well || response.extensions().get::<OnlyAsked>().is_some() {
        return response;
    }
    match did {
        AuditDid::Heard | AuditDid::Read => {
            let listening = format!("{} {}", note.by, note.what);
            if !reception
                .listenings()
                .begin(reception.faces.outside.now(), listening.clone())
            {
                return response;
            }
            // Nobody listens without a trace.
            match reception.note_deed(note).await {
                Ok(()) => response,
                Err(problem) => {
                    reception.listenings().forget(&listening);
                    problem.into_response()
                }
            }
        }
        AuditDid::Exported => match reception.note_deed(note).await {
            Ok(()) => response,
            Err(problem) => problem.into_response(),
        },
        AuditDid::Changed | AuditDid::LoggedIn => {
            note_done(&reception, note).await;
            response
        }
    }
}

/// Writes down what has happened already. Without room for it, the log has it.
async fn note_done(reception: &Reception, note: AuditNote) {
    let AuditNote { by, what, .. } = note.clone();
    if reception.note_deed(note).await.is_err() {
        tracing::error!(by, what, "The audit log could not take this: {what} by {by}.");
    }
}

/// Somebody has begun a session by this address of ours.
pub(super) async fn logged_in(reception: &Reception, name: &str, by: &str, peer: Option<&Peer>) {
    let note = AuditNote {
        at: reception.faces.outside.wall(),
        by: name.to_owned(),
        way: AuditWay::Page,
        from: peer.map(|Peer(address)| address.ip().to_string()),
        did: AuditDid::LoggedIn,
        what: by.to_owned(),
    };
    note_done(reception, note).await;
}

fn to_note(reception: &Reception, did: AuditDid, request: &Request) -> AuditNote {
    let visitor = request.extensions().get::<Visitor>();
    let peer = request.extensions().get::<Peer>();
    // A dialect lets in by itself, by its own key.
    let way = visitor.map_or(AuditWay::Key, |visitor| visitor.way);
    // Which records were exported stands in the query; elsewhere it may hold a key.
    let query = request.uri().query().filter(|_| did == AuditDid::Exported);
    let path = request.uri().path();
    let what = match query {
        Some(query) => format!("{} {path}?{query}", request.method()),
        None => format!("{} {path}", request.method()),
    };
    AuditNote {
        at: reception.faces.outside.wall(),
        by: visitor.map_or_else(|| "pull".to_owned(), |visitor| visitor.name.clone()),
        way,
        from: peer.map(|Peer(address)| address.ip().to_string()),
        did,
        what: what.chars().take(MAX_WHAT).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn the_parts_of_a_file_are_one_listening() {
        let mut listenings = Listenings::default();
        let now = Instant::now();
        let after = |minutes: u64| now + Duration::from_secs(minutes * 60);
        assert!(listenings.begin(now, "ali a".to_owned()));
        assert!(!listenings.begin(after(14), "ali a".to_owned()));
        assert!(listenings.begin(after(14), "mona a".to_owned()));
        assert!(listenings.begin(after(15), "ali a".to_owned()));
        for n in 0..1000 {
            listenings.begin(after(16), n.to_string());
        }
        assert_eq!(listenings.0.len(), MOST_LISTENINGS);
    }

    #[test]
    fn whatever_changes_something_for_others_is_written_down() {
        for (method, path, did) in [
            (Method::DELETE, "/api/v1/bans/{address}", Some(AuditDid::Changed)),
            (Method::POST, "/graphql", Some(AuditDid::Changed)),
            (Method::POST, "/api/v1/consumers/{name}/ack", None),
            (Method::GET, "/api/v1/cdrs", None),
            (Method::GET, "/api/v1/recordings/{id}", Some(AuditDid::Heard)),
        ] {
            assert_eq!(kind(&method, path), did, "{method} {path}");
        }
    }
}
