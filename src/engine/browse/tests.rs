//! The tree against a slow reference: a plain list of files that is filtered and sorted for each page.

use super::*;
use proptest::prelude::*;
use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    folder: FolderPath,
    name: FileName,
    key: u64,
    state: FileState,
}

fn name(text: &str) -> FileName {
    FileName::new(text).expect("a valid name")
}

fn path(text: &str) -> FolderPath {
    FolderPath::new(text).expect("a valid path")
}

fn file(folder: &str, text: &str, key: u64, size: u64) -> File {
    let content = size.is_multiple_of(2).then(|| ContentId::from_bytes([1; 32]));
    File { folder: path(folder), name: name(text), key, state: FileState { size, content } }
}

fn tree(files: &[File]) -> Folders {
    let mut tree = Folders::default();
    for file in files {
        tree.insert(&file.folder, &file.name, file.key, &file.state);
    }
    tree
}

fn page(files: &[File], folder: &str, ask: &Ask) -> Option<Listing> {
    let state = |key| files.iter().find(|file| file.key == key).map(|file| file.state);
    tree(files).page(&path(folder), ask, state)
}

/// Every page after the other.
fn all_pages(files: &[File], folder: &str, ask: &Ask) -> Option<Vec<Entry>> {
    let (mut entries, mut ask) = (Vec::new(), ask.clone());
    loop {
        let listing = page(files, folder, &ask)?;
        assert!(listing.entries.len() <= ask.limit);
        entries.extend(listing.entries);
        let Some(next) = listing.next else { return Some(entries) };
        assert!(ask.after.as_ref() < Some(&next), "it goes on");
        ask.after = Some(next);
    }
}

/// What is in a folder, the slow way.
fn reference(files: &[File], folder: &str, filter: &str) -> Option<Vec<Entry>> {
    let folder = path(folder);
    let inside: Vec<(FolderPath, &File)> =
        files.iter().filter_map(|file| Some((folder.to_inner(&file.folder)?, file))).collect();
    let inside: Vec<_> = inside.into_iter().filter(|(_, file)| !file.folder.is_empty()).collect();
    if inside.is_empty() && !folder.is_empty() {
        return None;
    }
    let mut entries = Vec::new();
    let mut folders: Vec<&str> = inside.iter().filter_map(|(inner, _)| inner.names().next()).collect();
    folders.sort_unstable();
    folders.dedup();
    for first in folders {
        let mut below = Below::default();
        for (inner, file) in &inside {
            if inner.names().next() == Some(first) {
                below.add(&file.state);
            }
        }
        entries.push(Entry::Folder { name: name(first), below });
    }
    for (inner, file) in inside {
        if inner.is_empty() {
            entries.push(Entry::File { name: file.name.clone(), key: file.key, state: file.state });
        }
    }
    entries.retain(|entry| fold(entry.name().as_str()).contains(&fold(filter)));
    let by_hand = |a: &Entry, b: &Entry| -> Ordering {
        let rank = |entry: &Entry| matches!(entry, Entry::File { .. });
        let text = |entry: &Entry| (fold(entry.name().as_str()), entry.name().to_string());
        let key = |entry: &Entry| if let Entry::File { key, .. } = entry { *key } else { 0 };
        (rank(a), text(a), key(a)).cmp(&(rank(b), text(b), key(b)))
    };
    entries.sort_by(by_hand);
    Some(entries)
}

#[test]
fn a_page_is_the_folder_and_nothing_else() {
    let files = [
        file("Music", "b.mp3", 1, 10),
        file("Music/Live", "x.mp3", 2, 5),
        file("Music/albums/1", "y.mp3", 3, 7),
        file("Musical", "z.mp3", 4, 1),
        file("Music", "Água.mp3", 5, 2),
        file("", "nowhere.txt", 6, 2),
    ];
    let content = Some(ContentId::from_bytes([1; 32]));
    let listing = page(&files, "Music", &Ask::default()).expect("there");
    assert_eq!(
        listing,
        Listing {
            below: Below { files: 4, bytes: 24, hashing: 2 },
            folders: 2,
            files: 2,
            entries: vec![
                Entry::Folder { name: name("albums"), below: Below { files: 1, bytes: 7, hashing: 1 } },
                Entry::Folder { name: name("Live"), below: Below { files: 1, bytes: 5, hashing: 1 } },
                Entry::File { name: name("Água.mp3"), key: 5, state: FileState { size: 2, content } },
                Entry::File { name: name("b.mp3"), key: 1, state: FileState { size: 10, content } },
            ],
            next: None,
        }
    );
    let shared = page(&files, "", &Ask::default()).expect("there");
    let names: Vec<&str> = shared.entries.iter().map(|entry| entry.name().as_str()).collect();
    assert_eq!((names, shared.below.files), (vec!["Music", "Musical"], 5));
    for missing in ["Musi", "Music/Live/x.mp3", "music", "Music/1"] {
        assert_eq!(page(&files, missing, &Ask::default()), None, "{missing}");
    }
    assert_eq!(page(&[], "", &Ask::default()), Some(Listing::default()));
}

#[test]
fn a_filter_looks_at_so_many_names_and_no_more() {
    let files: Vec<File> = (0..20_000).map(|key| file("A", &format!("{key:05}"), key, 0)).collect();
    let (tree, state) =
        (tree(&files), |key: u64| files.get(usize::try_from(key).ok()?).map(|file| file.state));
    let mut ask = Ask { filter: "19999".to_owned(), ..Ask::default() };
    let first = tree.page(&path("A"), &ask, state).expect("there");
    assert_eq!((first.entries.len(), first.next.clone()), (0, Some(Place::File(name("16383"), 16_383))));
    ask.after = first.next;
    let second = tree.page(&path("A"), &ask, state).expect("there");
    assert_eq!((second.entries.len(), second.next), (1, None));
}

#[test]
fn a_page_goes_on_behind_what_is_gone() {
    let mut files: Vec<File> = (0..6).map(|key| file("A", &format!("{key}"), key, 0)).collect();
    let ask = Ask { limit: 2, ..Ask::default() };
    let first = page(&files, "A", &ask).expect("there");
    files.retain(|file| file.key != 1 && file.key != 2);
    let ask = Ask { after: first.next, ..ask };
    let second = page(&files, "A", &ask).expect("there");
    let names: Vec<&str> = second.entries.iter().map(|entry| entry.name().as_str()).collect();
    assert_eq!((names, second.next), (vec!["3", "4"], Some(Place::File(name("4"), 4))));
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let folder = "([aAb]|á|bc)(/[aA]|/b){0,2}|";
    let one = (folder, "[aAbBáÁ]{1,2}", 0..9_u64);
    proptest::collection::vec(one, 0..40).prop_map(|files| {
        let of = |(key, (folder, name, size)): (u64, (String, String, u64))| file(&folder, &name, key, size);
        (0..).zip(files).map(of).collect()
    })
}

proptest! {
    #[test]
    fn pages_are_what_the_list_says(
        files in files(),
        folder in "([aAb]|á|bc)(/[aA]|/b){0,2}|",
        filter in "[aB]?",
        limit in 1..9_usize,
    ) {
        let ask = Ask { after: None, limit, filter: filter.clone() };
        prop_assert_eq!(all_pages(&files, &folder, &ask), reference(&files, &folder, &filter));
    }

    #[test]
    fn removing_leaves_what_was_never_there(files in files(), gone in proptest::collection::vec(any::<bool>(), 40)) {
        let mut changed = tree(&files);
        let mut left = Vec::new();
        for (file, gone) in files.iter().zip(gone) {
            if gone {
                changed.remove(&file.folder, &file.name, file.key, &file.state);
                // Once more: it is not there.
                changed.remove(&file.folder, &file.name, file.key, &file.state);
            } else {
                left.push(file.clone());
            }
        }
        prop_assert_eq!(format!("{changed:?}"), format!("{:?}", tree(&left)));
    }
}
