//! A peer's process: tasks, timers and wiring. What a person touches talks to it through [`Handle`]
//! (commands) and [`View`] (pictures) only.

mod address_book;
mod because;
mod benefit_task;
mod browse;
mod check;
mod check_text;
mod clock;
mod command_task;
pub mod config;
mod contents;
mod control_handlers;
mod drill;
mod election_calls;
mod election_handlers;
mod election_task;
mod events;
mod faults;
mod finder;
mod group_handlers;
mod group_state;
mod handle;
mod lateness;
mod library_commands;
mod library_files;
mod membership_task;
mod naming;
mod opening;
mod remote;
mod rhythm;
pub mod search;
mod settings_commands;
pub mod share_task;
mod speed;
mod start;
mod state_writer;
mod stop;
mod timing;
mod trace;
mod trace_task;
mod tracker_answers;
pub mod tracker_route;
pub mod tracker_task;
pub mod transfer;
pub mod transfer_task;
mod upload_task;
mod view;
mod view_library;
mod view_task;
mod watch_task;

/// What a folder of a peer is looked into with.
pub use crate::engine::browse::{Ask as BrowseAsk, Below, Entry, FileState, Listing, Place};
/// What a search is made of, for those who ask.
pub use crate::engine::index::{Direction, Operator, Page, Query, QueryError, Sort, SortKey, fold};
pub use crate::store::inspect;
pub use because::{Because, Why};
pub use check_text::{FINDINGS, millis_text};
pub use config::PeerConfig;
pub use group_state::{GroupState, MemberInfo};
pub use handle::{Command, CommandError, Handle, Reply};
pub use opening::StartError;
pub use remote::{DownloadRequest, Remote, RemoteError, identity};
pub use start::start;
pub use transfer_task::Change as TransferChange;
pub use view::{Notice, View};
pub use watch_task::{TraceChunk, TraceFeed};
