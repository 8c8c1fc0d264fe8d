use super::session::Session;
use super::{SCHEMES, Section};
use crate::egress::Trust;
use crate::store::OutboxItem;
use crate::upstream::sinks::line::{self, Address, CONNECTING, in_time};
use crate::upstream::sinks::{SinkContext, Unready};
use crate::upstream::{Delivered, Verdict};
use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::Publish;
use std::collections::BTreeMap;

/// Records handed to the connection at a time.
const BATCH: usize = 128;

/// A destination of kind `mqtt`.
#[derive(Debug)]
pub(in crate::upstream) struct Mqtt {
    section: Section,
    address: Address,
    trust: Trust,
    context: SinkContext,
    topic: String,
    session: Option<Session>,
    ids: PacketIds,
}

impl Mqtt {
    pub(in crate::upstream) fn new(
        name: &str,
        section: &Section,
        context: &SinkContext,
    ) -> Result<Self, Unready> {
        let (address, _) =
            Address::parse(&section.url, &SCHEMES).map_err(|problem| format!("url {problem}"))?;
        let trust = line::trust(name, section.ca_file.as_deref(), section.tls_pin.as_deref())?;
        Ok(Self {
            topic: line::fill(&section.topic, context),
            section: section.clone(),
            address,
            trust,
            context: context.clone(),
            session: None,
            ids: PacketIds::default(),
        })
    }

    pub(in crate::upstream) fn batch(&self) -> usize {
        BATCH
    }

    /// Publishes them in order, several on their way at once, and waits for the broker's acknowledgement of each.
    pub(in crate::upstream) async fn deliver(&mut self, batch: &[OutboxItem]) -> Delivered {
        let mut session = match self.session.take().filter(Session::is_open) {
            Some(session) => session,
            None => match in_time(CONNECTING, "no connection in time", self.connect()).await {
                Ok(session) => session,
                Err(reason) => return Delivered::later(reason),
            },
        };
        let outcome = session.publish(self.messages(batch)).await;
        if !outcome.is_troubled() {
            self.session = Some(session);
        }
        let delivered = outcome.delivered();
        self.ids.settle(batch, &delivered);
        delivered
    }

    /// The messages of a batch; nothing for a record that is larger than the broker takes.
    fn messages(&mut self, batch: &[OutboxItem]) -> Vec<Result<Publish, String>> {
        let most = self.section.max_kilobytes.saturating_mul(1024);
        let mut messages = Vec::with_capacity(batch.len());
        for item in batch {
            let body = item.numbered_body();
            if body.len() > most {
                let limit = self.section.max_kilobytes;
                messages.push(Err(format!("the record is larger than max_kilobytes = {limit}")));
                continue;
            }
            let mut message = Publish::from_bytes(&self.topic, QoS::AtLeastOnce, Bytes::from(body));
            (message.pkid, message.dup) = self.ids.of(item.seq);
            messages.push(Ok(message));
        }
        messages
    }

    async fn connect(&self) -> Result<Session, String> {
        let trust = (self.address.scheme == "mqtts").then_some(&self.trust);
        let line = line::open(&self.context.egress, &self.address, trust).await?;
        let client_id = line::fill(&self.section.client_id, &self.context);
        Session::open(line, client_id, &self.section).await
    }
}

/// Which record went out under which packet identifier: one that was not acknowledged goes out again under the same
/// (§4.4), marked as a duplicate.
#[derive(Debug, Default)]
struct PacketIds {
    unacknowledged: BTreeMap<u64, u16>,
    last: u16,
}

impl PacketIds {
    /// The identifier of a record, and whether it was sent before. Never 0 (§2.3.1).
    fn of(&mut self, seq: u64) -> (u16, bool) {
        if let Some(known) = self.unacknowledged.get(&seq) {
            return (*known, true);
        }
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            // A batch is far smaller than the circle of identifiers, so there is a free one.
            if !self.unacknowledged.values().any(|used| *used == self.last) {
                self.unacknowledged.insert(seq, self.last);
                return (self.last, false);
            }
        }
    }

    /// Keeps those that go out again.
    fn settle(&mut self, batch: &[OutboxItem], delivered: &Delivered) {
        if let Delivered::Each(verdicts) = delivered {
            for (item, verdict) in batch.iter().zip(verdicts) {
                if matches!(verdict, Verdict::Done | Verdict::Never(_)) {
                    self.unacknowledged.remove(&item.seq);
                }
            }
        }
        // What a batch left behind comes first in the next one; anything older was parked meanwhile.
        self.unacknowledged
            .retain(|seq, _| batch.iter().any(|item| item.seq == *seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_acknowledged_goes_out_again_under_its_identifier() {
        let item = |seq| OutboxItem {
            seq,
            cdr_id: String::new(),
            version: 1,
            attempts: 0,
            body: String::new(),
        };
        let mut ids = PacketIds::default();
        assert_eq!([ids.of(7), ids.of(8)], [(1, false), (2, false)]);
        ids.settle(&[item(7), item(8)], &Delivered::Each(vec![Verdict::Done]));
        assert_eq!([ids.of(8), ids.of(9)], [(2, true), (3, false)]);
        ids.settle(&[item(8), item(9)], &Delivered::all(2));
        ids.last = u16::MAX;
        assert_eq!([ids.of(10), ids.of(11)], [(1, false), (2, false)]);
    }
}
