use super::route::plain;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest number of ITU-T E.164, and room for a prefix of the network in front of it.
const LONGEST: usize = 18;
/// Satellite, shared-cost and premium networks (ITU-T E.164 assigned codes), which cost whoever calls them.
const COSTLY_NETWORKS: [&str; 7] = ["+808", "+870", "+878", "+881", "+882", "+883", "+979"];
/// Premium numbers of many countries, as they are dialled at home.
const COSTLY_NUMBERS: [&str; 4] = ["0900", "0190", "1900", "0976"];

/// `[dialing]`: what phones of the house may dial outside. Nothing leaves the box that this does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialing {
    /// The country's code, such as `966`: numbers that begin with it are no foreign ones.
    pub country_code: String,
    /// Whether foreign numbers may be dialled.
    pub international: bool,
    /// Beginnings of numbers that may be dialled whatever else is said, such as `+971`.
    pub allow: Vec<String>,
    /// Beginnings of numbers that may not be dialled, beside the premium and satellite ones the box knows.
    pub refuse: Vec<String>,
    /// How long a number outside is rung, in seconds.
    pub ring_seconds: u32,
    /// Calls a phone may begin outside in a minute.
    pub calls_per_minute: u32,
    /// Calls a phone may have outside at once.
    pub calls_at_once: u32,
    /// The night, from hour to hour of the site's clock; while it lasts `calls_per_night` counts.
    pub night_hours: [u8; 2],
    /// Calls a phone may begin outside in one night.
    pub calls_per_night: u32,
}

impl Default for Dialing {
    fn default() -> Self {
        Self {
            country_code: String::new(),
            international: false,
            allow: Vec::new(),
            refuse: Vec::new(),
            ring_seconds: 120,
            calls_per_minute: 5,
            calls_at_once: 2,
            night_hours: [22, 6],
            calls_per_night: 20,
        }
    }
}

/// Why a number is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAllowed {
    /// `*72`, `#31#` and the like change things at the carrier.
    Code,
    /// Too long or too short to be a telephone number.
    Length,
    /// Another country, and `international` is off.
    International,
    /// Premium, satellite, or on the list of the site.
    Refused,
    /// The phone has begun too many calls in this minute.
    TooOften,
    /// The phone has too many calls outside already.
    TooMany,
    /// The phone has begun too many calls in this night.
    TooManyAtNight,
}

impl Dialing {
    /// Whether this number, as the trunk would get it, may be dialled. Emergency numbers are not asked about.
    pub fn allows(&self, number: &str) -> Result<(), NotAllowed> {
        let number = plain(number);
        let digits = number.strip_prefix('+').unwrap_or(&number);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAllowed::Code);
        }
        if !(3..=LONGEST).contains(&digits.len()) {
            return Err(NotAllowed::Length);
        }
        let national = self.national(&number);
        let begins = |list: &[String]| {
            list.iter().map(|prefix| plain(prefix)).any(|prefix| {
                number.starts_with(&prefix) || national.as_ref().is_some_and(|own| own.starts_with(&prefix))
            })
        };
        if begins(&self.allow) {
            return Ok(());
        }
        let is_costly = COSTLY_NETWORKS.iter().any(|prefix| number.starts_with(prefix))
            || COSTLY_NUMBERS
                .iter()
                .any(|prefix| national.as_deref().unwrap_or(&number).starts_with(prefix));
        if is_costly || begins(&self.refuse) {
            return Err(NotAllowed::Refused);
        }
        if number.starts_with('+') && national.is_none() && !self.international {
            return Err(NotAllowed::International);
        }
        Ok(())
    }

    /// Whether this hour of the site's clock, 0 to 23, is of the night.
    pub fn is_night(&self, hour: u8) -> bool {
        let [from, to] = self.night_hours;
        if from <= to {
            (from..to).contains(&hour)
        } else {
            hour >= from || hour < to
        }
    }

    /// A number with this country's code as it is dialled at home.
    fn national(&self, number: &str) -> Option<String> {
        if self.country_code.is_empty() {
            return None;
        }
        let rest = number.strip_prefix('+')?.strip_prefix(&self.country_code)?;
        Some(format!("0{rest}"))
    }

    /// What is wrong with the section: the key, and what is wrong with a cure, for each mistake.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let is_code = |code: &str| code.len() <= 3 && code.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code(&self.country_code) || self.country_code.starts_with('0') {
            let cure = "write the digits alone, such as \"966\"";
            mistakes.push((
                "country_code",
                format!("\"{}\" is no country's code — {cure}", self.country_code),
            ));
        }
        for (key, list) in [("allow", &self.allow), ("refuse", &self.refuse)] {
            let is_odd = |prefix: &&String| {
                let bare = plain(prefix);
                let digits = bare.strip_prefix('+').unwrap_or(&bare).to_owned();
                digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())
            };
            if let Some(odd) = list.iter().find(is_odd) {
                let cure = "write how the number begins, such as \"+971\" or \"0900\"";
                mistakes.push((key, format!("\"{odd}\" is no beginning of a number — {cure}")));
            }
        }
        for (key, value, most, usual) in [
            ("ring_seconds", self.ring_seconds, 600, 120),
            ("calls_per_minute", self.calls_per_minute, 600, 5),
            ("calls_at_once", self.calls_at_once, 100, 2),
        ] {
            if !(1..=most).contains(&value) {
                mistakes.push((key, format!("{value} — use 1 to {most}; {usual} is usual")));
            }
        }
        if self.night_hours.iter().any(|hour| *hour > 23) {
            let [from, to] = self.night_hours;
            let cure = "use hours of the day, such as [22, 6]";
            mistakes.push(("night_hours", format!("[{from}, {to}] — {cure}")));
        }
        mistakes
    }
}

impl NotAllowed {
    /// The reason in plain words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "star and hash codes are not dialled outside",
            Self::Length => "that is no telephone number's length",
            Self::International => "foreign numbers are not allowed",
            Self::Refused => "the number is on the list of those that are not dialled",
            Self::TooOften => "the phone dials too often",
            Self::TooMany => "the phone has too many calls outside",
            Self::TooManyAtNight => "the phone has dialled too often in this night",
        }
    }
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROBUSTNESS 41: default deny.
    #[test]
    fn what_costs_is_not_dialled_unless_somebody_allowed_it() {
        let home = Dialing {
            country_code: "966".to_owned(),
            allow: vec!["+971".to_owned()],
            refuse: vec!["0700".to_owned()],
            ..Dialing::default()
        };
        let long = "1".repeat(60);
        for (number, outcome) in [
            ("0112345678", Ok(())),
            ("+966 11 234 5678", Ok(())),
            ("00966112345678", Ok(())),
            ("+97141234567", Ok(())),
            ("+4930123456", Err(NotAllowed::International)),
            ("004930123456", Err(NotAllowed::International)),
            ("0900123456", Err(NotAllowed::Refused)),
            ("+966900123456", Err(NotAllowed::Refused)),
            ("0088212345678", Err(NotAllowed::Refused)),
            ("0700123456", Err(NotAllowed::Refused)),
            ("00966700123456", Err(NotAllowed::Refused)),
            ("*72", Err(NotAllowed::Code)),
            ("#31#0112345678", Err(NotAllowed::Code)),
            ("%30%30", Err(NotAllowed::Code)),
            ("1;phone-context=+4", Err(NotAllowed::Code)),
            ("", Err(NotAllowed::Length)),
            ("12", Err(NotAllowed::Length)),
            (long.as_str(), Err(NotAllowed::Length)),
        ] {
            assert_eq!(home.allows(number), outcome, "{number}");
        }
        let open = Dialing {
            international: true,
            ..Dialing::default()
        };
        assert_eq!(open.allows("+4930123456"), Ok(()));
        assert_eq!(open.allows("+88212345678"), Err(NotAllowed::Refused));
    }

    #[test]
    fn a_night_may_pass_midnight() {
        let night = Dialing::default();
        assert!(night.is_night(23) && night.is_night(0) && night.is_night(5));
        assert!(!night.is_night(6) && !night.is_night(12));
    }
}
