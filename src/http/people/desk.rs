//! What may be asked about people and tokens, and the rules for it: the same for the API, the page and the command line.
//! The methods wait for the disk, and for the hashing of a password.

use super::claim::ALPHABET;
use super::password::{Hash, PasswordMistake, check_choice};
use super::{Digest, Role, Scopes, new_secret};
use crate::model::Stamp;
use crate::store::{
    Accounts, AuditDid, AuditNote, AuditWay, NewToken, PersonChange, StoreError, Token, User,
};
use serde::Serialize;

/// Longest name of a person or a token, in characters.
pub(in crate::http) const MAX_NAME: usize = 64;
/// What stands before each token, so that one that was lost can be recognised for what it is.
const TOKEN_MARK: &str = "callpost_";
/// Random characters of a password that is made here: 80 bits.
const MADE_PASSWORD: usize = 16;

/// Looks after people and tokens.
pub struct PeopleDesk<'a> {
    accounts: &'a Accounts,
    /// Fills with chance that nobody can guess.
    random: &'a dyn Fn(&mut [u8]),
}

/// Why something was not done, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Empty, too long, or with control characters.
    #[error("a name has 1 to 64 characters")]
    BadName,
    /// Fewer than ten characters.
    #[error("a password has 10 characters or more")]
    PasswordShort,
    /// More than 256 bytes.
    #[error("a password has at most 256 bytes")]
    PasswordLong,
    /// None of ours.
    #[error("the role is one of viewer, agent, technician, admin")]
    UnknownRole,
    /// Somebody else has it.
    #[error("there is somebody of this name already; choose another name")]
    NameTaken,
    /// Nobody has it.
    #[error("there is nobody of this name")]
    NoSuchPerson,
    /// Nobody could look after people and tokens then.
    #[error("somebody has to be an administrator; make another one first")]
    LastAdmin,
    /// None of ours.
    #[error(
        "there is no scope `{0}`; scopes are cdr:read, cdr:ack, calls:read, calls:control, agents:state, \
         agents:write, config:write and admin"
    )]
    UnknownScope(String),
    /// A token that may do nothing.
    #[error("a token needs at least one scope")]
    NoScope,
    /// It would never hold.
    #[error("the token would end in the past")]
    EndsInThePast,
    /// None has this id.
    #[error("there is no token with this id")]
    NoSuchToken,
    /// The box cannot hash now.
    #[error("there is no memory to hash a password with; try again")]
    NoMemory,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person as lists show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonView {
    /// The log-in name.
    pub name: String,
    /// `viewer`, `agent`, `technician` or `admin`.
    pub role: &'static str,
    /// What the role may do.
    pub scopes: Vec<&'static str>,
    /// When the account was made.
    pub created_at: Stamp,
    /// When the person last logged in; `null` before the first time and for logins before this was noted.
    pub last_login_at: Option<Stamp>,
}

/// A token as lists show it; the token itself is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// Identity, for revoking it; not secret.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// `valid`, `expired` or `revoked`.
    pub state: &'static str,
    /// When it was made.
    pub created_at: Stamp,
    /// Who made it, where that is known.
    pub created_by: Option<String>,
    /// When it ends; `null` lasts until revoked.
    pub expires_at: Option<Stamp>,
    /// When it was revoked.
    pub revoked_at: Option<Stamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Stamp>,
}

/// A token somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWish {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it ends, in ms since 1970.
    pub expires_ms: Option<i64>,
    /// Who makes it.
    pub by: String,
}

impl<'a> PeopleDesk<'a> {
    /// A desk over these accounts; `random` fills with chance that nobody can guess.
    pub fn new(accounts: &'a Accounts, random: &'a dyn Fn(&mut [u8])) -> Self {
        Self { accounts, random }
    }

    /// Makes an account. Without a password one is made and comes back.
    ///
    /// # Errors
    /// [`PeopleError`] says what is wrong with the wish.
    pub fn add_person(
        &self,
        name: &str,
        role: &str,
        password: Option<&str>,
    ) -> Result<Option<String>, PeopleError> {
        let name = check_name(name)?;
        let role = Role::named(role).ok_or(PeopleError::UnknownRole)?;
        let (hash, made) = self.hash(password)?;
        if self.accounts.create_user(&name, &hash, role.as_str())? {
            Ok(made)
        } else {
            Err(PeopleError::NameTaken)
        }
    }

    /// Gives somebody another password, which ends their sessions but for `kept_session` (the SHA-256 of its cookie).
    /// Without a password one is made and comes back.
    ///
    /// # Errors
    /// [`PeopleError`] says what is wrong with the wish.
    pub fn set_password(
        &self,
        name: &str,
        password: Option<&str>,
        kept_session: Option<&str>,
    ) -> Result<Option<String>, PeopleError> {
        let (hash, made) = self.hash(password)?;
        if self.accounts.set_password(name, &hash, kept_session)? {
            Ok(made)
        } else {
            Err(PeopleError::NoSuchPerson)
        }
    }

    /// Gives somebody another role.
    ///
    /// # Errors
    /// [`PeopleError::LastAdmin`] when nobody would be an administrator then; otherwise what is wrong with the wish.
    pub fn set_role(&self, name: &str, role: &str) -> Result<(), PeopleError> {
        let role = Role::named(role).ok_or(PeopleError::UnknownRole)?;
        let needed = Role::Admin.as_str();
        done(self.accounts.set_role(name, role.as_str(), needed)?)
    }

    /// Removes an account with its sessions.
    ///
    /// # Errors
    /// [`PeopleError::LastAdmin`] when nobody would be an administrator then, [`PeopleError::NoSuchPerson`].
    pub fn remove_person(&self, name: &str) -> Result<(), PeopleError> {
        done(self.accounts.dismiss(name, Role::Admin.as_str())?)
    }

    /// Makes a token; the text that programs show comes back, and is kept nowhere.
    ///
    /// # Errors
    /// [`PeopleError`] says what is wrong with the wish.
    pub fn make_token(&self, now_ms: i64, wish: &TokenWish) -> Result<(TokenKey, String), PeopleError> {
        let name = check_name(&wish.name)?;
        let mut scopes = Scopes::default();
        for word in &wish.scopes {
            let scope = Scopes::named(word).ok_or_else(|| PeopleError::UnknownScope(word.clone()))?;
            scopes = scopes.and(scope);
        }
        if scopes.is_empty() {
            return Err(PeopleError::NoScope);
        }
        if wish.expires_ms.is_some_and(|end| end <= now_ms) {
            return Err(PeopleError::EndsInThePast);
        }
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        (self.random)(&mut id);
        (self.random)(&mut secret);
        let key = TokenKey(crockford(&id));
        let text = format!("{TOKEN_MARK}{}", new_secret(secret));
        let token = NewToken {
            id: key.0.clone(),
            name,
            hash: Digest::of(&text).to_hex(),
            scopes: scopes.names().collect::<Vec<_>>().join(" "),
            expires_ms: wish.expires_ms,
            made_by: Some(wish.by.clone()),
        };
        if self.accounts.create_token(token)? {
            Ok((key, text))
        } else {
            Err(StoreError::NotWritten("a random identity came twice".to_owned()).into())
        }
    }

    /// Revokes a token; the next request with it is refused.
    ///
    /// # Errors
    /// [`PeopleError::NoSuchToken`].
    pub fn revoke_token(&self, id: &str) -> Result<(), PeopleError> {
        if self.accounts.revoke_token(id)? {
            Ok(())
        } else {
            Err(PeopleError::NoSuchToken)
        }
    }

    /// Writes down what somebody on the command line has done.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note_command(&self, at: Stamp, by: &str, what: &str) -> Result<(), PeopleError> {
        let note = AuditNote {
            at,
            by: by.to_owned(),
            way: AuditWay::Command,
            from: None,
            did: AuditDid::Changed,
            what: what.to_owned(),
        };
        Ok(self.accounts.note_deed(note)?)
    }

    /// The PHC string of a password, and the password itself when it was made here.
    fn hash(&self, password: Option<&str>) -> Result<(String, Option<String>), PeopleError> {
        let made = password.is_none().then(|| self.make_password());
        let chosen = password.or(made.as_deref()).unwrap_or_default();
        check_choice(chosen)?;
        let mut salt = [0; 16];
        (self.random)(&mut salt);
        let hash = Hash::of(chosen, salt).ok_or(PeopleError::NoMemory)?;
        Ok((hash.into_phc(), made))
    }

    /// In groups of four of an alphabet without letters to be misread.
    fn make_password(&self) -> String {
        let mut random = [0; MADE_PASSWORD];
        (self.random)(&mut random);
        let characters = crockford(&random);
        let groups: Vec<&str> = (0..MADE_PASSWORD)
            .step_by(4)
            .filter_map(|place| characters.get(place..place + 4))
            .collect();
        groups.join("-")
    }
}

/// Identity of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey(pub String);

impl PersonView {
    /// The person as lists show them; `stamp` shows a time in ms since 1970 by the site's clock.
    pub fn of(user: &User, stamp: &dyn Fn(i64) -> Stamp) -> Self {
        let role = Role::parse(&user.role);
        Self {
            name: user.name.clone(),
            role: role.as_str(),
            scopes: role.scopes().names().collect(),
            created_at: stamp(user.created_ms),
            last_login_at: user.seen_ms.map(stamp),
        }
    }
}

impl TokenView {
    /// The token as lists show it.
    pub fn of(token: &Token, now_ms: i64, stamp: &dyn Fn(i64) -> Stamp) -> Self {
        let state = match (token.revoked_ms, token.expires_ms) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now_ms => "expired",
            (None, _) => "valid",
        };
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            scopes: Scopes::parse(&token.scopes).names().collect(),
            state,
            created_at: stamp(token.created_ms),
            created_by: token.made_by.clone(),
            expires_at: token.expires_ms.map(stamp),
            revoked_at: token.revoked_ms.map(stamp),
            last_used_at: token.last_used_ms.map(stamp),
        }
    }
}

/// Names are kept without the blanks around them.
pub(in crate::http) fn check_name(name: &str) -> Result<String, PeopleError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(PeopleError::BadName);
    }
    Ok(name.to_owned())
}

fn done(change: PersonChange) -> Result<(), PeopleError> {
    match change {
        PersonChange::Done => Ok(()),
        PersonChange::Unknown => Err(PeopleError::NoSuchPerson),
        PersonChange::LastOfRole => Err(PeopleError::LastAdmin),
    }
}

fn crockford(random: &[u8]) -> String {
    let character = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
    random.iter().map(character).collect()
}

impl From<PasswordMistake> for PeopleError {
    fn from(mistake: PasswordMistake) -> Self {
        match mistake {
            PasswordMistake::TooShort => Self::PasswordShort,
            PasswordMistake::TooLong => Self::PasswordLong,
        }
    }
}
