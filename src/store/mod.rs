//! The disk: the vote's state, the profile's lock, shared folders and partial files. It never sees the network.

mod below;
pub mod downloads;
mod fault;
pub mod folder;
mod inspect;
mod library;
mod lock;
mod machine;
pub mod niceness;
pub mod partial;
mod state;
mod verified;

pub use fault::{Disk, DiskFile, PowerLoss, RealDisk, Unsynced, VolatileDisk};
pub use inspect::inspect;
pub use library::{
    Hurried, IGNORE_FILE, Library, LibraryError, LibraryOptions, NeverShared, OpenContentError, OpenShared,
    Problem, ProblemKind, ShareState, SkipKind, Skipped, Totals, Watched,
};
pub use lock::{LockError, ProfileLock};
pub use machine::machine_id;
pub use state::{Loaded, StateError, StateRefusal, StateStore};
pub use verified::Verified;
