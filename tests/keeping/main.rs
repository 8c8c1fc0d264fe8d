//! Copies of recordings go to real servers: S3 as moto plays it, Azure as azurite, WebDAV by Apache. The servers for Google that
//! PyPI has do not speak its XML interface, which is that of S3 in all that is asked of it: moto stands in, without Google's own
//! headers and tokens. Between the box and them stands a line that is cut, refuses or changes what passes when a test says so. A
//! test's doc comment names the rows of the acceptance list it proves.
#![expect(
    clippy::unwrap_used,
    reason = "a server that does not start should stop the test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: these tests read the clock"
)]

mod faults;
mod house;
mod line;
mod places;
mod servers;
