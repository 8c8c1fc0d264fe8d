//! What is measured: the box or the PBX, set up to do the same things for the same numbers.

use crate::harness::household::Household;
use crate::harness::peer::Peer;
use crate::harness::setup;
use crate::harness::street::Street;
use crate::process::Process;
use std::fs;
use std::net::{SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Agents for conversations: `a0` to `a99`.
pub(crate) const AGENTS: u32 = 100;
/// Phones of the big group.
pub(crate) const CROWD: u32 = 200;

/// Answered, then silence.
pub(crate) const SILENT_NUMBER: &str = "7000";
/// Answered, then a prompt without end.
pub(crate) const PROMPT_NUMBER: &str = "7100";
/// Rings eight phones.
pub(crate) const RING_8_NUMBER: &str = "9008";
/// Rings two hundred phones.
pub(crate) const RING_200_NUMBER: &str = "9200";
/// The extension that registers.
pub(crate) const EXTENSION: &str = "1001";

/// The number that reaches one agent, recorded or not.
pub(crate) fn agents_number(agent: u32, recorded: bool) -> String {
    format!("8{}{agent:02}", u8::from(recorded))
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The box.
    Callpost,
    /// The PBX it is compared with.
    Asterisk,
}

impl Kind {
    /// Its column's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Callpost => "callpost",
            Self::Asterisk => "asterisk",
        }
    }
}

/// A running subject on a street of its own.
pub(crate) struct Subject {
    kind: Kind,
    pub(crate) street: Street,
    // Before `folder`: the program ends before its files go.
    peer: Option<Peer>,
    folder: TempDir,
}

impl Subject {
    /// Writes its configuration and starts it.
    pub(crate) fn start(kind: Kind) -> Result<Self, String> {
        let street = Street::claim();
        let folder = tempfile::Builder::new()
            .prefix("callpost-figures-")
            .tempdir()
            .map_err(|error| error.to_string())?;
        match kind {
            Kind::Callpost => household(&street).furnish(folder.path(), &street),
            Kind::Asterisk => write_asterisk(&folder.path().join("config"), &street),
        }
        let mut subject = Self {
            kind,
            street,
            peer: None,
            folder,
        };
        subject.restart()?;
        Ok(subject)
    }

    /// Ends it if it runs, starts it, and tells how long it took until it answered an OPTIONS.
    pub(crate) fn restart(&mut self) -> Result<Duration, String> {
        self.peer = None;
        let server = self.server();
        let probe = UdpSocket::bind((self.street.house(60), 0)).map_err(|error| error.to_string())?;
        probe.connect(server).map_err(|error| error.to_string())?;
        probe
            .set_read_timeout(Some(Duration::from_millis(1)))
            .map_err(|error| error.to_string())?;
        let mut command = self.command();
        let log = self.log();
        let begin = Instant::now();
        let peer = self.peer.insert(Peer::start(self.kind.name(), &mut command, log));
        let mut number = 0;
        while begin.elapsed() < Duration::from_secs(20) {
            if let Some(status) = peer.ended() {
                return Err(format!(
                    "{} ended with {status}:\n{}",
                    self.kind.name(),
                    peer.log()
                ));
            }
            number += 1;
            // Refused while nobody listens there yet.
            probe.send(options(&probe, server, number).as_bytes()).ok();
            if probe.recv(&mut [0; 2048]).is_ok() {
                return Ok(begin.elapsed());
            }
        }
        Err(format!(
            "{} answers no OPTIONS:\n{}",
            self.kind.name(),
            peer.log()
        ))
    }

    /// Where it listens for SIP.
    pub(crate) fn server(&self) -> SocketAddrV4 {
        self.street.box_sip()
    }

    /// The process to read figures of.
    pub(crate) fn process(&self) -> Result<Process, String> {
        self.peer
            .as_ref()
            .map(|peer| Process(peer.pid()))
            .ok_or_else(|| "it does not run".to_owned())
    }

    fn command(&self) -> Command {
        match self.kind {
            Kind::Callpost => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
                command
                    .arg("run")
                    .arg("--config")
                    .arg(self.folder.path().join("callpost.toml"));
                command
                    .arg("--data-dir")
                    .arg(self.folder.path().join("data"))
                    .current_dir(self.folder.path());
                command
            }
            Kind::Asterisk => {
                let mut command = Command::new(setup::scripts().join("asterisk.sh"));
                command
                    .args(["run", &self.name()])
                    .arg(self.folder.path().join("config"));
                command
            }
        }
    }

    fn name(&self) -> String {
        format!("figures-{}", self.street.house(1))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.peer = None;
        if self.kind == Kind::Asterisk {
            Command::new(setup::scripts().join("asterisk.sh"))
                .args(["clear", &self.name()])
                .status()
                .ok();
        }
    }
}

fn options(probe: &UdpSocket, server: SocketAddrV4, number: u32) -> String {
    let here = probe
        .local_addr()
        .map(|address| address.to_string())
        .unwrap_or_default();
    format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKp{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@{here}>;tag=p{number}\r\nTo: <sip:{server}>\r\nCall-ID: probe{number}@{here}\r\n\
         CSeq: 1 OPTIONS\r\nContact: <sip:probe@{here}>\r\nContent-Length: 0\r\n\r\n"
    )
}

fn household(street: &Street) -> Household {
    let at = street.house(40);
    let contact = |id: &str| format!("sip:{id}@{at}:5060");
    let mut household = Household::new()
        .unrecorded()
        .phone("registers", EXTENSION, &[])
        .prompt("endless", 620, Duration::from_secs(30))
        .number(SILENT_NUMBER, r#"flow="silent""#)
        .flow("silent", SILENT)
        .number(PROMPT_NUMBER, r#"flow="prompt""#)
        .flow("prompt", PROMPT)
        .group("eight", "ring_seconds=20\nattempts=1\noverflow=\"hangup\"")
        .number(RING_8_NUMBER, r#"group="eight""#)
        .group("crowd", "ring_seconds=20\nattempts=1\noverflow=\"hangup\"")
        .number(RING_200_NUMBER, r#"group="crowd""#);
    for agent in 0..AGENTS {
        let id = format!("a{agent}");
        household = household.contact(&id, &contact(&id), &[]);
        for recorded in [false, true] {
            let leads = format!("agent=\"{id}\"\nrecord={recorded}");
            household = household.number(&agents_number(agent, recorded), &leads);
        }
    }
    for phone in 0..CROWD {
        let id = format!("c{phone}");
        let groups: &[&str] = if phone < 8 {
            &["eight", "crowd"]
        } else {
            &["crowd"]
        };
        household = household.contact(&id, &contact(&id), groups);
    }
    household
}

/// A call that is up and carries nothing.
const SILENT: &str = r#"
name = "silent"
start = "wait"
[step.wait]  verb="pause"  seconds=600  next="bye"
[step.bye]   verb="hangup"
"#;

/// A prompt of thirty seconds, over and over.
const PROMPT: &str = r#"
name = "prompt"
start = "play"
[step.play]  verb="play"  prompt="endless"  next="play"
"#;

/// The wire tests' PBX with the crowd's numbers instead of its phones.
fn write_asterisk(config: &Path, street: &Street) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/asterisk");
    fs::create_dir_all(config).expect("the configuration folder can be made");
    for file in ["modules.conf", "logger.conf"] {
        fs::copy(shipped.join(file), config.join(file)).expect("the shipped configuration is there");
    }
    let (here, callers, agents) = (street.house(1), street.pbx(), street.house(40));
    let sound = crate::harness::tone::sine(620, Duration::from_secs(30));
    crate::harness::wav::write_file(&config.join("endless.wav"), &sound);
    let place = format!("/srv/callpost-peers/figures-{here}");
    let pjsip = format!(
        "[udp]\ntype=transport\nprotocol=udp\nbind={here}:5060\n\
         [audio](!)\ntype=endpoint\ndisallow=all\nallow=ulaw\ndirect_media=no\nbind_rtp_to_media_address=yes\n\
         media_address={here}\ncontext=figures\n\
         [callers](audio)\n[callers]\ntype=identify\nendpoint=callers\nmatch={callers}/32\n[crowd](audio)\n\
         [{EXTENSION}](audio)\nauth={EXTENSION}\naors={EXTENSION}\n\
         [{EXTENSION}]\ntype=auth\nauth_type=userpass\nusername={EXTENSION}\npassword=secret-{EXTENSION}\n\
         [{EXTENSION}]\ntype=aor\nmax_contacts=5\n"
    );
    let phone = |id: String| format!("PJSIP/crowd/sip:{id}@{agents}:5060");
    let group = |count: u32| {
        (0..count)
            .map(|number| phone(format!("c{number}")))
            .collect::<Vec<_>>()
            .join("&")
    };
    let extensions = format!(
        "[figures]\nexten => {SILENT_NUMBER},1,Answer()\n same => n,Wait(600)\n\
         exten => {PROMPT_NUMBER},1,Answer()\n same => n(again),Playback({place}/etc/endless)\n same => n,Goto(again)\n\
         exten => _80XX,1,Dial({plain},30)\n\
         exten => _81XX,1,MixMonitor({place}/spool/${{UNIQUEID}}.wav,r({place}/spool/${{UNIQUEID}}-in.wav))\n same => n,Dial({plain},30)\n\
         exten => {RING_8_NUMBER},1,Dial({eight},20)\nexten => {RING_200_NUMBER},1,Dial({crowd},20)\n",
        plain = phone("a${EXTEN:2}".to_owned()),
        eight = group(8),
        crowd = group(CROWD),
    );
    let rtp = "[general]\nrtpstart=10000\nrtpend=19999\n".to_owned();
    for (file, text) in [
        ("pjsip.conf", pjsip),
        ("extensions.conf", extensions),
        ("rtp.conf", rtp),
    ] {
        fs::write(config.join(file), text).expect("a configuration file can be written");
    }
}
