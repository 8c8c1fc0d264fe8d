//! PostgreSQL: each version of a record is one row under its identity and version, with columns for what people ask
//! for and the whole record beside them. A repetition finds its row there. A batch is one statement and one round trip.

#[cfg(feature = "postgres")]
mod columns;
#[cfg(feature = "postgres")]
mod secured;
#[cfg(feature = "postgres")]
mod session;
#[cfg(feature = "postgres")]
mod sink;
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "without the destination only its keys are checked")
)]
mod sql;

use super::line::{self, Address, Scheme};
use crate::model::Secret;
use crate::upstream::config::SectionMistake;
use serde::Deserialize;
use sql::Sql;
use std::path::PathBuf;

#[cfg(feature = "postgres")]
pub(in crate::upstream) use sink::Postgres;

/// The keys of a `postgres` destination.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where the database is: `postgres://user@host/database`.
    pub url: String,
    /// The password of the user in the URL.
    pub password: Option<Secret>,
    /// The table, `name` or `schema.name`.
    pub table: String,
    /// Whether the table is made when it is missing.
    pub create_table: bool,
    /// Whether the views `"CallCenterRecord"` and `call_center_records` are made as well.
    pub call_center_view: bool,
    /// Whether the connection is encrypted; required, unless the URL names a loopback address.
    pub tls: Option<Encryption>,
    /// A file with the certificates of the only authorities to believe; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// `first_use` or `sha256/…`: the key the server has to show.
    pub tls_pin: Option<String>,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// With TLS, verified, or not at all.
    Require,
    /// In clear: for a loopback address or a wire nobody else is on.
    Off,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: String::new(),
            password: None,
            table: "cdrs".to_owned(),
            create_table: true,
            call_center_view: false,
            tls: None,
            ca_file: None,
            tls_pin: None,
        }
    }
}

const SCHEMES: [Scheme; 2] = [("postgres", 5432), ("postgresql", 5432)];

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        if let Err(problem) = place(&self.url) {
            let cure = "write where the database is, such as postgres://callpost@db.head-office.example/cdrs";
            found.push(("url", problem, cure.to_owned()));
        }
        if Sql::of(self).is_none() {
            let cure = "write name or schema.name with letters, digits and _, 48 letters at most";
            found.push(("table", "is no name of a table".to_owned(), cure.to_owned()));
        }
        found.extend(line::pin_mistake(self.tls_pin.as_deref()));
        found
    }
}

/// Where the database is, who asks, and which database.
fn place(url: &str) -> Result<(Address, String, String), String> {
    let (address, url) = Address::parse(url, &SCHEMES)?;
    if url.username().is_empty() {
        return Err("names no user".to_owned());
    }
    let database = url.path().trim_start_matches('/');
    if database.is_empty() || database.contains('/') {
        return Err("names no database".to_owned());
    }
    if url.query().is_some() {
        return Err("has a `?`, and parameters are keys of their own here".to_owned());
    }
    Ok((address, url.username().to_owned(), database.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(url: &str, text: &str) -> Vec<&'static str> {
        let section: Section = toml::from_str(&format!("url='{url}'\n{text}")).unwrap();
        section.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn each_mistake_names_its_key() {
        let url = "postgres://callpost@db.example/cdrs";
        assert!(keys(url, "").is_empty());
        assert!(keys("postgresql://callpost@[::1]:7/cdrs", "table='fleet.cdrs'").is_empty());
        assert_eq!(keys(url, "tls_pin='first'"), ["tls_pin"]);
        for wrong in [
            "",
            "postgres://db.example/cdrs",
            "postgres://sam@db.example",
            "mysql://sam@db.example/cdrs",
            "postgres://sam:hush@db.example/cdrs",
            "postgres://sam@db.example/cdrs?sslmode=disable",
        ] {
            assert_eq!(keys(wrong, ""), ["url"], "{wrong}");
        }
        for wrong in ["a.b.c", "cdrs; DROP TABLE x", "\\\"x", "", "1st", &"x".repeat(60)] {
            assert_eq!(keys(url, &format!("table=\"{wrong}\"")), ["table"], "{wrong}");
        }
    }
}
