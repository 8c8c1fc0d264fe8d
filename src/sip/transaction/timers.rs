//! The timers of RFC 3261 §17, table 4, with RFC 6026: when each machine sends again and when it is done, in
//! milliseconds from its first message.

use super::client::Client;
use super::invite_client::InviteClient;
use super::invite_server::InviteServer;
use super::server::Server;
use super::tests::origin;
use super::timing::Due;
use std::time::{Duration, Instant};

/// What every machine has in common.
trait Machine {
    fn next(&self) -> Option<Instant>;
    fn wake(&mut self, now: Instant) -> Due;
}

macro_rules! machines {
    ($($kind:ident)*) => {$(
        impl Machine for $kind {
            fn next(&self) -> Option<Instant> {
                self.next_deadline()
            }
            fn wake(&mut self, now: Instant) -> Due {
                self.due(now)
            }
        }
    )*};
}

machines! { Client InviteClient InviteServer Server }

/// When it sends again, and when and how it ends. A machine that is over at once ends at nothing.
fn run(start: Instant, machine: &mut dyn Machine) -> (Vec<u128>, Option<(u128, Due)>) {
    let mut sent = Vec::new();
    while let Some(at) = machine.next() {
        let millis = (at - start).as_millis();
        match machine.wake(at) {
            Due::SendAgain => sent.push(millis),
            Due::Nothing => {}
            end @ (Due::TimedOut | Due::Over) => return (sent, Some((millis, end))),
        }
    }
    (sent, None)
}

const DOUBLING: [u128; 6] = [500, 1500, 3500, 7500, 15_500, 31_500];
const UP_TO_T2: [u128; 10] = [
    500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
];

#[test]
fn timers_a_and_b_an_invite_doubles_without_limit_and_gives_up() {
    let now = origin();
    let timed_out = Some((32_000, Due::TimedOut));
    assert_eq!(
        run(now, &mut InviteClient::new(now, false)),
        (DOUBLING.to_vec(), timed_out)
    );
    assert_eq!(run(now, &mut InviteClient::new(now, true)), (vec![], timed_out));
}

#[test]
fn timer_d_keeps_a_refused_invite_for_repeated_refusals() {
    for (reliable, end) in [(false, Some((32_000, Due::Over))), (true, None)] {
        let now = origin();
        let mut machine = InviteClient::new(now, reliable);
        machine.heard(now, 486);
        assert_eq!(run(now, &mut machine), (vec![], end));
    }
}

#[test]
fn timer_m_keeps_an_answered_invite_for_forks() {
    for reliable in [false, true] {
        let now = origin();
        let mut machine = InviteClient::new(now, reliable);
        machine.heard(now, 180);
        machine.heard(now, 200);
        assert_eq!(run(now, &mut machine), (vec![], Some((32_000, Due::Over))));
    }
}

#[test]
fn timers_e_and_f_another_request_doubles_up_to_t2_and_gives_up() {
    let now = origin();
    let timed_out = Some((32_000, Due::TimedOut));
    assert_eq!(
        run(now, &mut Client::new(now, false)),
        (UP_TO_T2.to_vec(), timed_out)
    );
    assert_eq!(run(now, &mut Client::new(now, true)), (vec![], timed_out));
    let mut slowed = Client::new(now, false);
    slowed.heard(now, 100);
    let every_t2 = vec![500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500];
    assert_eq!(run(now, &mut slowed), (every_t2, timed_out));
}

#[test]
fn timer_k_keeps_an_answered_request_for_repeated_answers() {
    for (reliable, end) in [(false, Some((5_000, Due::Over))), (true, None)] {
        let now = origin();
        let mut machine = Client::new(now, reliable);
        machine.heard(now, 200);
        assert_eq!(run(now, &mut machine), (vec![], end));
    }
}

#[test]
fn timers_g_and_h_a_refusal_is_repeated_until_its_ack() {
    let now = origin();
    let mut machine = InviteServer::new(false);
    machine.responded(now, 486);
    assert_eq!(
        run(now, &mut machine),
        (UP_TO_T2.to_vec(), Some((32_000, Due::Over)))
    );
    let mut reliable = InviteServer::new(true);
    reliable.responded(now, 486);
    assert_eq!(run(now, &mut reliable), (vec![], Some((32_000, Due::Over))));
}

#[test]
fn timer_i_absorbs_further_acks() {
    for (reliable, end) in [(false, Some((5_000, Due::Over))), (true, None)] {
        let now = origin();
        let mut machine = InviteServer::new(reliable);
        machine.responded(now, 486);
        machine.acknowledged(now);
        assert_eq!(run(now, &mut machine), (vec![], end));
    }
}

#[test]
fn timer_l_a_2xx_is_repeated_over_every_transport_and_then_lingers() {
    for reliable in [false, true] {
        let now = origin();
        let mut machine = InviteServer::new(reliable);
        machine.responded(now, 200);
        assert_eq!(
            run(now, &mut machine),
            (UP_TO_T2.to_vec(), Some((32_000, Due::TimedOut)))
        );
        let mut confirmed = InviteServer::new(reliable);
        confirmed.responded(now, 200);
        confirmed.confirmed();
        assert_eq!(run(now, &mut confirmed), (vec![], Some((32_000, Due::Over))));
    }
}

#[test]
fn timer_j_remembers_an_answer_and_nobody_waits_longer_for_one() {
    let now = origin();
    assert_eq!(
        run(now, &mut Server::new(now, false)),
        (vec![], Some((32_000, Due::Over)))
    );
    for (reliable, end) in [(false, Some((33_000, Due::Over))), (true, None)] {
        let mut machine = Server::new(now, reliable);
        machine.responded(now + Duration::from_secs(1), 200);
        assert_eq!(run(now, &mut machine), (vec![], end));
    }
}
