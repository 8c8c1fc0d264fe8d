//! Who asks, and what they may do: tokens of programs, sessions of people, and the claim of a new box.

mod allowance;
mod attempts;
mod claim;
mod desk;
mod password;
pub(super) mod phone_password;
mod scope;
mod sessions;
mod token;
mod visitor;

pub(super) use allowance::Allowance;
pub(super) use attempts::Attempts;
pub use claim::{ClaimCode, offer_claim};
pub(super) use desk::{MAX_NAME, check_name};
pub use desk::{PeopleDesk, PeopleError, PersonView, TokenKey, TokenView, TokenWish};
pub(super) use password::{Hash, PasswordMistake, check_choice};
pub(super) use scope::{Role, Scope, Scopes, scope_names};
pub(super) use sessions::{
    IDLE, SESSION_COOKIE, Session, SessionView, Sessions, cookie, new_secret, no_cookie,
};
pub(super) use token::Digest;
pub(super) use visitor::{Visitor, same_origin, session_cookie};
