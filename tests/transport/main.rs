//! What a listener does with inputs that nobody should send: each gets a clear outcome, and after each a
//! member is still served.

mod content;
mod handshake;
mod http;
mod jsonrpc;
mod liar;
mod support;
mod websocket;
