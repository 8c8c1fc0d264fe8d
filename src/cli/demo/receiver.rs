use crate::model::Cdr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::time::Duration;

/// The upstream system of the demo: takes call records by HTTP and says that it has them.
pub(super) struct Receiver {
    address: SocketAddr,
    records: Inbox<Vec<u8>>,
}

/// A record is a few kilobytes.
const LARGEST: u64 = 1024 * 1024;

impl Receiver {
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, records) = channel();
        std::thread::Builder::new()
            .name("receiver".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    // A connection that breaks is tried again by the sender.
                    let _ = take(stream, &sender);
                }
            })?;
        Ok(Self { address, records })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/cdrs", self.address)
    }

    pub(super) fn wait_for_record(&self, patience: Duration) -> anyhow::Result<Cdr> {
        let body = self.records.recv_timeout(patience);
        let body = body
            .map_err(|_| anyhow::anyhow!("no call record was forwarded within {} s", patience.as_secs()))?;
        Ok(serde_json::from_slice(&body)?)
    }
}

fn take(stream: TcpStream, records: &Sender<Vec<u8>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line.trim() != "" {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = Vec::new();
    reader.take(length.min(LARGEST)).read_to_end(&mut body)?;
    (&stream).write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    // Nobody waits any more: the demo is over.
    let _ = records.send(body);
    Ok(())
}
