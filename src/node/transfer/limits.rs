//! Every limit of downloads, with its reason.

use std::time::Duration;

/// Without a byte for so long a source is left alone: others are there, or it may come back. Far above
/// any pause of a disk or a radio link that still works.
pub const SILENCE: Duration = Duration::from_secs(5);
/// When the next source is asked for the manifest while the ones before have not answered.
pub const STAGGER: Duration = Duration::from_millis(500);
/// How many sources are asked for the manifest at once.
pub const MAX_PROOFS: usize = 4;
/// The most pieces of one content: a manifest of 32 MiB in memory, a content of 4 TiB.
pub const MAX_PIECES: u32 = 1 << 20;
/// Connections to one source: while a piece is checked and written, the next one travels.
pub const CONNECTIONS_PER_SOURCE: usize = 2;
/// Sources that are used at once: more do not make a download faster, only smaller in its parts.
pub const MAX_SOURCES: usize = 16;
/// Sources that are known of one content; the tracker's answer is cut to it.
pub const MAX_KNOWN_SOURCES: usize = 256;
/// The most bytes that one request asks for: enough to make its round trip small, little enough to be
/// given back.
pub const MAX_RUN_BYTES: u64 = 4 * 1024 * 1024;
/// The bytes of all pieces of all downloads between arriving and being written.
pub const PIECE_MEMORY_BYTES: u32 = 64 * 1024 * 1024;
/// Threads that hash and write: more only make disks seek.
pub const MAX_WRITERS: usize = 4;
/// How often a running download asks the tracker for more sources.
pub const SOURCES_EVERY: Duration = Duration::from_secs(5);
/// How long the first pause is after the tracker or a source failed; it doubles up to [`MAX_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest such pause.
pub const MAX_PAUSE: Duration = Duration::from_secs(8);
/// How long a download waits before it tries a full disk again.
pub const DISK_PAUSE: Duration = Duration::from_secs(5);
/// How often a running download measures its rate and looks after its sources.
pub const TICK: Duration = Duration::from_millis(250);
/// Over how long a rate is averaged.
pub const RATE_SPAN: Duration = Duration::from_secs(5);
/// Downloads that run at once; the others wait in order.
pub const MAX_RUNNING: usize = 3;
/// Downloads in the list; the oldest ended ones go first.
pub const MAX_TRANSFERS: usize = 1_000;
/// The picture of all downloads changes at most ten times a second.
pub const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// How long a question to the tracker may take.
pub const SEARCH_DEADLINE: Duration = Duration::from_secs(10);
/// The least bytes per second: a source that trickles holds memory as long as a silent one.
pub const MIN_BYTES_PER_SECOND: u64 = 16 * 1024;
