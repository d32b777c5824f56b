//! Transfers: what a manifest proves and which piece is asked of whom. Decisions only: bytes, clocks and
//! connections are the caller's.

pub mod have;
pub mod manifest;
pub mod plan;
pub mod source;
