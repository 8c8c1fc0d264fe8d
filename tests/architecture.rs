//! Holds the house to its drawing: which room may use which, which rooms stay pure, and that each has a
//! front door. `docs/ARCHITECTURE.md` is the same drawing in words.
//!
//! The sources are read as text: comments and the insides of strings are blanked first, then every path
//! that starts at `crate`, `std` or a crate's name is followed, also through `use …::{…}` groups.
#![expect(
    clippy::unwrap_used,
    reason = "an unreadable source tree should stop the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may use, in reading order: a room uses only rooms above it.
const MAY_USE: &[(&str, &[&str])] = &[
    // pure
    ("model", &[]),
    ("sdp", &["model"]),
    ("sip", &["model"]),
    ("media", &["model", "sdp"]),
    ("ivr", &["model"]),
    ("routing", &["model"]),
    ("agents", &["model"]),
    ("call", &["model", "ivr"]),
    (
        "engine",
        &["model", "sdp", "sip", "media", "ivr", "routing", "agents", "call"],
    ),
    ("verdict", &["model", "sip"]),
    // shell
    ("prompts", &["model", "media"]),
    ("net", &["model", "sip", "media", "prompts"]),
    ("recording", &["model"]),
    ("trace", &["model", "sip"]),
    ("store", &["model"]),
    ("egress", &["model"]),
    ("upstream", &["model", "store", "egress"]),
    ("mailroom", &["model", "store", "egress"]),
    ("keeping", &["model", "recording", "store", "egress"]),
    ("connectors", &["model", "store", "egress"]),
    ("backup", &["model", "recording", "store"]),
    ("checkup", &["model", "sip", "net", "store", "egress"]),
    (
        "http",
        &[
            "model",
            "agents",
            "engine",
            "store",
            "keeping",
            "connectors",
            "trace",
            "verdict",
            "checkup",
        ],
    ),
    // top
    ("config", EVERYTHING_ABOVE),
    ("app", EVERYTHING_ABOVE),
    ("cli", EVERYTHING_ABOVE),
];

const EVERYTHING_ABOVE: &[&str] = &["*"];

/// Rooms without socket, file, clock, thread or dice of their own.
const PURE: &[&str] = &[
    "model", "sdp", "sip", "media", "ivr", "routing", "agents", "call", "engine", "verdict",
];

/// Paths that lead outside; a pure room names none of them.
const OUTSIDE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::sync::mpsc",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant::now",
    "axum",
    "getrandom",
    "mio",
    "rand",
    "reqwest",
    "rusqlite",
    "socket2",
    "tokio",
];

/// Calls that read a clock or throw dice, however they were imported.
const OUTSIDE_CALLS: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
];

/// What stands before an item that only tests use.
const FOR_TESTS: &str = "#[cfg(test)]";

/// Longest file, its unit tests aside. Beyond this a second idea has usually moved in.
const LONGEST_FILE_LINES: usize = 600;

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let mut strays = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.room != "main" && source.room != "lib")
    {
        for used in source.rooms_used() {
            if used != source.room && !may_use(&source.room, &used) {
                strays.push(format!(
                    "{}: `{}` uses `{used}`",
                    source.path.display(),
                    source.room
                ));
            }
        }
    }
    assert!(
        strays.is_empty(),
        "arrows that are not in the drawing:\n{}",
        strays.join("\n")
    );
}

#[test]
fn pure_rooms_never_touch_the_outside() {
    let mut strays = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| PURE.contains(&source.room.as_str()))
    {
        let code = source.production();
        let paths = paths_to_the_outside(&code);
        for outside in OUTSIDE {
            let inside = format!("{outside}::");
            if paths
                .iter()
                .any(|path| path == outside || path.starts_with(&inside))
            {
                strays.push(format!(
                    "{}: `{}` names `{outside}`",
                    source.path.display(),
                    source.room
                ));
            }
        }
        for call in OUTSIDE_CALLS.iter().filter(|call| code.contains(**call)) {
            strays.push(format!(
                "{}: `{}` calls `{call}`",
                source.path.display(),
                source.room
            ));
        }
    }
    assert!(
        strays.is_empty(),
        "pure rooms that reach outside:\n{}",
        strays.join("\n")
    );
}

#[test]
fn every_arrow_points_up_the_table() {
    for (place, (room, allowed)) in MAY_USE.iter().enumerate() {
        for used in allowed.iter().filter(|used| **used != "*") {
            let above = MAY_USE[..place].iter().any(|(name, _)| name == used);
            assert!(above, "`{room}` may use `{used}`, which does not stand above it");
        }
    }
}

#[test]
fn every_room_is_in_the_table_and_on_the_map() {
    let map = fs::read_to_string("src/lib.rs").unwrap();
    let built: BTreeSet<String> = sources()
        .into_iter()
        .map(|source| source.room)
        .filter(|room| room != "main" && room != "lib")
        .collect();
    let drawn: BTreeSet<String> = MAY_USE.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(
        built, drawn,
        "left: the rooms in src/, right: the rooms in MAY_USE"
    );
    for room in &built {
        assert!(
            map.contains(&format!("[`{room}`]")),
            "src/lib.rs does not say what `{room}` is for"
        );
    }
}

#[test]
fn the_drawing_in_words_has_the_same_rooms_and_arrows() {
    let page = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let told: Vec<(String, Vec<String>)> = page.lines().filter_map(room_of).collect();
    let rooms: Vec<&str> = told.iter().map(|(room, _)| room.as_str()).collect();
    let drawn: Vec<&str> = MAY_USE.iter().map(|(room, _)| *room).collect();
    assert_eq!(
        rooms, drawn,
        "left: the table of docs/ARCHITECTURE.md, right: MAY_USE; in the same order"
    );
    for (place, ((room, allowed), (_, told))) in MAY_USE.iter().zip(&told).enumerate() {
        let above: Vec<&str> = drawn[..place].to_vec();
        let allowed = if *allowed == EVERYTHING_ABOVE {
            above.clone()
        } else {
            allowed.to_vec()
        };
        let told: Vec<&str> = match told.join(" ").as_str() {
            "all above" => above,
            _ => told
                .iter()
                .map(String::as_str)
                .filter(|word| *word != "–")
                .collect(),
        };
        assert_eq!(
            told, allowed,
            "what `{room}` may use: left the page, right MAY_USE"
        );
    }
}

/// A row of the page's table of rooms: the room, and the words of its last column.
fn room_of(line: &str) -> Option<(String, Vec<String>)> {
    let cells: Vec<&str> = line
        .strip_prefix("| `")?
        .strip_suffix(" |")?
        .split(" | ")
        .collect();
    let [room, _, allowed] = cells.as_slice() else {
        return None;
    };
    let room = room.strip_suffix('`')?;
    let is_room = Path::new("src").join(room).is_dir();
    is_room.then(|| (room.to_owned(), allowed.split(' ').map(str::to_owned).collect()))
}

/// S0-168: the page says where each file of the earlier program lives here, and every one of ours exists.
#[test]
fn the_page_shows_where_each_file_of_the_earlier_program_lives() {
    let page = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let table = page
        .split("## Where the call-centre interface lives")
        .nth(1)
        .unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "))
        .collect();
    for file in [
        "schema.prisma",
        "callcenter.module.ts",
        "callcenter.service.ts",
        "callcenter.model.ts",
        "callcenter.input.ts",
        "callcenter.resolver.ts",
        "app.module.ts",
        "page.tsx",
    ] {
        let (_, ours) = rows
            .iter()
            .find(|(theirs, _)| theirs.contains(&format!("`{file}`")))
            .unwrap_or_else(|| panic!("{file} has no place here"));
        let ours: Vec<&str> = ours.split('`').skip(1).step_by(2).collect();
        assert!(!ours.is_empty(), "{file}");
        for path in ours {
            assert!(Path::new("src").join(path).is_file(), "{path}");
        }
    }
}

#[test]
fn every_room_has_a_front_door_that_says_what_it_is_for() {
    let mut silent = Vec::new();
    for source in sources() {
        let is_door = source.path.ends_with("mod.rs") || source.path.parent() == Some(Path::new("src"));
        if is_door && !source.text.starts_with("//!") {
            silent.push(source.path.display().to_string());
        }
    }
    assert!(
        silent.is_empty(),
        "begin these with a `//!` paragraph:\n{}",
        silent.join("\n")
    );
}

#[test]
fn files_hold_one_idea_each() {
    let mut long = Vec::new();
    for source in sources() {
        let lines = source.production().lines().count();
        if lines > LONGEST_FILE_LINES {
            long.push(format!(
                "{}: {lines} lines without its tests",
                source.path.display()
            ));
        }
    }
    assert!(
        long.is_empty(),
        "split these by idea (at most {LONGEST_FILE_LINES}):\n{}",
        long.join("\n")
    );
}

#[test]
fn unsafe_lives_in_one_shell_file_at_most() {
    let homes: Vec<Source> = sources()
        .into_iter()
        .filter(|source| has_word(&source.code, "unsafe"))
        .collect();
    let names: Vec<String> = homes
        .iter()
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(
        names.len() <= 1,
        "`unsafe` in more than one file:\n{}",
        names.join("\n")
    );
    for source in homes {
        assert!(
            !PURE.contains(&source.room.as_str()),
            "`unsafe` in the pure room `{}`",
            source.room
        );
    }
}

#[test]
fn what_only_tests_use_does_not_count() {
    let code = concat!(
        "fn before() {}\n",
        "#[cfg(test)]\n#[expect(some::lint)]\nfn origin() -> [u8; 4] { Instant::now() }\n",
        "fn between() {}\n#[cfg(test)]\nmod rehearsal;\nfn after() {}\n",
        "#[cfg(test)]\nmod tests { fn inside() {} }\n",
    );
    let path = PathBuf::from("src/room/thing.rs");
    let source = Source {
        room: "room".into(),
        path,
        text: code.into(),
        code: code.into(),
        only_for_tests: false,
    };
    let kept: Vec<String> = source
        .production()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(kept.join(" "), "fn before() {} fn between() {} fn after() {}");
    assert_eq!(source.test_files()[0], Path::new("src/room/thing/rehearsal.rs"));
}

#[test]
fn groups_comments_and_strings_are_read_rightly() {
    let code = blanked(concat!(
        "use crate::{model::{Cdr, ids}, sip};\n",
        "// use crate::store;\n",
        "/* crate::http */ let text = \"crate::net \\\" crate::app\";\n",
        "let raw = r#\"crate::cli\"#; let tick: &'static str = \"\"; let quote = '\"'; crate::engine::run();\n",
    ));
    let firsts: Vec<String> = paths_from(&code, "crate").into_iter().collect();
    assert_eq!(
        firsts,
        [
            "crate::engine::run",
            "crate::model::Cdr",
            "crate::model::ids",
            "crate::sip"
        ]
    );
}

fn may_use(room: &str, used: &str) -> bool {
    let table: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    if !table.contains_key(used) {
        return true; // a name of another kind: a macro, an item of lib.rs
    }
    let Some(allowed) = table.get(room) else {
        return false;
    };
    if *allowed != EVERYTHING_ABOVE {
        return allowed.contains(&used);
    }
    let place = |name: &str| MAY_USE.iter().position(|(room, _)| *room == name);
    place(used) < place(room)
}

/// One file of `src/`.
struct Source {
    /// The folder below `src/`, or the file's name for a file that lies in `src/` itself.
    room: String,
    path: PathBuf,
    text: String,
    /// `text` with comments and strings blanked.
    code: String,
    /// Declared `#[cfg(test)]` where it is declared.
    only_for_tests: bool,
}

impl Source {
    /// The code without what only tests use.
    fn production(&self) -> String {
        if self.only_for_tests {
            return String::new();
        }
        let mut pieces = self.code.split(FOR_TESTS);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |code, piece| code + &piece[item_length(piece)..])
    }

    /// Files of modules that are declared for tests alone, `#[cfg(test)] mod name;`.
    fn test_files(&self) -> Vec<PathBuf> {
        let folder = if self.path.ends_with("mod.rs") {
            self.path.parent().unwrap().to_owned()
        } else {
            self.path.with_extension("")
        };
        self.code
            .split(FOR_TESTS)
            .skip(1)
            .filter_map(|item| item.trim_start().strip_prefix("mod ")?.split_once(';'))
            .filter(|(name, _)| name.chars().all(is_word))
            .flat_map(|(name, _)| {
                [
                    folder.join(name).with_extension("rs"),
                    folder.join(name).join("mod.rs"),
                ]
            })
            .collect()
    }

    /// Rooms named, outside of tests, by `crate::…`, or by enough `super::` to reach the crate's root.
    fn rooms_used(&self) -> BTreeSet<String> {
        let mut roots = vec!["crate".to_owned()];
        let below_src = self.path.components().count() - 1;
        let depth = if self.path.ends_with("mod.rs") {
            below_src - 1
        } else {
            below_src
        };
        if depth >= 2 {
            roots.push(vec!["super"; depth].join("::"));
            roots.push(vec!["super"; depth + 1].join("::"));
        }
        let code = self.production();
        let mut rooms = BTreeSet::new();
        for root in roots {
            for path in paths_from(&code, &root) {
                let after = path[root.len()..].trim_start_matches(':');
                rooms.insert(after.split("::").next().unwrap_or_default().to_owned());
            }
        }
        rooms
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    let test_files: BTreeSet<PathBuf> = found.iter().flat_map(Source::test_files).collect();
    for source in &mut found {
        source.only_for_tests = test_files.contains(&source.path);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let room = Path::new(path.components().nth(1).unwrap().as_os_str()).with_extension("");
            let text = fs::read_to_string(&path).unwrap();
            let code = blanked(&text);
            let room = room.to_string_lossy().into_owned();
            found.push(Source {
                room,
                path,
                text,
                code,
                only_for_tests: false,
            });
        }
    }
}

/// How long the item at the beginning of this code is: to its `;`, or to the end of its braces.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (letter == ';' || letter == '}') {
            return at + 1;
        }
    }
    code.len()
}

fn paths_to_the_outside(code: &str) -> BTreeSet<String> {
    let crates = OUTSIDE.iter().filter(|name| !name.contains("::"));
    crates
        .chain(&["std"])
        .flat_map(|root| paths_from(code, root))
        .collect()
}

/// Every full path in `code` that starts with `root::`, groups unfolded.
fn paths_from(code: &str, root: &str) -> BTreeSet<String> {
    let start = format!("{root}::");
    let mut paths = BTreeSet::new();
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|letter| !is_word(letter) && letter != ':') {
            unfold(&code[at + start.len()..], root, &mut paths);
        }
    }
    paths
}

/// Follows one path, or each path of a group, and returns what comes after it.
fn unfold<'a>(rest: &'a str, before: &str, paths: &mut BTreeSet<String>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut rest) = rest.strip_prefix('{') {
        loop {
            rest = unfold(rest, before, paths).trim_start();
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                Some(next) => return next.trim_start().get(1..).unwrap_or_default(),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    let path = format!("{before}::{word}");
    if let Some(deeper) = rest.strip_prefix("::") {
        return unfold(deeper, &path, paths);
    }
    paths.insert(path);
    rest.trim_start()
        .strip_prefix("as ")
        .map_or(rest, |alias| alias.trim_start_matches(is_word))
}

/// The text with every comment and every inside of a string or character turned into blanks.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = quoted_length(rest, code.chars().next_back());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(
                rest[..length]
                    .chars()
                    .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    code
}

/// How many bytes from here are a comment, a string or a character; 0 when this is code.
fn quoted_length(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with('"') {
        return until_quote(rest, '"');
    }
    if let Some(after) = rest
        .strip_prefix('r')
        .filter(|_| !before.is_some_and(|b| is_word(b) && b != 'b'))
    {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = &after[hashes + 1..];
            return inside
                .find(&end)
                .map_or(rest.len(), |at| 1 + hashes + 1 + at + end.len());
        }
        return 0;
    }
    if let Some(after) = rest.strip_prefix('\'') {
        let mut letters = after.chars();
        let first = letters.next();
        // `'a'` and `'\n'` are characters; `'a` alone is a lifetime.
        if first == Some('\\') || letters.next() == Some('\'') {
            return until_quote(rest, '\'');
        }
    }
    0
}

/// Length of a quotation that begins here, both quotes included; a backslash guards the next letter.
fn until_quote(rest: &str, quote: char) -> usize {
    let mut guarded = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if guarded => guarded = false,
            '\\' => guarded = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter| !is_word(letter)).any(|found| found == word)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `docs/sip-rfcs.md` leads from a section of a standard to one file: the file is there and names that standard.
#[test]
fn an_engineer_finds_each_rfc_section_in_one_named_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/sip-rfcs.md")).unwrap();
    let mut standard = None;
    let mut found = 0;
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            // Below a title that names one RFC, rows name only its sections.
            standard = numbers(title).first().cloned();
        }
        let files: Vec<&str> = quoted(line).filter(|word| word.ends_with(".rs")).collect();
        if !line.starts_with("| ") || files.is_empty() {
            continue;
        }
        let wanted = standard.clone().map_or_else(|| numbers(line), |one| vec![one]);
        assert!(!wanted.is_empty(), "no RFC is named in: {line}");
        for file in files {
            let text = fs::read_to_string(root.join("src").join(file));
            let text = text.unwrap_or_else(|error| panic!("docs/sip-rfcs.md names src/{file}: {error}"));
            // In `sip` a section without a number before it is one of RFC 3261.
            let speaks = |number: &String| {
                text.contains(&format!("RFC {number}")) || (number == "3261" && text.contains('§'))
            };
            assert!(
                wanted.iter().any(speaks),
                "src/{file} speaks of none of {wanted:?}, as docs/sip-rfcs.md says it does"
            );
            found += 1;
        }
    }
    assert!(found > 50, "the page has its tables: {found} files");
}

/// The numbers of four digits in a line: RFCs.
fn numbers(line: &str) -> Vec<String> {
    line.split(|character: char| !character.is_ascii_digit())
        .filter(|word| word.len() == 4)
        .map(str::to_owned)
        .collect()
}

/// What stands between back quotes in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}
