//! (to be written)

pub mod partial;
