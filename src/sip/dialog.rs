//! A dialog: RFC 3261 §12.

use super::transaction::ClientId;
use super::{Draft, Flow, Message, Method, Name, Uri};
use std::net::SocketAddr;

/// What two sides remember of each other between requests (§12.1).
#[derive(Debug, Clone)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// Empty until the far side has given one; RFC 2543 peers never do.
    pub(super) remote_tag: String,
    /// Our From (or To) without its tag.
    local: Vec<u8>,
    /// The far side's From or To, tag included.
    remote: Vec<u8>,
    target: Vec<u8>,
    routes: Vec<Vec<u8>>,
    pub(super) local_cseq: u32,
    remote_cseq: Option<u32>,
    /// The way requests take.
    pub(super) flow: Flow,
    /// Our own address, as the Contact of this dialog.
    pub(super) contact: String,
}

/// What is wrong with a request inside a dialog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OutOfOrder {
    /// Its CSeq is not higher than the last one (§12.2.2): 500.
    OldCSeq,
}

impl Dialog {
    /// The dialog an INVITE opens, seen by the side that answers (§12.1.1).
    pub(super) fn answering(
        invite: &Message<'_>,
        flow: Flow,
        local_tag: String,
        contact: String,
    ) -> Option<Self> {
        let target = invite.contact_uri().ok()??;
        Some(Self {
            call_id: invite.call_id().to_owned(),
            local_tag,
            remote_tag: invite.from().tag().unwrap_or_default().to_owned(),
            local: invite.header(Name::To)?.to_vec(),
            remote: invite.header(Name::From)?.to_vec(),
            target: target.as_bytes().to_vec(),
            routes: invite.values(Name::RecordRoute).map(<[u8]>::to_vec).collect(),
            local_cseq: 0,
            remote_cseq: Some(invite.cseq().number),
            flow,
            contact,
        })
    }

    /// The dialog of an INVITE we send; the far side's part comes with its response (§12.1.2).
    pub(super) fn asking(
        call_id: String,
        local_tag: String,
        local: String,
        remote: String,
        target: String,
        flow: Flow,
        contact: String,
    ) -> Self {
        Self {
            call_id,
            local_tag,
            remote_tag: String::new(),
            local: local.into_bytes(),
            remote: remote.into_bytes(),
            target: target.into_bytes(),
            routes: Vec::new(),
            local_cseq: 0,
            remote_cseq: None,
            flow,
            contact,
        }
    }

    /// The same with hops that the first request has to name: the path a phone registered through (RFC 3327 §5.1).
    pub(super) fn through(mut self, path: &[String]) -> Self {
        self.routes = path.iter().map(|hop| hop.clone().into_bytes()).collect();
        self
    }

    /// The far side as a 2xx presents it: tag, target, and the route backwards.
    pub(super) fn settled(&self, response: &Message<'_>) -> Self {
        let mut dialog = self.clone();
        dialog.remote_tag = response.to().tag().unwrap_or_default().to_owned();
        if let Some(to) = response.header(Name::To) {
            dialog.remote = to.to_vec();
        }
        if let Ok(Some(contact)) = response.contact_uri() {
            dialog.target = contact.as_bytes().to_vec();
        }
        dialog.routes = response.values(Name::RecordRoute).map(<[u8]>::to_vec).collect();
        dialog.routes.reverse();
        dialog
    }

    /// Our INVITE goes elsewhere, before anybody has answered it.
    pub(super) fn move_to(&mut self, flow: Flow, target: &str) {
        self.flow = flow;
        self.target = target.as_bytes().to_vec();
    }

    /// Takes the far side's new target out of a 2xx inside the dialog; the route stays (§12.2.1.2).
    pub(super) fn retarget(&mut self, response: &Message<'_>) {
        if let Ok(Some(contact)) = response.contact_uri() {
            self.target = contact.as_bytes().to_vec();
        }
    }

    /// Whether a message belongs to this dialog (§12.2.2). `local` and `remote` are the tags as that message has them.
    pub(super) fn is(&self, call_id: &str, local_tag: Option<&str>, remote_tag: Option<&str>) -> bool {
        self.call_id == call_id
            && local_tag == Some(self.local_tag.as_str())
            && remote_tag.unwrap_or_default() == self.remote_tag
    }

    /// Takes note of a request of the far side: its CSeq, and its new target if it brings one (§12.2.2).
    pub(super) fn hear(&mut self, request: &Message<'_>) -> Result<(), OutOfOrder> {
        let number = request.cseq().number;
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(OutOfOrder::OldCSeq);
        }
        self.remote_cseq = Some(number);
        if let (Method::Invite | Method::Update, Ok(Some(contact))) =
            (request.method(), request.contact_uri())
        {
            self.target = contact.as_bytes().to_vec();
        }
        Ok(())
    }

    /// The far side has asked something with this CSeq before the dialog was settled.
    pub(super) fn has_heard(&mut self, cseq: u32) {
        self.remote_cseq = Some(cseq);
    }

    /// The connection is gone for good: what is still to be said goes to the target on a new one, if the target is an
    /// address of the same host.
    pub(super) fn call_anew(&mut self) {
        if let Some(peer) = address_of(&self.target)
            && peer.ip().to_canonical() == self.flow.peer.ip().to_canonical()
        {
            self.flow.peer = peer;
            self.flow.connection = None;
        }
    }

    /// The remote target as text.
    pub(super) fn target_text(&self) -> String {
        super::text(&self.target).into_owned()
    }

    /// The CSeq of our next request.
    pub(super) fn next_cseq(&mut self) -> u32 {
        self.local_cseq += 1;
        self.local_cseq
    }

    /// The beginning of a request inside the dialog (§12.2.1.1). An ACK repeats the CSeq of its INVITE.
    pub(super) fn request(&self, method: Method<'_>, id: ClientId, cseq: u32) -> Draft {
        let loose = self.routes.first().is_none_or(|route| is_loose(route));
        let first = self.routes.first().map(|route| uri_of(route));
        let request_uri = if loose {
            self.target.as_slice()
        } else {
            first.unwrap_or(&self.target)
        };
        let mut draft = Draft::request(method, request_uri)
            .header(
                Name::Via,
                format_args!(
                    "SIP/2.0/{} {};branch={};rport",
                    self.flow.transport.via(),
                    self.flow.local,
                    id.branch()
                ),
            )
            .header(Name::MaxForwards, 70);
        for route in self.routes.iter().skip(usize::from(!loose)) {
            draft = draft.copied(Name::Route, route);
        }
        if !loose {
            draft = draft.copied(Name::Route, &[b"<", self.target.as_slice(), b">"].concat());
        }
        let mut from = self.local.clone();
        from.extend_from_slice(b";tag=");
        from.extend_from_slice(self.local_tag.as_bytes());
        draft
            .copied(Name::From, &from)
            .copied(Name::To, &self.remote)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format_args!("{cseq} {method}"))
    }

    /// Where a request goes: to the first route or the target when that is a plain address and the peer is one
    /// that says where it is; else the way the dialog came, which is right for phones behind a router.
    pub(super) fn next_hop(&self, follows_target: bool) -> Flow {
        let uri = self
            .routes
            .first()
            .map_or(self.target.as_slice(), |route| uri_of(route));
        match (follows_target && !self.flow.transport.is_reliable())
            .then(|| address_of(uri))
            .flatten()
        {
            Some(peer) => Flow { peer, ..self.flow },
            None => self.flow,
        }
    }
}

fn uri_of(address: &[u8]) -> &[u8] {
    super::NameAddr::parse(address).map_or(address, |parsed| parsed.uri.as_bytes())
}

fn is_loose(route: &[u8]) -> bool {
    super::NameAddr::parse(route).is_ok_and(|parsed| parsed.uri.is_loose_router())
}

/// The socket address of a URI whose host is an address.
pub(super) fn address_of(uri: &[u8]) -> Option<SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    let ip = uri.host()?.ip()?;
    Some(SocketAddr::new(ip, uri.port().unwrap_or(5060)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = "udp 192.0.2.100:5060 192.0.2.1:5060";

    fn dialog(record_routes: &str) -> Dialog {
        let text = format!(
            "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n{record_routes}From: <sip:a@x>;tag=far\r\n\
             To: <sip:b@y>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.9;ob>\r\n\r\n"
        );
        let invite = Message::parse(text.as_bytes()).unwrap();
        let contact = "<sip:b@192.0.2.1>".to_owned();
        Dialog::answering(&invite, FLOW.parse().unwrap(), "near".to_owned(), contact).unwrap()
    }

    /// The first line and the routes of a request.
    fn way(dialog: &Dialog) -> (String, Vec<String>) {
        let id = ClientId::new("aaaaaaaaaaaaaaaa");
        let request = dialog.request(Method::Bye, id, 1).finish();
        let request = String::from_utf8(request).unwrap();
        let routes = request.lines().filter_map(|line| line.strip_prefix("Route: "));
        (
            request.lines().next().unwrap().to_owned(),
            routes.map(str::to_owned).collect(),
        )
    }

    /// RFC 3261 §12.2.1.1.
    #[test]
    fn loose_routers_are_named_and_the_target_is_asked() {
        let dialog =
            dialog("Record-Route: <sip:p2;lr>, <sip:192.0.2.7:5070;lr>\r\nRecord-Route: <sip:p1;lr>\r\n");
        let (first, routes) = way(&dialog);
        assert_eq!(first, "BYE sip:a@192.0.2.9;ob SIP/2.0");
        assert_eq!(routes, ["<sip:p2;lr>", "<sip:192.0.2.7:5070;lr>", "<sip:p1;lr>"]);
        assert_eq!(
            dialog.next_hop(true).peer.to_string(),
            "192.0.2.100:5060",
            "a name: back the way it came"
        );
    }

    #[test]
    fn a_strict_router_is_asked_and_the_target_comes_last() {
        let (first, routes) = way(&dialog("Record-Route: <sip:192.0.2.7:5070>, <sip:p1;lr>\r\n"));
        assert_eq!(first, "BYE sip:192.0.2.7:5070 SIP/2.0");
        assert_eq!(routes, ["<sip:p1;lr>", "<sip:a@192.0.2.9;ob>"]);
    }

    #[test]
    fn whoever_asked_turns_the_route_round_and_takes_the_first_hop() {
        let asking = dialog("");
        let ok = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nRecord-Route: <sip:p2;lr>, <sip:192.0.2.7:5070;lr>\r\n\
            From: <sip:b@y>;tag=near\r\nTo: <sip:a@x>;tag=fork\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:a@192.0.2.10>\r\n\r\n";
        let settled = asking.settled(&Message::parse(ok.as_bytes()).unwrap());
        let (first, routes) = way(&settled);
        assert_eq!(first, "BYE sip:a@192.0.2.10 SIP/2.0");
        assert_eq!(routes, ["<sip:192.0.2.7:5070;lr>", "<sip:p2;lr>"]);
        assert_eq!(settled.next_hop(true).peer.to_string(), "192.0.2.7:5070");
        assert_eq!(settled.next_hop(false).peer.to_string(), "192.0.2.100:5060");
    }

    /// RFC 3261 §12.2.2.
    #[test]
    fn the_far_side_may_move_and_leave_gaps_but_not_go_back() {
        let mut dialog = dialog("");
        let request = |method: &str, cseq: u32| {
            format!(
                "{method} sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK2\r\nFrom: <sip:a@x>;tag=far\r\nTo: <sip:b@y>;tag=near\r\n\
                 Call-ID: c\r\nCSeq: {cseq} {method}\r\nContact: <sip:a@192.0.2.{cseq}>\r\n\r\n"
            )
        };
        let mut hear = |text: String| {
            let heard = dialog.hear(&Message::parse(text.as_bytes()).unwrap());
            (heard, dialog.target_text())
        };
        assert_eq!(hear(request("INVITE", 20)), (Ok(()), "sip:a@192.0.2.20".into()));
        assert_eq!(
            hear(request("INFO", 22)).1,
            "sip:a@192.0.2.20",
            "no target refresh"
        );
        assert_eq!(hear(request("UPDATE", 30)).1, "sip:a@192.0.2.30");
        assert_eq!(
            hear(request("INVITE", 30)),
            (Err(OutOfOrder::OldCSeq), "sip:a@192.0.2.30".into())
        );
        assert_eq!(hear(request("INVITE", 29)).0, Err(OutOfOrder::OldCSeq));
    }
}
