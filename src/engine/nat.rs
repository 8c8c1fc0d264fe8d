//! Whom the configuration says to be behind a router that hides where its voice comes from.

use super::Engine;
use crate::agents::Reach;
use crate::model::{Destination, Number, TrunkName};
use crate::sip::Origin;

impl Engine {
    /// What the configuration says of whoever calls; nothing, when it says nothing.
    pub(super) fn nat_of_origin(&self, origin: &Origin) -> Option<bool> {
        match origin {
            Origin::Trunk(trunk) => self.nat_of_trunk(trunk),
            Origin::Phone(extension) => self.nat_of_phone(extension),
        }
    }

    /// The same of whoever is called.
    pub(super) fn nat_of_destination(&self, destination: &Destination) -> Option<bool> {
        match destination {
            Destination::Registered { extension, .. } => self.nat_of_phone(extension),
            Destination::Trunk { trunk, .. } => self.nat_of_trunk(trunk),
            Destination::Contact(uri) => self
                .settings
                .agents
                .iter()
                .find(|agent| matches!(&agent.reach, Reach::Contact(own) if own == uri))
                .and_then(|agent| agent.nat),
        }
    }

    fn nat_of_phone(&self, extension: &Number) -> Option<bool> {
        self.roster.agent_at(extension).and_then(|agent| agent.nat)
    }

    fn nat_of_trunk(&self, trunk: &TrunkName) -> Option<bool> {
        self.settings.trunks.get(trunk).and_then(|rules| rules.nat)
    }
}
