//! Kamailio: a proxy in the path. Its script is `tests/wire/kamailio/kamailio.cfg`.

use super::peer::Peer;
use super::sipp::udp_port_is_open;
use super::{PATIENCE, eventually, setup};
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A running proxy that records its route, stands in the path of registrations, and forks `3000` to two houses.
#[derive(Debug)]
pub(crate) struct Kamailio {
    at: SocketAddrV4,
    peer: Peer,
    /// Its script, its log and its sockets.
    _folder: TempDir,
}

impl Kamailio {
    /// Starts the proxy at this house, before this box; `3000` rings at both `forks`.
    pub(crate) fn start(house: Ipv4Addr, server: SocketAddrV4, forks: [SocketAddrV4; 2]) -> Self {
        setup::ensure("kamailio");
        let folder = tempfile::Builder::new()
            .prefix("callpost-kamailio-")
            .tempdir()
            .expect("a folder can be made");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/kamailio/kamailio.cfg");
        let script = fs::read_to_string(shipped)
            .expect("the shipped script is there")
            .replace("@PROXY@", &house.to_string())
            .replace("@BOX_HOST@", &server.ip().to_string())
            .replace("@BOX@", &server.to_string())
            .replace("@ONE@", &forks[0].to_string())
            .replace("@TWO@", &forks[1].to_string())
            .replace("@MODULES@", &modules());
        let (config, run) = (folder.path().join("kamailio.cfg"), folder.path().join("run"));
        fs::write(&config, script).expect("the script can be written");
        fs::create_dir(&run).expect("its folder can be made");
        let mut command = Command::new(setup::KAMAILIO);
        command.args(["-DD", "-E", "-m", "32", "-M", "8"]);
        command
            .arg("-f")
            .arg(&config)
            .arg("-Y")
            .arg(&run)
            .arg("-P")
            .arg(run.join("pid"));
        let peer = Peer::start("kamailio", &mut command, folder.path().join("log"));
        let at = SocketAddrV4::new(house, 5060);
        eventually("kamailio listens", PATIENCE, || {
            udp_port_is_open(at).then_some(())
        });
        Self {
            at,
            peer,
            _folder: folder,
        }
    }

    /// Where it listens.
    pub(crate) fn at(&self) -> SocketAddrV4 {
        self.at
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // It has children of its own, which it ends when it is asked to end.
        if self.peer.ended().is_none() {
            self.peer.terminate();
            self.peer.wait(PATIENCE);
        }
    }
}

/// Where Debian keeps its modules.
fn modules() -> String {
    let machine = std::env::consts::ARCH;
    format!("/usr/lib/{machine}-linux-gnu/kamailio/modules/")
}
