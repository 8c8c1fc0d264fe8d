use super::{Author, Egress, Host, Trouble, Trust, in_plain_words};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::time::Duration;

/// How long an HTTP exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// From the first try to the last byte of the answer.
    pub answer: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(20),
        }
    }
}

impl Egress {
    /// An HTTP client for the host of this URL, with the usual times.
    ///
    /// # Errors
    /// As [`Egress::http_with`].
    pub fn http(&self, url: &Url, author: Author, trust: &Trust) -> Result<Client, Trouble> {
        self.http_with(url, author, trust, Times::default())
    }

    /// An HTTP client for the host of this URL and no other: TLS believes in that host alone. It follows no
    /// redirect and asks no proxy; every name is judged after it was looked up, at each connection anew.
    ///
    /// # Errors
    /// [`Trouble::Refused`] when the host is an address that must not be connected to, [`Trouble::Settings`] when
    /// there is nobody to believe.
    pub fn http_with(
        &self,
        url: &Url,
        author: Author,
        trust: &Trust,
        times: Times,
    ) -> Result<Client, Trouble> {
        let host = url.host_str().unwrap_or_default();
        let written = Host::parse(host)?;
        if let Host::Literal(address) = written {
            // Nobody looks an address up, so it is judged here.
            self.rules
                .judge(&written, address, author)
                .map_err(|place| super::Refused::Forbidden {
                    host: host.to_owned(),
                    address,
                    place,
                })?;
        }
        let mut builder = Client::builder()
            .user_agent(concat!("callpost/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Judge(self.clone(), author))
            .connect_timeout(times.connect)
            .timeout(times.answer)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1);
        builder = builder.tls_backend_preconfigured(match url.scheme() {
            // No certificate is ever looked at, so a box without any can post all the same.
            "http" => self.tls.believe_nobody()?,
            _ => self.tls.config(host, trust)?,
        });
        builder
            .build()
            .map_err(|error| Trouble::Settings(in_plain_words(error)))
    }
}

/// Looks names up for the HTTP client.
struct Judge(Egress, Author);

impl Resolve for Judge {
    fn resolve(&self, name: Name) -> Resolving {
        let (egress, author) = (self.0.clone(), self.1);
        Box::pin(async move {
            let found = egress.resolve(name.as_str(), 0, author).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
