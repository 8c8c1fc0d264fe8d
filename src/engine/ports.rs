use std::collections::VecDeque;

/// The even RTP ports nobody uses; each stands for itself and the odd port above it (RFC 3550 §11).
///
/// A returned port goes to the end of the line, so late packets of the last call find nobody for as long as possible.
#[derive(Debug)]
pub(super) struct Ports {
    free: VecDeque<u16>,
    total: usize,
}

impl Ports {
    /// Every even port of the range whose odd neighbour is also in it.
    pub(super) fn new(first: u16, last: u16) -> Self {
        let free: VecDeque<u16> = (first..last).filter(|port| port % 2 == 0).collect();
        Self {
            total: free.len(),
            free,
        }
    }

    pub(super) fn take(&mut self) -> Option<u16> {
        self.free.pop_front()
    }

    pub(super) fn give_back(&mut self, port: u16) {
        self.free.push_back(port);
    }

    pub(super) fn used(&self) -> usize {
        self.total - self.free.len()
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_in_pairs_and_come_back() {
        let mut ports = Ports::new(10_000, 10_003);
        assert_eq!(
            (ports.take(), ports.take(), ports.take()),
            (Some(10_000), Some(10_002), None)
        );
        ports.give_back(10_000);
        assert_eq!((ports.take(), ports.used(), ports.total()), (Some(10_000), 2, 2));
    }
}
