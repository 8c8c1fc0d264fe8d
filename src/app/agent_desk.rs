//! Agents of the file and of the database, put together for the engine.

use super::settings::engine_settings;
use crate::config::{AgentFault, Config, LeftOut};
use crate::engine::Settings;
use crate::http::{
    AgentBook, AgentCard, AgentOrder, AgentRefusal, AgentSource, AgentTrouble, FormFault, PhoneWays,
};
use crate::model::{AgentId, KeptAgent, KeptDigest, Secret};
use crate::sip::Transport;
use crate::sip::digest::{Algorithm, Ha1};
use crate::store::{AgentChange, AgentShelf, AgentWritten, StoreError};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who knows every agent, and tells the engine when one is made, changed or removed.
pub struct AgentDesk {
    shelf: AgentShelf,
    sockets: Vec<(Transport, SocketAddr)>,
    /// Of the start: it stays until the next one.
    realm: String,
    state: Mutex<State>,
    /// Takes over new settings; called with the desk locked, so that they arrive in order.
    apply: Box<dyn Fn(Settings) + Send + Sync>,
}

struct State {
    /// What the file says.
    file: Config,
    /// What the database said last.
    kept: Vec<KeptAgent>,
}

impl AgentDesk {
    /// Opens the desk; nothing is applied yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(
        shelf: AgentShelf,
        config: &Config,
        sockets: &[(Transport, SocketAddr)],
        apply: impl Fn(Settings) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let kept = shelf.all()?;
        let realm = config.sip.realm.clone();
        for (id, reason) in config.with_kept(&kept, &realm).1 {
            tracing::warn!(agent = %id, "Agent {id} of the database is left out: {}.", words(&reason));
        }
        Ok(Self {
            shelf,
            sockets: sockets.to_vec(),
            realm,
            state: Mutex::new(State {
                file: config.clone(),
                kept,
            }),
            apply: Box::new(apply),
        })
    }

    /// What the engine has to know now.
    pub fn settings(&self) -> Settings {
        self.settings_of(&self.state())
    }

    /// Takes over a new file.
    pub fn adopt(&self, config: &Config) {
        let mut state = self.state();
        config.clone_into(&mut state.file);
        (self.apply)(self.settings_of(&state));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings_of(&self, state: &State) -> Settings {
        let (config, _) = state.file.with_kept(&state.kept, &self.realm);
        engine_settings(&config, &self.realm, &self.sockets)
    }

    /// The database has changed.
    fn refresh(&self, state: &mut State) -> Result<(), StoreError> {
        state.kept = self.shelf.all()?;
        (self.apply)(self.settings_of(state));
        Ok(())
    }

    fn digest(&self, user: &str, password: &Secret) -> KeptDigest {
        let ha1 = Ha1::new(user, &self.realm, password.expose());
        KeptDigest {
            user: user.into(),
            realm: self.realm.clone(),
            sha256: ha1.to_hex(Algorithm::Sha256),
            md5: ha1.to_hex(Algorithm::Md5),
        }
    }

    /// What is kept of the password from now on: of the new one, or of the one there is while it still holds.
    fn digest_after(&self, order: &AgentOrder, before: Option<&KeptAgent>) -> Option<KeptDigest> {
        let user = order.written.extension.as_ref()?;
        if !order.written.registers_here() {
            return None;
        }
        match &order.password {
            Some(password) => Some(self.digest(user.as_str(), password)),
            None => before
                .and_then(|before| before.digest.clone())
                .filter(|digest| digest.user == *user && digest.realm == self.realm),
        }
    }
}

impl AgentBook for AgentDesk {
    fn cards(&self) -> Result<Vec<AgentCard>, StoreError> {
        let state = self.state();
        let (_, left_out) = state.file.with_kept(&state.kept, &self.realm);
        let of_file = state.file.agents.iter().map(|agent| AgentCard {
            written: agent.written(),
            source: AgentSource::File,
            has_password: !agent.password.expose().is_empty(),
            trouble: None,
            version: 0,
            changed_at_unix_ms: None,
            changed_by: None,
        });
        let of_database = state.kept.iter().map(|kept| card(kept, &left_out));
        Ok(of_file.chain(of_database).collect())
    }

    fn write(&self, order: AgentOrder) -> Result<AgentCard, AgentRefusal> {
        let mut state = self.state();
        let id = order.written.id.clone();
        if state.file.agents.iter().any(|agent| agent.id == id) {
            return Err(if order.is_new {
                AgentRefusal::Taken
            } else {
                AgentRefusal::FromFile
            });
        }
        let before = state.kept.iter().find(|kept| kept.written.id == id);
        let version = before.map_or(0, |before| before.version);
        match (order.is_new, before) {
            (true, Some(_)) => return Err(AgentRefusal::Taken),
            (false, None) => return Err(AgentRefusal::NotFound),
            (true, None) | (false, Some(_)) => {}
        }
        if order.of_version.is_some_and(|wanted| wanted != version) {
            return Err(AgentRefusal::Overtaken);
        }
        let digest = self.digest_after(&order, before);
        let faults = state.file.faults_of_agent(
            &order.written,
            order.password.as_ref(),
            digest.is_some(),
            &state.kept,
        );
        if !faults.is_empty() {
            return Err(AgentRefusal::Faults(faults.into_iter().map(fault).collect()));
        }
        let change = AgentChange {
            written: order.written,
            digest,
            of_version: version,
            by: order.by,
        };
        match self.shelf.write(change)? {
            AgentWritten::Done(_) => {}
            AgentWritten::Overtaken => return Err(AgentRefusal::Overtaken),
            AgentWritten::Full => return Err(AgentRefusal::Full(AgentShelf::MOST)),
        }
        self.refresh(&mut state)?;
        let (_, left_out) = state.file.with_kept(&state.kept, &self.realm);
        let written = state.kept.iter().find(|kept| kept.written.id == id);
        written
            .map(|kept| card(kept, &left_out))
            .ok_or(AgentRefusal::NotFound)
    }

    fn remove(&self, id: &AgentId) -> Result<(), AgentRefusal> {
        let mut state = self.state();
        // One that the file has taken over may still be removed from the database, where nobody sees it any more.
        if self.shelf.remove(id)? {
            return Ok(self.refresh(&mut state)?);
        }
        if state.file.agents.iter().any(|agent| agent.id == *id) {
            return Err(AgentRefusal::FromFile);
        }
        Err(AgentRefusal::NotFound)
    }

    fn ways(&self) -> PhoneWays {
        let digests = self.state().file.sip.digests.clone();
        PhoneWays {
            realm: self.realm.clone(),
            digests: digests.into_iter().map(Algorithm::as_str).collect(),
            sockets: self
                .sockets
                .iter()
                .map(|(transport, address)| (transport.as_str(), *address))
                .collect(),
        }
    }
}

fn card(kept: &KeptAgent, left_out: &[(AgentId, LeftOut)]) -> AgentCard {
    let reason = left_out.iter().find(|(id, _)| *id == kept.written.id);
    AgentCard {
        written: kept.written.clone(),
        source: AgentSource::Database,
        has_password: kept.digest.is_some(),
        trouble: reason.map(|(_, reason)| match reason {
            LeftOut::InFile => AgentTrouble::InFile,
            LeftOut::ExtensionTaken(other) => AgentTrouble::ExtensionTaken(other.clone()),
            LeftOut::NoTrunk => AgentTrouble::NoTrunk,
            LeftOut::NoPassword => AgentTrouble::NoPassword,
        }),
        version: kept.version,
        changed_at_unix_ms: Some(kept.changed_at_unix_ms),
        changed_by: Some(kept.changed_by.clone()),
    }
}

fn fault(AgentFault { key, problem, cure }: AgentFault) -> FormFault {
    FormFault { key, problem, cure }
}

fn words(reason: &LeftOut) -> String {
    match reason {
        LeftOut::InFile => {
            "the configuration file names one of this id too; rename one of the two".to_owned()
        }
        LeftOut::ExtensionTaken(other) => {
            format!("its extension is that of {other}; give one of the two another")
        }
        LeftOut::NoTrunk => "its trunk is not in the configuration file any more".to_owned(),
        LeftOut::NoPassword => "its password was made for another [sip] realm; make a new one".to_owned(),
    }
}
