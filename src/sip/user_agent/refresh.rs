//! Requests of ours inside a session that keep it alive: UPDATE (RFC 3311) where the far side takes it, else a
//! re-INVITE (RFC 3261 §14.1), with another try when both sides ask at once.

use super::session::{Asking, State};
use super::session_timer::{LONGEST_MIN_SE, MIN_SE};
use super::{ALLOW, Event, Owner, SUPPORTED, SessionId, UserAgent};
use crate::sip::{Draft, Message, Method, Name, Refresher, SessionExpires};
use std::time::{Duration, Instant};

/// When something else is being settled, the refresh waits this long.
const LATER: Duration = Duration::from_secs(2);

impl UserAgent {
    /// It is time to show that we are still here.
    pub(super) fn refresh(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_free = session.offered.is_none() && session.asking.is_none();
        let is_up = matches!(session.state, State::Up { .. }) && session.farewell.is_none();
        if !is_free || !is_up {
            return self.refresh_at(id, now + LATER);
        }
        if let Some(timer) = &mut session.timer {
            timer.refresh_at = None;
        }
        if session.takes_update {
            self.ask_within(now, id, Method::Update, None, None);
        } else {
            self.events.push_back(Event::RefreshWanted(id));
        }
    }

    /// Sends a re-INVITE with this offer; the answer comes as [`Event::Reanswered`]. Nothing happens while either side
    /// has an offer open.
    pub fn reoffer(&mut self, now: Instant, id: SessionId, sdp: &[u8]) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let is_free = session.offered.is_none() && session.asking.is_none();
        if is_free && session.farewell.is_none() && matches!(session.state, State::Up { .. }) {
            self.ask_within(now, id, Method::Invite, Some(sdp), None);
        }
    }

    fn ask_within(
        &mut self,
        now: Instant,
        id: SessionId,
        method: Method<'static>,
        sdp: Option<&[u8]>,
        credentials: Option<(Name<'static>, String)>,
    ) {
        let client = self.new_client();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.asking = Some(Asking {
            is_invite: method == Method::Invite,
            sdp: sdp.map(<[u8]>::to_vec),
            is_proven: credentials.is_some(),
        });
        let cseq = session.dialog.next_cseq();
        let timer = session.timer.map(|timer| SessionExpires {
            seconds: timer.seconds,
            refresher: Some(Refresher::Uac),
        });
        let mut draft: Draft = session
            .dialog
            .request(method, client, cseq)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .maybe(Name::SessionExpires, timer)
            .maybe(Name::MinSe, session.least_seconds)
            .header(Name::UserAgent, &self.settings.product);
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let request = match sdp {
            Some(sdp) => draft.body("application/sdp", sdp),
            None => draft.finish(),
        };
        let flow = session.dialog.next_hop(session.follows_target);
        self.transactions
            .ask(now, client, flow, request, Owner::Within(id));
    }

    pub(super) fn within_answered(&mut self, now: Instant, id: SessionId, response: &Message<'_>) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_ok = status < 300;
        if is_ok {
            session.dialog.retarget(response);
        }
        let (dialog, follows_target) = (session.dialog.clone(), session.follows_target);
        let asking = session.asking.take();
        if is_ok && response.method() == Method::Invite {
            self.acknowledge(&dialog, follows_target, response); // Each time it comes (§13.2.2.4).
        }
        let Some(asking) = asking else { return };
        if is_ok {
            self.hear_timer(now, id, response);
            if asking.is_invite {
                let body = response.body().to_vec();
                self.tell(id, Event::Reanswered { session: id, body });
            }
        } else {
            self.within_refused(now, id, asking, status, response);
        }
    }

    fn within_refused(
        &mut self,
        now: Instant,
        id: SessionId,
        asking: Asking,
        status: u16,
        response: &Message<'_>,
    ) {
        match status {
            // The far side knows nothing of this session (§12.2.1.2).
            408 | 481 => self.expire_session(now, id),
            491 => {
                let pause = self.pause_after_glare(id);
                self.refresh_at(id, now + pause);
            }
            422 => self.ask_for_longer(now, id, response.min_se().ok().flatten()),
            401 | 407 if self.prove_within(now, id, &asking, response) => {}
            405 | 501 if !asking.is_invite => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.takes_update = false;
                }
                self.refresh_at(id, now);
            }
            // Everything stays as it was (§14.1); without a refresh the session ends in its time.
            _ => {}
        }
    }

    /// A trunk challenges what we ask inside a session: it is asked once more, with its own credentials (RFC 3261 §22.2).
    fn prove_within(&mut self, now: Instant, id: SessionId, asking: &Asking, response: &Message<'_>) -> bool {
        let session = self.sessions.get(&id);
        let is_over = session.is_none_or(|session| session.farewell.is_some());
        if asking.is_proven || is_over {
            return false;
        }
        let method = if asking.is_invite {
            Method::Invite
        } else {
            Method::Update
        };
        let Some(credentials) = self.credentials_within(id, response, method) else {
            return false;
        };
        self.ask_within(now, id, method, asking.sdp.as_deref(), Some(credentials));
        true
    }

    /// Nobody answered the refresh: the session is over (§12.2.1.2).
    pub(super) fn within_lost(&mut self, now: Instant, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.asking = None;
            if matches!(session.state, State::Up { .. }) {
                self.expire_session(now, id);
            }
        }
    }

    /// §14.1: whoever made the Call-ID waits 2.1 to 4 seconds, the other up to 2, in steps of 10 ms.
    fn pause_after_glare(&mut self, id: SessionId) -> Duration {
        let is_ours = self.sessions.get(&id).is_some_and(|session| session.is_ours);
        let (least, steps) = if is_ours { (2100, 191) } else { (0, 201) };
        Duration::from_millis(least + 10 * self.dice.roll(steps))
    }

    fn ask_for_longer(&mut self, now: Instant, id: SessionId, least: Option<u32>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let least = least.unwrap_or(MIN_SE);
        if let Some(timer) = &mut session.timer
            && least > timer.seconds
            && least <= LONGEST_MIN_SE
        {
            timer.seconds = least;
            session.least_seconds = Some(least);
            self.refresh_at(id, now);
        }
    }

    fn refresh_at(&mut self, id: SessionId, at: Instant) {
        if let Some(session) = self.sessions.get_mut(&id)
            && let Some(timer) = &mut session.timer
        {
            timer.refresh_at = Some(at);
        }
        self.rewake(id);
    }
}
