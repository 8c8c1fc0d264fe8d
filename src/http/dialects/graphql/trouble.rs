use crate::http::people::{Scope, Visitor};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use async_graphql::{Context, Error, ErrorExtensions};
use std::sync::Arc;

/// The appliance, as every operation sees it.
pub(super) fn reception<'a>(context: &Context<'a>) -> &'a Arc<Reception> {
    context.data_unchecked::<Arc<Reception>>()
}

/// Who asks, for the history of what is changed.
pub(super) fn author<'a>(context: &Context<'a>) -> &'a str {
    &context.data_unchecked::<Visitor>().name
}

/// Lets only those go on who may do this.
pub(super) fn require(context: &Context<'_>, scope: Scope) -> Result<(), Error> {
    if context.data_unchecked::<Visitor>().may(scope) {
        return Ok(());
    }
    Err(coded("forbidden", &format!("This needs the scope `{scope}`.")))
}

/// A problem of the API as an error of this dialect: the same word and the same sentence, which say nothing of the
/// inside.
pub(super) fn told(problem: Problem) -> Error {
    coded(problem.code(), problem.detail())
}

/// An error with a word for programs.
pub(super) fn coded(code: &'static str, sentence: &str) -> Error {
    Error::new(sentence).extend_with(|_, extensions| extensions.set("code", code))
}
