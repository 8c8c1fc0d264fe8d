//! One file a kind of destination. To add one: write the file, then its line in [`Kind`], in [`Sink`] and in
//! the two matches.

mod file;
mod webhook;

use super::{Config, Kind};
use crate::store::{Clock, OutboxItem};
use std::time::Duration;

/// Says what the forwarder should do next; the cause rides inside for the log and the status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Keep the record and those behind it, and try again later.
    #[error("{reason}")]
    TryLater {
        /// What went wrong, in plain words.
        reason: String,
        /// How long the destination asked to be left alone.
        asked: Option<Duration>,
    },
    /// The destination will not take this record; after a few more tries it is parked and the others go on.
    #[error("{0}")]
    Refused(String),
}

impl DeliveryError {
    fn later(reason: impl ToString) -> Self {
        Self::TryLater {
            reason: reason.to_string(),
            asked: None,
        }
    }
}

/// A destination, ready to be delivered to.
#[derive(Debug)]
pub(super) enum Sink {
    Webhook(webhook::Webhook),
    File(file::File),
}

impl Sink {
    /// Builds the sink of a section; the reason when the section is wrong.
    pub(super) fn build(config: &Config, clock: &Clock) -> Result<Self, String> {
        match config.kind {
            Kind::Webhook => webhook::Webhook::new(config, clock.clone()).map(Self::Webhook),
            Kind::File => file::File::new(config).map(Self::File),
        }
    }

    /// Delivers one record and waits until it is acknowledged.
    pub(super) async fn deliver(&mut self, item: &OutboxItem) -> Result<(), DeliveryError> {
        match self {
            Self::Webhook(sink) => sink.deliver(item).await,
            Self::File(sink) => sink.deliver(item).await,
        }
    }
}
