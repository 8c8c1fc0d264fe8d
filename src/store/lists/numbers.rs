use super::entry::{self, Entry, Role};
use super::filter::NumberMatch;
use super::sought::Sought;
use crate::store::tables::names::{self, At};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::cmp::Reverse;

/// The numbers that are looked for.
#[derive(Debug)]
pub(super) struct Numbers {
    places: Vec<i64>,
    /// One bit for each number there is: a search for a country's prefix finds nearly all of them.
    bits: Vec<u64>,
}

/// With more numbers than this a walk over the rows meets one soon enough.
const MOST_PLACES: usize = 1000;

/// Where the bit of a number is.
fn bit(place: i64) -> Option<(usize, u64)> {
    let place = usize::try_from(place).ok()?;
    Some((place / 64, 1 << (place % 64)))
}

/// Nothing when no record has such a number.
pub(super) fn find(
    connection: &Connection,
    wanted: &NumberMatch,
) -> Result<Option<Numbers>, rusqlite::Error> {
    let places = match wanted {
        NumberMatch::Exact(number) => names::known_number(connection, number)?.into_iter().collect(),
        NumberMatch::Prefix(part) => match names::few_numbers_from(connection, part, MOST_PLACES)? {
            Some(few) => few,
            None => names::numbers_with(connection, part, At::Start)?,
        },
        NumberMatch::Suffix(part) => names::numbers_with(connection, part, At::End)?,
        NumberMatch::Any(part) => names::numbers_with(connection, part, At::Anywhere)?,
    };
    Ok((!places.is_empty()).then(|| Numbers::of(places)))
}

impl Numbers {
    fn of(places: Vec<i64>) -> Self {
        let mut bits = Vec::new();
        for (word, bit) in places.iter().copied().filter_map(bit) {
            if bits.len() <= word {
                bits.resize(word + 1, 0);
            }
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        Self { places, bits }
    }

    /// Whether a row's caller, dialled number or callee is one of them.
    pub(super) fn has(&self, roles: [Option<i64>; 3]) -> bool {
        roles
            .into_iter()
            .flatten()
            .filter_map(bit)
            .any(|(word, bit)| self.bits.get(word).is_some_and(|word| word & bit != 0))
    }

    /// The rows that have one of the numbers and fit in what the numbers' indexes tell, ascending, when there are at
    /// most `most`; else nothing, and a walk meets them often.
    pub(super) fn rows(
        &self,
        connection: &Connection,
        sought: &Sought,
        most: usize,
    ) -> Result<Option<Vec<Entry>>, rusqlite::Error> {
        if self.places.len() > MOST_PLACES {
            return Ok(None);
        }
        let places = self.as_json();
        let mut found = Vec::new();
        for role in Role::ALL {
            let room = most - found.len() + 1;
            let numbers = Value::from(places.clone());
            found.append(&mut entry::read(
                connection,
                &entry::having(role),
                numbers,
                sought,
                room,
            )?);
            if found.len() > most {
                return Ok(None);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(Some(found))
    }

    fn as_json(&self) -> String {
        let places: Vec<String> = self.places.iter().map(i64::to_string).collect();
        format!("[{}]", places.join(","))
    }

    /// The `most` rows of a single number that began last, followed through its indexes; nothing when there are
    /// several.
    pub(super) fn newest_of_one(
        &self,
        connection: &Connection,
        sought: &Sought,
        most: usize,
    ) -> Result<Option<Vec<Entry>>, rusqlite::Error> {
        let [place] = self.places.as_slice() else {
            return Ok(None);
        };
        let mut found = Vec::new();
        for role in Role::ALL {
            let number = Value::from(*place);
            let sql = entry::newest_having(role);
            found.append(&mut entry::read(connection, &sql, number, sought, most)?);
        }
        found.sort_unstable_by_key(|entry| Reverse((entry.started_ms, entry.seq)));
        found.dedup();
        found.truncate(most);
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_among_its_neighbours() {
        let numbers = Numbers::of(vec![1, 63, 64, 700]);
        for place in 0..1000 {
            let is_one = [1, 63, 64, 700].contains(&place);
            assert_eq!(numbers.has([Some(5000), Some(place), None]), is_one, "{place}");
        }
        assert!(!numbers.has([None, Some(-1), Some(i64::MAX)]));
    }
}
