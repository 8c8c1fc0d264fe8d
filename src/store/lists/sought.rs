use super::filter::{CdrFilter, OriginMatch};
use super::numbers::{self, Numbers};
use crate::store::tables::names;
use crate::store::tables::tallies::{Day, Kind, direction_code, status_code};
use rusqlite::Connection;
use rusqlite::types::Value;

/// What is asked for, in the words of the tables.
#[derive(Debug)]
pub(super) struct Sought {
    pub(super) from_ms: Option<i64>,
    pub(super) to_ms: Option<i64>,
    pub(super) latest_only: bool,
    pub(super) numbers: Option<Numbers>,
    facets: Vec<Facet>,
}

/// One column that has to have one value; `None`: none.
#[derive(Debug)]
struct Facet {
    which: Which,
    value: Option<i64>,
}

/// A column that lists narrow by.
#[derive(Debug, Clone, Copy)]
enum Which {
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
        for (which, name) in [
            (Which::Agent, agent),
            (Which::Group, group),
            (Which::Origin, source),
        ] {
            let Some(name) = name else { continue };
            let Some(place) = names::known_word(connection, name)? else {
                return Ok(None);
            };
            let value = Some(place);
            facets.push(Facet { which, value });
        }
        let status = filter.status.map(status_code);
        let direction = filter.direction.map(direction_code);
        for (which, value) in [(Which::Status, status), (Which::Direction, direction)] {
            if value.is_some() {
                facets.push(Facet { which, value });
            }
        }
        if own {
            facets.push(Facet {
                which: Which::Origin,
                value: None,
            });
        }
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
            let leads = walked == Walk::Facet && place == 0 && facet.value.is_some();
            sql.push_str(if leads { " AND " } else { " AND +" });
            sql.push_str(facet.which.column());
            match facet.value {
                Some(value) => {
                    sql.push_str(" = ?");
                    values.push(value.into());
                }
                None => sql.push_str(" IS NULL"),
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

    /// How many rows of a day match, its time and numbers aside.
    pub(super) fn count(&self, day: &Day) -> u64 {
        let fits = |kind: &Kind| {
            self.facets
                .iter()
                .all(|facet| facet.which.of(kind) == facet.value.unwrap_or(0))
        };
        let counts = day.tallies.iter().filter(|tally| fits(&tally.kind));
        let count: i64 = counts
            .map(|tally| {
                if self.latest_only {
                    tally.latest
                } else {
                    tally.filed
                }
            })
            .sum();
        u64::try_from(count).unwrap_or(0)
    }
}

impl Which {
    fn column(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Group => "ring_group",
            Self::Origin => "origin",
            Self::Status => "status",
            Self::Direction => "direction",
        }
    }

    fn of(self, kind: &Kind) -> i64 {
        match self {
            Self::Agent => kind.agent,
            Self::Group => kind.group,
            Self::Origin => kind.origin,
            Self::Status => kind.status,
            Self::Direction => kind.direction,
        }
    }
}

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
