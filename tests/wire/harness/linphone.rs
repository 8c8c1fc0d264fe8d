//! linphone: a phone of another school than baresip, on its own SIP stack and its own media.

use super::household::password;
use super::peer::Peer;
use super::{PATIENCE, eventually, setup, tone, wav};
use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::time::Duration;
use tempfile::TempDir;

/// A running `linphonec`: told what to do as if somebody sat at its keyboard, humming a tone and recording what it hears.
#[derive(Debug)]
pub(crate) struct Linphone {
    user: String,
    registrar: SocketAddrV4,
    transport: &'static str,
    keyboard: ChildStdin,
    /// How much of what it has said the test has seen.
    seen: Cell<usize>,
    // Before `folder`: the program ends before its files go.
    peer: Peer,
    folder: TempDir,
}

impl Linphone {
    /// Starts the phone at this house and asks it to register; it hums this tone into every call.
    pub(crate) fn start(user: &str, house: Ipv4Addr, registrar: SocketAddrV4, hums_hz: u32) -> Self {
        Self::start_over("udp", user, house, registrar, hums_hz, None, false)
    }

    /// The same by TLS, believing this authority alone.
    pub(crate) fn start_encrypted(
        user: &str,
        house: Ipv4Addr,
        registrar: SocketAddrV4,
        hums_hz: u32,
        authority: &Path,
    ) -> Self {
        Self::start_over("tls", user, house, registrar, hums_hz, Some(authority), false)
    }

    /// The same, and its voice is encrypted too, by SDES, or there is none.
    pub(crate) fn start_secret(
        user: &str,
        house: Ipv4Addr,
        registrar: SocketAddrV4,
        hums_hz: u32,
        authority: &Path,
    ) -> Self {
        Self::start_over("tls", user, house, registrar, hums_hz, Some(authority), true)
    }

    /// A phone that is told nothing but where it may fetch its settings.
    pub(crate) fn start_provisioned(user: &str, house: Ipv4Addr, registrar: SocketAddrV4, url: &str) -> Self {
        setup::ensure("linphone");
        let folder = tempfile::Builder::new()
            .prefix("callpost-linphone-")
            .tempdir()
            .expect("a folder can be made");
        furnish(folder.path(), house, 440, None, false);
        let settings = folder.path().join("linphonerc");
        let mut text = fs::read_to_string(&settings).expect("the phone's settings can be read");
        text.push_str(&format!("[misc]\nconfig-uri={url}\n"));
        fs::write(&settings, text).expect("the phone's settings can be written");
        Self::switch_on("udp", user, registrar, folder)
    }

    fn start_over(
        transport: &'static str,
        user: &str,
        house: Ipv4Addr,
        registrar: SocketAddrV4,
        hums_hz: u32,
        authority: Option<&Path>,
        is_secret: bool,
    ) -> Self {
        setup::ensure("linphone");
        let folder = tempfile::Builder::new()
            .prefix("callpost-linphone-")
            .tempdir()
            .expect("a folder can be made");
        furnish(folder.path(), house, hums_hz, authority, is_secret);
        let mut phone = Self::switch_on(transport, user, registrar, folder);
        let secret = password(user);
        phone.order(&format!(
            "register sip:{user}@{registrar} sip:{registrar};transport={transport} {secret}"
        ));
        phone
    }

    /// Starts the program in its folder and puts a tone into its microphone.
    fn switch_on(transport: &'static str, user: &str, registrar: SocketAddrV4, folder: TempDir) -> Self {
        let home = folder.path();
        let mut command = Command::new("linphonec");
        command
            .args(["-d", "6", "-c"])
            .arg(home.join("linphonerc"))
            .arg("-l")
            .arg(home.join("trace"))
            .env("HOME", home)
            .current_dir(home);
        let name = format!("linphone {user}");
        let (peer, keyboard) = Peer::start_listening(&name, &mut command, home.join("screen"));
        let mut phone = Self {
            user: user.to_owned(),
            registrar,
            transport,
            keyboard,
            seen: Cell::new(0),
            peer,
            folder,
        };
        phone.wait_for("linphonec>");
        phone.order("soundcard use files");
        let place = phone.folder.path().display().to_string();
        phone.order(&format!("play {place}/tone.wav"));
        phone.order(&format!("record {place}/heard.wav"));
        phone
    }

    /// Its settings as they stand now.
    pub(crate) fn settings(&self) -> String {
        fs::read_to_string(self.folder.path().join("linphonerc")).unwrap_or_default()
    }

    /// Registers with another registrar as well, as somebody else.
    pub(crate) fn registers_also(&mut self, user: &str, registrar: SocketAddrV4) {
        let secret = password(user);
        self.order(&format!(
            "register sip:{user}@{registrar} sip:{registrar} {secret}"
        ));
    }

    /// Dials a number at another registrar of its own.
    pub(crate) fn dial_at(&mut self, number: &str, registrar: SocketAddrV4) {
        self.order(&format!("call sip:{number}@{registrar}"));
    }

    /// Dials a number at its registrar.
    pub(crate) fn dial(&mut self, number: &str) {
        let (registrar, transport) = (self.registrar, self.transport);
        self.order(&format!("call sip:{number}@{registrar};transport={transport}"));
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: char) {
        self.order(&key.to_string());
    }

    /// Picks up.
    pub(crate) fn accept(&mut self) {
        self.order("answer");
    }

    /// Puts the other side on hold.
    pub(crate) fn hold(&mut self) {
        self.order("pause");
        self.wait_for("is now paused");
    }

    /// Takes the other side back.
    pub(crate) fn resume(&mut self) {
        self.order("resume");
        self.wait_for("Media streams established");
    }

    /// Sends the other side on to a number: REFER.
    pub(crate) fn transfer(&mut self, number: &str) {
        let registrar = self.registrar;
        self.order(&format!("transfer sip:{number}@{registrar}"));
    }

    /// Puts its first call through to its second: REFER with Replaces.
    pub(crate) fn put_through(&mut self) {
        self.put_one_through(1, 2);
    }

    /// Puts one of its calls through to another; it counts them from 1 since its start.
    pub(crate) fn put_one_through(&mut self, call: u32, to: u32) {
        self.order(&format!("transfer {call} --to-call {to}"));
    }

    /// Hangs up.
    pub(crate) fn hang_up(&mut self) {
        self.order("terminate");
    }

    /// Switches it off; it unregisters.
    pub(crate) fn switch_off(&mut self) {
        self.order("quit");
        self.peer.wait(PATIENCE);
    }

    /// Waits until it says this; what it said before passes by.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        eventually(&format!("linphone {} says {words}", self.user), PATIENCE, || {
            let log = self.peer.log();
            let news = log.get(self.seen.get()..)?;
            let at = news.find(words)?;
            self.seen.set(self.seen.get() + at + words.len());
            Some(())
        });
    }

    /// How long it has heard this tone in its last call so far.
    pub(crate) fn heard(&self, hertz: u32) -> Duration {
        tone::heard(&recorded(self.folder.path()), hertz)
    }

    /// The SIP it has sent and received.
    pub(crate) fn trace(&self) -> String {
        fs::read(self.folder.path().join("trace"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn order(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("the phone takes an order");
    }
}

/// What a phone has written down of its last call.
pub(super) fn recorded(home: &Path) -> Vec<i16> {
    let bytes = fs::read(home.join("heard.wav")).unwrap_or_default();
    // The header is written when the call is over; what follows its place is 16-bit PCM, one channel.
    let pairs = bytes.get(44..).unwrap_or_default().chunks_exact(2);
    pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Its settings: one address for SIP and voice, sound files for microphone and loudspeaker, no video.
pub(super) fn furnish(home: &Path, house: Ipv4Addr, hums_hz: u32, authority: Option<&Path>, is_secret: bool) {
    // Where it keeps its database; it does not register without one.
    fs::create_dir_all(home.join(".local/share/linphone")).expect("the phone's folder can be made");
    wav::write_file(
        &home.join("tone.wav"),
        &tone::sine(hums_hz, Duration::from_secs(60)),
    );
    let trust = authority.map_or(String::new(), |authority| {
        let place = authority.display();
        // Its library does not look for addresses among a certificate's names.
        format!("root_ca={place}\nverify_server_certs=1\nverify_server_cn=0\n")
    });
    let secrecy = if is_secret {
        "media_encryption=srtp\nmedia_encryption_mandatory=1\n"
    } else {
        ""
    };
    let settings = format!(
        "[sip]\n{trust}{secrecy}sip_port=5060\nsip_tcp_port=0\nsip_tls_port=5061\nbind_address={house}\nuse_ipv6=0\nguess_hostname=0\n\
         register_only_when_network_is_up=0\n[rtp]\naudio_rtp_port=7078\nbind_address={house}\n\
         [net]\nfirewall_policy=0\n[sound]\nuse_files=1\n[video]\nenabled=0\n"
    );
    fs::write(home.join("linphonerc"), settings).expect("the phone's settings can be written");
}
