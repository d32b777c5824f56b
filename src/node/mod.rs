//! A peer's process: tasks, timers and wiring. What a person touches talks to it through [`Handle`]
//! (commands) and [`View`] (pictures) only.

pub mod config;
mod group_state;
mod handle;
mod library_files;
mod remote;
pub mod search;
pub mod share_task;
mod tracker_answers;
pub mod tracker_route;
pub mod tracker_task;
pub mod transfer;
pub mod transfer_task;
mod view;

pub use config::PeerConfig;
pub use group_state::{GroupState, MemberInfo};
pub use handle::{Command, CommandError, Handle, Reply};
pub use remote::{DownloadRequest, Remote, RemoteError};
pub use view::{Notice, View};
