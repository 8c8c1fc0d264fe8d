use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams (RFC 3261 §18).
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket inside TLS.
    Wss,
}

impl Transport {
    const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Lower case, as in a `transport` parameter and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// Upper case, as in a Via.
    pub fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The parameter that names it in a URI; UDP needs none (RFC 3261 §19.1.1).
    pub fn uri_parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
            Self::Ws => ";transport=ws",
            Self::Wss => ";transport=wss",
        }
    }

    /// The transport of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it delivers by itself, so that nothing is sent twice (RFC 3261 §17).
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    /// Whether it is encrypted.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// The port meant when none is written (RFC 3261 §19.1.2, RFC 7118 §5.2).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The way between one of our sockets and a peer, in both directions (RFC 5626 §3 calls it so).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What carries the messages.
    pub transport: Transport,
    /// Our socket.
    pub local: SocketAddr,
    /// Where the peer's packets come from and ours go.
    pub peer: SocketAddr,
    /// Which connection, of a stream; a datagram has none, a flow read back from the journal has lost it.
    pub connection: Option<u64>,
}

/// `udp 127.0.0.10:5060 127.0.0.1:5060`: transport, peer, local; the form of the journal. A connection does not
/// outlive the process and is not written.
impl fmt::Display for Flow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.transport, self.peer, self.local)
    }
}

impl FromStr for Flow {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split(' ');
        let transport = words
            .next()
            .and_then(Transport::from_name)
            .ok_or("no transport")?;
        let mut address = || words.next().and_then(|word| word.parse().ok());
        let peer = address().ok_or("no address of the peer")?;
        let local = address().ok_or("no address of ours")?;
        if words.next().is_some() {
            return Err("something odd behind it");
        }
        Ok(Self {
            transport,
            local,
            peer,
            connection: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_read_back_as_it_was_written() {
        for text in ["udp 127.0.0.10:5060 127.0.0.1:5060", "wss [::1]:40000 [::1]:443"] {
            assert_eq!(text.parse::<Flow>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "udp",
            "sctp 127.0.0.1:1 127.0.0.1:2",
            "udp 127.0.0.1 127.0.0.1:2",
            "udp 127.0.0.1:1 127.0.0.1:2 x",
        ] {
            assert!(bad.parse::<Flow>().is_err(), "{bad}");
        }
    }
}
