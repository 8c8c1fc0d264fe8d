//! A desk phone with a key that has a lamp: the stack of linphone, driven by `tests/wire/desk_phone.py`, which is its
//! keyboard and its display. What the lamp is told is checked against the schema of RFC 4235.

use super::household::password;
use super::linphone::{furnish, recorded};
use super::peer::Peer;
use super::{PATIENCE, eventually, setup, tone};
use std::cell::Cell;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::time::Duration;
use tempfile::TempDir;

/// A running desk phone.
#[derive(Debug)]
pub(crate) struct DeskPhone {
    user: String,
    keyboard: ChildStdin,
    /// How much of what it has said the test has seen.
    seen: Cell<usize>,
    // Before `folder`: the program ends before its files go.
    peer: Peer,
    folder: TempDir,
}

impl DeskPhone {
    /// Starts the phone at this house; it registers, and hums this tone into every call.
    pub(crate) fn start(user: &str, house: Ipv4Addr, registrar: SocketAddrV4, hums_hz: u32) -> Self {
        setup::ensure("linphone");
        let folder = tempfile::Builder::new()
            .prefix("callpost-desk-phone-")
            .tempdir()
            .expect("a folder can be made");
        let home = folder.path();
        furnish(home, house, hums_hz, None, false);
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(here.join("desk_phone.py"))
            .args([&house.to_string(), user, &password(user), &registrar.to_string()])
            .args([home, &here.join("dialog-info.xsd")])
            .env("HOME", home)
            .current_dir(home);
        let name = format!("desk phone {user}");
        let (peer, keyboard) = Peer::start_listening(&name, &mut command, home.join("screen"));
        let phone = Self {
            user: user.to_owned(),
            keyboard,
            seen: Cell::new(0),
            peer,
            folder,
        };
        phone.wait_for("Registration successful");
        phone
    }

    /// Gives its key the lamp of this phone.
    pub(crate) fn watch(&mut self, number: &str) {
        self.order(&format!("watch {number}"));
    }

    /// Presses the key: whatever rings at the watched phone is answered here.
    pub(crate) fn pick(&mut self) {
        self.order("pick");
    }

    /// The same, but a call that has been answered meanwhile is left alone.
    pub(crate) fn pick_early(&mut self) {
        self.order("pick early");
    }

    /// Hangs up.
    pub(crate) fn hang_up(&mut self) {
        self.order("hangup");
    }

    /// Waits until its display says this; what it said before passes by.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        eventually(
            &format!("desk phone {} says {words}", self.user),
            PATIENCE,
            || {
                let log = self.peer.log();
                let at = log.get(self.seen.get()..)?.find(words)?;
                self.seen.set(self.seen.get() + at + words.len());
                Some(())
            },
        );
    }

    /// Everything it has said.
    pub(crate) fn display(&self) -> String {
        self.peer.log()
    }

    /// How long it has heard this tone in its call so far.
    pub(crate) fn heard(&self, hertz: u32) -> Duration {
        tone::heard(&recorded(self.folder.path()), hertz)
    }

    fn order(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("the phone takes an order");
    }
}
