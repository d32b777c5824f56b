//! What the network asks of a peer: one handler per namespace that the general port serves.

pub mod index;
pub mod transfer;
