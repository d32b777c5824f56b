//! A look at a folder before it is shared: how many files, and whether it holds what nobody wants to give
//! away.
//!
//! Invariant: it takes a bounded time and changes nothing. It counts as the library lists: nothing
//! hidden or ignored, no links. Deliberately absent: the decision; a person is asked.

use super::library::{Entry, IGNORE_FILE, Ignores, is_key_file};
use super::partial::HIDDEN_FOLDER;
use crate::wire::library::{Finding, Inspection};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::VecDeque;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// The most entries that are looked at: a second or two on a cold disk.
const MAX_ENTRIES: u64 = 200_000;
/// How long it looks at the most: a person waits for it.
const MAX_TIME: Duration = Duration::from_secs(2);
/// How many findings are named: what fits into a question.
const MAX_FINDINGS: usize = 12;
/// How many of them are merely hidden: keys are more interesting.
const MAX_HIDDEN: usize = 4;
/// A `.key` file that is larger is a presentation (Keynote uses the same ending).
const MAX_KEY_BYTES: u64 = 16 * 1024;

/// Names of keys and passwords that are not hidden.
const KEYS: &[&str] = &[
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "wallet.dat",
    "credentials.json",
    "secrets.json",
    "secrets.yml",
    "secrets.yaml",
    "logins.json",
    "key4.db",
];
/// Their endings.
const KEY_ENDINGS: &[&str] = &["pem", "p12", "pfx", "ppk", "kdbx", "jks", "keystore", "ovpn"];
/// Hidden ones.
const HIDDEN_KEYS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".htpasswd",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".config",
];
/// Hidden entries that systems leave everywhere: they say nothing.
const HARMLESS: &[&str] = &[
    ".DS_Store",
    ".directory",
    ".nomedia",
    ".localized",
    ".hidden",
    ".thumbnails",
    ".Spotlight-V100",
    ".fseventsd",
    ".Trashes",
    ".gitkeep",
    IGNORE_FILE,
    HIDDEN_FOLDER,
];
/// First folders of a system.
const SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib64",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "var",
    "System",
    "Library",
    "Applications",
    "Users",
    "Volumes",
    "Windows",
];

/// Looks at `folder`. `home` is the person's home folder. Blocks, at most a few seconds.
///
/// # Errors
/// If it is no folder that can be read.
pub fn inspect(folder: &Path, home: Option<&Path>) -> io::Result<Inspection> {
    let path = folder.canonicalize()?;
    let mut look = Look {
        hidden_named: 0,
        deadline: Instant::now() + MAX_TIME,
        entries: 0,
        ignores: Ignores::default(),
        found: empty(&path, home),
    };
    look.walk(&path)?;
    Ok(look.found)
}

fn empty(path: &Path, home: Option<&Path>) -> Inspection {
    Inspection {
        path: path.display().to_string(),
        files: 0,
        bytes: 0,
        whole: true,
        place: place(path, home).to_owned(),
        hidden: 0,
        findings: Vec::new(),
    }
}

/// What folder it is, by its path alone.
fn place(path: &Path, home: Option<&Path>) -> &'static str {
    let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
    let below_root = path.components().count().saturating_sub(1);
    let first = path.iter().nth(1).and_then(|name| name.to_str()).unwrap_or_default();
    match home {
        _ if path.parent().is_none() => "root",
        Some(home) if home == path => "home",
        Some(home) if home.starts_with(path) => "above_home",
        _ if below_root == 1 && SYSTEM.contains(&first) => "system",
        _ => "ordinary",
    }
}

struct Look {
    hidden_named: usize,
    deadline: Instant,
    entries: u64,
    ignores: Ignores,
    found: Inspection,
}

impl Look {
    fn walk(&mut self, root: &Path) -> io::Result<()> {
        let mut folders = VecDeque::from([root.to_owned()]);
        let mut first = Some(std::fs::read_dir(root)?);
        while let Some(folder) = folders.pop_front() {
            // What cannot be read is not shared; the card says so afterwards.
            let Some(entries) = first.take().or_else(|| std::fs::read_dir(&folder).ok()) else { continue };
            let below = below(root, &folder);
            if let Ok(dir) = Dir::open_ambient_dir(&folder, ambient_authority()) {
                // What of it does not hold is said when the folder is shared.
                self.ignores.load(&(0, below.clone()), &dir);
            }
            for entry in entries.flatten() {
                self.entries += 1;
                if self.entries > MAX_ENTRIES || Instant::now() > self.deadline {
                    self.found.whole = false;
                    return Ok(());
                }
                folders.extend(self.entry(root, &below, &entry));
            }
        }
        Ok(())
    }

    /// Counts an entry; gives a folder to look into.
    fn entry(&mut self, root: &Path, below: &str, entry: &DirEntry) -> Option<PathBuf> {
        let kind = entry.file_type().ok()?;
        let name = entry.file_name();
        let name = name.to_str()?;
        if name.starts_with('.') {
            self.hidden(root, entry, name);
            return None;
        }
        let what = if kind.is_dir() { Entry::Folder } else { Entry::File };
        if self.ignores.why_in(0, below, name, what).is_some() {
            return None;
        }
        if kind.is_dir() {
            return Some(entry.path());
        }
        if kind.is_file() {
            self.file(root, entry, name);
        }
        None
    }

    fn hidden(&mut self, root: &Path, entry: &DirEntry, name: &str) {
        if HARMLESS.contains(&name) || name.starts_with(".Trash") {
            return;
        }
        self.found.hidden += 1;
        let is_key = HIDDEN_KEYS.contains(&name) || name == ".env" || name.starts_with(".env.");
        if !is_key {
            self.hidden_named += 1;
            if self.hidden_named > MAX_HIDDEN {
                return;
            }
        }
        self.name(root, entry, if is_key { "key" } else { "hidden" }, false);
    }

    fn file(&mut self, root: &Path, entry: &DirEntry, name: &str) {
        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
        let own = is_key_file(name, bytes);
        if !own {
            self.found.files += 1;
            self.found.bytes += bytes;
        }
        if own || is_key(name, bytes) {
            self.name(root, entry, "key", !own);
        }
    }

    fn name(&mut self, root: &Path, entry: &DirEntry, kind: &str, shared: bool) {
        let name = below(root, &entry.path());
        self.found.findings.push(Finding { name, kind: kind.to_owned(), shared });
        // What is shared matters most, then what is a key at all.
        self.found.findings.sort_by_key(|finding| (!finding.shared, finding.kind != "key"));
        self.found.findings.truncate(MAX_FINDINGS);
    }
}

/// The path below the folder that is looked at, for people.
fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Whether a name is one that keys and passwords have.
fn is_key(name: &str, bytes: u64) -> bool {
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    KEYS.contains(&lower.as_str())
        || KEY_ENDINGS.contains(&ending)
        || (ending == "key" && bytes <= MAX_KEY_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_their_path() {
        let cases = [
            ("/", "root"),
            ("/etc", "system"),
            ("/etc/ssl", "ordinary"),
            ("/people", "above_home"),
            ("/people/ana", "home"),
            ("/people/ana/music", "ordinary"),
            ("/people/rui", "ordinary"),
        ];
        for (path, expected) in cases {
            assert_eq!(place(Path::new(path), Some(Path::new("/people/ana"))), expected, "{path}");
        }
    }

    #[test]
    fn keys_are_told_by_their_name() {
        for name in ["id_rsa", "ID_ED25519", "server.pem", "server.key", "me.p12", "all.kdbx", "secrets.yml"]
        {
            assert!(is_key(name, 1_700), "{name}");
        }
        for name in ["id_rsa.pub", "lecture.pdf", "monkey", "key", "pem"] {
            assert!(!is_key(name, 1_700), "{name}");
        }
        assert!(!is_key("lecture.key", 4_000_000), "a presentation");
    }
}
