use super::door::Inside;
use super::people::{Scope, Scopes, Visitor, same_origin};
use super::problem::Problem;
use super::reception::Reception;
use crate::store::AuditWay;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

/// Lets nobody past who has not shown a token or a session. Stands before every route but the open ones, unknown
/// addresses and wrong methods included, so a stranger cannot even learn which routes there are.
pub(super) async fn admit(
    State(reception): State<Arc<Reception>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(inside) = request.extensions().get::<Inside>() {
        let visitor = Visitor {
            name: format!("uid {}", inside.uid),
            way: AuditWay::Command,
            scopes: Scopes::ALL,
        };
        request.extensions_mut().insert(visitor);
        return next.run(request).await;
    }
    let visitor = match reception.visitor(request.headers()).await {
        Ok(visitor) => visitor,
        Err(refusal) if wants_a_page(&request) && refusal.code() == "unauthorized" => {
            return Redirect::to("/login").into_response();
        }
        Err(refusal) => return refusal.into_response(),
    };
    if is_forged(request.method(), request.headers()) {
        let why = "A request that changes something must come from a page of this box, or carry a token.";
        return Problem::new(StatusCode::FORBIDDEN, "foreign_origin", why).into_response();
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// Lets only those past who may do this.
pub(super) async fn require(
    scope: Scope,
    Extension(visitor): Extension<Visitor>,
    request: Request,
    next: Next,
) -> Response {
    if !visitor.may(scope) {
        let why = format!("This needs the scope `{scope}`.");
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", why).into_response();
    }
    next.run(request).await
}

/// Whether a foreign page may have sent this with our visitor's cookie. A token is never sent by accident.
fn is_forged(method: &Method, headers: &HeaderMap) -> bool {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    changes && !headers.contains_key(header::AUTHORIZATION) && !same_origin(headers)
}

/// Whether a person is looking: a browser asking for a page, not a program asking for data.
fn wants_a_page(request: &Request) -> bool {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let browser = accept.is_some_and(|accept| accept.contains("text/html"));
    browser && request.method() == Method::GET && !request.uri().path().starts_with("/api/")
}
