//! Decisions only: election, index, folders, transfer plan, name registry. No clock, no randomness, no I/O, no
//! async; nothing here can fail for a reason outside of its arguments.

pub mod browse;
pub mod election;
pub mod index;
pub mod registry;
pub mod trace;
pub mod transfer;
pub mod upload;
