//! The service manager waits for READY, then for a sign of life again and again; a box that gives none is started anew.

use crate::harness::{Appliance, Household, PATIENCE, Street, eventually};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the service manager of this test waits for a sign of life.
const WATCHDOG: Duration = Duration::from_secs(2);

/// What the program says to its service manager (sd_notify(3)).
struct Manager {
    ear: UnixDatagram,
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let ear = UnixDatagram::bind(&path).unwrap();
        Self {
            ear,
            _folder: folder,
            path,
        }
    }

    fn watch(&self, command: &mut Command) {
        command
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    }

    /// The next word, when one comes in time.
    fn hear(&self, patience: Duration) -> Option<String> {
        let mut word = [0; 1024];
        self.ear.set_read_timeout(Some(patience)).unwrap();
        let length = self.ear.recv(&mut word).ok()?;
        Some(String::from_utf8_lossy(&word[..length]).into_owned())
    }

    #[track_caller]
    fn hears(&self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.hear(left) {
                Some(word) if word.contains(wanted) => return word,
                Some(_) | None => {}
            }
        }
        panic!("the service manager never hears {wanted}");
    }
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// ROBUSTNESS 93 and 94: what systemd does is done by hand here; `packaging/boot.sh` has the real one do it.
#[test]
fn a_box_that_hangs_gives_no_sign_of_life_and_its_records_are_there_after_the_restart() {
    let street = Street::claim();
    let manager = Manager::new();
    let household = Household::new();
    let mut appliance = Appliance::open_with(&street, &household, |command| manager.watch(command));
    let ready = manager.hears("READY=1");
    assert!(
        ready.contains("STATUS=files "),
        "and how far it is shut in: {ready}"
    );
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");

    signal(appliance.pid(), "-STOP");
    while manager.hear(Duration::from_millis(10)).is_some() {}
    assert_eq!(manager.hear(2 * WATCHDOG), None, "who hangs says nothing");
    appliance.kill();
    appliance.start_with(|command| manager.watch(command));
    manager.hears("READY=1");
    eventually("the box is healthy again", PATIENCE, || {
        (appliance.get("/health").status == 200).then_some(())
    });
    appliance.stop();
    manager.hears("STOPPING=1");
}
