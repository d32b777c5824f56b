//! Random changes against a slow reference: a walk of the folder that hashes everything anew.

use super::*;
use cardume::base::FolderPath;
use cardume::engine::browse::{Ask, Entry, FileState};
use proptest::prelude::*;

const NAMES: [&str; 6] = ["a", "b", "c.txt", "D", "é", "f f"];
const FOLDERS: [&str; 4] = ["", "one", "one/two", "three"];

#[derive(Clone, Debug)]
enum Act {
    Write(Spot, Vec<u8>),
    Append(Spot, Vec<u8>),
    Rename(Spot, Spot),
    Link(Spot, Spot),
    Remove(Spot),
    MoveFolder(usize, usize),
    RemoveFolder(usize),
    Restart,
    Wait,
}

#[derive(Clone, Copy, Debug)]
struct Spot {
    folder: usize,
    name: usize,
}

impl Spot {
    fn path(self, share: &Path) -> PathBuf {
        share.join(FOLDERS[self.folder]).join(NAMES[self.name])
    }
}

fn act() -> impl Strategy<Value = Act> {
    let spot = || (0..FOLDERS.len(), 0..NAMES.len()).prop_map(|(folder, name)| Spot { folder, name });
    let bytes = || prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        6 => (spot(), bytes()).prop_map(|(spot, bytes)| Act::Write(spot, bytes)),
        2 => (spot(), bytes()).prop_map(|(spot, bytes)| Act::Append(spot, bytes)),
        4 => (spot(), spot()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => (spot(), spot()).prop_map(|(from, to)| Act::Link(from, to)),
        2 => spot().prop_map(Act::Remove),
        1 => (1..FOLDERS.len(), 1..FOLDERS.len()).prop_map(|(from, to)| Act::MoveFolder(from, to)),
        1 => (1..FOLDERS.len()).prop_map(Act::RemoveFolder),
        1 => Just(Act::Restart),
        2 => Just(Act::Wait),
    ]
}

/// Does it, if it can be done, and gives the name of a new hard link. Each write gets a time of its own, long
/// ago.
fn perform(act: &Act, share: &Path, time: u64) -> Option<Spot> {
    // What cannot be done (a rename of nothing) is no change.
    match act {
        Act::Write(spot, bytes) => write_old(&spot.path(share), bytes, 100 + time),
        Act::Append(spot, more) => {
            if let Ok(mut bytes) = std::fs::read(spot.path(share)) {
                bytes.extend_from_slice(more);
                write_old(&spot.path(share), &bytes, 100 + time);
            }
        }
        Act::Rename(from, to) => drop(std::fs::rename(from.path(share), to.path(share))),
        Act::Link(from, to) => {
            return std::fs::hard_link(from.path(share), to.path(share)).ok().map(|()| *to);
        }
        Act::Remove(spot) => drop(std::fs::remove_file(spot.path(share))),
        Act::MoveFolder(from, to) => {
            drop(std::fs::rename(share.join(FOLDERS[*from]), share.join(FOLDERS[*to])));
        }
        Act::RemoveFolder(folder) => drop(std::fs::remove_dir_all(share.join(FOLDERS[*folder]))),
        Act::Restart | Act::Wait => {}
    }
    None
}

fn is_listed(library: &Library, share: &Path, spot: Spot) -> bool {
    let folder = spot.path(Path::new(share.file_name().unwrap()));
    let folder = folder.parent().unwrap().to_str().unwrap();
    let is_it = |entry: FileEntry| entry.folder.as_str() == folder && entry.name.as_str() == NAMES[spot.name];
    library.entries().1.into_iter().any(is_it)
}

/// Folder, name, size and hash of a file.
type Row = (String, String, u64, Option<ContentId>);

/// Every file below `folder`, sorted.
fn walk(place: &Path, folder: &str, found: &mut Vec<Row>) {
    for entry in std::fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            walk(&path, &format!("{folder}/{name}"), found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((folder.to_owned(), name, bytes.len() as u64, Some(content(&bytes))));
        }
    }
    found.sort();
}

/// Shorter than [`DEADLINE`], so that a failing case can be made smaller in reasonable time.
const SOON: Duration = Duration::from_secs(8);

fn wait_until_equal(library: &Library, share: &Path) {
    let mut expected = Vec::new();
    walk(share, share.file_name().unwrap().to_str().unwrap(), &mut expected);
    let listed = || {
        let entries = library.entries().1;
        let row = |FileEntry { folder, name, size, content, .. }| {
            (folder.to_string(), name.to_string(), size, content)
        };
        let mut rows: Vec<Row> = entries.into_iter().map(row).collect();
        rows.sort();
        rows
    };
    let end = SystemTime::now() + SOON;
    while listed() != expected {
        assert!(SystemTime::now() < end, "{:#?}\nis not\n{expected:#?}", listed());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything below a folder, looked into folder by folder, a few entries at a time.
fn browsed(library: &Library, folder: &FolderPath, found: &mut BTreeSet<FileEntry>) -> Option<()> {
    let mut ask = Ask { limit: 2, ..Ask::default() };
    loop {
        let page = library.browse(folder, &ask)?;
        for entry in page.entries {
            match entry {
                Entry::Folder { name, below } => {
                    let inner = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                    let before = found.len();
                    browsed(library, &FolderPath::new(&inner).ok()?, found)?;
                    assert_eq!((found.len() - before) as u64, below.files, "{inner}");
                }
                Entry::File { name, key, state } => {
                    let FileState { size, content } = state;
                    found.insert(FileEntry { key, folder: folder.clone(), name, size, content });
                }
            }
        }
        let Some(next) = page.next else { return Some(()) };
        ask.after = Some(next);
    }
}

fn check(acts: &[Act]) {
    let place = Place::new();
    let share = place.share();
    let mut library = place.open();
    library.share(&share).unwrap();
    let mut copy = library.entries();
    for (time, act) in (0..).zip(acts) {
        // What is written through a name that nobody ever saw is noticed by the walk of every minute only.
        if let Some(link) = perform(act, &share, time) {
            wait_for("the link", || is_listed(&library, &share, link));
        }
        match act {
            Act::Restart => {
                drop(library);
                library = place.open();
                assert!(library.position() >= copy.0, "the position never goes back");
                copy = library.entries();
            }
            Act::Wait => wait_until_equal(&library, &share),
            _ => {}
        }
    }
    // What was seen before this file is told with it at the latest: a list that is right afterwards stays so.
    write_old(&share.join("last"), b"", 1);
    wait_for("the last file", || entry(&library, "last").is_some());
    wait_until_equal(&library, &share);
    // A tracker that took every change has the same list.
    let (position, after) = library.entries();
    let changes = library.changes_since(copy.0.seq).unwrap();
    assert_eq!(changes.len() as u64, position.seq - copy.0.seq);
    assert_eq!(applied(&copy.1, changes), after);
    let folders = |library: &Library| {
        let mut found = BTreeSet::new();
        browsed(library, &FolderPath::default(), &mut found).map(|()| found)
    };
    let all: BTreeSet<FileEntry> = after.iter().cloned().collect();
    assert_eq!(folders(&library).as_ref(), Some(&all), "its folders hold what its list says");
    drop(library);
    let library = place.open();
    assert_eq!(folders(&library), Some(all));
    assert_eq!(library.entries(), (position, after));
    wait_until_equal(&library, &share);
    assert_eq!((library.position(), library.hashed_bytes()), (position, 0), "a restart hashes nothing");
}

/// A case takes about half a second: the watcher gathers hints for a tenth of one.
fn cases() -> u32 {
    std::env::var("CARDUME_LIBRARY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(24)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_list_is_what_is_in_the_folder(acts in prop::collection::vec(act(), 1..40)) {
        check(&acts);
    }
}
