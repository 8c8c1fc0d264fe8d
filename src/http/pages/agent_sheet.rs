//! The sheet that goes with a phone: what is put into it, and codes for those that can read them.

use super::frame::{Frame, Here};
use super::qr::Qr;
use super::render;
use super::text::{encoded, fill};
use super::words::{Chosen, PhoneWords, Words};
use crate::http::agent_book::{AgentCard, AgentSource, PhoneWays};
use crate::http::people::{Digest, Visitor, new_secret};
use crate::http::problem::Problem;
use crate::http::reception::Reception;
use crate::http::routes::{PasswordWish, Shared, card, write};
use crate::model::Secret;
use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

#[derive(Template)]
#[template(path = "sheet.html", config = "src/http/askama.toml")]
struct SheetPage<'a> {
    w: &'static Words,
    p: &'static PhoneWords,
    frame: Frame<'a>,
    id: String,
    title: String,
    user: String,
    /// Shown this once; empty afterwards.
    password: String,
    servers: Vec<Server>,
    registers_here: bool,
    /// Whether a new password can be made here.
    is_made_here: bool,
    is_loopback: bool,
    uri: String,
    uri_code: Qr,
    /// Where a Linphone fetches its settings, once.
    linphone: String,
    linphone_code: Qr,
}

/// A place where the phone can register.
struct Server {
    address: String,
    transport: String,
    note: &'static str,
}

/// `GET /phones/agents/{id}/sheet`: without the password, which nobody can show again.
pub(in crate::http) async fn sheet(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match card(&reception, &id).await {
        Ok(card) => paint(&reception, words, &visitor, &headers, &card, None),
        Err(problem) => problem.into_response(),
    }
}

/// `POST /phones/agents/{id}/password`: makes a new password and shows it on the sheet, this once.
pub(in crate::http) async fn renew(
    State(reception): Shared,
    Chosen(words): Chosen,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match renewed(&reception, &visitor, &id).await {
        Ok((card, password)) => with_password(&reception, words, &visitor, &headers, &card, &password),
        Err(problem) => problem.into_response(),
    }
}

async fn renewed(reception: &Reception, visitor: &Visitor, id: &str) -> Result<(AgentCard, Secret), Problem> {
    let card = card(reception, id).await?;
    let change = Some(Some(card.version));
    let done = write(reception, visitor, card.written, PasswordWish::Make, change).await?;
    Ok((done.card, done.password.unwrap_or_default()))
}

/// The sheet with a password that nobody has seen yet.
pub(super) fn with_password(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    headers: &HeaderMap,
    card: &AgentCard,
    password: &Secret,
) -> Response {
    paint(reception, words, visitor, headers, card, Some(password))
}

fn paint(
    reception: &Reception,
    words: &'static Words,
    visitor: &Visitor,
    headers: &HeaderMap,
    card: &AgentCard,
    password: Option<&Secret>,
) -> Response {
    let p = words.of_phones();
    let written = &card.written;
    let ways = reception.faces.agents.ways();
    let place = Place::of(headers);
    let user = written
        .extension
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let found = servers(&ways, &place.host);
    let registers_here = written.registers_here();
    let uri = match found.first() {
        Some((_, at)) if registers_here => format!("sip:{user}@{}", short(at)),
        Some(_) | None => String::new(),
    };
    let linphone = password.filter(|_| registers_here).map(|password| {
        let file = linphone(&ways, &found, (written.name_for_people(), &user), password);
        format!("{}/provision/{}", place.origin, voucher(reception, file))
    });
    let page = SheetPage {
        w: words,
        p,
        frame: Frame::new(
            reception,
            words,
            Some(visitor),
            Here::Phones,
            &format!("/phones/agents/{}/sheet", encoded(written.id.as_str())),
        ),
        id: encoded(written.id.as_str()),
        title: fill(p.paper.title, &[("who", written.name_for_people())]),
        user,
        password: password
            .map(|password| password.expose().to_owned())
            .unwrap_or_default(),
        is_loopback: found.iter().all(|(_, at)| is_loopback(at)),
        servers: found
            .into_iter()
            .map(|(transport, address)| Server {
                address,
                note: match transport {
                    "tls" | "wss" => p.paper.encrypted,
                    "ws" => p.paper.browser,
                    _ => "",
                },
                transport: transport.to_uppercase(),
            })
            .collect(),
        registers_here,
        is_made_here: card.source == AgentSource::Database,
        uri_code: if uri.is_empty() {
            Qr::default()
        } else {
            Qr::of(&uri)
        },
        uri,
        linphone_code: linphone.as_deref().map(Qr::of).unwrap_or_default(),
        linphone: linphone.unwrap_or_default(),
    };
    render(StatusCode::OK, &page)
}

/// Keeps a file for a softphone and answers the code that gives it out once.
fn voucher(reception: &Reception, file: String) -> String {
    let mut random = [0; 32];
    reception.faces.outside.random(&mut random);
    let code = new_secret(random);
    let now = reception.faces.outside.now();
    reception.vouchers().keep(now, Digest::of(&code), file);
    code
}

/// `GET /provision/{code}`: what a softphone sets itself up with, once. Whoever has the code was given the sheet; nothing
/// else is asked for.
pub(in crate::http) async fn provision(State(reception): Shared, Path(code): Path<String>) -> Response {
    let now = reception.faces.outside.now();
    let file = reception.vouchers().take(now, &Digest::of(&code));
    match file {
        Some(file) => {
            tracing::info!("A softphone has fetched its settings.");
            ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], file).into_response()
        }
        None => Problem::not_found("This code was used, or is over. Print a new sheet.").into_response(),
    }
}

/// By which address the browser sees the box.
struct Place {
    /// Without port, IPv6 in brackets.
    host: String,
    /// `http://192.168.1.5:8080`.
    origin: String,
}

impl Place {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let authority = text(header::HOST).unwrap_or_default();
        let uri: Option<Uri> = authority.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or(authority);
        // What a form was sent from says whether a proxy before the box speaks TLS.
        let origin = text(header::ORIGIN).filter(|origin| origin.starts_with("http"));
        Self {
            host: host.to_owned(),
            origin: origin.map_or_else(|| format!("http://{authority}"), str::to_owned),
        }
    }
}

/// Where the box can be reached for SIP: a socket that listens on every address is where the browser found the box.
fn servers(ways: &PhoneWays, host: &str) -> Vec<(&'static str, String)> {
    let order = |transport: &str| {
        ["udp", "tcp", "tls", "wss", "ws"]
            .iter()
            .position(|one| *one == transport)
    };
    let at = |address: &SocketAddr| {
        if address.ip().is_unspecified() {
            format!("{host}:{}", address.port())
        } else {
            address.to_string()
        }
    };
    let mut found: Vec<(&'static str, String)> = ways
        .sockets
        .iter()
        .map(|(transport, address)| (*transport, at(address)))
        .collect();
    found.sort_by_key(|(transport, _)| order(transport));
    found.dedup();
    let outside: Vec<_> = found.iter().filter(|(_, at)| !is_loopback(at)).cloned().collect();
    if outside.is_empty() { found } else { outside }
}

fn is_loopback(at: &str) -> bool {
    let host = at.rsplit_once(':').map_or(at, |(host, _)| host);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Without the port that every phone tries by itself (RFC 3261 §19.1.2).
fn short(at: &str) -> &str {
    at.strip_suffix(":5060").unwrap_or(at)
}

/// The settings of one account in the form Linphone fetches (remote provisioning, lpconfig.xsd). It is told to forget
/// the address they came from: it gives nothing a second time.
fn linphone(
    ways: &PhoneWays,
    servers: &[(&'static str, String)],
    (name, user): (&str, &str),
    password: &Secret,
) -> String {
    let plain = servers
        .iter()
        .find(|(transport, _)| matches!(*transport, "udp" | "tcp" | "tls"));
    let (transport, at) = plain.map_or(("udp", ""), |(transport, at)| (*transport, at.as_str()));
    let name = name.replace(['"', '\\'], " ");
    let identity = format!("\"{name}\" <sip:{user}@{}>", short(at));
    let proxy = format!("<sip:{at};transport={transport}>");
    let mut file = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<config xmlns=\"http://www.linphone.org/xsds/lpconfig.xsd\">\n",
    );
    let mut section = |title: &str, entries: &[(&str, &str)]| {
        let _ = writeln!(file, " <section name=\"{title}\">");
        for (key, value) in entries {
            let _ = writeln!(
                file,
                "  <entry name=\"{key}\" overwrite=\"true\">{}</entry>",
                escaped(value)
            );
        }
        file.push_str(" </section>\n");
    };
    section("misc", &[("transient_provisioning", "1")]);
    section("sip", &[("default_proxy", "0")]);
    section(
        "proxy_0",
        &[
            ("reg_proxy", &proxy),
            ("reg_identity", &identity),
            ("reg_sendregister", "1"),
            ("reg_expires", "600"),
            ("publish", "0"),
        ],
    );
    section(
        "auth_info_0",
        &[
            ("username", user),
            ("passwd", password.expose()),
            ("realm", &ways.realm),
            ("domain", short(at)),
        ],
    );
    file.push_str("</config>\n");
    file
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(sockets: &[(&'static str, &str)]) -> PhoneWays {
        PhoneWays {
            realm: "callpost".to_owned(),
            digests: vec!["SHA-256"],
            sockets: sockets
                .iter()
                .map(|(transport, at)| (*transport, at.parse().unwrap()))
                .collect(),
        }
    }

    #[test]
    fn a_socket_on_every_address_is_where_the_browser_found_the_box() {
        let ways = ways(&[
            ("tls", "0.0.0.0:5061"),
            ("udp", "0.0.0.0:5060"),
            ("udp", "127.0.0.1:5060"),
            ("ws", "192.168.1.5:8088"),
        ]);
        assert_eq!(
            servers(&ways, "box.example"),
            [
                ("udp", "box.example:5060".to_owned()),
                ("tls", "box.example:5061".to_owned()),
                ("ws", "192.168.1.5:8088".to_owned()),
            ]
        );
        assert!(is_loopback("127.0.0.1:5060") && is_loopback("[::1]:5060") && is_loopback("localhost:5060"));
        assert!(!is_loopback("192.168.1.5:5060"));
        assert_eq!((short("box:5060"), short("box:5070")), ("box", "box:5070"));
    }

    #[test]
    fn linphone_is_told_one_account_and_nothing_a_name_could_break() {
        let ways = ways(&[("udp", "0.0.0.0:5060")]);
        let found = servers(&ways, "192.168.1.5");
        let file = linphone(
            &ways,
            &found,
            ("A \"<&> B", "1001"),
            &Secret::from("k7mqx2pt9wrd"),
        );
        assert!(file.contains(">&lt;sip:192.168.1.5:5060;transport=udp&gt;</entry>"));
        assert!(file.contains(">\"A  &lt;&amp;&gt; B\" &lt;sip:1001@192.168.1.5&gt;</entry>"));
        assert!(file.contains(">k7mqx2pt9wrd</entry>") && file.contains(">callpost</entry>"));
    }

    #[test]
    fn the_origin_of_a_form_says_whether_a_proxy_speaks_tls() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "[fd00::1]:8080".parse().unwrap());
        let place = Place::of(&headers);
        assert_eq!(
            (place.host.as_str(), place.origin.as_str()),
            ("[fd00::1]", "http://[fd00::1]:8080")
        );
        headers.insert(header::ORIGIN, "https://box.example".parse().unwrap());
        assert_eq!(Place::of(&headers).origin, "https://box.example");
    }
}
