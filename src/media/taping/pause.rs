/// The span of a tape in which nothing that is said is kept, on the line of samples: a card number is being said.
///
/// What comes late is judged by when it was said, not by when it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Pause {
    /// The first silent sample, while it lasts or after it.
    from: Option<i64>,
    /// The first sample that is kept again.
    until: Option<i64>,
}

impl Pause {
    /// Silence from this sample on. A packet that is later than `latest` samples finds its place handed on already.
    pub(in crate::media) fn begin(&mut self, here: i64, latest: i64) {
        // What was said in a pause that ended just now may still come late: the two are one.
        let goes_on = self.from.is_some() && self.until.is_none_or(|until| here - until < latest);
        if !goes_on {
            self.from = Some(here);
        }
        self.until = None;
    }

    /// Voices from this sample on.
    pub(in crate::media) fn end(&mut self, here: i64) {
        if self.from.is_some() {
            self.until.get_or_insert(here);
        }
    }

    /// How many samples at the front of a packet at `place` are not kept; nothing when none of it is. A packet that
    /// reaches into the pause is left out whole: a piece of a digit is a digit.
    pub(in crate::media) fn hides(self, place: i64, length: usize) -> Option<usize> {
        let end = place + length as i64;
        match (self.from, self.until) {
            (Some(from), None) if end > from => None,
            (Some(from), Some(until)) if end > from && place < until => {
                let inside = (until - place).max(0) as usize;
                (inside < length).then_some(inside)
            }
            (None, _) | (Some(_), None | Some(_)) => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_kept_before_and_after_a_pause_and_cut_at_its_end() {
        let mut pause = Pause::default();
        assert_eq!(pause.hides(0, 160), Some(0));
        pause.begin(800, 2400);
        pause.begin(900, 2400);
        assert_eq!(pause.hides(640, 160), Some(0), "it was said before");
        assert_eq!(pause.hides(700, 160), None, "it reaches into the pause");
        assert_eq!(pause.hides(5000, 160), None);
        pause.end(1600);
        pause.end(9999);
        assert_eq!(
            pause.hides(1440, 160),
            None,
            "it was said in the pause and came late"
        );
        assert_eq!(pause.hides(1560, 160), Some(40));
        assert_eq!(pause.hides(1600, 160), Some(0));
        pause.begin(3000, 2400);
        assert_eq!(pause.hides(3000, 160), None);
        assert_eq!(
            pause.hides(1440, 160),
            None,
            "it was said in the first pause and came even later"
        );
        pause.end(4000);
        pause.begin(9000, 2400);
        assert_eq!(pause.hides(8000, 160), Some(0));
    }
}
