use serde::Serialize;

/// Row numbers from `from_seq` to `to_seq`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SeqRange {
    /// The first.
    pub from_seq: u64,
    /// The last; never below the first.
    pub to_seq: u64,
}

impl SeqRange {
    fn len(self) -> u64 {
        (self.to_seq - self.from_seq).saturating_add(1)
    }
}

/// A set of row numbers as ranges in ascending order that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seqs(Vec<SeqRange>);

impl Seqs {
    /// Everything from `from` to `to`; nothing when that is backwards.
    pub(super) fn span(from: u64, to: u64) -> Self {
        let mut seqs = Self::default();
        if from <= to {
            seqs.push_range(from, to);
        }
        seqs
    }

    /// Adds a number at or above every one in the set.
    pub(super) fn push(&mut self, seq: u64) {
        self.push_range(seq, seq);
    }

    /// Adds a range that begins at or above every number in the set.
    pub(super) fn push_range(&mut self, from: u64, to: u64) {
        match self.0.last_mut() {
            Some(last) if from <= last.to_seq.saturating_add(1) => last.to_seq = last.to_seq.max(to),
            Some(_) | None => self.0.push(SeqRange {
                from_seq: from,
                to_seq: to,
            }),
        }
    }

    /// How many numbers there are.
    pub(super) fn count(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum: u64, range| sum.saturating_add(range.len()))
    }

    /// The ranges.
    pub(super) fn ranges(&self) -> &[SeqRange] {
        &self.0
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = Self::default();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (from, to) = (a.from_seq.max(b.from_seq), a.to_seq.min(b.to_seq));
            if from <= to {
                both.push_range(from, to);
            }
            if a.to_seq <= b.to_seq {
                left.next();
            } else {
                right.next();
            }
        }
        both
    }

    /// What is here and not in the other.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        let mut taken = other.0.iter().peekable();
        for range in &self.0 {
            let mut from = Some(range.from_seq);
            while let Some(away) = taken.peek() {
                let Some(begin) = from else { break };
                if away.from_seq > range.to_seq {
                    break;
                }
                if away.to_seq >= begin {
                    if away.from_seq > begin {
                        rest.push_range(begin, away.from_seq - 1);
                    }
                    from = away.to_seq.checked_add(1).filter(|next| *next <= range.to_seq);
                }
                if away.to_seq > range.to_seq {
                    break;
                }
                taken.next();
            }
            if let Some(begin) = from {
                rest.push_range(begin, range.to_seq);
            }
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn of(numbers: &BTreeSet<u64>) -> Seqs {
        let mut seqs = Seqs::default();
        numbers.iter().for_each(|seq| seqs.push(*seq));
        seqs
    }

    proptest! {
        #[test]
        fn ranges_say_what_sets_say(
            a in proptest::collection::btree_set(0u64..60, 0..40),
            b in proptest::collection::btree_set(0u64..60, 0..40),
        ) {
            prop_assert_eq!(of(&a).minus(&of(&b)), of(&a.difference(&b).copied().collect()));
            prop_assert_eq!(of(&a).and(&of(&b)), of(&a.intersection(&b).copied().collect()));
            prop_assert_eq!(of(&a).count(), a.len() as u64);
        }
    }

    #[test]
    fn an_open_end_is_no_trouble() {
        let all = Seqs::span(1, u64::MAX);
        assert_eq!(all.minus(&Seqs::span(5, u64::MAX)), Seqs::span(1, 4));
        assert_eq!(all.and(&Seqs::span(7, 9)), Seqs::span(7, 9));
        assert_eq!(Seqs::span(3, 2), Seqs::default());
    }
}
