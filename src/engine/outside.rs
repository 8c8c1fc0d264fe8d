//! Calls that leave by a trunk: who may make how many, which trunk is asked, and what its answer means.

use super::farewell::outside_refusal;
use super::{Alarm, Engine, Severity};
use crate::call::{self, Event, Refusal, RefusalKind, Way};
use crate::model::{CallKey, Destination, LegId, LegKey, Number, TrunkName};
use crate::routing::{self, NotAllowed};
use crate::sip::{Invitation, Origin, SessionId};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// What the phones of the house have dialled outside.
#[derive(Debug, Default)]
pub(super) struct DialBook {
    /// By extension; no more entries than there are accounts, since only they get this far.
    phones: HashMap<Number, Pages>,
    /// Numbers that were refused, the latest last.
    refused: VecDeque<(Instant, Number, NotAllowed)>,
}

#[derive(Debug, Default)]
struct Pages {
    /// When calls began, within the last minute.
    begun: VecDeque<Instant>,
    /// Which night, and how many in it.
    night: (i64, u32),
}

/// Refusals that are remembered.
const MOST_REFUSALS: usize = 100;
/// How long a refusal is worth an alarm.
const ALARMING: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

impl Engine {
    /// Whether this phone may begin a call outside now; if so, it is written down.
    pub(super) fn may_dial_outside(&mut self, now: Instant, extension: &Number) -> Result<(), NotAllowed> {
        let dialing = self.settings.plan.dialing();
        let limits = (
            dialing.calls_per_minute,
            dialing.calls_at_once,
            dialing.calls_per_night,
        );
        let (hour, night) = self.hour_and_night(now);
        let is_night = dialing.is_night(hour);
        let at_once = self
            .calls
            .values()
            .filter(|live| live.call.leaves() && live.call.setup().caller_number == *extension);
        let at_once = u32::try_from(at_once.count()).unwrap_or(u32::MAX);
        let pages = self.dial_book.phones.entry(extension.clone()).or_default();
        while pages.begun.front().is_some_and(|at| now - *at >= MINUTE) {
            pages.begun.pop_front();
        }
        if pages.night.0 != night {
            pages.night = (night, 0);
        }
        let in_minute = u32::try_from(pages.begun.len()).unwrap_or(u32::MAX);
        if in_minute >= limits.0 {
            return Err(NotAllowed::TooOften);
        }
        if at_once >= limits.1 {
            return Err(NotAllowed::TooMany);
        }
        if is_night && pages.night.1 >= limits.2 {
            return Err(NotAllowed::TooManyAtNight);
        }
        pages.begun.push_back(now);
        pages.night.1 += u32::from(is_night);
        Ok(())
    }

    /// A number was not dialled; somebody should know.
    pub(super) fn note_refused_number(&mut self, now: Instant, extension: &Number, reason: NotAllowed) {
        let refused = &mut self.dial_book.refused;
        if refused.len() >= MOST_REFUSALS {
            refused.pop_front();
        }
        refused.push_back((now, extension.clone(), reason));
    }

    pub(super) fn dialing_alarm(&self, now: Instant, alarms: &mut Vec<Alarm>) {
        let recent =
            |entry: &&(Instant, Number, NotAllowed)| now.saturating_duration_since(entry.0) < ALARMING;
        let recent: Vec<_> = self.dial_book.refused.iter().filter(recent).collect();
        let Some((_, extension, reason)) = recent.last() else {
            return;
        };
        let times = recent.iter().filter(|(_, own, _)| own == extension).count();
        alarms.push(Alarm {
            severity: Severity::Warning,
            code: "dialing_refused",
            text: format!(
                "Phone {extension} dialled outside what it may not, {times} times in the last hour: {reason}. If \
                 nobody at that phone did, change its password; if it should be allowed, see [dialing]."
            ),
        });
    }

    /// The site's hour, and a number that is the same from noon to noon.
    fn hour_and_night(&self, now: Instant) -> (u8, i64) {
        let unix_ms = self.clock.stamp(now).unix_ms;
        let local = jiff::Timestamp::from_millisecond(unix_ms)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.settings.zone.clone());
        let hours = unix_ms / 3_600_000 + i64::from(local.offset().seconds()) / 3600;
        (
            u8::try_from(local.hour()).unwrap_or(0),
            (hours - 12).div_euclid(24),
        )
    }

    /// The ways of the plan with what each shows to the callee.
    pub(super) fn outside_entry(&self, outside: routing::Outside, caller: &Number) -> call::Entry {
        let ring_seconds = self.settings.plan.dialing().ring_seconds;
        let ways = outside.ways.into_iter().map(|way| {
            let shown = way.caller_id.as_ref().unwrap_or(caller);
            let trunk = self
                .sip
                .settings()
                .trunks
                .iter()
                .find(|own| own.name == way.trunk);
            let shown = trunk.map_or_else(
                || shown.as_str().to_owned(),
                |trunk| trunk.manners.number_form.write(shown.as_str()),
            );
            Way {
                trunk: way.trunk,
                number: way.number,
                caller_id: Number::from(shown),
            }
        });
        call::Entry::Outside(call::Outside {
            ways: ways.collect(),
            ring_time: Duration::from_secs(u64::from(ring_seconds)),
        })
    }

    /// Asks one trunk. One that is full, or known to be down while there is another, is not even asked.
    pub(super) fn dial_outside(
        &mut self,
        now: Instant,
        key: CallKey,
        leg: LegId,
        way: &Way,
        elsewhere: bool,
    ) {
        let is_emergency = self.calls.get(&key).is_some_and(|live| live.is_emergency);
        let is_down = self.trunks.get(&way.trunk).and_then(|health| health.is_up) == Some(false);
        let skips = !is_emergency && self.is_full(&way.trunk) || elsewhere && is_down;
        if skips || !self.invite_outside(now, key, leg, way, elsewhere) {
            let refusal = Refusal {
                kind: RefusalKind::Congested,
                sip_code: None,
            };
            self.tell(key, Event::LegRefused(leg, refusal));
        }
    }

    fn invite_outside(&mut self, now: Instant, key: CallKey, leg: LegId, way: &Way, elsewhere: bool) -> bool {
        let Some(live) = self.calls.get(&key) else {
            return true;
        };
        let handed_on = live.call.is_being_transferred();
        let place = live
            .takes_place
            .as_ref()
            .filter(|place| handed_on && place.trunk == way.trunk);
        let invitation = Invitation {
            destination: Destination::Trunk {
                trunk: way.trunk.clone(),
                number: way.number.clone(),
            },
            caller_number: way.caller_id.clone(),
            caller_name: live.call.setup().caller_name.clone(),
            referred_by: live.referred_by.clone().filter(|_| handed_on),
            replaces: place.map(|place| place.replaces.clone()),
            hidden: live.hides,
            elsewhere,
        };
        self.invite_leg(now, LegKey { call: key, leg }, &invitation)
    }

    /// A trunk sends a call on to another number there. It is dialled like any other, or not at all.
    pub(super) fn redirected(&mut self, now: Instant, session: SessionId, status: u16, to: Number) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return self.sip.decline_redirect(session);
        };
        if self.settings.plan.dialing().allows(to.as_str()).is_err() {
            self.sip.decline_redirect(session);
            return self.phone_refused(now, session, status);
        }
        self.sip.follow_redirect(now, session);
        self.tell(call, Event::LegRedirected(leg, to, status));
    }

    /// Whether the trunk carries as many legs as it may: of callers who came by it, of numbers outside, of agents behind
    /// it, of calls handed on over it.
    pub(super) fn is_full(&self, trunk: &TrunkName) -> bool {
        let rules = self.settings.trunks.get(trunk);
        let most = rules.and_then(|rules| rules.most_calls);
        most.is_some_and(|most| self.legs_on(trunk) >= most)
    }

    /// What a final response means for this leg.
    pub(super) fn refusal_for(&self, key: LegKey, status: u16) -> Refusal {
        let is_outside = self.calls.get(&key.call).is_some_and(|live| {
            live.call.leaves() && live.call.agent_of(key.leg).is_none() && key.leg != LegId::CALLER
        });
        if is_outside {
            outside_refusal(status)
        } else {
            super::farewell::refusal(status)
        }
    }

    /// The extension of a phone of the house.
    pub(super) fn calling_extension(origin: &Origin) -> Option<&Number> {
        match origin {
            Origin::Phone(extension) => Some(extension),
            Origin::Trunk(_) => None,
        }
    }
}
