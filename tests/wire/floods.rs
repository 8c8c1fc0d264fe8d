//! Floods, a few seconds of two thousand packets a second each: the bystander does not feel them, and nothing grows. The
//! long ones are in `benches/floods.sh`.

use crate::harness::appliance::count;
use crate::harness::counted::Conversation;
use crate::harness::household::{MAIN_NUMBER, password};
use crate::harness::sip::sdp;
use crate::harness::{Appliance, Household, Phone, Street, Voice};
use std::net::{SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a flood lasts: three seconds, unless `benches/floods.sh` says otherwise.
pub(crate) fn lasts() -> Duration {
    Duration::from_secs(wanted("CALLPOST_FLOOD_SECONDS").unwrap_or(3).into())
}

/// Packets a second.
fn rate() -> u32 {
    wanted("CALLPOST_FLOOD_RATE").unwrap_or(2000)
}

fn wanted(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Sends what `message` writes, from these addresses in turn, while `meanwhile` goes on; gives how many packets left and
/// how many bytes came back.
fn flood<T>(
    from: &[SocketAddrV4],
    to: SocketAddrV4,
    message: impl Fn(u32, SocketAddrV4) -> Vec<u8> + Send + Sync + 'static,
    meanwhile: impl FnOnce(&dyn Fn() -> bool) -> T,
) -> (u32, T) {
    let sockets: Vec<UdpSocket> = from
        .iter()
        .map(|at| UdpSocket::bind(at).unwrap_or_else(|error| panic!("{at}: {error}")))
        .collect();
    let (goes_on, sent) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU32::new(0)));
    let (running, counted) = (Arc::clone(&goes_on), Arc::clone(&sent));
    let sender = std::thread::spawn(move || {
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < lasts() {
            let due = (began.elapsed().as_secs_f64() * f64::from(rate())) as u32;
            while number < due {
                number += 1;
                let socket = &sockets[number as usize % sockets.len()];
                let at = match socket.local_addr() {
                    Ok(std::net::SocketAddr::V4(at)) => at,
                    other => panic!("no address: {other:?}"),
                };
                // What the kernel does not take now is lost, as on any network.
                let _ = socket.send_to(&message(number, at), to);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        counted.store(number, Ordering::SeqCst);
        running.store(false, Ordering::SeqCst);
    });
    let outcome = meanwhile(&|| goes_on.load(Ordering::SeqCst));
    sender.join().expect("the flood ends");
    (sent.load(Ordering::SeqCst), outcome)
}

/// A phone that asks again and again until the flood is over: how often it was answered, and how often not. How long
/// it waited is printed.
fn bystander(phone: &Rc<Phone>, goes_on: &dyn Fn() -> bool) -> (u32, u32) {
    let (mut served, mut lost, mut waited) = (0, 0, Vec::new());
    while goes_on() {
        let options = phone.request("OPTIONS", &format!("sip:{}", phone.at().ip()));
        let said = Instant::now();
        phone.say(&options);
        let call_id = options.header("Call-ID").to_owned();
        let until = Instant::now() + Duration::from_secs(1);
        let answered = loop {
            let Some(rest) = until.checked_duration_since(Instant::now()) else {
                break false;
            };
            if phone
                .hear(rest)
                .is_some_and(|message| message.header("Call-ID") == call_id)
            {
                break true;
            }
        };
        if answered {
            served += 1;
            waited.push(said.elapsed());
        } else {
            lost += 1;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    waited.sort();
    let part = |hundredths: usize| waited.get(waited.len() * hundredths / 100);
    eprintln!(
        "a bystander: {served} served, {lost} lost, median {:?}, 99th percentile {:?}",
        part(50),
        part(99)
    );
    (served, lost)
}

fn stranger(method: &str, to: SocketAddrV4) -> impl Fn(u32, SocketAddrV4) -> Vec<u8> + Send + Sync + 'static {
    let method = method.to_owned();
    move |number, at| {
        let body = match method.as_str() {
            "INVITE" => sdp(SocketAddrV4::new(*at.ip(), 4000), "sendrecv"),
            _ => String::new(),
        };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKf{number};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:1001@{to}>;tag=f{number}\r\nTo: <sip:1001@{to}>\r\nCall-ID: f{number}@{at}\r\n\
             CSeq: 1 {method}\r\nContact: <sip:1001@{at}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

fn registered(street: &Street) -> Rc<Phone> {
    let phone = Phone::new("1001", SocketAddrV4::new(street.house(41), 0), street.box_sip());
    assert_eq!(
        phone.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
    phone
}

fn house() -> Household {
    Household::with_menu(2, 1).phone("ali", "1001", &["sales"])
}

/// ROBUSTNESS 15: 2,000 REGISTER a second from one address; a conversation loses no packet.
#[test]
fn a_flood_of_registers_from_one_address_leaves_a_bystander_and_the_memory_alone() {
    let street = Street::claim();
    let desk = Phone::new(
        "desk",
        SocketAddrV4::new(street.house(42), 5060),
        street.box_sip(),
    );
    let household = house()
        .unrecorded()
        .contact("desk", &desk.contact(), &[])
        .number("8002", "agent=\"desk\"");
    let appliance = Appliance::open(&street, &household);
    let phone = registered(&street);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let talk = Conversation::begin(&street, &caller, "8002", &desk);
    let before = appliance.memory_kb();
    let from = [SocketAddrV4::new(street.house(66), 5060)];
    let (sent, (served, lost)) = flood(
        &from,
        street.box_sip(),
        stranger("REGISTER", street.box_sip()),
        |goes_on| bystander(&phone, goes_on),
    );
    assert!(sent >= 4000, "the flood was one: {sent}");
    assert!(served >= 20 && lost == 0, "{served} served, {lost} lost");
    let grown = appliance.memory_kb().saturating_sub(before);
    assert!(grown < 8192, "memory grew by {grown} kB");
    let status = appliance.status();
    assert!(
        status["counters"]["sip_dropped"].as_u64() > Some(u64::from(sent) / 3),
        "what is too much is dropped unread: {}",
        status["counters"]
    );
    assert_eq!(
        status["bans"],
        serde_json::json!([]),
        "nobody is shut out for what may be forged"
    );
    assert_eq!(count(&status, "calls"), 1, "the call goes on");
    let passed = talk.end();
    assert_eq!(passed.lost, 0, "of {} packets", passed.said);
    appliance.until_quiet();
}

/// ROBUSTNESS 16: the same from 250 addresses.
#[test]
fn a_flood_of_registers_from_250_addresses_is_survived() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &house());
    let phone = registered(&street);
    let before = appliance.memory_kb();
    let from: Vec<SocketAddrV4> = (2..=249)
        .filter(|number| ![20, 41].contains(number))
        .map(|number| SocketAddrV4::new(street.house(number), 5099))
        .collect();
    let (sent, (served, lost)) = flood(
        &from,
        street.box_sip(),
        stranger("REGISTER", street.box_sip()),
        |goes_on| bystander(&phone, goes_on),
    );
    assert!(sent >= 4000, "the flood was one: {sent}");
    assert!(lost * 99 <= served, "{served} served, {lost} lost");
    let grown = appliance.memory_kb().saturating_sub(before);
    assert!(grown < 8192, "memory grew by {grown} kB");
}

/// ROBUSTNESS 17: INVITEs nobody vouches for cost no port, no file and no record.
#[test]
fn a_flood_of_calls_without_a_password_takes_no_port_and_writes_nothing() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &house());
    let phone = registered(&street);
    let files = appliance.descriptors();
    let from: Vec<SocketAddrV4> = (60..70)
        .map(|number| SocketAddrV4::new(street.house(number), 5060))
        .collect();
    let (sent, ports) = flood(
        &from,
        street.box_sip(),
        stranger("INVITE", street.box_sip()),
        |goes_on| {
            let mut most = 0;
            while goes_on() {
                let status = appliance.status();
                most = most.max(status["ports"]["used"].as_u64().unwrap_or(99));
                most = most.max(count(&status, "calls") as u64);
                std::thread::sleep(Duration::from_millis(100));
            }
            most
        },
    );
    assert!(sent >= 4000, "the flood was one: {sent}");
    assert_eq!(ports, 0);
    assert!(appliance.records().is_empty());
    appliance.until_handles_are_back(files);
    assert_eq!(
        phone.register(&password("1001"), "SHA-256", 600).status(),
        Some(200)
    );
}

/// ROBUSTNESS 19: noise at 2,000 a second; the log stays readable. 50,000 a second are in `benches/floods.sh`.
#[test]
fn a_flood_of_noise_writes_ten_lines_a_second_at_most() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &house());
    let phone = registered(&street);
    let from: Vec<SocketAddrV4> = (60..100)
        .map(|number| SocketAddrV4::new(street.house(number), 5060))
        .collect();
    let before = appliance.log().lines().count();
    let noise = |number: u32, _| match number % 3 {
        0 => vec![0xff; 400],
        1 => b"INVITE sip:x SIP/2.0\r\nVia: \r\n\r\n".to_vec(),
        _ => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    };
    let (sent, (served, lost)) = flood(&from, street.box_sip(), noise, |goes_on| {
        bystander(&phone, goes_on)
    });
    assert!(sent >= 4000, "the flood was one: {sent}");
    assert!(lost * 20 <= served, "{served} served, {lost} lost");
    let lines = appliance.log().lines().count() - before;
    let most = 10 * (lasts().as_secs() as usize + 3);
    assert!(lines <= most, "{lines} lines in {:?}", lasts());
    assert!(lines > 0, "but it is told");
}

/// ROBUSTNESS 18: calls over the cap, and over what one phone may begin, are told when to try again; the call in
/// progress goes on.
#[test]
fn a_flood_of_calls_with_good_credentials_is_told_to_wait() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &house().number("8005", "flow=\"main\""));
    let phone = registered(&street);
    let voice = Voice::at(street.house(41));
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let ear = Voice::at(street.pbx());
    let call = caller.dial(MAIN_NUMBER, ear.address).answered();
    let (mut taken, mut told_to_wait) = (0, 0);
    for _ in 0..40 {
        let draft = phone
            .request("INVITE", &format!("sip:8005@{}", street.box_sip()))
            .offering(&sdp(voice.address, "sendrecv"));
        let challenge = phone.ask(&draft);
        let credentials = crate::harness::digest::Credentials {
            user: "1001",
            password: &password("1001"),
            algorithm: "SHA-256",
        };
        let draft = phone.authorised(&draft, &challenge, credentials);
        let answer = phone.ask(&draft);
        match answer.status() {
            Some(503) => {
                told_to_wait += 1;
                assert!(
                    answer
                        .header("Retry-After")
                        .parse::<u32>()
                        .is_ok_and(|seconds| seconds > 0)
                );
            }
            Some(200) => taken += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        taken >= 20 && told_to_wait >= 10,
        "{taken} taken, {told_to_wait} told to wait"
    );
    assert!(count(&appliance.status(), "calls") >= 1, "the call goes on");
    call.hang_up();
}
