//! The running daemon, asked through its API: by its own door in the data directory, where no token is wanted, or over the
//! network with one.

use super::cdr::House;
use crate::config::Config;
use crate::http::DOOR;
use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request to the daemon of this house: the body of its answer. With a `token` it goes over the network. Without one
/// it goes by the door, and where that is not open to us, `CALLPOST_TOKEN` or `CALLPOST_ADMIN_TOKEN` is tried.
///
/// # Errors
/// When no daemon answers, and what it says when it refuses.
pub(super) fn ask(
    house: &House,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Value> {
    let body = body.map(Value::to_string);
    let json = &[("Content-Type", "application/json")];
    let (status, said) = ask_with(house, token, (method, path), json, body.as_deref())?;
    if (200..300).contains(&status) {
        return Ok(said);
    }
    match said["detail"].as_str() {
        _ if status == 401 => bail!("the daemon does not know this token (401)"),
        Some(why) => bail!("{why}"),
        None => bail!("the daemon answers {status}"),
    }
}

/// The same with headers of the caller's: the status, and what was said as JSON, also when it is a refusal.
///
/// # Errors
/// When no daemon answers.
pub(super) fn ask_with(
    house: &House,
    token: Option<&str>,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> anyhow::Result<(u16, Value)> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = Request {
        method,
        path,
        headers: &headers,
        body: body.unwrap_or_default(),
    };
    let door = UnixStream::connect(house.data_dir.join(DOOR));
    let answer = match door.ok().filter(|_| token.is_none()) {
        Some(mut door) => {
            door.set_read_timeout(Some(PATIENCE))?;
            request.put(&mut door, "localhost", "")?
        }
        None => by_network(&house.config, token, &request)?,
    };
    let (status, body) = read(&answer)?;
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

fn by_network(config: &Config, token: Option<&str>, request: &Request<'_>) -> anyhow::Result<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|token| !token.is_empty());
    let token = token
        .map(str::to_owned)
        .or_else(|| variable("CALLPOST_TOKEN"))
        .or_else(|| variable("CALLPOST_ADMIN_TOKEN"))
        .ok_or_else(|| {
            anyhow!(
                "the daemon's door is not open to this user — run this as the daemon's user or root, or set \
                 CALLPOST_TOKEN"
            )
        })?;
    let at = reachable(config);
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)
        .with_context(|| format!("no daemon answers at http://{at}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let shown = format!("Authorization: Bearer {token}\r\n");
    request.put(&mut stream, &at.to_string(), &shown)
}

/// What the daemon is asked.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    /// Lines, each with its end.
    headers: &'a str,
    body: &'a str,
}

impl Request<'_> {
    fn put(&self, stream: &mut (impl Read + Write), host: &str, shown: &str) -> anyhow::Result<String> {
        let Self {
            method,
            path,
            headers,
            body,
        } = self;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{shown}{headers}Accept: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .context("the daemon does not answer")?;
        Ok(answer)
    }
}

/// The status and the body.
fn read(answer: &str) -> anyhow::Result<(u16, &str)> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the daemon's answer is cut off")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("the daemon's answer has no status")?, body))
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

/// A part of an address, escaped (RFC 3986 §2.1).
pub(super) fn segment(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::new(), |mut path, byte| {
        if is_plain(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_is_one_part_of_an_address_whatever_it_holds() {
        assert_eq!(segment("ali.2_x-y~"), "ali.2_x-y~");
        assert_eq!(segment("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
    }
}
