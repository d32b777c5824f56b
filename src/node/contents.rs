//! What this peer shares, as the network asks for it: the library behind the two ways to read a content.

use crate::base::{ContentId, FolderPath, PeerId, PieceLayout};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use crate::net::handlers::transfer::{ContentError, SharedContents};
use crate::net::{ContentRefusal, ContentRoute, OpenContent};
use crate::store::{Library, OpenContentError, OpenShared};
use std::fs::File;
use std::sync::Arc;

/// The shared files by content.
pub(super) struct Contents {
    library: Arc<Library>,
}

impl Contents {
    /// The contents of a library.
    #[must_use]
    pub(super) fn new(library: Arc<Library>) -> Self {
        Self { library }
    }
}

impl SharedContents for Contents {
    fn manifest(&self, content: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
        let (layout, pieces) = self.library.manifest(*content).ok_or(ContentError::Unknown)?;
        Ok((layout, Arc::new(pieces)))
    }

    fn open(&self, content: &ContentId) -> Result<(File, u64), ContentError> {
        let OpenShared { file, size, .. } =
            self.library.open_content(*content).map_err(|error| match error {
                OpenContentError::Unknown => ContentError::Unknown,
                OpenContentError::Changed => ContentError::Changed,
                OpenContentError::Io(error) => ContentError::Io(error),
            })?;
        Ok((file, size))
    }

    fn folder(&self, folder: &FolderPath, after: Option<u64>, limit: usize) -> Vec<FileEntry> {
        self.library.in_folder(folder, after, limit)
    }
}

impl ContentRoute for Contents {
    fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
        let opened = self.library.open_content(content).map_err(|error| match error {
            OpenContentError::Unknown => ContentRefusal::Unknown,
            OpenContentError::Changed => ContentRefusal::Changed,
            OpenContentError::Io(error) => ContentRefusal::Unreadable(error.to_string()),
        })?;
        Ok(OpenContent { file: opened.file, size: opened.size })
    }

    fn served(&self, caller: PeerId, content: ContentId, bytes: u64) {
        tracing::trace!(%caller, content = %content.short(), bytes, "sent");
    }
}
