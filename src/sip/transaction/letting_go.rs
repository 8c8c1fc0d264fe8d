//! Requests that are waited for no longer: given up, handed to another owner, or lost with their way.

use super::{ClientId, Transactions, reroute};
use crate::sip::Flow;
use std::time::Instant;

impl<Owner: Copy> Transactions<Owner> {
    /// Sends it no more, and listens to no answer: for requests other than INVITE that are asked elsewhere.
    pub(in crate::sip) fn forget(&mut self, id: ClientId) {
        self.clients.remove(&id);
    }

    /// Reminds of another owner from now on.
    pub(in crate::sip) fn hand_over(&mut self, id: ClientId, owner: Owner) {
        if let Some(asked) = self.clients.get_mut(&id) {
            asked.owner = owner;
        }
    }

    /// The way to the peer is gone: requests that wait there take the other way if they have one, else they will never
    /// be answered. Answers that are still due take a new connection.
    pub(in crate::sip) fn flow_is_dead(&mut self, now: Instant, dead: impl Fn(&Flow) -> bool) -> Vec<Owner> {
        for served in self.servers.values_mut().filter(|served| dead(&served.flow)) {
            if let Some(instead) = served.instead.take() {
                served.flow = instead;
            }
        }
        let mut lost: Vec<ClientId> = self
            .clients
            .iter()
            .filter(|(_, asked)| dead(&asked.flow))
            .map(|(id, _)| *id)
            .collect();
        lost.sort_unstable(); // A story with a seed tells the same again.
        let mut owners = Vec::new();
        for id in lost {
            let Some(asked) = self.clients.remove(&id) else {
                continue;
            };
            match asked.instead.filter(|_| asked.machine.has_heard_nothing()) {
                Some(instead) => {
                    self.reroute.note_refusal(now, &asked.flow);
                    let request = reroute::over(&asked.request, &instead);
                    self.begin(now, id, instead, None, request.into(), asked.owner);
                }
                // What has been answered loses nothing: the call of an INVITE that had its 200 goes on.
                None if asked.machine.is_pending() => owners.push(asked.owner),
                None => {}
            }
        }
        owners
    }
}
