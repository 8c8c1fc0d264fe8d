//! The GraphQL dialect.

use crate::world::{Answer, World, at, bearing, cdr, request};
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use callpost::http::{InternalAs, OneposConfig, VoicemailAs, router};
use callpost::model::{Cdr, Direction, Status};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn ask(world: &World, query: &str, variables: Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = world.post_json("/graphql", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn with_token(world: &World, token: &str, query: &str) -> Answer {
    let request = bearing(token, Method::POST, "/graphql").header("content-type", "application/json");
    let body = json!({ "query": query }).to_string();
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// S0-008, S0-083, S0-085, S0-094, S0-165: the seed's question, word for word.
#[tokio::test]
async fn records_are_answered_page_by_page() {
    let world = World::new();
    for number in 0..12 {
        world.file(cdr(number));
    }
    let query =
        "query GetCallCenterRecords($pagination: PaginationInput!, $filters: CallCenterRecordFiltersInput) {
        getCallCenterRecords(pagination: $pagination, filters: $filters) {
          items { id direction callerIdNumber destinationNumber callStatus duration billsec recordPath }
          pagination { currentPage totalPages totalItems }
        }
      }";
    let answer = ask(&world, query, json!({ "pagination": { "page": 2, "limit": 5 } })).await;
    let page = &answer["data"]["getCallCenterRecords"];
    assert_eq!(
        page["pagination"],
        json!({ "currentPage": 2, "totalPages": 3, "totalItems": 12 })
    );
    assert_eq!(page["items"].as_array().unwrap().len(), 5);
    assert_eq!(
        page["items"][0],
        json!({
            "id": cdr(6).cdr_id.to_string(),
            "direction": "INBOUND",
            "callerIdNumber": "+966500000006",
            "destinationNumber": "920000123",
            "callStatus": "ANSWER",
            "duration": "95",
            "billsec": "71",
            "recordPath": null,
        })
    );
    let short = ask(
        &world,
        "query { getCallCenterRecords(pagination: { page: 1, limit: 10 }) { items { id direction callStatus } } }",
        Value::Null,
    )
    .await;
    assert_eq!(
        short["data"]["getCallCenterRecords"]["items"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
}

/// S0-084
#[tokio::test]
async fn records_are_narrowed_by_direction_status_number_and_time() {
    let world = World::new();
    world.file(cdr(1));
    world.file(Cdr {
        direction: Direction::Outbound,
        status: Status::Busy,
        ..cdr(2)
    });
    for (filters, count) in [
        (json!({ "direction": "OUTBOUND" }), 1),
        (json!({ "callStatus": "BUSY" }), 1),
        (json!({ "status": "ANSWER", "direction": "OUTBOUND" }), 0),
        (json!({ "phoneNumber": "0000001" }), 1),
        (json!({ "search": "96650000" }), 2),
        (json!({ "extension": "1001" }), 2),
        (json!({ "extension": "100" }), 0),
        (json!({ "fromDate": "2026-11-20T12:02:00+03:00" }), 1),
        (json!({ "toDate": "2026-11-20T09:01:00Z" }), 1),
        (json!({ "agent": "nobody" }), 0),
        (json!({}), 2),
    ] {
        let query = "query($filters: CallCenterRecordFiltersInput) {
            getCallCenterRecords(pagination: {}, filters: $filters) { pagination { totalItems } } }";
        let answer = ask(&world, query, json!({ "filters": filters })).await;
        let total = &answer["data"]["getCallCenterRecords"]["pagination"]["totalItems"];
        assert_eq!(*total, json!(count), "{filters}: {answer}");
    }
}

/// S0-084, S0-012, S0-022: a filter finds what the records show: calls inside the house and messages are shown as
/// `[http.onepos]` says.
#[tokio::test]
async fn a_filter_finds_what_the_records_show() {
    let world = World::new();
    world.file(cdr(1));
    world.file(Cdr {
        direction: Direction::Internal,
        ..cdr(2)
    });
    world.file(Cdr {
        direction: Direction::Outbound,
        status: Status::Voicemail,
        ..cdr(3)
    });
    world.file(Cdr {
        status: Status::NoAnswer,
        ..cdr(4)
    });
    for (internal_as, voicemail_as) in [
        (InternalAs::Outbound, VoicemailAs::NoAnswer),
        (InternalAs::Inbound, VoicemailAs::Answer),
        (InternalAs::Omit, VoicemailAs::NoAnswer),
    ] {
        let section = OneposConfig {
            internal_as,
            voicemail_as,
            ..OneposConfig::default()
        };
        let all = shown(&world, &section, json!({})).await;
        assert_eq!(all.len(), 4);
        for direction in ["INBOUND", "OUTBOUND"] {
            let found = shown(&world, &section, json!({ "direction": direction })).await;
            let expected = all.iter().filter(|row| row["direction"] == direction);
            assert!(found.iter().eq(expected), "{section:?} {direction}: {found:?}");
        }
        for status in ["ANSWER", "NO_ANSWER", "BUSY", "CANCELED", "FAILED"] {
            let found = shown(&world, &section, json!({ "callStatus": status })).await;
            let expected = all.iter().filter(|row| row["callStatus"] == status);
            assert!(found.iter().eq(expected), "{section:?} {status}: {found:?}");
            let both =
                json!({ "callStatus": status, "direction": "OUTBOUND", "fromDate": "2026-11-20T09:00:00Z" });
            let found = shown(&world, &section, both).await;
            let expected = all
                .iter()
                .filter(|row| row["callStatus"] == status && row["direction"] == "OUTBOUND");
            assert!(
                found.iter().eq(expected),
                "{section:?} {status} outbound: {found:?}"
            );
        }
    }
}

/// The records that a box with this `[http.onepos]` section shows.
async fn shown(world: &World, section: &OneposConfig, filters: Value) -> Vec<Value> {
    let mut faces = world.faces();
    faces.config.onepos = section.clone();
    let query = "query($filters: CallCenterRecordFiltersInput) { getCallCenterRecords(pagination: {}, filters: $filters)
        { items { id direction callStatus } pagination { totalItems } } }";
    let body = json!({ "query": query, "variables": { "filters": filters } }).to_string();
    let request =
        bearing(crate::world::ADMIN, Method::POST, "/graphql").header("content-type", "application/json");
    let response = router(faces)
        .oneshot(request.body(Body::from(body)).unwrap())
        .await
        .unwrap();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    let page = &answer["data"]["getCallCenterRecords"];
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(page["pagination"]["totalItems"], items.len(), "{answer}");
    items.clone()
}

/// S0-095, S0-010, S0-011, S0-012, S0-013, S0-014, S0-015, S0-016, S0-017, S0-018, S0-019, S0-020, S0-021, S0-022,
/// S0-027, S0-028, S0-030, S0-031: one record, every field the seed's schema names.
#[tokio::test]
async fn one_record_shows_every_field() {
    let world = World::new();
    world.file(Cdr {
        direction: Direction::Outbound,
        outbound_caller_id: Some("842871220655".into()),
        answered_at: Some(at(2)),
        ended_at: Some(at(3)),
        ..cdr(1)
    });
    let id = cdr(1).cdr_id;
    let query = format!(
        "{{ getCallCenterRecord(id: \"{id}\") {{ id externalUuid direction callerIdNumber outboundCallerIdNumber
            destinationNumber startEpoch endEpoch answerEpoch duration billsec sipHangupDisposition callStatus
            recordPath domain rawData syncedAt updatedAt }} }}"
    );
    let answer = ask(&world, &query, Value::Null).await;
    let record = &answer["data"]["getCallCenterRecord"];
    let expected = json!({
        "id": id.to_string(), "externalUuid": id.to_string(), "direction": "OUTBOUND",
        "callerIdNumber": "+966500000001", "outboundCallerIdNumber": "842871220655",
        "destinationNumber": "920000123", "startEpoch": "1795165260", "endEpoch": "1795165380",
        "answerEpoch": "1795165320", "duration": "95", "billsec": "71", "sipHangupDisposition": "by_caller",
        "callStatus": "ANSWER", "recordPath": null, "domain": "branch-01", "rawData": null,
        "syncedAt": "2026-11-20T09:03:00.000Z", "updatedAt": "2026-11-20T09:03:00.000Z",
    });
    assert_eq!(*record, expected);
    for missing in ["00000000-0000-0000-0000-000000000001", "nothing"] {
        let query = format!("{{ getCallCenterRecord(id: \"{missing}\") {{ id }} }}");
        assert_eq!(
            ask(&world, &query, Value::Null).await["data"]["getCallCenterRecord"],
            Value::Null
        );
    }
}

/// S0-159, S0-160
#[tokio::test]
async fn nobody_asks_without_the_right_to_read_records() {
    let world = World::new();
    let query = "{ getCallCenterRecords(pagination: {}) { pagination { totalItems } } }";
    let stranger = request(Method::POST, "/graphql").header("content-type", "application/json");
    let answer = world
        .send(
            stranger
                .body(Body::from(json!({ "query": query }).to_string()))
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let weak = world.token("weak", "calls:read", None);
    assert_eq!(
        with_token(&world, &weak, query).await.status,
        StatusCode::FORBIDDEN
    );
    let reader = world.token("reader", "cdr:read", None);
    assert_eq!(with_token(&world, &reader, query).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_query_may_come_by_get_and_a_change_may_not() {
    let world = World::new();
    let asked = "/graphql?query=%7B%20getCallCenterRecords(pagination%3A%7B%7D)%20%7B%20pagination%20%7B%20totalItems%20%7D%20%7D%20%7D";
    let answer = world.get(asked).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        answer.json()["data"]["getCallCenterRecords"]["pagination"]["totalItems"],
        0
    );
    let change = world
        .get("/graphql?query=mutation%20%7B%20syncCallCenterData%20%7B%20success%20%7D%20%7D")
        .await;
    assert_eq!(change.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(change.header("allow"), "POST");
    assert_eq!(world.get("/graphql").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_question_that_is_too_deep_too_broad_or_too_large_is_refused_before_anything_is_read() {
    let world = World::new();
    let one = "getCallCenterRecords(pagination: {}) { items { id callerIdNumber destinationNumber duration billsec } }";
    let broad: String = (0..100).map(|number| format!("a{number}: {one} ")).collect();
    let answer = ask(&world, &format!("{{ {broad} }}"), Value::Null).await;
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("too complex"),
        "{answer}"
    );
    let deep = format!(
        "{{ {} {} }}",
        "__schema { types { fields { type { ".to_owned() + &"ofType { ".repeat(14),
        "name } } } }".to_owned() + &" }".repeat(14)
    );
    let answer = ask(&world, &deep, Value::Null).await;
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("too deep"),
        "{answer}"
    );
    for pagination in ["{ page: 0 }", "{ limit: 0 }", "{ limit: 201 }", "{ page: -1 }"] {
        let query = format!("{{ getCallCenterRecords(pagination: {pagination}) {{ items {{ id }} }} }}");
        let answer = ask(&world, &query, Value::Null).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "bad_request",
            "{answer}"
        );
    }
    let large = json!({ "query": "x".repeat(65 * 1024) }).to_string();
    assert_eq!(
        world.post_json("/graphql", &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

/// The question every tool asks first.
#[tokio::test]
async fn a_tool_can_learn_the_schema() {
    let world = World::new();
    let of_type = "ofType { kind name ".repeat(7) + &"}".repeat(7);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} types {{ kind name description
          fields(includeDeprecated: true) {{ name description args {{ name type {{ kind name {of_type} }} defaultValue }}
          type {{ kind name {of_type} }} isDeprecated }} inputFields {{ name type {{ kind name {of_type} }} }}
          enumValues {{ name }} }} directives {{ name locations }} }} }}"
    );
    let answer = ask(&world, &query, Value::Null).await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
}

/// S0-163
#[tokio::test]
async fn a_mistake_is_told_and_nothing_of_the_inside_with_it() {
    let world = World::new();
    for (query, expected) in [
        ("{ getEverything }", "Unknown field"),
        ("{", "expected"),
        (
            "{ getCallCenterRecords(pagination: {}, filters: { fromDate: \"yesterday\" }) { items { id } } }",
            "RFC 3339",
        ),
    ] {
        let answer = ask(&world, query, Value::Null).await;
        let message = answer["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{message}");
        for inside in ["sqlite", "SELECT", "src/", ".rs", "panicked", "/tmp"] {
            assert!(!answer.to_string().contains(inside), "{answer}");
        }
    }
    let answer = world.post_json("/graphql", "{").await;
    assert_eq!(answer.problem(), "bad_request");
}

#[tokio::test]
async fn a_browser_is_shown_a_page_to_ask_from_and_nothing_on_it_comes_from_elsewhere() {
    let world = World::new();
    let browser = bearing(crate::world::ADMIN, Method::GET, "/graphql").header("accept", "text/html");
    let html = world.send(browser.body(Body::empty()).unwrap()).await.text();
    assert!(html.contains("<textarea") && html.contains("/assets/graphql.js"));
    assert!(!html.contains("http://") && !html.contains("https://"));
}

const CONFIG: &str =
    "{ id name apiUrl domain apiKey hasApiKey syncMode cronExpression isActive defaultDaysBack batchSize
    lastSyncAt lastSyncStatus lastSyncError totalRecordsSynced createdAt updatedAt }";

/// S0-082, S0-138, S0-165: the seed's question, word for word, on a box nobody has set up.
#[tokio::test]
async fn at_the_first_look_there_is_a_config_that_asks_nobody() {
    let world = World::new();
    let query = "query GetCallCenterConfig {
        getCallCenterConfig { id apiUrl domain syncMode isActive lastSyncAt totalRecordsSynced } }";
    let answer = ask(&world, query, Value::Null).await;
    let config = &answer["data"]["getCallCenterConfig"];
    assert_eq!(config["syncMode"], "MANUAL");
    assert_eq!(config["isActive"], false);
    assert_eq!(config["lastSyncAt"], Value::Null);
    assert_eq!(config["totalRecordsSynced"], 0);
    assert!(config["id"].is_string() && config["apiUrl"].is_string());
    let rest = ask(
        &world,
        "{ getCallCenterConfig { defaultDaysBack batchSize } }",
        Value::Null,
    )
    .await;
    assert_eq!(
        rest["data"]["getCallCenterConfig"],
        json!({ "defaultDaysBack": 30, "batchSize": 200 })
    );
}

/// S0-034, S0-036, S0-038, S0-039, S0-040, S0-041, S0-042, S0-043, S0-044, S0-045, S0-046, S0-088, S0-089, S0-165;
/// S0-037: the key goes in and never comes out.
#[tokio::test]
async fn a_config_is_made_changed_and_removed() {
    let world = World::new();
    let create = format!(
        "mutation($input: CreateCallCenterConfigInput!) {{ createCallCenterConfig(input: $input) {CONFIG} }}"
    );
    let input = json!({ "name": "onepos", "apiUrl": "https://pbx.example:8080/api/v2/cdrs", "domain": "tazaspa102019",
                        "apiKey": "the-key-of-the-pbx" });
    let answer = ask(&world, &create, json!({ "input": input })).await;
    let made = answer["data"]["createCallCenterConfig"].clone();
    assert_eq!(
        (&made["hasApiKey"], &made["apiKey"]),
        (&json!(true), &Value::Null),
        "{answer}"
    );
    let expected = json!({
        "id": made["id"], "name": "onepos", "apiUrl": "https://pbx.example:8080/api/v2/cdrs",
        "domain": "tazaspa102019", "apiKey": null, "hasApiKey": true, "syncMode": "MANUAL",
        "cronExpression": made["cronExpression"], "isActive": false, "defaultDaysBack": 30, "batchSize": 200,
        "lastSyncAt": null, "lastSyncStatus": null, "lastSyncError": null, "totalRecordsSynced": 0,
        "createdAt": made["createdAt"], "updatedAt": made["updatedAt"],
    });
    assert_eq!(made, expected);
    let update = "mutation UpdateCallCenterConfig($id: String!, $input: UpdateCallCenterConfigInput!) {
        updateCallCenterConfig(id: $id, input: $input) { id syncMode cronExpression isActive } }";
    let input = json!({ "syncMode": "SCHEDULED", "cronExpression": "0 */5 * * * *", "isActive": true });
    let answer = ask(&world, update, json!({ "id": made["id"], "input": input })).await;
    assert_eq!(
        answer["data"]["updateCallCenterConfig"],
        json!({ "id": made["id"], "syncMode": "SCHEDULED", "cronExpression": "0 */5 * * * *", "isActive": true })
    );
    for (input, word) in [
        (json!({ "batchSize": 1001 }), "batch_size"),
        (json!({ "cronExpression": "now" }), "cron_expression"),
        (json!({ "apiUrl": "file:///etc/passwd" }), "api_url"),
    ] {
        let answer = ask(&world, update, json!({ "id": made["id"], "input": input })).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "bad_request",
            "{answer}"
        );
        assert!(
            answer["errors"][0]["message"].as_str().unwrap().contains(word),
            "{answer}"
        );
    }
    let everything = ask(
        &world,
        &format!("{{ getCallCenterConfigs {CONFIG} }}"),
        Value::Null,
    )
    .await;
    assert!(!everything.to_string().contains("the-key-of-the-pbx"));
    let delete = "mutation($id: String!) { deleteCallCenterConfig(id: $id) }";
    let answer = ask(&world, delete, json!({ "id": made["id"] })).await;
    assert_eq!(answer["data"]["deleteCallCenterConfig"], true);
    let answer = ask(&world, delete, json!({ "id": made["id"] })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "not_found");
}

/// S0-160, S0-088
#[tokio::test]
async fn each_operation_asks_for_its_own_right() {
    let world = World::new();
    let reader = world.token("reader", "cdr:read", None);
    let keeper = world.token("keeper", "cdr:read config:write", None);
    let may = async |token: &str, query: &str| {
        let answer = with_token(&world, token, query).await.json();
        answer["errors"][0]["extensions"]["code"] != "forbidden"
    };
    let change = "mutation { updateCallCenterConfig(id: \"x\", input: {}) { id } }";
    let make = "mutation { createCallCenterConfig(input: { apiUrl: \"\", domain: \"\" }) { id } }";
    let remove = "mutation { deleteCallCenterConfig(id: \"x\") }";
    let sync = "mutation { syncCallCenterData { success message recordsCreated } }";
    for query in [change, make, remove, sync] {
        assert!(!may(&reader, query).await, "{query}");
    }
    for query in [change, make, remove] {
        assert!(!may(&keeper, query).await, "{query}");
        assert!(may(crate::world::ADMIN, query).await, "{query}");
    }
    assert!(may(&keeper, sync).await);
}

/// S0-086, S0-087, S0-096, S0-163: a sync that cannot be says so, without the key.
#[tokio::test]
async fn a_sync_that_cannot_start_is_told_without_secrets() {
    let world = World::new();
    let create =
        "mutation { createCallCenterConfig(input: { name: \"gone\", apiUrl: \"https://169.254.169.254/cdrs\",
        domain: \"d\", apiKey: \"the-key-of-the-pbx\", isActive: true }) { id } }";
    let made = ask(&world, create, Value::Null).await;
    assert!(made["errors"].is_null(), "{made}");
    let sync = "mutation SyncCallCenterData($input: SyncCallCenterInput) {
        syncCallCenterData(input: $input) { success message recordsCreated recordsUpdated } }";
    let answer = ask(&world, sync, Value::Null).await;
    let result = &answer["data"]["syncCallCenterData"];
    assert_eq!(
        (&result["success"], &result["recordsCreated"]),
        (&json!(false), &json!(0)),
        "{answer}"
    );
    assert!(
        result["message"].as_str().unwrap().contains("link-local"),
        "{answer}"
    );
    let missing = ask(&world, sync, json!({ "input": { "configId": "nothing" } })).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "not_found");
    let logs = "query GetCallCenterSyncLogs($pagination: PaginationInput!) {
        getCallCenterSyncLogs(pagination: $pagination) { id syncType status recordsFetched recordsCreated startedAt duration } }";
    let logs = ask(&world, logs, json!({ "pagination": { "page": 1, "limit": 10 } })).await;
    assert_eq!(logs["data"]["getCallCenterSyncLogs"], json!([]));
    assert!(!format!("{answer}{logs}").contains("the-key-of-the-pbx"));
}
