//! What strangers may do, in virtual time.

use super::sources::MOST;
use super::*;
use crate::sip::digest::Algorithm;
use crate::sip::transaction::tests::origin;

struct World {
    guard: Guard,
    now: Instant,
}

fn address(number: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + number).to_be_bytes())
}

const HERE: u32 = 1;

impl World {
    fn new() -> Self {
        let now = origin();
        let users = ["1001", "1002"].map(Number::from);
        let guard = Guard::new(now, Rules::default(), users.iter(), &mut Dice::from_number(1));
        Self { guard, now }
    }

    fn after(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    fn is_heard(&mut self, from: u32) -> bool {
        self.guard.admit(self.now, address(from), false) == Verdict::Serve
    }

    /// A wrong password; whether it was looked at.
    fn guesses(&mut self, from: u32, user: &str) -> bool {
        let (user, address) = (Number::from(user), address(from));
        let looked = self.guard.evaluates(self.now, address, &user, false, || false);
        if looked {
            self.guard.wrong(self.now, address, &user, false);
        }
        looked
    }

    fn proves(&mut self, from: u32, user: &str, algorithm: Algorithm) -> Proof {
        self.guard
            .proven(self.now, address(from), &user.into(), algorithm)
    }

    fn is_banned(&mut self, from: u32) -> bool {
        self.guard.admit(self.now, address(from), false) == Verdict::Banned
    }
}

/// ROBUSTNESS 25: ten wrong passwords in a minute, then a quarter of an hour of silence.
#[test]
fn who_guesses_ten_passwords_in_a_minute_is_shut_out_for_a_quarter_of_an_hour() {
    let mut world = World::new();
    for _ in 0..9 {
        world.guesses(HERE, "1001");
        world.after(6.0);
        assert!(world.is_heard(HERE));
    }
    world.guesses(HERE, "1001");
    assert!(world.is_banned(HERE));
    assert!(world.is_heard(2), "nobody else is");
    world.after(899.0);
    assert!(world.is_banned(HERE));
    world.after(2.0);
    assert!(world.is_heard(HERE));
    assert!(!world.is_banned(HERE));
}

/// ROBUSTNESS 25: at most 0.2 guesses a second in the long run, ban or no ban.
#[test]
fn in_the_long_run_a_guesser_gets_a_fifth_of_a_guess_a_second_at_most() {
    let mut world = World::new();
    let mut looked_at = 0_u32;
    let hours = 4;
    for _ in 0..hours * 3600 * 2 {
        world.after(0.5);
        if world.is_heard(HERE) {
            looked_at += u32::from(world.guesses(HERE, "9999"));
        }
    }
    assert!(looked_at <= hours * 3600 / 5, "{looked_at} in {hours} hours");
}

#[test]
fn wrong_passwords_now_and_then_shut_nobody_out() {
    let mut world = World::new();
    for _ in 0..100 {
        world.guesses(HERE, "9999");
        world.after(6.8);
    }
    assert!(world.is_heard(HERE));
}

/// ROBUSTNESS 25: a good phone behind the same address keeps its registration.
#[test]
fn where_a_good_phone_lives_only_the_wrong_user_is_slowed() {
    let mut world = World::new();
    assert_eq!(world.proves(HERE, "1002", Algorithm::Sha256), Proof::Accepted);
    let looked_at = (0..200)
        .filter(|_| {
            world.after(0.1);
            world.guesses(HERE, "1001")
        })
        .count();
    assert!(looked_at <= 10, "{looked_at} in twenty seconds");
    assert!(world.is_heard(HERE));
    let now = world.now;
    let mut evaluates = |user: &str, owner: bool| {
        world
            .guard
            .evaluates(now, address(HERE), &user.into(), false, || owner)
    };
    assert!(evaluates("1002", false), "the neighbour is looked at as ever");
    assert!(!evaluates("1001", false));
    assert!(evaluates("1001", true), "its owner always is");
}

/// ROBUSTNESS 26: from 250 addresses no more than a hundred guesses an hour at one user are looked at, and the user's
/// own address is never among those that are not.
#[test]
fn many_addresses_together_get_a_hundred_guesses_an_hour_and_the_owner_is_never_locked_out() {
    let mut world = World::new();
    let home = 5000;
    world.proves(home, "1001", Algorithm::Sha256);
    let mut looked_at = 0;
    for round in 0..3600 {
        world.after(1.0);
        looked_at += u32::from(world.guesses(100 + round % 250, "1001"));
        let now = world.now;
        assert!(
            world
                .guard
                .evaluates(now, address(home), &"1001".into(), false, || false)
        );
    }
    assert!((100..=200).contains(&looked_at), "{looked_at} in the first hour");
    let first_hour = looked_at;
    for round in 0..3600 {
        world.after(1.0);
        looked_at += u32::from(world.guesses(100 + round % 250, "1001"));
    }
    assert!(
        looked_at - first_hour <= 101,
        "{} in the second",
        looked_at - first_hour
    );
}

#[test]
fn trusted_addresses_are_never_shut_out_nor_slowed() {
    let mut world = World::new();
    for _ in 0..5000 {
        assert_eq!(world.guard.admit(world.now, address(HERE), true), Verdict::Serve);
        assert!(
            world
                .guard
                .wrong(world.now, address(HERE), &"1001".into(), true)
                .is_none()
        );
    }
    assert!(world.guard.bans(world.now).is_empty());
}

/// ROBUSTNESS 15: what one address sends beyond its measure is dropped before it is read; others do not feel it.
#[test]
fn a_flood_of_one_address_is_dropped_and_a_bystander_is_served() {
    let mut world = World::new();
    let (mut served, mut bystander) = (0, 0);
    for step in 0..20_000 {
        world.after(0.0005);
        if world.is_heard(HERE) {
            served += u32::from(world.guard.charge(world.now, address(HERE)));
        }
        if step % 200 == 0 {
            assert!(world.is_heard(2) && world.guard.charge(world.now, address(2)));
            bystander += 1;
        }
    }
    assert_eq!(bystander, 100);
    assert!(
        (1400..=1600).contains(&served),
        "{served} of 20,000 in ten seconds"
    );
    assert!(world.guard.dropped().packets > 18_000);
}

/// A phone whose address is drowned in packets that are not its own is still heard inside its calls.
#[test]
fn an_address_that_takes_part_is_read_however_much_it_sends() {
    let mut world = World::new();
    world.guard.vouch(world.now, address(HERE));
    let paid = (0..5000)
        .filter(|_| world.guard.charge(world.now, address(HERE)))
        .count();
    assert_eq!(paid, 1000);
    assert!(world.is_heard(HERE), "its answers and its calls go on");
}

/// ROBUSTNESS 16: the tables have a size, and no flood of addresses lets anybody in again.
#[test]
fn a_hundred_thousand_addresses_fill_the_table_and_flush_no_ban() {
    let mut world = World::new();
    for _ in 0..10 {
        world.guesses(HERE, "1001");
    }
    world.proves(2, "1002", Algorithm::Sha256);
    for _ in 0..9 {
        world.guesses(3, "1001");
    }
    let room = world.guard.sources.room();
    for number in 0..100_000 {
        world.after(0.0001);
        assert!(world.is_heard(1000 + number));
        world.guard.charge(world.now, address(1000 + number));
        if number % 1000 == 0 {
            world.is_heard(2);
        }
    }
    assert_eq!(world.guard.sources.len(), MOST);
    let (places, seen) = world.guard.sources.room();
    assert!(places <= room.0 && seen == room.1, "nothing was allocated");
    assert!(world.is_banned(HERE));
    assert!(
        world.guard.is_vouched(world.now, address(2)),
        "who takes part stays known"
    );
}

#[test]
fn a_ban_is_told_and_lifted() {
    let mut world = World::new();
    for _ in 0..10 {
        world.guesses(HERE, "1001");
    }
    for _ in 0..7 {
        assert!(!world.is_heard(HERE));
    }
    let bans = world.guard.bans(world.now);
    let [ban] = bans[..] else { panic!("{bans:?}") };
    assert_eq!(ban.source.to_string(), "10.0.0.1");
    assert_eq!((ban.user.as_str(), ban.dropped), ("1001", 7));
    assert_eq!(ban.until - ban.since, Duration::from_secs(900));
    let source = ban.source;
    assert!(world.guard.lift(world.now, source));
    assert!(!world.guard.lift(world.now, source));
    assert!(world.is_heard(HERE));
    world.guesses(HERE, "1001");
    assert!(world.is_heard(HERE), "and begins anew");
}

/// ROBUSTNESS 31: algorithm downgrade.
#[test]
fn who_has_shown_to_know_sha_256_is_not_let_in_by_md5() {
    let mut world = World::new();
    let old_desk = 7;
    assert_eq!(world.proves(old_desk, "1001", Algorithm::Md5), Proof::Accepted);
    assert_eq!(world.proves(HERE, "1001", Algorithm::Sha256), Proof::Accepted);
    assert_eq!(world.proves(HERE, "1001", Algorithm::Md5), Proof::Weaker);
    assert_eq!(world.proves(99, "1001", Algorithm::Md5), Proof::Weaker);
    assert_eq!(
        world.proves(old_desk, "1001", Algorithm::Md5),
        Proof::Accepted,
        "the old phone that was there before still works"
    );
    assert_eq!(world.proves(99, "1002", Algorithm::Md5), Proof::Accepted);
    world.after(25.0 * 3600.0);
    assert_eq!(
        world.proves(99, "1001", Algorithm::Md5),
        Proof::Accepted,
        "a day later the phone was exchanged"
    );
}

/// ROBUSTNESS 41: a phone in the wrong hands places a call a second at most.
#[test]
fn a_phone_begins_so_many_calls_a_minute_and_no_more() {
    let mut world = World::new();
    let mut calls = 0;
    for _ in 0..600 {
        world.after(0.1);
        calls += u32::from(world.guard.may_call(world.now, &"1001".into()));
    }
    assert!(
        (79..=81).contains(&calls),
        "twenty at once and sixty a minute: {calls}"
    );
}

/// ROBUSTNESS 19: at most ten lines a second.
#[test]
fn however_much_noise_there_is_ten_lines_a_second_are_written() {
    let mut world = World::new();
    let mut lines = 0;
    for _ in 0..50_000 {
        world.after(0.0001);
        lines += u32::from(world.guard.may_tell(world.now));
    }
    assert!(lines <= 60, "{lines} in five seconds");
}
