//! Everything in one go: what waits for others at the same time, what waits for the disk beside it.

use super::server::Told;
use super::{
    Area, Line, Report, Wanted, Whom, clock, database, disk, dns, files, network, ports, resources, server,
    trunk,
};
use crate::egress::Egress;
use crate::model::{Dice, Stamp};
use crate::net::Dns;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinSet, spawn_blocking};

/// Looks at everything, in some seconds: a trunk that does not answer takes the longest. Must be called inside a tokio
/// runtime. `told` hears of every line as it comes, and of how many pieces of work are still to come.
pub async fn look(
    wanted: Wanted,
    egress: Egress,
    resolver: Dns,
    at: Stamp,
    mut told: impl FnMut(&Line, usize),
) -> Report {
    let wanted = Arc::new(wanted);
    let begun = (wanted.now)();
    let mut dice = Dice::new(wanted.seed);
    let mut work: JoinSet<Told> = JoinSet::new();
    {
        let wanted = Arc::clone(&wanted);
        work.spawn(async move { lines(network::look(&wanted).await) });
    }
    {
        let (wanted, dice) = (Arc::clone(&wanted), dice.fork());
        work.spawn(async move { lines(dns::look(&wanted, dice).await) });
    }
    for place in 0..wanted.trunks.len() {
        let (wanted, egress, resolver, dice) =
            (Arc::clone(&wanted), egress.clone(), resolver.clone(), dice.fork());
        work.spawn(async move {
            match wanted.trunks.get(place) {
                Some(own) => lines(trunk::look(&wanted, own, &egress, &resolver, dice).await),
                None => lines(Vec::new()),
            }
        });
    }
    for place in 0..wanted.servers.len() {
        let (wanted, egress) = (Arc::clone(&wanted), egress.clone());
        work.spawn(async move {
            match wanted.servers.get(place) {
                Some(own) => server::look(&wanted, own, &egress).await,
                None => lines(Vec::new()),
            }
        });
    }
    let on_disk: [fn(&Wanted) -> Vec<Line>; 5] = [
        disk::look,
        |wanted| vec![database::look(wanted)],
        files::look,
        |wanted| vec![ports::look(wanted)],
        resources::look,
    ];
    for look in on_disk {
        let wanted = Arc::clone(&wanted);
        work.spawn(async move {
            // A look that panics has no lines; the others stay.
            lines(spawn_blocking(move || look(&wanted)).await.unwrap_or_default())
        });
    }
    let (mut found, mut clocks) = (Vec::new(), Vec::new());
    while let Some(done) = work.join_next().await {
        let Ok(done) = done else { continue };
        for line in &done.lines {
            told(line, work.len());
        }
        found.extend(done.lines);
        clocks.extend(done.clock);
    }
    let of_clock = clock::look(&wanted, &clocks);
    told(&of_clock, 0);
    found.push(of_clock);
    Report::new(at, (wanted.now)().saturating_duration_since(begun), found)
}

/// A look that could not begin.
pub fn broken(at: Stamp, reason: &str) -> Report {
    let line = Line::fail(
        Area::Files,
        "",
        format!("the look itself failed: {reason}"),
        "look at the log, and tell who makes this program",
        Whom::Box,
    );
    Report::new(at, Duration::ZERO, vec![line])
}

fn lines(lines: Vec<Line>) -> Told {
    Told { lines, clock: None }
}
