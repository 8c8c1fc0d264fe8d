use super::client::{Ask, Client, Trouble, Way};
use crate::egress::{self, Egress};
use serde::Serialize;
use std::time::{Duration, Instant};

/// One step on the way to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which one.
    pub step: StepName,
    /// Whether it went well; `None` when an earlier one failed, or when it does not apply.
    pub ok: Option<bool>,
    /// How long it took, in ms.
    pub ms: u64,
    /// What was found: an address, a count, or the trouble.
    pub detail: String,
    /// What to do about the trouble.
    pub cure: Option<String>,
}

/// The steps in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The name has an address.
    Dns,
    /// Something listens there.
    Tcp,
    /// It proves who it is.
    Tls,
    /// It lets us in.
    Auth,
    /// It has a record we can read.
    Record,
}

/// The longest for one step.
const STEP: Duration = Duration::from_secs(15);

/// Goes the way to one record step by step and stops at the first that fails. `now` reads the monotonic clock.
pub(crate) async fn probe(
    egress: &Egress,
    way: &Way,
    client: Result<Client, String>,
    ask: Ask,
    now: fn() -> Instant,
) -> Vec<Step> {
    let mut walk = Walk {
        steps: Vec::new(),
        now,
        failed: false,
    };
    let (url, author) = (&way.url, way.author);
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(443);

    let found = walk.go(StepName::Dns, egress.resolve(&host, port, author)).await;
    walk.tell(found.as_ref().map(|all| {
        let all: Vec<String> = all.iter().map(|address| address.ip().to_string()).collect();
        format!("{host} is {}", all.join(", "))
    }), "Check the host name in apiUrl and the box's DNS server; an address of a private network has to be allowed in `[egress] allow`.");

    let stream = walk.go(StepName::Tcp, egress.connect(&host, port, author)).await;
    walk.tell(
        stream.as_ref().map(|_stream| format!("port {port} answers")),
        "Check the port in apiUrl, that the PBX is on, and that no firewall stands between.",
    );

    if url.scheme() == "http" {
        walk.pass_over(StepName::Tls, "plain http: nothing is encrypted");
    } else {
        let hand = stream.ok();
        let shaken = walk
            .go(StepName::Tls, async {
                match hand {
                    Some(stream) => egress.tls(stream, &host, &way.trust).await.map(|_stream| ()),
                    None => Err(egress::Trouble::Unreachable("no connection".to_owned())),
                }
            })
            .await;
        walk.tell(
            shaken.as_ref().map(|()| "the certificate is valid".to_owned()),
            "The certificate must be valid for this host name and signed by a known authority; the box's clock must be right.",
        );
    }

    let page = walk
        .go(StepName::Auth, async {
            match client {
                Ok(client) => client.page(ask).await,
                Err(reason) => Err(Trouble::Lasting { reason, status: None }),
            }
        })
        .await;
    let refused = matches!(
        &page,
        Err(Trouble::Lasting {
            status: Some(401 | 403),
            ..
        })
    );
    let let_in = match &page {
        Ok(_) => Ok("the PBX lets us in".to_owned()),
        Err(trouble) if refused => Err(trouble.reason().to_owned()),
        Err(trouble @ Trouble::Passing { .. }) => Err(trouble.reason().to_owned()),
        Err(trouble @ Trouble::Lasting { .. }) => Ok(format!("no refusal, but: {}", trouble.reason())),
    };
    let cure = if refused {
        "Check apiKey, and whether the PBX lets this box's address in."
    } else {
        "Try again in a minute; the PBX has trouble of its own."
    };
    walk.tell(let_in, cure);

    let record = match &page {
        Ok(page) => Ok(match (page.rows.first(), page.bad.first()) {
            (Some(_), _) => "a record was read".to_owned(),
            (None, Some(bad)) => format!("a record came that cannot be taken over: {}", bad.reason),
            (None, None) => "no record in the range that was asked for; that can be right".to_owned(),
        }),
        Err(trouble) => Err(trouble.reason().to_owned()),
    };
    walk.go_told(
        StepName::Record,
        record,
        "Check the path in apiUrl and the domain: this address answers, but not with call records.",
    );
    walk.steps
}

struct Walk {
    steps: Vec<Step>,
    now: fn() -> Instant,
    failed: bool,
}

impl Walk {
    /// Takes one step, with its time; nothing is tried after a failure.
    async fn go<T, E: From<StepError>>(
        &mut self,
        step: StepName,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let begun = (self.now)();
        let result = if self.failed {
            Err(E::from(StepError("not tried")))
        } else {
            match tokio::time::timeout(STEP, work).await {
                Ok(result) => result,
                Err(_) => Err(E::from(StepError("no answer within 15 seconds"))),
            }
        };
        let ms = (self.now)().saturating_duration_since(begun).as_millis();
        self.steps.push(Step {
            step,
            ok: None,
            ms: u64::try_from(ms).unwrap_or(u64::MAX),
            detail: String::new(),
            cure: None,
        });
        result
    }

    /// Says how the last step went.
    fn tell<E: std::fmt::Display>(&mut self, outcome: Result<String, E>, cure: &str) {
        let failed = self.failed;
        let Some(step) = self.steps.last_mut() else { return };
        if failed {
            step.detail = "not tried".to_owned();
            return;
        }
        match outcome {
            Ok(detail) => {
                step.ok = Some(true);
                step.detail = detail;
            }
            Err(reason) => {
                step.ok = Some(false);
                step.detail = reason.to_string();
                step.cure = Some(cure.to_owned());
                self.failed = true;
            }
        }
    }

    fn go_told<E: std::fmt::Display>(&mut self, step: StepName, outcome: Result<String, E>, cure: &str) {
        self.pass_over(step, "");
        self.tell(outcome, cure);
    }

    fn pass_over(&mut self, step: StepName, why: &str) {
        let detail = if self.failed { "not tried" } else { why };
        self.steps.push(Step {
            step,
            ok: None,
            ms: 0,
            detail: detail.to_owned(),
            cure: None,
        });
    }
}

/// A step that was not taken, or not in time.
struct StepError(&'static str);

impl From<StepError> for egress::Trouble {
    fn from(error: StepError) -> Self {
        Self::Unreachable(error.0.to_owned())
    }
}

impl From<StepError> for Trouble {
    fn from(error: StepError) -> Self {
        Self::Passing {
            reason: error.0.to_owned(),
            asked: None,
        }
    }
}
