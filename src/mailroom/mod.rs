//! What happens to a message after it was left: it is written down by whoever the site has for that, sent by e-mail,
//! and thrown away when it is old.
//!
//! [`Clerk`] runs the errands that the store keeps, one at a time and again until each is done or given up. Nothing here
//! ever touches a call: the message is in its box, and the lamp is lit, before the clerk hears of it.

mod clerk;
mod config;
#[cfg(feature = "mail")]
mod letter;
#[cfg(feature = "mail")]
mod smtp;
mod sweep;
mod transcribe;
#[cfg(feature = "mail")]
mod words;

pub use clerk::{BoxOwner, Clerk, ErrandNews, ErrandWatch, Means, Orders, Pace, ReadFile, RemoveFile};
pub use config::{MailConfig, Security, TranscriptionConfig, is_address};
