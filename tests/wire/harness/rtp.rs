//! A voice on the wire: RTP out, RTP in, and what came from whom.

use super::tone::{self, RATE};
use super::wav;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Samples in a packet of 20 ms.
const PACKET: usize = RATE / 50;

/// Payload number of telephone-event in every offer of the tests.
const TELEPHONE_EVENT: u8 = 101;

/// One end of a voice path on a thread of its own: hums a tone in µ-law when told to, and keeps all it receives.
#[derive(Debug)]
pub(crate) struct Voice {
    /// Its even RTP port.
    pub(crate) address: SocketAddrV4,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is to do and what it has received.
#[derive(Debug, Default)]
struct State {
    humming: Option<(SocketAddrV4, u32)>,
    whispering: bool,
    key: Option<Key>,
    /// A key that is sung, and in how many packets so far.
    song: Option<(char, usize)>,
    keys_sent: usize,
    packets: Vec<Received>,
}

/// A key being held: RFC 4733 §2.5.
#[derive(Debug, Clone, Copy)]
struct Key {
    code: u8,
    packets_sent: u16,
    began: u32,
}

/// A packet as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Its payload number.
    pub(crate) payload_type: u8,
    /// Its payload.
    pub(crate) payload: Vec<u8>,
}

impl Voice {
    /// Takes an even port at this address and listens.
    pub(crate) fn at(host: Ipv4Addr) -> Self {
        let (socket, address) = even_port(host);
        let state = Arc::new(Mutex::new(State::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let mut mouth = Mouth {
            socket,
            sequence: 1000,
            timestamp: 16_000,
            samples: 0,
            ssrc: u32::from(host) ^ 0x5eed,
        };
        let thread = {
            let (state, stop) = (Arc::clone(&state), Arc::clone(&stop));
            std::thread::spawn(move || mouth.live(&state, &stop))
        };
        Self {
            address,
            state,
            stop,
            thread: Some(thread),
        }
    }

    /// Hums this tone to that address from now on.
    pub(crate) fn hum(&self, to: SocketAddrV4, hertz: u32) {
        self.lock().humming = Some((to, hertz));
    }

    /// Says nothing more, and listens on.
    pub(crate) fn hush(&self) {
        self.lock().humming = None;
    }

    /// Goes on sending, but only what a microphone hears in a quiet room.
    pub(crate) fn whisper(&self) {
        self.lock().whispering = true;
    }

    /// Holds a key for 100 ms in between, as RFC 4733 events with the end sent three times. Needs a hum.
    pub(crate) fn press(&self, key: char) {
        let code = match key {
            '*' => 10,
            '#' => 11,
            digit => u8::try_from(digit.to_digit(10).expect("a key of a telephone")).unwrap_or_default(),
        };
        let mut state = self.lock();
        assert!(state.humming.is_some(), "keys travel in a stream that flows");
        state.key = Some(Key {
            code,
            packets_sent: 0,
            began: 0,
        });
    }

    /// Sings a key for 100 ms in the voice itself (ITU-T Q.23). Needs a hum.
    pub(crate) fn sing(&self, key: char) {
        let mut state = self.lock();
        assert!(state.humming.is_some(), "keys travel in a stream that flows");
        state.song = Some((key, 0));
    }

    /// How many keys have been pressed and let go.
    pub(crate) fn keys_sent(&self) -> usize {
        self.lock().keys_sent
    }

    /// Every packet so far.
    pub(crate) fn packets(&self) -> Vec<Received> {
        self.lock().packets.clone()
    }

    /// Forgets what came until now.
    pub(crate) fn forget(&self) {
        self.lock().packets.clear();
    }

    /// What it heard so far, as samples; µ-law and A-law by payload number.
    pub(crate) fn heard(&self) -> Vec<i16> {
        let state = self.lock();
        let mut samples = Vec::new();
        for packet in &state.packets {
            match packet.payload_type {
                0 => samples.extend(packet.payload.iter().map(|byte| wav::from_mu_law(*byte))),
                8 => samples.extend(packet.payload.iter().map(|byte| wav::from_a_law(*byte))),
                _ => {}
            }
        }
        samples
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the voice's thread has not panicked")
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// An RTP packet with a fixed header (RFC 3550 §5.1).
pub(crate) fn packet(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(12 + payload.len());
    packet.extend([0x80, payload_type]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A socket on an even port whose odd neighbour is free for RTCP.
fn even_port(host: Ipv4Addr) -> (UdpSocket, SocketAddrV4) {
    for _ in 0..100 {
        let socket = UdpSocket::bind((host, 0)).expect("a port is free");
        if let Ok(SocketAddr::V4(address)) = socket.local_addr()
            && address.port() % 2 == 0
        {
            return (socket, address);
        }
    }
    panic!("{host} has no even port");
}

/// The thread's own side.
struct Mouth {
    socket: UdpSocket,
    sequence: u16,
    timestamp: u32,
    samples: usize,
    ssrc: u32,
}

impl Mouth {
    fn live(&mut self, state: &Mutex<State>, stop: &AtomicBool) {
        let mut next = Instant::now();
        let mut buffer = [0; 2048];
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now >= next {
                next += Duration::from_millis(20);
                self.speak(state);
                continue;
            }
            self.socket
                .set_read_timeout(Some(next - now))
                .expect("a time-out can be set");
            let Ok(length) = self.socket.recv(&mut buffer) else {
                continue;
            };
            if length < 12 || buffer[0] >> 6 != 2 {
                continue;
            }
            let received = Received {
                payload_type: buffer[1] & 0x7f,
                payload: buffer[12..length].to_vec(),
            };
            let Ok(mut state) = state.lock() else { return };
            state.packets.push(received);
        }
    }

    /// Sends the packet of these 20 ms: a tone, or a key when one is held.
    fn speak(&mut self, state: &Mutex<State>) {
        let Ok(mut state) = state.lock() else { return };
        let Some((to, hertz)) = state.humming else { return };
        let whispering = state.whispering;
        if let Some((key, packets)) = &mut state.song {
            let bytes = self.song(*key, *packets);
            *packets += 1;
            if *packets == 8 {
                state.song = None;
                state.keys_sent += 1;
            }
            drop(state);
            return self.send(&bytes, to);
        }
        let bytes = match &mut state.key {
            None if whispering => packet(0, self.sequence, self.timestamp, self.ssrc, &[0xfe; PACKET]),
            None => self.tone(hertz),
            Some(key) => {
                let bytes = self.key(key);
                if key.packets_sent == 8 {
                    state.key = None;
                    state.keys_sent += 1;
                }
                bytes
            }
        };
        drop(state);
        self.send(&bytes, to);
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddrV4) {
        // Nobody may listen there any more; a voice does not know.
        self.socket.send_to(bytes, to).ok();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(PACKET as u32);
        self.samples += PACKET;
    }

    fn tone(&self, hertz: u32) -> Vec<u8> {
        let payload: Vec<u8> = (0..PACKET)
            .map(|index| wav::to_mu_law(tone::sample(hertz, self.samples + index)))
            .collect();
        packet(0, self.sequence, self.timestamp, self.ssrc, &payload)
    }

    /// Five packets of the key's two frequencies, then silence.
    fn song(&self, key: char, packets: usize) -> Vec<u8> {
        let place = "123A456B789C*0#D".find(key).expect("a key of a telephone");
        let low = [697.0, 770.0, 852.0, 941.0][place / 4];
        let high = [1209.0, 1336.0, 1477.0, 1633.0][place % 4];
        let sung = |sample: usize| {
            let angle = std::f64::consts::TAU * sample as f64 / RATE as f64;
            (6000.0 * ((low * angle).sin() + (high * angle).sin())) as i16
        };
        let payload: Vec<u8> = (0..PACKET)
            .map(|sample| {
                if packets < 5 {
                    sung(packets * PACKET + sample)
                } else {
                    0
                }
            })
            .map(wav::to_mu_law)
            .collect();
        packet(0, self.sequence, self.timestamp, self.ssrc, &payload)
    }

    /// Five packets of a growing duration, then the end three times; all with the time stamp of the beginning.
    fn key(&self, key: &mut Key) -> Vec<u8> {
        if key.packets_sent == 0 {
            key.began = self.timestamp;
        }
        key.packets_sent += 1;
        let duration = (key.packets_sent.min(6) * PACKET as u16).to_be_bytes();
        let ends = if key.packets_sent > 5 { 0x80 } else { 0 };
        let marker = if key.packets_sent == 1 { 0x80 } else { 0 };
        let payload = [key.code, ends | 10, duration[0], duration[1]];
        packet(
            TELEPHONE_EVENT | marker,
            self.sequence,
            key.began,
            self.ssrc,
            &payload,
        )
    }
}
