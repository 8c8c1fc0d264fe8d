use crate::store::OutboxItem;
use crate::upstream::{Delivered, Setback, Verdict};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// The most of an answer's body that is read, for its result and so that the connection can be used again.
const LARGEST_BODY: usize = 64 * 1024;
/// However slowly the rest comes, the status stands.
const BODY_TIME: Duration = Duration::from_secs(1);

/// What an answer means for the records of the message.
pub(super) async fn judge(mut answer: Response, items: &[OutboxItem], unix_ms: i64) -> Delivered {
    let status = answer.status();
    let setback = Setback {
        reason: format!("the receiver answered {status}"),
        code: Some(status.as_u16()),
        asked: retry_after(&answer, unix_ms),
    };
    let body = tokio::time::timeout(BODY_TIME, read_body(&mut answer)).await;
    match status {
        _ if status.is_success() => match body {
            Ok(Some(body)) if items.len() > 1 => each(&body, items),
            Ok(_) | Err(_) => Delivered::all(items.len()),
        },
        StatusCode::GONE => Delivered::Gone(setback),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Delivered::OneByOne(setback)
        }
        _other => Delivered::BackOff(setback),
    }
}

/// The whole body when it is short enough, read as far as it may be.
async fn read_body(answer: &mut Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        if body.len() + piece.len() > LARGEST_BODY {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// What a receiver may say about each record of a batch. Without it all were taken.
#[derive(Debug, Deserialize)]
struct Result {
    accepted: Option<BTreeSet<String>>,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    id: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    permanent: bool,
}

fn each(body: &[u8], items: &[OutboxItem]) -> Delivered {
    match serde_json::from_slice::<Result>(body) {
        Ok(result) if result.accepted.is_some() || !result.rejected.is_empty() => {
            Delivered::Each(items.iter().map(|item| verdict(&result, item)).collect())
        }
        Ok(_) | Err(_) => Delivered::all(items.len()),
    }
}

/// A record is named by its delivery's identity, or by its own.
fn verdict(result: &Result, item: &OutboxItem) -> Verdict {
    let delivery = item.delivery_id();
    let is_it = |id: &str| id == delivery || id == item.cdr_id;
    if let Some(rejected) = result.rejected.iter().find(|rejected| is_it(&rejected.id)) {
        let words: String = rejected
            .reason
            .chars()
            .filter(|letter| !letter.is_control())
            .take(200)
            .collect();
        let setback = Setback::new(format!("the receiver rejected it: {words}"));
        return if rejected.permanent {
            Verdict::Never(setback)
        } else {
            Verdict::Refused(setback)
        };
    }
    match &result.accepted {
        Some(accepted) if !accepted.iter().any(|id| is_it(id)) => {
            Verdict::TryLater(Setback::new("the receiver's answer does not name it"))
        }
        Some(_) | None => Verdict::Done,
    }
}

/// Seconds or a date (RFC 9110 §10.2.3). A date is measured from the answer's own Date, because our clock may be
/// wrong.
fn retry_after(answer: &Response, unix_ms: i64) -> Option<Duration> {
    let text = header(answer, RETRY_AFTER)?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(text)?.as_millisecond();
    let now = header(answer, DATE)
        .and_then(date)
        .map_or(unix_ms, |now| now.as_millisecond());
    Some(Duration::from_millis(
        u64::try_from(until.saturating_sub(now)).unwrap_or(0),
    ))
}

fn header(answer: &Response, name: HeaderName) -> Option<&str> {
    answer.headers().get(name)?.to_str().ok().map(str::trim)
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}
