//! One connection to the broker, and the task that keeps it alive between two batches.

use super::Section;
use crate::model::Secret;
use crate::upstream::sinks::line::{Line, in_plain_words};
use crate::upstream::sinks::outcome::Outcome;
use bytes::BytesMut;
use rumqttc::mqttbytes;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet, Publish};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

/// The longest the broker may take for any answer.
const ANSWERING: Duration = Duration::from_secs(10);
/// Messages on their way at once.
const WINDOW: usize = 32;
/// The largest packet read: a publisher gets short ones only.
const LARGEST_READ: usize = 1024;
/// The largest packet MQTT knows (§2.2.3); records are measured before.
const LARGEST_WRITTEN: usize = 268_435_455;

/// A connection that has been accepted.
#[derive(Debug)]
pub(super) struct Session {
    /// One place: a batch is answered before the next is handed over.
    orders: mpsc::Sender<Order>,
}

/// A batch for the task, as topics and payloads; a slot of the answer is filled when its PUBACK came.
struct Order {
    messages: Vec<Publish>,
    answer: oneshot::Sender<(Vec<bool>, Option<String>)>,
}

impl Session {
    /// Says CONNECT and waits for the broker's yes. The session is not a clean one, as QoS 1 asks for.
    pub(super) async fn open(
        line: Box<dyn Line>,
        client_id: String,
        section: &Section,
    ) -> Result<Self, String> {
        let mut connect = Connect::new(client_id);
        connect.clean_session = false;
        connect.keep_alive = section.keep_alive_seconds;
        if let Some(user) = &section.user {
            connect.set_login(user.clone(), section.password.as_ref().map_or("", Secret::expose));
        }
        let mut wire = Wire {
            line,
            arrived: BytesMut::new(),
            to_send: BytesMut::new(),
        };
        wire.put(&Packet::Connect(connect))?;
        wire.flush().await?;
        let Packet::ConnAck(answer) = wire.read().await? else {
            return Err("the broker answered CONNECT with something else".to_owned());
        };
        welcome(answer.code)?;
        let (orders, taken) = mpsc::channel(1);
        // Half the time the broker was promised: it ends the connection after one and a half of it (§3.1.2.10).
        let pause = match section.keep_alive_seconds {
            0 => Duration::from_secs(3600),
            seconds => Duration::from_millis(u64::from(seconds) * 500),
        };
        tokio::spawn(wire.keep(taken, pause));
        Ok(Self { orders })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.orders.is_closed()
    }

    /// Publishes a batch. A record without a message stays here, for the reason that stands in its place.
    pub(super) async fn publish(&mut self, batch: Vec<Result<Publish, String>>) -> Outcome {
        let mut messages = Vec::with_capacity(batch.len());
        let mut places = Vec::with_capacity(batch.len());
        for message in batch {
            places.push(message.map(|message| {
                messages.push(message);
                messages.len() - 1
            }));
        }
        let (answer, answered) = oneshot::channel();
        let handed_over = self.orders.send(Order { messages, answer }).await.is_ok();
        let broke = || (Vec::new(), Some("the connection broke".to_owned()));
        let (acknowledged, trouble) = match handed_over {
            true => answered.await.unwrap_or_else(|_| broke()),
            false => broke(),
        };
        let mut outcome = Outcome::default();
        for place in places {
            match place {
                Err(reason) => outcome.never(reason),
                Ok(place) if acknowledged.get(place) == Some(&true) => outcome.done(),
                Ok(_) => outcome.unknown(),
            }
        }
        if let Some(reason) = trouble {
            outcome.stop(reason);
        }
        outcome
    }
}

fn welcome(code: ConnectReturnCode) -> Result<(), String> {
    let reason = match code {
        ConnectReturnCode::Success => return Ok(()),
        ConnectReturnCode::RefusedProtocolVersion => "the broker does not speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "the broker does not like the client id",
        ConnectReturnCode::ServiceUnavailable => "the broker says it is not available",
        ConnectReturnCode::BadUserNamePassword => "the broker does not know this user and password",
        ConnectReturnCode::NotAuthorized => "the broker does not let us in",
    };
    Err(reason.to_owned())
}

/// Packets over a line.
struct Wire {
    line: Box<dyn Line>,
    arrived: BytesMut,
    to_send: BytesMut,
}

impl Wire {
    /// Serves orders and pings in the pauses, until the connection or the sink ends.
    async fn keep(mut self, mut orders: mpsc::Receiver<Order>, pause: Duration) {
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else {
                        return self.say_goodbye().await;
                    };
                    let (acknowledged, trouble) = self.publish(order.messages).await;
                    let is_over = trouble.is_some();
                    // The sink was stopped meanwhile: it will send this batch again.
                    let _ = order.answer.send((acknowledged, trouble));
                    if is_over {
                        return;
                    }
                }
                // Nothing is expected: anything but the end is passed over.
                packet = self.next_packet() => {
                    if packet.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(pause) => {
                    if let Err(reason) = self.ping().await {
                        tracing::debug!(reason, "The connection to the MQTT broker was lost.");
                        return;
                    }
                }
            }
        }
    }

    /// Which of them were acknowledged, and why no more were.
    async fn publish(&mut self, messages: Vec<Publish>) -> (Vec<bool>, Option<String>) {
        let mut acknowledged = vec![false; messages.len()];
        let mut under_way: HashMap<u16, usize> = HashMap::new();
        let mut waiting = messages.into_iter().enumerate();
        loop {
            while under_way.len() < WINDOW {
                let Some((place, message)) = waiting.next() else {
                    break;
                };
                under_way.insert(message.pkid, place);
                if let Err(reason) = self.put(&Packet::Publish(message)) {
                    return (acknowledged, Some(reason));
                }
            }
            if under_way.is_empty() {
                return (acknowledged, None);
            }
            if let Err(reason) = self.flush().await {
                return (acknowledged, Some(reason));
            }
            let packet = match self.read().await {
                Ok(packet) => packet,
                Err(reason) => return (acknowledged, Some(reason)),
            };
            if let Packet::PubAck(ack) = packet {
                let slot = under_way
                    .remove(&ack.pkid)
                    .and_then(|place| acknowledged.get_mut(place));
                if let Some(slot) = slot {
                    *slot = true;
                }
            }
        }
    }

    async fn ping(&mut self) -> Result<(), String> {
        self.put(&Packet::PingReq)?;
        self.flush().await?;
        loop {
            if matches!(self.read().await?, Packet::PingResp) {
                return Ok(());
            }
        }
    }

    async fn say_goodbye(mut self) {
        if self.put(&Packet::Disconnect).is_ok() {
            // The broker notices the end either way.
            let _ = self.flush().await;
        }
    }

    fn put(&mut self, packet: &Packet) -> Result<(), String> {
        let written = packet.write(&mut self.to_send, LARGEST_WRITTEN);
        written
            .map(|_bytes| ())
            .map_err(|error| format!("an MQTT packet cannot be written: {error}"))
    }

    async fn flush(&mut self) -> Result<(), String> {
        let sending = async {
            self.line.write_all(&self.to_send).await?;
            self.line.flush().await
        };
        let sent = tokio::time::timeout(ANSWERING, sending).await;
        self.to_send.clear();
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(in_plain_words(&error)),
            Err(_elapsed) => Err("the broker takes no bytes".to_owned()),
        }
    }

    async fn read(&mut self) -> Result<Packet, String> {
        match tokio::time::timeout(ANSWERING, self.next_packet()).await {
            Ok(packet) => packet,
            Err(_elapsed) => Err("no answer in time".to_owned()),
        }
    }

    /// Can be stopped at any time: what has arrived stays in the buffer.
    async fn next_packet(&mut self) -> Result<Packet, String> {
        loop {
            match Packet::read(&mut self.arrived, LARGEST_READ) {
                Ok(packet) => return Ok(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => return Err(format!("the broker sent junk: {error}")),
            }
            let read = self.line.read_buf(&mut self.arrived).await;
            match read {
                Ok(0) => return Err("the connection broke".to_owned()),
                Ok(_bytes) => {}
                Err(error) => return Err(in_plain_words(&error)),
            }
        }
    }
}
