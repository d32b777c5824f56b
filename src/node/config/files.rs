//! Small files: whole or absent.

use super::{HomeError, Secret};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The most that a small file holds: a damaged or foreign one is not read into memory.
const MAX_BYTES: u64 = 64 * 1024;

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
    let mut text =
        serde_json::to_string(value).map_err(std::io::Error::other).map_err(io("writing a file", path))?;
    text.push('\n');
    write_whole(path, text.as_bytes())
}

/// Replaces a file as a whole: after a crash it holds the old or the new bytes.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let temporary = write_temporary(path, bytes)?;
    fs::rename(&temporary, path).map_err(io("replacing a file", path))
}

/// Writes a file unless it is there; of several processes at once one wins. Says whether this one did.
pub(super) fn create_once(path: &Path, bytes: &[u8]) -> Result<bool, HomeError> {
    let temporary = write_temporary(path, bytes)?;
    // A hard link appears with its content, whole, and fails if the name exists.
    let linked = fs::hard_link(&temporary, path);
    remove_if_there(&temporary)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io("creating a file", path)(error)),
    }
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

fn write_temporary(path: &Path, bytes: &[u8]) -> Result<PathBuf, HomeError> {
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", data_encoding::HEXLOWER.encode(&random::<8>()?)));
    let temporary = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary).map_err(io("creating a file", &temporary))?;
    file.write_all(bytes).map_err(io("writing a file", &temporary))?;
    file.sync_all().map_err(io("syncing a file", &temporary))?;
    Ok(temporary)
}
