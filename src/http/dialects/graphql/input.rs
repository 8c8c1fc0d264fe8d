use super::record::{CallDirection, CallStatus};
use super::scalar::Moment;
use super::trouble::coded;
use crate::http::dialects::OneposConfig;
use crate::store::{CdrFilter, NumberMatch, OriginMatch};
use async_graphql::{Error, InputObject};

/// Most rows of one page.
pub(super) const MOST_ROWS: u64 = 200;
/// Longest text to search for, in characters.
const MAX_TEXT: usize = 64;

/// Which page of a list.
#[derive(Debug, Clone, Copy, InputObject)]
pub(super) struct PaginationInput {
    /// From 1.
    #[graphql(default = 1)]
    page: i32,
    /// Rows on a page, 1 to 200.
    #[graphql(default = 20)]
    limit: i32,
}

/// A page that makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) page: u64,
    pub(super) limit: u64,
}

impl PaginationInput {
    pub(super) fn place(self) -> Result<Place, Error> {
        let page = u64::try_from(self.page).ok().filter(|page| *page >= 1);
        let limit = u64::try_from(self.limit)
            .ok()
            .filter(|limit| (1..=MOST_ROWS).contains(limit));
        match (page, limit) {
            (Some(page), Some(limit)) => Ok(Place { page, limit }),
            (None, _) => Err(coded("bad_request", "`page` counts from 1.")),
            (_, None) => Err(coded(
                "bad_request",
                &format!("`limit` must be between 1 and {MOST_ROWS}."),
            )),
        }
    }
}

impl Place {
    /// Rows before the page.
    pub(super) fn offset(self) -> u64 {
        (self.page - 1) * self.limit
    }

    /// How many pages so many rows make.
    pub(super) fn pages(self, total: u64) -> u64 {
        total.div_ceil(self.limit)
    }
}

/// Which call records; every field narrows.
#[derive(Debug, Default, InputObject)]
pub(super) struct CallCenterRecordFiltersInput {
    /// Which way the call went.
    direction: Option<CallDirection>,
    /// How it went.
    call_status: Option<CallStatus>,
    /// Another name of `callStatus`.
    status: Option<CallStatus>,
    /// A part of the caller's, the dialled or the answering number.
    phone_number: Option<String>,
    /// Another name of `phoneNumber`.
    search: Option<String>,
    /// Calls that started then or later.
    from_date: Option<Moment>,
    /// Calls that started then or earlier.
    to_date: Option<Moment>,
    /// Calls with exactly this number or extension.
    extension: Option<String>,
    /// Calls this agent took.
    agent: Option<String>,
    /// Calls for which this group was rung last.
    group: Option<String>,
    /// Calls first seen by the PBX of this name.
    origin: Option<String>,
}

impl CallCenterRecordFiltersInput {
    /// The filter for the store, one page of it. Direction and status are those that the record shows.
    pub(super) fn filter(self, place: Place, config: &OneposConfig) -> Result<CdrFilter, Error> {
        let part = text("phoneNumber", self.phone_number.or(self.search))?.map(NumberMatch::Any);
        let whole = text("extension", self.extension)?.map(NumberMatch::Exact);
        if part.is_some() && whole.is_some() {
            return Err(coded(
                "bad_request",
                "Search by `phoneNumber` or by `extension`, not by both.",
            ));
        }
        let direction = self
            .direction
            .map(|direction| direction.of_the_house(config.internal_as));
        let status = self
            .call_status
            .or(self.status)
            .map(|status| status.of_the_house(config.voicemail_as));
        Ok(CdrFilter {
            limit: usize::try_from(place.limit).unwrap_or(usize::MAX),
            offset: place.offset(),
            count: true,
            newest_first: true,
            by_start: true,
            latest_only: true,
            from_ms: self.from_date.map(|moment| moment.0),
            to_ms: self.to_date.map(|moment| moment.0),
            direction: direction.map(|(direction, _)| direction),
            or_direction: direction.and_then(|(_, internal)| internal),
            status: status.map(|(status, _)| status),
            or_status: status.and_then(|(_, voicemail)| voicemail),
            number: part.or(whole),
            agent: text("agent", self.agent)?.map(|agent| agent.as_str().into()),
            group: text("group", self.group)?.map(|group| group.as_str().into()),
            origin: text("origin", self.origin)?.map(OriginMatch::Source),
            ..CdrFilter::default()
        })
    }
}

fn text(name: &str, given: Option<String>) -> Result<Option<String>, Error> {
    match given {
        Some(text) if text.chars().count() > MAX_TEXT => {
            let cure = format!("`{name}` must have at most {MAX_TEXT} characters.");
            Err(coded("bad_request", &cure))
        }
        Some(text) if text.trim().is_empty() => Ok(None),
        Some(text) => Ok(Some(text.trim().to_owned())),
        None => Ok(None),
    }
}
