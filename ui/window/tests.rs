//! The window by role and label, without a display.

use super::bridge::Peer;
use super::fixtures::FakePeer;
use cardume::node::{Command, CommandError, Reply, View};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

impl Peer for FakePeer {
    fn command(&self, command: Command) -> impl Future<Output = Result<Reply, CommandError>> + Send {
        std::future::ready(self.answer(command))
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.pictures()
    }
}
