use super::pins::PinDesk;
use crate::http::Destinations;
use crate::store::{Outbox, PinRow, StoreError};
use crate::upstream::Waker;
use std::sync::{Arc, OnceLock};

/// What people may do about destinations, for the HTTP room.
pub(super) struct Desk {
    pub(super) outbox: Outbox,
    pub(super) pins: Arc<PinDesk>,
    /// Set when the forwarders run.
    pub(super) waker: Arc<OnceLock<Waker>>,
}

impl Desk {
    fn hurry(&self) {
        if let Some(waker) = self.waker.get() {
            waker.hurry();
        }
    }
}

impl Destinations for Desk {
    fn enable(&self, upstream: &str) -> Result<bool, StoreError> {
        let found = self.outbox.enable(upstream)?;
        self.hurry();
        Ok(found)
    }

    fn pins(&self) -> Vec<PinRow> {
        self.pins.all()
    }

    fn accept_key(&self, upstream: &str) -> Result<Option<PinRow>, StoreError> {
        let Some(accepted) = self.pins.accept(upstream) else {
            return Ok(None);
        };
        self.outbox.enable(upstream)?;
        self.hurry();
        Ok(Some(accepted))
    }
}
