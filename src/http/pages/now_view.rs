use super::badges::{self, Badge, badge};
use super::text::{clock_of, clock_of_ms, fill, moment, time_of_day};
use super::words::Words;
use crate::agents::AgentState;
use crate::engine::{
    AgentView, Alarm, BanView, CallView, QueueView, RegistrationView, Severity, Snapshot, TrunkView,
};
use crate::http::people::{Scope, Visitor};
use crate::model::{AgentId, Cdr, Stamp, Status};
use serde::Serialize;

/// What the page "Now" shows, as ready words. Painted by the template first, then fetched as JSON every two seconds.
#[derive(Debug, Default, Serialize)]
pub(super) struct NowView {
    pub(super) clock: Clock,
    pub(super) standing: Standing,
    pub(super) figures: Figures,
    pub(super) alarms: Vec<AlarmRow>,
    pub(super) calls: Vec<CallRow>,
    pub(super) agents: Vec<AgentRow>,
    pub(super) queues: Vec<QueueRow>,
    pub(super) phones: Vec<PhoneRow>,
    pub(super) trunks: Vec<TrunkRow>,
    /// Addresses that are shut out.
    pub(super) bans: Vec<BanRow>,
    pub(super) records: Vec<RecordRow>,
    /// Why there are no records to show, when the store is the reason.
    pub(super) no_records: String,
}

/// The site's clock, which the script lets tick on.
#[derive(Debug, Default, Serialize)]
pub(super) struct Clock {
    pub(super) unix_ms: i64,
    pub(super) offset_seconds: i32,
    pub(super) time: String,
    /// Empty when the clock can be believed.
    pub(super) doubt: String,
}

/// Seconds that go on counting between two looks.
#[derive(Debug, Default, Serialize)]
pub(super) struct Timer {
    pub(super) seconds: u64,
    pub(super) text: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Standing {
    pub(super) state: String,
    pub(super) word: String,
    pub(super) running: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Figure {
    pub(super) value: String,
    pub(super) note: String,
    /// `quiet` for a figure that asks for nothing, `busy` for one that does.
    pub(super) state: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    pub(super) calls: Figure,
    pub(super) waiting: Figure,
    pub(super) agents: Figure,
    pub(super) phones: Figure,
    pub(super) answered: Figure,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct AlarmRow {
    pub(super) key: String,
    pub(super) severity: Badge,
    pub(super) text: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct CallRow {
    pub(super) key: String,
    pub(super) timer: Timer,
    pub(super) way: Badge,
    pub(super) caller: String,
    pub(super) name: String,
    pub(super) dialled: String,
    pub(super) trunk: String,
    pub(super) stage: Badge,
    pub(super) detail: String,
    /// How it sounds; empty while that is not measured.
    pub(super) voice: Badge,
    /// Empty unless it is being recorded.
    pub(super) recording: String,
    /// Empty when this visitor may not hang up, or the call ends already.
    pub(super) hang_up: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct AgentRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) number: String,
    pub(super) groups: String,
    pub(super) state: Badge,
    pub(super) reason: String,
    pub(super) timer: Timer,
    pub(super) tally: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct QueueRow {
    pub(super) key: String,
    pub(super) group: String,
    pub(super) free: Badge,
    pub(super) waiting: Badge,
    pub(super) longest: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct PhoneRow {
    pub(super) key: String,
    pub(super) extension: String,
    pub(super) who: String,
    pub(super) address: String,
    pub(super) device: String,
    pub(super) expires: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct TrunkRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) host: String,
    pub(super) state: Badge,
    /// Since when it is so, and why when it is down.
    pub(super) since: String,
    /// What the registrar there says; empty when the box does not register.
    pub(super) registration: String,
    pub(super) round_trip: String,
    pub(super) calls: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct BanRow {
    pub(super) key: String,
    pub(super) address: String,
    pub(super) why: String,
    pub(super) until: String,
    /// Empty when this visitor may not let it in again.
    pub(super) lift: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct RecordRow {
    pub(super) key: String,
    pub(super) when: String,
    pub(super) way: Badge,
    pub(super) caller: String,
    pub(super) name: String,
    pub(super) dialled: String,
    pub(super) whom: String,
    pub(super) status: Badge,
    pub(super) talk: String,
    pub(super) wait: String,
    /// Address of the recording; empty when there is none.
    pub(super) audio: String,
    /// What a screen reader says for the play button.
    pub(super) audio_label: String,
    /// What the player shows.
    pub(super) audio_title: String,
    /// 2 when both sides can be listened to apart.
    pub(super) channels: u8,
}

/// Makes the view for one visitor in one language.
pub(super) struct Painter<'a> {
    pub(super) words: &'static Words,
    pub(super) visitor: &'a Visitor,
    pub(super) snapshot: &'a Snapshot,
}

impl Painter<'_> {
    /// The whole page; `records` are the last ones, newest first, or nothing when the store did not answer.
    pub(super) fn paint(&self, troubles: &[String], records: Option<&[(u64, Cdr)]>) -> NowView {
        let snapshot = self.snapshot;
        NowView {
            clock: self.clock(),
            standing: self.standing(troubles),
            figures: self.figures(),
            alarms: self.alarms(troubles),
            calls: snapshot.calls.iter().map(|call| self.call(call)).collect(),
            agents: snapshot.agents.iter().map(|agent| self.agent(agent)).collect(),
            queues: snapshot.queues.iter().map(|queue| self.queue(queue)).collect(),
            phones: snapshot
                .registrations
                .iter()
                .map(|phone| self.phone(phone))
                .collect(),
            trunks: snapshot.trunks.iter().map(|trunk| self.trunk(trunk)).collect(),
            bans: snapshot.bans.iter().map(|ban| self.ban(ban)).collect(),
            records: records
                .unwrap_or_default()
                .iter()
                .map(|(seq, cdr)| self.record(*seq, cdr))
                .collect(),
            no_records: match records {
                None => self.words.no_store.to_owned(),
                Some([]) => self.words.no_records.to_owned(),
                Some(_) => String::new(),
            },
        }
    }

    pub(super) fn clock(&self) -> Clock {
        let Stamp {
            unix_ms,
            offset_seconds,
        } = self.snapshot.at;
        let doubt = if self.snapshot.clock_synced {
            ""
        } else {
            self.words.clock_not_set
        };
        Clock {
            unix_ms,
            offset_seconds,
            time: time_of_day(self.snapshot.at),
            doubt: doubt.to_owned(),
        }
    }

    fn standing(&self, troubles: &[String]) -> Standing {
        let worst = self.snapshot.alarms.iter().map(|alarm| alarm.severity).min();
        let (state, word) = if !self.snapshot.accepting_calls || !troubles.is_empty() {
            ("bad", self.words.not_accepting)
        } else {
            match worst {
                Some(Severity::Critical) => ("bad", self.words.needs_attention),
                Some(Severity::Warning) => ("warn", self.words.well_with_warning),
                None => ("good", self.words.well),
            }
        };
        let time = clock_of(self.snapshot.uptime_seconds);
        let running = fill(self.words.running_for, &[("time", &time)]);
        Standing {
            state: state.to_owned(),
            word: word.to_owned(),
            running,
        }
    }

    fn figures(&self) -> Figures {
        let Snapshot {
            calls,
            agents,
            queues,
            registrations,
            ports,
            counters,
            ..
        } = self.snapshot;
        let w = self.words;
        let waiting: u32 = queues.iter().map(|queue| queue.waiting).sum();
        let longest = queues
            .iter()
            .map(|queue| queue.longest_wait_seconds)
            .max()
            .unwrap_or(0);
        let free = agents
            .iter()
            .filter(|agent| agent.state == AgentState::Available)
            .count();
        let present = agents
            .iter()
            .filter(|agent| agent.state != AgentState::Offline)
            .count();
        let used = [("n", ports.used.to_string()), ("all", ports.total.to_string())];
        Figures {
            calls: figure(calls.len(), filled(w.ports_used, &used), false),
            waiting: match waiting {
                0 => figure(0, w.nobody_waits.to_owned(), false),
                _ => figure(waiting, fill(w.longest, &[("time", &clock_of(longest))]), true),
            },
            agents: figure(
                free,
                fill(w.of_all, &[("all", &present.to_string())]),
                free == 0 && present > 0,
            ),
            phones: figure(registrations.len(), w.registered.to_owned(), false),
            answered: figure(
                counters.answered,
                fill(w.since_start, &[("all", &counters.calls.to_string())]),
                false,
            ),
        }
    }

    fn alarms(&self, troubles: &[String]) -> Vec<AlarmRow> {
        let critical = || badge("bad", self.words.critical);
        let troubles = troubles.iter().map(|text| AlarmRow {
            key: text.clone(),
            severity: critical(),
            text: text.clone(),
        });
        let alarms = self
            .snapshot
            .alarms
            .iter()
            .map(|Alarm { severity, code, text }| AlarmRow {
                key: format!("{code} {text}"),
                severity: match severity {
                    Severity::Critical => critical(),
                    Severity::Warning => badge("warn", self.words.warning),
                },
                text: text.clone(),
            });
        troubles.chain(alarms).collect()
    }

    fn call(&self, call: &CallView) -> CallRow {
        let w = self.words;
        let may_end = self.visitor.may(Scope::CallsControl) && call.stage != "ending";
        let by = |trunk: &crate::model::TrunkName| fill(w.by_trunk, &[("who", trunk.as_str())]);
        CallRow {
            key: call.call_id.to_string(),
            timer: timer(call.seconds),
            way: badges::way(self.words, call.direction),
            caller: badges::number(self.words, &call.caller_number),
            name: call.caller_name.clone().unwrap_or_default(),
            dialled: call.dialed_number.to_string(),
            trunk: call.trunk.as_ref().map(by).unwrap_or_default(),
            stage: badge(call.stage, &self.stage(call)),
            detail: self.detail(call),
            voice: badges::voice(self.words, &call.legs),
            recording: word_if(call.recording.is_some(), w.recording),
            hang_up: word_if(may_end, w.hang_up),
        }
    }

    fn stage(&self, call: &CallView) -> String {
        let w = self.words;
        match (call.stage, &call.agent, &call.group) {
            ("arriving", _, _) => w.arriving.to_owned(),
            ("menu", _, _) => w.in_menu.to_owned(),
            ("ringing", _, Some(group)) => fill(w.ringing_whom, &[("who", group.as_str())]),
            ("ringing", Some(agent), None) => fill(w.ringing_whom, &[("who", &self.agent_name(agent))]),
            ("ringing", None, None) => w.ringing.to_owned(),
            ("talking", Some(agent), _) => fill(w.talking_with, &[("who", &self.agent_name(agent))]),
            ("talking", None, _) => w.talking.to_owned(),
            ("message", _, _) => w.leaving_message.to_owned(),
            _ => w.ending.to_owned(),
        }
    }

    fn detail(&self, call: &CallView) -> String {
        let w = self.words;
        let ringing = call
            .legs
            .iter()
            .filter(|leg| leg.state == "ringing" || leg.state == "dialing")
            .count();
        let mut parts = Vec::new();
        match call.stage {
            "menu" | "arriving" => {
                parts.extend(call.flow.iter().map(ToString::to_string));
                parts.extend(call.step.iter().map(ToString::to_string));
            }
            "ringing" if ringing == 1 => parts.push(w.one_phone_rings.to_owned()),
            "ringing" => parts.push(fill(w.phones_ring, &[("n", &ringing.to_string())])),
            _ => parts.extend(call.group.iter().map(ToString::to_string)),
        }
        parts.extend(call.on_hold.then(|| w.on_hold.to_owned()));
        parts.extend(
            call.language
                .iter()
                .map(|language| self.language(language.as_str())),
        );
        parts.join(" · ")
    }

    pub(super) fn agent(&self, agent: &AgentView) -> AgentRow {
        let w = self.words;
        let word = match agent.state {
            AgentState::Available => w.available,
            AgentState::Ringing => w.agent_ringing,
            AgentState::Busy => w.busy,
            AgentState::WrapUp => w.wrap_up,
            AgentState::OnBreak => w.on_break,
            AgentState::Offline => w.offline,
        };
        let groups: Vec<&str> = agent.groups.iter().map(|group| group.as_str()).collect();
        let tally = [
            ("n", agent.answered.to_string()),
            ("missed", agent.missed.to_string()),
        ];
        AgentRow {
            key: agent.id.to_string(),
            name: agent.name.clone(),
            number: agent.number.clone(),
            groups: groups.join(", "),
            state: badge(&agent.state.to_string(), word),
            reason: agent.reason.clone().unwrap_or_default(),
            timer: timer(agent.seconds),
            tally: filled(w.tally, &tally),
        }
    }

    fn queue(&self, queue: &QueueView) -> QueueRow {
        let w = self.words;
        let count = |sentence, number: u32| fill(sentence, &[("n", &number.to_string())]);
        let longest = fill(w.longest, &[("time", &clock_of(queue.longest_wait_seconds))]);
        QueueRow {
            key: queue.group.to_string(),
            group: queue.group.to_string(),
            free: badge(
                if queue.free_agents == 0 { "none" } else { "some" },
                &count(w.free, queue.free_agents),
            ),
            waiting: badge(
                if queue.waiting == 0 { "none" } else { "some" },
                &count(w.wait_for, queue.waiting),
            ),
            longest: word_if(queue.waiting > 0, &longest),
        }
    }

    fn phone(&self, phone: &RegistrationView) -> PhoneRow {
        PhoneRow {
            key: format!("{} {}", phone.extension, phone.contact),
            extension: phone.extension.to_string(),
            who: phone
                .agent
                .as_ref()
                .map(|agent| self.agent_name(agent))
                .unwrap_or_default(),
            address: format!("{} {}", phone.transport, phone.address),
            device: self.device(phone),
            expires: self.standing_of(phone),
        }
    }

    /// What the phone calls itself, and whether a router stands before it.
    fn device(&self, phone: &RegistrationView) -> String {
        let router = phone.behind_router.then(|| self.words.behind_router.to_owned());
        let parts = phone.user_agent.clone().into_iter().chain(router);
        parts.collect::<Vec<_>>().join(" · ")
    }

    /// Whether the phone answers, how fast, and how long its registration lasts.
    fn standing_of(&self, phone: &RegistrationView) -> String {
        let w = self.words;
        let time = clock_of(phone.expires_seconds);
        let expires = fill(w.expires_in, &[("time", &time)]);
        let answers = match (phone.state, phone.round_trip_ms) {
            ("unreachable", _) => Some(w.phone_silent.to_owned()),
            (_, Some(millis)) => Some(fill(w.round_trip, &[("n", &format!("{millis:.0}"))])),
            (_, None) => None,
        };
        let parts = answers.into_iter().chain([expires]);
        parts.collect::<Vec<_>>().join(" · ")
    }

    fn trunk(&self, trunk: &TrunkView) -> TrunkRow {
        let w = self.words;
        let word = match trunk.state {
            "up" => w.up,
            "down" => w.down,
            _ => w.unknown,
        };
        let round_trip = |millis: f32| fill(w.round_trip, &[("n", &format!("{millis:.0}"))]);
        TrunkRow {
            key: trunk.name.to_string(),
            name: trunk.name.to_string(),
            host: trunk.host.clone(),
            state: badge(trunk.state, word),
            since: self.since(trunk),
            registration: match (trunk.registration, trunk.registration_status) {
                ("registered", _) => w.trunk_registered.to_owned(),
                ("refused", Some(status)) => filled(w.trunk_refuses, &[("n", status.to_string())]),
                _ => String::new(),
            },
            round_trip: trunk.round_trip_ms.map(round_trip).unwrap_or_default(),
            calls: match trunk.calls {
                0 => w.no_trunk_calls.to_owned(),
                1 => w.trunk_call.to_owned(),
                many => fill(w.trunk_calls, &[("n", &many.to_string())]),
            },
        }
    }

    fn since(&self, trunk: &TrunkView) -> String {
        let Some(since) = trunk.since else {
            return String::new();
        };
        let time = moment(since, self.snapshot.at, self.words.date_form);
        let since = filled(self.words.since, &[("time", time)]);
        match &trunk.reason {
            Some(reason) => format!("{reason} · {since}"),
            None => since,
        }
    }

    pub(super) fn ban(&self, ban: &BanView) -> BanRow {
        let w = self.words;
        let left = clock_of(ban.seconds);
        BanRow {
            key: ban.address.clone(),
            address: ban.address.clone(),
            why: fill(w.wrong_passwords, &[("who", ban.user.as_str())]),
            until: filled(w.shut_out_for, &[("time", left), ("n", ban.dropped.to_string())]),
            lift: word_if(self.visitor.may(Scope::ConfigWrite), w.lift_ban),
        }
    }

    fn record(&self, seq: u64, cdr: &Cdr) -> RecordRow {
        let caller = badges::number(self.words, &cdr.caller_number);
        let when = moment(cdr.started_at, self.snapshot.at, self.words.date_form);
        let label = fill(self.words.play_which, &[("who", &caller), ("time", &when)]);
        let recording = cdr.recording.as_ref();
        RecordRow {
            key: seq.to_string(),
            way: badges::way(self.words, cdr.direction),
            name: cdr.caller_name.clone().unwrap_or_default(),
            dialled: cdr.dialed_number.to_string(),
            whom: self.whom(cdr),
            status: badges::status(self.words, cdr.status),
            talk: word_if(cdr.talk_ms > 0, &clock_of_ms(cdr.talk_ms)),
            wait: clock_of_ms(cdr.wait_ms),
            audio: recording
                .map(|recording| format!("/api/v1/recordings/{}", recording.id))
                .unwrap_or_default(),
            audio_label: word_if(recording.is_some(), &label),
            audio_title: word_if(recording.is_some(), &format!("{caller} · {when}")),
            channels: recording.map_or(0, |recording| recording.channels),
            caller,
            when,
        }
    }

    /// Who took the call, or else whom it rang.
    fn whom(&self, cdr: &Cdr) -> String {
        let menu_alone = || (cdr.status == Status::Answer).then(|| self.words.the_menu.to_owned());
        let group = || cdr.group.as_ref().map(ToString::to_string);
        let number = || cdr.callee_number.as_ref().map(ToString::to_string);
        let agent = cdr.agent.as_ref().map(|agent| self.agent_name(agent));
        agent
            .or_else(number)
            .or_else(group)
            .or_else(menu_alone)
            .unwrap_or_default()
    }

    fn language(&self, tag: &str) -> String {
        let known = self.words.languages.iter().find(|(known, _)| *known == tag);
        known.map_or(tag, |(_, name)| name).to_owned()
    }

    /// The agent's name for people; an agent who is no longer configured keeps the id.
    pub(super) fn agent_name(&self, id: &AgentId) -> String {
        let agent = self.snapshot.agents.iter().find(|agent| agent.id == *id);
        agent.map_or_else(|| id.to_string(), |agent| agent.name.clone())
    }
}

fn timer(seconds: u64) -> Timer {
    Timer {
        seconds,
        text: clock_of(seconds),
    }
}

fn figure(value: impl ToString, note: String, asks: bool) -> Figure {
    Figure {
        value: value.to_string(),
        note,
        state: if asks { "busy" } else { "quiet" }.to_owned(),
    }
}

fn word_if(condition: bool, word: &str) -> String {
    if condition { word.to_owned() } else { String::new() }
}

fn filled(sentence: &str, values: &[(&str, String)]) -> String {
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fill(sentence, &values)
}
