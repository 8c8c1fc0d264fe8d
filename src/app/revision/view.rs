//! The configuration's own nouns in the words of the API.

use crate::config::{Change, How, Mistake, Place, Unloadable};
use crate::http::{ChangeView, Checked, Fault, KeyView};

pub(super) fn fault(mistake: &Mistake) -> Fault {
    let (file, line) = match &mistake.place {
        Place::Line(file, line) => (file.display().to_string(), Some(*line)),
        Place::File(file) => (file.display().to_string(), None),
        Place::Variable(name) => (format!("environment {name}"), None),
    };
    Fault {
        file,
        line,
        key: mistake.key.clone(),
        problem: mistake.problem.clone(),
        cure: mistake.cure.clone(),
    }
}

/// In the order of files and lines.
pub(super) fn faults(mistakes: &[Mistake]) -> Vec<Fault> {
    let mut sorted: Vec<&Mistake> = mistakes.iter().collect();
    sorted.sort();
    sorted.into_iter().map(fault).collect()
}

pub(super) fn unloadable(refused: Unloadable) -> Checked {
    match refused {
        Unloadable::Mistakes { mistakes, warnings } => Checked {
            mistakes: faults(&mistakes),
            warnings: faults(&warnings),
        },
        Unloadable::Unreadable { path, cause } => Checked {
            mistakes: vec![Fault {
                file: path.display().to_string(),
                line: None,
                key: String::new(),
                problem: cause,
                cure: "put it back, or let the user of the daemon read it".to_owned(),
            }],
            warnings: Vec::new(),
        },
    }
}

pub(super) fn change(change: &Change) -> ChangeView {
    ChangeView {
        how: match change.how {
            How::Added => "added",
            How::Changed => "changed",
            How::Removed => "removed",
        },
        section: change.section.clone(),
        name: change.name.clone(),
        keys: change
            .keys
            .iter()
            .map(|key| KeyView {
                key: key.key.clone(),
                before: key.before.clone(),
                after: key.after.clone(),
                at_once: key.at_once,
            })
            .collect(),
        at_once: change.is_at_once(),
        text: change.to_string(),
    }
}

/// In short: `+agent mona`, `~[site]`, `-trunk pbx`.
pub(super) fn in_short(change: &Change) -> String {
    let sign = match change.how {
        How::Added => '+',
        How::Changed => '~',
        How::Removed => '-',
    };
    format!("{sign}{}", change.label())
}
