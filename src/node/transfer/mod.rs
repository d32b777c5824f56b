//! Downloads: [`super::transfer_task`] keeps the list; each download is a task of its own here, which owns
//! its plan and its partial file.
//!
//! **Nothing is written that was not verified, and nothing gets its name before all of it was written.**
//! Who sends bytes is seen only through [`network::Network`], so that the same code runs against liars in
//! memory. Memory is bounded whatever the size: pieces wait for room in [`limits::PIECE_MEMORY_BYTES`].

mod checkpoint;
mod kept;
mod lanes;
pub mod limits;
pub mod link;
mod local;
mod memory;
pub mod network;

pub(super) mod download;
mod fetch;
mod files;
pub(super) mod folder;
pub(super) mod keeper;
pub(super) mod list;
mod listing;
mod opening;
mod peers;
pub(super) mod progress;
mod proof;
mod search;
mod small;
pub(super) mod throttle;
pub(super) mod worker;

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test contents are small")]
mod tests;
