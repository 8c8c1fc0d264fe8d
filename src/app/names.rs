//! Names the engine asks for, looked up by the system's resolver on a thread of their own: it may be slow, and the
//! engine never waits.

use super::post::{Letter, Post};
use crate::sip::{Query, ResolveError, Target, Transport};
use std::net::ToSocketAddrs as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Questions waiting for the thread. Full: the question is dropped, and asked again by the engine half a minute later.
const QUEUE: usize = 64;
/// The system's resolver does not say how long its answer lives.
const TTL: Duration = Duration::from_secs(60);

/// The way to the thread.
#[derive(Debug, Clone)]
pub(super) struct NameDesk(SyncSender<Query>);

impl NameDesk {
    /// Starts the thread. It ends when the desk is gone.
    pub(super) fn start(post: Post) -> std::io::Result<Self> {
        let (desk, questions) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("dns".to_owned())
            .spawn(move || answer(&questions, &post))?;
        Ok(Self(desk))
    }

    /// Has a name looked up; the answer comes by post.
    pub(super) fn ask(&self, query: Query) {
        // A full queue means that DNS is silent; the engine asks again by itself.
        let _ = self.0.try_send(query);
    }
}

fn answer(questions: &Receiver<Query>, post: &Post) {
    while let Ok(query) = questions.recv() {
        let transport = query.transport.unwrap_or(Transport::Udp);
        let port = query.port.unwrap_or(transport.default_port());
        let result = match (query.host.as_str(), port).to_socket_addrs() {
            Ok(addresses) => Ok(addresses
                .map(|address| Target {
                    address,
                    transport,
                    priority: 0,
                    weight: 0,
                })
                .collect()),
            Err(_) => Err(ResolveError::NoAnswer),
        };
        post.send(Letter::Resolved {
            token: query.token,
            result,
            ttl: TTL,
        });
    }
}
