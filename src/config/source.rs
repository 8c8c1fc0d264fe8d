use super::{Mistake, Place};
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration text and the environment variables laid over it.
///
/// A value from a variable is given a span beyond the end of the text, so that every value of the merged tables
/// tells by its span alone where it came from.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, or what stands for it in messages.
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Names and values of `CALLPOST__…`.
    pub(super) variables: Vec<(String, String)>,
}

impl Source {
    /// A file that no variables are laid over.
    pub(super) fn file(path: PathBuf, text: String) -> Self {
        Self {
            path,
            text,
            variables: Vec::new(),
        }
    }

    /// The tables of the text, or everything that is no TOML in it.
    pub(super) fn parse(&self) -> Result<DeTable<'_>, Vec<Mistake>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            return Ok(table.into_inner());
        }
        Err(errors
            .into_iter()
            .map(|error| self.syntax_mistake(&error))
            .collect())
    }

    /// Where a value with this span came from.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        if let Some((name, _)) = self.variable(span) {
            return Place::Variable(name.clone());
        }
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        Place::Line(self.path.clone(), before.matches('\n').count() + 1)
    }

    /// The variable a span stands for.
    pub(super) fn variable(&self, span: &Range<usize>) -> Option<&(String, String)> {
        let index = span.start.checked_sub(self.first_variable())?;
        self.variables.get(index)
    }

    /// The span that stands for a variable.
    pub(super) fn span_of_variable(&self, index: usize) -> Range<usize> {
        let start = self.first_variable() + index;
        start..start
    }

    fn first_variable(&self) -> usize {
        self.text.len() + 1
    }

    fn syntax_mistake(&self, error: &toml::de::Error) -> Mistake {
        let span = error.span().unwrap_or(0..0);
        let problem = error.message().replace('\n', ", ");
        let cure = "write `key = value`, texts in \"quotes\", lists in [ ], tables under [name]".to_owned();
        Mistake {
            place: self.place(&span),
            key: String::new(),
            problem: format!("is no TOML: {problem}"),
            cure,
        }
    }
}

/// Gives a value and everything in it this span.
pub(super) fn with_span<'v>(value: DeValue<'v>, span: &Range<usize>) -> Spanned<DeValue<'v>> {
    let value = match value {
        DeValue::Array(items) => DeValue::Array(
            items
                .into_iter()
                .map(|item| with_span(item.into_inner(), span))
                .collect(),
        ),
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, item)| {
                    (
                        Spanned::new(span.clone(), key.into_inner()),
                        with_span(item.into_inner(), span),
                    )
                })
                .collect(),
        ),
        plain @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => plain,
    };
    Spanned::new(span.clone(), value)
}
