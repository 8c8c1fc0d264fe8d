//! Transactions: RFC 3261 §17 with RFC 6026 and RFC 4320. One file a machine; here they are found by their key,
//! fed with messages and deadlines, and forgotten when they are done.

mod client;
mod client_machine;
mod follow;
mod hints;
mod invite_client;
mod invite_server;
mod key;
mod letting_go;
mod reroute;
mod server;
mod timing;

#[cfg(test)]
mod stories;
#[cfg(test)]
mod timers;

use super::headers::Via;
use super::{Flow, Listener, Message, Method};
use bytes::Bytes;
use client::Client;
use client_machine::ClientMachine;
use follow::{ack_of_refusal, cancel_of};
use hints::Hints;
use invite_client::{Heard, InviteClient};
use invite_server::InviteServer;
use key::{origin_key, wire_key};
use reroute::Reroute;
use server::Server;
use std::collections::HashMap;
use std::time::Instant;
use timing::Due;

/// The start of every branch of RFC 3261 (§8.1.1.7).
const MAGIC_COOKIE: &str = "z9hG4bK";

/// A client transaction, by the random part of its branch. CANCEL shares the branch of its INVITE (§9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientId {
    token: [u8; 16],
    is_cancel: bool,
}

/// A server transaction, by the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ServerId(u64);

/// Every transaction under way. `Owner` is what the user of a client transaction wants to be reminded of.
#[derive(Debug)]
pub(super) struct Transactions<Owner> {
    clients: HashMap<ClientId, Asked<Owner>>,
    servers: HashMap<ServerId, Served<Owner>>,
    by_wire: HashMap<Box<str>, ServerId>,
    /// The same requests by who sent them, whatever way they came (§8.2.2.2).
    by_origin: HashMap<Box<str>, ServerId>,
    last_server: u64,
    hints: Hints<Id>,
    sends: Vec<(Flow, Bytes)>,
    reroute: Reroute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Client(ClientId),
    Server(ServerId),
}

#[derive(Debug)]
struct Asked<Owner> {
    machine: ClientMachine,
    flow: Flow,
    /// The way to take when this one leads nowhere.
    instead: Option<Flow>,
    request: Bytes,
    owner: Owner,
}

#[derive(Debug)]
struct Served<Owner> {
    machine: ServerMachine,
    flow: Flow,
    /// Where the answer goes when the connection it came by is gone (§18.2.2).
    instead: Option<Flow>,
    wire: Box<str>,
    origin: Option<Box<str>>,
    response: Option<Bytes>,
    owner: Option<Owner>,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(InviteServer),
    Other(Server),
}

/// What a request turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A repetition, or the ACK of a refusal: done with.
    Absorbed,
    /// An ACK that no refusal waits for: it belongs to a dialog, or to nobody.
    StrayAck,
    /// It came before on another way: a proxy forked it, and it is served already (§8.2.2.2).
    Merged,
    /// It is new.
    No,
}

/// What a CANCEL finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cancelled<Owner> {
    /// An INVITE that waits for its final response.
    Waiting(Owner),
    /// An INVITE that has it.
    TooLate,
}

/// What came of time passing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lapsed<Owner> {
    /// Nobody answered this request.
    NoAnswer(Owner),
    /// Nobody acknowledged the 2xx to this owner's INVITE.
    NoAck(Owner),
}

impl ClientId {
    /// A new transaction; `token` is 16 random characters.
    pub(super) fn new(token: &str) -> Self {
        let mut bytes = [b'x'; 16];
        for (place, byte) in bytes.iter_mut().zip(token.bytes()) {
            *place = byte;
        }
        Self {
            token: bytes,
            is_cancel: false,
        }
    }

    /// The CANCEL of this INVITE.
    pub(super) fn cancel(self) -> Self {
        Self {
            is_cancel: true,
            ..self
        }
    }

    /// The branch parameter of its Via.
    pub(super) fn branch(&self) -> String {
        let mut branch = String::with_capacity(23);
        branch.push_str(MAGIC_COOKIE);
        branch.extend(self.token.iter().map(|byte| char::from(*byte)));
        branch
    }

    /// The transaction a response belongs to, by its branch.
    pub(super) fn of_response(response: &Message<'_>) -> Option<Self> {
        let token = response.top_via().branch?.strip_prefix(MAGIC_COOKIE)?;
        let token = token.as_bytes().try_into().ok()?;
        Some(Self {
            token,
            is_cancel: response.method() == Method::Cancel,
        })
    }
}

impl<Owner: Copy> Transactions<Owner> {
    /// No transactions yet, between these sockets of ours and the world.
    pub(super) fn new(listeners: &[Listener]) -> Self {
        Self {
            clients: HashMap::new(),
            servers: HashMap::new(),
            by_wire: HashMap::new(),
            by_origin: HashMap::new(),
            last_server: 0,
            hints: Hints::new(),
            sends: Vec::new(),
            reroute: Reroute::new(listeners),
        }
    }

    /// Sends a request and watches over it until its final response.
    pub(super) fn ask(&mut self, now: Instant, id: ClientId, flow: Flow, request: Vec<u8>, owner: Owner) {
        let reroute::Way {
            flow,
            instead,
            request,
        } = self.reroute.choose(now, flow, request);
        self.begin(now, id, flow, instead, request.into(), owner);
    }

    fn begin(
        &mut self,
        now: Instant,
        id: ClientId,
        flow: Flow,
        instead: Option<Flow>,
        request: Bytes,
        owner: Owner,
    ) {
        let reliable = flow.transport.is_reliable();
        let machine = if request.starts_with(b"INVITE ") {
            ClientMachine::Invite(InviteClient::new(now, reliable))
        } else {
            ClientMachine::Other(Client::new(now, reliable))
        };
        self.send(flow, request.clone());
        self.hint(machine.next_deadline(), Id::Client(id));
        self.clients.insert(
            id,
            Asked {
                machine,
                flow,
                instead,
                request,
                owner,
            },
        );
    }

    /// A response came. Who is concerned, when it is news for anybody.
    pub(super) fn hear_response(&mut self, now: Instant, response: &Message<'_>) -> Option<Owner> {
        let id = ClientId::of_response(response)?;
        let status = response.status()?;
        let asked = self.clients.get_mut(&id)?;
        let owner = asked.owner;
        let is_news = match &mut asked.machine {
            ClientMachine::Other(machine) => machine.heard(now, status),
            ClientMachine::Invite(machine) => match machine.heard(now, status) {
                Heard::Deliver => {
                    if status >= 200 {
                        asked.request = Bytes::new(); // Answered: it is never sent again.
                    }
                    true
                }
                Heard::Absorb => false,
                heard @ (Heard::AckAndDeliver | Heard::AckAgain) => {
                    if let Some(ack) = ack_of_refusal(&asked.request, response) {
                        let flow = asked.flow;
                        self.sends.push((flow, ack.into()));
                    }
                    heard == Heard::AckAndDeliver
                }
            },
        };
        self.look_after_client(id);
        is_news.then_some(owner)
    }

    /// Sends the CANCEL of an INVITE, if it may be sent now; `false` while no provisional response came.
    pub(super) fn cancel(&mut self, now: Instant, id: ClientId, reasons: &[&str], owner: Owner) -> bool {
        let Some(asked) = self.clients.get_mut(&id) else {
            return true;
        };
        let ClientMachine::Invite(machine) = &mut asked.machine else {
            return true;
        };
        if machine.is_cancelled() {
            return true; // A phone that goes on ringing does not get a second one.
        }
        if !machine.may_cancel() {
            return !machine.is_pending();
        }
        machine.give_up_after_cancel(now);
        let flow = asked.flow;
        let cancel = cancel_of(&asked.request, reasons);
        self.look_after_client(id);
        if let Some(cancel) = cancel {
            self.ask(now, id.cancel(), flow, cancel, owner);
        }
        true
    }

    /// Whether a request belongs to a transaction we have; if so, it has been dealt with.
    pub(super) fn recognise(&mut self, now: Instant, request: &Message<'_>) -> Known {
        let is_ack = request.method() == Method::Ack;
        let wire = wire_key(request, if is_ack { Method::Invite } else { request.method() });
        let Some(id) = self.by_wire.get(&*wire).copied() else {
            let merged = origin_key(request).is_some_and(|key| self.by_origin.contains_key(&*key));
            return match (is_ack, merged) {
                (true, _) => Known::StrayAck,
                (false, true) => Known::Merged,
                (false, false) => Known::No,
            };
        };
        let Some(served) = self.servers.get_mut(&id) else {
            return Known::No;
        };
        let again = match &mut served.machine {
            // The ACK of a 2xx is the dialog's, even when a peer of RFC 2543 repeats the branch.
            ServerMachine::Invite(machine) if is_ack => {
                if !machine.acknowledged(now) {
                    return Known::StrayAck;
                }
                false
            }
            ServerMachine::Invite(machine) => machine.heard_again(),
            ServerMachine::Other(_) => true,
        };
        if let (true, Some(response)) = (again, served.response.clone()) {
            let flow = served.flow;
            self.send(flow, response);
        }
        self.look_after_server(id);
        Known::Absorbed
    }

    /// Remembers a new request until it is answered, and the answer until nobody asks again.
    pub(super) fn serve(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        owner: Option<Owner>,
    ) -> ServerId {
        self.last_server += 1;
        let id = ServerId(self.last_server);
        let reliable = flow.transport.is_reliable();
        let machine = if request.method() == Method::Invite {
            ServerMachine::Invite(InviteServer::new(reliable))
        } else {
            ServerMachine::Other(Server::new(now, reliable))
        };
        let instead = reroute::back(flow, request.top_via());
        let flow = answer_flow(flow, request.top_via());
        let wire = wire_key(request, request.method());
        let origin = origin_key(request);
        self.by_wire.insert(wire.clone(), id);
        if let Some(origin) = &origin {
            self.by_origin.insert(origin.clone(), id);
        }
        self.hint(machine.next_deadline(), Id::Server(id));
        self.servers.insert(
            id,
            Served {
                machine,
                flow,
                instead,
                wire,
                origin,
                response: None,
                owner,
            },
        );
        id
    }

    /// Whose INVITE this CANCEL is for (§9.2), if it still waits for its final response.
    pub(super) fn cancelled(&self, cancel: &Message<'_>) -> Option<Cancelled<Owner>> {
        let id = *self.by_wire.get(&*wire_key(cancel, Method::Invite))?;
        let served = self.servers.get(&id)?;
        match &served.machine {
            ServerMachine::Invite(machine) if machine.has_answered() => Some(Cancelled::TooLate),
            ServerMachine::Invite(_) => served.owner.map(Cancelled::Waiting),
            ServerMachine::Other(_) => None,
        }
    }

    /// Sends a response and remembers it for those who ask again.
    pub(super) fn respond(&mut self, now: Instant, id: ServerId, status: u16, response: Vec<u8>) {
        let Some(served) = self.servers.get_mut(&id) else {
            return;
        };
        if matches!(served.machine, ServerMachine::Other(_)) && !Server::may_send(status) {
            return;
        }
        let response = Bytes::from(response);
        served.response = Some(response.clone());
        match &mut served.machine {
            ServerMachine::Invite(machine) => machine.responded(now, status),
            ServerMachine::Other(machine) => machine.responded(now, status),
        }
        let flow = served.flow;
        self.send(flow, response);
        self.look_after_server(id);
    }

    /// The ACK of the 2xx came.
    pub(super) fn confirmed(&mut self, id: ServerId) {
        if let Some(Served {
            machine: ServerMachine::Invite(machine),
            response,
            ..
        }) = self.servers.get_mut(&id)
        {
            machine.confirmed();
            *response = None;
        }
    }

    /// What is to be sent, in order.
    pub(super) fn take_sends(&mut self) -> std::vec::Drain<'_, (Flow, Bytes)> {
        self.sends.drain(..)
    }

    /// Puts a message of the user in line.
    pub(super) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.sends.push((flow, bytes));
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.hints.next()
    }

    /// Lets the next transaction whose time has come act. Nothing when none is left.
    pub(super) fn next_lapsed(&mut self, now: Instant) -> Option<Lapsed<Owner>> {
        loop {
            let lapsed = match self.hints.pop_due(now)? {
                Id::Client(id) => self.client_due(now, id),
                Id::Server(id) => self.server_due(now, id),
            };
            if lapsed.is_some() {
                return lapsed;
            }
        }
    }

    /// Gives the room of a past rush back. Worth asking once in a while: it does nothing while the tables are used.
    pub(super) fn shrink(&mut self) {
        const SMALL: usize = 64;
        if self.clients.len() * 4 < self.clients.capacity() {
            self.clients.shrink_to(SMALL);
        }
        if self.servers.len() * 4 < self.servers.capacity() {
            self.servers.shrink_to(SMALL);
            self.by_wire.shrink_to(SMALL);
            self.by_origin.shrink_to(SMALL);
        }
        self.hints.shrink(SMALL);
        self.sends.shrink_to(SMALL);
    }

    /// Transactions under way.
    pub(super) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    fn client_due(&mut self, now: Instant, id: ClientId) -> Option<Lapsed<Owner>> {
        let asked = self.clients.get_mut(&id)?;
        let due = match &mut asked.machine {
            ClientMachine::Invite(machine) => machine.due(now),
            ClientMachine::Other(machine) => machine.due(now),
        };
        let (flow, owner) = (asked.flow, asked.owner);
        if due == Due::SendAgain {
            let request = asked.request.clone();
            self.send(flow, request);
        }
        self.look_after_client(id);
        (due == Due::TimedOut).then_some(Lapsed::NoAnswer(owner))
    }

    fn server_due(&mut self, now: Instant, id: ServerId) -> Option<Lapsed<Owner>> {
        let served = self.servers.get_mut(&id)?;
        let due = match &mut served.machine {
            ServerMachine::Invite(machine) => machine.due(now),
            ServerMachine::Other(machine) => machine.due(now),
        };
        let owner = served.owner;
        if let (Due::SendAgain, Some(response)) = (due, served.response.clone()) {
            let flow = served.flow;
            self.send(flow, response);
        }
        self.look_after_server(id);
        owner.filter(|_| due == Due::TimedOut).map(Lapsed::NoAck)
    }

    /// Forgets a machine that is done, or notes when to look at it again.
    fn look_after_client(&mut self, id: ClientId) {
        let Some(asked) = self.clients.get(&id) else {
            return;
        };
        if asked.machine.is_over() {
            self.clients.remove(&id);
        } else {
            self.hint(asked.machine.next_deadline(), Id::Client(id));
        }
    }

    fn look_after_server(&mut self, id: ServerId) {
        let Some(served) = self.servers.get(&id) else {
            return;
        };
        if served.machine.is_over() {
            if let Some(served) = self.servers.remove(&id) {
                self.by_wire.remove(&served.wire);
                if let Some(origin) = served.origin {
                    self.by_origin.remove(&origin);
                }
            }
        } else {
            self.hint(served.machine.next_deadline(), Id::Server(id));
        }
    }

    fn hint(&mut self, at: Option<Instant>, id: Id) {
        if let Some(at) = at {
            self.hints.note(at, id);
        }
    }
}

impl ServerMachine {
    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Invite(machine) => machine.next_deadline(),
            Self::Other(machine) => machine.next_deadline(),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_over(),
            Self::Other(machine) => machine.is_over(),
        }
    }
}

/// Where the answers to a request go (§18.2.2, RFC 3581).
pub(super) fn answer_flow(flow: &Flow, via: &Via<'_>) -> Flow {
    if flow.transport.is_reliable() {
        *flow
    } else {
        Flow {
            peer: via.answer_to(flow.peer),
            ..*flow
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, Instant};

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    pub(in crate::sip) fn origin() -> Instant {
        Instant::now()
    }

    pub(in crate::sip) fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }
}
