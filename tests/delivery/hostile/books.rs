//! What arrived, and what that says about the sender.

use super::Mode;
use super::wire::Request;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A record that was given into somebody's care: its row, its identity, its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Given {
    /// The row's number.
    pub(crate) seq: u64,
    /// `<cdr_id>_<version>`.
    pub(crate) id: String,
}

/// Everything that was ever received.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// How often each mode was met.
    pub(super) met: BTreeMap<Mode, usize>,
    /// Connections to the place a redirect points to.
    pub(super) followed: usize,
    /// In the order they first arrived.
    arrived: Vec<Given>,
    known: HashSet<Given>,
    /// Under which ids of delivery a record came.
    ids: HashMap<Given, BTreeSet<String>>,
    /// What came under an id of delivery, tried in vain or not.
    bodies: HashMap<String, Vec<u8>>,
    repeated: usize,
    unsigned: usize,
    other_body: BTreeSet<String>,
    not_understood: usize,
}

/// What the books say.
#[derive(Debug)]
pub(crate) struct Report {
    /// Records that had to arrive and did not.
    pub(crate) missing: Vec<Given>,
    /// Records nobody had filed.
    pub(crate) unknown: Vec<Given>,
    /// How often a record came again under the same id; allowed.
    pub(crate) repeated: usize,
    /// Records that came under more than one id.
    pub(crate) under_another_id: Vec<Given>,
    /// Ids under which different bodies came.
    pub(crate) other_body: BTreeSet<String>,
    /// Neighbours that first arrived in the wrong order.
    pub(crate) out_of_order: Vec<(u64, u64)>,
    /// Deliveries without a valid signature.
    pub(crate) unsigned: usize,
    /// Deliveries whose body is no record.
    pub(crate) not_understood: usize,
    /// Redirects that were followed.
    pub(crate) followed: usize,
    /// How often each mode was met.
    pub(crate) met: BTreeMap<Mode, usize>,
}

impl Report {
    /// Panics unless every record arrived, each under one id with one body, in order and signed.
    #[track_caller]
    pub(crate) fn assert_faultless(&self) {
        assert!(self.missing.is_empty(), "missing: {:?}", self.missing);
        assert!(self.unknown.is_empty(), "nobody filed these: {:?}", self.unknown);
        assert!(
            self.under_another_id.is_empty(),
            "doubled under another id: {:?}",
            self.under_another_id
        );
        assert!(self.other_body.is_empty(), "changed: {:?}", self.other_body);
        assert!(
            self.out_of_order.is_empty(),
            "out of order: {:?}",
            self.out_of_order
        );
        assert_eq!(
            (self.unsigned, self.not_understood, self.followed),
            (0, 0, 0),
            "unsigned, not understood, redirects followed"
        );
    }
}

impl Books {
    pub(super) fn taken(&self) -> usize {
        self.known.len()
    }

    pub(super) fn write_down(&mut self, request: &Request, is_signed: bool, takes: bool) {
        if !is_signed {
            self.unsigned += 1;
        }
        let id = request.header("webhook-id").to_owned();
        if request.header("idempotency-key") != id {
            self.not_understood += 1;
        }
        let before = self
            .bodies
            .entry(id.clone())
            .or_insert_with(|| request.body.clone());
        if *before != request.body {
            self.other_body.insert(id.clone());
        }
        let records = records(&request.body);
        if records.is_empty() {
            self.not_understood += 1;
        }
        for record in records {
            self.ids.entry(record.clone()).or_default().insert(id.clone());
            if !takes {
                continue;
            }
            if self.known.insert(record.clone()) {
                self.arrived.push(record);
            } else {
                self.repeated += 1;
            }
        }
    }

    pub(super) fn report(&self, wanted: &[Given]) -> Report {
        let all: HashSet<&Given> = wanted.iter().collect();
        let several = |given: &&Given| self.ids.get(*given).is_some_and(|ids| ids.len() > 1);
        let order = self.arrived.iter().zip(self.arrived.iter().skip(1));
        Report {
            missing: wanted
                .iter()
                .filter(|one| !self.known.contains(one))
                .cloned()
                .collect(),
            unknown: self
                .arrived
                .iter()
                .filter(|one| !all.contains(one))
                .cloned()
                .collect(),
            repeated: self.repeated,
            under_another_id: self.arrived.iter().filter(several).cloned().collect(),
            other_body: self.other_body.clone(),
            out_of_order: order
                .filter(|(one, next)| one.seq >= next.seq)
                .map(|(one, next)| (one.seq, next.seq))
                .collect(),
            unsigned: self.unsigned,
            not_understood: self.not_understood,
            followed: self.followed,
            met: self.met.clone(),
        }
    }
}

/// The records of a body: one by itself, one in an envelope, or several.
fn records(body: &[u8]) -> Vec<Given> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let data = body.get("data").unwrap_or(&body);
    match data.as_array() {
        Some(all) => all.iter().filter_map(record).collect(),
        None => record(data).into_iter().collect(),
    }
}

fn record(value: &Value) -> Option<Given> {
    Some(Given {
        seq: value["seq"].as_u64()?,
        id: format!("{}_{}", value["cdr_id"].as_str()?, value["version"].as_u64()?),
    })
}
