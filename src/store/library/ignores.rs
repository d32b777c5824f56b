//! Which files and folders a person does not mean when sharing a folder: patterns as of `.gitignore`, in
//! files of their own, and built-in ones for what programs leave behind.
//!
//! Invariant: whatever an ignore file holds, reading and using it is bounded, and what of it does not
//! hold is said. As with git, the deepest ignore file that says something of a path decides, in it the
//! last pattern that fits, and nothing in an ignored folder can be taken back. The built-in patterns come
//! last, so that `!*.tmp` undoes one. Deliberately absent: `.gitignore` files themselves; what is not to be
//! kept in a repository may well be what is to be shared.

use super::super::below::{Identity, join, open_regular, split};
use cap_std::fs::Dir;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

/// What an ignore file is called. It holds for its folder and all below it.
pub const IGNORE_FILE: &str = ".cardumeignore";
/// The most bytes of one that are read: hundreds of times what people write.
const MAX_BYTES: usize = 64 * 1024;
/// The most patterns in one.
const MAX_PATTERNS: usize = 1_000;
/// The longest pattern.
const MAX_PATTERN_BYTES: usize = 256;
/// The most wildcards in a pattern: each multiplies what matching may cost.
const MAX_WILDCARDS: usize = 16;
/// The most ignore files of all shares together.
const MAX_FILES: usize = 1_000;

/// Endings of files that are being downloaded, written or kept by programs for themselves.
const ENDINGS: &[&str] = &[
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".aria2",
    ".!qb",
    ".!ut",
    ".tmp",
    ".temp",
    "~",
];
/// Beginnings: lock files of office programs.
const BEGINNINGS: &[&str] = &["~$", ".~lock"];
/// Whole names of files that systems leave in folders.
const NAMES: &[&str] = &["thumbs.db", "ehthumbs.db", "desktop.ini"];
/// Whole names of folders that are made again from what lies beside them, and of systems' own.
const FOLDERS: &[&str] =
    &["node_modules", "__pycache__", "$recycle.bin", "system volume information", "lost+found"];

/// What something is, as patterns see it: one that ends in `/` is for folders only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Entry {
    File,
    Folder,
}

/// The built-in pattern that an entry's name fits.
fn built_in(name: &str, entry: Entry) -> Option<String> {
    let is = |part: Option<&str>, text: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(text));
    match entry {
        Entry::Folder => {
            let found = FOLDERS.iter().find(|folder| name.eq_ignore_ascii_case(folder));
            found.map(|folder| format!("{folder}/"))
        }
        Entry::File => {
            let ends = |end: &&&str| {
                let from = name.len().checked_sub(end.len()).filter(|from| *from > 0);
                is(from.and_then(|from| name.get(from..)), end)
            };
            let begins = |start: &&&str| is(name.get(..start.len()), start);
            let ending = ENDINGS.iter().find(ends).map(|ending| format!("*{ending}"));
            let beginning = || BEGINNINGS.iter().find(begins).map(|start| format!("{start}*"));
            let whole = || NAMES.iter().find(|it| name.eq_ignore_ascii_case(it)).map(|it| (*it).to_owned());
            ending.or_else(beginning).or_else(whole)
        }
    }
}

/// One ignore file.
#[derive(Debug)]
struct Rules {
    identity: Identity,
    matcher: Gitignore,
}

/// What of an ignore file does not hold, for a person.
type Trouble = Option<String>;

/// The ignore files of all shares.
#[derive(Debug, Default)]
pub(in super::super) struct Ignores {
    /// By share and folder.
    files: BTreeMap<u32, BTreeMap<String, Arc<Rules>>>,
}

/// What reading an ignore file came to.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Loaded {
    /// There is none.
    None,
    /// It is as it was.
    Same,
    /// It is new or changed.
    New(Trouble),
}

impl Ignores {
    /// Reads the ignore file of a folder, if it is not known in this state.
    pub(in super::super) fn load(&mut self, (share, path): &(u32, String), folder: &Dir) -> Loaded {
        let Ok((mut file, identity)) = open_regular(folder, IGNORE_FILE) else {
            if folder.symlink_metadata(IGNORE_FILE).is_ok() {
                return Loaded::New(Some("it cannot be read, so none of its patterns hold".to_owned()));
            }
            self.forget(*share, path);
            return Loaded::None;
        };
        let known = self.files.get(share).and_then(|files| files.get(path));
        if known.is_some_and(|rules| rules.identity == identity) {
            return Loaded::Same;
        }
        let others: usize = self.files.values().map(BTreeMap::len).sum();
        if known.is_none() && others >= MAX_FILES {
            return Loaded::New(Some(format!("at most {MAX_FILES} ignore files are read; this one is not")));
        }
        let mut bytes = Vec::new();
        let read = (&mut file).take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
        let (matcher, trouble) = match read {
            Ok(_) => parse(&bytes),
            Err(error) => (Gitignore::empty(), Some(format!("it cannot be read: {error}"))),
        };
        let rules = Arc::new(Rules { identity, matcher });
        self.files.entry(*share).or_default().insert(path.clone(), rules);
        Loaded::New(trouble)
    }

    fn forget(&mut self, share: u32, path: &str) {
        if let Some(files) = self.files.get_mut(&share) {
            files.remove(path);
            if files.is_empty() {
                self.files.remove(&share);
            }
        }
    }

    pub(super) fn forget_share(&mut self, share: u32) {
        self.files.remove(&share);
    }

    /// Forgets those of folders of a share at `start` and below it that are not there any more.
    pub(super) fn keep(&mut self, share: u32, start: &str, visited: &BTreeSet<String>) {
        if let Some(files) = self.files.get_mut(&share) {
            files.retain(|path, _| !is_below(path, start) || visited.contains(path));
        }
    }

    /// Why an entry is ignored, if so. Its folder is not.
    pub(super) fn why(&self, share: u32, path: &str, entry: Entry) -> Option<String> {
        let files = self.files.get(&share);
        let mut folder = path;
        while let Some(files) = files
            && !folder.is_empty()
        {
            folder = split(folder).0;
            let Some(rules) = files.get(folder) else { continue };
            let below = if folder.is_empty() { path } else { path.get(folder.len() + 1..).unwrap_or(path) };
            match rules.matcher.matched(below, entry == Entry::Folder) {
                ignore::Match::None => {}
                ignore::Match::Whitelist(_) => return None,
                ignore::Match::Ignore(glob) => return Some(format!("it is ignored by {}", glob.original())),
            }
        }
        by_name(split(path).1, entry)
    }

    /// The same by folder and name.
    pub(in super::super) fn why_in(
        &self,
        share: u32,
        folder: &str,
        name: &str,
        entry: Entry,
    ) -> Option<String> {
        if self.files.contains_key(&share) {
            self.why(share, &join(folder, name), entry)
        } else {
            by_name(name, entry)
        }
    }

    /// The same for an entry of which the folders may be ignored too.
    pub(super) fn why_at_all(&self, share: u32, path: &str, entry: Entry) -> Option<String> {
        let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
        let above = folders.into_iter().find_map(|folder| self.why(share, folder, Entry::Folder));
        above.or_else(|| self.why(share, path, entry))
    }
}

fn by_name(name: &str, entry: Entry) -> Option<String> {
    built_in(name, entry).map(|pattern| format!("it is ignored by {pattern}, which is built in"))
}

pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The patterns of an ignore file, and what of it does not hold.
fn parse(bytes: &[u8]) -> (Gitignore, Trouble) {
    let mut trouble = None;
    let mut refused = 0_u64;
    let mut refuse = |line: usize, why: &str| {
        refused += 1;
        trouble.get_or_insert_with(|| format!("line {line} does not hold: {why}"));
    };
    let kept = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let text = String::from_utf8_lossy(kept);
    let mut builder = GitignoreBuilder::new("");
    let mut patterns = 0;
    let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        // The last line of a file that was cut may be half of one.
        if bytes.len() > MAX_BYTES && lines.peek().is_none() {
            refuse(number, &format!("only the first {} KiB are read", MAX_BYTES / 1024));
            break;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        patterns += 1;
        let wildcards = line.bytes().filter(|byte| matches!(byte, b'*' | b'?' | b'[' | b'{')).count();
        if patterns > MAX_PATTERNS {
            refuse(number, &format!("at most {MAX_PATTERNS} patterns are taken"));
            break;
        }
        if line.len() > MAX_PATTERN_BYTES || wildcards > MAX_WILDCARDS {
            refuse(number, "the pattern is too long or has too many wildcards");
        } else if let Err(error) = builder.add_line(None, line) {
            refuse(number, &error.to_string());
        }
    }
    let matcher = builder.build().unwrap_or_else(|error| {
        refuse(1, &format!("the patterns together are too much: {error}"));
        Gitignore::empty()
    });
    let more = if refused > 1 { format!(", nor do {} others", refused - 1) } else { String::new() };
    (matcher, trouble.map(|first| format!("{first}{more}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(files: &[(&str, &str)]) -> Ignores {
        let identity = Identity { size: 0, mtime_nanos: 0, device: 0, inode: 0 };
        let rules = |text: &str| Arc::new(Rules { identity, matcher: parse(text.as_bytes()).0 });
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), rules(text))).collect();
        Ignores { files: BTreeMap::from([(1, files)]) }
    }

    /// Paths that end in `/` are folders.
    fn ignored(files: &[(&str, &str)], path: &str) -> bool {
        let entry = if path.ends_with('/') { Entry::Folder } else { Entry::File };
        ignores(files).why_at_all(1, path.trim_end_matches('/'), entry).is_some()
    }

    #[test]
    fn what_programs_leave_behind_is_ignored_and_nothing_else() {
        for path in [
            "film.mkv.part",
            "a/b.CRDOWNLOAD",
            "x.tmp",
            "~$letter.docx",
            "Thumbs.db",
            "sub/desktop.ini",
            "notes.txt~",
            "web/node_modules/",
            "web/node_modules/x/index.js",
            "$RECYCLE.BIN/a",
            "film.!qB",
            ".~lock.a.odt#",
        ] {
            assert!(ignored(&[], path), "{path}");
        }
        for path in [
            "film.mkv",
            "part",
            "tmp",
            "tmp/",
            "a.tmpl",
            "node_modules",
            "my node_modules/",
            "thumbs.dbx",
            "~home",
            "b.parts",
            "counterpart",
            "temp/a",
            "é",
            "~",
        ] {
            assert!(!ignored(&[], path), "{path}");
        }
    }

    #[test]
    fn the_deepest_file_and_in_it_the_last_pattern_decides() {
        let files =
            [("", "*.log\n!keep.log\n/top\nbuild/\n!*.tmp\nsub/secret\n"), ("a/b", "!*.log\n*.tmp\n")];
        let table = [
            ("x.log", true),
            ("a/x.log", true),
            ("a/keep.log", false),
            ("a/b/x.log", false),
            ("a/b/c/x.log", false),
            ("top", true),
            ("a/top", false),
            ("build/", true),
            ("build", false),
            ("a/build/x", true),
            ("x.tmp", false),
            ("a/b/x.tmp", true),
            ("x.part", true),
            ("sub/secret", true),
            ("a/sub/secret", false),
            ("plain", false),
        ];
        for (path, expected) in table {
            assert_eq!(ignored(&files, path), expected, "{path}");
        }
    }

    #[test]
    fn what_does_not_hold_is_said_and_the_rest_holds() {
        let trouble = |text: &str| parse(text.as_bytes()).1;
        assert_eq!(trouble("# a comment\n\n*.log\n!x\n"), None);
        assert_eq!(trouble("\u{feff}*.log\r\n"), None);
        let bad = trouble("*.log\n[z-a]\n{a\n").unwrap_or_default();
        assert!(bad.starts_with("line 2 does not hold: ") && bad.ends_with(", nor do 1 others"), "{bad}");
        assert!(ignored(&[("", "*.log\n[z-a]\n")], "x.log"));
        let long = format!("{}\n*.log", "x".repeat(MAX_PATTERN_BYTES + 1));
        assert!(trouble(&long).is_some_and(|it| it.contains("too long")));
        assert!(trouble(&"*a".repeat(MAX_WILDCARDS + 1)).is_some_and(|it| it.contains("wildcards")));
        let many = "x\n".repeat(MAX_PATTERNS + 1);
        assert!(trouble(&many).is_some_and(|it| it.contains("at most")));
        let megabyte = "# nothing in it\n".repeat(1 << 16);
        assert!(trouble(&megabyte).is_some_and(|it| it.contains("KiB")));
        assert!(parse(b"\xff\xfe*.log\0\n**/**/**\n").1.is_none_or(|it| !it.is_empty()));
    }
}
