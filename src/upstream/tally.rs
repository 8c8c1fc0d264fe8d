use super::{Delivered, Setback, Verdict};
use crate::store::OutboxItem;

/// What became of the records of one fetch, as far as it is known.
#[derive(Default)]
pub(super) struct Tally {
    /// Acknowledged, and not yet told to the outbox.
    pub(super) done: Vec<u64>,
    /// Not sent, or not taken by a destination in trouble.
    pub(super) put_back: Vec<u64>,
    /// Refused, and worth another try.
    pub(super) refused: Vec<(OutboxItem, Setback)>,
    /// Refused for ever.
    pub(super) never: Vec<(OutboxItem, Setback)>,
    /// The destination is in trouble.
    pub(super) trouble: Option<Setback>,
    /// The destination is gone.
    pub(super) gone: Option<Setback>,
    /// Whether anything was acknowledged.
    pub(super) took_some: bool,
    /// The stop came first.
    pub(super) stopped: bool,
}

impl Tally {
    /// Whether nothing further may be sent now. In strict order a refused record holds up those behind it.
    pub(super) fn is_over(&self, strict: bool) -> bool {
        let held_up = strict && !self.refused.is_empty();
        self.trouble.is_some() || self.gone.is_some() || self.stopped || held_up
    }

    /// Notes what a sink said about these records. Says how many of them have to be handed over one by one.
    pub(super) fn note(&mut self, items: Vec<OutboxItem>, delivered: Delivered) -> usize {
        match delivered {
            Delivered::Each(verdicts) => self.note_each(items, verdicts),
            Delivered::OneByOne(setback) if items.len() == 1 => {
                self.refused
                    .extend(items.into_iter().map(|item| (item, setback.clone())));
            }
            Delivered::OneByOne(_) => {
                self.put_back(&items);
                return items.len();
            }
            Delivered::BackOff(setback) => {
                self.put_back(&items);
                self.trouble.get_or_insert(setback);
            }
            Delivered::Gone(setback) => {
                self.put_back(&items);
                self.gone = Some(setback);
            }
        }
        0
    }

    fn note_each(&mut self, items: Vec<OutboxItem>, verdicts: Vec<Verdict>) {
        let mut verdicts = verdicts.into_iter();
        for item in items {
            match verdicts.next() {
                Some(Verdict::Done) => {
                    self.took_some = true;
                    self.done.push(item.seq);
                }
                Some(Verdict::TryLater(setback)) => {
                    self.put_back.push(item.seq);
                    self.trouble.get_or_insert(setback);
                }
                Some(Verdict::Refused(setback)) => self.refused.push((item, setback)),
                Some(Verdict::Never(setback)) => self.never.push((item, setback)),
                None => self.put_back.push(item.seq),
            }
        }
    }

    /// They wait again as if nothing had been.
    pub(super) fn put_back<'a>(&mut self, items: impl IntoIterator<Item = &'a OutboxItem>) {
        self.put_back.extend(items.into_iter().map(|item| item.seq));
    }
}
