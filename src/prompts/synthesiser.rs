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
/// Spoken texts kept on disk; the oldest go first.
const MOST_KEPT: usize = 500;
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

/// Removes the oldest texts when there are too many: numbers of callers make a new text each time.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let age = |path: &PathBuf| {
        fs::metadata(path)
            .and_then(|facts| facts.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "wav"))
        .map(|path| (age(&path), path))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(MOST_KEPT);
    for (_, path) in files.into_iter().take(surplus) {
        let _ = fs::remove_file(path);
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
}
