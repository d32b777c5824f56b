//! Cardume shares folders between the people around you, without a server.
//!
//! Layers, imports only downward (see ARCHITECTURE.md): [`node`] and [`names`] wire tasks and timers;
//! [`net`] and [`store`] adapt sockets and disk and never see each other; [`wire`] is the JSON-RPC
//! contract; [`engine`] decides and knows no clock, no randomness and no I/O; [`base`] holds values.

pub mod base;
pub mod engine;
pub mod names;
pub mod net;
pub mod node;
pub mod store;
pub mod wire;
