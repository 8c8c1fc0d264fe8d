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
mod crash;
mod encrypted;
mod evidence;
mod floods;
mod flows;
mod guessing;
mod handing_on;
mod keys;
mod linphone;
mod many;
mod media_ports;
mod menu;
mod mixing;
mod naming;
mod outside;
mod proxy;
mod registering;
mod ring_all;
mod scanners;
mod secret_voice;
mod slow_streams;
mod talking;
mod tls_phones;
mod trunk;
mod voicemail;
mod web_phone;
mod wrong;
