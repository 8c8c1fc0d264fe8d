use std::fmt;

/// One thing a token or a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Scope {
    /// Read call records and recordings.
    CdrRead,
    /// Acknowledge call records.
    CdrAck,
    /// See live calls, phones, agents and trunks.
    CallsRead,
    /// Hang up and the like.
    CallsControl,
    /// Put agents on a break and bring them back.
    AgentsState,
    /// Make, change and remove agents, their states included.
    AgentsWrite,
    /// Change the configuration.
    ConfigWrite,
    /// Everything, people and tokens included.
    Admin,
    /// What everybody may do who has shown a token or a session.
    Known,
}

const NAMES: [(Scope, &str); 8] = [
    (Scope::CdrRead, "cdr:read"),
    (Scope::CdrAck, "cdr:ack"),
    (Scope::CallsRead, "calls:read"),
    (Scope::CallsControl, "calls:control"),
    (Scope::AgentsState, "agents:state"),
    (Scope::AgentsWrite, "agents:write"),
    (Scope::ConfigWrite, "config:write"),
    (Scope::Admin, "admin"),
];

/// The names of all scopes, for those who choose.
pub(in crate::http) fn scope_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(_, name)| *name)
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES
            .iter()
            .find(|(scope, _)| scope == self)
            .map_or("any", |(_, name)| name);
        out.write_str(name)
    }
}

/// A set of [`Scope`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::http) struct Scopes(u16);

impl Scopes {
    /// Everything.
    pub(in crate::http) const ALL: Self = Self::of(&[Scope::Admin]);

    /// These.
    pub(in crate::http) const fn of(scopes: &[Scope]) -> Self {
        let mut bits = 0;
        let mut place = 0;
        while place < scopes.len() {
            bits |= 1 << scopes[place] as u8;
            place += 1;
        }
        Self(bits)
    }

    /// Reads names separated by spaces or commas; a name of a later version is passed over.
    pub(in crate::http) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for word in text.split([' ', ',']) {
            if let Some((scope, _)) = NAMES.iter().find(|(_, name)| *name == word) {
                scopes.0 |= Self::of(&[*scope]).0;
            }
        }
        scopes
    }

    /// The scope of this name alone.
    pub(in crate::http) fn named(name: &str) -> Option<Self> {
        let (scope, _) = NAMES.iter().find(|(_, known)| *known == name)?;
        Some(Self::of(&[*scope]))
    }

    /// These and those.
    pub(in crate::http) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether nothing is in it.
    pub(in crate::http) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of what is in it.
    pub(in crate::http) fn names(self) -> impl Iterator<Item = &'static str> {
        let has = move |scope: Scope| self.0 & Self::of(&[scope]).0 != 0;
        NAMES
            .iter()
            .filter(move |(scope, _)| has(*scope))
            .map(|(_, name)| *name)
    }

    /// Whether `scope` is in the set; `admin` includes all, `agents:write` includes `agents:state`, and nobody lacks
    /// [`Scope::Known`].
    pub(in crate::http) fn allow(self, scope: Scope) -> bool {
        if scope == Scope::Known {
            return true;
        }
        let wider = if scope == Scope::AgentsState {
            Self::of(&[Scope::AgentsWrite])
        } else {
            Self::default()
        };
        self.0 & (Self::of(&[scope]).0 | wider.0 | Self::ALL.0) != 0
    }
}

/// What a person is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Role {
    /// Looks.
    Viewer,
    /// Takes calls.
    Agent,
    /// Looks after the box.
    Technician,
    /// Decides who may do what.
    Admin,
}

impl Role {
    /// Every role, the one that may least first.
    pub(in crate::http) const ALL: [Self; 4] = [Self::Viewer, Self::Agent, Self::Technician, Self::Admin];

    /// The role of this name.
    pub(in crate::http) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Reads a stored role; an unknown one may only look.
    pub(in crate::http) fn parse(text: &str) -> Self {
        Self::named(text).unwrap_or(Self::Viewer)
    }

    /// The role as it is stored.
    pub(in crate::http) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Technician => "technician",
            Self::Admin => "admin",
        }
    }

    /// What the role may do.
    pub(in crate::http) fn scopes(self) -> Scopes {
        match self {
            Self::Viewer => Scopes::of(&[Scope::CdrRead, Scope::CallsRead]),
            Self::Agent => Scopes::of(&[Scope::CdrRead, Scope::CallsRead, Scope::AgentsState]),
            Self::Technician => Scopes::of(&[
                Scope::CdrRead,
                Scope::CdrAck,
                Scope::CallsRead,
                Scope::CallsControl,
                Scope::AgentsWrite,
                Scope::ConfigWrite,
            ]),
            Self::Admin => Scopes::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_do_what_its_scopes_name_and_nothing_else() {
        let scopes = Scopes::parse("cdr:read calls:read of:tomorrow");
        assert!(scopes.allow(Scope::CdrRead) && scopes.allow(Scope::CallsRead));
        assert!(!scopes.allow(Scope::CallsControl) && !scopes.allow(Scope::Admin));
        assert!(!Scopes::parse("").allow(Scope::CdrRead));
        assert!(Scopes::parse("").is_empty() && Scopes::parse("").allow(Scope::Known));
        assert_eq!(scopes.names().collect::<Vec<_>>(), ["cdr:read", "calls:read"]);
    }

    #[test]
    fn admin_includes_everything() {
        for (scope, name) in NAMES {
            assert!(Scopes::parse("admin").allow(scope));
            assert!(Scopes::parse(name).allow(scope));
            assert_eq!(scope.to_string(), name);
        }
    }

    #[test]
    fn a_role_survives_its_text_and_an_unknown_one_only_looks() {
        for role in [Role::Viewer, Role::Agent, Role::Technician, Role::Admin] {
            assert_eq!(Role::parse(role.as_str()), role);
        }
        assert!(!Role::parse("emperor").scopes().allow(Scope::CallsControl));
    }
}
