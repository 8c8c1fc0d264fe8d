//! How a call's reasons are said in SIP.

use crate::call::{Cause, Refusal, RefusalKind};
use crate::sip::Farewell;

/// The status for an unanswered caller, and the Reason headers (RFC 3326) of a CANCEL or BYE.
pub(super) fn farewell(cause: Cause) -> Farewell {
    match cause {
        Cause::AnsweredElsewhere => Farewell {
            status: 486,
            retry_after_seconds: None,
            reasons: &[
                "SIP;cause=200;text=\"Call completed elsewhere\"",
                "Q.850;cause=26;text=\"Call completed elsewhere\"",
            ],
        },
        Cause::Finished | Cause::Ordered => plain(480, &["Q.850;cause=16;text=\"Normal call clearing\""]),
        Cause::CallerGaveUp => plain(487, &["SIP;cause=487;text=\"Request terminated\""]),
        Cause::RangLongEnough => plain(480, &["SIP;cause=408;text=\"Request timeout\""]),
        Cause::Busy => plain(486, &["Q.850;cause=17;text=\"User busy\""]),
        Cause::NoAnswer => plain(480, &["Q.850;cause=19;text=\"No answer\""]),
        Cause::NobodyThere => plain(480, &["Q.850;cause=20;text=\"Subscriber absent\""]),
        Cause::Rejected => plain(603, &["Q.850;cause=21;text=\"Call rejected\""]),
        Cause::NoSuchNumber => plain(404, &["Q.850;cause=1;text=\"Unallocated number\""]),
        Cause::Congestion => Farewell {
            status: 503,
            retry_after_seconds: Some(10),
            reasons: &["Q.850;cause=42;text=\"Congestion\""],
        },
        Cause::Incompatible => plain(488, &["Q.850;cause=88;text=\"Incompatible destination\""]),
        Cause::Failed => plain(500, &["Q.850;cause=41;text=\"Temporary failure\""]),
        Cause::NoMedia => plain(500, &["Q.850;cause=102;text=\"No media received\""]),
        Cause::Transferred => plain(487, &["Q.850;cause=16;text=\"Call transferred\""]),
        Cause::ShuttingDown => Farewell {
            status: 503,
            retry_after_seconds: Some(5),
            reasons: &["Q.850;cause=41;text=\"Shutting down\""],
        },
    }
}

fn plain(status: u16, reasons: &'static [&'static str]) -> Farewell {
    Farewell {
        status,
        retry_after_seconds: None,
        reasons,
    }
}

/// What a phone's final response means for a call.
pub(super) fn refusal(status: u16) -> Refusal {
    let kind = match status {
        300..=399 => RefusalKind::Redirected,
        486 | 600 => RefusalKind::Busy,
        603 | 607 | 608 => RefusalKind::Declined,
        487 | 480 => RefusalKind::NoAnswer,
        404 | 408 | 410 | 430 | 502 | 503 | 504 | 604 => RefusalKind::Unreachable,
        _ => RefusalKind::Failed,
    };
    Refusal {
        kind,
        sip_code: Some(status),
    }
}

/// What a trunk's final response means for a call outside (RFC 3398 §7.2.6.1 the other way round): the callee's own
/// answer is the end, what the trunk or our standing with it is to blame for may be better elsewhere.
pub(super) fn outside_refusal(status: u16) -> Refusal {
    let kind = match status {
        300..=399 => RefusalKind::Redirected,
        486 | 600 => RefusalKind::Busy,
        603 | 607 | 608 => RefusalKind::Declined,
        480 | 487 => RefusalKind::NoAnswer,
        404 | 410 | 484 | 485 | 604 => RefusalKind::NoSuchNumber,
        401..=403 | 407 | 408 | 429 | 430 | 488 | 500..=599 | 606 => RefusalKind::Congested,
        _ => RefusalKind::Failed,
    };
    Refusal {
        kind,
        sip_code: Some(status),
    }
}
