//! The sockets that are listened on beside SIP over UDP, which the engine's thread has.

use super::Taken;
use crate::config::Config;
use crate::sip::Transport;
use crate::upstream::Upstreams;
use crate::{http, net};
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::sync::oneshot;

/// What SIP streams are accepted on.
pub(super) struct Listeners {
    pub(super) sockets: Vec<net::Listening>,
    pub(super) addresses: Vec<(Transport, SocketAddr)>,
}

/// Opens them, and the runtime that serves them.
pub(super) fn open_streams(
    config: &Config,
    taken: &Taken,
) -> anyhow::Result<(tokio::runtime::Runtime, Listeners)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut listeners = Listeners {
        sockets: Vec::new(),
        addresses: Vec::new(),
    };
    for listen in config
        .sip
        .listen
        .iter()
        .filter(|listen| listen.transport.is_reliable())
    {
        let socket = {
            let _inside = runtime.enter();
            net::Listening::open(listen.transport, listen.address)
                .map_err(|error| taken.explain(error, listen.address))
                .with_context(|| format!("[sip] listen = {listen}"))?
        };
        listeners.addresses.push((listen.transport, socket.local_addr()?));
        listeners.sockets.push(socket);
    }
    Ok((runtime, listeners))
}

/// The page's socket: the one that the service manager has opened for us, which may have a port below 1024, else our own.
pub(super) fn open_page(
    runtime: &tokio::runtime::Runtime,
    config: &Config,
    taken: &Taken,
) -> anyhow::Result<tokio::net::TcpListener> {
    let at = config.http.listen;
    let given = listenfd::ListenFd::from_env()
        .take_tcp_listener(0)
        .context("the socket that systemd gave")?;
    let _inside = runtime.enter();
    if let Some(socket) = given {
        socket.set_nonblocking(true)?;
        return Ok(tokio::net::TcpListener::from_std(socket)?);
    }
    net::listen_for_pages(at)
        .map_err(|error| taken.explain(error, at))
        .with_context(|| format!("[http] listen = {at}"))
}

/// The box's own door for its command line. Without it the command line has to show a token.
pub(super) fn open_door(
    runtime: &tokio::runtime::Runtime,
    data_dir: &Path,
) -> Option<tokio::net::UnixListener> {
    let path = data_dir.join(http::DOOR);
    let _inside = runtime.enter();
    match http::open_door(&path) {
        Ok(door) => Some(door),
        Err(error) => {
            tracing::warn!(
                "{} could not be opened ({error}): commands such as `callpost user` need a token.",
                path.display()
            );
            None
        }
    }
}

/// Takes the door away again.
pub(super) fn close_door(data_dir: &Path) {
    // What is left is taken for what it is: nobody answers there.
    let _ = std::fs::remove_file(data_dir.join(http::DOOR));
}

/// Serves pages, records for destinations and fetches from PBXs, until the appliance stops.
pub(super) fn serve(
    runtime: &tokio::runtime::Runtime,
    (listener, door): (tokio::net::TcpListener, Option<tokio::net::UnixListener>),
    faces: http::Faces,
    upstreams: Upstreams,
    sync: crate::connectors::sync::SyncDesk,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async move {
        http::serve(listener, door, faces, async {
            // An error means that the appliance was dropped, which is a stop too.
            let _ = stopped.await;
        })
        .await;
        sync.close().await;
        upstreams.shutdown().await;
    });
}
