use super::text;
use super::words::Journal;

/// Where a list's pages lead: back, on, and to the pages around this one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turning {
    /// Address of the page before; empty on the first.
    pub(super) previous: String,
    /// Address of the page after; empty on the last.
    pub(super) next: String,
    /// The numbers between them.
    pub(super) pages: Vec<PageLink>,
}

/// A page's number, or the gap where some are left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageLink {
    /// Empty for a gap.
    pub(super) address: String,
    pub(super) number: String,
    /// What a screen reader says.
    pub(super) label: String,
    pub(super) is_here: bool,
}

/// Pages shown on either side of this one.
const AROUND: u64 = 2;

impl Turning {
    /// The way around a list of `total` rows, at page `here` (from 1); `address` makes the address of a page.
    pub(super) fn new(
        j: &Journal,
        total: u64,
        rows: u64,
        here: u64,
        address: impl Fn(u64) -> String,
    ) -> Self {
        let last = pages_of(total, rows);
        if last <= 1 && here <= 1 {
            return Self::default();
        }
        let mut pages = Vec::new();
        let mut before = 0;
        for number in 1..=last {
            let near = number.abs_diff(here) <= AROUND;
            if number != 1 && number != last && !near {
                continue;
            }
            if number > before + 1 {
                pages.push(gap());
            }
            before = number;
            pages.push(PageLink {
                address: address(number),
                number: number.to_string(),
                label: text::fill(j.page_number, &[("n", &number.to_string())]),
                is_here: number == here,
            });
        }
        Self {
            previous: if here > 1 {
                address((here - 1).min(last))
            } else {
                String::new()
            },
            next: if here < last {
                address(here + 1)
            } else {
                String::new()
            },
            pages,
        }
    }
}

/// How many pages so many rows make; one even for none.
pub(super) fn pages_of(total: u64, rows: u64) -> u64 {
    total.div_ceil(rows.max(1)).max(1)
}

fn gap() -> PageLink {
    PageLink {
        address: String::new(),
        number: "…".to_owned(),
        label: String::new(),
        is_here: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::words::ENGLISH;

    fn shown(total: u64, here: u64) -> String {
        let turning = Turning::new(&ENGLISH.journal, total, 25, here, |page| page.to_string());
        let pages = turning.pages.iter().map(|page| match page.is_here {
            true => format!("[{}]", page.number),
            false => page.number.clone(),
        });
        format!(
            "{} < {} > {}",
            turning.previous,
            pages.collect::<Vec<_>>().join(" "),
            turning.next
        )
    }

    /// S0-114
    #[test]
    fn the_numbers_around_the_page_are_shown_with_the_first_and_the_last() {
        assert_eq!(shown(10, 1), " <  > ");
        assert_eq!(shown(26, 1), " < [1] 2 > 2");
        assert_eq!(shown(1000, 1), " < [1] 2 3 … 40 > 2");
        assert_eq!(shown(1000, 20), "19 < 1 … 18 19 [20] 21 22 … 40 > 21");
        assert_eq!(shown(1000, 40), "39 < 1 … 38 39 [40] > ");
        assert_eq!(shown(30, 9), "2 < 1 2 > ");
    }
}
