//! The same over real sockets: limits, keep-alive, shutdown.

use crate::world::{ADMIN, World};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A served world, its address, and the way to end it.
async fn serve(world: &World) -> (std::net::SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { drop(stopped.await) };
    let serving = tokio::spawn(callpost::http::serve(listener, None, world.faces(), shutdown));
    (address, stop, serving)
}

/// Sends these bytes and reads until the box closes or says nothing more of one answer.
async fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("the box kept the connection open");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_browser_is_served_over_a_socket() {
    let world = World::new();
    let (address, _stop, _serving) = serve(&world).await;
    let request = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n"
    );
    let answer = exchange(address, request.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"branch-01\""),
        "{answer}"
    );
}

#[tokio::test]
async fn requests_that_try_to_hide_another_one_are_refused() {
    let world = World::new();
    let (address, _stop, _serving) = serve(&world).await;
    let smuggled = [
        "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        "GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "\u{1}\u{2}\u{3}\r\n\r\n",
    ];
    for bytes in smuggled {
        let answer = exchange(address, bytes.as_bytes()).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{bytes:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn headers_have_a_limit_in_number_and_size() {
    let world = World::new();
    let (address, _stop, _serving) = serve(&world).await;
    let many = "X-A: b\r\n".repeat(100);
    let long = format!("X-A: {}\r\n", "b".repeat(20_000));
    for headers in [many, long] {
        let request = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn a_shutdown_lets_answers_finish_and_ends() {
    let world = World::new();
    let (address, stop, serving) = serve(&world).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(4), serving)
        .await
        .expect("the shutdown hung")
        .unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
