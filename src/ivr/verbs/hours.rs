use crate::ivr::LocalTime;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{PromptName, StepName};
use jiff::civil::{Date, Weekday};
use serde::Deserialize;
use std::time::Instant;

const MINUTES_A_DAY: u16 = 24 * 60;
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Tells open from closed by the site's clock.
///
/// `open = ["sun-thu 08:00-17:00", "sat 10:00-14:00"]`; a time that ends before it begins runs past midnight.
/// `holidays = ["2026-03-20/2026-03-23", "09-23"]`; a date without a year is kept every year. While the clock of a
/// freshly booted box cannot be believed it counts as open: a caller too many is better than one turned away.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// When someone is there.
    open: Vec<Opening>,
    /// Days on which nobody is there at all.
    #[serde(default)]
    holidays: Vec<Holiday>,
    /// Where to go when open.
    next: StepName,
    /// Where to go when closed; when absent, the call ends with `closed_prompt`.
    #[serde(default)]
    closed: Option<StepName>,
    /// Where to go on a holiday; `closed` when absent.
    #[serde(default)]
    holiday: Option<StepName>,
    /// What is said when closed and `closed` names no step; `""` for nothing.
    #[serde(default = "closed_prompt")]
    closed_prompt: PromptName,
}

fn closed_prompt() -> PromptName {
    PromptName::from("closed")
}

impl Hours {
    pub(super) fn handle(&self, walk: &Walk, now: Instant, input: &Input) -> Next {
        match input {
            Input::Entered => {}
            Input::Digit(_)
            | Input::PlayFinished
            | Input::DeadlineReached
            | Input::RingEnded(_)
            | Input::MessageTaken(_)
            | Input::BoxAnswered(_) => return Next::Stay(Turn::Wait),
        }
        let Some(time) = walk.local_time(now) else {
            return Next::Go(Exit::Step(self.next.clone()));
        };
        if self.is_open(time) {
            return Next::Go(Exit::Step(self.next.clone()));
        }
        let holiday = if self.is_holiday(time.date) {
            self.holiday.as_ref()
        } else {
            None
        };
        match holiday.or(self.closed.as_ref()) {
            Some(step) => Next::Go(Exit::Step(step.clone())),
            None => Next::PlayThen(walk.prompts([&self.closed_prompt]), Exit::HangUp),
        }
    }

    /// Open by today's times, or still open by yesterday's that run past midnight.
    fn is_open(&self, time: LocalTime) -> bool {
        let yesterday = time.date.yesterday().unwrap_or(time.date);
        let open_on = |day: Date, minute: u16| {
            !self.is_holiday(day)
                && self
                    .open
                    .iter()
                    .any(|opening| opening.covers(day.weekday(), minute))
        };
        open_on(time.date, time.minute_of_day) || open_on(yesterday, time.minute_of_day + MINUTES_A_DAY)
    }

    fn is_holiday(&self, day: Date) -> bool {
        self.holidays.iter().any(|holiday| holiday.covers(day))
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.at_once("next", [&self.next]);
        survey.at_once("closed", &self.closed);
        survey.at_once("holiday", &self.holiday);
        if self.closed.is_none() {
            survey.prompts([("closed_prompt", &self.closed_prompt)]);
        }
        if self.open.is_empty() {
            survey.wrong(
                "open",
                "is empty",
                "write when someone is there, such as [\"sun-thu 08:00-17:00\"]",
            );
        }
    }
}

/// Days and times: `sun-thu 08:00-17:00`, `fri 14:00-22:00`, `daily 20:00-02:00`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Opening {
    days: Vec<Weekday>,
    from: u16,
    /// Later than `from`; beyond 1440 where it runs past midnight.
    until: u16,
}

impl Opening {
    /// Whether that minute, counted from the midnight this day began with, is within.
    fn covers(&self, day: Weekday, minute: u16) -> bool {
        self.days.contains(&day) && (self.from..self.until).contains(&minute)
    }
}

impl TryFrom<String> for Opening {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [days, times] = parts.as_slice() else {
            return Err(format!(
                "`{text}` is not days and times; write it like \"sun-thu 08:00-17:00\""
            ));
        };
        let days = read_days(days)?;
        let Some((from, until)) = times.split_once('-') else {
            return Err(format!(
                "`{times}` is not a span of time; write it like 08:00-17:00"
            ));
        };
        let (from, until) = (read_time(from)?, read_time(until)?);
        if from == until {
            return Err(format!(
                "`{times}` is no time at all; the whole day is 00:00-24:00"
            ));
        }
        let until = if until < from {
            until + MINUTES_A_DAY
        } else {
            until
        };
        Ok(Self { days, from, until })
    }
}

fn read_days(text: &str) -> Result<Vec<Weekday>, String> {
    if text.eq_ignore_ascii_case("daily") {
        return Ok(DAYS.iter().map(|(_, day)| *day).collect());
    }
    let mut days = Vec::new();
    for span in text.split(',') {
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (mut place, last) = (read_day(first)?, read_day(last)?);
        loop {
            days.extend(DAYS.get(place).map(|(_, day)| *day));
            if place == last {
                break;
            }
            place = (place + 1) % DAYS.len();
        }
    }
    Ok(days)
}

fn read_day(text: &str) -> Result<usize, String> {
    DAYS.iter()
        .position(|(name, _)| name.eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("`{text}` is not a day; use mon tue wed thu fri sat sun, or daily"))
}

fn read_time(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is not a time; use 00:00 to 24:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let hour: u16 = hour.parse().map_err(|_| wrong())?;
    let minute: u16 = minute.parse().map_err(|_| wrong())?;
    let time = hour.saturating_mul(60).saturating_add(minute);
    if minute > 59 || time > MINUTES_A_DAY {
        Err(wrong())
    } else {
        Ok(time)
    }
}

/// A day or a span of days, of one year or of every year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Holiday {
    Once { first: Date, last: Date },
    EachYear { month: i8, day: i8 },
}

impl Holiday {
    fn covers(&self, today: Date) -> bool {
        match self {
            Self::Once { first, last } => (*first..=*last).contains(&today),
            Self::EachYear { month, day } => today.month() == *month && today.day() == *day,
        }
    }
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a date; write 2026-03-20, 2026-03-20/2026-03-23 or 09-23");
        if text.len() == "09-23".len() {
            let date: Date = format!("2000-{text}").parse().map_err(|_| wrong())?;
            return Ok(Self::EachYear {
                month: date.month(),
                day: date.day(),
            });
        }
        let (first, last) = text.split_once('/').unwrap_or((&text, &text));
        let first: Date = first.parse().map_err(|_| wrong())?;
        let last: Date = last.parse().map_err(|_| wrong())?;
        if last < first {
            return Err(format!(
                "`{text}` ends before it begins; put the earlier date first"
            ));
        }
        Ok(Self::Once { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::rehearsal::Rehearsal;

    fn opening(text: &str) -> Opening {
        Opening::try_from(text.to_owned()).unwrap()
    }

    fn hours(open: &[&str], holidays: &[&str]) -> Hours {
        Hours {
            open: open.iter().map(|text| opening(text)).collect(),
            holidays: holidays
                .iter()
                .map(|text| Holiday::try_from((*text).to_owned()).unwrap())
                .collect(),
            next: "open".into(),
            closed: None,
            holiday: None,
            closed_prompt: closed_prompt(),
        }
    }

    fn at(date: &str, hour: u16, minute: u16) -> LocalTime {
        LocalTime {
            date: date.parse().unwrap(),
            minute_of_day: hour * 60 + minute,
        }
    }

    #[test]
    fn the_week_may_begin_on_any_day() {
        let office = hours(&["sun-thu 08:00-17:00", "sat 10:00-14:00"], &[]);
        assert!(office.is_open(at("2025-11-20", 8, 0))); // Thursday
        assert!(!office.is_open(at("2025-11-20", 17, 0)));
        assert!(!office.is_open(at("2025-11-21", 12, 0))); // Friday
        assert!(office.is_open(at("2025-11-22", 13, 59))); // Saturday
        assert!(office.is_open(at("2025-11-23", 9, 0))); // Sunday
    }

    #[test]
    fn a_night_belongs_to_the_day_it_began_on() {
        let bar = hours(&["thu 20:00-02:00"], &["2025-11-27"]);
        assert!(bar.is_open(at("2025-11-20", 23, 0)));
        assert!(bar.is_open(at("2025-11-21", 1, 59)));
        assert!(!bar.is_open(at("2025-11-21", 2, 0)));
        assert!(!bar.is_open(at("2025-11-20", 1, 0)));
        assert!(!bar.is_open(at("2025-11-28", 1, 0))); // Its Thursday was a holiday.
    }

    #[test]
    fn holidays_close_the_house() {
        let office = hours(&["daily 00:00-24:00"], &["09-23", "2026-03-20/2026-03-23"]);
        assert!(!office.is_open(at("2030-09-23", 12, 0)));
        assert!(!office.is_open(at("2026-03-23", 23, 59)));
        assert!(office.is_open(at("2026-03-24", 0, 0)));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_cure() {
        let wrong = |text: &str| Opening::try_from(text.to_owned()).unwrap_err();
        assert_eq!(
            wrong("always"),
            "`always` is not days and times; write it like \"sun-thu 08:00-17:00\""
        );
        assert_eq!(
            wrong("sunday 8:00-9:00"),
            "`sunday` is not a day; use mon tue wed thu fri sat sun, or daily"
        );
        assert_eq!(
            wrong("sun 8:00-25:00"),
            "`25:00` is not a time; use 00:00 to 24:00"
        );
        assert!(Holiday::try_from("2026-02-30".to_owned()).is_err());
        assert!(Holiday::try_from("é-23é".to_owned()).is_err());
    }

    #[test]
    fn a_closed_house_says_so_and_a_box_without_a_clock_lets_callers_in() {
        let flow = r#"
            name = "hours"
            start = "hours"
            [step.hours]
            verb = "hours"
            open = ["fri 00:00-24:00"]
            next = "ring"
            [step.ring]
            verb = "ring"
            group = "sales"
            "#;
        let mut caller = Rehearsal::of(flow);
        assert_eq!(caller.enter(), "play en/closed");
        assert_eq!(caller.heard(), "hang up");
        let mut caller = Rehearsal::of(flow);
        caller.forget_the_time();
        assert_eq!(caller.enter(), "ring sales");
    }
}
