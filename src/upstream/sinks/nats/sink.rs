use super::{SCHEMES, Section};
use crate::egress::{Author, Trust};
use crate::store::OutboxItem;
use crate::upstream::Delivered;
use crate::upstream::sinks::line::{self, Address, CONNECTING, in_time};
use crate::upstream::sinks::outcome::Outcome;
use crate::upstream::sinks::{SinkContext, Unready};
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{ConnectOptions, Event, ServerAddr};
use std::error::Error as _;
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;

/// Records on their way at once.
const BATCH: usize = 256;
/// The longest an acknowledgement may take.
const ANSWERING: Duration = Duration::from_secs(10);

/// A destination of kind `nats`.
#[derive(Debug)]
pub(in crate::upstream) struct Nats {
    section: Section,
    address: Address,
    trust: Trust,
    subject: String,
    context: SinkContext,
    session: Option<Session>,
}

/// A connection to the server.
struct Session {
    jetstream: jetstream::Context,
    /// Why the connection is of no use any more, once it is not.
    ended: watch::Receiver<Option<String>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Session")
    }
}

impl Nats {
    pub(in crate::upstream) fn new(
        name: &str,
        section: &Section,
        context: &SinkContext,
    ) -> Result<Self, Unready> {
        let (address, _) =
            Address::parse(&section.url, &SCHEMES).map_err(|problem| format!("url {problem}"))?;
        let trust = line::trust(name, section.ca_file.as_deref(), section.tls_pin.as_deref())?;
        Ok(Self {
            subject: line::fill(&section.subject, context),
            section: section.clone(),
            address,
            trust,
            context: context.clone(),
            session: None,
        })
    }

    pub(in crate::upstream) fn batch(&self) -> usize {
        BATCH
    }

    /// Publishes them all, in order, and waits for the stream's acknowledgement of each.
    pub(in crate::upstream) async fn deliver(&mut self, batch: &[OutboxItem]) -> Delivered {
        let outcome = match self.try_deliver(batch).await {
            Ok(outcome) => outcome,
            Err(reason) => Outcome::nothing(reason),
        };
        if outcome.is_troubled() {
            self.session = None;
        }
        outcome.delivered()
    }

    async fn try_deliver(&mut self, batch: &[OutboxItem]) -> Result<Outcome, String> {
        let session = match self.session.take().filter(Session::is_alive) {
            Some(session) => session,
            None => in_time(CONNECTING, "no connection in time", self.connect()).await?,
        };
        let session = self.session.insert(session);
        let (stream, subject) = (&self.section.stream, &self.subject);
        let outcome = session.publish(stream, subject, batch).await;
        if outcome.is_without_stream && self.section.create_stream {
            make_stream(&session.jetstream, &self.section).await?;
            return Ok(session.publish(stream, subject, batch).await.outcome);
        }
        Ok(outcome.outcome)
    }

    async fn connect(&self) -> Result<Session, String> {
        let address = &self.address;
        let places = self
            .context
            .egress
            .resolve(&address.host, address.port, Author::File)
            .await
            .map_err(|refused| refused.to_string())?;
        let servers = if self.speaks_tls() {
            // By its name, which the server may choose its certificate by. The library looks the name up once more: what
            // it finds then has to prove the same name before it hears anything.
            let host = match address.host.contains(':') {
                true => format!("[{}]", address.host),
                false => address.host.clone(),
            };
            vec![server(&format!("{host}:{}", address.port))?]
        } else {
            places.iter().map(server).collect::<Result<Vec<_>, _>>()?
        };
        let (say, ended) = watch::channel(None);
        let client = self
            .options(servers.len(), say)?
            .connect(servers)
            .await
            .map_err(|error| innermost(&error))?;
        let jetstream = jetstream::ContextBuilder::new().timeout(ANSWERING).build(client);
        Ok(Session { jetstream, ended })
    }

    fn is_secure(&self) -> bool {
        self.address.scheme == "tls"
    }

    /// A server on this machine needs none, and the certificates of the system are not read for it.
    fn speaks_tls(&self) -> bool {
        self.is_secure() || !self.address.is_loopback()
    }

    fn options(&self, servers: usize, say: watch::Sender<Option<String>>) -> Result<ConnectOptions, String> {
        let appliance = line::fill("{appliance}", &self.context);
        let mut options = ConnectOptions::new()
            .name(format!("callpost {}", self.context.site))
            .custom_inbox_prefix(format!("_INBOX.{appliance}"))
            .connection_timeout(CONNECTING)
            .ignore_discovered_servers()
            .max_reconnects(servers)
            .client_capacity(BATCH)
            .read_buffer_capacity(4096)
            .event_callback(move |event| {
                if let Some(reason) = end_of(&event) {
                    say.send_if_modified(|known| known.is_none() && known.replace(reason).is_none());
                }
                async {}
            });
        if self.speaks_tls() {
            let settings = self.context.egress.tls_config(&self.address.host, &self.trust);
            let verified = settings.map_err(|trouble| trouble.to_string())?;
            options = options
                .tls_client_config((*verified).clone())
                .require_tls(self.is_secure());
        }
        let section = &self.section;
        if let (Some(user), Some(password)) = (&section.user, &section.password) {
            options = options.user_and_password(user.clone(), password.expose().to_owned());
        }
        if let Some(token) = &section.token {
            options = options.token(token.expose().to_owned());
        }
        if let Some(seed) = &section.nkey {
            options = options.nkey(seed.expose().to_owned());
        }
        if let Some(text) = &section.credentials {
            options = options
                .credentials(text.expose())
                .map_err(|error| format!("the credentials cannot be read: {error}"))?;
        }
        Ok(options)
    }
}

fn server(place: &impl fmt::Display) -> Result<ServerAddr, String> {
    format!("nats://{place}")
        .parse()
        .map_err(|error| format!("{place} is no address of a server: {error}"))
}

/// Why a connection is of no use after this event.
fn end_of(event: &Event) -> Option<String> {
    match event {
        Event::Disconnected | Event::Closed => Some("the connection broke".to_owned()),
        Event::LameDuckMode | Event::Draining => Some("the server is shutting down".to_owned()),
        Event::ServerError(error) => Some(format!("the server says: {error}")),
        Event::Connected | Event::SlowConsumer(_) | Event::ClientError(_) => None,
    }
}

/// What became of a batch, and whether the stream itself was missing.
struct Published {
    outcome: Outcome,
    is_without_stream: bool,
}

impl Session {
    fn is_alive(&self) -> bool {
        self.ended.borrow().is_none()
    }

    async fn publish(&mut self, stream: &str, subject: &str, batch: &[OutboxItem]) -> Published {
        let mut outcome = Outcome::default();
        let mut under_way = Vec::with_capacity(batch.len());
        let mut unsent = None;
        for item in batch {
            match self.send(stream, subject, item).await {
                Ok(acknowledgement) => under_way.push(Ok(acknowledgement)),
                Err(error) if matches!(error.kind(), PublishErrorKind::MaxPayloadExceeded) => {
                    under_way.push(Err(innermost(&error)));
                }
                Err(error) => {
                    unsent = Some(innermost(&error));
                    break;
                }
            }
        }
        for acknowledgement in under_way {
            let result = match acknowledgement {
                Ok(acknowledgement) => self.wait_for(acknowledgement).await,
                Err(too_large) => Err(Answer::Refused(too_large)),
            };
            match result {
                Ok(()) => outcome.done(),
                Err(Answer::Refused(reason)) => outcome.never(reason),
                Err(Answer::NoStream) => {
                    outcome.stop(format!("no stream takes the subject {subject}"));
                    return Published {
                        outcome,
                        is_without_stream: true,
                    };
                }
                Err(Answer::Trouble(reason)) => {
                    outcome.stop(reason);
                    return Published {
                        outcome,
                        is_without_stream: false,
                    };
                }
            }
        }
        if let Some(reason) = unsent {
            outcome.stop(reason);
        }
        Published {
            outcome,
            is_without_stream: false,
        }
    }

    async fn send(
        &self,
        stream: &str,
        subject: &str,
        item: &OutboxItem,
    ) -> Result<PublishAckFuture, PublishError> {
        let message = PublishMessage::build()
            .payload(item.numbered_body().into())
            .message_id(item.delivery_id())
            .expected_stream(stream);
        self.jetstream.send_publish(subject.to_owned(), message).await
    }

    /// The end of the connection is the end of waiting: what was not acknowledged by then goes out again.
    async fn wait_for(&mut self, acknowledgement: PublishAckFuture) -> Result<(), Answer> {
        tokio::select! {
            biased;
            result = acknowledgement.into_future() => result.map(|_| ()).map_err(|error| Answer::of(&error)),
            ended = self.ended.wait_for(Option::is_some) => {
                let reason = ended.ok().and_then(|reason| reason.clone());
                Err(Answer::Trouble(reason.unwrap_or_else(|| "the connection broke".to_owned())))
            }
        }
    }
}

/// Anything but an acknowledgement.
enum Answer {
    /// This record is never taken.
    Refused(String),
    /// No stream listens to the subject.
    NoStream,
    /// Nothing is taken now.
    Trouble(String),
}

impl Answer {
    fn of(error: &PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NoStream,
            PublishErrorKind::MaxPayloadExceeded => Self::Refused(innermost(error)),
            PublishErrorKind::TimedOut => Self::Trouble("no acknowledgement in time".to_owned()),
            PublishErrorKind::BrokenPipe => Self::Trouble("the connection broke".to_owned()),
            PublishErrorKind::Other
            | PublishErrorKind::WrongLastMessageId
            | PublishErrorKind::WrongLastSequence
            | PublishErrorKind::MaxAckPending => {
                let told = error
                    .source()
                    .and_then(|cause| cause.downcast_ref::<jetstream::Error>());
                match told.map(jetstream::Error::error_code) {
                    Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM) => {
                        Self::Refused("the stream takes no message of this size".to_owned())
                    }
                    Some(ErrorCode::STREAM_NOT_MATCH) => Self::Trouble(
                        "the subject belongs to another stream than the configured one".to_owned(),
                    ),
                    _other => Self::Trouble(innermost(error)),
                }
            }
        }
    }
}

/// Makes the stream; that it is there already, made the same way, is as good. When it is full it takes nothing more
/// instead of dropping old records: what it does not take stays in the boxes.
async fn make_stream(jetstream: &jetstream::Context, section: &Section) -> Result<(), String> {
    let config = stream::Config {
        name: section.stream.clone(),
        subjects: section.stream_subjects.clone(),
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        duplicate_window: Duration::from_secs(section.dedupe_minutes.saturating_mul(60)),
        ..stream::Config::default()
    };
    match jetstream.create_stream(config).await {
        Ok(_stream) => {
            tracing::info!(stream = %section.stream, "Stream {} was made.", section.stream);
            Ok(())
        }
        Err(error) => Err(format!(
            "stream {} cannot be made: {}",
            section.stream,
            innermost(&error)
        )),
    }
}

/// The innermost cause says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}
