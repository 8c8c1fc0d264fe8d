//! Who forwarded a call on its way here: Diversion (RFC 5806), or History-Info (RFC 7044) where a trunk has only that.

use super::serve::dialed_number;
use crate::model::{Diverted, Number};
use crate::sip::{HistoryInfo, Message, Uri};

/// Most stations kept of one call.
const MOST: usize = 8;
/// Longest reason kept, in bytes.
const LONGEST: usize = 64;

/// The stations of a call that a trunk hands over, the last one first. What cannot be read is passed over: the call
/// counts more than its history.
pub(super) fn stations(request: &Message<'_>) -> Vec<Diverted> {
    let diversions = request.diversions().unwrap_or_default();
    if !diversions.is_empty() {
        let told = diversions.iter().take(MOST);
        return told
            .map(|station| told_of(station.uri(), station.is_private(), station.reason().as_deref()))
            .collect();
    }
    let history = request.history().unwrap_or_default();
    let left = history.iter().rev().filter(|station| is_left(station));
    left.take(MOST)
        .map(|station| told_of(station.uri(), station.is_private(), station.reason().as_deref()))
        .collect()
}

/// A station that says why the call went on is one that the call has left (RFC 7044 §5, `Reason`).
fn is_left(station: &HistoryInfo<'_>) -> bool {
    station.reason().is_some()
}

fn told_of(uri: Uri<'_>, is_private: bool, reason: Option<&str>) -> Diverted {
    let user = uri.user().filter(|user| !user.is_empty() && !is_private);
    Diverted {
        number: user.map_or_else(Number::anonymous, |user| dialed_number(&user)),
        reason: reason.map(|reason| reason.chars().filter(|c| !c.is_control()).take(LONGEST).collect()),
    }
}
