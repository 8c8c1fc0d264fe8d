mod section;
mod signature;

pub(in crate::upstream) use section::Section;

use super::{SinkContext, Unready};
use crate::egress::{Author, Egress, Times, Trust, in_plain_words};
use crate::store::{Clock, OutboxItem};
use crate::upstream::{Delivered, Setback, Verdict};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use signature::{Key, signatures};
use std::time::Duration;

/// Posts each record as JSON, with the headers of Standard Webhooks. A 2xx is the acknowledgement; its body
/// says nothing.
#[derive(Debug)]
pub(in crate::upstream) struct Webhook {
    url: Url,
    keys: Vec<Key>,
    times: Times,
    trust: Trust,
    clock: Clock,
    egress: Egress,
    /// Made for the first record: an idle box carries no certificates in its memory.
    client: Option<Client>,
}

/// What follows the status of an answer is read only so that the connection can be used again.
const TAIL_BYTES: usize = 64 * 1024;
const TAIL_TIME: Duration = Duration::from_secs(1);

impl Webhook {
    pub(super) fn new(name: &str, section: &Section, context: &SinkContext) -> Result<Self, Unready> {
        Ok(Self {
            url: section.checked_url()?,
            keys: section.keys()?,
            times: section.times(),
            trust: section.trust(name)?,
            clock: context.clock.clone(),
            egress: context.egress.clone(),
            client: None,
        })
    }

    pub(super) fn batch(&self) -> usize {
        1
    }

    pub(super) async fn deliver(&mut self, items: &[OutboxItem]) -> Delivered {
        let mut verdicts = Vec::new();
        for item in items {
            match self.post(item).await {
                Delivered::Each(one) => verdicts.extend(one),
                whole @ (Delivered::OneByOne(_) | Delivered::BackOff(_) | Delivered::Gone(_)) => {
                    return whole;
                }
            }
        }
        Delivered::Each(verdicts)
    }

    async fn post(&mut self, item: &OutboxItem) -> Delivered {
        let client = match self.client() {
            Ok(client) => client,
            Err(setback) => return Delivered::BackOff(setback),
        };
        let (id, body) = (item.delivery_id(), item.numbered_body());
        let unix_seconds = (self.clock.unix_ms)().div_euclid(1000);
        let mut request = client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", unix_seconds)
            .header("idempotency-key", &id);
        if !self.keys.is_empty() {
            request = request.header(
                "webhook-signature",
                signatures(&self.keys, &id, unix_seconds, &body),
            );
        }
        let answer = match request.body(body).send().await {
            Ok(answer) => answer,
            Err(error) => return Delivered::later(in_plain_words(error)),
        };
        let delivered = judge(&answer);
        // However the rest of the answer fares, its status stands.
        let _ = tokio::time::timeout(TAIL_TIME, read_tail(answer)).await;
        delivered
    }

    fn client(&mut self) -> Result<Client, Setback> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let client = self
            .egress
            .http_with(&self.url, Author::File, &self.trust, self.times)
            .map_err(Setback::new)?;
        Ok(self.client.insert(client).clone())
    }
}

fn judge(answer: &Response) -> Delivered {
    let status = answer.status();
    if status.is_success() {
        return Delivered::all(1);
    }
    let setback = Setback {
        reason: format!("the receiver answered {status}"),
        code: Some(status.as_u16()),
        asked: retry_after(answer),
    };
    match status {
        StatusCode::GONE => Delivered::Gone(setback),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Delivered::Each(vec![Verdict::Refused(setback)])
        }
        _other => Delivered::BackOff(setback),
    }
}

/// Seconds of Retry-After (RFC 9110 §10.2.3); a date is not worth trusting our clock for.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read_tail(mut answer: Response) {
    let mut left = TAIL_BYTES;
    while let Ok(Some(piece)) = answer.chunk().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}
