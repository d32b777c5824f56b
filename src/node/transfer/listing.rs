//! What is in a folder that is downloaded: asked of its peer page by page, and kept until the disk has it.
//!
//! **Whatever a peer answers, its list ends:** entries, names, pages and time are bounded, and one that goes beyond says so
//! ([`ListError::TooLong`]). A peer is asked for one page at a time, and for the whole list again only after a pause that
//! is long against what the list took.

use super::download::Stop;
use super::folder::{Folder, blocking};
use super::limits::{
    BROKEN_TRIES, BUSY_TRIES, DISK_PAUSE, LEAST_ROOM, LOOK_AGAIN_AFTER, LOOK_AGAIN_SHARE, MAX_FOLDER,
    MAX_KEPT_BYTES, MAX_LIST_BYTES, MAX_LIST_PAGES, MAX_PAUSE,
};
use super::network::{Counted, ListError};
use crate::base::{FolderPath, Natural};
use crate::engine::index::FileEntry;
use crate::engine::transfer::reason::Reason;
use crate::net::Uploads;
use crate::store::folder::{FolderFile, FolderTarget};
use crate::store::partial::ask_folder;
use crate::wire::convert::{MAX_FOLDER_FILES, files_from_wire};
use crate::wire::transfer::FolderPage;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What an entry of a kept list takes besides its name and folder.
const KEPT_ENTRY_BYTES: usize = 128;

/// Why a page does not come.
#[derive(Debug)]
pub(super) enum NoPage {
    /// Its peer has no turn for it now.
    Busy(String),
    /// It cannot be reached, or does not answer.
    Broken(String),
}

/// One page after the other, as `ask` gives the one behind a key. What a busy peer, or a connection that broke, did not
/// give is asked for again from there: a long list would begin anew for ever.
pub(super) async fn gather<F>(
    ask: impl Fn(Option<u64>) -> F,
    counted: &(dyn Fn(usize) + Send + Sync),
) -> Result<Vec<FolderFile>, ListError>
where
    F: Future<Output = Result<FolderPage, NoPage>>,
{
    let mut gathered = Gathered::default();
    let (mut more, mut tries) = (true, 0);
    while more {
        let page = match ask(gathered.last()).await {
            Ok(page) => page,
            Err(NoPage::Busy(_)) if tries < BUSY_TRIES => {
                tries += 1;
                tokio::time::sleep(Uploads::RETRY_AFTER).await;
                continue;
            }
            // One that cannot be reached at all is away.
            Err(NoPage::Broken(_)) if tries < BROKEN_TRIES && gathered.last().is_some() => {
                tries += 1;
                tokio::time::sleep(Uploads::RETRY_AFTER).await;
                continue;
            }
            Err(NoPage::Busy(why) | NoPage::Broken(why)) => return Err(ListError::Away(why)),
        };
        tries = 0;
        if page.files.len() > MAX_FOLDER_FILES {
            return Err(ListError::TooLong(format!("{} files on a page", page.files.len())));
        }
        let entries = files_from_wire(&page.files).map_err(|error| ListError::Away(error.to_string()))?;
        more = gathered.take(entries, page.more)?;
        counted(gathered.entries());
    }
    gathered.finish()
}

/// What has come of a list.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    files: Vec<FolderFile>,
    hashing: usize,
    /// Of names, and of folders where they are said.
    bytes: usize,
    /// Of names and folders as the list is kept, in which each file says its folder.
    kept: usize,
    pages: usize,
    last: Option<u64>,
}

impl Gathered {
    /// How many entries there are.
    pub(super) fn entries(&self) -> usize {
        self.files.len().saturating_add(self.hashing)
    }

    /// The key after which the next page begins.
    pub(super) const fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes a page in. Says whether there is another one.
    pub(super) fn take(&mut self, page: Vec<FileEntry>, more: bool) -> Result<bool, ListError> {
        let too_long = |what: String| Err(ListError::TooLong(what));
        let last = page.last().map(|entry| entry.key);
        if more && last <= self.last {
            return too_long(format!("it does not go on behind {} files", self.entries()));
        }
        self.pages += 1;
        if more && self.pages >= MAX_LIST_PAGES {
            return too_long(format!("more than {MAX_LIST_PAGES} pages"));
        }
        for FileEntry { folder, name, size, content, .. } in page {
            let is_same = self.files.last().is_some_and(|before| before.folder == folder);
            self.bytes += name.as_str().len() + if is_same { 0 } else { folder.as_str().len() };
            if self.entries() >= MAX_FOLDER {
                return too_long(format!("more than {MAX_FOLDER} files"));
            }
            self.kept += name.as_str().len() + folder.as_str().len() + KEPT_ENTRY_BYTES;
            if self.bytes > MAX_LIST_BYTES {
                return too_long(format!("more than {} MiB of names", MAX_LIST_BYTES >> 20));
            }
            if self.kept > MAX_KEPT_BYTES {
                return too_long(format!("more than {} MiB of paths", MAX_KEPT_BYTES >> 20));
            }
            match content {
                Some(content) => self.files.push(FolderFile { folder, name, size, content }),
                None => self.hashing += 1,
            }
        }
        self.last = last.or(self.last);
        Ok(more)
    }

    /// The whole list.
    pub(super) fn finish(self) -> Result<Vec<FolderFile>, ListError> {
        if self.hashing > 0 { Err(ListError::Hashing(self.hashing)) } else { Ok(self.files) }
    }
}

impl Folder {
    /// Whether the disk takes anything: its peer is not asked for what would not find room.
    pub(super) async fn ask_disk(&self) -> Result<(), Stop> {
        let shown = self.progress.shown();
        let left = if shown.size == 0 { LEAST_ROOM } else { shown.size.saturating_sub(shown.done) };
        let request = self.request.clone();
        blocking(move || {
            request.expect_folder()?;
            ask_folder(&request.to, left.min(LEAST_ROOM))
        })
        .await
    }

    /// What is in the folder; what was listed just now is not asked for again because the disk did not take it.
    pub(super) async fn listed(&mut self) -> Result<Arc<Vec<FolderFile>>, Stop> {
        if let Some(listed) = self.listed.clone().filter(|_| Instant::now() < self.look_again_at) {
            return Ok(listed);
        }
        self.progress.state("running", Reason::Listing, "");
        let listed = Arc::new(self.list().await?);
        self.listed = Some(listed.clone());
        Ok(listed)
    }

    /// When to try again what did not go on.
    pub(super) fn try_again_at(&self) -> Instant {
        let soon = Instant::now() + DISK_PAUSE;
        // What is listed costs its peer nothing.
        if self.is_listing_refused { soon.max(self.look_again_at) } else { soon }
    }

    /// What is in the folder now, below it.
    async fn list(&mut self) -> Result<Vec<FolderFile>, Stop> {
        let began = Instant::now();
        let (progress, is_known) = (self.progress.clone(), !self.files.list().is_empty());
        let counted: Counted = Arc::new(move |count| {
            progress.update(|transfer| {
                if let Some(folder) = transfer.folder.as_mut().filter(|_| !is_known) {
                    folder.files = count as u64;
                }
            });
        });
        let listed = self.shared.lister.list(self.request.peer, self.request.folder.clone(), counted).await;
        let took = began.elapsed();
        let least = if is_known { LOOK_AGAIN_AFTER } else { DISK_PAUSE };
        let away = matches!(listed, Err(ListError::Away(_))).then_some(self.list_pause);
        self.list_pause = pause_after(away, took).max(least);
        self.look_again_at = Instant::now() + self.list_pause;
        self.is_listing_refused = true;
        let listed = listed.map_err(|error| match error {
            ListError::Away(why) => Stop::Wait(Reason::SourcesAway, why),
            ListError::Hashing(files) => Stop::Wait(Reason::Hashing, files.to_string()),
            ListError::TooLong(what) => Stop::Failed(Reason::ListTooLong, what),
        })?;
        let outer = self.request.folder.clone();
        let files = tokio::task::spawn_blocking(move || in_order(listed, &outer));
        let files = files.await.map_err(Stop::internal)?;
        if files.is_empty() {
            return Err(Stop::Wait(Reason::FileGone, self.request.folder.to_string()));
        }
        self.is_listing_refused = false;
        Ok(files)
    }

    /// No file goes on: some may have changed at their peer. Those get their new contents.
    pub(super) async fn look_again(&mut self, target: &FolderTarget) -> Result<(), Stop> {
        if Instant::now() < self.look_again_at {
            return Ok(());
        }
        let Ok(now) = self.list().await else {
            // The files may come from others meanwhile.
            self.is_listing_refused = false;
            self.look_again_at = self.look_again_at.max(Instant::now() + LOOK_AGAIN_AFTER);
            return Ok(());
        };
        let replaced = self.files.renew(now);
        target.save_list(self.files.list())?;
        let mut target = target.try_clone()?;
        let removed = blocking(move || replaced.iter().try_for_each(|file| target.remove_partial(file)));
        if let Err(error) = removed.await {
            tracing::warn!(?error, "what there was of files that changed stays");
        }
        Ok(())
    }
}

/// How long its peer is left alone after a list that took so long, or after it was `away`, with the pause before that.
fn pause_after(away: Option<Duration>, took: Duration) -> Duration {
    match away {
        // It costs nobody anything, and who was away may be back at any moment.
        Some(before) => (2 * before).min(MAX_PAUSE),
        None => LOOK_AGAIN_SHARE * took,
    }
}

/// The files below the folder, each once, as a person counts: the first episodes can be looked at first. A list of a
/// million takes a second.
fn in_order(listed: Vec<FolderFile>, outer: &FolderPath) -> Vec<FolderFile> {
    // A folder's files come one after the other: they share its path.
    let mut before: Option<(FolderPath, FolderPath)> = None;
    let inner = |file: FolderFile| {
        let folder = match before.take().filter(|(said, _)| *said == file.folder) {
            Some((_, inner)) => inner,
            None => outer.to_inner(&file.folder)?,
        };
        before = Some((file.folder, folder.clone()));
        Some(FolderFile { folder, ..file })
    };
    let mut files: Vec<FolderFile> = listed.into_iter().filter_map(inner).take(MAX_FOLDER).collect();
    files.sort_by(|a, b| order(a).cmp(&order(b)));
    files.dedup();
    files
}

fn order(file: &FolderFile) -> (Natural<'_>, Natural<'_>) {
    (Natural(file.folder.as_str().as_bytes()), Natural(file.name.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentId, FileName};
    use crate::wire::convert::files_to_wire;
    use std::sync::Mutex;

    fn entry(key: u64, folder: &FolderPath, name: &FileName, is_hashed: bool) -> FileEntry {
        let content = is_hashed.then(|| ContentId::from_bytes([1; 32]));
        FileEntry { key, folder: folder.clone(), name: name.clone(), size: 1, content }
    }

    /// Takes pages of this size, without end; gives how the list ended.
    fn endless(size: u64, name: &str, is_hashed: bool, goes_on: bool) -> (usize, ListError) {
        let (folder, name) =
            (FolderPath::new("Share").expect("a path"), FileName::new(name).expect("a name"));
        let mut gathered = Gathered::default();
        for page in 0.. {
            let first = if goes_on { page * size } else { 7 };
            let entries = (first..first + size).map(|key| entry(key, &folder, &name, is_hashed)).collect();
            match gathered.take(entries, true) {
                Ok(more) => assert!(more),
                Err(error) => return (gathered.entries(), error),
            }
        }
        unreachable!("it ends")
    }

    #[test]
    fn only_a_list_that_came_is_a_reason_for_a_long_pause() {
        let seconds = Duration::from_secs;
        assert_eq!(pause_after(None, seconds(3)), seconds(60));
        let pauses = (0..4).scan(seconds(2), |pause, _| {
            *pause = pause_after(Some(*pause), seconds(300));
            Some(*pause)
        });
        assert_eq!(pauses.collect::<Vec<_>>(), [4, 8, 8, 8].map(seconds));
    }

    #[test]
    fn a_list_that_says_a_long_folder_once_for_many_files_ends() {
        let (outer, name) = ("x".repeat(250), FileName::new("a").expect("a name"));
        let folder = FolderPath::new(&[&*outer; 4].join("/")).expect("a path");
        let mut gathered = Gathered::default();
        let page = |first: u64| (first..first + 4_096).map(|key| entry(key, &folder, &name, true)).collect();
        let error =
            (0..).find_map(|number| gathered.take(page(number * 4_096), true).err()).expect("it ends");
        assert!(matches!(error, ListError::TooLong(_)) && gathered.entries() < MAX_FOLDER, "{error:?}");
        let files = in_order(gathered.finish().expect("so far"), &FolderPath::new(&outer).expect("a path"));
        assert_eq!(files.len(), 1, "each once");
    }

    #[test]
    fn a_list_without_end_ends() {
        let page = MAX_FOLDER_FILES as u64;
        let too_long = |what: &str| ListError::TooLong(what.to_owned());
        assert_eq!(endless(page, "a", true, true), (MAX_FOLDER, too_long("more than 1000000 files")));
        assert_eq!(endless(page, "a", false, true), (MAX_FOLDER, too_long("more than 1000000 files")));
        assert_eq!(endless(1, "a", true, true).1, too_long("more than 1024 pages"));
        assert_eq!(endless(page, "a", true, false).1, too_long("it does not go on behind 4096 files"));
        assert_eq!(endless(0, "a", true, true).1, too_long("it does not go on behind 0 files"));
        let (entries, error) = endless(page, &"a".repeat(255), true, true);
        assert_eq!(error, too_long("more than 128 MiB of names"));
        assert!(entries < MAX_FOLDER, "{entries}");
    }

    #[test]
    fn a_list_is_the_sum_of_its_pages() {
        let (folder, name) = (FolderPath::new("Share").expect("a path"), FileName::new("a").expect("a name"));
        let mut gathered = Gathered::default();
        assert_eq!(gathered.take(vec![entry(3, &folder, &name, true)], true), Ok(true));
        assert_eq!(gathered.last(), Some(3));
        assert_eq!(gathered.take(vec![entry(4, &folder, &name, true)], false), Ok(false));
        assert_eq!(gathered.finish().map(|files| files.len()), Ok(2));
        assert_eq!(Gathered::default().take(Vec::new(), false), Ok(false));
        let mut hashing = Gathered::default();
        assert_eq!(hashing.take(vec![entry(3, &folder, &name, false)], false), Ok(false));
        assert_eq!(hashing.finish(), Err(ListError::Hashing(1)));
    }

    /// Pages of two files each, with what goes wrong before; gives the list, and behind which keys it was asked.
    async fn gathered(
        wrong: Vec<Option<NoPage>>,
    ) -> (Result<usize, ListError>, Vec<Option<u64>>, Vec<usize>) {
        let (wrong, asked) = (Mutex::new(wrong.into_iter()), Mutex::new(Vec::new()));
        let (folder, name) = (FolderPath::new("Share").expect("a path"), FileName::new("a").expect("a name"));
        let page = |after: Option<u64>| {
            asked.lock().expect("nobody panicked").push(after);
            let wrong = wrong.lock().expect("nobody panicked").next().flatten();
            let first = after.map_or(0, |after| after + 1);
            let entries: Vec<_> = (first..first + 2).map(|key| entry(key, &folder, &name, true)).collect();
            let page = FolderPage { files: files_to_wire(&entries), more: first < 4 };
            std::future::ready(wrong.map_or(Ok(page), Err))
        };
        let counts = Mutex::new(Vec::new());
        let files = gather(page, &|count| counts.lock().expect("nobody panicked").push(count)).await;
        let (asked, counts) = (asked.into_inner(), counts.into_inner());
        (files.map(|files| files.len()), asked.expect("nobody panicked"), counts.expect("nobody panicked"))
    }

    #[tokio::test]
    async fn a_page_that_does_not_come_is_asked_for_again_from_there() {
        let (busy, broken) =
            (|| Some(NoPage::Busy("busy".to_owned())), || Some(NoPage::Broken("cut".to_owned())));
        assert_eq!(gathered(vec![]).await, (Ok(6), vec![None, Some(1), Some(3)], vec![2, 4, 6]));
        let asked = vec![None, None, Some(1), Some(1), Some(3)];
        assert_eq!(gathered(vec![busy(), None, broken()]).await, (Ok(6), asked, vec![2, 4, 6]));
        let away = Err(ListError::Away("cut".to_owned()));
        assert_eq!(gathered(vec![broken()]).await, (away, vec![None], vec![]), "it is away");
    }
}
