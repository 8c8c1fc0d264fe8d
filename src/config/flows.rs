use super::draft::{FlowDraft, Found};
use super::reader::Reader;
use super::section::Section;
use super::source::Source;
use super::{Mistake, Place};
use crate::ivr::{Fault, Flow, Known, Verb, nearest};
use crate::model::{FlowName, Language, StepName};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A flow but for its steps.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Head {
    name: Option<FlowName>,
    start: Option<StepName>,
    language: Option<Language>,
}

/// Reads one flow file. The flow is called by its `name`, or like the file when it has none.
pub(super) fn read_flow(source: &Source, found: &mut Found) -> Option<FlowDraft> {
    let mut root = match source.parse() {
        Ok(root) => root,
        Err(mistakes) => {
            found.mistakes.extend(mistakes);
            return None;
        }
    };
    let mut reader = Reader::new(source);
    let steps = read_steps(&mut reader, &mut root);
    let mut head: Section<Option<Head>> = reader.read("flow", &(0..0), root, Head::deserialize);
    head.place = Place::File(source.path.clone());
    head.label = String::new();
    for mistake in &mut reader.mistakes {
        mistake.key = mistake.key.trim_start_matches("flow.").to_owned();
    }
    found.mistakes.append(&mut reader.mistakes);
    let head = head.map(Option::unwrap_or_default);
    let name = head.value.name.clone().or_else(|| stem(&source.path))?;
    let Some(start) = head.value.start.clone() else {
        if head.whole {
            let cure = "name the step a caller enters first: start = \"…\"";
            found.mistakes.push(head.mistake("start", "is missing", cure));
        }
        return None;
    };
    let whole = head.whole && steps.values().all(|step| step.whole && step.value.is_some());
    let places = steps
        .iter()
        .map(|(name, step)| (name.clone(), (step.place.clone(), step.keys.clone())))
        .collect();
    let steps = steps
        .into_iter()
        .filter_map(|(name, step)| Some((name, step.value?)))
        .collect();
    let flow = Flow {
        name,
        start,
        language: head.value.language.clone(),
        steps,
    };
    Some(FlowDraft {
        flow,
        head: head.map(|_| ()),
        places,
        whole,
        shipped: false,
    })
}

/// Takes `[step.…]` out of the file and reads each.
fn read_steps<'s>(
    reader: &mut Reader<'s>,
    root: &mut DeTable<'s>,
) -> BTreeMap<StepName, Section<Option<Verb>>> {
    let Some(steps) = root.remove("step") else {
        return BTreeMap::new();
    };
    let span = steps.span();
    let DeValue::Table(steps) = steps.into_inner() else {
        reader.tell(
            &span,
            "step",
            "is no table",
            "write [step.NAME] above the keys of each step",
        );
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (name, step) in steps {
        let label = format!("step.{}", name.get_ref());
        let span = name.span();
        let section = read_step(reader, &label, &span, step);
        read.insert(StepName::from(name.into_inner().as_ref()), section);
    }
    read
}

fn read_step<'s>(
    reader: &mut Reader<'s>,
    label: &str,
    span: &Range<usize>,
    step: Spanned<DeValue<'s>>,
) -> Section<Option<Verb>> {
    let unread = |reader: &Reader<'s>| Section {
        value: None,
        label: label.to_owned(),
        place: reader.place(span),
        keys: HashMap::new(),
        whole: false,
    };
    let DeValue::Table(mut table) = step.into_inner() else {
        reader.tell(span, label, "is no table", "write its keys under it");
        return unread(reader);
    };
    let verb = table.remove("verb");
    let Some(name) = verb.as_ref().and_then(|verb| verb.get_ref().as_str()) else {
        let cure = format!("write verb = one of: {}", Verb::NAMES.join(", "));
        reader.tell(span, &format!("{label}.verb"), "is missing", &cure);
        return unread(reader);
    };
    if !Verb::NAMES.contains(&name) {
        let cure = match nearest(name, Verb::NAMES) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("use one of: {}", Verb::NAMES.join(", ")),
        };
        let span = verb.as_ref().map_or(span.clone(), Spanned::span);
        reader.tell(
            &span,
            &format!("{label}.verb"),
            &format!("there is no verb \"{name}\""),
            &cure,
        );
        return unread(reader);
    }
    let section = reader.read(label, span, table, |value| match Verb::read(name, value) {
        Some(read) => read.map(Some),
        None => Ok(None), // The name has just been looked up.
    });
    section.map(Option::flatten)
}

/// Looks for what is wrong with a flow among the groups, languages and prompts there are.
pub(super) fn check_flow(draft: &FlowDraft, known: &Known<'_>, found: &mut Found) {
    for fault in draft.flow.check(known) {
        // Where a step could not be read, its own mistakes have been told and its absence is no news.
        let echo = !draft.whole && (!fault.grave || fault.problem.starts_with("there is no step"));
        let mistake = draft.mistake(&fault);
        match (fault.grave, echo) {
            (_, true) => {}
            (false, _) if draft.shipped => {}
            (true, false) => found.mistakes.push(mistake),
            (false, false) => found.warnings.push(mistake),
        }
    }
}

impl FlowDraft {
    /// A fault with the place it stands at.
    fn mistake(&self, fault: &Fault) -> Mistake {
        let Some(step) = &fault.step else {
            return self.head.mistake(fault.key, &fault.problem, &fault.cure);
        };
        let place = self
            .places
            .get(step)
            .map(|(place, keys)| keys.get(fault.key).unwrap_or(place));
        let key = match fault.key {
            "" => format!("step.{step}"),
            key => format!("step.{step}.{key}"),
        };
        Mistake {
            place: place.unwrap_or(&self.head.place).clone(),
            key,
            problem: fault.problem.clone(),
            cure: fault.cure.clone(),
        }
    }
}

fn stem(path: &Path) -> Option<FlowName> {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .map(FlowName::from)
}
