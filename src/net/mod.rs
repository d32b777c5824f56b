//! (to be written)

pub mod handlers;
mod index_calls;

pub use index_calls::{CALL_TIMEOUT, CallError, ClientSource, IndexCalls, RemoteIndex};
