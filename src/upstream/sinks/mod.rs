//! One file a kind of destination. To add one: write the file with its `Section` (the keys) and its sink, then its
//! line in [`Kind`](super::Kind), in [`Target`], in [`Sink`] and in each `match`.

pub(super) mod file;
pub(super) mod webhook;

use super::{Config, Delivered, Target};
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
pub(super) type Unready = String;

/// A destination, ready to be delivered to.
#[derive(Debug)]
pub(super) enum Sink {
    Webhook(Box<webhook::Webhook>),
    File(file::File),
}

impl Sink {
    /// Builds the sink of a section. Nothing is connected to yet.
    pub(super) fn build(config: &Config, context: &SinkContext) -> Result<Self, Unready> {
        match &config.target {
            Target::Webhook(section) => {
                let sink = webhook::Webhook::new(&config.name, section, context)?;
                Ok(Self::Webhook(Box::new(sink)))
            }
            Target::File(section) => file::File::new(section, context).map(Self::File),
        }
    }

    /// The most records it takes at a time, from 1.
    pub(super) fn batch(&self) -> usize {
        match self {
            Self::Webhook(sink) => sink.batch(),
            Self::File(sink) => sink.batch(),
        }
    }

    /// Delivers these records, at most [`Sink::batch`] and at least one, in their order, and waits until each is
    /// acknowledged or not.
    pub(super) async fn deliver(&mut self, items: &[OutboxItem]) -> Delivered {
        match self {
            Self::Webhook(sink) => sink.deliver(items).await,
            Self::File(sink) => sink.deliver(items).await,
        }
    }
}
