use super::Shared;
use super::input::Params;
use super::narrow::Narrow;
use crate::http::paged_body::PagedBody;
use crate::http::problem::Problem;
use crate::model::csv;
use crate::store::{CdrFilter, Reader, StoreError};
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;

/// Records in memory at a time.
const PAGE: usize = 500;

/// The query of `GET /api/v1/cdrs/export`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    format: Option<String>,
    /// `latest` (each call once) or `all` (every version).
    versions: Option<String>,
    from: Option<String>,
    to: Option<String>,
    status: Option<String>,
    direction: Option<String>,
    number: Option<String>,
    number_match: Option<String>,
    agent: Option<String>,
    group: Option<String>,
    origin: Option<String>,
}

/// How the records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// RFC 4180 with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

impl Wanted {
    fn format(&self) -> Result<Format, Problem> {
        match self.format.as_deref() {
            None | Some("csv") => Ok(Format::Csv),
            Some("jsonl") => Ok(Format::Jsonl),
            Some(_) => Err(Problem::bad_request("`format` must be csv or jsonl.")),
        }
    }

    fn filter(&self) -> Result<CdrFilter, Problem> {
        let latest_only = match self.versions.as_deref() {
            None | Some("latest") => true,
            Some("all") => false,
            Some(_) => return Err(Problem::bad_request("`versions` must be latest or all.")),
        };
        let narrow = Narrow {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            status: self.status.as_deref(),
            direction: self.direction.as_deref(),
            number: self.number.as_deref(),
            number_match: self.number_match.as_deref(),
            agent: self.agent.as_deref(),
            group: self.group.as_deref(),
            origin: self.origin.as_deref(),
        };
        Ok(CdrFilter {
            limit: PAGE,
            latest_only,
            ..narrow.filter()?
        })
    }
}

/// `GET /api/v1/cdrs/export`: the records in ascending `seq` as a file, page by page, however many there are. Those
/// filed after it began are not in it.
pub(super) async fn stream(
    State(reception): Shared,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let format = wanted.format()?;
    let filter = wanted.filter()?;
    let bounds = reception.read(Reader::bounds).await?;
    let mut pages = Pages {
        reader: reception.faces.reader.clone(),
        filter,
        format,
        end: bounds.latest_seq,
        begun: false,
        done: false,
    };
    let body = PagedBody::new(move || pages.next());
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Jsonl => ("application/x-ndjson", "jsonl"),
    };
    let day = reception.faces.outside.wall().to_string();
    let day = day.get(..10).unwrap_or_default();
    let disposition = format!("attachment; filename=\"calls-{day}.{ending}\"");
    let response = Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_DISPOSITION, disposition)
        .body(Body::new(body));
    Ok(response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// The file as it is written.
struct Pages {
    reader: Reader,
    filter: CdrFilter,
    format: Format,
    /// The last record there was when it began.
    end: u64,
    begun: bool,
    done: bool,
}

impl Pages {
    /// The next piece of the file; nothing at its end.
    fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Csv {
            text.push_str(&csv::header());
        }
        let page = self.reader.cdrs(&self.filter)?;
        for (seq, cdr) in page.items.iter().filter(|(seq, _)| *seq <= self.end) {
            match self.format {
                Format::Csv => text.push_str(&csv::line(*seq, cdr)),
                Format::Jsonl => text.push_str(&json_line(*seq, cdr)?),
            }
        }
        self.done = !page.has_more || page.last_seq.is_none_or(|last| last >= self.end);
        self.filter.after = page.last_seq;
        Ok(Some(text.into()))
    }
}

/// A record as one line of JSON, its number first.
fn json_line(seq: u64, cdr: &crate::model::Cdr) -> Result<String, StoreError> {
    let json = serde_json::to_string(cdr)?;
    let rest = json.strip_prefix('{').unwrap_or(&json);
    Ok(format!("{{\"seq\":{seq},{rest}\n"))
}
