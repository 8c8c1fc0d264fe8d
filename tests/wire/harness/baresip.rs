//! baresip: a real phone without a head.

use super::appliance::Appliance;
use super::household::password;
use super::peer::Peer;
use super::street::Street;
use super::{PATIENCE, eventually, setup, tone, wav};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a phone is set up with.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    user: String,
    registrar: SocketAddrV4,
    transport: &'static str,
    hums_hz: u32,
    answers: bool,
    codecs: String,
    authority: Option<PathBuf>,
    encryption: Option<&'static str>,
    has_lamp: bool,
    password: String,
}

impl Account {
    /// An extension that registers here over UDP, with the password every registrar of the tests gives it.
    pub(crate) fn new(user: &str, registrar: SocketAddrV4) -> Self {
        let codecs = "PCMU/8000/1,PCMA/8000/1".to_owned();
        Self {
            user: user.to_owned(),
            registrar,
            transport: "udp",
            hums_hz: 440,
            answers: false,
            codecs,
            authority: None,
            encryption: None,
            has_lamp: false,
            password: password(user),
        }
    }

    /// It was given this password.
    pub(crate) fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// It registers by TLS and believes this authority alone.
    pub(crate) fn trusting(mut self, authority: PathBuf) -> Self {
        self.authority = Some(authority);
        self.over("tls")
    }

    /// It encrypts its voice: `srtp` where the other side does too, `srtp-mand` always.
    pub(crate) fn encrypting(mut self, how: &'static str) -> Self {
        self.encryption = Some(how);
        self
    }

    /// It subscribes to the number of its messages (RFC 3842).
    pub(crate) fn with_lamp(mut self) -> Self {
        self.has_lamp = true;
        self
    }

    /// `udp`, `tcp` or `tls`.
    pub(crate) fn over(mut self, transport: &'static str) -> Self {
        self.transport = transport;
        self
    }

    /// The tone it hums into every call; 440 Hz otherwise.
    pub(crate) fn humming(mut self, hertz: u32) -> Self {
        self.hums_hz = hertz;
        self
    }

    /// It speaks only this codec.
    pub(crate) fn speaking(mut self, codec: &str) -> Self {
        self.codecs = format!("{codec}/8000/1");
        self
    }

    /// It speaks only this codec, as its module names it, with rate and channels: `G722/16000/1`, `opus/48000/2`.
    pub(crate) fn speaking_as(mut self, codec: &str) -> Self {
        self.codecs = codec.to_owned();
        self
    }

    /// It picks up by itself.
    pub(crate) fn answering(mut self) -> Self {
        self.answers = true;
        self
    }
}

/// A running phone: told what to do over its control port, and recording both directions of every call.
///
/// It lives at 127.0.0.1, because its RTP socket is bound to no address and so always speaks from there; SDP and
/// sender agree only when its SIP side lives there too. Its ports are free ones.
#[derive(Debug)]
pub(crate) struct Baresip {
    user: String,
    control: TcpStream,
    events: Receiver<Value>,
    waiting: VecDeque<Value>,
    // Before `folder`: the program ends before its files go.
    peer: Peer,
    folder: TempDir,
}

impl Baresip {
    /// Starts the phone and waits until its registrar has said yes.
    pub(crate) fn start(street: &Street, account: &Account) -> Self {
        Self::start_while(street, account, true)
    }

    fn start_while(street: &Street, account: &Account, is_running: bool) -> Self {
        setup::ensure("baresip");
        let folder = tempfile::Builder::new()
            .prefix("callpost-baresip-")
            .tempdir()
            .expect("a folder can be made");
        let control_at = SocketAddrV4::new(street.next_house(), 4444);
        write_settings(&folder, account, control_at);
        let mut command = Command::new("baresip");
        command.arg("-f").arg(folder.path());
        let name = format!("baresip {}", account.user);
        let peer = Peer::start(&name, &mut command, folder.path().join("log"));
        let control = eventually(&format!("{name} takes orders"), PATIENCE, || {
            TcpStream::connect(control_at).ok()
        });
        let events = listen(&control);
        let mut phone = Self {
            user: account.user.clone(),
            control,
            events,
            waiting: VecDeque::new(),
            peer,
            folder,
        };
        if is_running {
            phone.until_shown("[1 binding]");
        } else {
            // It answers, so it runs.
            phone.order("help", "");
        }
        phone
    }

    /// Starts the phone while its registrar sleeps, and returns when it runs.
    ///
    /// A phone with a lamp has to be started so: baresip 1.0 looks through its subscriptions a millisecond after its
    /// start, and adds one for each it finds to the very list it walks. Who is registered by then subscribes without end.
    pub(crate) fn start_before(street: &Street, account: &Account, registrar: &Appliance) -> Self {
        registrar.sleep();
        let phone = Self::start_while(street, account, false);
        registrar.wake();
        phone.until_shown("[1 binding]");
        phone
    }

    /// Dials a number at its registrar.
    pub(crate) fn dial(&mut self, number: &str) {
        self.order("dial", number);
    }

    /// Presses keys, as RFC 4733 events.
    pub(crate) fn press(&mut self, key: char) {
        self.order("sndcode", &key.to_string());
    }

    /// Picks up.
    pub(crate) fn accept(&mut self) {
        self.order("accept", "");
    }

    /// Hangs up, or declines what rings.
    pub(crate) fn hang_up(&mut self) {
        self.order("hangup", "");
    }

    /// Puts the other side on hold: re-INVITE with `sendonly`.
    pub(crate) fn hold(&mut self) {
        self.order("hold", "");
    }

    /// Takes the other side back.
    pub(crate) fn resume(&mut self) {
        self.order("resume", "");
    }

    /// Sends the other side on to a number: REFER.
    pub(crate) fn transfer(&mut self, number: &str) {
        self.order("transfer", number);
    }

    /// Switches it off; it unregisters.
    pub(crate) fn switch_off(&mut self) {
        self.order("quit", "");
        self.peer.wait(PATIENCE);
    }

    /// Waits for an event such as `CALL_ESTABLISHED`; earlier ones pass by.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            let next = self.waiting.pop_front().or_else(|| {
                let rest = deadline.saturating_duration_since(Instant::now());
                self.events.recv_timeout(rest).ok()
            });
            match next {
                Some(event) if event["type"] == kind => return event,
                Some(event) => passed.push(event["type"].to_string()),
                None => panic!("{} saw no {kind}, only {passed:?}", self.user),
            }
        }
    }

    /// Waits until its screen shows this; what it showed before may count too.
    #[track_caller]
    pub(crate) fn until_shown(&self, words: &str) {
        eventually(&format!("{} shows {words}", self.user), PATIENCE, || {
            self.peer.log().contains(words).then_some(())
        });
    }

    /// Everything its screen has shown.
    pub(crate) fn screen(&self) -> String {
        self.peer.log()
    }

    /// What its owner heard in its last call, which is over.
    #[track_caller]
    pub(crate) fn heard(&self) -> Vec<i16> {
        let file = eventually("the phone has filed what it heard", PATIENCE, || {
            let mut files: Vec<PathBuf> = fs::read_dir(self.sounds())
                .ok()?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
                .collect();
            files.sort();
            files.pop()
        });
        wav::read_file(&file).channels.remove(0)
    }

    /// How long it has heard this tone so far; for calls that still stand.
    pub(crate) fn heard_so_far(&self, hertz: u32) -> Duration {
        let files = fs::read_dir(self.sounds())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let heard = files
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .max();
        let bytes = heard
            .and_then(|path| fs::read(path).ok())
            .filter(|bytes| bytes.len() > 64);
        bytes.map_or(Duration::ZERO, |bytes| {
            tone::heard(&wav::read(&bytes).channels[0], hertz)
        })
    }

    fn sounds(&self) -> PathBuf {
        self.folder.path().join("sounds")
    }

    fn order(&mut self, command: &str, parameters: &str) {
        let message = json!({"command": command, "params": parameters, "token": "test"}).to_string();
        write!(self.control, "{}:{message},", message.len()).expect("the phone takes an order");
        let answer = self.await_response();
        assert_eq!(
            answer["ok"], true,
            "{} obeys {command} {parameters}: {answer}",
            self.user
        );
    }

    /// The answer to an order; events that come before it wait for those who ask.
    fn await_response(&mut self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            let message = self.events.recv_timeout(rest).expect("the phone answers orders");
            if message["response"] == true {
                return message;
            }
            self.waiting.push_back(message);
        }
    }
}

fn write_settings(folder: &TempDir, account: &Account, control_at: SocketAddrV4) {
    let Account {
        user,
        registrar,
        transport,
        hums_hz,
        answers,
        codecs,
        authority,
        encryption,
        has_lamp,
        password,
    } = account;
    let trust = authority.as_ref().map_or(String::new(), |authority| {
        format!("sip_cafile {}\n", authority.display())
    });
    let (lamp, mwi) = if *has_lamp {
        ("module_app mwi.so\n", "mwi=yes;")
    } else {
        ("", "")
    };
    let path = folder.path();
    fs::create_dir(path.join("sounds")).expect("the sounds folder can be made");
    // A phone hums at the rate of the codec it prefers.
    let mut kind = codecs.split(',').next().unwrap_or_default().split('/').skip(1);
    let rate = kind.next().and_then(|rate| rate.parse().ok()).unwrap_or(8000);
    let channels = kind.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let hum = tone::sine_at(*hums_hz, Duration::from_secs(60), rate, channels);
    wav::write_file_at(&path.join("tone.wav"), &hum, rate, channels);
    let here = Ipv4Addr::LOCALHOST;
    let place = path.display();
    let config = format!(
        "sip_listen {here}:0\nnet_interface {here}\nrtp_ports 30000-49999\nctrl_tcp_listen {control_at}\n\
         module_path {modules}\nmodule g711.so\nmodule srtp.so\nmodule g722.so\nmodule opus.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
         module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n{lamp}snd_path {place}/sounds\n\
         statmode_default off\n{trust}\
         audio_source aufile,{place}/tone.wav\naudio_player aubridge,sink\naudio_alert aubridge,alert\n",
        modules = modules(),
    );
    let mode = if *answers { "auto" } else { "manual" };
    let encryption = encryption.map_or(String::new(), |how| format!("mediaenc={how};"));
    let account = format!(
        "<sip:{user}@{registrar};transport={transport}>;auth_user={user};auth_pass={password};answermode={mode};\
         {encryption}{mwi}audio_codecs={codecs};regint=600\n"
    );
    for (file, text) in [
        ("config", config),
        ("accounts", account),
        ("contacts", String::new()),
    ] {
        fs::write(path.join(file), text).expect("the phone's settings can be written");
    }
}

/// Where Debian keeps the phone's modules.
fn modules() -> &'static str {
    let known = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    known
        .into_iter()
        .find(|path| fs::exists(path).unwrap_or(false))
        .unwrap_or(known[0])
}

/// Reads the control connection on a thread of its own: netstrings with JSON inside.
fn listen(control: &TcpStream) -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    let mut stream = BufReader::new(control.try_clone().expect("the connection can be shared"));
    std::thread::spawn(move || {
        while let Some(message) = read_netstring(&mut stream) {
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

/// `LENGTH:JSON,`
fn read_netstring(stream: &mut impl Read) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        match byte[0] {
            b':' => break,
            digit @ b'0'..=b'9' => length = length * 10 + usize::from(digit - b'0'),
            _ => return None,
        }
    }
    let mut message = vec![0; length + 1];
    stream.read_exact(&mut message).ok()?;
    serde_json::from_slice(message.get(..length)?).ok()
}
