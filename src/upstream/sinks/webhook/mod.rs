//! Posts records by HTTP. [`Section`] holds the keys, [`Format`] what a body looks like (one file each), `signature`
//! who it is from, `answer` what became of it.

mod answer;
mod asterisk_csv;
mod cloudevents;
mod format;
mod freeswitch;
mod message;
mod native;
mod section;
mod signature;
mod standard;
#[cfg(test)]
mod tests;
mod yeastar_newcdr;

pub(in crate::upstream) use format::Format;
pub(in crate::upstream) use section::Section;

use super::{SinkContext, Unready};
use crate::egress::{Author, Egress, Times, in_plain_words};
use crate::store::{Clock, OutboxItem};
use crate::upstream::{Delivered, Setback, Verdict};
use message::{Facts, Message};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Url};
use signature::Key;

/// Posts records, one or several a message, with the headers of Standard Webhooks. A 2xx is the acknowledgement.
#[derive(Debug)]
pub(in crate::upstream) struct Webhook {
    section: Section,
    url: Url,
    keys: Vec<Key>,
    times: Times,
    name: String,
    facts: Facts,
    clock: Clock,
    egress: Egress,
    /// Made for the first record: an idle box carries no certificates in its memory.
    client: Option<Client>,
}

impl Webhook {
    pub(super) fn new(name: &str, section: &Section, context: &SinkContext) -> Result<Self, Unready> {
        Ok(Self {
            url: section.checked_url()?,
            keys: section.keys()?,
            times: section.times(),
            name: name.to_owned(),
            facts: Facts {
                site: context.site.clone(),
                appliance_id: context.appliance_id.clone(),
            },
            clock: context.clock.clone(),
            egress: context.egress.clone(),
            section: section.clone(),
            client: None,
        })
    }

    pub(super) fn batch(&self) -> usize {
        usize::from(self.section.batch)
    }

    pub(super) async fn deliver(&mut self, items: &[OutboxItem]) -> Delivered {
        let message = match self.section.format.message(items, &self.facts) {
            Ok(message) => message,
            Err(reason) if items.len() == 1 => {
                return Delivered::Each(vec![Verdict::Never(Setback::new(reason))]);
            }
            Err(reason) => return Delivered::OneByOne(Setback::new(reason)),
        };
        let client = match self.client() {
            Ok(client) => client,
            Err(setback) => return Delivered::BackOff(setback),
        };
        match self.request(&client, message).send().await {
            Ok(answer) => answer::judge(answer, items, (self.clock.unix_ms)()).await,
            Err(error) => Delivered::later(in_plain_words(error)),
        }
    }

    fn client(&mut self) -> Result<Client, Setback> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let trust = self.section.trust(&self.name).map_err(Setback::new)?;
        let client = self
            .egress
            .http_with(&self.url, Author::File, &trust, self.times)
            .map_err(Setback::new)?;
        Ok(self.client.insert(client).clone())
    }

    fn request(&self, client: &Client, message: Message) -> RequestBuilder {
        let unix_seconds = (self.clock.unix_ms)().div_euclid(1000);
        let mut url = self.url.clone();
        if let Some((name, value)) = &message.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, message.content_type)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", unix_seconds)
            .header("idempotency-key", &message.id);
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        for (name, value) in &self.section.headers {
            request = request.header(name, value.expose());
        }
        if let Some(token) = &self.section.bearer_token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(user) = &self.section.user {
            let password = self.section.password.as_ref().map(|password| password.expose());
            request = request.basic_auth(user, password);
        }
        let scheme = self.section.signature;
        if let Some((name, value)) =
            signature::header(scheme, &self.keys, &message.id, unix_seconds, &message.body)
        {
            request = request.header(name, value);
        }
        request.body(message.body)
    }
}
