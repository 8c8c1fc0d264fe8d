//! The page "Phones", the form of an agent, and the sheet for a phone.

use crate::world::{ADMIN, Answer, World, agent, bearing, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use callpost::agents::AgentState;
use std::time::Duration;

async fn submit(world: &World, path: &str, form: &str) -> Answer {
    let request =
        bearing(ADMIN, Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    world
        .send(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

const OMAR: &str = "id=omar&name=Omar&extension=1003&place=here&group=sales&dtmf=auto&enabled=on";

/// What stands in the element of this id.
fn element(html: &str, id: &str) -> String {
    let after = html.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_default();
    after.split('<').next().unwrap_or_default().to_owned()
}

/// Round trip, NAT and expiry in plain words. S0-113.
#[tokio::test]
async fn a_phone_is_shown_with_its_model_its_round_trip_and_what_stands_between() {
    let world = World::new();
    let page = world.get("/phones").await.text();
    for words in [
        "Deskphone 4.2",
        "127.0.0.10:5060",
        "4 ms",
        "Reached directly.",
        "55:12",
        "198.51.100.7",
    ] {
        assert!(page.contains(words), "{words} in {page}");
    }
    world.engine.change(|snapshot| {
        let phone = &mut snapshot.registrations[0];
        (phone.nat, phone.state, phone.round_trip_ms) = ("router", "unreachable", None);
        phone.contact = "sip:1001@192.168.7.20:5062;ob".to_owned();
        phone.address = "203.0.113.9:40022".to_owned();
    });
    let view = world.get("/phones.json").await.json();
    let phone = &view["phones"][0];
    assert_eq!(phone["answers"]["word"], "does not answer");
    assert_eq!(
        phone["network"]["word"],
        "Behind a router: it calls itself 192.168.7.20:5062 and is heard from 203.0.113.9:40022. The box answers there."
    );
    assert!(phone["advice"].as_str().unwrap().contains("every 60 seconds"));
}

#[tokio::test]
async fn an_agent_is_sent_on_a_break_and_brought_back() {
    let world = World::new();
    world.engine.change(|snapshot| {
        snapshot.agents = vec![
            agent("ali", "Ali", AgentState::Available),
            agent("mona", "Mona", AgentState::OnBreak),
        ];
    });
    let view = world.get("/phones.json").await.json();
    let rest = |place: usize| {
        (
            &view["agents"][place]["rest"]["word"],
            &view["agents"][place]["rest"]["body"],
        )
    };
    assert_eq!(rest(0), (&"Break".into(), &r#"{"state":"on_break"}"#.into()));
    assert_eq!(
        rest(1),
        (&"Back to work".into(), &r#"{"state":"available"}"#.into())
    );
    assert_eq!(view["agents"][0]["source"], "in the file");
    assert_eq!(
        view["agents"][1]["sheet"], "",
        "a phone at a fixed address needs none"
    );
}

#[tokio::test]
async fn an_agent_is_made_by_the_form_and_the_sheet_shows_the_password_once() {
    let world = World::new();
    let form = world.get("/phones/agents/new").await.text();
    assert!(form.contains("name=\"group\" value=\"sales\""));
    let sheet = submit(&world, "/phones/agents", OMAR).await;
    assert_eq!(sheet.status, StatusCode::OK, "{}", sheet.text());
    let html = sheet.text();
    assert_eq!(element(&html, "sheet-user"), "1003");
    assert_eq!(element(&html, "sheet-password").len(), 12);
    assert!(
        html.contains("qr-linphone") && html.contains("qr-address") && html.contains("sip:1003@127.0.0.1")
    );
    assert!(html.contains("127.0.0.1:5060"), "where the browser found the box");
    assert_eq!(sheet.header("cache-control"), "no-store");
    let again = world.get("/phones/agents/omar/sheet").await.text();
    assert!(!again.contains("sheet-password") && !again.contains("qr-linphone"));
    assert!(again.contains("Make a new password"));
    let renewed = submit(&world, "/phones/agents/omar/password", "").await.text();
    assert_ne!(
        element(&renewed, "sheet-password"),
        element(&html, "sheet-password")
    );
}

#[tokio::test]
async fn a_form_with_mistakes_comes_back_filled_and_says_them() {
    let world = World::new();
    let wrong = OMAR.replace("1003", "1001").replace("Omar", "Omar%20%3Cb%3E");
    let answer = submit(&world, "/phones/agents", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text();
    assert!(html.contains("is taken already, by ali"), "{html}");
    assert!(html.contains("value=\"Omar &#60;b&#62;\"") && !html.contains("<b>\""));
    submit(&world, "/phones/agents", OMAR).await;
    let known = format!("known=yes&version=1&{}", OMAR.replace("Omar", "Omar%20M"));
    let saved = submit(&world, "/phones/agents", &known).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (StatusCode::SEE_OTHER, "/phones")
    );
    let late = submit(&world, "/phones/agents", &known).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let gone = submit(&world, "/phones/agents/omar/remove", "").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert!(!world.get("/phones").await.text().contains("Omar"));
}

/// The code of the sheet gives its file out once, to whoever was given the sheet.
#[tokio::test]
async fn a_code_that_is_wrong_used_or_over_gives_nothing() {
    let world = World::new();
    let fetch = async |path: &str| {
        let request = request(Method::GET, path).body(Body::empty()).unwrap();
        world.send(request).await
    };
    assert_eq!(fetch("/provision/nothing").await.status, StatusCode::NOT_FOUND);
    submit(&world, "/phones/agents", OMAR).await;
    // The chance of this world is a count: the request's prefix took 0, the password 1, the code 2.
    let code = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [2; 32]);
    let file = fetch(&format!("/provision/{code}")).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.header("content-type"), "application/xml; charset=utf-8");
    assert!(
        file.text()
            .contains("<entry name=\"username\" overwrite=\"true\">1003</entry>")
    );
    assert_eq!(
        fetch(&format!("/provision/{code}")).await.status,
        StatusCode::NOT_FOUND
    );
    submit(&world, "/phones/agents/omar/password", "").await;
    let code = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [4; 32]);
    world.outside.pass(Duration::from_secs(24 * 3600));
    assert_eq!(
        fetch(&format!("/provision/{code}")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_pages_speak_arabic_and_vietnamese() {
    let world = World::new();
    for (language, words) in [("ar", "الهواتف والموظفون"), ("vi", "Điện thoại và nhân viên")]
    {
        for path in [
            "/phones",
            "/phones/agents/new",
            "/phones/agents/ali",
            "/phones/agents/ali/sheet",
        ] {
            let request = bearing(ADMIN, Method::GET, path).header("accept-language", language);
            let page = world.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.text().contains(words), "{path} in {language}");
        }
    }
}
