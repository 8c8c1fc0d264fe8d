//! Deadlines of sessions: found by time, answered from each session's own state.

use super::{SessionId, UserAgent};
use std::time::Instant;

impl UserAgent {
    /// Notes when a session wants to be woken next, after anything about that has changed.
    pub(super) fn rewake(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let next = session.next_deadline();
        if session.wake == next {
            return;
        }
        if let Some(old) = std::mem::replace(&mut session.wake, next) {
            self.wakes.remove(&(old, id));
        }
        if let Some(at) = next {
            self.wakes.insert((at, id));
        }
    }

    pub(super) fn wake_sessions(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.wakes.first()
            && at <= now
        {
            self.wakes.remove(&(at, id));
            if let Some(session) = self.sessions.get_mut(&id) {
                session.wake = None;
            }
            self.repeat_provisional(now, id);
            self.look_at_timer(now, id);
            self.look_at_hop(now, id);
            self.look_at_connection(now, id);
            self.rewake(id);
        }
    }

    fn look_at_timer(&mut self, now: Instant, id: SessionId) {
        let Some(timer) = self.sessions.get(&id).and_then(|session| session.timer) else {
            return;
        };
        if timer.expires_at <= now {
            self.expire_session(now, id);
        } else if timer.refresh_at.is_some_and(|at| at <= now) {
            self.refresh(now, id);
        }
    }
}
