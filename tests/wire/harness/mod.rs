//! What the wire tests are made of: the running box, the real peers around it, and rulers for sound and records.
//!
//! A test claims a [`Street`] (addresses of its own), furnishes a [`Household`] (configuration, flows, prompts),
//! opens an [`Appliance`] on it and lets peers call: SIPp scripts, baresip and linphone, an Asterisk, a Kamailio, or a [`Phone`] that
//! says exactly the bytes the test wants said. Every program is started here and ended here, by its own id.

pub(crate) mod appliance;
pub(crate) mod asterisk;
pub(crate) mod baresip;
pub(crate) mod counted;
pub(crate) mod desk_phone;
pub(crate) mod digest;
pub(crate) mod household;
pub(crate) mod http;
pub(crate) mod kamailio;
pub(crate) mod linphone;
pub(crate) mod peer;
pub(crate) mod record;
pub(crate) mod returning;
pub(crate) mod rtp;
pub(crate) mod setup;
pub(crate) mod sip;
pub(crate) mod sipp;
pub(crate) mod street;
pub(crate) mod tone;
pub(crate) mod waiting;
pub(crate) mod wav;

pub(crate) use appliance::Appliance;
pub(crate) use asterisk::Asterisk;
pub(crate) use baresip::Baresip;
pub(crate) use desk_phone::DeskPhone;
pub(crate) use household::Household;
pub(crate) use kamailio::Kamailio;
pub(crate) use linphone::Linphone;
pub(crate) use rtp::Voice;
pub(crate) use sip::{Message, Phone};
pub(crate) use sipp::Sipp;
pub(crate) use street::Street;
pub(crate) use waiting::{PATIENCE, eventually};
