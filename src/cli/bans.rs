//! `callpost bans`: who is shut out, and who is let in again. Asks the running daemon through its API.

use super::cdr::{House, Place};
use super::daemon::{ask, segment};
use super::{complain, say};
use anyhow::bail;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

/// Ten wrong passwords in a minute shut an address out for a while; see the handbook's page on security.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Run this as the daemon's user or root; others show a token in CALLPOST_TOKEN.\n\
                  Example: callpost bans lift 198.51.100.7"
)]
pub(super) struct Arguments {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the addresses that are shut out.
    List {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Let an address in again.
    Lift {
        /// Which, as `list` shows it.
        address: String,
    },
}

pub(super) fn bans(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::List { json } => list(arguments, *json),
        What::Lift { address } => lift(arguments, address),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn list(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let answer = ask(&house(arguments)?, None, "GET", "/api/v1/bans", None)?;
    let bans = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if json {
        bans.iter().for_each(say);
        return Ok(());
    }
    if bans.is_empty() {
        say("Nobody is shut out.");
    }
    for ban in bans {
        let text = |name: &str| ban[name].as_str().unwrap_or_default().to_owned();
        let minutes = ban["seconds"].as_u64().unwrap_or_default().div_ceil(60);
        let (address, user, dropped) = (text("address"), text("user"), &ban["dropped"]);
        say(format_args!(
            "{address}  {minutes} min left  wrong passwords, the last for {user:?}  {dropped} packets dropped"
        ));
    }
    Ok(())
}

fn lift(arguments: &Arguments, address: &str) -> anyhow::Result<()> {
    if !address
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || b".:/".contains(&byte))
    {
        bail!("`{address}` is not an IP address");
    }
    let path = format!("/api/v1/bans/{}", segment(address));
    ask(&house(arguments)?, None, "DELETE", &path, None)?;
    say(format_args!("{address} is let in again."));
    Ok(())
}

fn house(arguments: &Arguments) -> anyhow::Result<House> {
    Place::new(arguments.config.clone(), None).open()
}
