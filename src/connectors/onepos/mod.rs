//! The call records of a PBX that speaks `GET …/api/v2/cdrs` (onepos, FusionPBX style): `wire/cdr-pull-onepos.md`.

mod address;
mod answer;
mod client;
mod fields;
mod probe;
mod raw;
mod row;

pub use address::{local_time, page_url, recording_url};
pub use answer::{Answer, read_answer};
pub use client::{Ask, Client, Pace, Trouble, Way};
pub(crate) use probe::probe;
pub use probe::{Step, StepName};
pub use raw::RAW_BYTES;
pub use row::{Bad, Row, read_row};
