//! Names the engine asks for, looked up beside it: DNS may be slow, and the engine never waits.

use super::post::{Letter, Post};
use super::secure::Believed;
use crate::net::Dns;
use crate::sip::Query;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// The way to DNS. Questions at a time are bounded by the engine, which has one under way for each trunk.
#[derive(Clone)]
pub(super) struct NameDesk {
    dns: Dns,
    runtime: Handle,
    believed: Arc<Believed>,
    post: Post,
}

impl NameDesk {
    pub(super) fn new(dns: Dns, runtime: Handle, believed: Arc<Believed>, post: Post) -> Self {
        Self {
            dns,
            runtime,
            believed,
            post,
        }
    }

    /// Has a name looked up; the answer comes by post.
    pub(super) fn ask(&self, query: Query) {
        let desk = self.clone();
        self.runtime.spawn(async move { desk.answer(query).await });
    }

    async fn answer(self, query: Query) {
        let (result, ttl) = self.dns.ask(&query).await;
        if let Ok(targets) = &result {
            let addresses = targets.iter().map(|target| target.address.ip());
            self.believed.learn(&query.host, addresses);
        }
        let mut letter = Letter::Resolved {
            token: query.token,
            result,
            ttl,
        };
        // The engine is busy for a moment.
        while let Err(back) = self.post.try_send(letter) {
            letter = back;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
