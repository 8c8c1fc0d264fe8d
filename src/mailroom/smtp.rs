//! Hands one e-mail to a server (RFC 5321), over a connection that the way out has judged and, unless the site says
//! otherwise, made secret (RFC 3207 or from the beginning).

use super::clerk::Setback;
use super::config::{MailConfig, Security};
use crate::egress::{Author, Egress};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The whole exchange; a large recording takes a while on a thin line.
const PATIENCE: Duration = Duration::from_secs(180);
/// Longest line a server may say.
const LONGEST_LINE: u64 = 4096;
/// Most lines of one answer.
const MOST_LINES: usize = 100;

/// Hands an e-mail over; it is the server's from then on.
///
/// # Errors
/// [`Setback::Never`] when the server will not have it, [`Setback::Later`] for everything else.
pub(super) async fn send(
    egress: &Egress,
    config: &MailConfig,
    hello: &str,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), Setback> {
    let exchange = exchange(egress, config, hello, envelope, mail);
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(outcome) => outcome,
        Err(_too_late) => Err(Setback::Later("the server did not finish in time".to_owned())),
    }
}

async fn exchange(
    egress: &Egress,
    config: &MailConfig,
    hello: &str,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), Setback> {
    let stream = egress
        .connect(&config.server, config.port(), Author::File)
        .await
        .map_err(later)?;
    let peer = stream.peer_addr().map_err(later)?;
    let hello = ClientId::Domain(hello.to_owned());
    let stream: Box<dyn AsyncTokioStream> = match config.tls {
        Security::None => Box::new(stream),
        Security::Tls => Box::new(secret(egress, config, stream, peer, false).await?),
        Security::Starttls => {
            let stream = ask_for_secrecy(stream, &hello).await?;
            Box::new(secret(egress, config, stream, peer, true).await?)
        }
    };
    let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello)
        .await
        .map_err(later)?;
    if !config.username.is_empty() {
        let credentials = Credentials::new(config.username.clone(), config.password.expose().to_owned());
        // A wrong password is the site's mistake and no fault of the message.
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await
            .map_err(|error| Setback::Later(format!("the server does not let us in: {error}")))?;
    }
    connection.send(envelope, mail).await.map_err(|error| {
        if error.is_permanent() {
            Setback::Never(format!("the server will not have it: {error}"))
        } else {
            later(error)
        }
    })?;
    // It has taken the message; how it parts changes nothing.
    let _ = connection.quit().await;
    Ok(())
}

async fn secret(
    egress: &Egress,
    config: &MailConfig,
    stream: TcpStream,
    peer: SocketAddr,
    was_greeted: bool,
) -> Result<SecretLine, Setback> {
    let trust = config.trust().map_err(Setback::Later)?;
    let stream = egress.tls(stream, &config.server, &trust).await.map_err(later)?;
    Ok(SecretLine {
        stream,
        peer,
        greeting: if was_greeted { GREETING } else { b"" },
    })
}

/// Says what is needed until the server begins its side of the handshake (RFC 3207 §4). Whatever it has sent beyond its
/// answer is no secret and is refused, so that nobody in between can put words into the conversation.
async fn ask_for_secrecy(stream: TcpStream, hello: &ClientId) -> Result<TcpStream, Setback> {
    let mut line = BufReader::new(stream);
    expect(&mut line, "220", "greets").await?;
    tell(&mut line, &format!("EHLO {hello}\r\n")).await?;
    let offers = expect(&mut line, "250", "answers EHLO").await?;
    let has_it = offers.iter().any(|offer| {
        offer
            .get(4..)
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    });
    if !has_it {
        return Err(Setback::Later("the server does not offer STARTTLS".to_owned()));
    }
    tell(&mut line, "STARTTLS\r\n").await?;
    expect(&mut line, "220", "answers STARTTLS").await?;
    if !line.buffer().is_empty() {
        return Err(Setback::Later(
            "the server spoke before the line was secret".to_owned(),
        ));
    }
    Ok(line.into_inner())
}

async fn tell(line: &mut BufReader<TcpStream>, words: &str) -> Result<(), Setback> {
    line.get_mut().write_all(words.as_bytes()).await.map_err(later)
}

/// The lines of an answer that begins with this code.
async fn expect(line: &mut BufReader<TcpStream>, code: &str, what: &str) -> Result<Vec<String>, Setback> {
    let mut lines = Vec::new();
    while lines.len() < MOST_LINES {
        let mut text = Vec::new();
        (&mut *line)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut text)
            .await
            .map_err(later)?;
        let text = String::from_utf8_lossy(&text).trim_end().to_owned();
        if !text.starts_with(code) {
            let said: String = text
                .chars()
                .filter(|letter| !letter.is_control())
                .take(200)
                .collect();
            return Err(Setback::Later(format!("the server {what} with `{said}`")));
        }
        let goes_on = text.as_bytes().get(3) == Some(&b'-');
        lines.push(text);
        if !goes_on {
            return Ok(lines);
        }
    }
    Err(Setback::Later("the server does not stop talking".to_owned()))
}

fn later(error: impl std::fmt::Display) -> Setback {
    Setback::Later(error.to_string())
}

/// After STARTTLS no server greets again; the library waits for it all the same.
const GREETING: &[u8] = b"220 secret\r\n";

/// A connection that is secret, greeting and all.
#[derive(Debug)]
struct SecretLine {
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    greeting: &'static [u8],
}

impl AsyncTokioStream for SecretLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for SecretLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, rest) = self
                .greeting
                .split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = rest;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SecretLine {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
