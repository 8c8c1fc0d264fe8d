//! What a conversation costs that cannot be relayed: codecs that differ, and more than two people.
//!
//! `cargo bench --bench mixing` prints the share of a core that each conversation takes, all parties speaking: packets
//! understood, decoded, added up, encoded and stamped, without the sockets, whose price is in the table of `relay`.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use callpost::media::mixer::{Mixer, Voice};
use callpost::media::{Heard, Mouth, Session};
use callpost::model::{Codec, Dice, Part};
use callpost::sdp::Agreed;
use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Ticks of each measurement: a minute of talk.
const TICKS: u32 = 3000;
const TICK: Duration = Duration::from_millis(20);

fn main() {
    println!(
        "{:<40} {:>8} {:>14} {:>16}",
        "conversation", "parties", "µs a tick", "% of a core"
    );
    for (what, codecs) in [
        ("µ-law and G.722", vec![Codec::Pcmu, Codec::G722]),
        ("µ-law and Opus", vec![Codec::Pcmu, Codec::Opus]),
        ("G.722 and Opus", vec![Codec::G722, Codec::Opus]),
        ("three in µ-law", vec![Codec::Pcmu; 3]),
        (
            "three in µ-law, G.722 and Opus",
            vec![Codec::Pcmu, Codec::G722, Codec::Opus],
        ),
        ("a conference in µ-law", vec![Codec::Pcmu; 32]),
        ("a conference in G.722", vec![Codec::G722; 32]),
        ("a conference in Opus", vec![Codec::Opus; 32]),
    ] {
        let spent = converse(&codecs);
        let per_tick = spent.as_secs_f64() * 1e6 / f64::from(TICKS);
        let share = spent.as_secs_f64() / (TICK * TICKS).as_secs_f64() * 100.0;
        println!("{what:<40} {:>8} {per_tick:>14.1} {share:>16.3}", codecs.len());
    }
}

/// One party: its session, and a second of what it says, packet by packet.
struct Party {
    session: Session,
    remote: SocketAddr,
    says: Vec<Vec<u8>>,
}

/// Lets them talk for a minute, and gives how long that took.
fn converse(codecs: &[Codec]) -> Duration {
    let start = Instant::now();
    let mut dice = Dice::from_number(7);
    let mut mixer = Mixer::new(start, start);
    let mut parties: Vec<Party> = codecs
        .iter()
        .enumerate()
        .map(|(id, codec)| {
            let remote = SocketAddr::from(([127, 0, 0, 1], 4000 + 2 * id as u16));
            let agreed = Agreed::plain(remote, *codec);
            let mut session = Session::new(start, &mut dice);
            session.start(start, agreed);
            mixer.join(start, id, Voice::from(agreed), Part::Talks);
            let says = speech(*codec, 300.0 + 97.0 * id as f64);
            Party {
                session,
                remote,
                says,
            }
        })
        .collect();
    let mut packet = [0; 2048];
    let begun = Instant::now();
    for tick in 1..=TICKS {
        let now = start + TICK * tick;
        for (id, party) in parties.iter_mut().enumerate() {
            let payload = &party.says[tick as usize % party.says.len()];
            let length = datagram(&mut packet, codecs[id], tick, payload);
            let heard = party.session.receive(now, party.remote, &mut packet[..length]);
            if let Heard::Packet(heard, _) = heard {
                mixer.put(now, id, &heard, heard.payload(&packet));
            }
        }
        assert!(mixer.take_due(now), "a tick every 20 ms");
        mixer.tick(now, |id, _, payload| {
            let carried = parties[id].session.carry(now, payload, &mut packet);
            std::hint::black_box(carried);
        });
    }
    begun.elapsed()
}

/// A second of a wavering tone in this codec.
fn speech(codec: Codec, hertz: f64) -> Vec<Vec<u8>> {
    let rate = codec.sample_rate();
    let mut mouth = Mouth::new(codec, rate);
    let frame = rate as usize / 50;
    let mut payload = [0; 1500];
    (0..50)
        .map(|number| {
            let samples: Vec<i16> = (number * frame..(number + 1) * frame)
                .map(|place| {
                    let time = place as f64 / f64::from(rate);
                    let loudness = 5000.0 + 3000.0 * (TAU * 3.0 * time).sin();
                    (loudness * (TAU * hertz * time).sin()) as i16
                })
                .collect();
            let length = mouth.speak(&samples, &mut payload);
            payload[..length].to_vec()
        })
        .collect()
}

/// Writes one packet of a phone, and gives its length.
fn datagram(packet: &mut [u8; 2048], codec: Codec, number: u32, payload: &[u8]) -> usize {
    let timestamp = number.wrapping_mul(codec.clock_rate() / 50);
    packet[0] = 0x80;
    packet[1] = codec.payload_type().unwrap_or(111);
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
    packet[8..12].copy_from_slice(&7u32.to_be_bytes());
    packet[12..12 + payload.len()].copy_from_slice(payload);
    12 + payload.len()
}
