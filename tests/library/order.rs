//! What is hashed first.

use super::*;
use cardume::base::{FileName, FolderPath};
use cardume::store::Hurried;

fn hurry(library: &Library, folder: &str, name: &str) -> Hurried {
    library.hurry(&FolderPath::new(folder).unwrap(), &FileName::new(name).unwrap()).unwrap()
}

/// The names in the order in which their contents were told.
fn hashed_order(library: &Library, from: u64) -> Vec<String> {
    let mut names = Vec::new();
    for change in library.changes_since(from).unwrap() {
        match change {
            Change::Put(entry) if entry.content.is_some() => names.push(entry.name.to_string()),
            Change::Put(_) | Change::Remove(_) => {}
        }
    }
    names
}

#[test]
fn a_file_that_somebody_waits_for_overtakes_a_huge_one() {
    let place = Place::new();
    // Sparse: it takes seconds to hash and no room.
    let huge = std::fs::File::create(place.share().join("huge")).unwrap();
    huge.set_len(3 << 30).unwrap();
    huge.set_modified(SystemTime::now() - Duration::from_mins(1)).unwrap();
    let library = place.open();
    library.pause_hashing(true);
    library.share(&place.share()).unwrap();
    wait_for("the huge one is listed", || library.totals().hashing == 1);
    let from = library.position().seq;
    place.write("sub/small", b"wanted");
    wait_for("the small one is listed", || entry(&library, "small").is_some());
    assert_eq!(hurry(&library, "share/sub", "small"), Hurried::Next);
    library.pause_hashing(false);
    wait_for("both", || library.totals().hashing == 0);
    assert_eq!(hashed_order(&library, from), ["small", "huge"]);
    assert_eq!(hurry(&library, "share/sub", "small"), Hurried::Known(content(b"wanted")));
    assert_eq!(hurry(&library, "share", "small"), Hurried::Unknown);
    assert_eq!(hurry(&library, "other/sub", "small"), Hurried::Unknown);
    library.pause_hashing_of(&place.share()).unwrap();
    place.write("later", b"later");
    wait_for("the later one is listed", || entry(&library, "later").is_some());
    assert_eq!(hurry(&library, "share", "later"), Hurried::Paused);
}

#[test]
fn hard_links_are_read_once() {
    let place = Place::new();
    let bytes = vec![3; 300_000];
    let first = place.write("a", &bytes);
    for number in 0..20 {
        std::fs::hard_link(&first, place.share().join(format!("link {number}"))).unwrap();
    }
    let library = place.open();
    library.share(&place.share()).unwrap();
    wait_for("all hashed", || library.totals().files == 21 && library.totals().hashing == 0);
    assert_eq!(library.hashed_bytes(), 300_000);
    assert!(list(&library).iter().all(|file| file.2 == Some(content(&bytes))));
}

/// Two names of one file are listed, and it is being read under the first one.
fn two_names(place: &Place, bytes: &[u8]) -> (Arc<Library>, [String; 2]) {
    let first = place.write("a", bytes);
    std::fs::hard_link(first, place.share().join("b")).unwrap();
    let library = place.open();
    library.pause_hashing(true);
    library.share(&place.share()).unwrap();
    wait_for("both are listed", || library.totals().hashing == 2);
    // The thread opens the file, and goes no further. Where it takes longer, less is tested, and it holds all the same.
    std::thread::sleep(Duration::from_millis(300));
    let mut names = ["a", "b"].map(|name| (entry(&library, name).unwrap().key, name.to_owned()));
    names.sort();
    (library, names.map(|(_, name)| name))
}

#[test]
fn what_was_read_under_a_name_that_is_gone_is_known_under_the_others() {
    let place = Place::new();
    let bytes = vec![5; 300_000];
    let (library, [read, other]) = two_names(&place, &bytes);
    std::fs::remove_file(place.share().join(read)).unwrap();
    wait_for("one is left", || library.totals().files == 1);
    // The other one is looked at, and waits for what is being read.
    std::thread::sleep(Duration::from_millis(300));
    library.pause_hashing(false);
    wait_for_files(&library, &[(&other, &bytes)]);
    assert_eq!((library.hashed_files(), library.hashed_bytes()), (1, 300_000));
    assert_eq!(library.manifest(content(&bytes)).unwrap().1.len(), 3);
}

#[test]
fn what_is_read_while_its_folder_is_shared_anew_is_not_read_in_vain() {
    let place = Place::new();
    let bytes = vec![6; 300_000];
    let (library, _) = two_names(&place, &bytes);
    library.unshare(&place.share()).unwrap();
    library.share(&place.share()).unwrap();
    wait_for("both are listed again", || library.totals().hashing == 2);
    std::thread::sleep(Duration::from_millis(300));
    library.pause_hashing(false);
    wait_for_files(&library, &[("a", &bytes), ("b", &bytes)]);
    assert_eq!((library.hashed_files(), library.hashed_bytes()), (1, 300_000));
}
