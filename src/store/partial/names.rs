//! What a finished file is called where its name was taken, and whether it is there.

use super::PartialFile;
use crate::base::{ContentId, FileName};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// So much is read at once: between two reads it is asked whether to stop.
const READ_BYTES: usize = 1024 * 1024;

/// The file called `name` or, where a name was taken, `name (2)`, … in a folder that has this size and content. Reads
/// those of this size, until it is to stop. Blocks.
#[must_use]
pub fn find_finished(
    target: &Path,
    name: &FileName,
    size: u64,
    content: ContentId,
    is_to_stop: impl Fn() -> bool,
) -> Option<PathBuf> {
    let paths = (1..=PartialFile::MAX_NAMES).map(|number| target.join(numbered(name, number)));
    let there = paths.map_while(|path| Some((path.symlink_metadata().ok()?, path)));
    let mut fitting = there.filter(|(found, _)| found.is_file() && found.len() == size).map(|(_, path)| path);
    fitting.find(|path| File::open(path).is_ok_and(|file| is_content(file, content, &is_to_stop)))
}

/// Whether a file is this content; `false` too if it cannot be read, or is to stop meanwhile.
pub(in crate::store) fn is_content(
    mut file: File,
    content: ContentId,
    is_to_stop: impl Fn() -> bool,
) -> bool {
    let (mut hasher, mut block) = (blake3::Hasher::new(), vec![0; READ_BYTES]);
    while !is_to_stop() {
        match file.read(&mut block) {
            Ok(0) => return hasher.finalize().as_bytes() == content.as_bytes(),
            Ok(count) => drop(hasher.update(&block[..count])),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    false
}

/// `name` for 1, then `name (2).ext`, …, cut to the length of a name. `.tar.gz` and its like stay whole.
pub(in crate::store) fn numbered(name: &FileName, number: u32) -> String {
    let name = name.as_str();
    if number == 1 {
        return name.to_owned();
    }
    let (mut stem, _) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    if let Some(inner) = stem.strip_suffix(".tar").filter(|inner| !inner.is_empty()) {
        stem = inner;
    }
    let extension = &name[stem.len()..];
    let tail = format!(" ({number}){extension}");
    let room = FileName::MAX_BYTES.saturating_sub(tail.len());
    let cut = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{tail}", &stem[..cut])
}
