//! A PBX to sync from: what a hosted PBX answers, with as many calls as it is told to have. The vendor's own cannot be
//! had; this one keeps to the form written down in the wire notes.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A PBX that listens until the test ends. It knows nobody who asks below `/denied`, and has three records that are no
/// calls below `/junk`.
pub(crate) struct Pbx {
    address: SocketAddrV4,
    stop: Arc<AtomicBool>,
    door: Option<thread::JoinHandle<()>>,
}

/// How long each page takes, so that somebody can watch a sync run.
const PAGE_TAKES: Duration = Duration::from_millis(400);

impl Pbx {
    /// Begins to listen; it has `calls` calls, all begun within the last days before `newest` (seconds since 1970).
    pub(crate) fn open(address: SocketAddrV4, calls: usize, newest: i64) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let door = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                thread::spawn(move || answer(stream, calls, newest));
            }
        });
        Self {
            address,
            stop,
            door: Some(door),
        }
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(door) = self.door.take() {
            door.join().ok();
        }
    }
}

fn answer(mut stream: TcpStream, calls: usize, newest: i64) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    while line.trim() != "" {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    if target.starts_with("/denied") {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(refusal.as_bytes()).ok();
    }
    if target.starts_with("/junk") {
        let is_first = target.split('&').any(|pair| pair.ends_with("offset=0"));
        return send(&mut stream, if is_first { JUNK } else { NOTHING });
    }
    thread::sleep(PAGE_TAKES);
    let number = |name: &str, usual: usize| {
        let (_, query) = target.split_once('?').unwrap_or_default();
        let pair = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        pair.and_then(|value| value.parse().ok()).unwrap_or(usual)
    };
    let (limit, offset) = (number("limit", 200), number("offset", 0));
    let rows: Vec<String> = (offset..calls.min(offset + limit))
        .map(|place| row(place, newest))
        .collect();
    let body = format!(
        r#"{{"status":"success","result_in_page":{},"start_offset":"{offset}","next_offset":{},"data":[{}]}}"#,
        rows.len(),
        offset + rows.len(),
        rows.join(",")
    );
    send(&mut stream, &body)
}

/// No identity, no begin, no record; one of them with bad manners.
const JUNK: &str = r#"{"status":"success","result_in_page":3,"start_offset":"0","next_offset":3,"data":[
    {"uuid":null,"direction":"inbound","start_epoch":"1757586989","call_status":"ANSWER","note":"<img src=x onerror=alert(1)>"},
    {"uuid":"2d4cd1f6-8efb-11f0-ac6e-e3cd36bb494f","direction":"outbound","start_epoch":"noon","call_status":"BUSY"},
    "this is no record"]}"#;

const NOTHING: &str =
    r#"{"status":"success","result_in_page":0,"start_offset":"3","next_offset":3,"data":[]}"#;

fn send(stream: &mut TcpStream, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).ok()
}

fn row(place: usize, newest: i64) -> String {
    let start = newest - i64::try_from(place).unwrap_or(0) * 600 - 92;
    format!(
        r#"{{"uuid":"2d4cd1f6-8efb-11f0-ac6e-{place:012}","direction":"outbound","caller_id_number":"1036","outbound_caller_id_number":"842871220655","destination_number":"03366{place:05}","start_epoch":"{start}","end_epoch":"{}","answer_epoch":"{}","duration":"92","billsec":"66","sip_hangup_disposition":"by_caller","record_path":"","call_status":"ANSWER"}}"#,
        start + 92,
        start + 26
    )
}
