use super::sinks::SinkContext;
use super::{Config, Policy};
use crate::store::{Backlog, Clock, DeliveryState, Reader};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a technician should know of the destinations, looked up every half minute. Cheap to clone; asking never
/// blocks.
#[derive(Debug, Clone, Default)]
pub struct DeliveryWatch {
    alarms: Arc<Mutex<Vec<DeliveryAlarm>>>,
}

/// One thing a technician should know of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAlarm {
    /// What it is about.
    pub kind: DeliveryTrouble,
    /// What is wrong and what to do, in plain words.
    pub text: String,
}

/// What an alarm about a destination is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryTrouble {
    /// It said that it is gone for good.
    Gone,
    /// The oldest record has waited for long.
    Stuck,
    /// Records were set aside.
    Parked,
}

const LOOK_EVERY: Duration = Duration::from_secs(30);
const MS_A_MINUTE: i64 = 60_000;

impl DeliveryWatch {
    /// The alarms there are now.
    pub fn now(&self) -> Vec<DeliveryAlarm> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn look(
        self,
        reader: Reader,
        configs: &[Config],
        context: &SinkContext,
        mut stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let policies: Vec<(String, Policy)> = configs
            .iter()
            .map(|config| (config.name.clone(), config.policy))
            .collect();
        let clock: Clock = context.clock.clone();
        async move {
            loop {
                let reader = reader.clone();
                let backlog = tokio::task::spawn_blocking(move || reader.backlog()).await;
                if let Ok(Ok(backlog)) = backlog {
                    let now = (clock.unix_ms)();
                    let found = backlog
                        .iter()
                        .flat_map(|backlog| alarms(backlog, &policies, now))
                        .collect();
                    *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = stopped.wait_for(|is_stopped| *is_stopped) => return,
                }
            }
        }
    }
}

/// What is wrong with one destination.
fn alarms(backlog: &Backlog, policies: &[(String, Policy)], unix_ms: i64) -> Vec<DeliveryAlarm> {
    let Some((name, policy)) = policies.iter().find(|(name, _)| *name == backlog.upstream) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let error = backlog.last_error.as_deref().unwrap_or("nothing was tried yet");
    let pending = backlog.pending;
    if backlog.state == DeliveryState::Disabled {
        found.push(DeliveryAlarm {
            kind: DeliveryTrouble::Gone,
            text: format!(
                "Upstream {name} said that it is gone ({error}); {pending} records wait. Give it another address, or enable it \
                 again: POST /api/v1/upstreams/{name}/enable."
            ),
        });
    }
    let waited = backlog
        .oldest_ms
        .map_or(0, |oldest| unix_ms.saturating_sub(oldest));
    let is_served = !matches!(backlog.state, DeliveryState::Disabled | DeliveryState::Off);
    if is_served && waited > i64::from(policy.alarm_after_minutes) * MS_A_MINUTE {
        let minutes = waited / MS_A_MINUTE;
        found.push(DeliveryAlarm {
            kind: DeliveryTrouble::Stuck,
            text: format!(
                "Upstream {name} has not taken {pending} records, the oldest for {minutes} minutes. The last try: {error}."
            ),
        });
    }
    if backlog.parked > 0 {
        let parked = backlog.parked;
        found.push(DeliveryAlarm {
            kind: DeliveryTrouble::Parked,
            text: format!("Upstream {name} will not take {parked} records; they are parked. Send them again, or drop them."),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog() -> Backlog {
        Backlog {
            upstream: "crm".to_owned(),
            pending: 3,
            oldest_ms: Some(0),
            parked: 0,
            delivered: 0,
            last_delivered_seq: None,
            last_delivered_ms: None,
            last_error: Some("the receiver answered 503".to_owned()),
            last_error_ms: Some(0),
            last_code: Some(503),
            state: DeliveryState::BackingOff,
            failures: 4,
            retry_at_ms: 9,
            gone_ms: None,
            enabled: true,
        }
    }

    fn kinds(backlog: &Backlog, minutes: i64) -> Vec<DeliveryTrouble> {
        let policies = [("crm".to_owned(), Policy::default())];
        let found = alarms(backlog, &policies, minutes * MS_A_MINUTE);
        found.into_iter().map(|alarm| alarm.kind).collect()
    }

    #[test]
    fn an_hour_without_delivery_is_an_alarm() {
        assert_eq!(kinds(&backlog(), 60), []);
        assert_eq!(kinds(&backlog(), 61), [DeliveryTrouble::Stuck]);
        let nothing_waits = Backlog {
            oldest_ms: None,
            ..backlog()
        };
        assert_eq!(kinds(&nothing_waits, 1000), []);
    }

    #[test]
    fn gone_and_parked_are_alarms_and_a_destination_turned_off_is_none() {
        let gone = Backlog {
            state: DeliveryState::Disabled,
            parked: 2,
            ..backlog()
        };
        assert_eq!(
            kinds(&gone, 1000),
            [DeliveryTrouble::Gone, DeliveryTrouble::Parked]
        );
        let off = Backlog {
            state: DeliveryState::Off,
            ..backlog()
        };
        assert_eq!(kinds(&off, 1000), []);
    }
}
