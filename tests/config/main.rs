//! The configuration: every shipped file loads, every mistake reads well, and all of them are told at once.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod environment;
mod mistakes;
mod shipped;
mod tls_files;

use callpost::config::{Config, Loaded, Mistake, Surroundings, Unloadable, report};
use std::path::Path;

/// A configuration that is right, to which the tables of mistakes add what is wrong.
const OFFICE: &str = r#"
[site]
name = "office"
languages = ["en", "ar"]
[[group]]
name = "sales"
[[agent]]
id = "ali"
extension = "1001"
password = "correct horse battery"
groups = ["sales"]
[[number]]
match = "1000"
group = "sales"
"#;

/// Loads a text as `office.toml`, with the shipped flows and prompts.
fn load(text: &str) -> Result<Loaded, Unloadable> {
    Config::from_text("office.toml", text, &Surroundings::default())
}

/// The lines that tell what is wrong.
fn told(result: Result<Loaded, Unloadable>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(Unloadable::Mistakes { mistakes, .. }) => lines(&mistakes),
        Err(unreadable @ Unloadable::Unreadable { .. }) => vec![unreadable.to_string()],
    }
}

fn lines(mistakes: &[Mistake]) -> Vec<String> {
    report(mistakes).lines().map(str::to_owned).collect()
}

/// Writes files into a folder, each with its path below it.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
