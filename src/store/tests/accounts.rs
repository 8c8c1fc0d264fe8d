use super::{Hand, NOON, open};
use crate::store::NewToken;

fn new_token(id: &str, hash: &str, expires_ms: Option<i64>) -> NewToken {
    NewToken {
        id: id.to_owned(),
        name: "head office".to_owned(),
        hash: hash.to_owned(),
        scopes: "cdr:read cdr:ack".to_owned(),
        expires_ms,
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
    let log_in = |cookie: &str| accounts.open_session(cookie, "sam", NOON + 1000).unwrap();
    let holds = |cookie: &str| accounts.session(cookie).unwrap().is_some();
    log_in("a");
    assert_eq!(accounts.session("a").unwrap().unwrap().role, "technician");
    hand.put(NOON + 1000);
    assert!(!holds("a"));
    hand.put(NOON);
    accounts.close_session("a").unwrap();
    assert!(!holds("a"));
    log_in("b");
    assert!(accounts.set_password("sam", "$3").unwrap());
    assert!(!holds("b"));
    log_in("c");
    assert!(accounts.remove_user("sam").unwrap());
    assert!(!holds("c"));
    assert!(!accounts.set_password("sam", "$4").unwrap());
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
