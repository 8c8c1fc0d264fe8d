//! Addresses that are shut out: listed, shown on the page, let in again by those who may.

use crate::world::{World, bearing, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::engine::Command;

#[tokio::test]
async fn a_ban_is_listed_and_lifted() {
    let world = World::new();
    let list = world.get("/api/v1/bans").await;
    let list = list.json();
    assert_eq!(list["items"][0]["address"], "198.51.100.7");
    assert_eq!(list["items"][0]["reason"], "wrong_passwords");
    assert_eq!(list["items"][0]["dropped"], 27);
    let answer = world.ask(Method::DELETE, "/api/v1/bans/198.51.100.7").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let wanted = Command::LiftBan("198.51.100.7".parse().unwrap());
    assert_eq!(world.engine.told(), [wanted]);
}

#[tokio::test]
async fn only_addresses_that_are_shut_out_can_be_let_in() {
    let world = World::new();
    for (address, status) in [
        ("198.51.100.8", StatusCode::NOT_FOUND),
        ("2001:db8::%2F64", StatusCode::NOT_FOUND),
        ("nobody", StatusCode::BAD_REQUEST),
    ] {
        let answer = world
            .ask(Method::DELETE, &format!("/api/v1/bans/{address}"))
            .await;
        assert_eq!(answer.status, status, "{address}");
    }
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn letting_in_needs_the_right_to_change_the_box() {
    let world = World::new();
    let token = world.token("a reader's token", "calls:read calls:control cdr:read", None);
    let ask = bearing(&token, Method::DELETE, "/api/v1/bans/198.51.100.7");
    let answer = world.send(ask.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = request(Method::GET, "/now.json").header("authorization", format!("Bearer {token}"));
    let answer = world.send(page.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.json()["bans"][0]["lift"], "", "no button for who may not");
    let answer = world.get("/now.json").await;
    assert_eq!(answer.json()["bans"][0]["lift"], "Let in");
    assert!(world.engine.told().is_empty());
}

#[tokio::test]
async fn the_page_shows_who_is_shut_out_and_nothing_when_nobody_is() {
    let world = World::new();
    let page = world.get("/").await.text();
    assert!(page.contains("Addresses shut out") && page.contains("198.51.100.7"));
    assert!(page.contains("Too many wrong passwords, the last for 1001."));
    world.engine.change(|snapshot| snapshot.bans.clear());
    let page = world.get("/").await.text();
    assert!(
        page.contains("data-full=\"bans\" hidden"),
        "the list is out of the way"
    );
}
