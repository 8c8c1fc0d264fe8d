use super::tls::{TlsShop, server_name};
use super::trouble::innermost;
use super::{Author, Host, PinBook, Refused, Rules, Trouble, Trust};
use rustls::ClientConfig;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The way out; cheap to clone.
#[derive(Clone)]
pub struct Egress {
    pub(super) rules: Arc<Rules>,
    pub(super) tls: Arc<TlsShop>,
    pub(super) lookup: Lookup,
}

/// Looks a name up: the system's resolver, or a stand-in for it.
pub type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// A resolver that does not answer is given up after this.
const LOOKING_UP: Duration = Duration::from_secs(5);
/// All addresses of a name together get this long.
const CONNECTING: Duration = Duration::from_secs(10);
/// The least that one of them gets.
const LEAST_CONNECTING: Duration = Duration::from_secs(2);
const SHAKING_HANDS: Duration = Duration::from_secs(10);
/// More addresses of one name are not looked at.
const MOST_ADDRESSES: usize = 16;

impl Egress {
    /// A way out under these rules, with the system's resolver.
    pub fn new(rules: Rules, pins: Arc<dyn PinBook>) -> Self {
        Self {
            rules: Arc::new(rules),
            tls: Arc::new(TlsShop::new(pins)),
            lookup: Arc::new(|host| Box::pin(ask_the_system(host))),
        }
    }

    /// The same with another resolver.
    pub fn with_lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }

    /// Where `host` may be reached: every address it leads to that may be connected to.
    ///
    /// # Errors
    /// [`Trouble::Refused`] when there is none among them that may; [`Trouble::NoSuchHost`] and
    /// [`Trouble::TimedOut`] when the name leads nowhere.
    pub async fn resolve(&self, host: &str, port: u16, author: Author) -> Result<Vec<SocketAddr>, Trouble> {
        let written = Host::parse(host)?;
        let found = match &written {
            Host::Literal(address) => vec![*address],
            Host::Name(name) => self.look_up(name).await?,
        };
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found.into_iter().take(MOST_ADDRESSES) {
            match self.rules.judge(&written, address, author) {
                Ok(()) => allowed.push(SocketAddr::new(address, port)),
                Err(place) => {
                    refused.get_or_insert(Refused::Forbidden {
                        host: host.to_owned(),
                        address,
                        place,
                    });
                }
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, Some(refused)) => Err(refused.into()),
            (true, None) => Err(no_such_host(host, "no address")),
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Trouble> {
        match timeout(LOOKING_UP, (self.lookup)(name.to_owned())).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(no_such_host(name, &error.to_string())),
            Err(_too_late) => Err(Trouble::TimedOut("answer of the resolver")),
        }
    }

    /// A TCP connection to `host`, to an address that was judged.
    ///
    /// # Errors
    /// As [`Egress::resolve`]; [`Trouble::Unreachable`] or [`Trouble::TimedOut`] when nobody takes the connection.
    pub async fn connect(&self, host: &str, port: u16, author: Author) -> Result<TcpStream, Trouble> {
        let addresses = self.resolve(host, port, author).await?;
        let each = CONNECTING / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut trouble = Trouble::TimedOut("connection");
        for address in addresses {
            match timeout(each.max(LEAST_CONNECTING), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it a small message may wait for company; nothing breaks.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => trouble = Trouble::Unreachable(format!("{address}: {error}")),
                Err(_too_late) => trouble = Trouble::TimedOut("connection"),
            }
        }
        Err(trouble)
    }

    /// TLS over a connection, with a partner who proves to be `host`.
    ///
    /// # Errors
    /// [`Trouble::Tls`] when it does not, [`Trouble::Settings`] when there is nobody to believe,
    /// [`Trouble::TimedOut`].
    pub async fn tls(
        &self,
        stream: TcpStream,
        host: &str,
        trust: &Trust,
    ) -> Result<TlsStream<TcpStream>, Trouble> {
        let connector = TlsConnector::from(self.tls_config(host, trust)?);
        match timeout(SHAKING_HANDS, connector.connect(server_name(host)?, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Trouble::Tls(innermost(&error))),
            Err(_too_late) => Err(Trouble::TimedOut("TLS handshake")),
        }
    }

    /// Settings for a library that does its own handshake: they believe in `host` alone, whatever name the library
    /// gives. The library must be handed an address from [`Egress::resolve`].
    ///
    /// # Errors
    /// [`Trouble::Settings`] when there is nobody to believe, [`Trouble::Tls`] when `host` is no name.
    pub fn tls_config(&self, host: &str, trust: &Trust) -> Result<Arc<ClientConfig>, Trouble> {
        self.tls.config(host, trust).map(Arc::new)
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Egress")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

async fn ask_the_system(host: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((host, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

fn no_such_host(host: &str, reason: &str) -> Trouble {
    Trouble::NoSuchHost {
        host: host.to_owned(),
        reason: reason.to_owned(),
    }
}
