use super::badges::{self, Badge, some_time};
use super::text::{address, date_and_time, fill, zone_of};
use super::turning::Turning;
use super::words::Words;
use crate::engine::Snapshot;
use crate::model::{AgentId, Cdr};
use crate::store::CdrPage;

/// Records on a page.
pub(super) const ROWS: u64 = 25;

/// The list of call records, as ready words.
#[derive(Debug, Default)]
pub(super) struct CallsView {
    pub(super) rows: Vec<CallRow>,
    /// `26–50 of 1280 calls`; empty without rows.
    pub(super) tally: String,
    pub(super) turning: Turning,
    /// What is said in place of rows.
    pub(super) empty: String,
    pub(super) empty_hint: String,
    /// Where the script waits for news; empty when the store did not answer.
    pub(super) cursor: String,
}

/// One call.
#[derive(Debug, Default)]
pub(super) struct CallRow {
    /// Of its own page.
    pub(super) id: String,
    pub(super) way: Badge,
    pub(super) caller: String,
    pub(super) name: String,
    pub(super) destination: String,
    /// Who took it, when that says more than the destination.
    pub(super) whom: String,
    /// For machines, RFC 3339.
    pub(super) started_at: String,
    pub(super) started: String,
    pub(super) zone: String,
    pub(super) duration: String,
    pub(super) billable: String,
    pub(super) status: Badge,
    pub(super) origin: String,
    /// The PBX that saw the call too.
    pub(super) linked: String,
    /// Address of the recording; empty when there is none.
    pub(super) audio: String,
    pub(super) audio_label: String,
    pub(super) audio_title: String,
    pub(super) save_label: String,
    pub(super) channels: u8,
    /// That a legal hold keeps the recording; empty when none does.
    pub(super) held: &'static str,
}

/// Makes rows for one language.
pub(super) struct Painter<'a> {
    pub(super) words: &'static Words,
    /// For the agents' names, when the engine answered.
    pub(super) snapshot: Option<&'a Snapshot>,
}

impl Painter<'_> {
    /// The page `here` (from 1) of the list; `link` makes the address of another page, `narrowed` says whether
    /// anything was filtered out.
    pub(super) fn paint(
        &self,
        page: &CdrPage,
        here: u64,
        narrowed: bool,
        link: impl Fn(u64) -> String,
    ) -> CallsView {
        let j = &self.words.journal;
        let total = page.total.unwrap_or(0);
        let rows: Vec<CallRow> = page.items.iter().map(|(_, cdr)| self.row(cdr)).collect();
        let first = (here - 1) * ROWS + 1;
        let last = first - 1 + rows.len() as u64;
        let numbers = [first, last, total].map(|number| number.to_string());
        let [from, to, all] = &numbers;
        let tally = fill(j.tally, &[("from", from), ("to", to), ("all", all)]);
        let (empty, empty_hint) = match (rows.is_empty(), narrowed) {
            (false, _) => ("", ""),
            (true, true) => (j.none_match, j.none_match_hint),
            (true, false) => (j.none_yet, ""),
        };
        CallsView {
            tally: if rows.is_empty() { String::new() } else { tally },
            turning: Turning::new(j, total, ROWS, here, link),
            rows,
            empty: empty.to_owned(),
            empty_hint: empty_hint.to_owned(),
            cursor: String::new(),
        }
    }

    fn row(&self, cdr: &Cdr) -> CallRow {
        let w = self.words;
        let j = &w.journal;
        let caller = badges::number(w, &cdr.caller_number);
        let started = date_and_time(cdr.started_at);
        let which = [("who", caller.as_str()), ("time", started.as_str())];
        let recording = cdr.recording.as_ref().filter(|facts| facts.removed.is_none());
        let said = |sentence| recording.map(|_| fill(sentence, &which)).unwrap_or_default();
        let billable = some_time(cdr.talk_ms);
        CallRow {
            id: cdr.cdr_id.to_string(),
            way: badges::way(w, cdr.direction),
            name: cdr.caller_name.clone().unwrap_or_default(),
            destination: badges::number(w, &cdr.dialed_number),
            whom: self.whom(cdr),
            started_at: serde_json::to_value(cdr.started_at)
                .ok()
                .and_then(|time| time.as_str().map(str::to_owned))
                .unwrap_or_default(),
            zone: zone_of(cdr.started_at),
            duration: super::text::clock_of_ms(cdr.duration_ms),
            billable: match billable.as_str() {
                "" => String::new(),
                time => fill(j.billable, &[("time", time)]),
            },
            status: badges::status(w, cdr.status),
            origin: match &cdr.origin {
                Some(foreign) => foreign.source.clone(),
                None => j.this_box.to_owned(),
            },
            linked: cdr
                .linked
                .as_ref()
                .map(|foreign| fill(j.also_seen_by, &[("who", &foreign.source)]))
                .unwrap_or_default(),
            audio: recording
                .map(|recording| format!("/api/v1/recordings/{}", recording.id))
                .unwrap_or_default(),
            audio_label: said(w.play_which),
            audio_title: recording
                .map(|_| format!("{caller} · {started}"))
                .unwrap_or_default(),
            save_label: said(j.save_which),
            channels: recording.map_or(0, |recording| recording.channels),
            held: "",
            caller,
            started,
        }
    }

    fn whom(&self, cdr: &Cdr) -> String {
        let agent = cdr.agent.as_ref().map(|agent| self.agent_name(agent));
        let callee = cdr
            .callee_number
            .as_ref()
            .filter(|number| **number != cdr.dialed_number);
        let group = || cdr.group.as_ref().map(ToString::to_string);
        agent
            .or_else(|| callee.map(ToString::to_string))
            .or_else(group)
            .unwrap_or_default()
    }

    fn agent_name(&self, id: &AgentId) -> String {
        let agents = self
            .snapshot
            .map(|snapshot| snapshot.agents.as_slice())
            .unwrap_or_default();
        let agent = agents.iter().find(|agent| agent.id == *id);
        agent.map_or_else(|| id.to_string(), |agent| agent.name.clone())
    }
}

/// The address of a page of the list with these filters.
pub(super) fn page_address(filters: &[(&str, &str)], page: u64) -> String {
    let number = if page > 1 { page.to_string() } else { String::new() };
    let mut pairs = filters.to_vec();
    pairs.push(("page", &number));
    address("/calls", &pairs)
}
