//! `callpost user` and `callpost token`: in a box at rest, and beside the running daemon without any token.

use crate::cdr::House;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Output;

/// The status of a request with this token, asked over the network.
fn status(house: &House, token: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(house.http).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n",
        house.http
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The status of a log-in.
fn log_in(house: &House, name: &str, password: &str) -> u16 {
    let form = format!("name={name}&password={password}");
    let mut stream = TcpStream::connect(house.http).unwrap();
    write!(
        stream,
        "POST /login HTTP/1.0\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        house.http,
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What the audit log has of the command line.
fn audited(house: &House) -> Vec<String> {
    let entries = lines(&house.says(&["audit", "--json"]));
    entries
        .iter()
        .filter(|entry| entry["way"] == "command")
        .map(|entry| entry["what"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn people_and_tokens_are_made_before_the_daemon_runs_for_the_first_time() {
    let house = House::with(1);
    let added = house.json(&["user", "add", "mona", "--role", "admin", "--json"]);
    let password = added["password"].as_str().unwrap().to_owned();
    let made = house.json(&[
        "token",
        "create",
        "--name",
        "crm",
        "--scope",
        "cdr:read,cdr:ack",
        "--json",
    ]);
    let token = made["token"].as_str().unwrap().to_owned();
    let people = lines(&house.says(&["user", "list", "--json"]));
    assert_eq!((people.len(), &people[0]["role"]), (1, &Value::from("admin")));
    for (words, why) in [
        (
            vec!["user", "add", "mona", "--role", "viewer"],
            "somebody of this name",
        ),
        (
            vec!["user", "add", "eve", "--role", "emperor"],
            "viewer, agent, technician, admin",
        ),
        (vec!["user", "remove", "mona"], "has to be an administrator"),
        (vec!["user", "remove", "nobody"], "nobody of this name"),
        (
            vec!["token", "create", "--name", "x", "--scope", "all"],
            "no scope `all`",
        ),
        (vec!["token", "revoke", "nothing"], "no token with this id"),
    ] {
        let said = complaint(&house.callpost(&words));
        assert!(said.contains(why), "{words:?}: {said}");
    }
    let _daemon = house.daemon();
    assert_eq!(log_in(&house, "mona", &password), 303);
    assert_eq!(status(&house, &token, "/api/v1/cdrs"), 200);
    assert_eq!(status(&house, &token, "/api/v1/calls"), 403);
    assert_eq!(
        audited(&house),
        ["user add mona (admin)", "token create crm (cdr:read cdr:ack)"]
    );
}

/// Beside the daemon no token is wanted: whoever may open its door in the data directory has its files anyway.
#[test]
fn the_running_daemon_is_reached_by_its_own_door_and_a_token_ends_at_once() {
    let house = House::with(1);
    let _daemon = house.daemon();
    let door = std::fs::metadata(house.data().join("callpost.sock")).unwrap();
    assert_eq!(door.permissions().mode() & 0o777, 0o600);
    let made = house.json(&[
        "token", "create", "--name", "crm", "--scope", "cdr:read", "--days", "1", "--json",
    ]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert_eq!(status(&house, token, "/api/v1/cdrs"), 200);
    let said = house.says(&["token", "revoke", id]);
    assert_eq!(said.trim(), format!("Token {id} is revoked."));
    assert_eq!(status(&house, token, "/api/v1/cdrs"), 401);

    let added = house.json(&["user", "add", "mona fox", "--role", "technician", "--json"]);
    assert_eq!(
        log_in(&house, "mona+fox", added["password"].as_str().unwrap()),
        303
    );
    let again = house.json(&["user", "passwd", "mona fox", "--json"]);
    assert_eq!(
        log_in(&house, "mona+fox", added["password"].as_str().unwrap()),
        401
    );
    assert_eq!(
        log_in(&house, "mona+fox", again["password"].as_str().unwrap()),
        303
    );
    house.says(&["user", "role", "mona fox", "viewer"]);
    let shown = house.says(&["user", "list"]);
    assert!(
        shown.starts_with("mona fox") && shown.contains("viewer"),
        "{shown}"
    );
    house.says(&["user", "remove", "mona fox"]);
    assert!(house.says(&["user", "list"]).contains("Nobody may log in yet."));
    assert!(house.says(&["token", "list"]).contains("revoked"));
    assert!(house.says(&["bans", "list"]).contains("Nobody is shut out."));
    assert_eq!(
        audited(&house),
        [
            "POST /api/v1/tokens (".to_owned() + id + ", crm: cdr:read)",
            format!("DELETE /api/v1/tokens/{id}"),
            "POST /api/v1/users (mona fox, technician)".to_owned(),
            "POST /api/v1/users/mona%20fox/password".to_owned(),
            "PUT /api/v1/users/mona%20fox (viewer)".to_owned(),
            "DELETE /api/v1/users/mona%20fox".to_owned(),
        ]
    );
}

#[test]
fn a_password_is_read_from_standard_input() {
    let house = House::with(1);
    let config = house.place.path().join("callpost.toml");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_callpost"))
        .args([
            "user",
            "add",
            "mona",
            "--role",
            "viewer",
            "--password-stdin",
            "--config",
        ])
        .arg(config)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"correct horse battery\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "mona may log in as viewer.\n"
    );
    let _daemon = house.daemon();
    assert_eq!(log_in(&house, "mona", "correct+horse+battery"), 303);
}

/// A wrong data directory is told, not filled.
#[test]
fn a_directory_in_which_nothing_was_kept_is_left_empty() {
    let house = House::with(1);
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().to_str().unwrap();
    let said = complaint(&house.callpost(&["user", "list", "--data-dir", path]));
    assert!(said.contains("nothing has been kept"), "{said}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

/// Root prepares a box whose daemon runs as another user: what it makes is that user's.
#[test]
fn what_root_makes_in_the_daemons_directory_is_the_daemons() {
    let house = House::with(1);
    let fresh = tempfile::tempdir().unwrap();
    if std::os::unix::fs::chown(fresh.path(), Some(1234), Some(1234)).is_err() {
        return; // Not root.
    }
    let path = fresh.path().to_str().unwrap();
    house.says(&["user", "add", "mona", "--role", "admin", "--data-dir", path]);
    for file in std::fs::read_dir(fresh.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().uid(), 1234, "{:?}", file.file_name());
    }
}
