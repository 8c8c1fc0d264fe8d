//! What was up before a change, and whether it is up after it.

use crate::config::Config;
use crate::engine::Snapshot;
use crate::model::Stamp;
use std::collections::BTreeSet;
use std::time::Instant;

/// A change that may still be taken back by the box itself.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// Which of all trials: a later change begins another one.
    pub(super) number: u64,
    pub(super) since: Stamp,
    pub(super) until: Instant,
    pub(super) seconds: u32,
    pub(super) wants_confirmation: bool,
    pub(super) returns_to: u64,
    /// What was up before: `trunk pbx`, `phone 1001`.
    pub(super) up: BTreeSet<String>,
}

/// The trunks that answer or have us registered, and the phones that are there.
pub(super) fn up(snapshot: &Snapshot) -> BTreeSet<String> {
    let trunks = snapshot
        .trunks
        .iter()
        .filter(|trunk| trunk.state != "down" && trunk.registration != "refused")
        .filter(|trunk| trunk.state == "up" || trunk.registration == "registered")
        .map(|trunk| format!("trunk {}", trunk.name));
    let phones = snapshot
        .registrations
        .iter()
        .filter(|phone| phone.state != "unreachable")
        .map(|phone| format!("phone {}", phone.extension));
    trunks.chain(phones).collect()
}

/// What was up before, is still configured, and is not up now. A trunk that is neither asked nor registered with any more
/// cannot be known to be up, and is not missed.
pub(super) fn missing(before: &BTreeSet<String>, snapshot: &Snapshot, config: &Config) -> Vec<String> {
    let now = up(snapshot);
    let trunks = config.trunks.iter().filter(|trunk| {
        let sip = trunk.for_sip(&config.dialing.country_code);
        sip.register || sip.probe_every.is_some()
    });
    let trunks = trunks.map(|trunk| format!("trunk {}", trunk.name));
    let agents = config.agents.iter().filter(|agent| agent.enabled);
    let phones = agents.filter_map(|agent| Some(format!("phone {}", agent.extension.as_ref()?)));
    let wanted: BTreeSet<String> = trunks.chain(phones).collect();
    before
        .iter()
        .filter(|name| wanted.contains(*name) && !now.contains(*name))
        .cloned()
        .collect()
}
