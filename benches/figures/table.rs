//! Printing what was measured.

use super::rows::{Figures, ROWS, Row};
use super::subject::Kind;
use std::fmt::Write as _;
use std::fs;

/// Which machine this is.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("\t: unknown");
    let model = model.split_once(':').map_or("unknown", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} × {model}")
}

/// A table for people: what, the goal, and a column for each subject.
pub(crate) fn markdown(columns: &[(Kind, Figures)]) -> String {
    let mut text = String::from("| what | unit | goal |");
    for (kind, _) in columns {
        write!(text, " {} |", kind.name()).expect("text grows");
    }
    text.push_str(&format!("\n|{}\n", "---|".repeat(3 + columns.len())));
    for row in &ROWS {
        let Row { what, unit, goal, .. } = row;
        write!(text, "| {what} | {unit} | {goal} |").expect("text grows");
        for (_, figures) in columns {
            write!(text, " {} |", cell(figures.get(row.key).copied().flatten())).expect("text grows");
        }
        text.push('\n');
    }
    text
}

/// The same for programs, on one line.
pub(crate) fn json(columns: &[(Kind, Figures)]) -> String {
    let columns = columns.iter().map(|(kind, figures)| {
        let figures = ROWS.iter().map(|row| {
            let value = figures.get(row.key).copied().flatten();
            (
                row.key.to_owned(),
                value.map_or(serde_json::Value::Null, |value| round(value).into()),
            )
        });
        (
            kind.name().to_owned(),
            serde_json::Value::Object(figures.collect()),
        )
    });
    serde_json::Value::Object(columns.collect()).to_string()
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| round(value).to_string())
}

/// Three digits that mean something.
fn round(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let factor = 10_f64.powi(digits);
    (value * factor).round() / factor
}
