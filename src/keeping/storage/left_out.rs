//! In place of the clouds, in a build without them: `callpost check` has told already.

use super::Storage;
use super::file::Source;
use super::pace::Pace;
use super::target::{Progress, Same, Trouble};
use crate::egress::Egress;
use std::convert::Infallible;
use std::sync::Arc;

/// There is none.
#[derive(Debug)]
pub(in crate::keeping) struct Cloud(Infallible);

impl Cloud {
    pub(super) fn open(_storage: &Storage, _egress: &Egress, _pace: Arc<Pace>) -> Result<Self, Trouble> {
        Err(Trouble("this build has no cloud storage".to_owned()))
    }

    pub(super) async fn send(&self, _: &str, _: &Source, _: &mut dyn Progress) -> Result<(), Trouble> {
        match self.0 {}
    }

    pub(super) async fn compare(&self, _: &str, _: &Source) -> Result<Same, Trouble> {
        match self.0 {}
    }

    pub(super) async fn put_small(&self, _: &str, _: &[u8]) -> Result<(), Trouble> {
        match self.0 {}
    }

    pub(super) async fn read_at(&self, _: &str, _: u64, _: u64) -> Result<bytes::Bytes, Trouble> {
        match self.0 {}
    }

    pub(super) async fn read_small(&self, _: &str) -> Result<Vec<u8>, Trouble> {
        match self.0 {}
    }

    pub(super) async fn delete(&self, _: &str) -> Result<(), Trouble> {
        match self.0 {}
    }
}
