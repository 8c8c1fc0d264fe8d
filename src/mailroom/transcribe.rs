//! Who writes down what a message says: a service by HTTP, or a program of this machine.

use super::clerk::Setback;
use super::config::TranscriptionConfig;
use crate::egress::{Author, Egress, Times, Trust, in_plain_words, read_url};
use crate::model::{Language, RecordingId, Transcript};
use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// Longest text that is kept, in bytes: half an hour of fast speech.
const LONGEST: usize = 64 * 1024;

/// A message to be written down.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) id: RecordingId,
    /// The recording, a WAV file.
    pub(super) sound: Vec<u8>,
    /// The language the caller heard.
    pub(super) language: Option<Language>,
}

/// What becomes of it.
pub(super) type Writing<'a> = Pin<Box<dyn Future<Output = Result<Transcript, Setback>> + Send + 'a>>;

/// Writes messages down.
pub(super) trait Transcriber: Send + Sync {
    /// Writes one down.
    fn write_down(&self, spoken: Spoken) -> Writing<'_>;
}

/// Whoever the section names; nobody when it is off. `work_dir` is where a program finds the recording.
pub(super) fn transcriber(
    config: &TranscriptionConfig,
    egress: &Egress,
    work_dir: &Path,
) -> Option<Box<dyn Transcriber>> {
    if !config.url.is_empty() {
        return Some(Box::new(Service {
            config: config.clone(),
            egress: egress.clone(),
        }));
    }
    if config.command.is_empty() {
        return None;
    }
    Some(Box::new(Program {
        config: config.clone(),
        work_dir: work_dir.to_owned(),
    }))
}

struct Service {
    config: TranscriptionConfig,
    egress: Egress,
}

impl Transcriber for Service {
    fn write_down(&self, spoken: Spoken) -> Writing<'_> {
        Box::pin(self.ask(spoken))
    }
}

impl Service {
    async fn ask(&self, spoken: Spoken) -> Result<Transcript, Setback> {
        let url = read_url(&self.config.url, &["http", "https"]).map_err(Setback::Later)?;
        let trust = Trust::from_keys(self.config.ca_file.as_deref(), None, "transcription")
            .map_err(|(key, problem)| Setback::Later(format!("{key}: {problem}")))?;
        let times = Times {
            answer: Duration::from_secs(self.config.timeout_seconds.into()),
            ..Times::default()
        };
        let client = self
            .egress
            .http_with(&url, Author::File, &trust, times)
            .map_err(|trouble| Setback::Later(trouble.to_string()))?;
        let mut request = client
            .post(url)
            .header("content-type", "audio/wav")
            .header("x-message-id", spoken.id.to_string())
            .body(spoken.sound);
        if let Some(language) = &spoken.language {
            request = request.header("content-language", language.as_str());
        }
        let token = self.config.token.expose();
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let mut answer = request
            .send()
            .await
            .map_err(|error| Setback::Later(in_plain_words(error)))?;
        let status = answer.status();
        if !status.is_success() {
            let words = format!("the service answered {status}");
            // It will not have this one; a busy or confused one is asked again.
            let is_final = status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 408 | 429);
            return Err(if is_final {
                Setback::Never(words)
            } else {
                Setback::Later(words)
            });
        }
        let mut body = Vec::new();
        while let Some(piece) = answer
            .chunk()
            .await
            .map_err(|error| Setback::Later(in_plain_words(error)))?
        {
            if body.len() + piece.len() > 4 * LONGEST {
                return Err(Setback::Never("the service does not stop talking".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        said(&body, "service")
    }
}

/// The text of an answer: `{"text": "…"}` with perhaps a `language`, or the text alone.
fn said(body: &[u8], by: &str) -> Result<Transcript, Setback> {
    #[derive(serde::Deserialize)]
    struct Answer {
        text: String,
        #[serde(default)]
        language: Option<String>,
    }
    let plain = String::from_utf8_lossy(body);
    let (text, language) = match serde_json::from_slice::<Answer>(body) {
        Ok(answer) => (answer.text, answer.language),
        Err(_) if plain.trim_start().starts_with('{') => {
            return Err(Setback::Never("the answer has no `text`".to_owned()));
        }
        Err(_) => (plain.into_owned(), None),
    };
    Ok(Transcript {
        text: cleaned(&text),
        language: language.map(|language| language.chars().take(16).collect()),
        by: by.to_owned(),
    })
}

/// Lines and words, and nothing else.
fn cleaned(text: &str) -> String {
    let kept = |letter: &char| *letter == '\n' || !letter.is_control();
    let mut text: String = text.trim().chars().filter(kept).collect();
    while text.len() > LONGEST {
        text.pop();
    }
    text
}

struct Program {
    config: TranscriptionConfig,
    work_dir: PathBuf,
}

impl Transcriber for Program {
    fn write_down(&self, spoken: Spoken) -> Writing<'_> {
        Box::pin(self.run(spoken))
    }
}

impl Program {
    async fn run(&self, spoken: Spoken) -> Result<Transcript, Setback> {
        let file = self.work_dir.join(format!("transcribe-{}.wav", spoken.id));
        let (place, sound) = (file.clone(), spoken.sound);
        let laid_out = tokio::task::spawn_blocking(move || lay_out(&place, &sound)).await;
        let outcome = match laid_out {
            Ok(Ok(())) => self.run_with(&file, spoken.language.as_ref()).await,
            Ok(Err(error)) => Err(Setback::Later(format!("{}: {error}", file.display()))),
            Err(error) => Err(Setback::Later(error.to_string())),
        };
        // One that could not be removed is written over the next time.
        let _ = tokio::task::spawn_blocking(move || fs::remove_file(file)).await;
        outcome
    }

    async fn run_with(&self, file: &Path, language: Option<&Language>) -> Result<Transcript, Setback> {
        let Some((program, arguments)) = self.config.command.split_first() else {
            return Err(Setback::Never("there is no program".to_owned()));
        };
        let language = language.map_or("", Language::as_str);
        let filled = arguments.iter().map(|argument| {
            argument
                .replace("{file}", &file.display().to_string())
                .replace("{language}", language)
        });
        let mut child = tokio::process::Command::new(program)
            .args(filled)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Setback::Later(format!("{program} cannot be started: {error}")))?;
        let limit = Duration::from_secs(self.config.timeout_seconds.into());
        let mut text = Vec::new();
        let work = async {
            if let Some(out) = child.stdout.take() {
                let most = u64::try_from(4 * LONGEST).unwrap_or(u64::MAX);
                out.take(most).read_to_end(&mut text).await?;
            }
            child.wait().await
        };
        let status = match tokio::time::timeout(limit, work).await {
            Ok(status) => status.map_err(|error| Setback::Later(error.to_string()))?,
            Err(_too_late) => return Err(Setback::Later(format!("{program} took too long"))),
        };
        if !status.success() {
            return Err(Setback::Later(format!("{program} ended with {status}")));
        }
        said(&text, "command")
    }
}

/// Puts the recording where the program finds it, for nobody else to read.
fn lay_out(file: &Path, sound: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    open.open(file)?.write_all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_json_or_the_text_alone() {
        let json = said(br#"{"text": " hello\u0000 there ", "language": "en"}"#, "service").unwrap();
        assert_eq!(
            (json.text.as_str(), json.language.as_deref()),
            ("hello there", Some("en"))
        );
        assert_eq!(said(b"hello\n", "command").unwrap().text, "hello");
        assert_eq!(
            said(br#"{"error": "busy"}"#, "service"),
            Err(Setback::Never("the answer has no `text`".to_owned()))
        );
        assert_eq!(said(&vec![b'a'; 1 << 20], "service").unwrap().text.len(), LONGEST);
    }

    async fn run(command: &[&str], timeout_seconds: u32) -> Result<Transcript, Setback> {
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            config: TranscriptionConfig {
                command: command.iter().map(|part| (*part).to_owned()).collect(),
                timeout_seconds,
                ..TranscriptionConfig::default()
            },
            work_dir: folder.path().join("work"),
        };
        let spoken = Spoken {
            id: RecordingId(uuid::Uuid::from_u128(1)),
            sound: b"RIFF".to_vec(),
            language: Some("ar".into()),
        };
        let outcome = program.run(spoken).await;
        let left = std::fs::read_dir(folder.path().join("work")).unwrap().count();
        assert_eq!(left, 0, "the recording is not left lying about");
        outcome
    }

    /// S1-099, S2-052.
    #[tokio::test]
    async fn a_program_gets_the_recording_and_its_output_is_what_the_message_says() {
        let script = "cat \"$0\"; echo \" in $1\"";
        let written = run(&["/bin/sh", "-c", script, "{file}", "{language}"], 10).await;
        assert_eq!(written.unwrap().text, "RIFF in ar");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_missing_or_hangs_is_tried_later() {
        for (command, seconds) in [
            (vec!["/bin/sh", "-c", "exit 3"], 10),
            (vec!["/nowhere/whisper", "{file}"], 10),
            (vec!["/bin/sh", "-c", "sleep 60"], 1),
        ] {
            let outcome = run(&command, seconds).await;
            assert!(matches!(outcome, Err(Setback::Later(_))), "{outcome:?}");
        }
    }
}
