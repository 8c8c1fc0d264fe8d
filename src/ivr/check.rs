use super::nearest;
use super::survey::Survey;
use super::walk::GIVEN_VALUES;
use super::{Flow, Verb};
use crate::model::{GroupName, Language, PromptName, StepName};
use std::collections::{BTreeMap, BTreeSet};

/// What exists outside of a flow, for [`Flow::check`].
pub struct Known<'a> {
    /// The groups of the configuration.
    pub groups: &'a [GroupName],
    /// The site's languages.
    pub languages: &'a [Language],
    /// Whether there is a prompt of this name in this language.
    pub has_prompt: &'a dyn Fn(&Language, &PromptName) -> bool,
}

/// Something that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which step; `None` when it is the flow's own key.
    pub step: Option<StepName>,
    /// At which key; empty when it is the step as a whole.
    pub key: &'static str,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
    /// Whether the flow must not be used so; otherwise it is only worth a look.
    pub grave: bool,
}

impl Flow {
    /// Everything that is wrong with the flow, in the order of its steps: steps, groups, languages, values and
    /// prompts that do not exist, steps nobody reaches, circles in which nothing is waited for, and what each verb
    /// finds wrong with itself.
    pub fn check(&self, known: &Known<'_>) -> Vec<Fault> {
        let surveys: BTreeMap<&StepName, Survey<'_>> = self
            .steps
            .iter()
            .map(|(name, verb)| (name, verb.survey()))
            .collect();
        let mut faults = Vec::new();
        self.check_start(known, &mut faults);
        let values: BTreeSet<&str> = GIVEN_VALUES
            .into_iter()
            .chain(
                surveys
                    .values()
                    .flat_map(|survey| survey.stored.iter().map(|(_, name)| *name)),
            )
            .collect();
        for (step, survey) in &surveys {
            let mut report = Report {
                step,
                faults: &mut faults,
            };
            report.check_ways(survey, &self.steps);
            report.check_names(survey, known, &values);
            report.check_prompts(survey, known);
            for (key, problem, cure) in &survey.wrong {
                report.grave(key, problem.clone(), cure.clone());
            }
        }
        for step in self.unreached(&surveys) {
            faults.push(Fault {
                step: Some(step.clone()),
                key: "",
                problem: "no step leads here".to_owned(),
                cure: "name it as the `next` of a step or delete it".to_owned(),
                grave: false,
            });
        }
        faults.extend(circles(&surveys).into_iter().map(|circle| circle_fault(&circle)));
        faults
    }

    /// Every prompt that a step plays.
    pub fn prompts(&self) -> BTreeSet<PromptName> {
        let surveys = self.steps.values().map(Verb::survey);
        surveys
            .flat_map(|survey| {
                let names = survey.prompts.into_iter().map(|(_, name)| name.clone());
                names.collect::<Vec<_>>()
            })
            .collect()
    }

    /// Every constant text a `say` step speaks, so that it can be made ready before the first call.
    pub fn constant_texts(&self) -> Vec<(Option<Language>, String)> {
        let mut texts = Vec::new();
        for verb in self.steps.values() {
            let Verb::Say(say) = verb else { continue };
            for (language, text) in say.text().texts() {
                if super::words::places(text).next().is_none() && !text.trim().is_empty() {
                    texts.push((language.cloned(), text.to_owned()));
                }
            }
        }
        texts
    }

    fn check_start(&self, known: &Known<'_>, faults: &mut Vec<Fault>) {
        let mut grave = |key, problem, cure| {
            faults.push(Fault {
                step: None,
                key,
                problem,
                cure,
                grave: true,
            });
        };
        if !self.steps.contains_key(&self.start) {
            grave(
                "start",
                format!("there is no step `{}`", self.start),
                one_of(&self.start, self.steps.keys()),
            );
        }
        if let Some(language) = self.language.as_ref().filter(|it| !known.languages.contains(it)) {
            let problem = format!("the site does not speak `{language}`");
            grave("language", problem, one_of(language, known.languages));
        }
    }

    /// Steps no way leads to. Where the first step itself is missing, that says enough.
    fn unreached<'a>(&'a self, surveys: &BTreeMap<&'a StepName, Survey<'a>>) -> Vec<&'a StepName> {
        if !self.steps.contains_key(&self.start) {
            return Vec::new();
        }
        let mut reached = BTreeSet::from([&self.start]);
        let mut open = vec![&self.start];
        while let Some(survey) = open.pop().map(|step| surveys.get(step)) {
            for way in survey.into_iter().flat_map(|survey| &survey.ways) {
                if reached.insert(way.to) {
                    open.push(way.to);
                }
            }
        }
        self.steps.keys().filter(|step| !reached.contains(step)).collect()
    }
}

/// Writes down what is wrong with one step.
struct Report<'a> {
    step: &'a StepName,
    faults: &'a mut Vec<Fault>,
}

impl Report<'_> {
    fn grave(&mut self, key: &'static str, problem: String, cure: String) {
        self.note(key, problem, cure, true);
    }

    fn note(&mut self, key: &'static str, problem: String, cure: String, grave: bool) {
        let fault = Fault {
            step: Some(self.step.clone()),
            key,
            problem,
            cure,
            grave,
        };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn check_ways(&mut self, survey: &Survey<'_>, steps: &BTreeMap<StepName, Verb>) {
        for way in survey.ways.iter().filter(|way| !steps.contains_key(way.to)) {
            self.grave(
                way.key,
                format!("there is no step `{}`", way.to),
                one_of(way.to, steps.keys()),
            );
        }
    }

    fn check_names(&mut self, survey: &Survey<'_>, known: &Known<'_>, values: &BTreeSet<&str>) {
        for (key, group) in survey
            .groups
            .iter()
            .filter(|(_, group)| !known.groups.contains(group))
        {
            self.grave(
                key,
                format!("there is no group `{group}`"),
                one_of(group, known.groups),
            );
        }
        for (key, language) in &survey.languages {
            if !known.languages.contains(language) {
                let problem = format!("the site does not speak `{language}`");
                self.note(
                    key,
                    problem,
                    "add it to [site] languages or take it out here".to_owned(),
                    false,
                );
            }
        }
        for (key, value) in survey.used.iter().filter(|(_, value)| !values.contains(value)) {
            let problem = format!("nothing stores `{{{value}}}`");
            self.grave(key, problem, one_of(value, values));
        }
    }

    fn check_prompts(&mut self, survey: &Survey<'_>, known: &Known<'_>) {
        for (key, prompt) in &survey.prompts {
            let missing: Vec<&str> = known
                .languages
                .iter()
                .filter(|language| !(known.has_prompt)(language, prompt))
                .map(Language::as_str)
                .collect();
            if missing.is_empty() {
                continue;
            }
            let everywhere = missing.len() == known.languages.len();
            let problem = format!("there is no prompt `{prompt}` in {}", missing.join(", "));
            let cure = if everywhere {
                format!("put a {prompt}.wav into prompts/<language>/ or name another")
            } else {
                format!(
                    "put a {prompt}.wav into prompts/{}/; until then another language is heard",
                    missing.join(", ")
                )
            };
            self.note(key, problem, cure, everywhere);
        }
    }
}

/// The cure for a name that does not exist: the one that was probably meant, or all there are.
fn one_of<W: ToString, N: ToString>(written: &W, known: impl IntoIterator<Item = N>) -> String {
    let known: Vec<String> = known.into_iter().map(|name| name.to_string()).collect();
    match nearest(&written.to_string(), known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there is none yet; write one".to_owned(),
        None => format!("use one of: {}", known.join(", ")),
    }
}

/// Circles of steps in which nothing outside has to happen: a call in one of them would never come out.
fn circles<'a>(surveys: &BTreeMap<&'a StepName, Survey<'a>>) -> Vec<Vec<&'a StepName>> {
    let mut ways: BTreeMap<&StepName, Vec<&StepName>> = surveys
        .iter()
        .map(|(step, survey)| {
            (
                *step,
                survey
                    .ways
                    .iter()
                    .filter(|way| !way.after_wait)
                    .map(|way| way.to)
                    .collect(),
            )
        })
        .collect();
    let mut circles = Vec::new();
    loop {
        drop_dead_ends(&mut ways);
        let Some(mut step) = ways.keys().next().copied() else {
            return circles;
        };
        // Every step that is left leads to another that is left: following them must come round.
        let mut walked = Vec::new();
        while !walked.contains(&step) {
            walked.push(step);
            step = ways.get(step).and_then(|to| to.first().copied()).unwrap_or(step);
        }
        let circle: Vec<&StepName> = walked.into_iter().skip_while(|walked| *walked != step).collect();
        ways.retain(|step, _| !circle.contains(step));
        circles.push(circle);
    }
}

/// Takes out the steps that lead to no step that is left, until none is.
fn drop_dead_ends(ways: &mut BTreeMap<&StepName, Vec<&StepName>>) {
    loop {
        let left: BTreeSet<&StepName> = ways.keys().copied().collect();
        ways.values_mut()
            .for_each(|to| to.retain(|step| left.contains(step)));
        ways.retain(|_, to| !to.is_empty());
        if ways.len() == left.len() {
            return;
        }
    }
}

fn circle_fault(circle: &[&StepName]) -> Fault {
    let round: Vec<&str> = circle
        .iter()
        .chain(circle.first())
        .map(|step| step.as_str())
        .collect();
    Fault {
        step: circle.first().map(|step| (*step).clone()),
        key: "",
        problem: format!("goes in a circle without a wait: {}", round.join(" → ")),
        cure: "put a prompt, a pause or a menu between".to_owned(),
        grave: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(flow: &str) -> Vec<String> {
        let flow: Flow = toml::from_str(flow).unwrap();
        let known = Known {
            groups: &["sales".into(), "reception".into()],
            languages: &["en".into(), "ar".into()],
            has_prompt: &|language, prompt| {
                prompt.as_str() != "missing"
                    && (language.as_str() == "en" || prompt.as_str() != "english-only")
            },
        };
        flow.check(&known)
            .into_iter()
            .map(|fault| {
                let step = fault.step.map(|step| format!("{step} ")).unwrap_or_default();
                let mark = if fault.grave { "" } else { "(a look) " };
                format!("{mark}{step}{}: {} — {}", fault.key, fault.problem, fault.cure)
            })
            .collect()
    }

    #[test]
    fn every_name_that_does_not_exist_is_found_in_one_go() {
        let found = faults(
            r#"
            name = "main"
            start = "welcom"
            language = "fr"
            [step.welcome]
            verb = "play"
            prompt = "missing"
            next = "menu"
            [step.menu]
            verb = "menu"
            prompt = "english-only"
            keys = { 1 = "sale", 2 = "nowhere" }
            [step.sales]
            verb = "ring"
            group = "sale"
            no_answer = "say"
            [step.say]
            verb = "say"
            text = "order {oder}"
            next = "store"
            [step.store]
            verb = "set"
            values = { order = "1" }
            "#,
        );
        assert_eq!(
            found,
            [
                "start: there is no step `welcom` — did you mean `welcome`?",
                "language: the site does not speak `fr` — use one of: en, ar",
                "menu keys: there is no step `sale` — did you mean `sales`?",
                "menu keys: there is no step `nowhere` — use one of: menu, sales, say, store, welcome",
                "(a look) menu prompt: there is no prompt `english-only` in ar — put a english-only.wav into prompts/ar/; until then another language is heard",
                "sales group: there is no group `sale` — did you mean `sales`?",
                "say text: nothing stores `{oder}` — did you mean `order`?",
                "welcome prompt: there is no prompt `missing` in en, ar — put a missing.wav into prompts/<language>/ or name another",
            ]
        );
    }

    #[test]
    fn a_circle_without_a_wait_is_refused_and_one_with_a_wait_is_not() {
        let circle = |between: &str| {
            faults(&format!(
                r#"
                name = "main"
                start = "hours"
                [step.hours]
                verb = "hours"
                open = ["daily 00:00-12:00"]
                next = "ring"
                closed = "back"
                [step.ring]
                verb = "ring"
                group = "sales"
                no_answer = "back"
                [step.back]
                {between}
                next = "hours"
                "#
            ))
        };
        assert_eq!(
            circle("verb = \"goto\""),
            [
                "back : goes in a circle without a wait: back → hours → ring → back — put a prompt, a pause or a menu between"
            ]
        );
        assert_eq!(circle("verb = \"pause\"\nseconds = 0").len(), 1);
        assert_eq!(circle("verb = \"pause\"\nseconds = 1"), [""; 0]);
        assert_eq!(circle("verb = \"play\"\nprompt = \"please-hold\""), [""; 0]);
    }

    #[test]
    fn phones_that_are_all_busy_do_not_make_a_wait() {
        let ring = |busy: &str| {
            faults(&format!(
                "name='main'\nstart='ring'\n[step.ring]\nverb='ring'\ngroup='sales'\nno_answer='ring'\n{busy}\
                 [step.wait]\nverb='pause'\nseconds=5\nnext='ring'"
            ))
        };
        assert_eq!(
            ring(""),
            [
                "(a look) wait : no step leads here — name it as the `next` of a step or delete it",
                "ring : goes in a circle without a wait: ring → ring — put a prompt, a pause or a menu between",
            ]
        );
        assert_eq!(ring("busy='wait'\nnobody='wait'\n"), [""; 0]);
    }

    #[test]
    fn a_circle_of_ten_thousand_steps_is_found_without_digging_too_deep() {
        let mut flow = String::from("name='long'\nstart='s0'\n");
        for step in 0..2000 {
            flow += &format!("[step.s{step}]\nverb='goto'\nnext='s{}'\n", (step + 1) % 2000);
        }
        assert_eq!(faults(&flow).len(), 1);
    }

    #[test]
    fn texts_without_places_are_known_before_the_first_call() {
        let flow: Flow = toml::from_str(
            "name='a'\nstart='b'\n[step.b]\nverb='say'\ntext={en='hello', ar='{caller}'}\nnext='c'\n\
             [step.c]\nverb='say'\ntext='bye'\n",
        )
        .unwrap();
        assert_eq!(
            flow.constant_texts(),
            [(Some("en".into()), "hello".to_owned()), (None, "bye".to_owned())]
        );
    }
}
