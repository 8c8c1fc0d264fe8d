//! A conversation whose packets are numbered and counted, so that a test can say how many were lost on the way.

use super::rtp::packet;
use super::sip::{Dialog, Phone};
use super::street::Street;
use socket2::SockRef;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two packets.
const PACE: Duration = Duration::from_millis(20);
/// Bytes of an RTP packet before its speech.
const HEADER: usize = 12;
/// After the last packet was said, so long the ears still listen.
const LAST: Duration = Duration::from_secs(2);

/// A caller of the trunk and a phone of the house, who talk 50 packets a second each way.
pub(crate) struct Conversation {
    caller: Dialog,
    called: Dialog,
    ears: [UdpSocket; 2],
    stop: Arc<AtomicBool>,
    mouths: Option<JoinHandle<u16>>,
}

/// What became of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Packets said.
    pub(crate) said: usize,
    /// Packets that did not come out on the other side.
    pub(crate) lost: usize,
}

impl Conversation {
    /// The caller dials the number, the desk picks up, and both begin to talk.
    #[track_caller]
    pub(crate) fn begin(street: &Street, caller: &Rc<Phone>, number: &str, desk: &Rc<Phone>) -> Self {
        let ears = [ear(street.pbx()), ear(*desk.at().ip())];
        let [caller_voice, desk_voice] = [place(&ears[0]), place(&ears[1])];
        let dialling = caller.dial(number, caller_voice);
        let called = Dialog::accept(desk, &desk.expect_request("INVITE"), desk_voice);
        let caller = dialling.answered();
        let stop = Arc::new(AtomicBool::new(false));
        let mouths = {
            let sockets = [0, 1].map(|side: usize| ears[side].try_clone().expect("a second handle"));
            let (boxes, stop) = ([caller.audio, called.audio], Arc::clone(&stop));
            std::thread::spawn(move || talk(&sockets, boxes, &stop))
        };
        let conversation = Self {
            caller,
            called,
            ears,
            stop,
            mouths: Some(mouths),
        };
        conversation.until_heard();
        conversation
    }

    /// Waits until both have heard the other.
    fn until_heard(&self) {
        for ear in &self.ears {
            ear.peek(&mut [0; 2048]).expect("the other side is heard");
        }
    }

    /// Everybody falls silent, the caller hangs up; how it went.
    #[track_caller]
    pub(crate) fn end(mut self) -> Passed {
        self.stop.store(true, Ordering::SeqCst);
        let said = self
            .mouths
            .take()
            .map(|mouths| mouths.join().expect("it has spoken"));
        let said = usize::from(said.unwrap_or_default());
        let [one, other] = self.ears.each_ref().map(|ear| passed(ear, said));
        self.caller.hang_up();
        self.called.hung_up_on();
        Passed {
            said: one.said + other.said,
            lost: one.lost + other.lost,
        }
    }
}

/// A socket with room for all that comes while nobody reads.
fn ear(host: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((host, 0)).expect("a port is free");
    SockRef::from(&socket)
        .set_recv_buffer_size(4 << 20)
        .expect("room to receive");
    socket
        .set_read_timeout(Some(super::PATIENCE))
        .expect("a time-out can be set");
    socket
}

fn place(socket: &UdpSocket) -> SocketAddrV4 {
    match socket.local_addr() {
        Ok(std::net::SocketAddr::V4(at)) => at,
        other => panic!("no address: {other:?}"),
    }
}

/// Both say a packet every 20 ms until they are stopped; how many each.
fn talk(mouths: &[UdpSocket; 2], boxes: [SocketAddrV4; 2], stop: &AtomicBool) -> u16 {
    let (began, mut number) = (Instant::now(), 0_u16);
    while !stop.load(Ordering::SeqCst) && number < u16::MAX {
        for (side, mouth) in mouths.iter().enumerate() {
            let ssrc = 0x00c0_ffee + u32::from(side == 1);
            // The box numbers packets anew; what is said goes through as it is.
            let [high, low] = number.to_be_bytes();
            let mut speech = [0xd5; 160];
            speech[..2].copy_from_slice(&[high, low]);
            let bytes = packet(0, number, u32::from(number) * 160, ssrc, &speech);
            mouth.send_to(&bytes, boxes[side]).expect("a datagram leaves");
        }
        number += 1;
        std::thread::sleep((began + PACE * u32::from(number)).saturating_duration_since(Instant::now()));
    }
    number
}

/// What became of the packets from the first one on that was heard: those before it were said while the call was still
/// being put together.
fn passed(ear: &UdpSocket, said: usize) -> Passed {
    ear.set_read_timeout(Some(LAST)).expect("a time-out can be set");
    let (mut heard, mut buffer) = (BTreeSet::new(), [0; 2048]);
    let expected = |heard: &BTreeSet<u16>| said - heard.first().map_or(0, |first| usize::from(*first));
    while heard.len() < expected(&heard)
        && let Ok(length) = ear.recv(&mut buffer)
    {
        if let ([_, 0x00 | 0x80, ..], [high, low, ..]) = buffer[..length].split_at(HEADER.min(length)) {
            heard.insert(u16::from_be_bytes([*high, *low]));
        }
    }
    Passed {
        said: expected(&heard),
        lost: expected(&heard) - heard.len(),
    }
}
