//! Makes sure a peer is installed before a test needs it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the scripts that install and run peers.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Installs the peer by package name unless it is there. Panics where that cannot be done: a wire test without its
/// peer proves nothing, and must not look as if it did.
pub(crate) fn ensure(peer: &str) {
    if is_there(peer) {
        return;
    }
    // Tests run in processes of their own; the first installs, the others wait here and find it done.
    let lock =
        File::create(std::env::temp_dir().join("callpost-setup-peers.lock")).expect("the lock file opens");
    lock.lock().expect("the lock can be waited for");
    if is_there(peer) {
        return;
    }
    let script = scripts().join("setup-peers.sh");
    let output = Command::new(&script)
        .arg(peer)
        .output()
        .expect("setup-peers.sh starts");
    assert!(
        output.status.success(),
        "{peer} cannot be installed here; `{} {peer}` says:\n{}{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// Whether the peer can be used as it is.
pub(crate) fn is_there(peer: &str) -> bool {
    match peer {
        "asterisk" => asterisk_root().join("usr/sbin/asterisk").exists(),
        "sound" => on_path("sox") && on_path("ffprobe"),
        "browser" => {
            on_path("chromium")
                && on_path("node")
                && playwright().join("node_modules/playwright-core").exists()
        }
        "jssip" => is_there("browser") && playwright().join("node_modules/jssip").exists(),
        "linphone" => on_path("linphonec"),
        "sipvicious" => on_path("svwar"),
        // Debian keeps it where only root looks.
        "kamailio" => on_path(peer) || Path::new(KAMAILIO).is_file(),
        program => on_path(program),
    }
}

/// Where Debian installs the proxy.
pub(crate) const KAMAILIO: &str = "/usr/sbin/kamailio";

/// Whether a program is on the path.
fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The folder Asterisk lives in; the same rule as in `asterisk.sh`.
fn asterisk_root() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    home("CALLPOST_PEERS")
        .or_else(|| Some(home("XDG_CACHE_HOME")?.join("callpost-peers/sid")))
        .or_else(|| Some(home("HOME")?.join(".cache/callpost-peers/sid")))
        .unwrap_or_default()
}

/// The folder the browser's driver is installed in; the same rule as in `setup-peers.sh`.
pub(crate) fn playwright() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    home("XDG_CACHE_HOME")
        .or_else(|| Some(home("HOME")?.join(".cache")))
        .unwrap_or_default()
        .join("callpost-peers/playwright")
}
