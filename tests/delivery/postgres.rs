//! The `postgres` destination against PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "a server that does not answer should stop the test"
)]

use super::house::{House, SITE, call_id, cdr};
use super::servers::{Kind, Server};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

const PLAIN: Kind = Kind::Postgres { tls: false };

fn keys(server: &Server, more: &str) -> String {
    format!(
        "type = 'postgres'\nurl = 'postgres://callpost@127.0.0.1:{}/postgres'\npassword = 'hush'\n{more}",
        server.port
    )
}

/// Somebody who reads the table.
pub(super) async fn reader(server: &Server) -> Client {
    let address = format!(
        "host=127.0.0.1 port={} user=callpost password=hush dbname=postgres",
        server.port
    );
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, question: &str) -> i64 {
    client.query_one(question, &[]).await.unwrap().get(0)
}

/// S0-005: the table is made with the first record, and every record is one row in it, whatever happens to the server.
#[tokio::test]
async fn every_record_is_one_row_though_the_database_is_killed() {
    let mut server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..400);
    house
        .until("some to arrive", |backlog| backlog.delivered > 0)
        .await;
    server.kill();
    house.file(400..500);
    house
        .until("the outage to be noticed", |backlog| backlog.last_error.is_some())
        .await;
    server.start_again();
    let backlog = house.settled(500).await;
    assert_eq!((backlog.delivered, backlog.parked), (500, 0));
    house.close().await;

    let client = reader(&server).await;
    assert_eq!(number(&client, "SELECT count(*) FROM cdrs").await, 500);
    assert_eq!(
        number(&client, "SELECT count(DISTINCT cdr_id) FROM cdrs").await,
        500
    );
    assert_eq!(
        number(&client, "SELECT count(*) FROM cdrs WHERE seq BETWEEN 1 AND 500").await,
        500
    );
    let row = client
        .query_one(
            "SELECT site, status, caller_number, duration_ms, answered_at = '2026-11-20 05:00:04.25Z', body
             FROM cdrs WHERE cdr_id::text = $1 AND version = 1",
            &[&call_id(0, 0)],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), SITE);
    assert_eq!(row.get::<_, &str>(1), "ANSWER");
    assert_eq!(row.get::<_, &str>(2), "+966500000000");
    assert_eq!(row.get::<_, i64>(3), 14_000);
    assert!(row.get::<_, bool>(4));
    let body: Value = row.get(5);
    assert_eq!((&body["digits"], &body["seq"]), (&json!("1"), &json!(1)));
}

/// A row that a constraint of the table's owner does not let in is parked with the database's own words.
#[tokio::test]
async fn a_row_the_database_refuses_is_parked_and_the_others_go_on() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..1);
    house.settled(1).await;
    let client = reader(&server).await;
    client
        .batch_execute("ALTER TABLE cdrs ADD CONSTRAINT no_seventh CHECK (caller_number <> '+966500000007')")
        .await
        .unwrap();
    house.file(1..20);
    let backlog = house.settled(20).await;
    assert_eq!((backlog.delivered, backlog.parked), (19, 1));
    assert_eq!(
        number(&client, "SELECT count(*) FROM cdrs WHERE seq <> 8").await,
        19
    );
    assert_eq!(number(&client, "SELECT count(*) FROM cdrs").await, 19);
    house.close().await;
}

#[tokio::test]
async fn a_later_version_is_a_row_of_its_own_and_a_repetition_none() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..2);
    house.settled(2).await;
    let client = reader(&server).await;
    let mut later = cdr(0);
    later["version"] = json!(2);
    later["notes"] = json!(["called back"]);
    house.file_one(later);
    house.settled(3).await;
    house.close().await;
    assert_eq!(number(&client, "SELECT count(*) FROM cdrs").await, 3);

    // A box whose journal begins anew sends the same records again.
    let again = House::open(&keys(&server, ""));
    again.file(0..2);
    again.settled(2).await;
    again.close().await;
    assert_eq!(number(&client, "SELECT count(*) FROM cdrs").await, 3);
    assert_eq!(
        number(&client, "SELECT count(DISTINCT appliance_id) FROM cdrs").await,
        1
    );
}

/// S0-005, S0-010, S0-011, S0-012, S0-013, S0-014, S0-015, S0-016, S0-017, S0-018, S0-019, S0-020, S0-021, S0-022,
/// S0-023, S0-024, S0-025, S0-026, S0-027, S0-028, S0-029, S0-030, S0-031, S0-032, S0-033: programs written for the
/// table `CallCenterRecord` read the same columns, types and words.
#[tokio::test]
async fn readers_of_the_old_table_find_its_columns_and_words() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, "call_center_view = true"));
    for (n, status, direction) in [
        (0, "ANSWER", "inbound"),
        (1, "CANCELED", "outbound"),
        (2, "BUSY", "internal"),
        (3, "NO_ANSWER", "inbound"),
        (4, "FAILED", "inbound"),
        (5, "VOICEMAIL", "inbound"),
    ] {
        let mut cdr = cdr(n);
        cdr["status"] = json!(status);
        cdr["direction"] = json!(direction);
        if status != "ANSWER" {
            cdr["answered_at"] = json!(null);
        }
        house.file_one(cdr);
    }
    let mut later = cdr(0);
    later["version"] = json!(2);
    later["hangup_by"] = json!("callee");
    house.file_one(later);
    house.settled(7).await;
    house.close().await;

    let client = reader(&server).await;
    let rows = client
        .query(
            r#"SELECT "id", "externalUuid", "direction"::text, "callerIdNumber", "outboundCallerIdNumber",
                      "destinationNumber", "startEpoch", "endEpoch", "answerEpoch", "duration", "billsec",
                      "sipHangupDisposition", "callStatus"::text, "recordPath", "domain", "rawData"
               FROM "CallCenterRecord" ORDER BY "startEpoch""#,
            &[],
        )
        .await
        .unwrap();
    let text = |row: usize, column: usize| rows[row].get::<_, Option<String>>(column);
    let of_all = |column: usize| {
        (0..rows.len())
            .map(|row| text(row, column).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of_all(12),
        ["ANSWER", "CANCELED", "BUSY", "NO_ANSWER", "FAILED", "NO_ANSWER"]
    );
    assert_eq!(
        of_all(2),
        ["INBOUND", "OUTBOUND", "OUTBOUND", "INBOUND", "INBOUND", "INBOUND"]
    );
    assert_eq!(text(0, 0), text(0, 1), "our own calls have one identity");
    let first: Vec<_> = (3..=14)
        .filter(|column| *column != 12)
        .map(|column| text(0, column))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        first,
        [
            some("+966500000000"),
            None,
            some("+966112345678"),
            some("1795150800"),
            some("1795150814"),
            some("1795150804"),
            some("14"),
            some("10"),
            some("by_callee"),
            None,
            some(SITE),
        ],
        "the newest version counts"
    );
    assert_eq!(text(3, 8), None, "nobody answered");
    assert_eq!(rows[0].get::<_, Value>(15)["version"], 2);

    // As an object-relational mapper asks: enums compared by their types, times without a zone.
    let question = r#"SELECT count(*) FROM "CallCenterRecord"
        WHERE "callStatus" = CAST('NO_ANSWER'::text AS "CallStatus") AND "syncedAt" <= now()::timestamp + interval '1 day'
          AND "updatedAt" IS NOT NULL"#;
    assert_eq!(number(&client, question).await, 2);
    let snake =
        "SELECT count(*) FROM call_center_records WHERE direction = 'INBOUND' AND external_uuid IS NOT NULL
        AND caller_id_number LIKE '+9665%' AND start_epoch >= '1795150800' AND synced_at IS NOT NULL";
    assert_eq!(number(&client, snake).await, 4);
}

#[tokio::test]
async fn a_user_who_may_only_write_rows_is_enough_once_the_table_is_there() {
    let server = Server::start(PLAIN);
    let house = House::open(&keys(&server, ""));
    house.file(0..1);
    house.settled(1).await;
    house.close().await;
    let client = reader(&server).await;
    client
        .batch_execute(
            "CREATE ROLE branch LOGIN PASSWORD 'hush'; GRANT SELECT, INSERT, UPDATE ON cdrs TO branch;",
        )
        .await
        .unwrap();
    let house = House::open(&keys(&server, "").replace("callpost@", "branch@"));
    house.file(10..15);
    house.settled(5).await;
    house.close().await;
    assert_eq!(number(&client, "SELECT count(*) FROM cdrs").await, 6);

    let stranger = House::open(&keys(&server, "").replace("'hush'", "'guess'"));
    stranger.file(20..21);
    let backlog = stranger
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!((backlog.pending, backlog.parked), (1, 0));
    let error = backlog.last_error.unwrap();
    assert!(
        error.contains("password authentication failed") && !error.contains("guess"),
        "{error}"
    );
    stranger.close().await;
}

#[tokio::test]
async fn postgresql_is_spoken_to_by_tls_with_a_server_that_proves_its_name() {
    let server = Server::start(Kind::Postgres { tls: true });
    let stranger = House::open(&keys(&server, "tls = 'require'"));
    stranger.file(0..1);
    let backlog = stranger
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!(backlog.delivered, 0, "an unknown authority proves nothing");
    stranger.close().await;

    let more = format!("tls = 'require'\nca_file = '{}'", server.authority().display());
    let house = House::open(&keys(&server, &more));
    house.file(0..20);
    assert_eq!(house.settled(20).await.delivered, 20);
    let client = reader(&server).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND application_name = 'callpost branch-01'";
    assert_eq!(number(&client, encrypted).await, 1);
    house.close().await;
}

/// The SQL blocks of the handbook's page about fleets, in their order.
fn sql_of_the_handbook() -> Vec<String> {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook/fleet.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    blocks
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// What the handbook says to type, typed: a user of one box writes and sees the rows of its own site alone, and the
/// questions about the fleet are answered.
#[tokio::test]
async fn the_sql_of_the_handbook_does_what_the_page_says() {
    let [rights, newest, silent] = sql_of_the_handbook().try_into().unwrap();
    let server = Server::start(PLAIN);
    let maker = House::open(&keys(&server, ""));
    maker.file(0..1);
    maker.settled(1).await;
    maker.close().await;
    let owner = reader(&server).await;
    assert!(rights.contains("PASSWORD '…'") && rights.contains(&format!("\"{SITE}\"")));
    owner.batch_execute(&rights.replace('…', "hush")).await.unwrap();
    owner
        .batch_execute("CREATE ROLE \"branch-02\" LOGIN PASSWORD 'hush' IN ROLE boxes;")
        .await
        .unwrap();

    let as_user =
        |user: &str| keys(&server, "create_table = false").replace("callpost@", &format!("{user}@"));
    let house = House::open(&as_user(SITE));
    house.file(10..15);
    let done = house.settled(5).await;
    assert_eq!((done.delivered, done.parked), (5, 0), "{:?}", done.last_error);
    // A later version and a repetition go through the same policy.
    let mut later = cdr(12);
    later["version"] = json!(2);
    house.file_one(later);
    house.settled(6).await;
    house.close().await;
    assert_eq!(number(&owner, "SELECT count(*) FROM cdrs").await, 7);

    // The neighbour sees none of them, changes none, and cannot pretend to be this box.
    let address = format!(
        "host=127.0.0.1 port={} user=branch-02 password=hush dbname=postgres",
        server.port
    );
    let (neighbour, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(number(&neighbour, "SELECT count(*) FROM cdrs").await, 0);
    assert_eq!(
        neighbour
            .execute("UPDATE cdrs SET site = 'x'", &[])
            .await
            .unwrap(),
        0
    );
    assert!(neighbour.execute("DELETE FROM cdrs", &[]).await.is_err());
    let pretender = House::open(&as_user("branch-02"));
    pretender.file(20..21);
    let refused = pretender
        .until("the refusal", |backlog| backlog.last_error.is_some())
        .await;
    assert_eq!(refused.delivered, 0);
    assert!(
        refused
            .last_error
            .as_ref()
            .unwrap()
            .contains("row-level security"),
        "{:?}",
        refused.last_error
    );
    pretender.close().await;
    assert_eq!(number(&owner, "SELECT count(*) FROM cdrs").await, 7);

    let newest = owner.query(&newest, &[]).await.unwrap();
    assert_eq!(newest.len(), 6, "each call once");
    let versions: Vec<i32> = newest.iter().map(|row| row.get("version")).collect();
    assert_eq!(versions.iter().max(), Some(&2));
    let questions: Vec<&str> = silent.split(';').filter(|sql| sql.contains("SELECT")).collect();
    assert_eq!(questions.len(), 3);
    // The box of the first record numbers its records anew: another appliance, its own numbers, nothing missing.
    for question in questions {
        let rows = owner.query(question, &[]).await.unwrap();
        assert!(rows.len() <= 1, "{question}: {rows:?}");
    }
    let gap = "DELETE FROM cdrs WHERE (site, seq) = (SELECT site, min(seq) + 1 FROM cdrs GROUP BY site, appliance_id
               HAVING count(*) > 2)";
    assert_eq!(owner.execute(gap, &[]).await.unwrap(), 1);
    let missing = silent
        .split(';')
        .find(|sql| sql.contains("Is anything missing"))
        .unwrap();
    let found = owner.query(missing, &[]).await.unwrap();
    assert_eq!(found.len(), 1, "a gap is told");
}
