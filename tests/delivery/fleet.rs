//! A fleet on one server: fifty boxes here, a thousand in `just bench-fleet`.

use super::crowd::{Plan, run, site};
use super::postgres::reader;
use super::servers::{Kind, Server};
use async_nats::jetstream;
use std::time::Duration;

const FIFTY: Plan = Plan {
    boxes: 50,
    records: 20,
    pause: Duration::from_millis(10),
    wait: Duration::from_millis(300),
};

/// Every box is found under its own subject, with all its records, though the server went away in between.
#[tokio::test]
async fn fifty_boxes_share_one_stream_and_each_is_told_from_its_neighbour() {
    let mut server = Server::start(Kind::Nats {
        tls: false,
        login: false,
    });
    let url = format!("nats://127.0.0.1:{}", server.port);
    let figures = run(FIFTY, &mut server, &format!("type = 'nats'\nurl = '{url}'")).await;
    println!("50 boxes, NATS: {figures}");
    let stream = jetstream::new(async_nats::connect(url).await.unwrap())
        .get_stream("CDR")
        .await
        .unwrap();
    let info = stream.get_info().await.unwrap();
    assert_eq!(info.state.messages, 50 * 20);
    assert_eq!(info.state.subjects_count, 50);
}

#[tokio::test]
async fn fifty_boxes_share_one_table_and_each_is_told_from_its_neighbour() {
    let mut server = Server::start(Kind::Postgres { tls: false });
    let keys = format!(
        "type = 'postgres'\nurl = 'postgres://callpost@127.0.0.1:{}/postgres'\npassword = 'hush'",
        server.port
    );
    let figures = run(FIFTY, &mut server, &keys).await;
    println!("50 boxes, PostgreSQL: {figures}");
    let client = reader(&server).await;
    let rows = client
        .query(
            "SELECT site, appliance_id, count(*), min(seq), max(seq) FROM cdrs GROUP BY 1, 2 ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 50);
    for (row, of_box) in rows.iter().zip(1..) {
        assert_eq!(row.get::<_, String>(0), site(of_box));
        let counts: (i64, i64, i64) = (row.get(2), row.get(3), row.get(4));
        assert_eq!(counts, (20, 1, 20), "{}: no gap in its numbers", site(of_box));
    }
}
