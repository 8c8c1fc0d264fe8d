use crate::model::{Entry, TapeDone};
use crate::store::journal::Durability;
use rusqlite::Connection;

/// What reaches the writer.
pub(in crate::store) enum Job {
    /// From the engine.
    Entry(Entry),
    /// From the recorder.
    Tape(TapeDone),
    /// A change of another table, with somebody waiting for its outcome.
    Work(Durability, Work),
    /// Older rows came over from a database that was set aside: forwarders want to look again.
    TellAgain,
    /// The wall clock was set for the first time in this run.
    ClockSet {
        /// How far it had been behind.
        behind_ms: i64,
    },
    /// Other destinations from now on.
    Upstreams(Vec<String>),
    /// Nothing but a turn of the loop: somebody wants to see that it comes round.
    Nudge,
    /// Nothing comes after this.
    Stop,
}

impl Job {
    /// Whether it may wait for company, so that nobody has to be woken for it.
    pub(in crate::store) fn may_wait(&self) -> bool {
        match self {
            Self::Entry(
                Entry::CallNoted(_) | Entry::Bound(_) | Entry::Refreshed(_) | Entry::Unbound { .. },
            )
            | Self::Work(Durability::Patient, _) => true,
            Self::Entry(
                Entry::CallOpened { .. }
                | Entry::CallClosed(_)
                | Entry::RecordingOpened(_)
                | Entry::MessageLeft { .. }
                | Entry::MessageMarked { .. }
                | Entry::MessageHeard { .. }
                | Entry::GreetingSet { .. },
            )
            | Self::Work(Durability::AtOnce | Durability::Synced, _)
            | Self::Tape(_)
            | Self::TellAgain
            | Self::Nudge
            | Self::ClockSet { .. }
            | Self::Upstreams(_)
            | Self::Stop => false,
        }
    }
}

/// A change to make inside the next transaction, or the reason why there is none.
pub(in crate::store) type Work = Box<dyn FnOnce(Result<&Connection, &str>) -> Ran + Send>;

/// Tells the one who waits how the commit went.
pub(in crate::store) type After = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// What became of a [`Work`].
pub(in crate::store) struct Ran {
    /// Whether its change is to be kept.
    pub(in crate::store) went_well: bool,
    /// To be called after the commit.
    pub(in crate::store) after: After,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Entry(_) => "Entry",
            Self::Tape(_) => "Tape",
            Self::Work(..) => "Work",
            Self::TellAgain => "TellAgain",
            Self::ClockSet { .. } => "ClockSet",
            Self::Upstreams(_) => "Upstreams",
            Self::Nudge => "Nudge",
            Self::Stop => "Stop",
        })
    }
}
