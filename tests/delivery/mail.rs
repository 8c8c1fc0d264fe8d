//! Messages by e-mail, against aiosmtpd as Debian ships it.
#![expect(
    clippy::unwrap_used,
    reason = "a server that does not answer should stop the test"
)]

use super::house::{clock, context};
use super::servers::{free_port, make_certificates};
use callpost::mailroom::{
    BoxOwner, Clerk, ErrandWatch, MailConfig, Means, Orders, Pace, TranscriptionConfig,
};
use callpost::model::{CallId, Entry, Mailbox, Message, MessageErrand, MessageState, RecordingId, Stamp};
use callpost::store::{Options, Store, Todo};
use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server, ended by its process id.
struct Post {
    folder: TempDir,
    port: u16,
    mode: &'static str,
    more: Vec<String>,
    child: Option<Child>,
}

impl Post {
    fn prepare(mode: &'static str, more: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callpost-peer-")
            .tempdir()
            .unwrap();
        make_certificates(folder.path());
        Self {
            folder,
            port: free_port(),
            mode,
            more: more.iter().map(|word| (*word).to_owned()).collect(),
            child: None,
        }
    }

    fn open(mode: &'static str, more: &[&str]) -> Self {
        let mut post = Self::prepare(mode, more);
        post.start();
        post
    }

    fn start(&mut self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/delivery/mail_server.py");
        let child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(self.folder.path())
            .arg(self.port.to_string())
            .arg(self.mode)
            .args(&self.more)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "aiosmtpd does not start: apt install python3-aiosmtpd"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn config(&self, more: &str) -> MailConfig {
        let text = format!(
            "server = 'localhost'\nport = {}\nfrom = 'callpost@branch.example'\nca_file = '{}'\n{more}",
            self.port,
            self.folder.path().join("ca.pem").display()
        );
        let config: MailConfig = toml::from_str(&text).unwrap();
        assert_eq!(config.mistakes(), []);
        config
    }

    async fn mail(&self) -> String {
        until("a mail to arrive", || {
            fs::read_to_string(self.folder.path().join("mail-1.eml")).ok()
        })
        .await
    }

    fn mails(&self) -> usize {
        (1..)
            .take_while(|n| self.folder.path().join(format!("mail-{n}.eml")).exists())
            .count()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A store with a message whose recording is a second of silence, and the clerk.
struct Room {
    store: Store,
    clerk: JoinHandle<()>,
    change: watch::Sender<Orders>,
    watch: ErrandWatch,
    _folder: TempDir,
}

impl Room {
    fn open(mail: MailConfig, transcription: &str, errands: &[MessageErrand], name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data"), Options::new(clock()))
            .unwrap()
            .store;
        let id = uuid::Uuid::from_u128(0x0193_b000_0000_7000_8000_0000_0000_0001);
        let message = Message {
            id: RecordingId(id),
            call_id: CallId(id),
            mailbox: Mailbox::Group("sales".into()),
            state: MessageState::New,
            left_at: Stamp {
                unix_ms: 1_763_629_200_000,
                offset_seconds: 10_800,
            },
            caller_number: "+966501234567".into(),
            caller_name: Some(name.to_owned()),
            path: "m.wav".into(),
            duration_ms: 1000,
            language: Some("en".into()),
            urgent: false,
        };
        let entry = Entry::MessageLeft {
            message: Box::new(message),
            errands: errands.to_vec(),
        };
        store.journal().try_append(entry).unwrap();
        // What was handed over so far is on disk when this is answered.
        store.accounts().remove_user("nobody at all").unwrap();
        let facts = context("branch-01", store.appliance_id());
        let transcription: TranscriptionConfig = toml::from_str(transcription).unwrap();
        let means = Means {
            messages: store.messages(),
            read: Arc::new(|_| Ok(silence())),
            remove: Arc::new(|_| Ok(())),
            throw_away: Arc::new(|_| ()),
            egress: facts.egress,
            site: "branch-01".to_owned(),
            work_dir: folder.path().join("work"),
            clock: clock(),
            pace: Pace {
                first_wait: Duration::from_millis(50),
                sweep: Duration::from_secs(3600),
            },
        };
        let (change, orders) = watch::channel(Orders {
            owner: Arc::new(|_| BoxOwner {
                email: "sales@branch.example".to_owned(),
                language: "en".into(),
                keep_days: 0,
            }),
            mail,
            transcription,
        });
        let clerk = Clerk::new(means, orders);
        let bell = Arc::new(Notify::new());
        Self {
            store,
            change,
            watch: clerk.watch(),
            clerk: tokio::spawn(clerk.work(bell)),
            _folder: folder,
        }
    }

    /// How many errands wait, and how many were given up.
    fn errands(&self) -> (u64, u64) {
        self.store.messages().errand_counts().unwrap()
    }

    /// Waits until an errand was tried in vain and is to be tried again.
    async fn put_off(&self) {
        until("an errand to be put off", || {
            match self.store.messages().next_errand().unwrap() {
                Todo::At(_) => Some(()),
                Todo::Now(errand) => (errand.attempts > 0).then_some(()),
                Todo::Nothing => None,
            }
        })
        .await;
    }

    async fn settled(&self) -> (u64, u64) {
        until("the errands to be done", || {
            Some(self.errands()).filter(|(waiting, _)| *waiting == 0)
        })
        .await
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.clerk.abort();
    }
}

/// A WAV file of µ-law silence.
fn silence() -> Vec<u8> {
    let mut wav = b"RIFF\x32\x1f\0\0WAVEfmt \x12\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0\0\0data\x40\x1f\0\0".to_vec();
    wav.resize(wav.len() + 8000, 0xff);
    wav
}

const MAIL: &[MessageErrand] = &[MessageErrand::Mail];

#[tokio::test(flavor = "multi_thread")]
async fn a_message_arrives_by_starttls_with_a_login_an_own_authority_and_its_recording() {
    let post = Post::open("starttls", &["--login", "box:hush"]);
    let config = post.config("username = 'box'\npassword = 'hush'");
    let room = Room::open(config, "", MAIL, "Sara");
    let mail = post.mail().await;
    assert!(mail.contains("X-Secret: True"), "{mail}");
    assert!(
        mail.contains("Subject: New message from Sara (+966501234567)"),
        "{mail}"
    );
    assert!(mail.contains("X-To: sales@branch.example"));
    assert!(
        mail.contains("Content-Type: audio/wav") && mail.contains("UklGR"),
        "the recording is there"
    );
    assert_eq!(room.settled().await, (0, 0));
    assert_eq!(post.mails(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_arrives_by_tls_from_the_beginning_and_in_the_clear_when_the_site_says_so() {
    for (mode, key) in [("tls", "tls = 'tls'"), ("plain", "tls = 'none'")] {
        let post = Post::open(mode, &[]);
        let room = Room::open(post.config(key), "", MAIL, "Sara");
        assert!(post.mail().await.contains("New message"), "{mode}");
        assert_eq!(room.settled().await, (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greylisted_message_is_sent_again_and_arrives_once() {
    let post = Post::open("plain", &["--greylist", "3"]);
    let room = Room::open(post.config("tls = 'none'"), "", MAIL, "Sara");
    post.mail().await;
    assert_eq!(room.settled().await, (0, 0));
    assert_eq!(post.mails(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_will_never_have_is_given_up() {
    let post = Post::open("plain", &["--refuse"]);
    let room = Room::open(post.config("tls = 'none'"), "", MAIL, "Sara");
    assert_eq!(room.settled().await, (0, 1));
    assert_eq!(post.mails(), 0);
    let news = until("the technician to be told", || {
        Some(room.watch.now()).filter(|news| news.given_up == 1)
    });
    let news = news.await;
    assert_eq!((news.waiting, news.given_up_lately), (0, 1));
    assert!(news.last_given_up.is_some_and(|why| !why.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_to_the_server_that_a_reload_names() {
    let nobody = Post::prepare("plain", &[]);
    let post = Post::open("plain", &[]);
    let room = Room::open(nobody.config("tls = 'none'"), "", MAIL, "Sara");
    room.put_off().await;
    let mail = post.config("tls = 'none'");
    room.change.send_modify(|orders| orders.mail = mail);
    post.mail().await;
    assert_eq!(room.settled().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_is_waited_for() {
    let mut post = Post::prepare("plain", &[]);
    let room = Room::open(post.config("tls = 'none'"), "", MAIL, "Sara");
    room.put_off().await;
    assert_eq!(room.errands(), (1, 0));
    post.start();
    post.mail().await;
    assert_eq!(room.settled().await, (0, 0));
}

/// A server that cannot prove who it is, or takes the secrecy away, gets nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_in_the_servers_place_gets_neither_password_nor_message() {
    let stranger = Post::open("tls", &[]);
    let other = Post::prepare("tls", &[]);
    let mut config = stranger.config("tls = 'tls'");
    config.ca_file = other.config("").ca_file;
    let without = Post::open("plain", &[]);
    let stripped = without.config("username = 'box'\npassword = 'hush'");
    for (post, config) in [(&stranger, config), (&without, stripped)] {
        let room = Room::open(config, "", MAIL, "Sara");
        room.put_off().await;
        assert_eq!(room.errands(), (1, 0));
        assert_eq!(post.mails(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_writes_headers_into_the_mail() {
    let post = Post::open("plain", &[]);
    let name = "Eve\r\nBcc: everybody@example.com\r\n\r\nPay now";
    let room = Room::open(post.config("tls = 'none'"), "", MAIL, name);
    let mail = post.mail().await;
    assert!(!mail.lines().any(|line| line.starts_with("Bcc")), "{mail}");
    assert!(mail.contains("X-To: sales@branch.example\n"), "{mail}");
    assert_eq!(room.settled().await, (0, 0));
}

/// S1-099, S2-052: the e-mail waits for the transcript and tells it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_message_says_is_written_down_and_stands_in_the_mail() {
    let post = Post::open("plain", &[]);
    let both = [MessageErrand::Transcribe, MessageErrand::Mail];
    let program = "command = ['/bin/sh', '-c', 'test -s \"$0\" && echo please call me back', '{file}']";
    let room = Room::open(post.config("tls = 'none'"), program, &both, "Sara");
    assert!(post.mail().await.contains("please call me back"));
    assert_eq!(room.settled().await, (0, 0));
    let id = RecordingId(uuid::Uuid::from_u128(0x0193_b000_0000_7000_8000_0000_0000_0001));
    let stored = room.store.messages().one(id).unwrap().unwrap();
    assert_eq!(stored.transcript.unwrap().text, "please call me back");
}

/// Nobody waits for a program that does not come to an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_that_never_comes_does_not_keep_the_mail_back() {
    let post = Post::open("plain", &[]);
    let both = [MessageErrand::Transcribe, MessageErrand::Mail];
    let program = "command = ['/nowhere/whisper']";
    let room = Room::open(post.config("tls = 'none'"), program, &both, "Sara");
    post.mail().await;
    assert_eq!(room.settled().await, (0, 1));
}
