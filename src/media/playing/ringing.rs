/// The ringing tone of a country: what sounds together, and the rhythm (ITU-T E.180 supplement 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ringing {
    /// Frequencies that sound together, in Hz.
    pub(in crate::media) hertz: &'static [u32],
    /// How long it sounds and how long it is silent, in ms, one after the other.
    pub(in crate::media) rhythm: &'static [(u32, u32)],
}

/// Twice short, then a pause: Britain and those who learned telephony there.
const TWICE: &[(u32, u32)] = &[(400, 200), (400, 2000)];

impl Ringing {
    /// The countries that are known.
    pub const COUNTRIES: [&str; 9] = ["eu", "us", "gb", "ae", "sa", "in", "au", "fr", "jp"];

    /// The tone of a country by its code, in any case; none when it is not known.
    pub fn of(country: &str) -> Option<Self> {
        let (hertz, rhythm): (&[u32], &[(u32, u32)]) = match country.to_ascii_lowercase().as_str() {
            "eu" => (&[425], &[(1000, 4000)]),
            "us" => (&[440, 480], &[(2000, 4000)]),
            "gb" | "ae" => (&[400, 450], TWICE),
            "sa" => (&[425], &[(1200, 4600)]),
            "in" => (&[400, 425], TWICE),
            "au" => (&[400, 425], TWICE),
            "fr" => (&[440], &[(1500, 3500)]),
            "jp" => (&[400, 416], &[(1000, 2000)]),
            _ => return None,
        };
        Some(Self { hertz, rhythm })
    }
}

impl Default for Ringing {
    fn default() -> Self {
        Self {
            hertz: &[425],
            rhythm: &[(1000, 4000)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_named_is_known_and_no_other() {
        assert!(
            Ringing::COUNTRIES
                .iter()
                .all(|country| Ringing::of(country).is_some())
        );
        assert_eq!(Ringing::of("EU"), Some(Ringing::default()));
        assert_eq!(Ringing::of("xx"), None);
    }
}
