use super::{Hand, NOON, open};
use crate::store::{Accounts, Clock, NewSession, NewToken, PersonChange, StoreError};

fn new_token(id: &str, hash: &str, expires_ms: Option<i64>) -> NewToken {
    NewToken {
        id: id.to_owned(),
        name: "head office".to_owned(),
        hash: hash.to_owned(),
        scopes: "cdr:read cdr:ack".to_owned(),
        expires_ms,
        made_by: Some("sam".to_owned()),
    }
}

fn new_session(cookie: &str, user: &str, expires_ms: i64) -> NewSession {
    NewSession {
        cookie_hash: cookie.to_owned(),
        user: user.to_owned(),
        expires_ms,
        from: Some("192.0.2.7".to_owned()),
        browser: Some("Firefox".to_owned()),
    }
}

#[test]
fn the_claim_code_makes_one_account_and_no_second() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let accounts = room.store.accounts();
    assert_eq!(accounts.claim_code_hash().unwrap(), None);
    accounts.set_claim_code_hash("c0de").unwrap();
    assert!(!accounts.claim("wrong", "sam", "$argon2id$1", "admin").unwrap());
    assert!(accounts.claim("c0de", "sam", "$argon2id$1", "admin").unwrap());
    assert!(!accounts.claim("c0de", "eve", "$argon2id$2", "admin").unwrap());
    let users = accounts.users().unwrap();
    assert_eq!(
        users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(),
        ["sam"]
    );
    assert_eq!(
        accounts.user("sam").unwrap().unwrap().password_hash,
        "$argon2id$1"
    );
}

#[test]
fn a_session_ends_by_time_by_log_out_by_a_new_password_and_with_its_person() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &[], |options| options.clock = clock);
    let accounts = room.store.accounts();
    assert!(accounts.create_user("sam", "$1", "technician").unwrap());
    assert!(!accounts.create_user("sam", "$2", "admin").unwrap());
    let log_in = |cookie: &str| {
        let session = new_session(cookie, "sam", NOON + 1000);
        accounts.open_session(session).unwrap();
    };
    let holds = |cookie: &str| accounts.session(cookie).unwrap().is_some();
    log_in("a");
    assert_eq!(accounts.session("a").unwrap().unwrap().role, "technician");
    hand.put(NOON + 1000);
    assert!(!holds("a"));
    hand.put(NOON);
    assert!(accounts.close_session("a").unwrap());
    assert!(!holds("a"));
    log_in("b");
    assert!(accounts.set_password("sam", "$3", None).unwrap());
    assert!(!holds("b"));
    log_in("c");
    assert!(accounts.remove_user("sam").unwrap());
    assert!(!holds("c"));
    assert!(!accounts.set_password("sam", "$4", None).unwrap());
}

#[test]
fn a_token_holds_until_it_expires_or_is_revoked_and_its_use_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &[], |options| options.clock = clock);
    let accounts = room.store.accounts();
    assert!(accounts.create_token(new_token("t1", "h1", None)).unwrap());
    assert!(
        accounts
            .create_token(new_token("t2", "h2", Some(NOON + 10)))
            .unwrap()
    );
    assert!(!accounts.create_token(new_token("t3", "h1", None)).unwrap());
    assert_eq!(accounts.token("h1").unwrap().unwrap().scopes, "cdr:read cdr:ack");
    assert_eq!(accounts.token("nothing").unwrap(), None);
    room.settle();
    let used = accounts
        .tokens()
        .unwrap()
        .iter()
        .find(|token| token.id == "t1")
        .unwrap()
        .last_used_ms;
    assert_eq!(used, Some(NOON));
    assert!(accounts.token("h2").unwrap().is_some());
    hand.put(NOON + 10);
    assert!(accounts.token("h2").unwrap().is_none());
    assert!(accounts.revoke_token("t1").unwrap());
    assert!(accounts.token("h1").unwrap().is_none());
    assert!(!accounts.revoke_token("t9").unwrap());
}

#[test]
fn a_session_is_listed_prolonged_and_kept_by_its_own_new_password() {
    let dir = tempfile::tempdir().unwrap();
    let hand = Hand::at(NOON);
    let clock = hand.clock();
    let (room, _) = open(dir.path(), &[], |options| options.clock = clock);
    let accounts = room.store.accounts();
    for name in ["eve", "sam"] {
        assert!(accounts.create_user(name, "$1", "viewer").unwrap());
    }
    for (cookie, name) in [("a", "sam"), ("b", "sam"), ("c", "eve")] {
        let session = new_session(cookie, name, NOON + 1000);
        accounts.open_session(session).unwrap();
    }
    let cookies = |of: Option<&str>| {
        let found = accounts.sessions(of).unwrap();
        found.into_iter().map(|one| one.cookie_hash).collect::<Vec<_>>()
    };
    assert_eq!(cookies(None), ["a", "b", "c"]);
    assert_eq!(cookies(Some("eve")), ["c"]);
    assert_eq!(accounts.user("eve").unwrap().unwrap().seen_ms, Some(NOON));
    assert!(accounts.set_password("sam", "$2", Some("b")).unwrap());
    assert_eq!(cookies(None), ["b", "c"]);
    hand.put(NOON + 999);
    accounts.prolong_session("b", NOON + 5000);
    room.settle();
    hand.put(NOON + 1000);
    let left = accounts.sessions(None).unwrap();
    assert_eq!(
        left.iter()
            .map(|one| (one.seen_ms, one.from.as_deref()))
            .collect::<Vec<_>>(),
        [(Some(NOON + 999), Some("192.0.2.7"))]
    );
}

#[test]
fn somebody_always_stays_who_has_the_role_that_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    let accounts = room.store.accounts();
    assert!(accounts.create_user("sam", "$1", "admin").unwrap());
    let (last, done) = (PersonChange::LastOfRole, PersonChange::Done);
    assert_eq!(accounts.set_role("sam", "viewer", "admin").unwrap(), last);
    assert_eq!(accounts.dismiss("sam", "admin").unwrap(), last);
    assert_eq!(accounts.set_role("sam", "admin", "admin").unwrap(), done);
    assert_eq!(
        accounts.dismiss("nobody", "admin").unwrap(),
        PersonChange::Unknown
    );
    assert!(accounts.create_user("eve", "$1", "admin").unwrap());
    assert_eq!(accounts.set_role("sam", "viewer", "admin").unwrap(), done);
    assert_eq!(accounts.dismiss("sam", "admin").unwrap(), done);
    assert_eq!(accounts.users().unwrap().len(), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn people_are_made_in_a_data_directory_that_no_daemon_has() {
    let dir = tempfile::tempdir().unwrap();
    let clock = || Clock {
        now: std::time::Instant::now,
        unix_ms: std::sync::Arc::new(|| NOON),
    };
    let alone = Accounts::alone(dir.path(), clock()).unwrap();
    assert!(alone.create_user("sam", "$1", "admin").unwrap());
    assert!(alone.create_token(new_token("t1", "h1", None)).unwrap());
    assert!(alone.token("h1").unwrap().is_some());
    drop(alone);
    let (room, _) = open(dir.path(), &[], |_options| ());
    assert_eq!(room.store.accounts().users().unwrap().len(), 1);
    let token = room.store.accounts().tokens().unwrap().remove(0);
    assert_eq!(
        (token.last_used_ms, token.made_by.as_deref()),
        (Some(NOON), Some("sam"))
    );
    let refused = Accounts::alone(dir.path(), clock()).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
}
