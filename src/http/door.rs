//! The box's own door: a socket in the data directory, by which the command line reaches the running daemon without a
//! token. Whoever may open it is the user the daemon runs as, or root, and both have the files of the box anyway.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tokio::net::{UnixListener, UnixStream};

/// Its name in the data directory.
pub const DOOR: &str = "callpost.sock";

/// Who came in by the door.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    /// The user of the process at the other end.
    pub(super) uid: u32,
}

/// Opens the door at this path, in place of what an earlier run has left. Must be called inside the runtime.
///
/// # Errors
/// What the system said: the path is too long for a socket, or the file system has none.
pub fn open_door(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let door = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(door)
}

/// The next who comes in by the door; never, when there is none. Whoever is neither our own user nor root is an error: the
/// socket's permissions have been changed.
pub(super) async fn accept(door: Option<&UnixListener>) -> io::Result<(UnixStream, Inside)> {
    let Some(door) = door else {
        return std::future::pending().await;
    };
    let (stream, _) = door.accept().await?;
    let uid = stream.peer_cred()?.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        let why = format!("user {uid} is neither root nor the user of this service");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok((stream, Inside { uid }))
}
