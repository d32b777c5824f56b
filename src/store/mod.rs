//! The disk: the vote's state, the profile's lock, shared folders and partial files. It never sees the network.

mod below;
pub mod downloads;
mod fault;
pub mod folder;
mod library;
mod lock;
mod machine;
pub mod partial;
mod state;

pub use fault::{Disk, DiskFile, PowerLoss, RealDisk, Unsynced, VolatileDisk};
pub use library::{Library, LibraryError, OpenContentError, OpenShared, ShareState, Skipped, Totals};
pub use lock::{LockError, ProfileLock};
pub use machine::machine_id;
pub use state::{Loaded, StateError, StateRefusal, StateStore};
