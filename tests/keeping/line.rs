//! A line between the box and a server that is cut, refuses or changes what passes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the line does to connections from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Everything passes.
    None,
    /// Every request is answered with this status.
    Refuse(u16),
    /// Cut after so many bytes were sent.
    CutAfter(usize),
    /// A byte of a body is changed on its way there.
    Change,
}

/// The line.
pub(crate) struct Line {
    pub(crate) port: u16,
    fault: Arc<Mutex<Fault>>,
    /// Bytes that went to the server.
    pub(crate) sent: Arc<AtomicU64>,
    /// Connections so far.
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Line {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            fault: Arc::new(Mutex::new(Fault::None)),
            sent: Arc::default(),
            connections: Arc::default(),
        };
        let (fault, sent) = (Arc::clone(&line.fault), Arc::clone(&line.sent));
        let connections = Arc::clone(&line.connections);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (fault, sent) = (Arc::clone(&fault), Arc::clone(&sent));
                std::thread::spawn(move || carry(client, server, &fault, &sent));
            }
        });
        line
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

/// The fault is looked at with every piece, so that connections that are kept feel it too.
fn carry(mut client: TcpStream, server: u16, fault: &Arc<Mutex<Fault>>, sent: &Arc<AtomicU64>) {
    client.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let Ok(mut there) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else {
        return;
    };
    let (mut back, mut to_client) = (there.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut piece = vec![0; 16 * 1024];
    let mut passed = 0;
    while let Ok(count @ 1..) = client.read(&mut piece) {
        let now = *fault.lock().unwrap();
        match now {
            Fault::None => {}
            Fault::Refuse(status) => {
                let answer =
                    format!("HTTP/1.1 {status} Nothing\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = client.write_all(answer.as_bytes());
                let _ = client.shutdown(Shutdown::Write);
                // What still comes is read, or the answer would be lost with a reset.
                while matches!(client.read(&mut piece), Ok(1..)) {}
                break;
            }
            Fault::CutAfter(most) if passed + count > most => break,
            Fault::CutAfter(_) => {}
            Fault::Change if passed > 4096 => piece[count - 1] ^= 0x55,
            Fault::Change => {}
        }
        passed += count;
        sent.fetch_add(count as u64, Ordering::SeqCst);
        if there.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = there.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
