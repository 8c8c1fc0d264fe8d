use super::dialects::OneposConfig;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};

/// The `[http]` section: where the API and the pages are served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port of the API and the pages. `127.0.0.1:8080` serves this machine alone;
    /// `0.0.0.0:8080` serves the whole network.
    pub listen: SocketAddr,
    /// Host names under which browsers may open the pages, such as `callpost.branch.example`. The machine's
    /// addresses and `localhost` always work; any other name is refused, so that a foreign web site cannot
    /// point its own name at this box (DNS rebinding).
    pub hosts: Vec<String>,
    /// Origins of other sites whose pages may ask the API with a token, such as `https://crm.example`. None unless named
    /// here; sessions are never taken from another site.
    pub cors_origins: Vec<String>,
    /// How long a record may wait for a required consumer before that is an alarm.
    pub consumer_alarm_minutes: u32,
    /// Requests a minute that a token or a session may make in the long run, beyond 300 at once; more are answered 429
    /// with the seconds to wait.
    pub requests_per_minute: u32,
    /// `[http.onepos]`: records for programs that were written to pull from a hosted PBX.
    pub onepos: OneposConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            hosts: Vec::new(),
            cors_origins: Vec::new(),
            consumer_alarm_minutes: 60,
            requests_per_minute: 1200,
            onepos: OneposConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_listens_on_this_machine_alone() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config, Config::default());
        assert!(config.listen.ip().is_loopback());
    }

    #[test]
    fn an_unknown_key_is_reported() {
        let mistake = toml::from_str::<Config>("listn = \"127.0.0.1:1\"").unwrap_err();
        assert!(mistake.to_string().contains("listn"), "{mistake}");
    }
}
