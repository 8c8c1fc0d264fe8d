//! Places that copies of recordings go to: `[[storage]]`.
//!
//! A [`Target`](target::Target) knows one kind of place: S3, Google and Azure by `object_store`, WebDAV and a local
//! directory by files of our own, all through the one careful way out. A copy is sent at a bounded pace, a large one in
//! parts that need not be sent again, and counts only when what lies there was found to be the same.

mod config;
mod copy;
mod distant;
mod feeder;
mod file;
mod local;
mod pace;
mod target;
mod template;
mod view;
mod webdav;

#[cfg(feature = "objects")]
mod careful;
#[cfg(feature = "objects")]
mod cloud;
#[cfg(not(feature = "objects"))]
#[path = "left_out.rs"]
mod cloud;

use config::Kind;
pub use config::{Kind as StorageKind, Storage};
pub use distant::DistantCopy;
pub(super) use feeder::{Feeder, Pauses};
pub(super) use target::Target;
pub use view::{StorageView, Tested};
