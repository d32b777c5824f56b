//! Small files of a folder from a peer that answers for many at once, honestly or not, beside one that is honest.

use super::waiting::until;
use super::*;
use crate::node::transfer::folder::FolderRequest;
use std::collections::BTreeSet;

const OWNER: u8 = 1;
const HELPER: u8 = 2;

/// What the peer whose folder it is does when it is asked for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Answers,
    /// Two at a time.
    AnswersFew,
    /// Every third file, and all the others.
    Refuses,
    FlipsABit,
    LeavesOutAByte,
    SendsWhatWasNotAsked,
    /// After each answer.
    Closes,
    /// Instead of an answer.
    Breaks,
    /// One file, whenever it comes.
    SpoilsOne,
    /// After the first answer, and is back after some tries.
    StartsAnew,
}

struct Shelf {
    owner: Owner,
    contents: BTreeMap<ContentId, Arc<Vec<u8>>>,
    files: Vec<FolderFile>,
    /// How often it was asked for many, and for one.
    asked: Arc<(AtomicUsize, AtomicUsize)>,
    /// How often it was tried in vain to connect to it.
    knocked: AtomicUsize,
    /// The tracker does not answer.
    is_alone: bool,
}

/// After so many tries it is back.
const KNOCKS: usize = 4;

impl Shelf {
    fn new(owner: Owner) -> Self {
        let mut contents = BTreeMap::new();
        let mut file = |folder: &str, name: String, bytes: Vec<u8>| {
            let content = content_of(&bytes);
            let size = bytes.len() as u64;
            contents.insert(content, Arc::new(bytes));
            let folder = FolderPath::new(folder).expect("a path");
            FolderFile { folder, name: FileName::new(&name).expect("a name"), size, content }
        };
        let mut files: Vec<_> = (0..200_u64)
            .map(|number| {
                let bytes = sample(3_000 + number * 7).iter().map(|byte| byte ^ number as u8).collect();
                file(&format!("Share/week {}", number % 3), format!("take {number}.txt"), bytes)
            })
            .collect();
        files.push(file("Share", "empty".to_owned(), Vec::new()));
        files.push(file("Share", "large".to_owned(), sample(3 * PIECE)));
        Self { owner, contents, files, asked: Arc::default(), knocked: AtomicUsize::new(0), is_alone: false }
    }
}

impl FolderLister for Shelf {
    fn list(
        &self,
        _: PeerId,
        _: FolderPath,
        _: Counted,
    ) -> BoxFuture<'_, Result<Vec<FolderFile>, ListError>> {
        std::future::ready(Ok(self.files.clone())).boxed()
    }
}

impl SourceFinder for Shelf {
    fn sources(&self, content: ContentId) -> BoxFuture<'_, Result<FoundSources, CommandError>> {
        let source = |number: u8| SourceAddress {
            peer: peer(number),
            name: format!("peer-{number}"),
            address: ([127, 0, 0, 1], 1).into(),
            file_name: "x".to_owned(),
        };
        if self.is_alone {
            return pending().boxed();
        }
        let size = self.contents.get(&content).map(|bytes| bytes.len() as u64);
        std::future::ready(Ok(FoundSources { size, sources: [OWNER, HELPER].map(source).into() })).boxed()
    }
}

/// A peer that shares nothing itself.
pub(super) struct NothingHere;

impl SharedContents for NothingHere {
    fn manifest(&self, _: &ContentId) -> Result<(PieceLayout, Arc<Vec<PieceHash>>), ContentError> {
        Err(ContentError::Unknown)
    }

    fn open(&self, _: &ContentId) -> Result<(File, u64), ContentError> {
        Err(ContentError::Unknown)
    }
}

impl Network for Shelf {
    fn manifest(
        &self,
        source: &SourceAddress,
        content: ContentId,
        first: u32,
    ) -> BoxFuture<'static, Result<ManifestPage, Fault>> {
        let answer = if source.peer == peer(OWNER) && self.owner != Owner::Answers {
            Err(Fault::NotShared)
        } else {
            let bytes = &self.contents[&content];
            let layout = PieceLayout::of(bytes.len() as u64).expect("small");
            let first = layout.piece(first).expect("within");
            Ok(ManifestPage { content, layout, first, pieces: hashes(layout, bytes) })
        };
        std::future::ready(answer).boxed()
    }

    fn connect(
        &self,
        source: &SourceAddress,
        content: ContentId,
        _: Way,
    ) -> BoxFuture<'static, Result<Box<dyn Connection>, Fault>> {
        let is_away = self.owner == Owner::StartsAnew && self.asked.0.load(Ordering::Relaxed) > 0;
        if source.peer == peer(OWNER) && is_away && self.knocked.fetch_add(1, Ordering::Relaxed) < KNOCKS {
            return std::future::ready(Err(Fault::Unreachable)).boxed();
        }
        let lane = Lane {
            is_owner: source.peer == peer(OWNER),
            owner: self.owner,
            contents: self.contents.clone(),
            content,
            range: 0..0,
            is_open: true,
            asked: self.asked.clone(),
        };
        std::future::ready(Ok(Box::new(lane) as Box<dyn Connection>)).boxed()
    }
}

struct Lane {
    is_owner: bool,
    owner: Owner,
    contents: BTreeMap<ContentId, Arc<Vec<u8>>>,
    content: ContentId,
    range: Range<u64>,
    is_open: bool,
    asked: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Lane {
    fn answer(&mut self, contents: &[ContentId]) -> Result<Vec<Result<Bytes, Fault>>, Fault> {
        assert!(
            self.is_owner && self.is_open && !contents.is_empty(),
            "only its owner is asked for a folder"
        );
        let whole = |content: &ContentId| Bytes::copy_from_slice(&self.contents[content]);
        let mut found: Vec<_> = contents.iter().map(|content| Ok(whole(content))).collect();
        match self.owner {
            Owner::Answers => {}
            Owner::AnswersFew => found.truncate(2),
            Owner::Refuses => {
                found.iter_mut().step_by(3).for_each(|content| *content = Err(Fault::NotShared));
            }
            Owner::FlipsABit | Owner::LeavesOutAByte => {
                for content in found.iter_mut().flatten().filter(|content| content.len() > 4_000) {
                    let mut bytes = content.to_vec();
                    let last = bytes.pop().expect("not empty");
                    if self.owner == Owner::FlipsABit {
                        bytes.push(last ^ 1);
                    }
                    *content = Bytes::from(bytes);
                }
            }
            Owner::SendsWhatWasNotAsked => found = vec![Ok(Bytes::from_static(b"instead")); contents.len()],
            Owner::Closes => self.is_open = false,
            Owner::Breaks => return Err(Fault::Closed),
            Owner::SpoilsOne => {
                let spoiled = found.iter_mut().flatten().find(|content| content.len() == 3_000);
                if let Some(content) = spoiled {
                    *content = Bytes::from(vec![0; content.len()]);
                }
            }
            Owner::StartsAnew => self.is_open = self.asked.0.load(Ordering::Relaxed) > 4,
        }
        Ok(found)
    }
}

impl Connection for Lane {
    fn is_open(&self) -> bool {
        self.is_open
    }

    fn turn_to(&mut self, content: ContentId) {
        self.content = content;
    }

    fn many<'a>(
        &'a mut self,
        contents: &'a [ContentId],
    ) -> BoxFuture<'a, Result<Vec<Result<Bytes, Fault>>, Fault>> {
        self.asked.0.fetch_add(1, Ordering::Relaxed);
        std::future::ready(self.answer(contents)).boxed()
    }

    fn begin(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<(), Fault>> {
        self.asked.1.fetch_add(1, Ordering::Relaxed);
        self.range = range;
        std::future::ready(Ok(())).boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Bytes, Fault>> {
        let bytes = &self.contents[&self.content][self.range.start as usize..self.range.end as usize];
        self.range.start = self.range.end;
        std::future::ready(Ok(Bytes::copy_from_slice(bytes))).boxed()
    }
}

impl Shelf {
    fn spawn(self: &Arc<Self>) -> TransferHandle {
        spawn(deps(self, watch::channel(Limits::default()).1))
    }
}

/// Downloads the folder; gives how often its owner was asked for many, and how often anybody for one.
async fn download(owner: Owner) -> (usize, usize) {
    let shelf = Arc::new(Shelf::new(owner));
    let transfers = shelf.spawn();
    let to = tempfile::tempdir().expect("a folder");
    let share = FolderPath::new("Share").expect("a path");
    let request = FolderRequest::new(peer(OWNER), share, to.path().to_owned());
    let id = transfers.download_folder(request).await.expect("started");
    let mut seen = transfers.transfers();
    let ended = seen.wait_for(|all| all.iter().any(|it| it.id == id && it.state == "finished"));
    let all = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("in time").expect("runs");
    let shown = Transfer::clone(all.iter().find(|transfer| transfer.id == id).expect("in the list"));
    drop(all);
    let sum = shelf.files.iter().map(|file| file.size).sum::<u64>();
    assert_eq!((shown.size, shown.done), (sum, sum), "{owner:?}");
    assert_eq!(shown.folder.map(|folder| (folder.files, folder.done)), Some((202, 202)), "{owner:?}");
    let target = to.path().join("Share");
    for file in &shelf.files {
        let inner = file.folder.as_str().strip_prefix("Share").expect("in the share").trim_start_matches('/');
        let path = target.join(inner).join(file.name.as_str());
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bytes == *shelf.contents[&file.content], "{owner:?}: {}", path.display());
    }
    let names: BTreeSet<_> =
        std::fs::read_dir(&target).expect("there").map(|it| it.expect("a file").file_name()).collect();
    assert_eq!(names, ["empty", "large", "week 0", "week 1", "week 2"].map(Into::into).into(), "{owner:?}");
    (shelf.asked.0.load(Ordering::Relaxed), shelf.asked.1.load(Ordering::Relaxed))
}

#[tokio::test]
async fn small_files_come_many_in_one_answer() {
    let (many, one) = download(Owner::Answers).await;
    assert!((4..=24).contains(&many), "201 files of some 3,700 bytes: {many}");
    assert!(one <= 12, "only the large one, of which some pieces are raced for: {one}");
    let (many, one) = download(Owner::Closes).await;
    assert!((4..=24).contains(&many) && one <= 12, "a closed connection costs a new one: {many}, {one}");
    let (many, one) = download(Owner::AnswersFew).await;
    assert!(
        (100..=110).contains(&many) && one <= 12,
        "what was not answered is asked for again: {many}, {one}"
    );
}

#[tokio::test]
async fn what_does_not_come_so_comes_one_by_one_from_others() {
    let (many, one) = download(Owner::Refuses).await;
    assert!(many <= 10 && (67..=85).contains(&one), "every third: {many}, {one}");
    for liar in [Owner::FlipsABit, Owner::LeavesOutAByte, Owner::SendsWhatWasNotAsked] {
        let (many, one) = download(liar).await;
        assert!(many <= 4, "{liar:?} is not asked again: {many}");
        assert!((50..=220).contains(&one), "{liar:?}: {one}");
    }
    let (many, one) = download(Owner::Breaks).await;
    assert!(many <= 12 && one >= 200, "after three breaks on a connection it is left alone: {many}, {one}");
}

#[tokio::test]
async fn one_file_that_comes_wrong_comes_alone_and_all_others_together() {
    let (many, one) = download(Owner::SpoilsOne).await;
    assert!(many >= 4 && one <= 15, "{many}, {one}");
}

#[tokio::test]
async fn small_files_come_together_again_when_their_source_is_back() {
    let (many, one) = download(Owner::StartsAnew).await;
    assert!(many >= 4 && one <= 100, "{many}, {one}");
}

#[tokio::test]
async fn a_folder_that_waits_for_the_tracker_can_be_cancelled() {
    let shelf = Arc::new(Shelf { is_alone: true, ..Shelf::new(Owner::Answers) });
    let transfers = shelf.spawn();
    let to = tempfile::tempdir().expect("a folder");
    let share = FolderPath::new("Share").expect("a path");
    let request = FolderRequest::new(peer(OWNER), share, to.path().to_owned());
    let id = transfers.download_folder(request).await.expect("started");
    until(&transfers, id, |it| it.folder.as_ref().is_some_and(|folder| folder.files > 0)).await;
    transfers.cancel(id).await.expect("there");
    until(&transfers, id, |it| it.state == "cancelled").await;
    assert!(std::fs::read_dir(to.path()).expect("there").next().is_none());
}
