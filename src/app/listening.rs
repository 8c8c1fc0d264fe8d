//! The sockets that are listened on beside SIP over UDP, which the engine's thread has.

use super::Taken;
use crate::config::Config;
use crate::net;
use crate::sip::Transport;
use anyhow::Context as _;
use std::net::SocketAddr;

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
