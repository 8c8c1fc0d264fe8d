//! `callpost user`: who may log in.

use super::cdr::Place;
use super::daemon::segment;
use super::people::{Register, password_from};
use super::{complain, say};
use crate::http::PersonView;
use anyhow::Context as _;
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
    /// Let somebody log in.
    #[command(after_help = "Example: callpost user add mona --role technician\n\n\
                            Roles: viewer looks, agent also goes on a break, technician also controls calls and \
                            changes the configuration, admin does everything.\n\
                            Without --password-stdin a password is made and shown once.")]
    Add {
        #[command(flatten)]
        common: Common,
        /// The name to log in with.
        name: String,
        /// viewer, agent, technician or admin.
        #[arg(long)]
        role: String,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give somebody another password, which ends their sessions.
    #[command(after_help = "Example: callpost user passwd mona\n\n\
                            Without --password-stdin a password is made and shown once.")]
    Passwd {
        #[command(flatten)]
        common: Common,
        /// Whose.
        name: String,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give somebody another role.
    #[command(after_help = "Example: callpost user role mona admin")]
    Role {
        #[command(flatten)]
        common: Common,
        /// Whose.
        name: String,
        /// viewer, agent, technician or admin.
        role: String,
    },
    /// Remove somebody, with their sessions.
    #[command(after_help = "Example: callpost user remove mona")]
    Remove {
        #[command(flatten)]
        common: Common,
        /// Whom.
        name: String,
    },
    /// Show who may log in.
    #[command(after_help = "Example: callpost user list --json")]
    List {
        #[command(flatten)]
        common: Common,
    },
}

/// What every one of these commands takes.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) place: Place,
    /// A token with the scope `admin`, where the daemon's door is not open; CALLPOST_TOKEN or CALLPOST_ADMIN_TOKEN
    /// otherwise.
    #[arg(long)]
    pub(super) token: Option<String>,
    /// As JSON, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

impl Common {
    pub(super) fn register(&self, may_make: bool) -> anyhow::Result<Register> {
        Register::open(&self.place, self.token.as_deref(), may_make)
    }
}

pub(super) fn user(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::Add {
            common,
            name,
            role,
            password_stdin,
        } => add(common, name.trim(), role, *password_stdin),
        What::Passwd {
            common,
            name,
            password_stdin,
        } => set_password(common, name, *password_stdin),
        What::Role { common, name, role } => set_role(common, name, role),
        What::Remove { common, name } => remove(common, name),
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

fn add(common: &Common, name: &str, role: &str, from_stdin: bool) -> anyhow::Result<()> {
    let password = password_from(from_stdin)?;
    let register = common.register(true)?;
    let wish = json!({ "name": name, "role": role, "password": password });
    let what = format!("user add {name} ({role})");
    let answer = register.act(("POST", "/api/v1/users", Some(wish)), &what, |desk, _| {
        let made = desk.add_person(name, role, password.as_deref())?;
        Ok(json!({ "name": name, "role": role, "password": made }))
    })?;
    tell_password(common, &answer, &format!("{name} may log in as {role}."));
    Ok(())
}

fn set_password(common: &Common, name: &str, from_stdin: bool) -> anyhow::Result<()> {
    let password = password_from(from_stdin)?;
    let register = common.register(false)?;
    let path = format!("/api/v1/users/{}/password", segment(name));
    let wish = json!({ "password": password });
    let what = format!("user passwd {name}");
    let answer = register.act(("POST", &path, Some(wish)), &what, |desk, _| {
        let made = desk.set_password(name, password.as_deref(), None)?;
        Ok(json!({ "name": name, "password": made }))
    })?;
    tell_password(
        common,
        &answer,
        &format!("{name} has another password; the sessions of {name} have ended."),
    );
    Ok(())
}

fn set_role(common: &Common, name: &str, role: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/users/{}", segment(name));
    let request = ("PUT", path.as_str(), Some(json!({ "role": role })));
    let what = format!("user role {name} {role}");
    common.register(false)?.act(request, &what, |desk, _| {
        desk.set_role(name, role)?;
        Ok(Value::Null)
    })?;
    tell(
        common,
        json!({ "name": name, "role": role }),
        &format!("{name} is {role} now."),
    );
    Ok(())
}

fn remove(common: &Common, name: &str) -> anyhow::Result<()> {
    let path = format!("/api/v1/users/{}", segment(name));
    let what = format!("user remove {name}");
    common
        .register(false)?
        .act(("DELETE", &path, None), &what, |desk, _| {
            desk.remove_person(name)?;
            Ok(Value::Null)
        })?;
    tell(
        common,
        json!({ "name": name, "removed": true }),
        &format!("{name} was removed."),
    );
    Ok(())
}

fn list(common: &Common) -> anyhow::Result<()> {
    let answer = common
        .register(false)?
        .act(("GET", "/api/v1/users", None), "", |_, site| {
            let users = site.accounts.users()?;
            let view = |user| PersonView::of(user, &|unix_ms| site.stamp(unix_ms));
            Ok(json!({ "items": users.iter().map(view).collect::<Vec<_>>() }))
        })?;
    let items = answer["items"]
        .as_array()
        .context("the daemon's answer has no list")?;
    if common.json {
        items.iter().for_each(say);
        return Ok(());
    }
    if items.is_empty() {
        say(
            "Nobody may log in yet. The claim code in the daemon's log makes the first one, or `callpost user add`.",
        );
    }
    for item in items {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let seen = item["last_login_at"].as_str().unwrap_or("never").to_owned();
        say(format_args!(
            "{:<24} {:<11} last login {seen}",
            text("name"),
            text("role")
        ));
    }
    Ok(())
}

fn tell_password(common: &Common, answer: &Value, sentence: &str) {
    if common.json {
        return say(answer);
    }
    say(sentence);
    if let Some(password) = answer["password"].as_str() {
        say(format_args!("Password, shown once: {password}"));
    }
}

/// Says that it is done.
pub(super) fn tell(common: &Common, for_programs: Value, sentence: &str) {
    if common.json {
        say(for_programs);
    } else {
        say(sentence);
    }
}
