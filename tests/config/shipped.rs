//! What is in the box works as it comes.

use super::{OFFICE, lines, load};
use callpost::config::{Config, Surroundings};
use callpost::ivr::{
    BoxAnswer, BoxQuestion, BoxRoom, Caller, Input, RingResult, Session, Taken, TakenBy, Turn,
};
use callpost::media::{Found, Sounds};
use callpost::model::{Digit, Language, Mailbox, Playable, WallClock};
use callpost::prompts::Library;
use callpost::routing::{Decision, Origin};
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_file_in_the_repository_has_neither_mistakes_nor_warnings() {
    let path = repository().join("config/callpost.toml");
    let loaded = Config::load_in(Some(&path), &Surroundings::default()).unwrap();
    assert_eq!(lines(&loaded.warnings), [""; 0]);
    assert_eq!(loaded.files, [path, repository().join("config/flows/main.toml")]);
    assert_eq!(loaded.config.site.name, "branch-01");
    assert!(loaded.config.flows.contains_key(&"main".into()));
}

#[test]
fn the_box_works_without_any_file() {
    let text = std::fs::read_to_string(repository().join("config/callpost.toml")).unwrap();
    let loaded = load(&text).unwrap();
    assert_eq!(lines(&loaded.warnings), [""; 0]);
    assert_eq!(loaded.files.len(), 0);
    let trunk = Origin::Trunk("pbx".into());
    assert_eq!(
        loaded.config.plan().decide(&"+966112345678".into(), &trunk),
        Decision::Flow("main".into())
    );
}

#[test]
fn what_the_shipped_file_shows_as_comments_is_right_too() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(repository().join("config/callpost.toml")).unwrap();
    let shown: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(code) if code.starts_with("[[") || code.contains(" = ") && !code.starts_with(' ') => code,
            Some(_) | None => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    super::write(
        folder.path(),
        &[
            ("callpost.toml", &shown),
            ("secrets/ali", "correct horse battery\n"),
            ("secrets/head-office", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n"),
        ],
    );
    let loaded = Config::load_in(
        Some(&folder.path().join("callpost.toml")),
        &Surroundings::default(),
    )
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (
            loaded.config.agents.len(),
            loaded.config.trunks.len(),
            loaded.config.upstreams.len()
        ),
        (3, 1, 1)
    );
    assert_eq!(loaded.config.agents[0].password.expose(), "correct horse battery");
    assert_eq!(lines(&loaded.warnings), [""; 0]);
    assert!(!format!("{:?}", loaded.config).contains("correct horse"));
}

#[test]
fn a_file_without_flows_beside_it_uses_the_shipped_ones_it_names() {
    let text = OFFICE.replace("group = \"sales\"\n", "flow = \"main\"\n");
    let told = super::told(load(&text));
    assert_eq!(told.len(), 4, "{told:#?}"); // Two groups that the flow rings and their boxes are missing.
    assert!(told[0].starts_with("(shipped) flows/main.toml:"), "{}", told[0]);
    assert!(told[0].contains("there is no group `complaints`"), "{}", told[0]);
    assert!(load(OFFICE).unwrap().config.flows.is_empty());
}

#[test]
fn a_house_of_one_language_is_not_told_about_the_other() {
    let text = std::fs::read_to_string(repository().join("config/callpost.toml")).unwrap();
    let loaded = load(&text.replace("[\"en\", \"ar\"]", "[\"ar\"]")).unwrap();
    assert_eq!(lines(&loaded.warnings), [""; 0]);
}

#[test]
fn every_prompt_of_the_shipped_flow_can_be_heard_in_both_languages() {
    let path = repository().join("config/callpost.toml");
    let config = Config::load_in(Some(&path), &Surroundings::default())
        .unwrap()
        .config;
    let opened = Library::load(
        &config.prompts,
        &config.site.languages,
        None,
        &config.constant_texts(),
    );
    assert_eq!(opened.problems, []);
    let heard = walk(&config, "2*1", RingResult::NoAnswer);
    assert!(
        heard
            .iter()
            .any(|item| matches!(item, Playable::Prompt { language, .. } if language.as_str() == "ar"))
    );
    for item in heard {
        assert!(matches!(opened.library.find(&item), Found::Ready(_)), "{item:?}");
    }
}

#[test]
fn a_prompt_that_cannot_be_decoded_is_named_by_check() {
    let folder = tempfile::tempdir().unwrap();
    super::write(
        folder.path(),
        &[
            ("callpost.toml", OFFICE),
            ("prompts/ar/welcome.mp3", "no sound at all"),
        ],
    );
    let loaded = Config::load_in(
        Some(&folder.path().join("callpost.toml")),
        &Surroundings::default(),
    )
    .unwrap();
    let (mistakes, warnings) = loaded.check_sounds();
    let [line] = &lines(&mistakes)[..] else {
        panic!("{mistakes:?}")
    };
    let expected = format!(
        "{}/prompts/ar/welcome.mp3: is no sound file",
        folder.path().display()
    );
    assert!(line.starts_with(&expected), "{line}");
    assert_eq!(lines(&warnings), [""; 0]);
}

#[test]
fn the_shipped_flow_leads_to_each_group_and_then_to_its_box() {
    let path = repository().join("config/callpost.toml");
    let config = Config::load_in(Some(&path), &Surroundings::default())
        .unwrap()
        .config;
    for (keys, group) in [
        ("11", "sales"),
        ("12", "complaints"),
        ("10", "reception"),
        ("2*0", "reception"),
    ] {
        let mut session = enter(&config);
        let now = origin();
        for key in keys.chars() {
            session.handle(now, Input::Digit(Digit::from_char(key).unwrap()));
        }
        let turn = session.handle(now, Input::PlayFinished);
        assert_eq!(turn, Turn::Ring(group.into()), "{keys}");
        let turn = session.handle(now, Input::RingEnded(RingResult::NoAnswer));
        let mailbox = Mailbox::Group(group.into());
        assert_eq!(turn, Turn::AskBox(BoxQuestion::Leave(mailbox.clone())));
        let turn = session.handle(now, Input::BoxAnswered(BoxAnswer::Room(BoxRoom::default())));
        assert!(matches!(turn, Turn::TakeMessage { mailbox: box_of, .. } if box_of == mailbox));
        assert_eq!(session.digits(), keys);
    }
}

/// Everything a caller hears who presses these keys one after the other, each when the last prompt has ended.
fn walk(config: &Config, keys: &str, ringing: RingResult) -> Vec<Playable> {
    let mut session = enter(config);
    let mut inputs: Vec<Input> = keys
        .chars()
        .map(|key| Input::Digit(Digit::from_char(key).unwrap()))
        .collect();
    inputs.extend([
        Input::PlayFinished,
        Input::RingEnded(ringing),
        Input::BoxAnswered(BoxAnswer::Room(BoxRoom::default())),
        Input::MessageTaken(Taken {
            by: TakenBy::Itself,
            is_long_enough: true,
        }),
        Input::PlayFinished,
    ]);
    let mut heard = Vec::new();
    for input in inputs {
        match session.handle(origin(), input) {
            Turn::Play(items) => heard.extend(items),
            Turn::TakeMessage { greeting, .. } => heard.extend(greeting),
            Turn::Wait
            | Turn::Hush
            | Turn::Answer
            | Turn::Ring(_)
            | Turn::AskBox(_)
            | Turn::CallBack(_)
            | Turn::Overflow(_)
            | Turn::HangUp => {}
        }
    }
    heard
}

/// A caller who has heard the greeting.
fn enter(config: &Config) -> Session {
    let caller = Caller {
        number: "+966501234567".into(),
        name: None,
        dialed: "1000".into(),
    };
    let clock = WallClock::new(origin(), 1_763_629_200_000, true, TimeZone::UTC);
    let languages: Vec<Language> = config.site.languages.clone();
    let flow = Arc::clone(&config.flows[&"main".into()]);
    let mut session = Session::new(flow, &languages, caller, clock);
    session.handle(origin(), Input::Entered);
    session.handle(origin(), Input::PlayFinished);
    session
}

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn origin() -> Instant {
    Instant::now()
}
