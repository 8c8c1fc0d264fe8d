//! Each kind of place takes small and large recordings, and what lies there is the same.

use crate::house::{House, key, place, wait_for_copies};
use crate::servers::{Server, section};
use callpost::keeping::Keeper;
use std::fs;

const SMALL: usize = 40_000;
/// Three parts, the last a short one.
const LARGE: usize = 11 * 1024 * 1024 + 5;

/// S3-094, S3-097: SigV4, one piece and several; the copy is found to be the same by its name.
#[test]
fn s3_takes_small_and_large_recordings() {
    let Some(server) = Server::s3() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows = [house.record(1, SMALL), house.record(2, LARGE), house.record(3, 0)];
    let desk = house.desk(&section("s3", server.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    wait_for_copies(&desk, 3);
    for row in &rows {
        let (status, there) = server.ask("GET", &format!("/rec/{}", key(row)), &[], b"");
        assert_eq!(status, 200);
        assert!(there == fs::read(house.file(row)).unwrap(), "{}", row.id);
    }
    assert_eq!(place(&desk).place, "s3://rec/");
    house.hears(&desk, &rows[1]);
    keeper.shutdown();
}

/// S3-095: Google's XML API is that of S3 in all that is asked of it here, so a server of the one stands in for the other;
/// it does not look at the token.
#[test]
fn google_takes_small_and_large_recordings_by_its_xml_api() {
    let Some(server) = Server::s3() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows = [house.record(1, SMALL), house.record(2, LARGE)];
    let desk = house.desk(&section("gcs", server.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    // Verified means here that it was read back and has the same SHA-256.
    wait_for_copies(&desk, 2);
    for row in &rows {
        let (status, there) = server.ask("GET", &format!("/rec/{}", key(row)), &[], b"");
        assert_eq!(status, 200);
        assert!(there == fs::read(house.file(row)).unwrap(), "{}", row.id);
        house.hears(&desk, row);
    }
    keeper.shutdown();
}

/// S3-096: block blobs.
#[test]
fn azure_takes_small_and_large_recordings() {
    let Some(server) = Server::azure() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    house.record(1, SMALL);
    let large = house.record(2, LARGE);
    let desk = house.desk(&section("azure", server.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    // Verified means here that it was read back and has the same SHA-256.
    wait_for_copies(&desk, 2);
    house.hears(&desk, &large);
    keeper.shutdown();
}

/// A folder of the office's file server, whose folders are made on the way.
#[test]
fn webdav_takes_small_and_large_recordings() {
    let Some(server) = Server::webdav() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows = [house.record(1, SMALL), house.record(2, LARGE)];
    let desk = house.desk(&section("webdav", server.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    wait_for_copies(&desk, 2);
    for row in &rows {
        let there = fs::read(server.served(&key(row))).unwrap();
        assert!(there == fs::read(house.file(row)).unwrap(), "{}", row.id);
        assert!(!server.served(&format!("{}.part", key(row))).exists());
        house.hears(&desk, row);
    }
    keeper.shutdown();
}

/// S3-124: the step that is not permitted is named, with what the place says.
#[tokio::test]
async fn a_test_names_what_is_not_permitted() {
    let Some(server) = Server::webdav() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let good = house.desk(&section("webdav", server.port, ""));
    let tested = good.test("place", "1").await.unwrap();
    assert!(tested.ok, "{tested:?}");
    let wrong = section("webdav", server.port, "").replace("hush", "guess");
    let tested = house.desk(&wrong).test("place", "1").await.unwrap();
    assert_eq!(tested.failed, Some("write"));
    assert!(tested.reason.unwrap().contains("401"));
    let Some(server) = Server::s3() else { return };
    let elsewhere = section("s3", server.port, "").replace("'rec'", "'nowhere'");
    let tested = house.desk(&elsewhere).test("place", "1").await.unwrap();
    assert_eq!(tested.failed, Some("write"));
    assert!(tested.reason.unwrap().contains("NoSuchBucket"));
    let tested = house
        .desk(&section("s3", server.port, ""))
        .test("place", "1")
        .await
        .unwrap();
    assert_eq!(tested.done, ["write", "read", "delete"], "{tested:?}");
}

/// ROBUSTNESS 56: a place that a name leads into this network with is not connected to.
#[tokio::test]
async fn a_name_that_leads_into_this_network_is_refused() {
    let Some(server) = Server::s3() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    for host in ["localhost", "169.254.169.254", "0x7f000001"] {
        let led = section("s3", server.port, "").replace("127.0.0.1", host);
        let storage: callpost::keeping::Storage = toml::from_str(&led).unwrap();
        if !storage.mistakes().is_empty() {
            // Told before anything is tried.
            continue;
        }
        let tested = house.desk(&led).test("place", "1").await.unwrap();
        assert!(!tested.ok, "{host}");
        let reason = tested.reason.unwrap();
        assert!(
            reason.contains("egress") || reason.contains("leads to"),
            "{host}: {reason}"
        );
    }
}
