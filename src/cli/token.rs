//! `callpost token`: what programs show.

use super::daemon::segment;
use super::user::{Common, tell};
use super::{complain, say};
use crate::app::wall_unix_ms;
use crate::http::{TokenKey, TokenView, TokenWish};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Works beside the running daemon and without one. Beside it, run this as the daemon's user or root; others show a token
/// with the scope `admin`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a token; it is shown once.
    #[command(
        after_help = "Example: callpost token create --name crm --scope cdr:read --scope cdr:ack --days 365\n\n\
                            Scopes: cdr:read cdr:ack calls:read calls:control agents:state agents:write \
                            config:write admin."
    )]
    Create {
        #[command(flatten)]
        common: Common,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may do; several times, or separated by commas.
        #[arg(long = "scope", required = true, value_delimiter = ',')]
        scopes: Vec<String>,
        /// It ends after so many days.
        #[arg(long, conflicts_with = "until")]
        days: Option<u32>,
        /// It ends then: an RFC 3339 time.
        #[arg(long)]
        until: Option<String>,
    },
    /// Revoke a token: it counts no more from the next request on.
    #[command(after_help = "Example: callpost token revoke 4k7d9m2p")]
    Revoke {
        #[command(flatten)]
        common: Common,
        /// Which, by the id that `list` shows.
        id: String,
    },
    /// Show every token that was ever made, with its last use.
    #[command(after_help = "Example: callpost token list --json")]
    List {
        #[command(flatten)]
        common: Common,
    },
}

pub(super) fn token(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::Create {
            common,
            name,
            scopes,
            days,
            until,
        } => create(common, name, scopes, *days, until.as_deref()),
        What::Revoke { common, id } => revoke(common, id),
        What::List { common } => list(common),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn create(
    common: &Common,
    name: &str,
    scopes: &[String],
    days: Option<u32>,
    until: Option<&str>,
) -> anyhow::Result<()> {
    let register = common.register(true)?;
    let expires_ms = end(days, until)?;
    let expires_at = expires_ms.map(jiff::Timestamp::from_millisecond).transpose()?;
    let wish = json!({
        "name": name,
        "scopes": scopes,
        "expires_at": expires_at.map(|time| time.to_string()),
    });
    let what = format!("token create {name} ({})", scopes.join(" "));
    let answer = register.act(("POST", "/api/v1/tokens", Some(wish)), &what, |desk, site| {
        let wish = TokenWish {
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            expires_ms,
            by: "command line".to_owned(),
        };
        let (TokenKey(id), text) = desk.make_token(wall_unix_ms(), &wish)?;
        let tokens = site.accounts.tokens()?;
        let made = tokens
            .iter()
            .find(|token| token.id == id)
            .context("it is gone already")?;
        let mut shown = json!(TokenView::of(made, wall_unix_ms(), &|unix_ms| site.stamp(unix_ms)));
        shown["token"] = text.into();
        Ok(shown)
    })?;
    if common.json {
        say(&answer);
        return Ok(());
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let ends = answer["expires_at"].as_str().map(|end| format!(", until {end}"));
    say(format_args!(
        "Token {} for {name}{}.",
        text("id"),
        ends.unwrap_or_default()
    ));
    say(format_args!("Shown once: {}", text("token")));
    Ok(())
}

/// When it ends, in ms since 1970.
fn end(days: Option<u32>, until: Option<&str>) -> anyhow::Result<Option<i64>> {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    match (days, until) {
        (Some(0), _) => bail!("--days 0: a token lasts 1 day or more"),
        (Some(days), _) => Ok(Some(wall_unix_ms() + i64::from(days) * DAY_MS)),
        (None, Some(time)) => {
            let time: jiff::Timestamp = time
                .parse()
                .with_context(|| format!("--until {time} — write a time as in 2027-01-31T12:00:00Z"))?;
            Ok(Some(time.as_millisecond()))
        }
        (None, None) => Ok(None),
    }
}

fn revoke(common: &Common, id: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/tokens/{}", segment(id));
    let what = format!("token revoke {id}");
    common
        .register(false)?
        .act(("DELETE", &path, None), &what, |desk, _| {
            desk.revoke_token(id)?;
            Ok(Value::Null)
        })?;
    tell(
        common,
        json!({ "id": id, "revoked": true }),
        &format!("Token {id} is revoked."),
    );
    Ok(())
}

fn list(common: &Common) -> anyhow::Result<()> {
    let answer = common
        .register(false)?
        .act(("GET", "/api/v1/tokens", None), "", |_, site| {
            let tokens = site.accounts.tokens()?;
            let now = wall_unix_ms();
            let view = |token| TokenView::of(token, now, &|unix_ms| site.stamp(unix_ms));
            Ok(json!({ "items": tokens.iter().map(view).collect::<Vec<_>>() }))
        })?;
    let items = answer["items"]
        .as_array()
        .context("the daemon's answer has no list")?;
    if common.json {
        items.iter().for_each(say);
        return Ok(());
    }
    if items.is_empty() {
        say("There is no token yet. Make one with `callpost token create`.");
    }
    for item in items {
        let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
        let scopes: Vec<&str> = item["scopes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        say(format_args!(
            "{:<10} {:<8} {:<24} {}  until {}  last used {}",
            text("id"),
            text("state"),
            text("name"),
            scopes.join(" "),
            text("expires_at"),
            text("last_used_at"),
        ));
    }
    Ok(())
}
