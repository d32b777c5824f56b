//! A manifest that is proven: its pieces merge to the content, and its last piece came from the same
//! source and has the hash that it says.
//!
//! The chaining values alone do not prove the length: a manifest that claims another length can have the
//! same ones. The last piece does (its bytes end where the content ends). It is taken from the source of
//! the manifest, so that a wrong length is never blamed on somebody else.

use super::limits::{MAX_PIECES, SILENCE};
use super::memory::Held;
use super::network::{Connection, Network, SourceAddress, Way};
use super::throttle::Throttle;
use super::worker::{Intake, fill, within};
use crate::base::{ContentId, PieceLayout};
use crate::engine::transfer::manifest::{PieceHash, piece_hash, root_of};
use crate::engine::transfer::source::Fault;
use crate::wire::convert::{MAX_PAGE_PIECES, ManifestPage};
use hyper::body::Bytes;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What a source proved.
pub(super) struct Proof {
    /// The layout.
    pub(super) layout: PieceLayout,
    /// Every piece's hash.
    pub(super) pieces: Arc<Vec<PieceHash>>,
    /// The last piece, verified.
    pub(super) last: Vec<u8>,
}

/// Asks a source for the manifest and the last piece, and checks them. Gives the connection too,
/// to be used again (none was needed for an empty content). Cancel-safe: nothing is kept.
pub(super) async fn prove(
    network: Arc<dyn Network>,
    source: SourceAddress,
    content: ContentId,
    way: Way,
    throttle: Arc<Throttle>,
) -> Result<(Proof, Option<Box<dyn Connection>>), Fault> {
    let (layout, pieces) = manifest(&*network, &source, content).await?;
    let range = layout.range(layout.last());
    let mut last = Vec::new();
    let mut connection = None;
    if !range.is_empty() {
        let mut opened = within(SILENCE, network.connect(&source, content, way)).await?;
        let length = usize::try_from(range.end - range.start).map_err(|_| Fault::BadManifest)?;
        within(SILENCE, opened.begin(range)).await?;
        let mut rest = Bytes::new();
        let intake = Intake { received: &AtomicU64::new(0), throttle: &throttle };
        last.reserve_exact(length);
        fill(&mut *opened, &mut rest, length, intake, &mut Held::unbounded(), &mut last).await?;
        super::worker::end(&mut *opened, &rest).await?;
        connection = Some(opened);
    }
    let checked = tokio::task::spawn_blocking(move || {
        let honest = pieces.last().copied() == piece_hash(layout, layout.last(), &last);
        honest.then_some((pieces, last)).ok_or(Fault::BadPiece)
    });
    let (pieces, last) = checked.await.map_err(|_| Fault::Busy)??;
    Ok((Proof { layout, pieces: Arc::new(pieces), last }, connection))
}

/// All pages of the manifest, merged to the content.
async fn manifest(
    network: &dyn Network,
    source: &SourceAddress,
    content: ContentId,
) -> Result<(PieceLayout, Vec<PieceHash>), Fault> {
    let first = within(SILENCE, network.manifest(source, content, 0)).await?;
    let layout = first.layout;
    // Everybody cuts a content in the same way, so that pieces of different sources fit together.
    if PieceLayout::of(layout.size()) != Ok(layout) || layout.count() > MAX_PIECES {
        return Err(Fault::BadManifest);
    }
    let mut pieces = Vec::new();
    append(&mut pieces, &first, content, layout)?;
    while let Ok(next) = u32::try_from(pieces.len())
        && next < layout.count()
    {
        let page = within(SILENCE, network.manifest(source, content, next)).await?;
        append(&mut pieces, &page, content, layout)?;
    }
    let merged = tokio::task::spawn_blocking(move || (root_of(layout, &pieces), pieces));
    let (root, pieces) = merged.await.map_err(|_| Fault::Busy)?;
    if root != Some(content) {
        return Err(Fault::BadManifest);
    }
    Ok((layout, pieces))
}

/// A page is whole: as many pieces as fit, or all that are left. (With one piece a page, a liar could keep
/// a download busy for days.)
fn append(
    pieces: &mut Vec<PieceHash>,
    page: &ManifestPage,
    content: ContentId,
    layout: PieceLayout,
) -> Result<(), Fault> {
    let left = layout.count() as usize - pieces.len();
    let fits = page.content == content
        && page.layout == layout
        && page.first.number() as usize == pieces.len()
        && page.pieces.len() == left.min(MAX_PAGE_PIECES);
    if !fits {
        return Err(Fault::BadManifest);
    }
    pieces.extend_from_slice(&page.pieces);
    Ok(())
}
