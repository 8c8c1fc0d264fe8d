use super::Faces;
use super::hosts::Hosts;
use super::people::{
    Allowance, Attempts, Digest, Hash, PeopleDesk, PeopleError, Scopes, Sessions, Visitor, session_cookie,
};
use super::problem::Problem;
use super::vouchers::Vouchers;
use super::witness::Listenings;
use crate::engine::{Command, Snapshot};
use crate::store::{Accounts, AuditNote, AuditWay, Consumers, Deliveries, Reader, StoreError};
use axum::http::{HeaderMap, header};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Longest wait for the engine's snapshot.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(2);
/// How old a snapshot may be that `/health` shows, since anybody may ask as often as they like.
const OPEN_SNAPSHOT_AGE: Duration = Duration::from_secs(1);
/// Questions to the store at a time. Full: a request waits for its turn within its own time limit.
const STORE_QUESTIONS: usize = 4;

/// What all routes share: the faces of the appliance, and who is inside.
pub(super) struct Reception {
    pub(super) faces: Faces,
    pub(super) hosts: Hosts,
    pub(super) started_at: Instant,
    admin: Option<Digest>,
    /// People who are logged in; see `logins.rs`.
    pub(super) sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    allowance: Mutex<Allowance>,
    listenings: Mutex<Listenings>,
    vouchers: Mutex<Vouchers>,
    /// One password is hashed at a time: 12 MiB, however many people knock.
    hashing: Semaphore,
    questions: Semaphore,
    /// One large file is taken in at a time.
    pub(super) uploads: Semaphore,
    requests: AtomicU64,
    request_prefix: u32,
    /// Answers so far, by status.
    answers: Mutex<BTreeMap<u16, u64>>,
    open_snapshot: tokio::sync::Mutex<Option<(Instant, Option<Arc<Snapshot>>)>>,
}

impl Reception {
    /// Opens the reception for these faces.
    pub(super) fn new(mut faces: Faces) -> Self {
        let mut prefix = [0; 4];
        faces.outside.random(&mut prefix);
        let admin = faces.admin_token.take().filter(|token| !token.is_empty());
        Self {
            hosts: Hosts::new(&faces.config.hosts),
            started_at: faces.outside.now(),
            admin: admin.map(|token| Digest::of(&token)),
            sessions: Mutex::default(),
            attempts: Mutex::default(),
            listenings: Mutex::default(),
            vouchers: Mutex::default(),
            allowance: Mutex::new(Allowance::new(faces.config.requests_per_minute)),
            hashing: Semaphore::new(1),
            questions: Semaphore::new(STORE_QUESTIONS),
            uploads: Semaphore::new(1),
            requests: AtomicU64::new(1),
            request_prefix: u32::from_be_bytes(prefix),
            answers: Mutex::default(),
            open_snapshot: tokio::sync::Mutex::default(),
            faces,
        }
    }

    /// A name for a request that no other has, for the log and the X-Request-Id header.
    pub(super) fn request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number:x}", self.request_prefix)
    }

    /// Counts an answer.
    pub(super) fn count_answer(&self, status: u16) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(status).or_default() += 1;
    }

    /// How many answers there were, by status.
    pub(super) fn answers(&self) -> BTreeMap<u16, u64> {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Who sent a request with these headers. A token counts before a session.
    pub(super) async fn visitor(&self, headers: &HeaderMap) -> Result<Visitor, Problem> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value
                .to_str()
                .ok()
                .and_then(bearer)
                .ok_or_else(Problem::unauthorized)?;
            return self.token_holder(token).await;
        }
        let secret = session_cookie(headers).ok_or_else(Problem::unauthorized)?;
        let visitor = self
            .session_holder(secret)
            .await
            .ok_or_else(Problem::unauthorized)?;
        self.spend(Digest::of(secret))?;
        Ok(visitor)
    }

    /// Takes one request out of somebody's allowance; only of those who have shown who they are, so that a stranger can
    /// neither use up theirs nor fill the list.
    pub(super) fn spend(&self, who: Digest) -> Result<(), Problem> {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        allowance
            .spend(self.faces.outside.now(), who)
            .map_err(Problem::too_many)
    }

    /// Whose token this is; counts against its allowance.
    pub(super) async fn token_holder(&self, token: &str) -> Result<Visitor, Problem> {
        let digest = Digest::of(token);
        if self.admin.is_some_and(|admin| admin.matches(&digest)) {
            self.spend(digest)?;
            return Ok(Visitor {
                name: "CALLPOST_ADMIN_TOKEN".to_owned(),
                way: AuditWay::Token,
                scopes: Scopes::ALL,
            });
        }
        let stored = self
            .accounts(move |accounts| accounts.token(&digest.to_hex()))
            .await?;
        let stored = stored.ok_or_else(Problem::unauthorized)?;
        self.spend(digest)?;
        Ok(Visitor {
            scopes: Scopes::parse(&stored.scopes),
            way: AuditWay::Token,
            name: stored.name,
        })
    }

    /// What has been listened to a moment ago.
    pub(super) fn listenings(&self) -> MutexGuard<'_, Listenings> {
        self.listenings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What softphones may fetch once.
    pub(super) fn vouchers(&self) -> MutexGuard<'_, Vouchers> {
        self.vouchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry to the audit log, from a blocking thread.
    pub(super) async fn note_deed(&self, note: AuditNote) -> Result<(), Problem> {
        let journal = self.faces.journal.clone();
        self.ask_store(move || journal.note_deed(note)).await
    }

    /// Counts an attempt to log in, or says after how long to try again.
    pub(super) fn count_attempt(&self, from: std::net::IpAddr) -> Result<(), Duration> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.count(self.faces.outside.now(), from)
    }

    /// Whether the hash fits the password, worked out off the runtime's thread.
    pub(super) async fn password_fits(&self, hash: Hash, password: String) -> bool {
        let Ok(_turn) = self.hashing.acquire().await else {
            return false;
        };
        tokio::task::spawn_blocking(move || hash.fits(&password))
            .await
            .unwrap_or(false)
    }

    /// Hashes a chosen password with a fresh salt.
    pub(super) async fn hash_password(&self, password: String) -> Option<Hash> {
        let mut salt = [0; 16];
        self.faces.outside.random(&mut salt);
        let _turn = self.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(move || Hash::of(&password, salt))
            .await
            .ok()
            .flatten()
    }

    /// Asks about call records and recordings, from a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = self.faces.reader.clone();
        self.ask_store(move || question(&reader)).await
    }

    /// Asks about people and tokens, or changes them, from a blocking thread.
    pub(super) async fn accounts<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Accounts) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let accounts = self.faces.accounts.clone();
        self.ask_store(move || question(&accounts)).await
    }

    /// Asks the desk for people and tokens, from a blocking thread. One password is hashed at a time.
    pub(super) async fn people<T: Send + 'static>(
        &self,
        work: impl FnOnce(&PeopleDesk<'_>) -> Result<T, PeopleError> + Send + 'static,
    ) -> Result<T, PeopleError> {
        let _turn = self.hashing.acquire().await.map_err(|_| PeopleError::NoMemory)?;
        let (accounts, outside) = (self.faces.accounts.clone(), Arc::clone(&self.faces.outside));
        let done = tokio::task::spawn_blocking(move || {
            let random = |bytes: &mut [u8]| outside.random(bytes);
            work(&PeopleDesk::new(&accounts, &random))
        });
        done.await.map_err(|_| PeopleError::NoMemory)?
    }

    /// Moves readers that acknowledge, from a blocking thread.
    pub(super) async fn consumers<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Consumers) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let consumers = self.faces.consumers.clone();
        self.ask_store(move || change(&consumers)).await
    }

    /// Changes what waits for destinations, from a blocking thread.
    pub(super) async fn deliveries<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Deliveries) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let deliveries = self.faces.deliveries.clone();
        self.ask_store(move || change(&deliveries)).await
    }

    pub(super) async fn ask_store<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.questions.acquire().await;
        let answer = tokio::task::spawn_blocking(question).await;
        drop(turn);
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(store_unavailable(&error.to_string())),
            Err(error) => Err(store_unavailable(&error.to_string())),
        }
    }

    /// What is going on now.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>, Problem> {
        let answer = tokio::time::timeout(SNAPSHOT_WAIT, self.faces.engine.snapshot()).await;
        answer.ok().flatten().ok_or_else(|| {
            tracing::warn!("The call engine did not answer a request for a snapshot.");
            Problem::try_later(
                "engine_silent",
                "The call engine did not answer within 2 seconds.",
            )
        })
    }

    /// What is going on now, or was a moment ago; for those who have not said who they are.
    pub(super) async fn recent_snapshot(&self) -> Option<Arc<Snapshot>> {
        let mut last = self.open_snapshot.lock().await;
        let now = self.faces.outside.now();
        if let Some((taken_at, snapshot)) = last.as_ref()
            && now.saturating_duration_since(*taken_at) < OPEN_SNAPSHOT_AGE
        {
            return snapshot.clone();
        }
        let snapshot = self.snapshot().await.ok();
        *last = Some((now, snapshot.clone()));
        snapshot
    }

    /// Hands a command to the engine.
    pub(super) fn command(&self, command: Command) -> Result<(), Problem> {
        let busy = |_busy| Problem::try_later("engine_busy", "The call engine is busy; nothing was done.");
        self.faces.engine.command(command).map_err(busy)
    }
}

pub(super) fn store_unavailable(error: &str) -> Problem {
    tracing::warn!(error, "The store could not answer a request.");
    Problem::try_later(
        "store_unavailable",
        "The store could not answer; the log has the reason.",
    )
}

/// The token of an `Authorization: Bearer …` header (RFC 6750 §2.1); the scheme's case does not matter.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn only_a_bearer_token_is_taken() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for header in ["Basic abc", "Bearer", "Bearer ", "abc", ""] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
