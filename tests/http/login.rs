//! From the claim code of a new box to a person's session and out again.

use crate::world::{Answer, World, call_id, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::http::offer_claim;
use std::time::Duration;

const HERE: &str = "http://127.0.0.1:8080";

async fn post(world: &World, path: &str, form: &str) -> Answer {
    let request = request(Method::POST, path)
        .header("origin", HERE)
        .header("content-type", "application/x-www-form-urlencoded");
    world
        .send(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

async fn with_cookie(
    world: &World,
    method: Method,
    path: &str,
    cookie: &str,
    origin: Option<&str>,
) -> Answer {
    let mut request = request(method, path).header("cookie", cookie);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn page(world: &World, path: &str, cookie: &str) -> Answer {
    with_cookie(world, Method::GET, path, cookie, None).await
}

/// Claims the box and answers the cookie.
async fn claimed(world: &World) -> String {
    let code = offer_claim(&world.store.accounts(), [7; 12]).unwrap().unwrap();
    let answer = post(
        world,
        "/claim",
        &format!("code={code}&name=technician&password=a+long+password"),
    )
    .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    cookie_of(&answer)
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_box_is_claimed_looked_at_and_left() {
    let world = World::new();
    let code = offer_claim(&world.store.accounts(), [7; 12]).unwrap().unwrap();
    let form = page(&world, "/login", "").await.text();
    assert!(
        form.contains("action=\"/claim\"") && !form.contains(&code.to_string()),
        "{form}"
    );

    let typed = code.to_string().to_uppercase().replace('-', " ");
    let answer = post(
        &world,
        "/claim",
        &format!("code={typed}&name=+technician+&password=a+long+password"),
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let set = answer.header("set-cookie").to_owned();
    assert!(
        set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && set.contains("; Path=/"),
        "{set}"
    );
    let cookie = cookie_of(&answer);
    assert!(cookie.len() > "callpost_session=".len() + 42, "{cookie}");

    let now = page(&world, "/", &cookie).await;
    assert_eq!(now.status, StatusCode::OK);
    assert!(now.text().contains("technician") && now.text().contains("Hang up"));
    assert_eq!(page(&world, "/login", &cookie).await.header("location"), "/");

    let out = with_cookie(&world, Method::POST, "/logout", &cookie, Some(HERE)).await;
    assert_eq!(
        (out.status, out.header("location")),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::UNAUTHORIZED);

    let form = page(&world, "/login", "").await.text();
    assert!(form.contains("action=\"/login\""), "the box is claimed: {form}");
    let back = post(&world, "/login", "name=technician&password=a+long+password").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(page(&world, "/", &cookie_of(&back)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_claims_once_and_a_wrong_one_never() {
    let world = World::new();
    let code = offer_claim(&world.store.accounts(), [7; 12]).unwrap().unwrap();
    let wrong = post(
        &world,
        "/claim",
        "code=0000-0000-0000&name=technician&password=a+long+password",
    )
    .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let short = post(
        &world,
        "/claim",
        &format!("code={code}&name=technician&password=short"),
    )
    .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text().contains("ten characters") && short.text().contains("value=\"technician\""));
    let unnamed = post(
        &world,
        "/claim",
        &format!("code={code}&name=++&password=a+long+password"),
    )
    .await;
    assert_eq!(unnamed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(world.store.accounts().users().unwrap().is_empty());
    let right = post(
        &world,
        "/claim",
        &format!("code={code}&name=technician&password=a+long+password"),
    )
    .await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    world.outside.pass(Duration::from_secs(60));
    let again = post(
        &world,
        "/claim",
        &format!("code={code}&name=nobody&password=a+long+password"),
    )
    .await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert_eq!(world.store.accounts().users().unwrap().len(), 1);
    assert_eq!(offer_claim(&world.store.accounts(), [8; 12]).unwrap(), None);
}

#[tokio::test]
async fn passwords_are_kept_as_argon2id_and_codes_as_hashes() {
    let world = World::new();
    claimed(&world).await;
    let user = world.store.accounts().user("technician").unwrap().unwrap();
    assert!(
        user.password_hash.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"),
        "{}",
        user.password_hash
    );
    assert_eq!(user.role, "admin");
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_read_the_same() {
    let world = World::new();
    claimed(&world).await;
    let wrong = post(&world, "/login", "name=technician&password=not+this+one").await;
    let unknown = post(&world, "/login", "name=nobody&password=not+this+one").await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(wrong.text().replace("technician", "nobody"), unknown.text());
}

#[tokio::test]
async fn after_too_many_attempts_even_the_right_password_waits() {
    let world = World::new();
    claimed(&world).await;
    for _ in 0..4 {
        let answer = post(&world, "/login", "name=technician&password=wrong+wrong").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = post(&world, "/login", "name=technician&password=a+long+password").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "60");
    world.outside.pass(Duration::from_secs(60));
    let answer = post(&world, "/login", "name=technician&password=a+long+password").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_foreign_page_cannot_act_with_our_visitors_cookie() {
    let world = World::new();
    let cookie = claimed(&world).await;
    let path = format!("/api/v1/calls/{}/hangup", call_id(1));
    for origin in [
        None,
        Some("http://evil.example"),
        Some("null"),
        Some("http://127.0.0.1:9999"),
    ] {
        let answer = with_cookie(&world, Method::POST, &path, &cookie, origin).await;
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::FORBIDDEN, "foreign_origin".into()),
            "{origin:?}"
        );
    }
    assert!(world.engine.told().is_empty());
    let answer = with_cookie(&world, Method::POST, &path, &cookie, Some(HERE)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let foreign = request(Method::POST, "/login")
        .header("origin", "http://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("name=technician&password=a+long+password"))
        .unwrap();
    assert_eq!(world.send(foreign).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_ends_after_twelve_idle_hours() {
    let world = World::new();
    let cookie = claimed(&world).await;
    world.outside.pass(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::OK);
    world.outside.pass(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::OK);
    world.outside.pass(Duration::from_secs(12 * 3600));
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_removed_person_a_new_password_and_a_lesser_role_count_at_once() {
    let world = World::new();
    let cookie = claimed(&world).await;
    let accounts = world.store.accounts();
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::OK);
    let hash = accounts.user("technician").unwrap().unwrap().password_hash;
    assert!(
        accounts
            .set_password("technician", &hash.replace("t=3", "t=4"), None)
            .unwrap()
    );
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::UNAUTHORIZED);
    accounts.set_password("technician", &hash, None).unwrap();
    let cookie = cookie_of(&post(&world, "/login", "name=technician&password=a+long+password").await);
    accounts.remove_user("technician").unwrap();
    assert!(accounts.create_user("technician", &hash, "viewer").unwrap());
    let path = format!("/api/v1/calls/{}/hangup", call_id(1));
    let answer = with_cookie(&world, Method::POST, &path, &cookie, Some(HERE)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!page(&world, "/", &cookie).await.text().contains(">Hang up<"));
    accounts.remove_user("technician").unwrap();
    assert_eq!(page(&world, "/", &cookie).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn hostile_forms_are_answered_politely() {
    let world = World::new();
    claimed(&world).await;
    for form in [
        "",
        "name=technician",
        "name=%ff&password=%ff",
        "name=a&name=b&password=c",
        "%%%",
    ] {
        let answer = post(&world, "/login", form).await;
        assert!(answer.status.is_client_error(), "{form}: {}", answer.status);
        world.outside.pass(Duration::from_secs(60));
    }
    let answer = post(
        &world,
        "/login",
        "name=%3Cscript%3Ealert(1)%3C%2Fscript%3E&password=x",
    )
    .await;
    assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
    let json = request(Method::POST, "/login").header("content-type", "application/json");
    let answer = world.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.problem(), "unsupported_media_type");
}
