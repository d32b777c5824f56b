//! Small files: whole or absent.

use super::super::clock::unix_millis;
use super::{HomeError, Secret};
use rustix::fs::{CWD, RenameFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// The most that a small file holds: a damaged or foreign one is not read into memory.
const MAX_BYTES: u64 = 64 * 1024;
/// What tells temporary files apart.
const TEMPORARY_BYTES: usize = 8;

/// Makes an error of `what` at `path`, for `map_err`.
pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HomeError + use<> {
    let path = path.to_owned();
    move |source| HomeError::Io { what, source, path }
}

/// The text of a file; `None` if there is none.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, HomeError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(io("opening a file", path))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io("reading a file", path))?;
    let damaged = |what| HomeError::Damaged { what, path: path.to_owned() };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(damaged("it is too long"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| damaged("it is not text"))
}

/// The value in a JSON file; `None` if there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, HomeError> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let damaged = || HomeError::Damaged { what: "it is not the expected JSON", path: path.to_owned() };
    serde_json::from_str(&text).map(Some).map_err(|_| damaged())
}

/// Replaces a JSON file as a whole.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), HomeError> {
    write_whole(path, json_text(path, value)?.as_bytes())
}

/// Writes a JSON file unless it is there.
pub(super) fn create_json_once<T: Serialize>(path: &Path, value: &T) -> Result<(), HomeError> {
    create_once(path, json_text(path, value)?.as_bytes()).map(drop)
}

fn json_text<T: Serialize>(path: &Path, value: &T) -> Result<String, HomeError> {
    let text = serde_json::to_string(value).map_err(std::io::Error::other);
    text.map(|text| text + "\n").map_err(io("writing a file", path))
}

/// Replaces a file as a whole: after a crash it holds the old or the new bytes.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let temporary = write_temporary(path, bytes)?;
    fs::rename(&temporary, path).map_err(|error| {
        discard(&temporary);
        io("replacing a file", path)(error)
    })
}

/// Gives a whole file another name, unless that is taken.
type Way = fn(&Path, &Path) -> std::io::Result<()>;

/// The ways that there are: FAT and exFAT have no hard links.
const WAYS: [Way; 2] = [link, rename_unless_taken];

fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::hard_link(from, to)
}

fn rename_unless_taken(from: &Path, to: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Writes a file unless it is there; of several processes at once one wins. Says whether this one did.
pub(super) fn create_once(path: &Path, bytes: &[u8]) -> Result<bool, HomeError> {
    create_once_by(&WAYS, path, bytes)
}

/// With the first way that the volume has. Where it has none the file appears empty for a moment: who reads it
/// then says that it is damaged, and nobody has another content.
fn create_once_by(ways: &[Way], path: &Path, bytes: &[u8]) -> Result<bool, HomeError> {
    let temporary = write_temporary(path, bytes)?;
    let tried = ways.iter().find_map(|way| unless_taken(way(&temporary, path)).ok());
    let removed = remove_if_there(&temporary);
    if let Some(is_made) = tried {
        return removed.map(|()| is_made);
    }
    let written = unless_taken(write_new(path, bytes)).map_err(io("creating a file", path))?;
    Ok(written)
}

/// Whether it was done; not if the name is taken.
fn unless_taken(done: std::io::Result<()>) -> std::io::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Moves those of the files that are there into a new folder `left-…` below `folder`.
pub(super) fn move_aside(folder: &Path, files: &[&Path]) -> Result<(), HomeError> {
    let aside = folder.join(format!("left-{}", data_encoding::HEXLOWER.encode(&random::<4>()?)));
    self::folder(&aside)?;
    for from in files.iter().filter(|from| from.exists()) {
        let to = aside.join(from.file_name().unwrap_or_default());
        fs::rename(from, to).map_err(io("moving a file aside", from))?;
    }
    Ok(())
}

/// Removes the temporary files that killed processes left in a folder: they hold keys too. Those of the last
/// `age` stay: somebody may be writing them.
pub(super) fn sweep(folder: &Path, age: Duration) {
    let newest = Duration::from_millis(unix_millis()).saturating_sub(age);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let is_old = age.is_zero() || written.is_some_and(|written| written <= newest);
        if is_old && is_temporary(&entry.file_name().to_string_lossy()) {
            discard(&entry.path());
        }
    }
}

/// Whether [`write_temporary`] gives such names: `NAME.0123456789abcdef.tmp`.
fn is_temporary(name: &str) -> bool {
    let digits = name.strip_suffix(".tmp").and_then(|rest| rest.rsplit_once('.'));
    digits.is_some_and(|(name, digits)| {
        let hexadecimal = |letter: u8| letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter);
        !name.is_empty() && digits.len() == 2 * TEMPORARY_BYTES && digits.bytes().all(hexadecimal)
    })
}

/// The 32 bytes of a key file, made from the operating system's randomness at first use.
pub(super) fn key_file(path: &Path) -> Result<Secret, HomeError> {
    if let Some(secret) = read_key(path)? {
        return Ok(secret);
    }
    let secret = Secret(random()?);
    if create_once(path, key_text(&secret).as_bytes())? {
        return Ok(secret);
    }
    read_key(path)?.ok_or(HomeError::Damaged { what: "it vanished", path: path.to_owned() })
}

/// The key in a file; `None` if there is no file.
pub(super) fn read_key(path: &Path) -> Result<Option<Secret>, HomeError> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let bytes = data_encoding::HEXLOWER.decode(text.trim().as_bytes()).ok().and_then(|b| b.try_into().ok());
    let damaged = HomeError::Damaged { what: "a key is 64 hexadecimal digits", path: path.to_owned() };
    bytes.map(|bytes| Some(Secret(bytes))).ok_or(damaged)
}

/// A key as its file holds it.
pub(super) fn key_text(secret: &Secret) -> String {
    format!("{}\n", data_encoding::HEXLOWER.encode(secret.as_bytes()))
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], HomeError> {
    use rand::TryRng as _;
    let mut bytes = [0; N];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| HomeError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// Removes a file; that there is none is fine.
pub(super) fn remove_if_there(path: &Path) -> Result<(), HomeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("removing a file", path)(error)),
        _ => Ok(()),
    }
}

/// A folder, made with everything above it, for this account only.
pub(super) fn folder(path: &Path) -> Result<(), HomeError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io("creating a folder", path))
}

/// A file of its own beside `path`, with these bytes, synced; after an error there is none.
fn write_temporary(path: &Path, bytes: &[u8]) -> Result<PathBuf, HomeError> {
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", data_encoding::HEXLOWER.encode(&random::<TEMPORARY_BYTES>()?)));
    let temporary = path.with_file_name(name);
    write_new(&temporary, bytes).map_err(io("writing a file", &temporary))?;
    Ok(temporary)
}

/// A new file with these bytes, for this account only, synced; after an error there is none.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    fill(file, bytes).inspect_err(|_| discard(path))
}

fn fill(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes a file of ours that nobody needs; one that stays is swept at a later start.
fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "a temporary file stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn refused(_: &Path, _: &Path) -> std::io::Result<()> {
        Err(ErrorKind::PermissionDenied.into())
    }

    #[test]
    fn a_file_is_made_once_whatever_the_volume_can_do() {
        let [both, no_links, neither]: [&[Way]; 3] =
            [&WAYS, &[refused, rename_unless_taken], &[refused, refused]];
        for ways in [both, no_links, neither] {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("peer.key");
            assert!(create_once_by(ways, &path, b"first").expect("made"));
            assert!(!create_once_by(ways, &path, b"second").expect("is there"));
            assert_eq!(fs::read(&path).expect("readable"), b"first");
            assert_eq!(names(dir.path()), ["peer.key"]);
        }
    }

    #[test]
    fn what_could_not_be_written_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a folder");
        // Something in the way of the last step.
        fs::create_dir_all(dir.path().join("peer.key/full")).expect("made");
        write_whole(&dir.path().join("peer.key"), b"secret").expect_err("a folder has the name");
        assert_eq!(names(dir.path()), ["peer.key"]);
    }

    #[test]
    fn what_killed_processes_left_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let temporary = write_temporary(&dir.path().join("peer.key"), b"secret").expect("written");
        let others = [".0123456789abcdef.tmp", "a.0123.tmp", "a.0123456789abcdeg.tmp", "a.tmp", "peer.key"];
        for name in others {
            fs::write(dir.path().join(name), "").expect("written");
        }
        sweep(dir.path(), Duration::from_hours(1));
        assert!(temporary.exists(), "somebody may be writing it");
        sweep(dir.path(), Duration::ZERO);
        assert_eq!(names(dir.path()), others);
    }
}
