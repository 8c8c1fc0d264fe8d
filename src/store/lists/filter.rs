use crate::model::{AgentId, Cdr, Direction, GroupName, Status};

/// Which call records to list. Filters only narrow; the order is that of `seq`, or of the start with
/// [`CdrFilter::by_start`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdrFilter {
    /// Only rows beyond this `seq`: higher ones, or lower ones when the newest come first.
    pub after: Option<u64>,
    /// The most rows to return; 1 to [`CdrFilter::MOST`].
    pub limit: usize,
    /// Only calls that started at this wall-clock time (ms since 1970) or later.
    pub from_ms: Option<i64>,
    /// Only calls that started at this wall-clock time (ms since 1970) or earlier.
    pub to_ms: Option<i64>,
    /// Only calls that went like this.
    pub status: Option<Status>,
    /// Beside `status`: or like this.
    pub or_status: Option<Status>,
    /// Only calls that went this way.
    pub direction: Option<Direction>,
    /// Beside `direction`: or this way.
    pub or_direction: Option<Direction>,
    /// Only calls with such a number as caller, dialled number or callee.
    pub number: Option<NumberMatch>,
    /// Only calls from exactly this number.
    pub caller: Option<String>,
    /// Only calls to exactly this dialled number.
    pub dialed: Option<String>,
    /// Only calls that are not between two phones of this box.
    pub without_internal: bool,
    /// Only calls that this person took.
    pub agent: Option<AgentId>,
    /// Only calls for which this group was rung last.
    pub group: Option<GroupName>,
    /// Only records that were first written here, or there.
    pub origin: Option<OriginMatch>,
    /// Only the newest version of each record, so that a call is listed once.
    pub latest_only: bool,
    /// Descending, as pages show it.
    pub newest_first: bool,
    /// In the order of the calls' start in place of `seq`, for people who turn pages by number: a record fetched
    /// late then stands where it belongs. `after` is not used.
    pub by_start: bool,
    /// So many matching rows are passed over first; for lists with page numbers.
    pub offset: u64,
    /// Whether [`CdrPage::total`] is wanted.
    pub count: bool,
}

/// How a number has to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberMatch {
    /// This and nothing else.
    Exact(String),
    /// It begins like this.
    Prefix(String),
    /// It ends like this.
    Suffix(String),
    /// It has this somewhere.
    Any(String),
}

/// Who wrote a record first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginMatch {
    /// This box, about its own calls.
    Own,
    /// The source of this name.
    Source(String),
}

impl CdrFilter {
    /// The most rows of one page.
    pub const MOST: usize = 1000;
    /// The most calls that a search for a number puts on numbered pages.
    pub const MOST_NUMBERED: usize = 2000;
}

impl Default for CdrFilter {
    fn default() -> Self {
        Self {
            after: None,
            limit: 200,
            from_ms: None,
            to_ms: None,
            status: None,
            or_status: None,
            direction: None,
            or_direction: None,
            number: None,
            caller: None,
            dialed: None,
            without_internal: false,
            agent: None,
            group: None,
            origin: None,
            latest_only: false,
            newest_first: false,
            by_start: false,
            offset: 0,
            count: false,
        }
    }
}

/// One page of call records.
#[derive(Debug, Clone, PartialEq)]
pub struct CdrPage {
    /// The records with their `seq`, in the order asked for.
    pub items: Vec<(u64, Cdr)>,
    /// Whether more rows match beyond the last one.
    pub has_more: bool,
    /// The `seq` to continue after: of the last row looked at, also when that row could not be read.
    pub last_seq: Option<u64>,
    /// The lowest `seq` there is, whatever the filter.
    pub oldest_seq: Option<u64>,
    /// The highest `seq` there is, whatever the filter.
    pub latest_seq: Option<u64>,
    /// How many rows match in all, when that was asked for.
    pub total: Option<u64>,
    /// Set when `total` is only the least it can be: a search for a number that very many calls have counts, and
    /// gives page numbers to, the newest [`CdrFilter::MOST_NUMBERED`] of them. Lists by `after` reach all.
    pub total_is_least: bool,
}
