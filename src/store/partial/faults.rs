//! Faults of the disk that tests ask for, by the folder in which files lie.

use super::PartialError;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next sync takes so long and fails, and the ones after it succeed, as on Linux.
    SyncFails(Duration),
    /// Each reading of a piece takes so long.
    SlowReads(Duration),
    /// Opening a partial file takes until the fault ends.
    HeldOpening,
    /// The volume is full.
    NoRoom,
    /// Partial files may not be opened.
    NoAccess,
    /// Nothing can be written.
    WritesFail,
    /// Past the system's memory only the beginning of a piece is written, then there is this error.
    DirectFails(rustix::io::Errno),
}

static FAULTS: Mutex<Vec<(PathBuf, Fault)>> = Mutex::new(Vec::new());

fn faults() -> MutexGuard<'static, Vec<(PathBuf, Fault)>> {
    FAULTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the files below a folder have this fault from now on.
pub(crate) fn inject(folder: &Path, fault: Fault) {
    let folder = folder.canonicalize().expect("the folder is there");
    faults().push((folder, fault));
}

/// Ends all faults below a folder.
pub(crate) fn heal(folder: &Path) {
    let folder = folder.canonicalize().expect("the folder is there");
    faults().retain(|(of, _)| *of != folder);
}

/// The first fault of this kind that an open file has, if any.
fn find<T>(file: &impl AsRawFd, kind: impl Fn(Fault) -> Option<T>) -> Option<(usize, T)> {
    let path =
        std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("Linux says where it is");
    let all = faults();
    let mut its = all.iter().enumerate().filter(|(_, (folder, _))| path.starts_with(folder));
    its.find_map(|(place, (_, fault))| Some((place, kind(*fault)?)))
}

pub(super) fn at_sync(file: &impl AsRawFd) -> io::Result<()> {
    let found = find(file, |fault| if let Fault::SyncFails(time) = fault { Some(time) } else { None });
    let Some((place, time)) = found else { return Ok(()) };
    faults().remove(place);
    std::thread::sleep(time);
    Err(io::Error::from(rustix::io::Errno::IO))
}

pub(super) fn at_direct(file: &impl AsRawFd) -> Option<rustix::io::Errno> {
    find(file, |fault| if let Fault::DirectFails(error) = fault { Some(error) } else { None })
        .map(|(_, error)| error)
}

pub(super) fn at_read(file: &impl AsRawFd) {
    let found = find(file, |fault| if let Fault::SlowReads(time) = fault { Some(time) } else { None });
    if let Some((_, time)) = found {
        std::thread::sleep(time);
    }
}

pub(super) fn at_open(folder: &impl AsRawFd) {
    // Not for ever: a test that failed ends too.
    let mut patience = 0..20_000;
    let is_held = || find(folder, |fault| (fault == Fault::HeldOpening).then_some(())).is_some();
    while is_held() && patience.next().is_some() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub(super) fn expect_access(hidden: &impl AsRawFd) -> io::Result<()> {
    refuse(hidden, Fault::NoAccess, rustix::io::Errno::ACCESS)
}

pub(super) fn at_write(file: &impl AsRawFd) -> io::Result<()> {
    refuse(file, Fault::WritesFail, rustix::io::Errno::IO)
}

fn refuse(on: &impl AsRawFd, kind: Fault, error: rustix::io::Errno) -> io::Result<()> {
    let found = find(on, |fault| (fault == kind).then_some(()));
    found.map_or(Ok(()), |_| Err(error.into()))
}

pub(super) fn expect_room(on: &impl AsRawFd) -> Result<(), PartialError> {
    let found = find(on, |fault| (fault == Fault::NoRoom).then_some(()));
    found.map_or(Ok(()), |_| Err(PartialError::DiskFull))
}
