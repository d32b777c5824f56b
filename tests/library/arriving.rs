//! Files that were verified while they came.

use super::*;
use cardume::base::{FileName, PieceLayout};
use cardume::engine::transfer::manifest::{PieceHash, piece_hash, root_of};
use cardume::store::partial::PartialFile;
use cardume::store::{Totals, Verified};

/// A download of these bytes into the share, to be finished, and what is known of it.
fn download(place: &Place, bytes: &[u8]) -> (PartialFile, Verified, Vec<PieceHash>) {
    let layout = PieceLayout::of(bytes.len() as u64).unwrap();
    let part = |piece| {
        let range = layout.range(piece);
        &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    };
    let partial = PartialFile::create(&place.share(), content(bytes), layout).unwrap();
    let mut pieces = Vec::new();
    for piece in layout.pieces() {
        partial.write_piece(piece, part(piece)).unwrap();
        pieces.push(piece_hash(layout, piece, part(piece)).unwrap());
    }
    assert_eq!(root_of(layout, &pieces), Some(content(bytes)));
    let verified = partial.verified(Arc::new(pieces.clone())).unwrap();
    (partial, verified, pieces)
}

#[test]
fn what_was_verified_is_shared_at_once_and_not_read() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    // Nothing can be hashed.
    library.pause_hashing(true);
    let large: Vec<u8> = (0..700_000_u32).map(|number| (number % 251) as u8).collect();
    for (name, bytes) in [("large", large.as_slice()), ("small", b"small"), ("empty", b"")] {
        let (partial, verified, _) = download(&place, bytes);
        let path = partial.finish(&FileName::new(name).unwrap()).unwrap();
        library.arrived(&path, verified);
    }
    let all: [(&str, &[u8]); 3] = [("large", &large), ("small", b"small"), ("empty", b"")];
    wait_for_files(&library, &all);
    assert_eq!(library.totals(), Totals { files: 3, bytes: 700_005, hashing: 0 });
    let (_, _, pieces) = download(&place, &large);
    let known = library.manifest(content(&large)).unwrap();
    assert_eq!(known, (PieceLayout::of(700_000).unwrap(), pieces.clone()));
    assert_eq!(library.hashed_files(), 0);
    // All of it is durable.
    library.stop();
    drop(library);
    let again = place.open();
    again.pause_hashing(true);
    wait_for_files(&again, &all);
    assert_eq!(again.manifest(content(&large)).unwrap().1, pieces);
}

#[test]
fn what_was_changed_since_it_was_verified_is_hashed() {
    let place = Place::new();
    let library = place.open();
    library.share(&place.share()).unwrap();
    library.pause_hashing(true);
    let (partial, verified, _) = download(&place, b"what came");
    let path = partial.finish(&FileName::new("came").unwrap()).unwrap();
    write_old(&path, b"what else", 5);
    library.arrived(&path, verified.clone());
    // Another file in its place, and one that is not shared.
    let (partial, other, _) = download(&place, b"other");
    let moved = partial.finish(&FileName::new("moved").unwrap()).unwrap();
    std::fs::rename(&moved, place.home().join("away")).unwrap();
    write_old(&moved, b"OTHER", 5);
    library.arrived(&moved, other.clone());
    library.arrived(&place.home().join("away"), other);
    wait_for("the list", || library.totals().files == 2);
    assert!(["came", "moved"].iter().all(|name| entry(&library, name).unwrap().content.is_none()));
    library.pause_hashing(false);
    wait_for_files(&library, &[("came", b"what else"), ("moved", b"OTHER")]);
    library.stop();
    library.arrived(&path, verified);
}

#[test]
fn nothing_is_known_of_what_an_earlier_run_began_or_where_times_are_coarse() {
    let place = Place::new();
    let bytes = vec![7; 300_000];
    let (partial, _, pieces) = download(&place, &bytes);
    let part = std::fs::read_dir(place.share().join(".cardume")).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::File::options().write(true).open(part).unwrap();
    for (nanos, is_known) in [(10_000_000, false), (10_000_001, true)] {
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, nanos)).unwrap();
        assert_eq!(partial.verified(Arc::new(pieces.clone())).is_some(), is_known, "{nanos}");
    }
    drop(partial.begin_journal(&pieces).unwrap());
    drop(partial);
    let resumed = PartialFile::resume(&place.share(), content(&bytes)).unwrap().unwrap();
    assert!(resumed.partial.verified(Arc::new(pieces)).is_none());
}
