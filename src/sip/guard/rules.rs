use crate::model::Number;
use crate::sip::Network;
use std::net::IpAddr;
use std::time::Duration;

/// What the guard has to know of the configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Networks that are never slowed or shut out; the trunks' are always trusted.
    pub trusted: Vec<Network>,
    /// Whether requests of known scanners are left unanswered.
    pub drop_scanners: bool,
    /// How long an address is shut out.
    pub ban: Duration,
    /// Calls one phone may begin in a minute.
    pub calls_a_minute: u32,
    /// Numbers that are let in whatever else is full.
    pub emergency: Vec<Number>,
}

impl Default for Rules {
    fn default() -> Self {
        super::Config::default().rules()
    }
}

impl Rules {
    /// Whether this address is of a trusted network.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Whether this number is one that is always let in.
    pub fn is_emergency(&self, number: &Number) -> bool {
        self.emergency.contains(number)
    }
}
