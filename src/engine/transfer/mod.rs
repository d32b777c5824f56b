//! Transfers: what a manifest proves and which piece is asked of whom.

pub mod manifest;
