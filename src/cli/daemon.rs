//! The running daemon, asked through its API.

use crate::config::{Config, Loaded};
use anyhow::Context as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// One request to the daemon of this configuration: the status and the body of its answer. `body` is JSON.
pub(super) fn ask(
    config: Option<&Path>,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> anyhow::Result<(u16, String)> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let Loaded { config, .. } = Config::load(config)?;
    let token = std::env::var("CALLPOST_ADMIN_TOKEN").context("CALLPOST_ADMIN_TOKEN is not set")?;
    let at = reachable(&config);
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)
        .with_context(|| format!("no daemon answers at http://{at}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {at}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"
    )?;
    if let Some(body) = body {
        let length = body.len();
        write!(
            stream,
            "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
    } else {
        write!(stream, "Content-Length: 0\r\n\r\n")?;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the daemon's answer is cut off")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((
        status.context("the daemon's answer has no status")?,
        body.to_owned(),
    ))
}

/// Where the daemon listens, seen from this machine.
fn reachable(config: &Config) -> SocketAddr {
    let mut at = config.http.listen;
    if at.ip().is_unspecified() {
        at.set_ip(match at.ip() {
            IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]),
        });
    }
    at
}
