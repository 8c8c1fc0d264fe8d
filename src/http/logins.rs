//! People's sessions: begun at the log-in, looked up with every request, listed, ended.

use super::people::{
    Digest, IDLE, Role, Session, SessionView, Sessions, Visitor, new_secret, session_cookie,
};
use super::problem::Problem;
use super::reception::Reception;
use super::serve::Peer;
use crate::model::Stamp;
use crate::store::{Accounts, AuditWay, NewSession, User};
use axum::http::{HeaderMap, header};
use std::sync::{MutexGuard, PoisonError};

/// Longest name of a browser that is kept, in characters.
const MAX_BROWSER: usize = 160;

impl Reception {
    /// Whose session this is. What the person may do is looked up each time, so a removed account, a changed role or a
    /// changed password counts at once; when the store cannot be asked, what was known last counts.
    pub(super) async fn session_holder(&self, secret: &str) -> Option<Visitor> {
        let cookie = Digest::of(secret);
        let known = self.sessions().of(self.faces.outside.now(), &cookie);
        let session = match known {
            Some(session) => session,
            None => self.session_of_earlier_run(cookie).await?,
        };
        let name = session.user.clone();
        let role = match self.accounts(move |accounts| accounts.user(&name)).await {
            Ok(Some(user)) if password_of(&user) == session.password => Role::parse(&user.role),
            Ok(_) => {
                self.sessions().end(&cookie);
                return None;
            }
            Err(_) => session.role,
        };
        self.prolong(cookie).await;
        Some(Visitor {
            name: session.user,
            way: AuditWay::Page,
            scopes: role.scopes(),
        })
    }

    /// Has the store know that the session is used, from time to time.
    async fn prolong(&self, cookie: Digest) {
        if self
            .sessions()
            .is_to_be_written(self.faces.outside.now(), &cookie)
        {
            let ends = self.session_end();
            let _ = self
                .accounts(move |accounts| {
                    accounts.prolong_session(&cookie.to_hex(), ends);
                    Ok(())
                })
                .await;
        }
    }

    async fn session_of_earlier_run(&self, cookie: Digest) -> Option<Session> {
        let question = move |accounts: &Accounts| match accounts.session(&cookie.to_hex())? {
            Some(session) => accounts.user(&session.user),
            None => Ok(None),
        };
        let user = self.accounts(question).await.ok()??;
        let session = Session {
            role: Role::parse(&user.role),
            password: password_of(&user),
            user: user.name,
        };
        self.sessions()
            .begin(self.faces.outside.now(), cookie, session.clone());
        Some(session)
    }

    /// Begins a session and returns the cookie's secret. When the store cannot keep its copy, the session ends with this
    /// run of the daemon.
    pub(super) async fn begin_session(
        &self,
        user: String,
        role: Role,
        hash: &str,
        peer: Option<&Peer>,
        headers: &HeaderMap,
    ) -> String {
        let mut random = [0; 32];
        self.faces.outside.random(&mut random);
        let secret = new_secret(random);
        let cookie = Digest::of(&secret);
        let session = Session {
            user: user.clone(),
            role,
            password: Digest::of(hash),
        };
        self.sessions().begin(self.faces.outside.now(), cookie, session);
        let browser = headers
            .get(header::USER_AGENT)
            .and_then(|name| name.to_str().ok());
        let session = NewSession {
            cookie_hash: cookie.to_hex(),
            user,
            expires_ms: self.session_end(),
            from: peer.map(|Peer(address)| address.ip().to_canonical().to_string()),
            browser: browser.map(|name| name.chars().take(MAX_BROWSER).collect()),
        };
        let _ = self
            .accounts(move |accounts| accounts.open_session(session))
            .await;
        secret
    }

    /// When a session ends that is used now.
    fn session_end(&self) -> i64 {
        let idle_ms = i64::try_from(IDLE.as_millis()).unwrap_or(i64::MAX);
        self.faces.outside.wall().unix_ms.saturating_add(idle_ms)
    }

    /// Ends a session.
    pub(super) async fn end_session(&self, secret: &str) {
        let cookie = Digest::of(secret);
        self.sessions().end(&cookie);
        let _ = self
            .accounts(move |accounts| accounts.close_session(&cookie.to_hex()))
            .await;
    }

    /// The sessions that hold: everybody's, or one person's. `headers` tell which is the asker's own.
    pub(super) async fn session_list(
        &self,
        of: Option<String>,
        headers: &HeaderMap,
        stamp: impl Fn(i64) -> Stamp,
    ) -> Result<Vec<SessionView>, Problem> {
        let found = self
            .accounts(move |accounts| accounts.sessions(of.as_deref()))
            .await?;
        let own = session_cookie(headers).map(|secret| Digest::of(secret).to_hex());
        let is_own = |hash: &String| own.as_ref() == Some(hash);
        let view =
            |session: &crate::store::Session| SessionView::of(session, is_own(&session.cookie_hash), &stamp);
        Ok(found.iter().map(view).collect())
    }

    /// Ends the session of this identity; of one person alone when `of` is given. False: there is none.
    pub(super) async fn end_session_named(&self, id: &str, of: Option<String>) -> Result<bool, Problem> {
        let found = self
            .accounts(move |accounts| accounts.sessions(of.as_deref()))
            .await?;
        let named = found
            .into_iter()
            .find(|session| SessionView::id_of(session) == id);
        let Some(session) = named else { return Ok(false) };
        if let Some(cookie) = Digest::from_hex(&session.cookie_hash) {
            self.sessions().end(&cookie);
        }
        self.accounts(move |accounts| accounts.close_session(&session.cookie_hash))
            .await
    }

    /// The person of this session has another password now, and stays logged in.
    pub(super) async fn keep_session(&self, secret: &str) {
        let cookie = Digest::of(secret);
        let Some(session) = self.sessions().of(self.faces.outside.now(), &cookie) else {
            return;
        };
        let name = session.user.clone();
        if let Ok(Some(user)) = self.accounts(move |accounts| accounts.user(&name)).await {
            let session = Session {
                password: password_of(&user),
                ..session
            };
            self.sessions().begin(self.faces.outside.now(), cookie, session);
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn password_of(user: &User) -> Digest {
    Digest::of(&user.password_hash)
}
