//! A telephone that says exactly what the test wants said, and remembers everything it was told.

use super::PATIENCE;
use super::digest::{self, Credentials};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A SIP message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Request line or status line.
    pub(crate) first_line: String,
    /// Names and values in order.
    pub(crate) headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub(crate) body: String,
}

impl Message {
    /// Reads a datagram; `None` when it is no SIP message.
    pub(crate) fn read(datagram: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(datagram);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let first_line = lines.next()?.to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self {
            first_line,
            headers,
            body: body.to_owned(),
        })
    }

    /// The code of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        self.first_line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method of a request.
    pub(crate) fn request(&self) -> Option<&str> {
        self.first_line
            .ends_with("SIP/2.0")
            .then(|| self.first_line.split(' ').next())?
    }

    /// The first value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers(name).next().unwrap_or_default()
    }

    /// Every value of a header.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The proxies that want to stay in the path, as the message lists them: `Record-Route`.
    pub(crate) fn path(&self) -> impl DoubleEndedIterator<Item = String> {
        let proxies: Vec<String> = self
            .headers("Record-Route")
            .flat_map(|line| line.split(','))
            .map(|proxy| proxy.trim().to_owned())
            .collect();
        proxies.into_iter()
    }

    /// The URI between the brackets of `Contact`.
    pub(crate) fn contact(&self) -> String {
        uri(self.header("Contact"))
    }

    /// Where the SDP wants its audio sent (RFC 8866 §5.7, §5.14).
    #[track_caller]
    pub(crate) fn audio(&self) -> SocketAddrV4 {
        let line = |start: &str| self.body.lines().find_map(|line| line.strip_prefix(start));
        let host = line("c=IN IP4 ").and_then(|host| host.trim().parse::<Ipv4Addr>().ok());
        let port = line("m=audio ").and_then(|media| media.split(' ').next()?.parse().ok());
        let (Some(host), Some(port)) = (host, port) else {
            panic!("no audio is described in {}", self.body)
        };
        SocketAddrV4::new(host, port)
    }

    /// The attribute that says which way audio flows.
    pub(crate) fn direction(&self) -> &str {
        let ways = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
        self.body
            .lines()
            .find(|line| ways.contains(line))
            .unwrap_or("a=sendrecv")
    }

    /// Whether every `Reason` of RFC 3326 that a phone needs to forget a call somebody else took is there.
    pub(crate) fn says_completed_elsewhere(&self) -> bool {
        let reasons: Vec<&str> = self.headers("Reason").collect();
        let all = reasons.join(",").replace(' ', "");
        all.contains(r#"SIP;cause=200;text="Callcompletedelsewhere""#) && all.contains("Q.850;cause=26")
    }

    /// The response to this request with the headers RFC 3261 §8.2.6.2 copies.
    pub(crate) fn reply(&self, status: &str, tag: &str) -> Draft {
        let mut draft = Draft {
            first_line: format!("SIP/2.0 {status}"),
            headers: Vec::new(),
            body: String::new(),
        };
        for (name, value) in &self.headers {
            let copied = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
            if copied.iter().any(|copied| name.eq_ignore_ascii_case(copied)) {
                let is_bare_to = name.eq_ignore_ascii_case("To") && !value.contains(";tag=");
                let tagged = if is_bare_to {
                    format!("{value};tag={tag}")
                } else {
                    value.clone()
                };
                draft = draft.and(name, &tagged);
            }
        }
        draft
    }
}

fn uri(value: &str) -> String {
    let inside = value
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(inside, _)| inside);
    inside.unwrap_or(value).to_owned()
}

/// A message being written. Nothing is checked: wrong messages are what many tests want.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Request line or status line.
    pub(crate) first_line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Draft {
    /// A request line and nothing else.
    pub(crate) fn request(method: &str, target: &str) -> Self {
        Self {
            first_line: format!("{method} {target} SIP/2.0"),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// Sets a header, in place of one that is there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.headers.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Adds a header after those that are there.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self
    }

    /// Sets the first line.
    pub(crate) fn beginning(mut self, first_line: &str) -> Self {
        first_line.clone_into(&mut self.first_line);
        self
    }

    /// Sets an SDP body.
    pub(crate) fn offering(mut self, sdp: &str) -> Self {
        sdp.clone_into(&mut self.body);
        self.with("Content-Type", "application/sdp")
    }

    /// Sets a body of another type.
    pub(crate) fn carrying(mut self, content_type: &str, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.with("Content-Type", content_type)
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// The bytes for the wire; `Content-Length` is counted unless the draft has its own.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\r\n", self.first_line);
        for (name, value) in &self.headers {
            write!(text, "{name}: {value}\r\n").expect("text grows");
        }
        if self.header("Content-Length").is_empty() {
            write!(text, "Content-Length: {}\r\n", self.body.len()).expect("text grows");
        }
        text + "\r\n" + &self.body
    }
}

/// What a phone of the test offers: G.711 both ways and telephone-event, flowing as `direction` says.
pub(crate) fn sdp(audio: SocketAddrV4, direction: &str) -> String {
    let (host, port) = (audio.ip(), audio.port());
    format!(
        "v=0\r\no=- 7 7 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:20\r\na={direction}\r\n"
    )
}

/// The phone: one UDP socket, one user, one box to talk to.
#[derive(Debug)]
pub(crate) struct Phone {
    socket: UdpSocket,
    user: String,
    at: SocketAddrV4,
    server: SocketAddrV4,
    count: Cell<u32>,
    heard: RefCell<Vec<(Instant, Message)>>,
}

impl Phone {
    /// A phone for this user at this address (port 0 takes any), that talks to this server.
    pub(crate) fn new(user: &str, at: SocketAddrV4, server: SocketAddrV4) -> Rc<Self> {
        let socket = UdpSocket::bind(at).unwrap_or_else(|error| panic!("{at}: {error}"));
        let at = match socket.local_addr() {
            Ok(SocketAddr::V4(at)) => at,
            other => panic!("the phone has no IPv4 address: {other:?}"),
        };
        let (count, heard) = (Cell::new(0), RefCell::new(Vec::new()));
        Rc::new(Self {
            socket,
            user: user.to_owned(),
            at,
            server,
            count,
            heard,
        })
    }

    /// Its address.
    pub(crate) fn at(&self) -> SocketAddrV4 {
        self.at
    }

    /// Its contact URI.
    pub(crate) fn contact(&self) -> String {
        format!("sip:{}@{}", self.user, self.at)
    }

    /// Everything it was told, and when.
    pub(crate) fn heard(&self) -> Vec<(Instant, Message)> {
        self.heard.borrow().clone()
    }

    /// A name nobody used before: for branches, tags and Call-IDs.
    pub(crate) fn fresh(&self, kind: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!(
            "{kind}{}x{}x{}",
            self.at.port(),
            self.at.ip().octets()[3],
            self.count.get()
        )
    }

    /// A request outside any dialog, complete and correct.
    pub(crate) fn request(&self, method: &str, target: &str) -> Draft {
        let address_of_record = format!("<sip:{}@{}>", self.user, self.server.ip());
        let to = if method == "REGISTER" {
            address_of_record.clone()
        } else {
            format!("<{target}>")
        };
        Draft::request(method, target)
            .with("Via", &self.via())
            .with("Max-Forwards", "70")
            .with("From", &format!("{address_of_record};tag={}", self.fresh("f")))
            .with("To", &to)
            .with("Call-ID", &self.fresh("c"))
            .with("CSeq", &format!("{} {method}", self.count.get()))
            .with("Contact", &format!("<{}>", self.contact()))
    }

    /// A `Via` for a new transaction.
    pub(crate) fn via(&self) -> String {
        format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.at, self.fresh("b"))
    }

    /// Says this to the box.
    pub(crate) fn say(&self, draft: &Draft) {
        self.say_bytes(draft.text().as_bytes());
    }

    /// Says these bytes to the box.
    pub(crate) fn say_bytes(&self, bytes: &[u8]) {
        self.socket
            .send_to(bytes, self.server)
            .expect("a datagram leaves");
    }

    /// Says this to whoever sent the request, as its top `Via` tells.
    pub(crate) fn answer(&self, request: &Message, status: &str, tag: &str) {
        self.say(
            &request
                .reply(status, tag)
                .with("Contact", &format!("<{}>", self.contact())),
        );
    }

    /// The next message, if one comes in time.
    pub(crate) fn hear(&self, within: Duration) -> Option<Message> {
        self.socket
            .set_read_timeout(Some(within.max(Duration::from_millis(1))))
            .expect("a time-out can be set");
        let mut buffer = [0; 65_535];
        let (length, _) = self.socket.recv_from(&mut buffer).ok()?;
        let message = Message::read(buffer.get(..length)?)?;
        self.heard.borrow_mut().push((Instant::now(), message.clone()));
        Some(message)
    }

    /// The next message that is what the test waits for; others pass by.
    #[track_caller]
    pub(crate) fn expect(&self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        let deadline = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        while let Some(rest) = deadline.checked_duration_since(Instant::now()) {
            match self.hear(rest) {
                Some(message) if wanted(&message) => return message,
                Some(message) => passed.push(message.first_line),
                None => {}
            }
        }
        panic!("{} never heard {what}; it heard {passed:?}", self.user);
    }

    /// The next request with this method.
    #[track_caller]
    pub(crate) fn expect_request(&self, method: &str) -> Message {
        self.expect(method, |message| message.request() == Some(method))
    }

    /// Says the request and returns the final response.
    #[track_caller]
    pub(crate) fn ask(&self, draft: &Draft) -> Message {
        self.say(draft);
        let (call_id, cseq) = (draft.header("Call-ID"), draft.header("CSeq"));
        self.expect(&format!("an answer to {}", draft.first_line), |message| {
            message.status().is_some_and(|code| code >= 200)
                && message.header("Call-ID") == call_id
                && message.header("CSeq") == cseq
        })
    }

    /// Registers (or with `expires` 0 unregisters) the phone's contact; returns the last response.
    #[track_caller]
    pub(crate) fn register(&self, password: &str, algorithm: &str, expires: u32) -> Message {
        self.register_saying(password, algorithm, expires, |draft| draft)
    }

    /// The same with something more in the request.
    #[track_caller]
    pub(crate) fn register_saying(
        &self,
        password: &str,
        algorithm: &str,
        expires: u32,
        more: impl FnOnce(Draft) -> Draft,
    ) -> Message {
        let target = format!("sip:{}", self.server.ip());
        let draft = self
            .request("REGISTER", &target)
            .with("Expires", &expires.to_string());
        let draft = more(draft);
        let challenge = self.ask(&draft);
        if challenge.status() != Some(401) {
            return challenge;
        }
        let credentials = Credentials {
            user: &self.user,
            password,
            algorithm,
        };
        self.ask(&self.authorised(&draft, &challenge, credentials))
    }

    /// The same request again, answering the challenge (RFC 3261 §22.2): new branch, next CSeq.
    #[track_caller]
    pub(crate) fn authorised(
        &self,
        draft: &Draft,
        challenge: &Message,
        credentials: Credentials<'_>,
    ) -> Draft {
        let (asks, answers) = match challenge.status() {
            Some(407) => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => ("WWW-Authenticate", "Authorization"),
        };
        let offered: Vec<&str> = challenge.headers(asks).collect();
        let chosen = offered
            .iter()
            .find(|offer| digest::asks_for(offer, credentials.algorithm));
        let chosen =
            chosen.unwrap_or_else(|| panic!("{} is not offered: {offered:?}", credentials.algorithm));
        let mut words = draft.first_line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let number = draft
            .header("CSeq")
            .split(' ')
            .next()
            .and_then(|number| number.parse::<u32>().ok());
        draft
            .clone()
            .with("Via", &self.via())
            .with("CSeq", &format!("{} {method}", number.unwrap_or_default() + 1))
            .with(answers, &digest::answer(chosen, credentials, method, target))
    }

    /// Dials a number with audio at this address.
    pub(crate) fn dial(self: &Rc<Self>, number: &str, audio: SocketAddrV4) -> Dialling {
        self.dial_offering(number, &sdp(audio, "sendrecv"))
    }

    /// Dials a number with this SDP.
    pub(crate) fn dial_offering(self: &Rc<Self>, number: &str, sdp: &str) -> Dialling {
        let invite = self
            .request("INVITE", &format!("sip:{number}@{}", self.server))
            .offering(sdp);
        self.dial_with(invite)
    }

    /// Sends this INVITE.
    pub(crate) fn dial_with(self: &Rc<Self>, invite: Draft) -> Dialling {
        self.say(&invite);
        Dialling {
            phone: Rc::clone(self),
            invite,
        }
    }
}

/// A call going out, before it is answered.
#[derive(Debug)]
pub(crate) struct Dialling {
    phone: Rc<Phone>,
    /// The INVITE as it was sent.
    pub(crate) invite: Draft,
}

impl Dialling {
    /// Waits for a provisional or final response with this code.
    #[track_caller]
    pub(crate) fn expect(&self, code: u16) -> Message {
        let call_id = self.invite.header("Call-ID").to_owned();
        self.phone.expect(&format!("{code} to its INVITE"), |message| {
            message.status() == Some(code)
                && message.header("Call-ID") == call_id
                && message.header("CSeq").ends_with("INVITE")
        })
    }

    /// Waits for the answer and acknowledges it.
    #[track_caller]
    pub(crate) fn answered(self) -> Dialog {
        let answer = self.expect(200);
        let mut dialog = Dialog {
            phone: self.phone,
            call_id: answer.header("Call-ID").to_owned(),
            local: answer.header("From").to_owned(),
            remote: answer.header("To").to_owned(),
            target: answer.contact(),
            // RFC 3261 §12.1.2: the caller walks the path backwards.
            route: answer.path().rev().collect(),
            cseq: answer
                .header("CSeq")
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or_default(),
            audio: answer.audio(),
        };
        dialog.acknowledge();
        dialog
    }

    /// Waits for this refusal and acknowledges it (RFC 3261 §17.1.1.3).
    #[track_caller]
    pub(crate) fn refused(self, code: u16) -> Message {
        let answer = self.expect(code);
        let ack = self.again("ACK").with("To", answer.header("To"));
        self.phone.say(&ack);
        answer
    }

    /// A request that belongs to the INVITE's own transaction: same branch, same CSeq number.
    fn again(&self, method: &str) -> Draft {
        let cseq = self.invite.header("CSeq").replace("INVITE", method);
        let first_line = self.invite.first_line.replacen("INVITE", method, 1);
        let draft = Draft {
            body: String::new(),
            ..self.invite.clone()
        };
        draft
            .beginning(&first_line)
            .with("CSeq", &cseq)
            .without("Content-Type")
            .without("Contact")
    }
}

/// A call that stands, from either side.
#[derive(Debug)]
pub(crate) struct Dialog {
    phone: Rc<Phone>,
    call_id: String,
    local: String,
    remote: String,
    target: String,
    /// The proxies in the path, the nearest first.
    route: Vec<String>,
    cseq: u32,
    /// Where the box wants the phone's audio.
    pub(crate) audio: SocketAddrV4,
}

impl Dialog {
    /// The called phone's side: answers the INVITE with audio at this address and waits for the ACK.
    #[track_caller]
    pub(crate) fn accept(phone: &Rc<Phone>, invite: &Message, audio: SocketAddrV4) -> Self {
        let dialog = Self::answer(phone, invite, audio);
        phone.expect("an ACK", |message| {
            message.request() == Some("ACK") && message.header("Call-ID") == dialog.call_id
        });
        dialog
    }

    /// The called phone's side: answers the INVITE and does not wait.
    pub(crate) fn answer(phone: &Rc<Phone>, invite: &Message, audio: SocketAddrV4) -> Self {
        let tag = phone.fresh("t");
        let contact = format!("<{}>", phone.contact());
        let answer = invite
            .reply("200 OK", &tag)
            .with("Contact", &contact)
            .offering(&sdp(audio, "sendrecv"));
        phone.say(&answer);
        Self {
            phone: Rc::clone(phone),
            call_id: invite.header("Call-ID").to_owned(),
            local: answer.header("To").to_owned(),
            remote: invite.header("From").to_owned(),
            target: invite.contact(),
            route: invite.path().collect(),
            cseq: 100,
            audio: invite.audio(),
        }
    }

    /// The next request of the dialog.
    pub(crate) fn request(&mut self, method: &str) -> Draft {
        if method != "ACK" {
            self.cseq += 1;
        }
        let draft = self
            .phone
            .request(method, &self.target)
            .with("From", &self.local)
            .with("To", &self.remote)
            .with("Call-ID", &self.call_id)
            .with("CSeq", &format!("{} {method}", self.cseq));
        self.route
            .iter()
            .fold(draft, |draft, proxy| draft.and("Route", proxy))
    }

    /// Whether this message belongs to the call.
    pub(crate) fn owns(&self, message: &Message) -> bool {
        message.header("Call-ID") == self.call_id
    }

    /// Says ACK for the last 200 OK.
    pub(crate) fn acknowledge(&mut self) {
        let ack = self.request("ACK");
        self.phone.say(&ack);
    }

    /// Offers again with audio flowing as `direction` says; returns the answer, acknowledged.
    #[track_caller]
    pub(crate) fn offer_again(&mut self, audio: SocketAddrV4, direction: &str) -> Message {
        let invite = self.request("INVITE").offering(&sdp(audio, direction));
        let answer = self.phone.ask(&invite);
        self.acknowledge();
        answer
    }

    /// Hangs up and waits for the 200.
    #[track_caller]
    pub(crate) fn hang_up(mut self) {
        let bye = self.request("BYE");
        let answer = self.phone.ask(&bye);
        assert_eq!(answer.status(), Some(200), "BYE is answered");
    }

    /// Says BYE and waits for nothing.
    pub(crate) fn say_goodbye(mut self) {
        let bye = self.request("BYE");
        self.phone.say(&bye);
    }

    /// Waits until the box hangs up, and agrees.
    #[track_caller]
    pub(crate) fn hung_up_on(self) -> Message {
        let bye = self.phone.expect("a BYE", |message| {
            message.request() == Some("BYE") && message.header("Call-ID") == self.call_id
        });
        self.phone.answer(&bye, "200 OK", "");
        bye
    }
}
