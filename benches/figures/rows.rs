//! The rows of the figure table, one function a measurement.

use crate::crowd::{Crowd, Manners};
use crate::harness::appliance::count;
use crate::harness::returning::{Town, furnished};
use crate::harness::{Appliance, Household, Street};
use crate::process::Process;
use crate::subject::{self, AGENTS, Kind, Subject, agents_number};
use std::collections::BTreeMap;
use std::time::Duration;

/// One row.
pub(crate) struct Row {
    /// Its name in the JSON.
    pub(crate) key: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    /// In which unit.
    pub(crate) unit: &'static str,
    /// What the product is to reach.
    pub(crate) goal: &'static str,
}

/// The table, in its order.
pub(crate) const ROWS: [Row; 20] = [
    row("idle_rss_mb", "idle resident memory, VmRSS", "MB", "≤ 12"),
    row("idle_pss_mb", "idle memory, PSS", "MB", "–"),
    row(
        "start_ms",
        "process start to first OPTIONS answered",
        "ms",
        "≤ 50",
    ),
    row(
        "bridged_50_percent",
        "bridged G.711 call, 50 at once",
        "% of a core a call",
        "≤ 0.08",
    ),
    row(
        "bridged_100_percent",
        "bridged G.711 call, 100 at once",
        "% of a core a call",
        "≤ 0.08",
    ),
    row(
        "recorded_100_percent",
        "the same, recorded, 100 at once",
        "% of a core a call",
        "≤ 0.10",
    ),
    row(
        "recorded_100_rss_mb",
        "memory at 100 recorded bridged calls, VmRSS",
        "MB",
        "≤ 24",
    ),
    row(
        "recorded_100_after_mb",
        "memory 40 s after they hung up, VmRSS",
        "MB",
        "the idle figure",
    ),
    row(
        "relay_loss_percent",
        "audio packets lost while 100 are bridged",
        "%",
        "0",
    ),
    row(
        "prompt_100_percent",
        "IVR prompt playing, 100 at once",
        "% of a core a call",
        "≤ 0.06",
    ),
    row(
        "answered_call_ms",
        "signalling of one answered call (INVITE … BYE)",
        "ms of CPU",
        "≤ 0.15",
    ),
    row(
        "register_ms",
        "REGISTER with digest (401 and again)",
        "ms of CPU",
        "≤ 0.08",
    ),
    row(
        "ring_8_ms",
        "ring 8 agents, one wins, 7 cancelled",
        "ms of CPU",
        "≤ 1.0",
    ),
    row("ring_8_kb", "memory kept right after such a call", "kB", "≤ 100"),
    row(
        "cancel_8_ms",
        "agent's 200 OK to the last CANCEL, 8 phones",
        "ms",
        "≤ 1",
    ),
    row("cancel_200_ms", "the same, 200 phones", "ms", "≤ 10"),
    row(
        "storm_2000_twice",
        "2,000 calls a second for 10 s on one core: messages said twice",
        "messages",
        "0",
    ),
    row(
        "kept_100000_kb",
        "memory above the base, 64 s after 100,000 calls (`long`)",
        "kB",
        "≤ 1000",
    ),
    row(
        "return_10000_lost",
        "10,000 phones register within a minute after a power return: lost or shut out (`long`)",
        "phones",
        "0",
    ),
    row(
        "return_10000_kb",
        "memory that another such return adds, 40 s later (`long`)",
        "kB",
        "≤ 1000",
    ),
];

const fn row(key: &'static str, what: &'static str, unit: &'static str, goal: &'static str) -> Row {
    Row {
        key,
        what,
        unit,
        goal,
    }
}

/// What was measured, by key; a key that is missing or `None` was not.
pub(crate) type Figures = BTreeMap<&'static str, Option<f64>>;

/// Which rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// Those too that take minutes.
    pub(crate) long: bool,
    /// No conversations.
    pub(crate) signalling_alone: bool,
}

/// Measures every row of one subject that is wanted.
pub(crate) fn measure(kind: Kind, choice: Choice) -> Figures {
    let mut figures = Figures::new();
    let start = median_of(5, || {
        Subject::start(kind)?
            .restart()
            .map(|time| time.as_secs_f64() * 1000.0)
    });
    note(&mut figures, "start_ms", start);
    let measured = Bench::set_up(kind).map(|mut bench| {
        bench.measure_rest(&mut figures);
        if !choice.signalling_alone {
            bench.measure_conversations(&mut figures);
        }
        bench.measure_signalling(&mut figures);
        if kind == Kind::Callpost {
            bench.measure_crowds(&mut figures, choice.long);
        }
    });
    if kind == Kind::Callpost && choice.long {
        returning(&mut figures);
    }
    if let Err(reason) = measured {
        eprintln!("{}: {reason}", kind.name());
    }
    figures
}

fn note(figures: &mut Figures, key: &'static str, measured: Result<f64, String>) {
    if let Err(reason) = &measured {
        eprintln!("{key}: {reason}");
    }
    figures.insert(key, measured.ok());
}

/// A running subject with the crowd around it.
struct Bench {
    process: Process,
    crowd: Crowd,
    // After `crowd`: the callers go before the house does.
    _subject: Subject,
}

impl Bench {
    fn set_up(kind: Kind) -> Result<Self, String> {
        let subject = Subject::start(kind)?;
        Ok(Self {
            process: subject.process()?,
            crowd: Crowd::gather(&subject.street)?,
            _subject: subject,
        })
    }

    fn measure_rest(&mut self, figures: &mut Figures) {
        std::thread::sleep(Duration::from_secs(2)); // Idle means that nothing of the start is left to do.
        note(figures, "idle_rss_mb", self.resident_mb());
        let share = self.process.proportional_kb().map(|kb| kb / 1024.0);
        note(
            figures,
            "idle_pss_mb",
            share.ok_or_else(|| "PSS is not shown here".to_owned()),
        );
    }

    fn measure_conversations(&mut self, figures: &mut Figures) {
        // Before the signalling: what that leaves behind for half a minute is not their memory.
        note(figures, "bridged_50_percent", self.talking(50));
        note(figures, "bridged_100_percent", self.talking(100));
        note(figures, "relay_loss_percent", self.loss());
        note(figures, "prompt_100_percent", self.listening());
        let recorded = self.talking_recorded();
        note(
            figures,
            "recorded_100_percent",
            recorded
                .as_ref()
                .map(|(percent, _)| *percent)
                .map_err(Clone::clone),
        );
        note(figures, "recorded_100_rss_mb", recorded.map(|(_, memory)| memory));
        // Their last transactions are forgotten after 64·T1, 32 s (RFC 3261 §17).
        std::thread::sleep(Duration::from_secs(40));
        note(figures, "recorded_100_after_mb", self.resident_mb());
    }

    fn measure_signalling(&mut self, figures: &mut Figures) {
        note(figures, "register_ms", self.registering());
        note(figures, "answered_call_ms", self.answering());
        self.ringing(figures);
    }

    /// What only the box is asked: thousands of calls, one after the other as fast as they come.
    fn measure_crowds(&mut self, figures: &mut Figures, long: bool) {
        note(figures, "storm_2000_twice", self.storming());
        if long {
            note(figures, "kept_100000_kb", self.keeping());
        }
    }

    /// Messages said twice, by either side, at two thousand calls a second on one core.
    fn storming(&mut self) -> Result<f64, String> {
        self.process.pin("0")?;
        let storm = self
            .crowd
            .storm(subject::SILENT_NUMBER, 2000, Duration::from_secs(10));
        self.process.unpin()?;
        let storm = storm?;
        if storm.refused > 0 {
            return Err(format!("{} of {} calls were refused", storm.refused, storm.calls));
        }
        Ok(f64::from(storm.twice))
    }

    /// What a hundred thousand calls leave behind once the last transaction is forgotten.
    fn keeping(&mut self) -> Result<f64, String> {
        let mut thousands = |seconds| {
            let length = Duration::from_secs(seconds);
            self.crowd.storm(subject::SILENT_NUMBER, 1000, length)?;
            // RFC 3261 §17: 64·T1 is 32 s; twice that is what is promised.
            std::thread::sleep(Duration::from_secs(64));
            self.process
                .resident_kb()
                .ok_or_else(|| "the process is gone".to_owned())
        };
        // Caches fill and the allocator takes what it will keep; what comes after is measured against that.
        let before = thousands(10)?;
        Ok((thousands(100)? - before).max(0.0))
    }

    fn resident_mb(&self) -> Result<f64, String> {
        self.process
            .resident_kb()
            .map(|kb| kb / 1024.0)
            .ok_or_else(|| "the process is gone".to_owned())
    }

    /// CPU milliseconds a REGISTER.
    fn registering(&mut self) -> Result<f64, String> {
        let rounds = 1000;
        median_of(3, || {
            self.cpu_ms_each(rounds, |bench| bench.crowd.register(subject::EXTENSION))
        })
    }

    /// CPU milliseconds a call that is answered and hung up, ten at a time.
    fn answering(&mut self) -> Result<f64, String> {
        let at_once = 10;
        let each = median_of(3, || {
            self.cpu_ms_each(100, |bench| {
                for _ in 0..at_once {
                    bench.crowd.dial(subject::SILENT_NUMBER);
                }
                bench.crowd.until_up(at_once)?;
                bench.crowd.hang_up()
            })
        })?;
        Ok(each / at_once as f64)
    }

    /// CPU, memory and time of calls that ring many phones.
    fn ringing(&mut self, figures: &mut Figures) {
        self.crowd.manners = Manners::Ring;
        let rounds = 100;
        let before = self.process.resident_kb();
        let mut times = Vec::new();
        let each = self.cpu_ms_each(rounds, |bench| {
            times.push(bench.ring(subject::RING_8_NUMBER, 8)?);
            Ok(())
        });
        let kept = self
            .process
            .resident_kb()
            .zip(before)
            .map(|(after, before)| (after - before) / f64::from(rounds));
        note(figures, "ring_8_ms", each);
        note(
            figures,
            "ring_8_kb",
            kept.ok_or_else(|| "the process is gone".to_owned()),
        );
        note(
            figures,
            "cancel_8_ms",
            median(times).ok_or_else(|| "no call was taken".to_owned()),
        );
        let crowd = usize::try_from(subject::CROWD).unwrap_or_default();
        note(
            figures,
            "cancel_200_ms",
            median_of(9, || self.ring(subject::RING_200_NUMBER, crowd)),
        );
        self.crowd.manners = Manners::PickUp;
    }

    /// One call that rings so many phones, one of which picks up; milliseconds until the last CANCEL.
    fn ring(&mut self, number: &str, phones: usize) -> Result<f64, String> {
        self.crowd.dial(number);
        self.crowd.until_ringing(phones)?;
        let time = self.crowd.pick_up_one()?;
        self.crowd.until_up(1)?;
        self.crowd.hang_up()?;
        Ok(time.as_secs_f64() * 1000.0)
    }

    /// Percent of a core for each of so many conversations.
    fn talking(&mut self, calls: u32) -> Result<f64, String> {
        self.converse(calls, false)?;
        let percent = median_of(3, || self.percent_each(calls));
        self.crowd.hang_up()?;
        percent
    }

    /// The same for a hundred recorded ones, and the memory while they talk.
    fn talking_recorded(&mut self) -> Result<(f64, f64), String> {
        self.converse(AGENTS, true)?;
        let percent = median_of(3, || self.percent_each(AGENTS));
        let memory = self.resident_mb();
        self.crowd.hang_up()?;
        Ok((percent?, memory?))
    }

    /// Sets up so many conversations and lets them run in.
    fn converse(&mut self, calls: u32, recorded: bool) -> Result<(), String> {
        for agent in 0..calls {
            self.crowd.dial(&agents_number(agent, recorded));
        }
        self.crowd.until_up(usize::try_from(calls).unwrap_or_default())?;
        self.crowd.talk(Duration::from_secs(2))
    }

    /// Percent of a core for each of a hundred callers who listen to a prompt.
    fn listening(&mut self) -> Result<f64, String> {
        let calls = 100;
        for _ in 0..calls {
            self.crowd.dial(subject::PROMPT_NUMBER);
        }
        self.crowd.until_up(calls)?;
        self.crowd.talk(Duration::from_secs(2))?;
        let percent = median_of(3, || self.percent_each(u32::try_from(calls).unwrap_or(1)));
        self.crowd.hang_up()?;
        percent
    }

    /// Of the packets of the last conversation, how many never came out on the other side.
    fn loss(&self) -> Result<f64, String> {
        let (sent, received) = self.crowd.packets;
        if sent == 0 {
            return Err("nobody talked".to_owned());
        }
        // The packets of the last tick are still under way when counting ends.
        Ok((100.0 * (sent as f64 - received as f64 - 200.0) / sent as f64).max(0.0))
    }

    fn percent_each(&mut self, calls: u32) -> Result<f64, String> {
        let window = Duration::from_secs(5);
        let before = self.process.cpu();
        self.crowd.talk(window)?;
        let spent = self.process.cpu().saturating_sub(before);
        Ok(100.0 * spent.as_secs_f64() / window.as_secs_f64() / f64::from(calls))
    }

    fn cpu_ms_each(
        &mut self,
        rounds: u32,
        mut work: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<f64, String> {
        let before = self.process.cpu();
        for _ in 0..rounds {
            work(self)?;
        }
        let spent = self.process.cpu().saturating_sub(before);
        Ok(spent.as_secs_f64() * 1000.0 / f64::from(rounds))
    }
}

/// The power of ten thousand phones comes back, and once more.
fn returning(figures: &mut Figures) {
    const PHONES: u32 = 10_000;
    let street = Street::claim();
    let appliance = Appliance::open(&street, &furnished(Household::new(), PHONES));
    let mut town = Town::build(&street, PHONES);
    let mut lost = 0;
    let mut memory = [0.0; 2];
    for after in &mut memory {
        let outcome = town.power_on(Duration::from_secs(60));
        eprintln!(
            "{} phones are back, {} requests were said again, the longest wait was {:?}",
            outcome.back,
            outcome.said_again,
            outcome.waited.last()
        );
        lost += PHONES - outcome.back;
        lost += u32::try_from(count(&appliance.status(), "bans")).unwrap_or(u32::MAX);
        // The last transactions are forgotten by then.
        std::thread::sleep(Duration::from_secs(40));
        *after = appliance.memory_kb() as f64;
    }
    let [first, second] = memory;
    note(figures, "return_10000_lost", Ok(f64::from(lost)));
    note(figures, "return_10000_kb", Ok((second - first).max(0.0)));
}

fn median_of(times: u32, mut measure: impl FnMut() -> Result<f64, String>) -> Result<f64, String> {
    let values: Result<Vec<f64>, String> = (0..times).map(|_| measure()).collect();
    median(values?).ok_or_else(|| "nothing was measured".to_owned())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
