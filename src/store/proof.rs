use super::StoreError;
use super::seqs::{SeqRange, Seqs};
use super::tables::parked::{self, Aside};
use super::tables::ranges::{self, Kind};
use super::tables::{cdrs, outbox, signed, unsigned};
use rusqlite::{Connection, params};
use serde::Serialize;

/// The proof of delivery: what became of every record of a range that was meant for a destination. Each is counted
/// once: `filed = acknowledged + pending + parked + dropped + deleted_unacknowledged + gaps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The destination.
    pub upstream: String,
    /// The first record looked at.
    pub from_seq: u64,
    /// The last record looked at; never beyond the newest.
    pub to_seq: u64,
    /// Records of the range that were meant for this destination.
    pub filed: u64,
    /// Those it was sent at least once.
    pub sent: u64,
    /// Those it has acknowledged.
    pub acknowledged: u64,
    /// Those that wait or are under way.
    pub pending: u64,
    /// Those it will not take.
    pub parked: u64,
    /// Those a person gave up.
    pub dropped: u64,
    /// Those that are no longer kept, deleted at the hard cap or lost with a damaged file, without its
    /// acknowledgement.
    pub deleted_unacknowledged: u64,
    /// Those that are kept and still in none of these places. 0, or something is wrong with this program.
    pub gaps: u64,
    /// Acknowledged ones that wait again after a replay.
    pub replaying: u64,
    /// Records of the range that were filed while the destination was not enabled.
    pub not_meant: u64,
    /// Where they are.
    pub ranges: ProofRanges,
}

/// The ranges behind the counts, oldest first and at most [`ProofRanges::MOST`] of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProofRanges {
    /// Of `acknowledged`.
    pub acknowledged: Vec<SeqRange>,
    /// Of `pending`.
    pub pending: Vec<SeqRange>,
    /// Of `parked`.
    pub parked: Vec<SeqRange>,
    /// Of `dropped`.
    pub dropped: Vec<SeqRange>,
    /// Of `deleted_unacknowledged`.
    pub deleted_unacknowledged: Vec<SeqRange>,
    /// Of `gaps`.
    pub gaps: Vec<SeqRange>,
    /// Whether any list was cut.
    pub cut: bool,
}

impl ProofRanges {
    /// The most ranges of each kind.
    pub const MOST: usize = 100;

    fn of(&mut self, seqs: &Seqs) -> Vec<SeqRange> {
        self.cut |= seqs.ranges().len() > Self::MOST;
        seqs.ranges().iter().take(Self::MOST).copied().collect()
    }
}

/// Looks at one moment of the database; `None` for a destination nobody has named.
pub(super) fn proof(
    connection: &Connection,
    name: &str,
    from: u64,
    to: u64,
) -> Result<Option<Proof>, StoreError> {
    // One transaction, so that a record on its way from one table to the other is seen once.
    let moment = connection.unchecked_transaction()?;
    let Some(upstream) = outbox::known(&moment, name)? else {
        return Ok(None);
    };
    let from = from.max(1);
    let to = to.min(cdrs::highest_filed(&moment)?);
    let all = Seqs::span(from, to);
    let meant = ranges::between(&moment, upstream, Kind::Meant, from, to)?;
    let delivered = ranges::between(&moment, upstream, Kind::Delivered, from, to)?;
    let queue = queued(&moment, upstream, from, to)?;

    let acknowledged = delivered.and(&meant);
    let rest = meant.minus(&acknowledged);
    let pending = queue.waiting.and(&rest);
    let rest = rest.minus(&pending);
    let parked = parked::seqs(&moment, Aside::Parked, upstream, from, to)?.and(&rest);
    let rest = rest.minus(&parked);
    let dropped = parked::seqs(&moment, Aside::Dropped, upstream, from, to)?.and(&rest);
    let rest = rest.minus(&dropped);
    let gaps = kept(&moment, &rest)?;
    let deleted = rest.minus(&gaps);

    let mut shown = ProofRanges::default();
    shown.acknowledged = shown.of(&acknowledged);
    shown.pending = shown.of(&pending);
    shown.parked = shown.of(&parked);
    shown.dropped = shown.of(&dropped);
    shown.deleted_unacknowledged = shown.of(&deleted);
    shown.gaps = shown.of(&gaps);
    let tried = queue.tried.and(&pending).count();
    Ok(Some(Proof {
        upstream: name.to_owned(),
        from_seq: from,
        to_seq: to,
        filed: meant.count(),
        sent: acknowledged.count() + tried + parked.count() + dropped.count(),
        acknowledged: acknowledged.count(),
        pending: pending.count(),
        parked: parked.count(),
        dropped: dropped.count(),
        deleted_unacknowledged: deleted.count(),
        gaps: gaps.count(),
        replaying: queue.waiting.and(&acknowledged).count(),
        not_meant: all.minus(&meant).count(),
        ranges: shown,
    }))
}

/// What the outbox holds for a destination.
struct Queued {
    waiting: Seqs,
    /// Those of them that left at least once.
    tried: Seqs,
}

fn queued(connection: &Connection, upstream: i64, from: u64, to: u64) -> Result<Queued, rusqlite::Error> {
    let mut select = connection.prepare_cached(
        "SELECT seq, attempts > 0 OR state = 'in_flight' FROM outbox
         WHERE upstream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
    )?;
    let mut rows = select.query(params![upstream, signed(from), signed(to)])?;
    let mut queued = Queued {
        waiting: Seqs::default(),
        tried: Seqs::default(),
    };
    while let Some(row) = rows.next()? {
        let seq = unsigned(row.get(0)?);
        queued.waiting.push(seq);
        if row.get(1)? {
            queued.tried.push(seq);
        }
    }
    Ok(queued)
}

/// Those of these that the table of records still holds.
fn kept(connection: &Connection, seqs: &Seqs) -> Result<Seqs, rusqlite::Error> {
    let mut kept = Seqs::default();
    let mut select =
        connection.prepare_cached("SELECT seq FROM cdrs WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq")?;
    for range in seqs.ranges() {
        let mut rows = select.query(params![signed(range.from_seq), signed(range.to_seq)])?;
        while let Some(row) = rows.next()? {
            kept.push(unsigned(row.get(0)?));
        }
    }
    Ok(kept)
}
