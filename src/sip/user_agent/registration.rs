//! Our registration with a trunk: RFC 3261 §10.2, with the pauses of a guest who does not hammer at the door.

use super::challenged::Known;
use super::chores::{PATIENCE, about};
use super::invite::new_call_id;
use super::{Event, Owner, UserAgent};
use crate::model::Dice;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::ClientId;
use crate::sip::{Contact, Contacts, Flow, Message, Method, Name, Target};
use std::time::{Duration, Instant};

/// How long a registration is asked for, in seconds.
const REGISTER_SECONDS: u32 = 600;
/// A registrar that wants more than this at least is not believed (RFC 3261 §10.2.8 lets it want anything).
const LONGEST_MIN_EXPIRES: u32 = 86_400;
/// The first pause after a registrar that was silent or had no time, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest of these pauses, and the one after a refusal: who said no is not asked again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);
/// A PBX that came back is asked by everybody who lost it; they spread over this time.
const SPREAD: Duration = Duration::from_secs(30);
/// So long the end of the box waits for the answer to its leave-taking.
pub(super) const PARTING: Duration = Duration::from_secs(2);
/// A nonce that is stale again and again is a registrar that cannot count.
const MOST_CHALLENGES: u8 = 3;

/// What a registration leaves behind for its end: its Call-ID and count (§10.2.4).
#[derive(Debug)]
pub(super) struct Leave {
    pub(super) call_id: String,
    pub(super) tag: String,
    pub(super) cseq: u32,
}

/// One registration: one Call-ID and a CSeq that counts up (§10.2.4).
#[derive(Debug)]
pub(super) struct Registration {
    at: Option<Instant>,
    asking: Option<Asking>,
    tried: Vec<Target>,
    call_id: String,
    tag: String,
    cseq: u32,
    /// How often this round has been challenged.
    challenged: u8,
    /// The challenge that was answered last.
    known: Option<Known>,
    seconds: u32,
    failures: u32,
    /// Until when the registrar keeps us.
    until: Option<Instant>,
    /// It said no to who we are, not to the moment.
    is_refused: bool,
    /// Taking leave, at most until then.
    parting: Option<Instant>,
    /// The proxies calls have to name (RFC 3608).
    service_route: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Asking {
    client: Option<ClientId>,
    target: Target,
    flow: Flow,
    since: Instant,
}

impl Registration {
    pub(super) fn new(now: Instant, dice: &mut Dice) -> Self {
        Self {
            at: Some(now),
            asking: None,
            tried: Vec::new(),
            call_id: new_call_id(dice),
            tag: dice.token(),
            cseq: 0,
            challenged: 0,
            known: None,
            seconds: REGISTER_SECONDS,
            failures: 0,
            until: None,
            is_refused: false,
            parting: None,
            service_route: Vec::new(),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let patience = self.asking.map(|asking| asking.since + PATIENCE);
        [patience, self.at, self.parting].into_iter().flatten().min()
    }

    /// What it waits for will not be known as its own any more: asks once more. The transaction to be forgotten.
    pub(super) fn ask_anew(&mut self, now: Instant) -> Option<ClientId> {
        let asking = self.asking.take()?;
        self.at = Some(now);
        asking.client
    }

    /// Whether the registrar has not been asked yet.
    pub(super) fn is_new(&self) -> bool {
        self.cseq == 0
    }

    /// Not before then.
    pub(super) fn wait_until(&mut self, at: Instant) {
        self.at = self.at.map(|own| own.max(at));
    }

    /// What is needed to take leave where the registrar keeps us, or soon will; nothing where it does not. The
    /// transaction that is under way, if one is, is to be forgotten.
    pub(super) fn into_leave(self, now: Instant) -> (Option<ClientId>, Option<Leave>) {
        let under_way = self.asking.and_then(|asking| asking.client);
        let is_kept = self.until.is_some_and(|until| until > now) || self.asking.is_some();
        let leave = Leave {
            call_id: self.call_id,
            tag: self.tag,
            cseq: self.cseq,
        };
        (under_way, is_kept.then_some(leave))
    }

    /// Asks now rather than when it is due.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.asking.is_none() && self.parting.is_none() {
            self.at = Some(now);
        }
    }
}

impl UserAgent {
    pub(super) fn look_at_registration(&mut self, now: Instant, place: usize) {
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        if registration.parting.is_some_and(|until| until <= now) {
            registration.parting = None;
        }
        if let Some(asking) = registration
            .asking
            .take_if(|asking| asking.since + PATIENCE <= now)
        {
            if let Some(client) = asking.client {
                self.transactions.forget(client);
            }
            return self.register_failed(now, place, asking.target, 408, None);
        }
        if registration.at.is_some_and(|at| at <= now) {
            registration.at = None;
            registration.tried.clear();
            registration.challenged = 0;
            let to = self.target_of(now, place);
            self.register_at(now, place, to);
        }
    }

    fn register_at(&mut self, now: Instant, place: usize, to: Option<(Target, Flow)>) {
        let Some((target, flow)) = to else {
            let trunk = self.settings.trunks.get(place);
            let is_unknown = trunk.is_some_and(|trunk| {
                trunk.targets.trouble().is_none() && trunk.targets.targets().next().is_none()
            });
            if is_unknown {
                return; // DNS has not spoken yet; when it does, the trunk is met at once.
            }
            return self.register_later(now, place, 408, None);
        };
        let credentials = self.credentials_of_last_time(place);
        if let Some(registration) = self.registration_of(place) {
            registration.tried.push(target);
            registration.asking = Some(Asking {
                client: None,
                target,
                flow,
                since: now,
            });
        }
        self.send_register(now, place, credentials);
    }

    fn send_register(&mut self, now: Instant, place: usize, credentials: Option<(Name<'_>, String)>) {
        let client = self.new_client();
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        let Some(flow) = self
            .own_registration(place)
            .and_then(|own| Some(own.asking?.flow))
        else {
            return;
        };
        let (aor, registrar) = (format!("<{}>", trunk.address_of_record()), trunk.uri(None));
        let contact = self.contact(&flow, trunk.user());
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        registration.cseq += 1;
        if let Some(asking) = &mut registration.asking {
            asking.client = Some(client);
            asking.since = now;
        }
        let seconds = if registration.parting.is_some() {
            0
        } else {
            registration.seconds
        };
        let (call_id, tag, cseq) = (
            registration.call_id.clone(),
            registration.tag.clone(),
            registration.cseq,
        );
        let dialog = Dialog::asking(call_id, tag, aor.clone(), aor, registrar, flow, contact);
        let mut draft = dialog
            .request(Method::Register, client, cseq)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Expires, seconds)
            .header(Name::Supported, "path")
            .header(Name::UserAgent, &self.settings.product);
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        self.transactions
            .ask(now, client, flow, draft.finish(), Owner::Register(place));
    }

    pub(super) fn register_answered(
        &mut self,
        now: Instant,
        place: usize,
        status: u16,
        response: &Message<'_>,
    ) {
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        if status < 200 || registration.cseq != response.cseq().number {
            return;
        }
        let Some(asking) = registration.asking else { return };
        match status {
            0..=199 => {}
            200..=299 => self.register_granted(now, place, asking, response),
            401 | 407 if self.register_with_credentials(now, place, response) => {}
            423 if self.register_for_longer(now, place, response) => {}
            408 | 429 | 480 | 500..=599 => {
                let pause = response.retry_after().ok().flatten();
                let pause = pause.map(|pause| Duration::from_secs(u64::from(pause.seconds)));
                self.register_failed(now, place, asking.target, status, pause);
            }
            300.. => self.register_refused(now, place, status),
        }
    }

    fn register_granted(&mut self, now: Instant, place: usize, asking: Asking, response: &Message<'_>) {
        let user = self.settings.trunks.get(place).map_or("", |trunk| trunk.user());
        let contact = self.contact(&asking.flow, user);
        // Half of it, as phones do, so that a lost REGISTER costs nothing; not all at the same moment.
        let jitter =
            |seconds: u32, dice: &mut Dice| about(Duration::from_secs(u64::from(seconds.max(20)) / 2), dice);
        let seconds = granted(response, &contact).unwrap_or(REGISTER_SECONDS);
        let next = now + jitter(seconds, &mut self.dice);
        if let Some(trunk) = self.settings.trunks.get_mut(place) {
            trunk.targets.served(&asking.target);
        }
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        registration.asking = None;
        registration.failures = 0;
        registration.is_refused = false;
        if registration.parting.take().is_some() {
            registration.until = None;
            return;
        }
        registration.until = Some(now + Duration::from_secs(u64::from(seconds)));
        registration.at = Some(next);
        registration.service_route = response
            .values(Name::ServiceRoute)
            .map(|hop| crate::sip::text(hop).into_owned())
            .take(8)
            .collect();
        self.tell_registered(place, Ok(seconds));
    }

    /// Answers a challenge: the first of a round, and those that only call the nonce old (RFC 7616 §3.3, `stale`).
    fn register_with_credentials(&mut self, now: Instant, place: usize, response: &Message<'_>) -> bool {
        let Some(trunk) = self.settings.trunks.get(place) else {
            return false;
        };
        let (name, uri) = (trunk.name.clone(), trunk.uri(None));
        let is_stale = response
            .challenges()
            .is_ok_and(|challenges| challenges.iter().any(|challenge| challenge.stale));
        let Some(registration) = self.registration_of(place) else {
            return false;
        };
        let is_first = registration.challenged == 0;
        registration.challenged += 1;
        let may_answer = is_first || (is_stale && registration.challenged <= MOST_CHALLENGES);
        if !may_answer {
            return false;
        }
        registration.known = None;
        let answer = self.credentials_for(&name, response, Method::Register, &uri);
        let Some((header, value, known)) = answer else {
            return false;
        };
        if let Some(registration) = self.registration_of(place) {
            registration.known = Some(known);
        }
        self.send_register(now, place, Some((header, value)));
        true
    }

    /// 423: it wants to keep us longer than we asked (§10.2.8).
    fn register_for_longer(&mut self, now: Instant, place: usize, response: &Message<'_>) -> bool {
        let Ok(Some(least)) = response.min_expires() else {
            return false;
        };
        let Some(registration) = self.registration_of(place) else {
            return false;
        };
        if least <= registration.seconds || least > LONGEST_MIN_EXPIRES {
            return false;
        }
        registration.seconds = least;
        let credentials = self.credentials_of_last_time(place);
        self.send_register(now, place, credentials);
        true
    }

    /// The credentials of the last time, counted up; a registrar that has had enough of the nonce asks anew.
    fn credentials_of_last_time(&mut self, place: usize) -> Option<(Name<'static>, String)> {
        let trunk = self.settings.trunks.get(place)?;
        let (name, uri) = (trunk.name.clone(), trunk.uri(None));
        let mut known = self.registration_of(place)?.known.take()?;
        let credentials = self.credentials_again(&name, &mut known, Method::Register, &uri);
        self.registration_of(place)?.known = Some(known);
        credentials
    }

    /// The way to the target is gone. Silence is found out by the watch over the request.
    pub(super) fn register_lost(&mut self, now: Instant, place: usize, status: u16) {
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        if let Some(asking) = registration.asking.take() {
            self.register_failed(now, place, asking.target, status, None);
        }
    }

    /// This target did not serve us; perhaps another does (RFC 3263 §4.3).
    fn register_failed(
        &mut self,
        now: Instant,
        place: usize,
        target: Target,
        status: u16,
        pause: Option<Duration>,
    ) {
        if let Some(trunk) = self.settings.trunks.get_mut(place) {
            trunk.targets.failed(now, &target);
        }
        let tried = self.own_registration(place).map(|own| own.tried.clone());
        match self.target_after(now, place, &tried.unwrap_or_default()) {
            Some(next) => self.register_at(now, place, Some(next)),
            None => self.register_later(now, place, status, pause),
        }
    }

    fn register_later(&mut self, now: Instant, place: usize, status: u16, wanted: Option<Duration>) {
        let failures = self.own_registration(place).map_or(0, |own| own.failures);
        let pause = FIRST_PAUSE
            .saturating_mul(1 << failures.min(6))
            .min(LONGEST_PAUSE);
        let pause = about(pause, &mut self.dice).max(wanted.unwrap_or_default());
        self.register_pauses(place, now + pause.clamp(FIRST_PAUSE, LONGEST_PAUSE), status);
        if let Some(registration) = self.registration_of(place) {
            registration.failures += 1;
        }
    }

    fn register_refused(&mut self, now: Instant, place: usize, status: u16) {
        let at = now + about(LONGEST_PAUSE, &mut self.dice);
        self.register_pauses(place, at, status);
        if let Some(registration) = self.registration_of(place) {
            registration.is_refused = true;
        }
    }

    fn register_pauses(&mut self, place: usize, at: Instant, status: u16) {
        let Some(registration) = self.registration_of(place) else {
            return;
        };
        registration.asking = None;
        if registration.parting.take().is_some() {
            return;
        }
        registration.at = Some(at);
        self.tell_registered(place, Err(status));
    }

    /// The trunk answers again: a registration that failed meanwhile is made up for, not by everybody at once.
    pub(super) fn trunk_is_back(&mut self, now: Instant, place: usize) {
        let spread = u64::try_from(SPREAD.as_millis()).unwrap_or(u64::MAX);
        let at = now + Duration::from_millis(self.dice.roll(spread));
        if let Some(registration) = self.registration_of(place)
            && registration.failures > 0
            && !registration.is_refused
            && registration.asking.is_none()
        {
            registration.at = registration.at.map(|own| own.min(at));
        }
    }

    /// Takes leave of every registrar that keeps us (§10.2.2), so that no call is sent to a box that is going.
    pub fn take_leave(&mut self, now: Instant) {
        for place in 0..self.chores.trunks.len() {
            let Some(registration) = self.registration_of(place) else {
                continue;
            };
            registration.at = None;
            if registration.until.take().is_none_or(|until| until <= now) {
                continue;
            }
            registration.parting = Some(now + PARTING);
            registration.tried.clear();
            registration.challenged = 0;
            let to = self.target_of(now, place);
            self.register_at(now, place, to);
        }
        self.flush();
    }

    /// Whether a leave-taking still waits for its answer.
    pub fn is_parting(&self) -> bool {
        let is_parting = |own: &Registration| own.parting.is_some();
        let mut all = self.chores.trunks.iter();
        all.any(|chore| chore.registration.as_ref().is_some_and(is_parting)) || !self.departures.is_empty()
    }

    /// The proxies a call by this trunk has to name.
    pub(super) fn service_route(&self, place: usize) -> Vec<String> {
        self.own_registration(place)
            .map(|own| own.service_route.clone())
            .unwrap_or_default()
    }

    fn own_registration(&self, place: usize) -> Option<&Registration> {
        self.chores.trunks.get(place)?.registration.as_ref()
    }

    fn registration_of(&mut self, place: usize) -> Option<&mut Registration> {
        self.chores.trunks.get_mut(place)?.registration.as_mut()
    }

    fn tell_registered(&mut self, place: usize, outcome: Result<u32, u16>) {
        if let Some(trunk) = self.settings.trunks.get(place) {
            self.events.push_back(Event::Registered {
                trunk: trunk.name.clone(),
                outcome,
            });
        }
    }
}

/// How long the registrar keeps us: `expires` of our contact among all it names, else Expires (§10.2.4).
fn granted(response: &Message<'_>, ours: &str) -> Option<u32> {
    let is_ours = |contact: &&Contact<'_>| {
        let uri = crate::sip::text(contact.uri().as_bytes()).into_owned();
        ours.contains(&uri)
    };
    let of_contact = match response.contacts() {
        Ok(Contacts::List(list)) => list
            .iter()
            .find(is_ours)
            .or_else(|| list.first())
            .and_then(Contact::expires),
        Ok(Contacts::All) | Err(_) => None,
    };
    of_contact.or_else(|| response.expires().ok().flatten())
}
