//! (to be written)

pub mod handlers;
