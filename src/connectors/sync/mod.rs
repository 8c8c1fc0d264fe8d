//! Fetching the call records of a PBX beside us: which sources there are, when they are asked, how a fetch goes on
//! page by page, and what people are told about it. [`SyncDesk`] is the face of all of it.

mod advice;
mod alarms;
mod clockwork;
mod desk;
mod fetch;
mod office;
mod quarantine;
mod range;
mod record;
mod schedule;
mod settings;
mod view;
mod words;

pub use advice::Advice;
pub use alarms::{SyncAlarm, SyncTrouble, SyncWatch};
pub use desk::{DeskError, Setup, StartError, SyncDesk, Wish};
pub use schedule::Schedule;
pub use settings::{Fault, FileSource, Patch, Settings, SyncMode, USUAL_CRON};
pub use view::{
    ChangeView, LogView, LogViews, Progress, QuarantineView, QuarantineViews, Skip, SourceView, Stats,
};
