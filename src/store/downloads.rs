//! The list of downloads: what a person asked for, kept across restarts and crashes.
//!
//! Invariant: after a crash or a power loss at any moment the file holds the old list or the new one. A list
//! that cannot be read is put aside, never overwritten; what is downloaded by then stays where it is. Absent on
//! purpose: progress, which is in each partial file's journal.
//!
//! Format 1, UTF-8: the line `cardume downloads 1`, the line `blake3 <64 hexadecimal digits>` (of the first line
//! with its line end and of the body), and the body in JSON.

use super::fault::Disk;
use super::state::replace;
use crate::base::{ContentId, FileName, FolderPath, PeerId};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "transfers";
const FIRST_LINE: &str = "cardume downloads 1\n";
/// The largest list: ten thousand downloads take a few MiB.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedJob {
    /// One content.
    File {
        /// Which.
        content: ContentId,
        /// Under which name; `None`: as a source calls it.
        name: Option<FileName>,
        /// From which peers; empty: from all.
        from: Vec<PeerId>,
        /// With nothing but `transfer_read`.
        via_rpc: bool,
    },
    /// A folder of a peer.
    Folder {
        /// Whose.
        peer: PeerId,
        /// Which.
        folder: FolderPath,
        /// What it is called in the target folder, once that is decided.
        name: Option<FileName>,
    },
}

/// What a person wants of it, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedState {
    /// It is to be downloaded.
    Wanted,
    /// It is to wait.
    Paused,
    /// It is there.
    Finished,
    /// It cannot be.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was cancelled, and what it left is not removed yet.
    Cancelling,
}

/// A download of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedDownload {
    /// Its number.
    pub id: u64,
    /// What.
    pub job: SavedJob,
    /// Into which folder.
    pub to: PathBuf,
    /// What is wanted of it.
    pub state: SavedState,
    /// What it is shown as.
    pub shown_name: String,
    /// Bytes; 0 while that is not known.
    pub size: u64,
    /// Bytes that were there when the list was written.
    pub done: u64,
    /// Seconds that it ran.
    pub seconds: f64,
    /// Where it is, if finished.
    pub path: Option<String>,
    /// The reason's code and what it is about, if it ended so.
    pub reason: (String, String),
}

/// Keeps the list in a profile's folder.
pub struct DownloadStore {
    path: PathBuf,
    disk: Box<dyn Disk>,
}

impl std::fmt::Debug for DownloadStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DownloadStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DownloadStore {
    /// Reads the list in `dir`, which exists. A damaged one is put aside as `transfers.damaged` and said in the
    /// log. Blocks.
    ///
    /// # Errors
    /// If it is there and cannot be read or put aside: it must not be overwritten then.
    pub fn open(dir: &Path, disk: impl Disk + 'static) -> io::Result<(Self, Vec<SavedDownload>)> {
        let mut store = Self { path: dir.join(FILE), disk: Box::new(disk) };
        let bytes = match store.disk.read(&store.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((store, Vec::new())),
            Err(error) => return Err(error),
        };
        if let Some(list) = decode(&bytes) {
            return Ok((store, list));
        }
        let aside = store.path.with_extension("damaged");
        tracing::error!(path = %aside.display(), "the list of downloads is damaged; it is put aside");
        store.disk.rename(&store.path, &aside)?;
        Ok((store, Vec::new()))
    }

    /// Replaces the list. Blocks for the time of two fsyncs; may be tried again after an error.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn save(&mut self, list: &[SavedDownload]) -> io::Result<()> {
        let body: Vec<Body> = list.iter().map(Body::of).collect();
        let body = serde_json::to_string(&body).map_err(io::Error::other)? + "\n";
        let bytes = format!("{FIRST_LINE}blake3 {}\n{body}", checksum(&body));
        replace(self.disk.as_mut(), &self.path, bytes.as_bytes())
    }
}

fn checksum(body: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(FIRST_LINE.as_bytes()).update(body.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn decode(bytes: &[u8]) -> Option<Vec<SavedDownload>> {
    let rest = std::str::from_utf8(bytes).ok()?.strip_prefix(FIRST_LINE)?;
    let (sum, body) = rest.strip_prefix("blake3 ")?.split_once('\n')?;
    if sum != checksum(body) {
        return None;
    }
    let body: Vec<Body> = serde_json::from_str(body).ok()?;
    body.into_iter().map(Body::checked).collect()
}

#[derive(Serialize, Deserialize)]
struct Body {
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    via_rpc: bool,
    to: PathBuf,
    state: SavedState,
    shown_name: String,
    size: u64,
    done: u64,
    seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    reason: (String, String),
}

impl Body {
    fn of(saved: &SavedDownload) -> Self {
        let text = |name: &Option<FileName>| name.as_ref().map(ToString::to_string);
        let mut body = Self {
            id: saved.id,
            content: None,
            folder: None,
            name: None,
            from: Vec::new(),
            via_rpc: false,
            to: saved.to.clone(),
            state: saved.state,
            shown_name: saved.shown_name.clone(),
            size: saved.size,
            done: saved.done,
            seconds: saved.seconds,
            path: saved.path.clone(),
            reason: saved.reason.clone(),
        };
        match &saved.job {
            SavedJob::File { content, name, from, via_rpc } => {
                body.content = Some(content.to_string());
                body.from = from.iter().map(ToString::to_string).collect();
                (body.name, body.via_rpc) = (text(name), *via_rpc);
            }
            SavedJob::Folder { peer, folder, name } => {
                body.folder = Some((peer.to_string(), folder.to_string()));
                body.name = text(name);
            }
        }
        body
    }

    fn checked(self) -> Option<SavedDownload> {
        let name = self.name.as_deref().map(FileName::new).transpose().ok()?;
        let job = match (self.content, self.folder) {
            (Some(content), None) => SavedJob::File {
                content: content.parse().ok()?,
                name,
                from: self.from.iter().map(|peer| peer.parse().ok()).collect::<Option<_>>()?,
                via_rpc: self.via_rpc,
            },
            (None, Some((peer, folder))) => {
                SavedJob::Folder { peer: peer.parse().ok()?, folder: FolderPath::new(&folder).ok()?, name }
            }
            _ => return None,
        };
        Some(SavedDownload {
            id: self.id,
            job,
            to: self.to,
            state: self.state,
            shown_name: self.shown_name,
            size: self.size,
            done: self.done,
            seconds: self.seconds,
            path: self.path,
            reason: self.reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::{PowerLoss, Unsynced, VolatileDisk};
    use super::*;

    fn list(count: u64) -> Vec<SavedDownload> {
        let name = |text: &str| FileName::new(text).expect("a name");
        let job = |id: u64| match id % 2 {
            0 => SavedJob::File {
                content: ContentId::from_bytes([7; 32]),
                name: (id == 0).then(|| name("ü.txt")),
                from: (0..id).map(|_| PeerId::from_bytes([1; 32])).collect(),
                via_rpc: id > 2,
            },
            _ => SavedJob::Folder {
                peer: PeerId::from_bytes([2; 32]),
                folder: FolderPath::new("Music/A").expect("a path"),
                name: Some(name("A (2)")),
            },
        };
        let states = [SavedState::Wanted, SavedState::Paused, SavedState::Finished, SavedState::Failed];
        let saved = |id: u64| SavedDownload {
            id,
            job: job(id),
            to: "/srv/downloads".into(),
            state: states[usize::try_from(id % 4).expect("small")],
            shown_name: format!("file {id}"),
            size: id * 1_000,
            done: id,
            seconds: 1.5,
            path: (id == 2).then(|| "/srv/downloads/file 2".to_owned()),
            reason: ("queued".to_owned(), String::new()),
        };
        (0..count).map(saved).collect()
    }

    fn open(disk: &VolatileDisk) -> (DownloadStore, Vec<SavedDownload>) {
        DownloadStore::open(Path::new("/p"), disk.clone()).expect("readable")
    }

    #[test]
    fn a_list_comes_back_as_it_was() {
        let disk = VolatileDisk::new();
        assert_eq!(open(&disk).1, []);
        for count in [0, 1, 6] {
            open(&disk).0.save(&list(count)).expect("saved");
            assert_eq!(open(&disk).1, list(count));
        }
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_old_list_or_the_new_one() {
        for step in 0..6 {
            for content in [Unsynced::Lost, Unsynced::Torn, Unsynced::Zeroed, Unsynced::Kept] {
                for names_kept in [true, false] {
                    let disk = VolatileDisk::new();
                    let mut store = open(&disk).0;
                    store.save(&list(2)).expect("saved");
                    disk.fail_at(step);
                    let saved = store.save(&list(5));
                    let after = disk.after_power_loss(PowerLoss { content, names_kept });
                    let found = open(&after).1;
                    let expected = [list(2), list(5)];
                    assert!(expected.contains(&found), "step {step}, {content:?}: {found:?}");
                    assert!(saved.is_err() || found == list(5), "what is saved stays");
                }
            }
        }
    }

    #[test]
    fn a_damaged_list_is_put_aside() {
        let disk = VolatileDisk::new();
        open(&disk).0.save(&list(3)).expect("saved");
        let whole = disk.read(Path::new("/p/transfers"), MAX_BYTES).expect("there");
        for length in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[length] ^= 4;
            for bytes in [&whole[..length], &flipped[..]] {
                let disk = VolatileDisk::new();
                disk.put(Path::new("/p/transfers"), bytes);
                assert_eq!(open(&disk).1, [], "byte {length}");
                let aside = disk.read(Path::new("/p/transfers.damaged"), MAX_BYTES).expect("put aside");
                assert_eq!(aside, bytes);
            }
        }
    }
}
