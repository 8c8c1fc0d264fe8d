//! `POST /graphql` and `GET /graphql`: the operations of an older call-centre's interface (seed 0), so that its pages
//! and programs only change their address.
//!
//! Each operation asks for its own scope, besides `cdr:read`, which the route asks for. A question is bounded in
//! depth, breadth and size before anything is looked up.

mod input;
mod mutation;
mod query;
mod record;
mod scalar;
mod source;
mod trouble;

use crate::http::people::Visitor;
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::Shared;
use crate::http::witness::OnlyAsked;
use async_graphql::parser::types::OperationType;
use async_graphql::{EmptySubscription, Request, Schema};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};

/// Deepest nesting; the question a tool asks to learn the schema needs 13.
const MAX_DEPTH: usize = 15;
/// Most fields, each field of a list counted for several rows.
const MAX_COMPLEXITY: usize = 1_000;
/// Most directives on one field.
const MAX_DIRECTIVES: usize = 8;

type Operations = Schema<query::Query, mutation::Mutation, EmptySubscription>;

/// Made when somebody first asks, so that a box nobody asks pays nothing for it.
static SCHEMA: LazyLock<Operations> = LazyLock::new(|| {
    Schema::build(query::Query, mutation::Mutation, EmptySubscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .limit_directives(MAX_DIRECTIVES)
        .finish()
});

/// `POST /graphql`: a query or a mutation as JSON, `{"query":…,"operationName":…,"variables":{…}}`.
pub(in crate::http) async fn answer(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !is_json(&headers) {
        let cure = "Send the question as `Content-Type: application/json`.";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            cure,
        ));
    }
    let mistake = |error: serde_json::Error| Problem::bad_request(format!("The body: {error}."));
    let mut request: Request = serde_json::from_slice(&body).map_err(mistake)?;
    let only_asks = !changes(&mut request);
    let mut answer = execute(reception, visitor, request).await;
    if only_asks {
        answer.extensions_mut().insert(OnlyAsked);
    }
    Ok(answer)
}

/// Whether it is anything but a query.
fn changes(request: &mut Request) -> bool {
    request.parsed_query().is_ok_and(|document| {
        let mut operations = document.operations.iter();
        operations.any(|(_, operation)| operation.node.ty != OperationType::Query)
    })
}

/// `GET /graphql?query=…`: a query alone, since nothing changes by GET; without one, a browser is shown the page to
/// ask from.
pub(in crate::http) async fn answer_get(
    State(reception): Shared,
    Extension(visitor): Extension<Visitor>,
    chosen: crate::http::pages::Chosen,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = uri.query().unwrap_or_default();
    if asked.is_empty() && wants_a_page(&headers) {
        return Ok(crate::http::pages::graphql(&reception, chosen, &visitor));
    }
    let mistake = |error| Problem::bad_request(format!("The query: {error}."));
    let mut request = async_graphql::http::parse_query_string(asked).map_err(mistake)?;
    if request.query.is_empty() {
        return Err(Problem::bad_request("`query` is missing."));
    }
    if changes(&mut request) {
        let mut refusal = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
        let allowed = HeaderValue::from_static(Method::POST.as_str());
        refusal.headers_mut().insert(header::ALLOW, allowed);
        return Ok(refusal);
    }
    Ok(execute(reception, visitor, request).await)
}

async fn execute(reception: Arc<Reception>, visitor: Visitor, request: Request) -> Response {
    let request = request.data(reception).data(visitor);
    Json(SCHEMA.execute(request).await).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE);
    let essence = kind.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/graphql-response+json"]
        .iter()
        .any(|json| essence.eq_ignore_ascii_case(json))
}

fn wants_a_page(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT).contains("text/html")
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S0-008: the schema is what other programs were written against; a change of it is seen here.
    #[test]
    fn the_operations_are_those_that_were_promised() {
        insta::assert_snapshot!(SCHEMA.sdl());
    }
}
