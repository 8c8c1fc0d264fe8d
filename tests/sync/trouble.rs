//! What goes wrong, and what is said about it.

use crate::stand_in::{Bad, StandIn, rows};
use crate::world::{Shape, World, patch, until};
use axum::http::StatusCode;
use callpost::connectors::onepos::{Pace, StepName};
use callpost::connectors::sync::{Patch, StartError, Wish};
use callpost::store::SyncStatus;
use std::time::Duration;

/// S0-087, S0-131
#[tokio::test]
async fn a_second_start_while_one_runs_is_answered_already_running() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.answer_next(vec![Some(Bad::Hangs)]);
    let source = world.source(&pbx).await;
    let first = world.desk.start(&source.id, Wish::default()).await.unwrap();
    match world.desk.start(&source.id, Wish::default()).await {
        Err(error @ StartError::AlreadyRunning { .. }) => assert_eq!(error.to_string(), "already running"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.desk.source(&source.id).await.unwrap().running, Some(first));
}

/// S0-104, S0-052, S0-045
#[tokio::test]
async fn a_failure_that_passes_is_asked_again_and_one_that_does_not_is_an_error_in_plain_words() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.put(rows(150));
    let source = world.source(&pbx).await;
    pbx.answer_next(vec![
        None,
        Some(Bad::Half),
        Some(Bad::Says(StatusCode::BAD_GATEWAY, "")),
        Some(Bad::Says(StatusCode::TOO_MANY_REQUESTS, "")),
        None,
    ]);
    let log = world.sync(&source.id).await;
    assert_eq!((log.status, log.records_created), (SyncStatus::Success, 150));
    assert_eq!(pbx.asked().len(), 5);

    // The PBX is gone.
    let nowhere = Patch {
        api_url: Some("http://127.0.0.1:1/api/v2/cdrs".to_owned()),
        ..Patch::default()
    };
    world.desk.update(&source.id, nowhere, "ali").await.unwrap();
    let log = world.sync(&source.id).await;
    assert_eq!(log.status, SyncStatus::Error);
    assert!(log.error_message.unwrap().to_lowercase().contains("refused"));
    let source = world.desk.source(&source.id).await.unwrap();
    assert_eq!(source.last_sync_status.as_deref(), Some("error"));
    assert!(source.last_sync_error.is_some());
    let advice = world.desk.advice(&source.id).await.unwrap();
    assert!(advice.iter().any(|advice| advice.code == "error"));
}

/// S0-068, S0-105
#[tokio::test]
async fn what_the_pbx_says_about_an_error_is_what_the_log_says() {
    for (status, body, words) in [
        (
            StatusCode::OK,
            r#"{"status":"error","message":"domain is unknown"}"#,
            "the PBX says: domain is unknown",
        ),
        (StatusCode::OK, r#"{"status":"failed"}"#, "the PBX says: failed"),
        (
            StatusCode::OK,
            r#"{"data":[]}"#,
            "the answer has no `status`: this is no call record API",
        ),
        (
            StatusCode::OK,
            r#"{"status":"success"}"#,
            "the answer has no `data`",
        ),
        (
            StatusCode::OK,
            "<html>",
            "the answer is not the JSON of a page of call records (line 1, column 1)",
        ),
        (
            StatusCode::NOT_FOUND,
            "nothing here",
            "the PBX answered 404 Not Found",
        ),
        (
            StatusCode::BAD_REQUEST,
            r#"{"status":"error","message":"from is odd"}"#,
            "the PBX answered 400 Bad Request: from is odd",
        ),
    ] {
        let (pbx, world) = (StandIn::start().await, World::new());
        pbx.answer_next(vec![Some(Bad::Says(status, body))]);
        let source = world.source(&pbx).await;
        let log = world.sync(&source.id).await;
        assert_eq!(
            (log.status, log.error_message.as_deref()),
            (SyncStatus::Error, Some(words)),
            "{body}"
        );
        assert_eq!(pbx.asked().len(), 1, "asking again would bring the same");
    }
}

#[tokio::test]
async fn an_answer_without_end_a_silent_pbx_and_a_redirect_are_bounded() {
    let patient = Shape {
        pace: Pace {
            page: Duration::from_millis(300),
            retries: Vec::new(),
        },
        ..Shape::default()
    };
    let (pbx, world) = (StandIn::start().await, World::shaped(patient));
    let source = world.source(&pbx).await;
    pbx.answer_next(vec![Some(Bad::Hangs)]);
    let said = world.sync(&source.id).await.error_message.unwrap();
    assert!(said.contains("in time") || said.contains("within"), "{said}");

    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    let elsewhere = StandIn::start().await;
    pbx.answer_next(vec![Some(Bad::Endless), Some(Bad::Redirect(elsewhere.url()))]);
    let said = world.sync(&source.id).await.error_message.unwrap();
    assert_eq!(said, "the answer is larger than 864 kB; a smaller batch may help");
    let said = world.sync(&source.id).await.error_message.unwrap();
    assert!(said.contains("302") && said.contains("not followed"), "{said}");
    assert!(elsewhere.asked().is_empty());
}

/// S0-050, S0-054
#[tokio::test]
async fn a_fetch_cut_by_a_restart_is_closed_as_interrupted_and_gone_on_with() {
    for clean in [true, false] {
        let (pbx, world) = (StandIn::start().await, World::new());
        pbx.put(rows(350));
        pbx.answer_next(vec![None, None, Some(Bad::Hangs)]);
        let source = world.source(&pbx).await;
        let cut = world.desk.start(&source.id, Wish::default()).await.unwrap();
        until("two pages, and the third is asked for", async || {
            pbx.asked().len() == 3 && world.desk.log(&cut).await.unwrap().records_fetched == 200
        })
        .await;
        let world = world.restart(clean, Shape::default()).await;
        let log = world.desk.log(&cut).await.unwrap();
        assert_eq!(
            (log.status, log.error_message.as_deref()),
            (SyncStatus::Error, Some("interrupted"))
        );
        assert_eq!((log.offset, log.records_created), (200, 200));

        pbx.forget_asked();
        world.hand.put(world.hand.now() + 60_000);
        let rest = world.sync(&source.id).await;
        assert_eq!(rest.status, SyncStatus::Success);
        assert_eq!(pbx.asked()[0]["offset"], "200", "it goes on where it was cut");
        assert_eq!(pbx.asked()[2]["offset"], "0", "and then fetches what came since");
        assert_eq!(world.shown().len(), 350);
        assert_eq!(world.journal().len(), 350);
    }
}

/// S0-035, S0-146
#[tokio::test]
async fn a_test_names_the_step_that_fails_with_its_cause_and_cure() {
    let (pbx, world) = (StandIn::start().await, World::new());
    pbx.lock("k3y");
    pbx.put(rows(1));
    let source = world.source(&pbx).await;
    let walk = async |change: Patch| {
        world.desk.update(&source.id, change, "ali").await.unwrap();
        world.desk.test(&source.id).await.unwrap()
    };
    let failing = |steps: &[callpost::connectors::onepos::Step]| {
        assert_eq!(steps.len(), 5);
        let failing = steps.iter().find(|step| step.ok == Some(false)).cloned();
        if let Some(step) = &failing {
            assert!(!step.detail.is_empty() && step.cure.is_some(), "{step:?}");
        }
        failing.map(|step| step.step)
    };
    let steps = walk(Patch::default()).await;
    assert_eq!(failing(&steps), Some(StepName::Auth));
    let right = Patch {
        api_key: Some("k3y".to_owned()),
        ..Patch::default()
    };
    let steps = walk(right).await;
    assert_eq!(failing(&steps), None);
    let told: Vec<Option<bool>> = steps.iter().map(|step| step.ok).collect();
    assert_eq!(
        told,
        [Some(true), Some(true), None, Some(true), Some(true)],
        "plain http has no TLS"
    );

    let to = |url: String| Patch {
        api_url: Some(url),
        ..Patch::default()
    };
    let steps = walk(to(format!("http://{}/other", pbx.address))).await;
    assert_eq!(failing(&steps), Some(StepName::Record));
    let steps = walk(to(format!("https://{}/api/v2/cdrs", pbx.address))).await;
    assert_eq!(failing(&steps), Some(StepName::Tls));
    let steps = walk(to("http://127.0.0.1:1/api/v2/cdrs".to_owned())).await;
    assert_eq!(failing(&steps), Some(StepName::Tcp));
    let steps = walk(to("http://10.0.0.1/api/v2/cdrs".to_owned())).await;
    assert_eq!(
        failing(&steps),
        Some(StepName::Dns),
        "an address of a network that is not allowed"
    );
    assert!(steps[0].cure.as_ref().unwrap().contains("[egress] allow"));
    assert!(steps[1].detail == "not tried" && steps[4].detail == "not tried");
}

/// S0-147
#[tokio::test]
async fn why_no_data_came_is_told_as_the_cause_that_fits() {
    let (pbx, world) = (StandIn::start().await, World::new());
    let source = world.source(&pbx).await;
    let code = async || {
        let advice = world.desk.advice(&source.id).await.unwrap();
        advice
            .iter()
            .find(|advice| advice.about == "no_data")
            .map(|advice| advice.code)
    };
    assert_eq!(code().await, Some("never"));
    world.sync(&source.id).await;
    assert_eq!(code().await, Some("empty"));
    pbx.put(rows(2));
    world.sync(&source.id).await;
    assert_eq!(code().await, None);
    world.sync(&source.id).await;
    assert_eq!(code().await, Some("all_known"));
    pbx.put(vec![serde_json::json!("no call")]);
    world.sync(&source.id).await;
    assert_eq!(code().await, Some("quarantined"));
    let off = Patch {
        is_active: Some(false),
        ..Patch::default()
    };
    world.desk.update(&source.id, off, "ali").await.unwrap();
    assert_eq!(code().await, Some("inactive"));
    let refused = world.desk.start(&source.id, Wish::default()).await.unwrap_err();
    assert!(matches!(refused, StartError::Inactive));
}

/// SSRF: an address given through the API does not lead into this network unless `[egress] allow` says so.
#[tokio::test]
async fn an_address_inside_this_network_is_not_asked_unless_it_is_allowed() {
    let closed = Shape {
        allow: &[],
        ..Shape::default()
    };
    let (pbx, world) = (StandIn::start().await, World::shaped(closed));
    pbx.put(rows(1));
    let source = world.source(&pbx).await;
    let refused = world.desk.start(&source.id, Wish::default()).await.unwrap_err();
    assert!(refused.to_string().contains("[egress] allow"), "{refused}");
    let named = format!("http://localhost:{}/api/v2/cdrs", pbx.address.port());
    let by_name = Patch {
        api_url: Some(named),
        ..patch(&pbx)
    };
    world.desk.update(&source.id, by_name, "ali").await.unwrap();
    let log = world.sync(&source.id).await;
    assert_eq!(log.status, SyncStatus::Error);
    assert!(pbx.asked().is_empty());
}
