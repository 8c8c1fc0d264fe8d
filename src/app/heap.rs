//! The one place with `unsafe`: asking the C library to give unused memory back to the system.
//!
//! After a rush of ten thousand calls glibc keeps some ten megabytes that nobody uses, for good. On a board with 512 MB
//! that others share it should go back; no safe interface asks for it.

/// Gives what is free back to the system. Takes a few milliseconds; done when nothing goes on.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "malloc_trim has no safe interface")]
pub(super) fn give_back() {
    // SAFETY: malloc_trim takes no pointer and may be called from any thread at any time (malloc_trim(3), MT-Safe).
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}
