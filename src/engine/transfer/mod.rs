//! Transfers: what a manifest proves and which piece is asked of whom. Decisions only: bytes, clocks and
//! connections are the caller's.

mod bar;
pub mod have;
pub mod manifest;
pub mod plan;
pub mod reason;
pub mod source;

pub use bar::BarPart;
