//! Values: identities, epochs, contents, names, geometry and units. Nothing here does I/O or can fail
//! for a reason outside of its arguments. What is absent on purpose: serde, clocks, randomness.

mod content;
mod epoch;
mod folder;
mod kind;
mod link;
mod name;
mod natural;
mod peer;
mod piece;
mod units;

pub use content::{ContentId, FileName, FileNameError};
pub use epoch::Epoch;
pub use folder::{FolderPath, FolderPathError};
pub use kind::FileKind;
pub use link::{ContentLink, ContentLinkError, bare_hash};
pub use name::{PeerName, TRACKER_NAME_PREFIX, tracker_epoch, tracker_name};
#[cfg(test)]
pub(crate) use natural::natural_parts;
pub use natural::{Natural, natural_beginning, natural_order};
pub use peer::{FoundingId, MachineId, ParseIdError, PeerId, PeerUri, PeerUriError};
pub use piece::{PieceIndex, PieceLayout, PieceLayoutError};
pub use units::{ByteRate, bytes_text};
