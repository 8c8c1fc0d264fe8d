use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Window of both limits.
const WINDOW: Duration = Duration::from_secs(60);
/// Attempts in a window from everywhere.
const ALL: usize = 10;
/// Attempts in a window from one address, so that one guesser alone cannot lock everybody out.
const FROM_ONE: usize = 5;

/// Counts attempts to log in or to claim the box. Never holds more than [`ALL`] entries.
#[derive(Debug, Default)]
pub(in crate::http) struct Attempts {
    recent: VecDeque<(Instant, IpAddr)>,
}

impl Attempts {
    /// Counts an attempt, or says after how long to try again.
    pub(in crate::http) fn count(&mut self, now: Instant, from: IpAddr) -> Result<(), Duration> {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW)
        {
            self.recent.pop_front();
        }
        let from = neighbourhood(from);
        let mut own = self.recent.iter().filter(|(_, address)| *address == from);
        let oldest = if self.recent.len() >= ALL {
            self.recent.front()
        } else if own.clone().count() >= FROM_ONE {
            own.next()
        } else {
            None
        };
        if let Some((at, _)) = oldest {
            return Err(WINDOW.saturating_sub(now.saturating_duration_since(*at)));
        }
        self.recent.push_back((now, from));
        Ok(())
    }
}

/// One subscriber of IPv6 commands a whole /64, so it counts as one address.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from"
    )]
    fn one_address_has_five_attempts_a_minute_and_all_together_ten() {
        let start = Instant::now();
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            assert_eq!(attempts.count(start, address(1)), Ok(()));
        }
        let later = start + Duration::from_secs(20);
        assert_eq!(attempts.count(later, address(1)), Err(Duration::from_secs(40)));
        for last in 2..7 {
            assert_eq!(attempts.count(later, address(last)), Ok(()));
        }
        assert!(attempts.count(later, address(9)).is_err());
        assert_eq!(attempts.count(start + WINDOW, address(1)), Ok(()));
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from"
    )]
    fn a_network_of_ipv6_counts_as_one_address() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        for host in 0..5u16 {
            let from = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, host, 0, 0, 1);
            assert_eq!(attempts.count(now, from.into()), Ok(()));
        }
        let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 9, 9, 9, 9);
        assert!(attempts.count(now, neighbour.into()).is_err());
    }
}
