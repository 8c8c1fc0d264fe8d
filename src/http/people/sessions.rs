use super::{Digest, Role};
use crate::model::Stamp;
use crate::store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The name of the cookie.
pub(in crate::http) const SESSION_COOKIE: &str = "callpost_session";
/// A session that nobody used for so long is over.
pub(in crate::http) const IDLE: Duration = Duration::from_secs(12 * 3600);
/// Sessions at a time. Full: the one that was idle longest ends.
const MOST: usize = 64;
/// How often the store is told that a session is used.
const WRITTEN_EVERY: Duration = Duration::from_secs(3600);
/// Characters of a session's identity in lists.
const ID_CHARACTERS: usize = 16;

/// People who are logged in. Kept in memory, so that somebody can log in and look even when the disk cannot be written;
/// the store has a copy for the time after a restart.
#[derive(Debug, Default)]
pub(in crate::http) struct Sessions {
    live: HashMap<Digest, Seat>,
}

#[derive(Debug)]
struct Seat {
    used_at: Instant,
    /// When the store was told last that it is used.
    written_at: Instant,
    session: Session,
}

/// A session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::http) struct SessionView {
    /// Identity, for ending it; not secret.
    pub(in crate::http) id: String,
    /// Who logged in.
    pub(in crate::http) user: String,
    /// When.
    pub(in crate::http) created_at: Stamp,
    /// When it was last used, to the hour.
    pub(in crate::http) last_used_at: Option<Stamp>,
    /// The address the person came from, where it is known.
    pub(in crate::http) from: Option<String>,
    /// What the browser calls itself.
    pub(in crate::http) browser: Option<String>,
    /// Whether it is the one of whoever asks.
    pub(in crate::http) current: bool,
}

impl SessionView {
    /// The session as lists show it; `stamp` shows a time in ms since 1970 by the site's clock.
    pub(in crate::http) fn of(session: &store::Session, current: bool, stamp: impl Fn(i64) -> Stamp) -> Self {
        Self {
            id: Self::id_of(session),
            user: session.user.clone(),
            created_at: stamp(session.created_ms),
            last_used_at: session.seen_ms.map(stamp),
            from: session.from.clone(),
            browser: session.browser.clone(),
            current,
        }
    }

    /// The beginning of the cookie's hash: enough to tell sessions apart, of no use to get in.
    pub(in crate::http) fn id_of(session: &store::Session) -> String {
        session.cookie_hash.chars().take(ID_CHARACTERS).collect()
    }
}

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Session {
    /// The name they log in with.
    pub(in crate::http) user: String,
    /// What they were when they were last looked up.
    pub(in crate::http) role: Role,
    /// Of the password's hash: a changed password ends the sessions that were begun with the old one.
    pub(in crate::http) password: Digest,
}

impl Sessions {
    /// Begins a session under the digest of its cookie.
    pub(in crate::http) fn begin(&mut self, now: Instant, cookie: Digest, session: Session) {
        self.live.retain(|_, seat| !is_over(seat.used_at, now));
        if self.live.len() >= MOST {
            let idlest = self
                .live
                .iter()
                .min_by_key(|(_, seat)| seat.used_at)
                .map(|(key, _)| *key);
            idlest.and_then(|key| self.live.remove(&key));
        }
        let seat = Seat {
            used_at: now,
            written_at: now,
            session,
        };
        self.live.insert(cookie, seat);
    }

    /// Whose session this is; being asked keeps it alive.
    pub(in crate::http) fn of(&mut self, now: Instant, cookie: &Digest) -> Option<Session> {
        let seat = self.live.get_mut(cookie)?;
        if is_over(seat.used_at, now) {
            return None;
        }
        seat.used_at = now;
        Some(seat.session.clone())
    }

    /// Whether it is time to tell the store that a session is used; once an hour.
    pub(in crate::http) fn is_to_be_written(&mut self, now: Instant, cookie: &Digest) -> bool {
        let Some(seat) = self.live.get_mut(cookie) else {
            return false;
        };
        let is_due = now.saturating_duration_since(seat.written_at) >= WRITTEN_EVERY;
        if is_due {
            seat.written_at = now;
        }
        is_due
    }

    /// Ends a session.
    pub(in crate::http) fn end(&mut self, cookie: &Digest) {
        self.live.remove(cookie);
    }
}

fn is_over(used_at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(used_at) >= IDLE
}

/// The secret of a new session: 256 random bits as a word.
pub(in crate::http) fn new_secret(random: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

/// The Set-Cookie value that gives a session to a browser (RFC 6265).
pub(in crate::http) fn cookie(secret: &str) -> String {
    let seconds = IDLE.as_secs();
    format!("{SESSION_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

/// The Set-Cookie value that takes it away.
pub(in crate::http) fn no_cookie() -> String {
    format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to count from"
)]
mod tests {
    use super::*;

    fn begin(sessions: &mut Sessions, now: Instant, name: &str) -> Digest {
        let cookie = Digest::of(name);
        let session = Session {
            user: name.to_owned(),
            role: Role::Viewer,
            password: Digest::of(""),
        };
        sessions.begin(now, cookie, session);
        cookie
    }

    #[test]
    fn a_session_lives_while_it_is_used_and_twelve_hours_more() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let cookie = begin(&mut sessions, start, "ali");
        let later = start + IDLE - Duration::from_secs(1);
        assert!(sessions.of(later, &cookie).is_some());
        assert!(
            sessions
                .of(later + IDLE - Duration::from_secs(1), &cookie)
                .is_some()
        );
        assert!(sessions.of(later + IDLE + IDLE, &cookie).is_none());
        assert!(sessions.of(start, &Digest::of("another")).is_none());
    }

    #[test]
    fn when_too_many_are_logged_in_the_idlest_session_ends() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let cookies: Vec<Digest> = (0..64)
            .map(|number| {
                begin(
                    &mut sessions,
                    start + Duration::from_secs(number),
                    &number.to_string(),
                )
            })
            .collect();
        let now = start + Duration::from_secs(100);
        assert!(sessions.of(now, &cookies[0]).is_some());
        begin(&mut sessions, now, "one more");
        assert!(sessions.of(now, &cookies[0]).is_some());
        assert!(sessions.of(now, &cookies[1]).is_none());
        assert_eq!(sessions.live.len(), MOST);
    }

    #[test]
    fn logging_out_ends_the_session() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let cookie = begin(&mut sessions, start, "ali");
        sessions.end(&cookie);
        assert!(sessions.of(start, &cookie).is_none());
    }
}
