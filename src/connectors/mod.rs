//! The way to the systems beside the box. The first of them is a PBX whose call records are fetched.
//!
//! [`onepos`] speaks the PBX's language: an address with its parameters, a page of rows, one row as a call. [`sync`]
//! is the engine above it: sources, schedule, the loop over pages, and what people are told about it.

pub mod onepos;
pub mod sync;
