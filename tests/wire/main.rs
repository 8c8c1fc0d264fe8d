//! The running box against real peers: SIPp, baresip, linphone, Asterisk, Kamailio, sipsak,
//! sipvicious, and telephones that say exactly what a test wants.
//!
//! Everything is on 127.0.0.0/8; each test has a street of its own there, so that they run side by side. A test's
//! doc comment names the rows of the acceptance list it proves.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: the wire tests read the clock"
)]
#![expect(clippy::print_stderr, reason = "a test that fails shows what its peers said")]

#[allow(
    dead_code,
    reason = "load and figures share the harness; some of it is theirs alone"
)]
mod harness;
#[path = "../torture/malformed.rs"]
mod malformed;

mod bad_input;
mod bad_line;
mod certificates;
mod crash;
mod early;
mod encrypted;
mod evidence;
mod floods;
mod flows;
mod guessing;
mod handing_on;
mod keys;
mod linphone;
mod made_agents;
mod many;
mod media_ports;
mod menu;
mod message_lamp;
mod mixing;
mod naming;
mod outside;
mod pbx_partner;
mod picking_up;
mod power_return;
mod prompts;
mod proxy;
mod registering;
mod ring_all;
mod ringing_tone;
mod scanners;
mod secret_voice;
mod selftest;
mod settings;
mod slow_streams;
mod talking;
mod telling_time;
mod tls_flood;
mod tls_phones;
mod traces;
mod trunk;
mod voicemail;
mod web_phone;
mod wrong;
