//! A connection that closes under a call: the phone may come back on another (RFC 5626 §4.2, §5.3), and has some time
//! for it; then the call is over. A trunk that says where it listens is simply called on a new connection.

use super::session::State;
use super::{Event, SessionId, UserAgent};
use crate::model::Number;
use crate::sip::Flow;
use std::time::{Duration, Instant};

/// How long a phone has to come back: 64·T1, as long as anything in SIP waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(32);

impl UserAgent {
    /// A connection is gone: whose calls went over it?
    pub(super) fn cut_off_sessions(&mut self, now: Instant, connection: u64) {
        let on_it: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.dialog.flow.connection == Some(connection))
            .map(|(id, _)| *id)
            .collect();
        for id in on_it {
            let Some(session) = self.sessions.get_mut(&id) else {
                continue;
            };
            if session.trunk.is_some() {
                session.dialog.call_anew();
            }
            if session.dialog.flow.connection == Some(connection) {
                session.cut_off_until = Some(now + PATIENCE);
            }
            self.rewake(id);
        }
    }

    /// A phone registered over this connection: its calls that lost theirs go on there.
    pub(super) fn sessions_came_back(&mut self, extension: &Number, flow: Flow) {
        let Some(connection) = flow.connection else { return };
        let is_back = |session: &super::Session| {
            session.cut_off_until.is_some()
                && session.phone.as_ref() == Some(extension)
                && session.dialog.flow.peer.ip() == flow.peer.ip()
                && session
                    .dialog
                    .flow
                    .connection
                    .is_none_or(|lost| lost < connection)
        };
        let back: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| is_back(session))
            .map(|(id, _)| *id)
            .collect();
        for id in back {
            self.came_back(id, flow);
        }
    }

    /// The far side of a session that lost its connection spoke again, on this one.
    pub(super) fn came_back(&mut self, id: SessionId, flow: Flow) {
        if let Some(session) = self.sessions.get_mut(&id)
            && session.cut_off_until.take().is_some()
        {
            session.dialog.flow = flow;
            self.rewake(id);
        }
    }

    /// It did not come back in time.
    pub(super) fn look_at_connection(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if session.cut_off_until.is_none_or(|until| until > now) {
            return;
        }
        session.cut_off_until = None;
        session.dialog.call_anew();
        self.tell(id, Event::CutOff(id));
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        match &session.state {
            State::Up { .. } | State::Answered { .. } => {
                self.send_bye(now, id, &["SIP;cause=430;text=\"Connection lost\""]);
            }
            State::Asked { .. } => {
                self.refuse_invite(now, id, 480, None);
                self.forget(id);
            }
            // Their transactions know already that nobody will answer.
            State::Inviting { .. } | State::Leaving => {}
        }
    }
}
