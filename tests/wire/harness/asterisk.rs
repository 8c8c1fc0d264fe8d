//! Asterisk 22: the PBX beside the box. Its configuration is in `tests/wire/asterisk`.

use super::peer::Peer;
use super::street::Street;
use super::{PATIENCE, eventually, setup};
use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A running PBX at the street's trunk address, with the extensions 2001 and 2002 and the usual passwords.
#[derive(Debug)]
pub(crate) struct Asterisk {
    name: String,
    at: SocketAddrV4,
    peer: Peer,
    /// Its configuration and its log.
    _folder: TempDir,
}

impl Asterisk {
    /// Starts the PBX and waits until it serves calls.
    pub(crate) fn start(street: &Street) -> Self {
        Self::start_with(street, |_, text| text)
    }

    /// The same with other words in its files: gets each file's name and text, gives its text.
    pub(crate) fn start_with(street: &Street, change: impl Fn(&str, String) -> String) -> Self {
        Self::start_furnished(street, &[], change)
    }

    /// The same with more files beside its configuration; `@ETC@` in a text is the folder they lie in.
    pub(crate) fn start_furnished(
        street: &Street,
        files: &[(&str, Vec<u8>)],
        change: impl Fn(&str, String) -> String,
    ) -> Self {
        setup::ensure("asterisk");
        let folder = tempfile::Builder::new()
            .prefix("callpost-asterisk-")
            .tempdir()
            .expect("a folder can be made");
        let config = folder.path().join("config");
        // The address is nobody else's, so the name is not either.
        let name = format!("pbx-{}", street.pbx());
        write_config(
            &config,
            street,
            change,
            &format!("/srv/callpost-peers/{name}/etc"),
        );
        for (file, bytes) in files {
            let path = config.join(file);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            fs::write(path, bytes).expect("a file can be written");
        }
        let mut command = script();
        command.arg("run").arg(&name).arg(&config);
        let peer = Peer::start("asterisk", &mut command, folder.path().join("log"));
        let asterisk = Self {
            name,
            at: SocketAddrV4::new(street.pbx(), 5060),
            peer,
            _folder: folder,
        };
        eventually("asterisk serves calls", PATIENCE, || {
            asterisk
                .ask("core waitfullybooted")
                .contains("fully booted")
                .then_some(())
        });
        asterisk
    }

    /// Where its phones register.
    pub(crate) fn at(&self) -> SocketAddrV4 {
        self.at
    }

    /// Waits until one of its phones is registered; for phones that do not say so themselves.
    #[track_caller]
    pub(crate) fn until_registered(&self, user: &str) {
        eventually(&format!("{user} is registered at the PBX"), PATIENCE, || {
            self.knows(user).then_some(())
        });
    }

    /// Whether somebody is registered under this name.
    pub(crate) fn knows(&self, user: &str) -> bool {
        let contacts = self.ask("pjsip show contacts");
        contacts.contains(&format!("{user}/sip:"))
    }

    /// What its command line answers.
    pub(crate) fn ask(&self, command: &str) -> String {
        let output = script().args(["ask", &self.name, command]).output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        self.peer.kill();
        // What stays behind costs a few kilobytes, no more.
        script().args(["clear", &self.name]).status().ok();
    }
}

fn script() -> Command {
    Command::new(setup::scripts().join("asterisk.sh"))
}

/// Copies the shipped configuration with the street's addresses put in.
fn write_config(config: &Path, street: &Street, change: impl Fn(&str, String) -> String, etc: &str) {
    fs::create_dir(config).expect("the configuration folder can be made");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/asterisk");
    for entry in fs::read_dir(shipped)
        .expect("the shipped configuration is there")
        .flatten()
    {
        let text = fs::read_to_string(entry.path()).expect("a configuration file can be read");
        let text = text
            .replace("@PBX@", &street.pbx().to_string())
            .replace("@BOX@", &street.house(1).to_string());
        let text = change(&entry.file_name().to_string_lossy(), text).replace("@ETC@", etc);
        fs::write(config.join(entry.file_name()), text).expect("a configuration file can be written");
    }
}
