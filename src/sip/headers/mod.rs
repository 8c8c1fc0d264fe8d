//! Headers as types, one file each. A message keeps spans; these read them when asked.

mod challenge;
mod contact;
mod content_type;
mod credentials;
mod cseq;
mod name_addr;
mod number;
mod reason;
mod token_list;
mod via;

pub use challenge::Challenge;
pub use contact::{Contact, Contacts};
pub use content_type::ContentType;
pub use credentials::Credentials;
pub use cseq::{CSeq, RAck};
pub use name_addr::NameAddr;
pub(crate) use number::{delta_seconds, retry_after, small};
pub use reason::Reason;
pub(crate) use token_list::tokens;
pub use via::Via;

pub(crate) use content_type::parse as content_type;
