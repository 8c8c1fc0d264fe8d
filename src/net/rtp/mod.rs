//! RTP threads.
