//! Whether the name servers answer at all: each is asked for the root's own servers, which every one knows.

use super::surroundings::system_name_servers;
use super::{Area, Line, Wanted, Whom};
use crate::model::Dice;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

const ANSWERS_WITHIN: Duration = Duration::from_millis(1500);
const TRIES: u32 = 2;
/// A look-up that takes longer is felt at every call by a name.
const SLOW: Duration = Duration::from_millis(500);

/// One line a name server.
pub(super) async fn look(wanted: &Wanted, mut dice: Dice) -> Vec<Line> {
    let from_system = wanted.dns_servers.is_empty();
    let servers: Vec<SocketAddr> = if from_system {
        let system = system_name_servers().into_iter();
        system.map(|address| SocketAddr::new(address, 53)).collect()
    } else {
        wanted.dns_servers.clone()
    };
    let needed = names(wanted);
    if servers.is_empty() {
        return vec![none_known(&needed)];
    }
    let mut lines = Vec::new();
    for server in servers {
        let begun = (wanted.now)();
        let answered = answers(server, &mut dice).await;
        let took = (wanted.now)().saturating_duration_since(begun);
        lines.push(about(server, answered, took, &needed).took(took));
    }
    // One that answers is enough; the others are worth a look.
    if lines.iter().any(|line| line.outcome < super::Outcome::Fail) {
        for line in lines
            .iter_mut()
            .filter(|line| line.outcome == super::Outcome::Fail)
        {
            line.outcome = super::Outcome::Warn;
        }
    }
    lines
}

/// The names that the configuration needs somebody to look up.
fn names(wanted: &Wanted) -> Vec<String> {
    let trunks = wanted.trunks.iter().map(|own| own.trunk.host.clone());
    let servers = wanted.servers.iter().filter_map(super::server::host);
    let is_name =
        |host: &String| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() && host != "localhost";
    let mut names: Vec<String> = trunks.chain(servers).filter(is_name).collect();
    names.sort();
    names.dedup();
    names
}

fn none_known(needed: &[String]) -> Line {
    if needed.is_empty() {
        return Line::ok(
            Area::Dns,
            "",
            "no server is known, and none is needed: everything is written as an address",
        );
    }
    Line::fail(
        Area::Dns,
        "",
        format!(
            "no name server is known, and these names are needed: {}",
            needed.join(", ")
        ),
        "write one into /etc/resolv.conf (or [sip] dns_servers for the trunks), or let DHCP give one",
        Whom::Network,
    )
}

fn about(server: SocketAddr, answered: bool, took: Duration, needed: &[String]) -> Line {
    let about = server.to_string();
    let about = about.strip_suffix(":53").unwrap_or(&about);
    if !answered {
        let cure = "look whether this is the right server and whether UDP port 53 gets there";
        return if needed.is_empty() {
            let text = "does not answer; no name of this configuration needs it";
            Line::warn(Area::Dns, about, text, cure, Whom::Network)
        } else {
            let text = format!("does not answer: {} cannot be found", needed.join(", "));
            Line::fail(Area::Dns, about, text, cure, Whom::Network)
        };
    }
    let ms = took.as_millis();
    if took > SLOW {
        let text = format!("answers, but only after {ms} ms");
        let cure = "use a name server nearer by; calls by a name wait for it";
        return Line::warn(Area::Dns, about, text, cure, Whom::Network);
    }
    Line::ok(Area::Dns, about, format!("answers in {ms} ms"))
}

/// Any answer to our question will do, a refusal too.
async fn answers(server: SocketAddr, dice: &mut Dice) -> bool {
    let any: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let Ok(socket) = UdpSocket::bind(any).await else {
        return false;
    };
    if socket.connect(server).await.is_err() {
        return false;
    }
    let id: [u8; 2] = dice.bytes();
    let question = question(id);
    for _ in 0..TRIES {
        if socket.send(&question).await.is_err() {
            continue;
        }
        let mut answer = [0; 512];
        let heard = timeout(ANSWERS_WITHIN, socket.recv(&mut answer)).await;
        if heard.is_ok_and(|length| length.is_ok_and(|length| length >= 12)) && answer.starts_with(&id) {
            return true;
        }
    }
    false
}

/// `. NS` (RFC 1035 §4.1), with recursion wished for.
fn question(id: [u8; 2]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_silent_server_is_worse_when_its_names_are_needed() {
        let server = "192.168.1.1:53".parse().unwrap();
        let needed = ["pbx.example".to_owned()];
        let line = about(server, false, Duration::ZERO, &needed);
        assert_eq!(
            (line.outcome, line.about.as_str()),
            (Outcome::Fail, "192.168.1.1")
        );
        assert!(line.text.contains("pbx.example"));
        assert_eq!(about(server, false, Duration::ZERO, &[]).outcome, Outcome::Warn);
        assert_eq!(
            about(server, true, Duration::from_secs(1), &needed).outcome,
            Outcome::Warn
        );
        assert_eq!(
            about(server, true, Duration::from_millis(3), &needed).outcome,
            Outcome::Ok
        );
        assert_eq!(none_known(&[]).outcome, Outcome::Ok);
        assert_eq!(none_known(&needed).outcome, Outcome::Fail);
    }

    #[tokio::test]
    async fn any_answer_shows_that_a_server_is_there() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = server.local_addr().unwrap();
        let serve = async {
            let mut space = [0; 64];
            let (length, from) = server.recv_from(&mut space).await.unwrap();
            assert_eq!(length, 17, "a header and one question");
            space[2] |= 0x80;
            server.send_to(&space[..length], from).await.unwrap();
        };
        let mut dice = Dice::from_number(1);
        let (_, answered) = tokio::join!(serve, answers(at, &mut dice));
        assert!(answered);
    }
}
