use super::answer::{Answer, read_answer};
use super::{local_time, page_url};
use crate::egress::{Author, Egress, Times, Trust, in_plain_words};
use crate::store::ApiKey;
use jiff::tz::TimeZone;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use std::time::Duration;

/// Asks one PBX for pages of call records.
#[derive(Debug, Clone)]
pub struct Client {
    url: Url,
    domain: String,
    api_key: ApiKey,
    zone: TimeZone,
    client: reqwest::Client,
    pace: Pace,
}

/// Where a PBX is, and whom to believe that it is it.
#[derive(Debug, Clone)]
pub struct Way {
    /// The address of its records.
    pub url: Url,
    /// Who wrote the address.
    pub author: Author,
    /// Whose certificates count.
    pub trust: Trust,
}

/// What one page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Begin of the range, in ms since 1970; inclusive.
    pub from_ms: i64,
    /// End of the range, in ms since 1970; inclusive.
    pub to_ms: i64,
    /// The most rows.
    pub limit: u32,
    /// How many rows to pass over.
    pub offset: u64,
}

/// How patient the client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The longest for one page, from the question to its last byte.
    pub page: Duration,
    /// The waits before a page is asked for again after a failure of the network, one a try.
    pub retries: Vec<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: Duration::from_secs(60),
            retries: [2, 8, 30].map(Duration::from_secs).to_vec(),
        }
    }
}

/// Why there is no page, in plain words and without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The network or the PBX had a bad moment: ask again, after `asked` when it said so.
    Passing {
        /// What happened.
        reason: String,
        /// Retry-After of the PBX.
        asked: Option<Duration>,
    },
    /// Asking again would bring the same.
    Lasting {
        /// What happened.
        reason: String,
        /// The status of the answer, when there was one.
        status: Option<u16>,
    },
}

impl Trouble {
    /// What happened.
    pub fn reason(&self) -> &str {
        match self {
            Self::Passing { reason, .. } | Self::Lasting { reason, .. } => reason,
        }
    }

    fn lasting(reason: impl Into<String>) -> Self {
        Self::Lasting {
            reason: reason.into(),
            status: None,
        }
    }

    fn passing(reason: impl Into<String>) -> Self {
        Self::Passing {
            reason: reason.into(),
            asked: None,
        }
    }
}

/// An answer has room for so much beside its rows, and so much a row.
const ANSWER_BYTES: usize = 64 * 1024;
const ROW_BYTES: usize = 8 * 1024;
/// The longest Retry-After that is waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);
/// So much of the PBX's own message is shown.
const MESSAGE: usize = 200;

impl Client {
    /// A client for one source.
    ///
    /// # Errors
    /// When the way out refuses the address.
    pub fn new(
        egress: &Egress,
        way: &Way,
        domain: &str,
        api_key: ApiKey,
        zone: TimeZone,
        pace: Pace,
    ) -> Result<Self, String> {
        let times = Times {
            answer: pace.page,
            ..Times::default()
        };
        let client = egress
            .http_with(&way.url, way.author, &way.trust, times)
            .map_err(|trouble| trouble.to_string())?;
        Ok(Self {
            client,
            url: way.url.clone(),
            domain: domain.to_owned(),
            api_key,
            zone,
            pace,
        })
    }

    /// The waits between tries.
    pub fn retries(&self) -> &[Duration] {
        &self.pace.retries
    }

    /// One page, asked for once.
    ///
    /// # Errors
    /// When there is none; the trouble says whether asking again helps.
    pub async fn page(&self, ask: Ask) -> Result<Answer, Trouble> {
        let url = page_url(
            &self.url,
            &self.domain,
            &local_time(ask.from_ms, &self.zone),
            &local_time(ask.to_ms, &self.zone),
            ask.limit,
            ask.offset,
        );
        let room = ANSWER_BYTES + ROW_BYTES * usize::try_from(ask.limit).unwrap_or(1);
        let whole = async {
            let mut request = self.client.get(url).header(ACCEPT, "application/json");
            if !self.api_key.is_empty() {
                request = request.bearer_auth(self.api_key.expose());
            }
            let answer = request
                .send()
                .await
                .map_err(|error| Trouble::passing(in_plain_words(error)))?;
            let status = answer.status();
            let asked = retry_after(&answer);
            let body = read_bounded(answer, room).await?;
            self.judge(status, asked, &body)
        };
        match tokio::time::timeout(self.pace.page, whole).await {
            Ok(result) => result,
            Err(_) => {
                let seconds = self.pace.page.as_secs_f32();
                Err(Trouble::passing(format!(
                    "the page was not complete within {seconds} s"
                )))
            }
        }
    }

    fn judge(&self, status: StatusCode, asked: Option<Duration>, body: &[u8]) -> Result<Answer, Trouble> {
        let answer = read_answer(body, self.api_key.expose());
        if !status.is_success() {
            let message = answer.ok().and_then(|answer| answer.message);
            return Err(self.refusal(status, asked, message));
        }
        let answer = answer.map_err(Trouble::lasting)?;
        match answer.status.as_deref() {
            Some("success") if answer.has_data => Ok(answer),
            Some("success") => Err(Trouble::lasting("the answer has no `data`")),
            Some(word) => {
                let said = self.quoted(answer.message.as_deref().unwrap_or(word));
                Err(Trouble::lasting(format!("the PBX says: {said}")))
            }
            None => Err(Trouble::lasting(
                "the answer has no `status`: this is no call record API",
            )),
        }
    }

    fn refusal(&self, status: StatusCode, asked: Option<Duration>, message: Option<String>) -> Trouble {
        let said = message
            .map(|message| format!(": {}", self.quoted(&message)))
            .unwrap_or_default();
        let reason = format!("the PBX answered {status}{said}");
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        if is_passing {
            return Trouble::Passing { reason, asked };
        }
        let cure = if status.is_redirection() {
            "; redirects are not followed, write the final address"
        } else {
            ""
        };
        Trouble::Lasting {
            reason: format!("{reason}{cure}"),
            status: Some(status.as_u16()),
        }
    }

    /// The PBX's own words: short, on one line, without the key.
    fn quoted(&self, message: &str) -> String {
        let key = self.api_key.expose();
        let message = if key.is_empty() {
            message.to_owned()
        } else {
            message.replace(key, "…")
        };
        message
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .take(MESSAGE)
            .collect()
    }

    /// A recording of the PBX, from the byte asked for. The answer's body is read by the caller.
    ///
    /// # Errors
    /// When the path leads elsewhere or the PBX does not answer.
    pub async fn recording(&self, path: &str, range: Option<&str>) -> Result<Response, Trouble> {
        let url = super::recording_url(&self.url, path).map_err(Trouble::lasting)?;
        let mut request = self.client.get(url);
        if let Some(range) = range {
            request = request.header(reqwest::header::RANGE, range);
        }
        if !self.api_key.is_empty() {
            request = request.bearer_auth(self.api_key.expose());
        }
        let answer = tokio::time::timeout(self.pace.page, request.send()).await;
        let answer = answer.map_err(|_late| Trouble::passing("the PBX did not answer in time"))?;
        answer.map_err(|error| Trouble::passing(in_plain_words(error)))
    }
}

/// Reads an answer up to a bound; what is longer is no page of call records.
async fn read_bounded(mut answer: Response, room: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() > room => {
                return Err(Trouble::lasting(format!(
                    "the answer is larger than {} kB; a smaller batch may help",
                    room / 1024
                )));
            }
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Trouble::passing(in_plain_words(error))),
        }
    }
}

/// Seconds of Retry-After (RFC 9110 §10.2.3), up to two minutes.
fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ASKED))
}
