//! Every limit of downloads, with its reason.

use std::time::Duration;

/// Without a byte for so long a source is left alone: others are there, or it may come back. Far above
/// any pause of a disk or a radio link that still works.
pub const SILENCE: Duration = Duration::from_secs(5);
/// When the next source is asked for the manifest while the ones before have not answered.
pub const STAGGER: Duration = Duration::from_millis(150);
/// How many sources are asked for the manifest at once.
pub const MAX_PROOFS: usize = 4;
/// The most pieces of one content: a manifest of 32 MiB in memory, a content of 4 TiB.
pub const MAX_PIECES: u32 = 1 << 20;
/// Connections to one source: while a piece of one is checked and written, and another one's request is on its way,
/// the third one's bytes travel. On two cores that do both ends a fourth one brings nothing.
pub const CONNECTIONS_PER_SOURCE: usize = 3;
/// Sources that are known of one content; the tracker's answer is cut to it.
pub const MAX_KNOWN_SOURCES: usize = 256;
/// The most bytes that one request asks for: enough to make its round trip and the pause at its end small. A source
/// that is slow is asked for what it brings in a second at the most.
pub const MAX_RUN_BYTES: u64 = 16 * 1024 * 1024;
/// The bytes of all pieces of all downloads that have arrived and are not written, but for those of one piece.
pub const PIECE_MEMORY_BYTES: u32 = 64 * 1024 * 1024;
/// Threads that hash and write: more only make disks seek.
pub const MAX_WRITERS: usize = 4;
/// Of them for one file: one hashes while the other one writes, and files on other disks have the rest.
pub const MAX_WRITERS_OF_A_FILE: usize = 2;
/// How often a running download asks the tracker for more sources.
pub const SOURCES_EVERY: Duration = Duration::from_secs(5);
/// How long the first pause is after the tracker or a source failed; it doubles up to [`MAX_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest such pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(8);
/// How long a download waits before it tries a full or failing disk again.
pub const DISK_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2_000 });
/// How long at the most where the disk says that it takes something, and then does not: what came is sent in vain.
pub const LONGEST_DISK_PAUSE: Duration = Duration::from_mins(1);
/// The room that a volume must have for a folder's download to go on, if so much is missing: little enough that the
/// last small file still finds its place.
pub const LEAST_ROOM: u64 = 64 * 1024;
/// Written bytes that are synced and marked together at the latest: what a power loss may cost.
pub const CHECKPOINT_BYTES: u64 = 32 * 1024 * 1024;
/// How often they are marked at the latest. Syncing each piece would make the disk the limit.
pub const CHECKPOINT_EVERY: Duration = Duration::from_millis(500);
/// How often a running download measures its rate and looks after its sources.
pub const TICK: Duration = Duration::from_millis(250);
/// Over how long a rate is averaged.
pub const RATE_SPAN: Duration = Duration::from_secs(5);
/// Downloads in the list; the oldest ended ones go first.
pub const MAX_TRANSFERS: usize = 10_000;
/// A download that has waited for so long for a disk or a source lets another one run.
/// Tests do not wait so long.
pub const STALLED_AFTER: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 3_000 });
/// When no file of a folder goes on, its peer is asked again what is in it, so often at the most ...
pub const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(if cfg!(test) { 600 } else { 10_000 });
/// ... and for one part in so many of the time: a list of a million files takes its peer seconds.
pub const LOOK_AGAIN_SHARE: u32 = 20;
/// Downloads that are started and wait, besides those that run: each asks the tracker now and then. Tests have few.
pub const MAX_STALLED: usize = if cfg!(test) { 4 } else { 64 };
/// Files of one folder that is downloaded.
pub const MAX_FOLDER: usize = 1_000_000;
/// The names of its list, and the folders where they are said: less than half of it in a million files with long names.
pub const MAX_LIST_BYTES: usize = 128 * 1024 * 1024;
/// The same as it is kept, where each file says its folder: what is saved can be loaded again. The memory of a download is
/// bounded by it, whatever a peer says.
pub const MAX_KEPT_BYTES: usize = crate::store::folder::MAX_LIST_BYTES;
/// Pages of such a list: several times as many as whole ones would be, so that a peer that gives one entry a page does not
/// go on for days.
pub const MAX_LIST_PAGES: usize = 1024;
/// How long a page may take its peer: a quarter of a mebibyte over the slowest link that is any use.
pub const PAGE_LIMIT: Duration = Duration::from_mins(1);
/// How long the whole list may take.
pub const LIST_LIMIT: Duration = Duration::from_mins(30);
/// How often a peer that has no turn to read a page is asked again for it, a second apart ...
pub const BUSY_TRIES: u32 = 60;
/// ... and one to which the connection broke in the middle of the list.
pub const BROKEN_TRIES: u32 = 5;
/// A file of at most so many bytes is fetched together with others and without a manifest: its hash is the content.
pub const SMALL_BYTES: u64 = crate::net::MAX_SMALL_BYTES;
/// So many bytes of small files are asked for at once at the most, or one file: large enough to hide the round trip,
/// and small enough to be in the processor's cache when they are checked.
pub const SMALL_REQUEST_BYTES: u64 = 256 * 1024;
/// So many at first: twice as many after a quick answer, half as many after a slow one, so that a person sees files
/// come in over a slow link too.
pub const FIRST_REQUEST_BYTES: u64 = 32 * 1024;
/// An answer within so long is quick.
pub const QUICK_ANSWER: Duration = Duration::from_millis(250);
/// One that takes longer is slow.
pub const SLOW_ANSWER: Duration = Duration::from_secs(1);
/// Connections over which small files of a folder come: while a disk reads for one, another one's travel.
pub const SMALL_CONNECTIONS: usize = 4;
/// After so many connections in a row that brought nothing the rest is left to ordinary downloads, which ask everybody.
pub const SMALL_FAILURES: u32 = 3;
/// When the source of small files went, they are tried together again after so long, once one of them came otherwise.
pub const SMALL_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5_000 });
/// So many files of which a source sends something else are only fetched alone: it may be their disk or the list. What
/// sends more is a liar.
pub const MAX_WRONG_FILES: usize = 1;
/// Small files that are synced and named together, or those of [`CHECKPOINT_EVERY`]: a sync costs as much as hundreds of
/// them, and a person wants to see them come.
pub const SMALL_BATCH: usize = 512;
/// So many at the most, on a disk that takes its time to sync: what a crash may cost.
pub const MAX_SMALL_BATCH: usize = 4096;
/// How often the list looks after its order and the disk.
pub const LIST_TICK: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 1_000 });
/// The picture of all downloads changes at most ten times a second.
pub const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// How long a question to the tracker may take.
pub const SEARCH_DEADLINE: Duration = Duration::from_secs(10);
/// Under a limit of speed there are only so many requests that each has so many bytes a second: a source lets go of one
/// that takes nothing for 20 s, and what is received at once is 256 KiB.
pub const LEAST_LANE_SPEED: u64 = 32 * 1024;
/// The least bytes per second of a connection: a source that trickles holds memory as long as a silent one. Low enough
/// for somebody who gives 32 KiB/s to four others.
pub const MIN_BYTES_PER_SECOND: u64 = 4 * 1024;
/// The list of downloads is saved so often at the most ...
pub const SAVE_EVERY: Duration = Duration::from_millis(100);
/// ... and for one part in so many of the time: with ten thousand downloads it has megabytes ...
pub const SAVE_SHARE: u32 = 4;
/// ... but not more seldom than this.
pub const LONGEST_SAVE_PAUSE: Duration = Duration::from_secs(1);
