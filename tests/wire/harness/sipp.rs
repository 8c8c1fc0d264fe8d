//! SIPp: scripted callers and agents. The scripts are in `tests/wire/sipp`.

use super::peer::{Peer, last_lines};
use super::{eventually, setup, tone, wav};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The script's name in the folder it runs in.
const SCRIPT: &str = "script.xml";

/// A script about to be run.
#[derive(Debug)]
pub(crate) struct Script {
    name: String,
    at: SocketAddrV4,
    text: String,
    command: Command,
    folder: TempDir,
    seconds: u64,
    traced: bool,
}

/// A script that runs. It has to be finished: what it found wrong is told there.
#[derive(Debug)]
#[must_use = "a script that is not finished proves nothing"]
pub(crate) struct Sipp {
    name: String,
    peer: Peer,
    folder: TempDir,
    seconds: u64,
}

impl Script {
    /// The script with this file name, played at this address.
    pub(crate) fn new(name: &str, at: SocketAddrV4) -> Self {
        setup::ensure("sipp");
        let folder = tempfile::Builder::new()
            .prefix("callpost-sipp-")
            .tempdir()
            .expect("a folder can be made");
        let mut command = Command::new("sipp");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/sipp/{name}.xml"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let host = at.ip().to_string();
        command
            .current_dir(folder.path())
            .args(["-sf", SCRIPT])
            .args(["-i", &host, "-mi", &host, "-ci", &host]);
        command.args([
            "-p",
            &at.port().to_string(),
            "-nostdin",
            "-timeout_error",
            "-trace_err",
            "-error_file",
            "errors",
        ]);
        // A script that finds something wrong ends there, instead of saying goodbye for half a minute.
        command.args(["-default_behaviors", "all,-bye"]);
        Self {
            name: name.to_owned(),
            at,
            text,
            command,
            folder,
            seconds: 40,
            traced: true,
        }
    }

    /// So many calls in all, at most all of them at once.
    pub(crate) fn calls(mut self, calls: u32) -> Self {
        self.command
            .args(["-m", &calls.to_string(), "-l", &calls.to_string()]);
        self
    }

    /// New calls a second.
    pub(crate) fn rate(mut self, a_second: u32) -> Self {
        self.command.args(["-r", &a_second.to_string()]);
        self
    }

    /// The length of the script's `<pause/>`.
    pub(crate) fn pausing(mut self, length: Duration) -> Self {
        self.command.args(["-d", &length.as_millis().to_string()]);
        self
    }

    /// The value of a `[key]` in the script.
    pub(crate) fn key(mut self, key: &str, value: &str) -> Self {
        self.command.args(["-key", key, value]);
        self
    }

    /// The status line of `agent_refuses`; SIPp takes no variable there.
    pub(crate) fn refusing_with(mut self, status: &str) -> Self {
        self.text = self.text.replace("600 Busy Everywhere", status);
        self
    }

    /// Sends this tone in µ-law while the script's `<pause/>` lasts.
    pub(crate) fn humming(mut self, hertz: u32) -> Self {
        let law: Vec<u8> = tone::sine(hertz, Duration::from_secs(1))
            .into_iter()
            .map(wav::to_mu_law)
            .collect();
        fs::write(self.folder.path().join("hum.ul"), law).expect("the tone can be written");
        let play = r#"<nop><action><exec rtp_stream="hum.ul,-1,0,PCMU/8000"/></action></nop><pause/>"#;
        self.text = self
            .text
            .replace("[auto_media_port]", "[rtpstream_audio_port]")
            .replace("<pause/>", play);
        self
    }

    /// Lines of fields for `[field0]` and so on; each call takes the next line.
    pub(crate) fn lines(mut self, lines: &[String]) -> Self {
        let file = self.folder.path().join("lines.csv");
        fs::write(&file, format!("SEQUENTIAL\n{}\n", lines.join("\n"))).expect("the lines can be written");
        self.command.arg("-inf").arg(file);
        self
    }

    /// Longer than the usual 40 seconds in all.
    pub(crate) fn within_seconds(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }

    /// Over one TCP connection instead of UDP.
    pub(crate) fn over_tcp(mut self) -> Self {
        self.command.args(["-t", "t1"]);
        self
    }

    /// Keeps no trace of messages: for load.
    pub(crate) fn untraced(mut self) -> Self {
        self.traced = false;
        self
    }

    /// Starts a script that waits for calls, and returns once it listens.
    pub(crate) fn wait_for_calls(mut self) -> Sipp {
        let at = self.at;
        let sipp = self.start();
        eventually(&format!("{} listens", sipp.name), super::PATIENCE, || {
            udp_port_is_open(at).then_some(())
        });
        sipp
    }

    /// Starts a script that calls this number at the box.
    pub(crate) fn call(mut self, server: SocketAddrV4, number: &str) -> Sipp {
        self.command.args(["-s", number]).arg(server.to_string());
        self.start()
    }

    fn start(&mut self) -> Sipp {
        self.command.args(["-timeout", &format!("{}s", self.seconds)]);
        fs::write(self.folder.path().join(SCRIPT), &self.text).expect("the script can be written");
        if self.traced {
            self.command.args(["-trace_msg", "-message_file", "messages"]);
        }
        let folder = std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().expect("a folder can be made"),
        );
        let name = format!("sipp {}", self.name);
        let peer = Peer::start(&name, &mut self.command, folder.path().join("screen"));
        Sipp {
            name,
            peer,
            folder,
            seconds: self.seconds,
        }
    }
}

impl Sipp {
    /// Waits for its end; all its calls have to have gone as the script says.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        let status = self.peer.wait(Duration::from_secs(self.seconds + 10));
        let read = |file: &str| fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        assert!(
            status.success(),
            "{} ended with {status}\n──── what it found wrong:\n{}\n──── the last messages:\n{}",
            self.name,
            last_lines(&read("errors"), 40),
            last_lines(&read("messages"), 120),
        );
    }
}

/// Whether a program has bound this UDP port: a line of /proc/net/udp begins with `n: ADDRESS:PORT`, the address
/// in the machine's byte order.
pub(crate) fn udp_port_is_open(at: SocketAddrV4) -> bool {
    let address = u32::from_ne_bytes(at.ip().octets());
    let local = format!("{address:08X}:{:04X}", at.port());
    let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    table
        .lines()
        .any(|line| line.split_whitespace().nth(1) == Some(&local))
}

/// Short for [`Script::new`]: an agent or caller at port 5060 of this house.
pub(crate) fn script(name: &str, host: Ipv4Addr) -> Script {
    Script::new(name, SocketAddrV4::new(host, 5060))
}
