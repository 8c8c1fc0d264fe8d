//! Sizes a peer may not exceed, and what an offender is told.
//!
//! A phone's INVITE has 1–2 kB and some twenty header lines; these limits leave room for every proxy and
//! every extension that exists, and keep one hostile message from costing more than a few microseconds.

/// Largest message, start line to last byte of the body. Beyond: 513 (RFC 3261 §21.5.7).
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// Longest single header line with its folded continuations, and longest start line. Beyond: 400.
pub const HEADER_BYTES: usize = 8 * 1024;

/// Most header lines. Beyond: 400.
pub const HEADERS: usize = 128;

/// Most hops. A message cannot sensibly pass more: `Max-Forwards` starts at 70 (RFC 3261 §8.1.1.6). Beyond: 483.
pub const VIAS: usize = 70;

/// Most contacts an address of record may have.
pub const CONTACTS: usize = 10;

/// Most proxies between a phone and us.
pub const PATH: usize = 8;
