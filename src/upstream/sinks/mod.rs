//! One file a kind of destination. To add one: write the file with its `Section` (the keys) and its sink, then its
//! line in [`Kind`](super::Kind), in [`Target`], in [`Sink`] and in each `match`.

pub(super) mod file;
#[cfg_attr(
    not(all(feature = "nats", feature = "postgres", feature = "mqtt")),
    allow(dead_code, reason = "a build without some destinations needs less of it")
)]
mod line;
pub(super) mod mqtt;
pub(super) mod nats;
#[cfg_attr(
    not(all(feature = "nats", feature = "postgres", feature = "mqtt")),
    allow(dead_code, reason = "a build without some destinations needs less of it")
)]
mod outcome;
pub(super) mod postgres;
pub(super) mod syslog;
pub(super) mod webhook;

use super::{Config, Delivered, Kind, Target};
use crate::egress::Egress;
use crate::store::{Clock, OutboxItem};

/// What every sink may know of the box around it.
#[derive(Debug, Clone)]
pub struct SinkContext {
    /// `[site] name`.
    pub site: String,
    /// The identity of this box: `Store::appliance_id`.
    pub appliance_id: String,
    /// The clocks.
    pub clock: Clock,
    /// The way out.
    pub egress: Egress,
}

/// Why a sink cannot be built, in plain words; the destination is then shown as in trouble and tried again later.
pub(crate) type Unready = String;

/// What is wrong with a destination whose kind this build does not have.
pub(super) const LEFT_OUT: &str = "was left out when this program was built";

/// Whether this build can deliver to this kind.
pub(super) fn is_built(kind: Kind) -> bool {
    match kind {
        Kind::Webhook | Kind::File | Kind::Syslog => true,
        Kind::Nats => cfg!(feature = "nats"),
        Kind::Postgres => cfg!(feature = "postgres"),
        Kind::Mqtt => cfg!(feature = "mqtt"),
    }
}

/// A destination, ready to be delivered to.
#[derive(Debug)]
pub struct Sink(OfKind);

#[derive(Debug)]
enum OfKind {
    Webhook(Box<webhook::Webhook>),
    File(file::File),
    #[cfg(feature = "nats")]
    Nats(Box<nats::Nats>),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
    #[cfg(feature = "mqtt")]
    Mqtt(Box<mqtt::Mqtt>),
    Syslog(Box<syslog::Syslog>),
}

impl Sink {
    /// Builds the sink of a section. Nothing is connected to yet.
    ///
    /// # Errors
    /// When a key is wrong or the kind is not in this build.
    pub fn build(config: &Config, context: &SinkContext) -> Result<Self, Unready> {
        let of_kind = match &config.target {
            Target::Webhook(section) => {
                let sink = webhook::Webhook::new(&config.name, section, context)?;
                OfKind::Webhook(Box::new(sink))
            }
            Target::File(section) => OfKind::File(file::File::new(section, context)?),
            #[cfg(feature = "nats")]
            Target::Nats(section) => {
                let sink = nats::Nats::new(&config.name, section, context)?;
                OfKind::Nats(Box::new(sink))
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(section) => {
                let sink = postgres::Postgres::new(&config.name, section, context)?;
                OfKind::Postgres(Box::new(sink))
            }
            #[cfg(feature = "mqtt")]
            Target::Mqtt(section) => {
                let sink = mqtt::Mqtt::new(&config.name, section, context)?;
                OfKind::Mqtt(Box::new(sink))
            }
            #[cfg(not(feature = "nats"))]
            Target::Nats(_) => return Err(LEFT_OUT.to_owned()),
            #[cfg(not(feature = "postgres"))]
            Target::Postgres(_) => return Err(LEFT_OUT.to_owned()),
            #[cfg(not(feature = "mqtt"))]
            Target::Mqtt(_) => return Err(LEFT_OUT.to_owned()),
            Target::Syslog(section) => {
                let sink = syslog::Syslog::new(&config.name, section, context)?;
                OfKind::Syslog(Box::new(sink))
            }
        };
        Ok(Self(of_kind))
    }

    /// The most records it takes at a time, from 1.
    pub fn batch(&self) -> usize {
        match &self.0 {
            OfKind::Webhook(sink) => sink.batch(),
            OfKind::File(sink) => sink.batch(),
            #[cfg(feature = "nats")]
            OfKind::Nats(sink) => sink.batch(),
            #[cfg(feature = "postgres")]
            OfKind::Postgres(sink) => sink.batch(),
            #[cfg(feature = "mqtt")]
            OfKind::Mqtt(sink) => sink.batch(),
            OfKind::Syslog(sink) => sink.batch(),
        }
    }

    /// Delivers these records, at most [`Sink::batch`] and at least one, in their order, and waits until each is
    /// acknowledged or not.
    pub async fn deliver(&mut self, items: &[OutboxItem]) -> Delivered {
        match &mut self.0 {
            OfKind::Webhook(sink) => sink.deliver(items).await,
            OfKind::File(sink) => sink.deliver(items).await,
            #[cfg(feature = "nats")]
            OfKind::Nats(sink) => sink.deliver(items).await,
            #[cfg(feature = "postgres")]
            OfKind::Postgres(sink) => sink.deliver(items).await,
            #[cfg(feature = "mqtt")]
            OfKind::Mqtt(sink) => sink.deliver(items).await,
            OfKind::Syslog(sink) => sink.deliver(items).await,
        }
    }
}
