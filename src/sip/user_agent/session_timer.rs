//! Session timers: RFC 4028. A session that nobody refreshes is one whose far side has vanished.

use super::{Event, SessionId, UserAgent};
use crate::sip::{Draft, Fault, Message, Name, Refresher, SessionExpires};
use std::time::{Duration, Instant};

/// What we ask for in calls of ours, in seconds (§4 recommends half an hour).
pub(super) const SESSION_SECONDS: u32 = 1800;
/// The shortest time we take (§5: nobody may ask for less).
pub(super) const MIN_SE: u32 = 90;
/// A longer least time than this is not worth another try.
pub(super) const LONGEST_MIN_SE: u32 = 24 * 3600;

/// When a session has to be refreshed, and when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) seconds: u32,
    /// When we refresh, if it is on us.
    pub(super) refresh_at: Option<Instant>,
    /// When it is over without a refresh.
    pub(super) expires_at: Instant,
}

/// What a request of theirs wants of the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// None.
    Nothing,
    /// This; our answer says so.
    Granted(SessionExpires),
    /// Less than we take: 422 (§9).
    TooShort,
}

impl Timer {
    /// The timer that a 2xx has started (§10): half of it for the refresh, and an end that leaves time for the BYE.
    pub(super) fn start(now: Instant, seconds: u32, is_ours: bool) -> Self {
        let whole = Duration::from_secs(seconds.into());
        let margin = (whole / 3).min(Duration::from_secs(32));
        Self {
            seconds,
            refresh_at: is_ours.then(|| now + whole / 2),
            expires_at: now + (whole - margin),
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.refresh_at
            .map_or(self.expires_at, |at| at.min(self.expires_at))
    }
}

/// What an INVITE or UPDATE of theirs asks for, and our answer to it (§9, table 2): whoever is named refreshes; when
/// nobody is, the asker if it can, else we.
pub(super) fn wish(request: &Message<'_>) -> Result<Wish, Fault> {
    let least = request.min_se()?;
    let Some(asked) = request.session_expires()? else {
        return Ok(Wish::Nothing);
    };
    if asked.seconds < MIN_SE || least.is_some_and(|least| asked.seconds < least) {
        return Ok(Wish::TooShort);
    }
    let able = request.supports("timer");
    let refresher = match asked.refresher {
        Some(Refresher::Uas) => Refresher::Uas,
        Some(Refresher::Uac) | None if able => Refresher::Uac,
        Some(Refresher::Uac) | None => Refresher::Uas,
    };
    Ok(Wish::Granted(SessionExpires {
        seconds: asked.seconds,
        refresher: Some(refresher),
    }))
}

/// Says in a 2xx what was granted. Who is to refresh must know how (§9).
pub(super) fn granted(draft: Draft, timer: Option<SessionExpires>) -> Draft {
    let draft = draft.maybe(Name::SessionExpires, timer);
    match timer.and_then(|timer| timer.refresher) {
        Some(Refresher::Uac) => draft.header(Name::Require, "timer"),
        Some(Refresher::Uas) | None => draft,
    }
}

impl UserAgent {
    /// A 2xx of ours has been sent: the timer starts, starts anew, or stops (§9).
    pub(super) fn granted_timer(&mut self, now: Instant, id: SessionId, timer: Option<SessionExpires>) {
        let start =
            |timer: SessionExpires| Timer::start(now, timer.seconds, timer.refresher == Some(Refresher::Uas));
        self.set_timer(id, timer.map(start));
    }

    /// A 2xx of theirs came (§7.2). Without a word about a refresher it is the one who asked: we.
    pub(super) fn hear_timer(&mut self, now: Instant, id: SessionId, response: &Message<'_>) {
        let timer = response.session_expires().ok().flatten();
        let start = |timer: SessionExpires| {
            let seconds = timer.seconds.max(MIN_SE);
            Timer::start(now, seconds, timer.refresher != Some(Refresher::Uas))
        };
        self.set_timer(id, timer.map(start));
    }

    fn set_timer(&mut self, id: SessionId, timer: Option<Timer>) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.timer = timer;
        }
        self.rewake(id);
    }

    /// Nobody refreshed it (§10): the far side is gone, or as good as.
    pub(super) fn expire_session(&mut self, now: Instant, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.timer = None;
        }
        self.tell(id, Event::Expired(id));
        self.send_bye(now, id, &["SIP;cause=408;text=\"Session expired\""]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::transaction::tests::origin;
    use super::*;

    fn wish_of(lines: &str) -> Result<Wish, u16> {
        let text = format!(
            "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n\
             Call-ID: x\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
        );
        wish(&Message::parse(text.as_bytes()).unwrap()).map_err(|fault| fault.status)
    }

    /// RFC 4028 §9, table 2.
    #[test]
    fn the_answer_names_a_refresher_who_can() {
        let (uac, uas) = (Refresher::Uac, Refresher::Uas);
        let granted = |seconds, refresher| {
            Ok(Wish::Granted(SessionExpires {
                seconds,
                refresher: Some(refresher),
            }))
        };
        let able = "Supported: timer\r\n";
        assert_eq!(wish_of(able), Ok(Wish::Nothing));
        assert_eq!(wish_of("x: 1800\r\n"), granted(1800, uas));
        assert_eq!(wish_of("x: 1800;refresher=uac\r\n"), granted(1800, uas));
        assert_eq!(wish_of(&format!("{able}x: 1800\r\n")), granted(1800, uac));
        assert_eq!(
            wish_of(&format!("{able}x: 90;refresher=uas\r\n")),
            granted(90, uas)
        );
        assert_eq!(wish_of("x: 89\r\n"), Ok(Wish::TooShort));
        assert_eq!(wish_of("x: 100\r\nMin-SE: 120\r\n"), Ok(Wish::TooShort));
        assert_eq!(wish_of("x: soon\r\n"), Err(400));
    }

    #[test]
    fn half_of_it_is_for_the_refresh_and_the_end_leaves_time_for_the_bye() {
        let now = origin();
        let seconds = |at: Instant| (at - now).as_secs();
        let ours = Timer::start(now, 1800, true);
        assert_eq!(ours.refresh_at.map(seconds), Some(900));
        assert_eq!(
            (seconds(ours.expires_at), seconds(ours.next_deadline())),
            (1768, 900)
        );
        let theirs = Timer::start(now, 90, false);
        assert_eq!((theirs.refresh_at, seconds(theirs.next_deadline())), (None, 60));
    }
}
