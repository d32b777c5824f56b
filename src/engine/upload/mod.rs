//! Sending: who may be sent to next, and how fast. Decisions only: bytes, clocks and connections are the
//! caller's.

pub mod bucket;
pub mod leases;
pub mod turns;
