use super::entry::{self, Entry, Role};
use super::filter::{CdrFilter, OriginMatch};
use super::numbers::{self, Numbers};
use crate::model::Direction;
use crate::store::tables::names;
use crate::store::tables::tallies::{DayView, Kind, Tally, direction_code, status_code};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// What is asked for, in the words of the tables.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) from_ms: Option<i64>,
    pub(super) to_ms: Option<i64>,
    pub(super) latest_only: bool,
    pub(super) numbers: Option<Numbers>,
    facets: Vec<Facet>,
}

/// One column that has to have one value, or to be without one.
#[derive(Debug)]
struct Facet {
    which: Which,
    value: Is,
}

/// What a column has to be.
#[derive(Debug, Clone, Copy)]
enum Is {
    This(i64),
    NotThis(i64),
    /// One of the two.
    OneOf(i64, i64),
    Empty,
}

impl Is {
    fn one_of(value: i64, or: Option<i64>) -> Self {
        or.map_or(Self::This(value), |or| Self::OneOf(value, or))
    }
}

/// A column that lists narrow by.
#[derive(Debug, Clone, Copy)]
enum Which {
    Caller,
    Dialed,
    Agent,
    Group,
    Origin,
    Status,
    Direction,
}

impl Sought {
    /// Nothing when a name or number is asked for that no record has.
    pub(super) fn resolve(
        connection: &Connection,
        filter: &CdrFilter,
    ) -> Result<Option<Self>, rusqlite::Error> {
        let mut facets = Vec::new();
        // In the order of how few rows they usually leave: the first one's index is walked.
        let agent = filter.agent.as_ref().map(|agent| agent.as_str());
        let group = filter.group.as_ref().map(|group| group.as_str());
        let (source, own) = match &filter.origin {
            None => (None, false),
            Some(OriginMatch::Own) => (None, true),
            Some(OriginMatch::Source(source)) => (Some(source.as_str()), false),
        };
        for (which, number) in [(Which::Caller, &filter.caller), (Which::Dialed, &filter.dialed)] {
            let Some(number) = number else { continue };
            let Some(place) = names::known_number(connection, number)? else {
                return Ok(None);
            };
            let value = Is::This(place);
            facets.push(Facet { which, value });
        }
        for (which, name) in [
            (Which::Agent, agent),
            (Which::Group, group),
            (Which::Origin, source),
        ] {
            let Some(name) = name else { continue };
            let Some(place) = names::known_word(connection, name)? else {
                return Ok(None);
            };
            let value = Is::This(place);
            facets.push(Facet { which, value });
        }
        let mut also = |which, value: Option<Is>| facets.extend(value.map(|value| Facet { which, value }));
        let or_status = filter.or_status.map(status_code);
        also(
            Which::Status,
            filter
                .status
                .map(|status| Is::one_of(status_code(status), or_status)),
        );
        let or_direction = filter.or_direction.map(direction_code);
        also(
            Which::Direction,
            filter
                .direction
                .map(|direction| Is::one_of(direction_code(direction), or_direction)),
        );
        let internal = direction_code(Direction::Internal);
        also(
            Which::Direction,
            filter.without_internal.then_some(Is::NotThis(internal)),
        );
        also(Which::Origin, own.then_some(Is::Empty));
        // One of two values, or a number, is no walk along an index in the rows' order, so it never leads.
        facets.sort_by_key(|facet| matches!(facet.value, Is::OneOf(..)) || !facet.which.is_tallied());
        let numbers = match &filter.number {
            None => None,
            Some(number) => match numbers::find(connection, number)? {
                None => return Ok(None),
                found => found,
            },
        };
        Ok(Some(Self {
            from_ms: filter.from_ms,
            to_ms: filter.to_ms,
            latest_only: filter.latest_only,
            numbers,
            facets,
        }))
    }

    /// Whether only some rows can match, so that it pays to know which.
    pub(super) fn narrows(&self) -> bool {
        !self.facets.is_empty() || self.from_ms.is_some() || self.to_ms.is_some()
    }

    /// What a row of cdrs has to fulfil, its numbers aside. `walked` names the column whose index leads the way; the
    /// others are kept from leading by a plus sign.
    pub(super) fn conditions(&self, walked: Walk) -> (String, Vec<Value>) {
        let mut sql = String::new();
        let mut values = Vec::new();
        for (place, facet) in self.facets.iter().enumerate() {
            let leads = walked == Walk::Facet
                && place == 0
                && facet.which.is_tallied()
                && matches!(facet.value, Is::This(_));
            sql.push_str(if leads { " AND " } else { " AND +" });
            sql.push_str(facet.which.column());
            match facet.value {
                Is::This(value) => {
                    sql.push_str(" = ?");
                    values.push(value.into());
                }
                Is::NotThis(value) => {
                    sql.push_str(" <> ?");
                    values.push(value.into());
                }
                Is::OneOf(value, or) => {
                    sql.push_str(" IN (?, ?)");
                    values.extend([value.into(), or.into()]);
                }
                Is::Empty => sql.push_str(" IS NULL"),
            }
        }
        let start = if walked == Walk::Start {
            " AND started_ms"
        } else {
            " AND +started_ms"
        };
        for (compare, limit) in [(" >= ?", self.from_ms), (" <= ?", self.to_ms)] {
            if let Some(limit) = limit {
                sql.push_str(start);
                sql.push_str(compare);
                values.push(limit.into());
            }
        }
        if self.latest_only {
            sql.push_str(" AND +latest = 1");
        }
        (sql, values)
    }

    /// Whether the tallies of the days tell how many rows match, their times and numbers aside.
    pub(super) fn is_tallied(&self) -> bool {
        self.facets.iter().all(|facet| facet.which.is_tallied())
    }

    /// From the first to the last moment that is asked for, in ms since 1970.
    pub(super) fn whole(&self) -> (i64, i64) {
        (self.from_ms.unwrap_or(i64::MIN), self.to_ms.unwrap_or(i64::MAX))
    }

    /// The rows with the caller or dialled number that is asked for, when one is and has at most `most`, ascending,
    /// and whether they have to be looked at for something else that is asked for.
    pub(super) fn few_rows(
        &self,
        connection: &Connection,
        most: usize,
    ) -> Result<Option<(Vec<Entry>, Unsure)>, rusqlite::Error> {
        for facet in &self.facets {
            let (role, place) = match (facet.which, facet.value) {
                (Which::Caller, Is::This(place)) => (Role::Caller, place),
                (Which::Dialed, Is::This(place)) => (Role::Dialed, place),
                _other => continue,
            };
            let sql = entry::newest_having(role);
            let mut found = entry::read(connection, &sql, Value::from(place), self, most + 1)?;
            if found.len() <= most {
                found.sort_unstable();
                let told = 1 + usize::from(self.status().is_some());
                return Ok(Some((found, Unsure(self.facets.len() > told))));
            }
        }
        Ok(None)
    }

    /// Those of these rows that match, when the index of their number did not tell all that is asked for.
    pub(super) fn matching(
        &self,
        connection: &Connection,
        mut entries: Vec<Entry>,
        unsure: Unsure,
    ) -> Result<Vec<Entry>, rusqlite::Error> {
        if !unsure.0 {
            return Ok(entries);
        }
        let (conditions, values) = self.conditions(Walk::Rows);
        let sql = ["SELECT 1 FROM cdrs WHERE seq = ?", &conditions].concat();
        let mut select = connection.prepare_cached(&sql)?;
        let mut trouble = None;
        entries.retain(|entry| {
            let all = std::iter::once(Value::from(entry.seq)).chain(values.iter().cloned());
            let fits = select.exists(params_from_iter(all));
            fits.unwrap_or_else(|error| {
                trouble = Some(error);
                false
            })
        });
        trouble.map_or(Ok(entries), Err)
    }

    /// What the index of a number leaves open.
    pub(super) fn unsure(&self) -> Unsure {
        Unsure(self.facets.len() > usize::from(self.status().is_some()))
    }

    /// The status that is asked for, and the one that will do as well.
    pub(super) fn status(&self) -> Option<(i64, i64)> {
        let of_status = |facet: &&Facet| matches!(facet.which, Which::Status);
        match self.facets.iter().find(of_status)?.value {
            Is::This(value) => Some((value, value)),
            Is::OneOf(value, or) => Some((value, or)),
            Is::NotThis(_) | Is::Empty => None,
        }
    }

    /// Whether a day has rows that match, its time and numbers aside.
    pub(super) fn has_some(&self, day: DayView<'_>) -> bool {
        day.tallies()
            .any(|tally| self.fits(&tally.kind) && self.rows(&tally) > 0)
    }

    /// How many rows of a day match, its time and numbers aside.
    pub(super) fn count(&self, day: DayView<'_>) -> u64 {
        let counts = day.tallies().filter(|tally| self.fits(&tally.kind));
        u64::try_from(counts.map(|tally| self.rows(&tally)).sum::<i64>()).unwrap_or(0)
    }

    fn rows(&self, tally: &Tally) -> i64 {
        if self.latest_only {
            tally.latest
        } else {
            tally.filed
        }
    }

    fn fits(&self, kind: &Kind) -> bool {
        self.facets
            .iter()
            .all(|facet| match (facet.which.of(kind), facet.value) {
                // What is not tallied does not speak against a day.
                (None, _) => true,
                (Some(has), Is::This(value)) => has == value,
                (Some(has), Is::NotThis(value)) => has != value,
                (Some(has), Is::OneOf(value, or)) => has == value || has == or,
                (Some(has), Is::Empty) => has == 0,
            })
    }
}

impl Which {
    fn column(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Dialed => "dialed",
            Self::Agent => "agent",
            Self::Group => "ring_group",
            Self::Origin => "origin",
            Self::Status => "status",
            Self::Direction => "direction",
        }
    }

    fn is_tallied(self) -> bool {
        match self {
            Self::Caller | Self::Dialed => false,
            Self::Agent | Self::Group | Self::Origin | Self::Status | Self::Direction => true,
        }
    }

    /// What a kind says of the column; 0 stands for "none".
    fn of(self, kind: &Kind) -> Option<i64> {
        match self {
            Self::Caller | Self::Dialed => None,
            Self::Agent => Some(kind.agent),
            Self::Group => Some(kind.group),
            Self::Origin => Some(kind.origin),
            Self::Status => Some(kind.status),
            Self::Direction => Some(kind.direction),
        }
    }
}

/// Whether the rows themselves have to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsure(bool);

/// Which index leads the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// The rows themselves, in their order.
    Rows,
    /// The index of the first facet, whose entries are in the rows' order.
    Facet,
    /// The index of the starts.
    Start,
}
