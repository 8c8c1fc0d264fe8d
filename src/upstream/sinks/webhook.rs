use super::DeliveryError;
use crate::store::{Clock, OutboxItem};
use crate::upstream::Config;
use crate::upstream::signature::{Key, signatures};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use std::error::Error;
use std::time::Duration;

/// Posts each record as JSON, with the headers of Standard Webhooks. A 2xx is the acknowledgement; its body
/// says nothing.
#[derive(Debug)]
pub(in crate::upstream) struct Webhook {
    url: Url,
    keys: Vec<Key>,
    clock: Clock,
    /// Made for the first record: an idle box carries no certificates in its memory.
    client: Option<Client>,
}

const CONNECTING: Duration = Duration::from_secs(10);
const WHOLE_EXCHANGE: Duration = Duration::from_secs(20);
/// What follows the status of an answer is read only so that the connection can be used again.
const TAIL_BYTES: usize = 64 * 1024;
const TAIL_TIME: Duration = Duration::from_secs(1);

impl Webhook {
    pub(super) fn new(config: &Config, clock: Clock) -> Result<Self, String> {
        Ok(Self {
            url: config.checked_url()?,
            keys: config.keys()?,
            clock,
            client: None,
        })
    }

    pub(super) async fn deliver(&mut self, item: &OutboxItem) -> Result<(), DeliveryError> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.client.insert(build(&self.url)?).clone(),
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
        let answer = request
            .body(body)
            .send()
            .await
            .map_err(|error| DeliveryError::later(in_plain_words(error)))?;
        let verdict = judge(&answer);
        // However the rest of the answer fares, its status stands.
        let _ = tokio::time::timeout(TAIL_TIME, read_tail(answer)).await;
        verdict
    }
}

fn build(url: &Url) -> Result<Client, DeliveryError> {
    let mut builder = Client::builder()
        .user_agent(concat!("callpost/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTING)
        .timeout(WHOLE_EXCHANGE)
        .pool_max_idle_per_host(1);
    if url.scheme() == "http" {
        // No certificate is ever looked at, so a box without any can post all the same.
        builder = builder.tls_certs_only([]);
    }
    builder
        .build()
        .map_err(|error| DeliveryError::later(in_plain_words(error)))
}

fn judge(answer: &Response) -> Result<(), DeliveryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = format!("the receiver answered {status}");
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Err(DeliveryError::Refused(reason))
        }
        _other => Err(DeliveryError::TryLater {
            reason,
            asked: retry_after(answer),
        }),
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

/// The innermost cause says most; the URL is left out because its query may hold a key.
fn in_plain_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}
