use super::Problem;
use super::decode::{Mono, decode};
use crate::model::Language;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

/// The longest a text may take to be spoken.
const TIME_OUT: Duration = Duration::from_secs(10);
/// How often a running synthesiser is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Spoken texts kept on disk; the oldest go first. The numbers of two languages are four hundred.
const MOST_KEPT: usize = 1000;
/// Bytes of all of them.
const MOST_BYTES: u64 = 50 << 20;
/// A text that was begun so long ago is not being spoken any more.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Words a minute, a little slower than the program's own 175: it is heard over a telephone.
const WORDS_A_MINUTE: &str = "150";

/// Turns text into speech by a subprocess, `espeak-ng`, and keeps what was spoken in a folder.
///
/// A process and not a library: its licence stays its own, and a crash in it is only a text not spoken.
#[derive(Debug, Clone)]
pub struct Synthesiser {
    program: PathBuf,
    kept: Option<PathBuf>,
    time_out: Duration,
}

impl Synthesiser {
    /// With `espeak-ng` from the search path. `kept` is the folder for what was spoken, `<data_dir>/prompts-cache`;
    /// without one nothing is kept.
    pub fn new(kept: Option<PathBuf>) -> Self {
        Self {
            program: PathBuf::from("espeak-ng"),
            kept,
            time_out: TIME_OUT,
        }
    }

    /// With another program that takes the same arguments.
    pub fn with_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    /// Whether the program is there and runs.
    ///
    /// # Errors
    /// What is missing and how to get it.
    pub fn check(&self) -> Result<(), Problem> {
        let run = Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match run {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.problem(format!("does not run: {status}"))),
            Err(error) => Err(self.problem(format!("cannot be started: {error}"))),
        }
    }

    /// The spoken text, from the folder where it was spoken before.
    pub(super) fn speak(&self, language: &Language, text: &str) -> Result<Mono, Problem> {
        let key = key(language, text);
        let kept = self.kept.as_ref().map(|folder| folder.join(format!("{key}.wav")));
        if let Some(mono) = kept
            .as_deref()
            .and_then(|path| fs::read(path).ok())
            .and_then(|bytes| decode(bytes).ok())
        {
            return Ok(mono);
        }
        let folder = self.kept.clone().unwrap_or_else(std::env::temp_dir);
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        let draft = folder.join(format!("{key}.{}.part", std::process::id()));
        let spoken = self.run(language, text, &draft);
        if let (Ok(_), Some(kept)) = (&spoken, &kept) {
            // A copy that cannot be kept is made again next time.
            let _ = fs::rename(&draft, kept);
            prune(&folder);
        }
        let _ = fs::remove_file(&draft);
        spoken
    }

    fn run(&self, language: &Language, text: &str, draft: &Path) -> Result<Mono, Problem> {
        let mut child = Command::new(&self.program)
            .args(["-v", language.as_str(), "-s", WORDS_A_MINUTE, "--stdin", "-w"])
            .arg(draft)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.problem(format!("cannot be started: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Texts are far smaller than a pipe, so this does not block; a child that is gone shows in its status.
            let _ = stdin.write_all(text.as_bytes());
        }
        self.wait(&mut child)?;
        let bytes = fs::read(draft).map_err(|error| self.problem(format!("left no sound: {error}")))?;
        decode(bytes).map_err(|cause| self.problem(format!("made a file that {cause}")))
    }

    fn wait(&self, child: &mut Child) -> Result<(), Problem> {
        let mut waited = Duration::ZERO;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.problem(format!("failed: {status}"))),
                Ok(None) if waited < self.time_out => {
                    std::thread::sleep(LOOK_AGAIN);
                    waited += LOOK_AGAIN;
                }
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.problem(format!("took longer than {:?}", self.time_out)));
                }
                Err(error) => return Err(self.problem(format!("cannot be waited for: {error}"))),
            }
        }
    }

    fn problem(&self, problem: String) -> Problem {
        let cure = "install it (apt install espeak-ng), or record the text as a prompt".to_owned();
        Problem {
            path: self.program.clone(),
            problem,
            cure,
        }
    }
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Problem {
    let problem = format!("cannot be written: {error}");
    Problem {
        path: folder.to_owned(),
        problem,
        cure: "let the user of the daemon write it".to_owned(),
    }
}

/// The name of a spoken text: a hash of all that makes it sound as it does.
fn key(language: &Language, text: &str) -> String {
    let hash = Sha256::digest(format!("{WORDS_A_MINUTE}\n{language}\n{text}"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Removes the oldest texts when there are too many of them, or too much: numbers of callers make a new text each time.
/// What was begun and never finished goes too.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let facts = fs::metadata(&path).ok();
        let age = facts.as_ref().and_then(|facts| facts.modified().ok());
        let age = age.unwrap_or(SystemTime::UNIX_EPOCH);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("wav") => files.push((age, facts.map_or(0, |facts| facts.len()), path)),
            Some("part") if age.elapsed().is_ok_and(|age| age > ABANDONED) => {
                let _ = fs::remove_file(path);
            }
            Some(_) | None => {}
        }
    }
    files.sort();
    let (mut count, mut bytes) = (files.len(), files.iter().map(|(_, size, _)| size).sum::<u64>());
    for (_, size, path) in files {
        if count <= MOST_KEPT && bytes <= MOST_BYTES {
            return;
        }
        let _ = fs::remove_file(path);
        (count, bytes) = (count - 1, bytes - size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn arabic_is_spoken_where_the_synthesiser_is_installed() {
        let synthesiser = Synthesiser::new(None);
        if synthesiser.check().is_err() {
            return; // Nothing can be heard on this machine.
        }
        let mono = synthesiser.speak(&"ar".into(), "شُكْرًا لَكُمْ.").unwrap();
        assert!(mono.samples.len() > mono.rate as usize / 2);
    }

    #[test]
    fn a_synthesiser_that_hangs_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("hangs");
        fs::write(&program, "#!/bin/sh\nexec sleep 60\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let kept = folder.path().join("kept");
        let mut synthesiser = Synthesiser::new(Some(kept.clone())).with_program(program);
        synthesiser.time_out = Duration::from_millis(50);
        let problem = loop {
            match synthesiser.speak(&"en".into(), "hello").unwrap_err() {
                busy if busy.problem.contains("busy") => {} // Another test's child holds the script for a moment.
                problem => break problem,
            }
        };
        assert_eq!(problem.problem, "took longer than 50ms");
        assert_eq!(fs::read_dir(kept).unwrap().count(), 0);
    }

    #[test]
    fn the_oldest_texts_go_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MOST_KEPT + 7 {
            fs::write(folder.path().join(format!("{number}.wav")), "").unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        prune(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MOST_KEPT + 1);
    }

    #[test]
    fn the_texts_take_no_more_room_than_they_may() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..6 {
            let file = fs::File::create(folder.path().join(format!("{number}.wav"))).unwrap();
            file.set_len(MOST_BYTES / 4).unwrap();
        }
        prune(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
