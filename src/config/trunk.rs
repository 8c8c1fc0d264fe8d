use super::section::Section;
use super::{Mistake, Secret};
use crate::egress::Trust;
use crate::engine::TrunkRules;
use crate::model::{Codec, Dtmf, TrunkName};
use crate::sdp::Srtp;
use crate::sip::{self, Network, Transport};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `[[trunk]]`: a PBX or carrier beside the box, known by its address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Its name.
    pub name: TrunkName,
    /// Its address or host name.
    pub host: String,
    /// Its SIP port; when absent, DNS says it, or it is the usual one of the transport.
    #[serde(default)]
    pub port: Option<u16>,
    /// `udp`, `tcp` or `tls`; when absent, DNS says it, and for an address it is `udp`.
    #[serde(default)]
    transport: Option<TransportName>,
    /// The user name for its challenges and for registering; empty for none.
    #[serde(default)]
    pub username: String,
    /// The password for its challenges and for registering; `password_file` names a file with it.
    #[serde(default)]
    pub password: Secret,
    /// Whether the box registers there.
    #[serde(default)]
    pub register: bool,
    /// The only realm whose challenges get our password; the first one that challenges when absent.
    #[serde(default)]
    realm: Option<String>,
    /// How often it is asked by OPTIONS whether it is there, in seconds; 0 for never.
    #[serde(default = "probe_seconds")]
    probe_seconds: u64,
    /// Its codecs, the preferred first; those of `[media]` when absent.
    #[serde(default)]
    codecs: Vec<String>,
    /// How it tells of keys and is told of them: `auto`, `rfc4733`, `info` or `inband`.
    #[serde(default)]
    dtmf: Dtmf,
    /// Where the caller's number stands: `from`, `asserted` or `remote_party_id`.
    #[serde(default)]
    caller_id: CallerIdName,
    /// How numbers are written: `as_written`, `international` or `national`.
    #[serde(default)]
    number_form: NumberFormName,
    /// Whether callers who hide their number are hidden from it.
    #[serde(default)]
    privacy: bool,
    /// Whether a call outside that it sends on to another number (3xx) goes there: to its own hosts alone, and only where
    /// `[dialing]` allows the number.
    #[serde(default)]
    follow_redirects: bool,
    /// Whether it may go on with a conversation in the place of whoever has handed their part on to it (INVITE with
    /// Replaces), and hand its own on to another trunk. For an exchange of your own, never for a carrier.
    #[serde(default)]
    takes_over: bool,
    /// Calls at once, both ways together; no limit when absent.
    #[serde(default)]
    max_calls: Option<usize>,
    /// Whether a router stands between the trunk and the box and hides where its voice comes from. Its place is then
    /// learned, once, from packets that come from where it signals. When absent: only when its SDP names a private
    /// address while it signals from a public one.
    #[serde(default)]
    nat: Option<bool>,
    /// The authorities that vouch for it when it speaks TLS, a PEM file; those of the system when absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The key it has to show by TLS: `first_use`, or `sha256/…`, which needs no authority.
    #[serde(default)]
    pub tls_pin: Option<String>,
    /// Whether its voice is encrypted: `off`, `allowed` or `required`; as `[media]` says when absent.
    #[serde(default)]
    pub srtp: Option<Srtp>,
    /// Networks from which its requests are believed, beside the host's own addresses.
    #[serde(default)]
    allow: Vec<NetworkText>,
}

fn probe_seconds() -> u64 {
    30
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallerIdName {
    #[default]
    From,
    Asserted,
    RemotePartyId,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NumberFormName {
    #[default]
    AsWritten,
    International,
    National,
}

impl Trunk {
    /// The trunk as SIP knows it; `country` is the code of `[dialing]`.
    pub fn for_sip(&self, country: &str) -> sip::Trunk {
        let credentials = (!self.username.is_empty()).then(|| sip::Secret {
            username: self.username.clone(),
            password: self.password.expose().to_owned(),
        });
        let country = country.to_owned();
        sip::Trunk {
            allow: self.allow(),
            credentials,
            register: self.register,
            realm: self.realm.clone(),
            probe_every: (self.probe_seconds > 0).then(|| Duration::from_secs(self.probe_seconds)),
            manners: sip::Manners {
                caller_id: match self.caller_id {
                    CallerIdName::From => sip::CallerId::From,
                    CallerIdName::Asserted => sip::CallerId::AssertedIdentity,
                    CallerIdName::RemotePartyId => sip::CallerId::RemotePartyId,
                },
                number_form: match self.number_form {
                    NumberFormName::AsWritten => sip::NumberForm::AsWritten,
                    NumberFormName::International => sip::NumberForm::International { country },
                    NumberFormName::National => sip::NumberForm::National { country },
                },
                hides: self.privacy,
                follows_redirects: self.follow_redirects,
            },
            takes_over: self.takes_over,
            ..sip::Trunk::new(self.name.clone(), &self.host, self.port, self.transport())
        }
    }

    /// What calls by it keep to.
    pub fn rules(&self) -> TrunkRules {
        let known = self.codecs.iter().filter_map(|name| Codec::from_name(name));
        let codecs = known.filter(|codec| codec.is_decoded());
        TrunkRules {
            codecs: codecs.collect(),
            dtmf: self.dtmf,
            most_calls: self.max_calls,
            srtp: self.srtp,
            nat: self.nat,
        }
    }

    /// Whether its numbers cannot be written without knowing the country.
    pub(super) fn needs_country(&self) -> bool {
        self.number_form != NumberFormName::AsWritten
    }

    /// What carries its messages, when that is written.
    pub fn transport(&self) -> Option<Transport> {
        self.transport.map(|name| name.0)
    }

    /// Whom to believe that it is this trunk, by TLS. Reads the file.
    ///
    /// # Errors
    /// The key that is wrong, and the problem in words that follow its name.
    pub fn trust(&self) -> Result<Trust, (&'static str, String)> {
        let owner = format!("trunk/{}", self.name);
        let trust = Trust::from_keys(self.ca_file.as_deref(), self.tls_pin.as_deref(), &owner)?;
        Ok(trust.of_sip())
    }

    /// What carries its messages; nothing while only DNS knows.
    pub(super) fn known_transport(&self) -> Option<Transport> {
        self.transport()
            .or_else(|| self.host_address().map(|_| Transport::Udp))
    }

    /// From where its requests are believed, beside the addresses its host stands for.
    pub fn allow(&self) -> Vec<Network> {
        self.allow.iter().map(|network| network.0).collect()
    }

    /// The host, when it is an address and not a name.
    pub fn host_address(&self) -> Option<IpAddr> {
        self.host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct TransportName(Transport);

impl TryFrom<String> for TransportName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Transport::from_name(&text) {
            Some(transport @ (Transport::Udp | Transport::Tcp | Transport::Tls)) => Ok(Self(transport)),
            Some(Transport::Ws | Transport::Wss) => Err(format!(
                "\"{text}\" is for browsers; use \"udp\", \"tcp\" or \"tls\""
            )),
            None => Err(format!(
                "\"{text}\" is no transport; use \"udp\", \"tcp\" or \"tls\""
            )),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct NetworkText(Network);

impl TryFrom<String> for NetworkText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let network = text
            .parse()
            .map_err(|problem| format!("{problem}; write it like \"192.168.1.0/24\""))?;
        Ok(Self(network))
    }
}

impl Section<Trunk> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>, warnings: &mut Vec<Mistake>) {
        let trunk = &self.value;
        if trunk
            .allow
            .iter()
            .any(|network| network.0.to_string().ends_with("/0"))
        {
            let cure = "name the networks the trunk calls from";
            warnings.push(self.mistake("allow", "lets the whole world call in as this trunk", cure));
        }
        if let Some((key, problem)) = Trust::mistakes(trunk.tls_pin.as_deref()) {
            mistakes.push(self.mistake(key, problem, "write first_use or the fingerprint of its key"));
        }
        if !is_host(&trunk.host) {
            let problem = format!("\"{}\" is no host", trunk.host);
            mistakes.push(self.mistake("host", problem, "write an address or a name, the port in `port`"));
        }
        if let Some(name) = trunk
            .codecs
            .iter()
            .find(|name| !Codec::from_name(name).is_some_and(Codec::is_decoded))
        {
            let problem = format!("\"{name}\" is no codec of this box");
            mistakes.push(self.mistake("codecs", problem, "use PCMU, PCMA, G722 or opus"));
        }
        if (1..5).contains(&trunk.probe_seconds) {
            let problem = format!("{} asks too often", trunk.probe_seconds);
            mistakes.push(self.mistake(
                "probe_seconds",
                problem,
                "use 5 or more, or 0 for never; 30 is usual",
            ));
        }
        if trunk.max_calls == Some(0) {
            let cure = "use 1 or more, or leave it out for no limit";
            mistakes.push(self.mistake("max_calls", "0 lets no call through", cure));
        }
        if trunk.port == Some(0) {
            mistakes.push(self.mistake("port", "0 is no port", "use 5060 or what the trunk says"));
        }
        if trunk.username.is_empty() != trunk.password.expose().is_empty() && self.whole {
            let (there, missing) = if trunk.username.is_empty() {
                ("password", "username")
            } else {
                ("username", "password")
            };
            mistakes.push(self.mistake(
                there,
                format!("stands without `{missing}`"),
                format!("write {missing} too"),
            ));
        } else if trunk.register && trunk.username.is_empty() && self.whole {
            let cure = "write username and password, or register = false";
            mistakes.push(self.mistake("register", "needs a user name and a password", cure));
        }
    }
}

/// The shape of an address or a host name (RFC 1123 §2.1).
pub(super) fn is_host(text: &str) -> bool {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let is_name = text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_')
        });
    bare.parse::<IpAddr>().is_ok() || is_name
}
