//! What this peer shares, as the network asks for it: the library behind the two ways to read a content.

use crate::base::{ContentId, FileName, FolderPath, PeerId, PieceLayout};
use crate::engine::browse::{Ask, Listing};
use crate::engine::index::FileEntry;
use crate::engine::transfer::manifest::PieceHash;
use crate::net::handlers::transfer::{ContentError, SharedContents};
use crate::net::{ContentRefusal, ContentRoute, OpenContent};
use crate::store::{self, Library, LibraryError, OpenContentError, OpenShared};
use crate::wire::transfer::Hurried;
use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use tokio::sync::watch;

/// The manifests kept in memory are of the contents that were asked for last: at most so many ...
const MAX_MANIFESTS: usize = 16;
/// ... with so many pieces in all (8 MiB).
const MAX_PIECES: usize = 1 << 18;

type Manifest = (PieceLayout, Arc<Vec<PieceHash>>);

/// The shared files by content.
pub(super) struct Contents {
    library: Arc<Library>,
    /// The last one that was used is at the end. What a content's pieces are never changes, so that these
    /// need no care.
    manifests: watch::Sender<VecDeque<(ContentId, Manifest)>>,
}

impl Contents {
    /// The contents of a library.
    #[must_use]
    pub(super) fn new(library: Arc<Library>) -> Self {
        Self { library, manifests: watch::Sender::new(VecDeque::new()) }
    }

    /// The manifest of a content, from memory if it is there.
    fn remembered(&self, content: ContentId) -> Option<Manifest> {
        let known = self.manifests.borrow().iter().find(|(id, _)| *id == content).cloned();
        if let Some((_, manifest)) = known {
            return Some(manifest);
        }
        let (layout, pieces) = self.library.manifest(content)?;
        let manifest = (layout, Arc::new(pieces));
        // A content of one piece is its own manifest: nothing to be kept.
        if layout.count() > 1 && manifest.1.len() <= MAX_PIECES {
            self.manifests.send_modify(|kept| remember(kept, content, manifest.clone()));
        }
        Some(manifest)
    }
}

/// What came of a wish, for others.
pub(super) fn hurried(hurried: &Result<store::Hurried, LibraryError>) -> Hurried {
    let (state, content) = match hurried {
        Ok(store::Hurried::Next) => ("next", None),
        Ok(store::Hurried::Known(content)) => ("known", Some(content.to_string())),
        Ok(store::Hurried::Paused) => ("paused", None),
        // A stopped library shares nothing.
        Ok(store::Hurried::Unknown) | Err(_) => ("unknown", None),
    };
    Hurried { state: state.to_owned(), content }
}

fn remember(kept: &mut VecDeque<(ContentId, Manifest)>, content: ContentId, manifest: Manifest) {
    kept.retain(|(id, _)| *id != content);
    kept.push_back((content, manifest));
    let pieces =
        |kept: &VecDeque<(ContentId, Manifest)>| kept.iter().map(|(_, (_, p))| p.len()).sum::<usize>();
    while kept.len() > MAX_MANIFESTS || pieces(kept) > MAX_PIECES {
        kept.pop_front();
    }
}

impl SharedContents for Contents {
    fn manifest(&self, content: &ContentId) -> Result<Manifest, ContentError> {
        if !self.library.has(*content) {
            return Err(ContentError::Unknown);
        }
        self.remembered(*content).ok_or(ContentError::Unknown)
    }

    fn open(&self, content: &ContentId) -> Result<(File, u64), ContentError> {
        let OpenShared { file, size, .. } =
            self.library.open_content(*content).map_err(|error| match error {
                OpenContentError::Unknown | OpenContentError::Gone => ContentError::Unknown,
                OpenContentError::Changed => ContentError::Changed,
                OpenContentError::Io(error) => ContentError::Io(error),
            })?;
        Ok((file, size))
    }

    fn folder(&self, folder: &FolderPath, after: Option<u64>, limit: usize) -> Vec<FileEntry> {
        let files = self.library.in_folder(folder, after, limit);
        let unhashed = files.iter().filter(|file| file.content.is_none());
        let waited_for: Vec<u64> = unhashed.map(|file| file.key).collect();
        if !waited_for.is_empty() {
            self.library.prefer(waited_for);
        }
        files
    }

    fn hurry(&self, folder: &FolderPath, name: &FileName) -> Hurried {
        hurried(&self.library.hurry(folder, name))
    }

    fn browse(&self, folder: &FolderPath, ask: &Ask) -> Option<Listing> {
        self.library.browse(folder, ask)
    }
}

impl ContentRoute for Contents {
    fn open(&self, _: PeerId, content: ContentId) -> Result<OpenContent, ContentRefusal> {
        let opened = self.library.open_content(content).map_err(|error| match error {
            OpenContentError::Unknown => ContentRefusal::Unknown,
            OpenContentError::Gone => ContentRefusal::Gone,
            OpenContentError::Changed => ContentRefusal::Changed,
            OpenContentError::Io(error) => ContentRefusal::Unreadable(error.to_string()),
        })?;
        let OpenShared { file, size, name, key } = opened;
        // Without its pieces nothing of it could be checked.
        let pieces = self.remembered(content).ok_or(ContentRefusal::Unknown)?;
        Ok(OpenContent { file, size, name: name.to_string(), tag: key, pieces: Some(pieces) })
    }

    fn spoiled(&self, content: ContentId, tag: u64) {
        self.library.doubt(tag, content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_kept_within_their_limits() {
        let mut kept = VecDeque::new();
        let id = |number: u8| ContentId::from_bytes([number; 32]);
        let of = |pieces| (PieceLayout::of(1).expect("small"), Arc::new(vec![PieceHash([0; 32]); pieces]));
        for number in 0..40 {
            remember(&mut kept, id(number), of(2));
            remember(&mut kept, id(39), of(2));
        }
        let ids: Vec<_> = kept.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, (24..40).map(id).collect::<Vec<_>>());
        remember(&mut kept, id(50), of(MAX_PIECES - 3));
        let ids: Vec<_> = kept.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [id(39), id(50)]);
    }
}
