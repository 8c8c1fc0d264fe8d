//! The API and the pages, in process: a real router, a real store, an engine that plays along.

mod cdrs;
mod doors;
mod live;
mod login;
mod pages;
mod recordings;
mod sockets;
mod world;
