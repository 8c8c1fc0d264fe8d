use super::frame::{Frame, Here};
use super::render;
use super::words::{Chosen, Words};
use crate::http::people::Visitor;
use crate::http::reception::Reception;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Template)]
#[template(path = "graphql.html", config = "src/http/askama.toml")]
struct GraphqlPage<'a> {
    w: &'static Words,
    frame: Frame<'a>,
    example: &'static str,
}

/// A question to begin with.
const EXAMPLE: &str = "query {
  getCallCenterRecords(pagination: { page: 1, limit: 10 }) {
    items { id direction callerIdNumber destinationNumber callStatus duration billsec }
    pagination { currentPage totalPages totalItems }
  }
}";

/// The page to ask GraphQL questions from; nothing on it comes from anywhere else.
pub(in crate::http) fn graphql(reception: &Reception, Chosen(words): Chosen, visitor: &Visitor) -> Response {
    let page = GraphqlPage {
        w: words,
        frame: Frame::new(reception, words, Some(visitor), Here::Elsewhere, "/graphql"),
        example: EXAMPLE,
    };
    render(StatusCode::OK, &page)
}
