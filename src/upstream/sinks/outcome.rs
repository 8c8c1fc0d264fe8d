//! What became of a batch, as a sink finds it out piece by piece.

use crate::upstream::{Delivered, Setback, Verdict};

/// Verdicts in the order of the batch, and the trouble that stopped it, if any did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// `None` for a record that was sent and not acknowledged.
    verdicts: Vec<Option<Verdict>>,
    trouble: Option<String>,
}

impl Outcome {
    /// Nothing was taken.
    pub(super) fn nothing(reason: String) -> Self {
        Self {
            verdicts: Vec::new(),
            trouble: Some(reason),
        }
    }

    /// The next record was acknowledged.
    pub(super) fn done(&mut self) {
        self.verdicts.push(Some(Verdict::Done));
    }

    /// The next record will never be taken; the others are.
    pub(super) fn never(&mut self, reason: impl ToString) {
        self.verdicts.push(Some(Verdict::Never(Setback::new(reason))));
    }

    /// The next record was not acknowledged, though one behind it may have been.
    pub(super) fn unknown(&mut self) {
        self.verdicts.push(None);
    }

    /// Those without a verdict have to be sent again.
    pub(super) fn stop(&mut self, reason: String) {
        self.trouble = Some(reason);
    }

    /// Whether the connection it was sent on is of no use any more.
    pub(super) fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }

    /// In the forwarder's words.
    pub(super) fn delivered(self) -> Delivered {
        let Self { verdicts, trouble } = self;
        let setback = || Setback::new(trouble.as_deref().unwrap_or("no acknowledgement"));
        if trouble.is_some() && !verdicts.iter().any(Option::is_some) {
            return Delivered::BackOff(setback());
        }
        let mut each: Vec<Verdict> = verdicts
            .into_iter()
            .map(|verdict| verdict.unwrap_or_else(|| Verdict::TryLater(setback())))
            .collect();
        if trouble.is_some() {
            each.push(Verdict::TryLater(setback()));
        }
        Delivered::Each(each)
    }
}
