use super::porch::MAX_BODY_BYTES;
use super::reception::Reception;
use super::routes::{Route, open, table};
use super::{Faces, dialects, guard, porch, witness};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use std::sync::Arc;

/// One route, for the documentation and for the tests that try every door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFacts {
    /// The method.
    pub method: Method,
    /// The path; `{id}` stands for an identity.
    pub path: &'static str,
    /// The scope it needs.
    pub scope: String,
}

/// Every route that wants a token, a session or another proof.
pub fn routes() -> Vec<RouteFacts> {
    let facts = |route: Route| RouteFacts {
        method: route.method,
        path: route.path,
        scope: route.scope.to_string(),
    };
    table().into_iter().chain(dialects::routes()).map(facts).collect()
}

/// The API and the pages as one service. Everything but the open routes stands behind the guard.
pub fn router(faces: Faces) -> Router {
    build(Arc::new(Reception::new(faces)))
}

/// The same around what is shared already.
pub(super) fn build(reception: Arc<Reception>) -> Router {
    let mut guarded = Router::new().fallback(nothing_here);
    for Route {
        path,
        method,
        scope,
        handler,
    } in table()
    {
        let handler = witness::watch(&reception, &method, path, handler);
        let handler = handler.layer(from_fn(move |visitor, request, next| {
            guard::require(scope, visitor, request, next)
        }));
        guarded = guarded.route(path, handler);
    }
    let guarded = guarded.layer(from_fn_with_state(Arc::clone(&reception), guard::admit));
    let mut all = guarded;
    for (path, handler) in open() {
        all = all.route(path, handler);
    }
    for Route {
        path,
        method,
        handler,
        ..
    } in dialects::routes()
    {
        let handler = witness::watch(&reception, &method, path, handler);
        all = all.route(path, handler);
    }
    all.layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(&reception), porch::porch))
        .with_state(reception)
}

async fn nothing_here() -> impl IntoResponse {
    super::problem::Problem::of_status(StatusCode::NOT_FOUND)
}
