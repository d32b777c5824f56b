//! Made-up pictures of a group, and a peer that answers from them: for tests without a network.

mod browse;

use cardume::base::FileKind;
use cardume::node::{Command, CommandError, Direction, Page, Reply, SortKey, View};
use cardume::wire::check::{CheckReport, CheckTest, Verdict};
use cardume::wire::codes::Code;
use cardume::wire::control::{
    BarRun, EventRecord, IndexState, Lateness, LibraryState, Limits, MemberNote, MemberState, NamesState,
    PeerRef, Quorum, Share, Status, Transfer, TransferSource,
};
use cardume::wire::index::{Complete, Facet, Found, SearchAnswer, Source};
use cardume::wire::library::{Finding, Inspection, SkippedFile};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The id of the peer with this number, from 1.
pub(crate) fn peer_id(number: u64) -> String {
    format!("{number:064x}")
}

/// The content with this number.
pub(crate) fn content(number: u64) -> String {
    format!("{:064x}", 0xc0_0000 + number)
}

fn peer_ref(number: u64) -> PeerRef {
    PeerRef {
        name: format!("peer-{number}"),
        peer_id: peer_id(number),
        uri: format!("wss://127.0.0.1:{}/", 40_000 + number),
    }
}

/// A peer that has just started: nobody is there.
pub(crate) fn empty_view() -> View {
    let status = Status {
        profile: "peer-1".to_owned(),
        pid: 4_211,
        peer_id: peer_id(1),
        name: "peer-1".to_owned(),
        role: "outside".to_owned(),
        epoch: 0,
        tracker: None,
        quorum: Quorum { voters: 5, reachable: 2, needed: 3 },
        names: NamesState {
            uri: "ws://127.0.0.1:7700/".to_owned(),
            reachable: false,
            ..NamesState::default()
        },
        index: IndexState { files: 0, complete: Complete { have: 0, of: 0 }, revision: 0 },
        library: LibraryState::default(),
        rate_down: 0,
        rate_up: 0,
        heartbeat_lateness: Lateness::default(),
        counters: BTreeMap::new(),
        voting: "works".to_owned(),
        moved_to: None,
        notice: "2 of 5 peers here, 3 needed".to_owned(),
    };
    View {
        status: Arc::new(status),
        members: Arc::new(Vec::new()),
        shares: Arc::new(Vec::new()),
        transfers: Arc::new(Vec::new()),
        limits: Limits::default(),
        uploads: Arc::default(),
        events: Arc::new(Vec::new()),
        trace: Arc::default(),
        download_folder: "/srv/downloads".into(),
    }
}

/// A group of five at work, peer-2 its tracker.
pub(crate) fn typical_view() -> View {
    let counters = [("elections_started", 1), ("heartbeats_received", 48_190), ("needless_elections", 0)];
    let status = Status {
        role: "follower".to_owned(),
        epoch: 7,
        tracker: Some(peer_ref(2)),
        quorum: Quorum { voters: 5, reachable: 5, needed: 3 },
        names: NamesState {
            uri: "ws://127.0.0.1:7700/".to_owned(),
            reachable: true,
            ..NamesState::default()
        },
        index: IndexState { files: 4_819, complete: Complete { have: 5, of: 5 }, revision: 0 },
        library: LibraryState {
            files: 1_204,
            bytes: 8_120_000_000,
            hashing: 80,
            hashing_rate: 90_000_000,
            unwatched: 12,
            hints_lost: 0,
            rescan_seconds: 95,
        },
        rate_down: 38_000_000,
        rate_up: 2_000_000,
        counters: counters.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        voting: "works".to_owned(),
        moved_to: None,
        notice: String::new(),
        ..Status::clone(&empty_view().status)
    };
    View {
        status: Arc::new(status),
        members: Arc::new((1..=5).map(member).collect()),
        shares: Arc::new(shares()),
        transfers: Arc::new(transfers().into_iter().map(Arc::new).collect()),
        limits: Limits::default(),
        uploads: Arc::default(),
        events: Arc::new(events()),
        trace: Arc::default(),
        download_folder: "/srv/downloads".into(),
    }
}

fn member(number: u64) -> MemberState {
    MemberState {
        peer: peer_ref(number),
        voter: true,
        tracker: number == 2,
        me: number == 1,
        connected: number != 5 && number != 1,
        cut: false,
        note: (number != 5).then(|| MemberNote {
            role: if number == 2 { "tracker" } else { "follower" }.to_owned(),
            epoch: 7,
            files: 1_204 / number,
            version: "0.1.0".to_owned(),
        }),
        last_contact_millis: Some(if number == 5 { 72_000 } else { 40 }),
    }
}

fn shares() -> Vec<Share> {
    let share = |path: &str, files, bytes, hashing, skipped, problem: Option<&str>| Share {
        path: path.to_owned(),
        files,
        bytes,
        hashing,
        hashing_bytes: hashing * 12_000_000,
        seconds_left: (hashing > 0).then_some(10),
        paused: false,
        walking: false,
        unwatched: if skipped > 0 { 12 } else { 0 },
        skipped,
        skips: skips(skipped),
        problem: problem.map(str::to_owned),
        problem_kind: problem.map(|_| "gone".to_owned()),
    };
    let away = Some("the folder cannot be read: No such file or directory (os error 2)");
    vec![
        share("/srv/music", 1_204, 8_120_000_000, 80, 0, None),
        share("/srv/photos of the excursion to the sea", 312, 1_950_000_000, 0, 3, None),
        share("/media/stick", 0, 0, 0, 0, away),
    ]
}

/// Skipped entries of two kinds, and as many hidden ones.
fn skips(count: u64) -> BTreeMap<String, u64> {
    let kinds = [("hidden", count), ("link", count.saturating_sub(1)), ("unreadable", count.min(1))];
    kinds.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.to_owned(), count)).collect()
}

/// What is in a folder: harmless, or with keys in it.
pub(crate) fn inspection(path: &str, risky: Risky) -> Inspection {
    let finding =
        |name: &str, kind: &str, shared| Finding { name: name.to_owned(), kind: kind.to_owned(), shared };
    let mut found = Inspection {
        path: path.to_owned(),
        files: 1_204,
        bytes: 8_120_000_000,
        whole: true,
        place: "ordinary".to_owned(),
        hidden: 0,
        findings: Vec::new(),
    };
    if risky == Risky::Yes {
        found.place = "home".to_owned();
        found.hidden = 41;
        found.whole = false;
        found.findings = vec![
            finding("work/a project with a long name/deploy/server.pem", "key", true),
            finding(".ssh", "key", false),
            finding(".cache", "hidden", false),
        ];
    }
    found
}

/// Whether a made-up folder is one that nobody means to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risky {
    No,
    Yes,
}

/// A download in the given state.
pub(crate) fn transfer(id: u64, name: &str, state: &str) -> Transfer {
    let source = |number: u64, bytes| TransferSource {
        peer: peer_id(number),
        name: format!("peer-{number}"),
        bytes,
        rate: if state == "running" { 6_200_000 } else { 0 },
        state: "active".to_owned(),
        fault: None,
        dropped: None,
    };
    let done = if state == "finished" { 64_000_000 } else { 25_600_000 };
    Transfer {
        id,
        content: content(id),
        name: name.to_owned(),
        size: 64_000_000,
        done,
        rate: if state == "running" { 12_400_000 } else { 0 },
        state: state.to_owned(),
        detail: if state == "failed" { "no source left".to_owned() } else { String::new() },
        path: (state == "finished").then(|| format!("/srv/downloads/{name}")),
        seconds: 2.4,
        sources: vec![source(3, done / 2), source(4, done / 2)],
        pieces: if state == "running" { pieces() } else { Vec::new() },
        ..Transfer::default()
    }
}

/// The pieces of a running download.
fn pieces() -> Vec<BarRun> {
    let run = |parts, state: &str, source| BarRun { parts, state: state.to_owned(), source };
    vec![
        run(100, "here", Some(0)),
        run(20, "here", Some(1)),
        run(40, "here", Some(0)),
        run(8, "in_flight", Some(1)),
        run(8, "in_flight", Some(0)),
        run(300, "missing", None),
        run(12, "here", None),
    ]
}

fn transfers() -> Vec<Transfer> {
    vec![
        transfer(3, "lecture 04 - elections and quorums.mp4", "running"),
        transfer(
            9,
            "a name that is so long that it has to be cut somewhere, because no window is wide enough for all of its words, not even this one.tar.gz",
            "waiting",
        ),
        transfer(2, "slides.pdf", "finished"),
        transfer(8, "notes.txt", "failed"),
        transfer(7, "old.iso", "cancelled"),
    ]
}

/// An event with everything in it.
pub(crate) fn event(seq: u64, kind: &str, epoch: Option<u64>, peer: &str, detail: &str) -> EventRecord {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    EventRecord {
        seq,
        unix_millis: 1_790_000_000_000 + seq * 171,
        kind: kind.to_owned(),
        epoch,
        peer: text(peer),
        detail: text(detail),
    }
}

fn events() -> Vec<EventRecord> {
    vec![
        event(1, "names_reachable", None, "", ""),
        event(2, "timer_expired", Some(6), "", ""),
        event(3, "pre_vote_started", Some(7), "", ""),
        event(4, "vote_given", Some(7), "peer-2", ""),
        event(5, "tracker_elected", Some(7), "peer-2", ""),
        event(6, "share_added", None, "", "/srv/music"),
        event(7, "download_finished", None, "", "slides.pdf"),
        event(8, "of_the_future", None, "peer-3", "something new"),
    ]
}

/// The result with this number, held by these peers.
pub(crate) fn found(number: u64, name: &str, holders: &[u64]) -> Found {
    let source = |holder: &u64| Source {
        peer: peer_id(*holder),
        peer_name: format!("peer-{holder}"),
        folder: format!("share of peer-{holder}/course"),
        name: if *holder == 4 { format!("copy of {name}") } else { name.to_owned() },
        uri: peer_ref(*holder).uri,
    };
    Found {
        content: Some(content(number)),
        name: name.to_owned(),
        size: 64_000_000 / (number + 1),
        sources: holders.iter().map(source).collect(),
    }
}

/// A few results of every sort.
pub(crate) fn results() -> Vec<Found> {
    let mut results = vec![
        found(1, "holiday by the sea.jpg", &[3]),
        found(2, "slides.pdf", &[2, 4]),
        found(3, "lecture 04 - elections and quorums.mp4", &[1, 3, 4]),
        found(5, "ação e coração – canções.flac", &[2, 3, 4, 5]),
        found(
            6,
            "a name that is so long that it has to be cut somewhere, because no window is wide enough for all of its words, not even this one.tar.gz",
            &[2, 3],
        ),
        found(9, "being-hashed.bin", &[5]),
    ];
    if let Some(last) = results.last_mut() {
        last.content = None;
    }
    results
}

/// As many results.
pub(crate) fn many_results(count: u64) -> Vec<Found> {
    (0..count).map(|number| found(number, &format!("file {number:06}.bin"), &[2 + number % 4])).collect()
}

/// Looks at a made-up folder: `nowhere` is none, and a `home` is risky.
fn inspect(path: &Path) -> Result<Reply, CommandError> {
    if path.ends_with("nowhere") {
        let message = "no such folder. Check the path".to_owned();
        return Err(CommandError::new(Code::NotFound as i32, message));
    }
    let risky = if path.ends_with("home") { Risky::Yes } else { Risky::No };
    Ok(Reply::Inspection(inspection(&path.display().to_string(), risky)))
}

/// What a connection check found: one test for each of these.
pub(crate) fn check_report(findings: &[(&str, &str, Verdict)]) -> CheckReport {
    let one = |(test, finding, verdict): &(&str, &str, Verdict)| {
        let is_bad = matches!(verdict, Verdict::Warning | Verdict::Failed);
        CheckTest {
            test: (*test).to_owned(),
            about: "peer-5".to_owned(),
            verdict: *verdict,
            finding: (*finding).to_owned(),
            detail: "refused".to_owned(),
            figures: [("rtt_micros", 430), ("epoch", 7), ("port", 40_001), ("election_port", 40_002)]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            message: format!("{test} {finding} of peer-5"),
            advice: if is_bad { format!("mend {test}") } else { String::new() },
        }
    };
    CheckReport {
        unix_millis: 1_790_000_000_000,
        took_millis: 41,
        version: "0.1.0".to_owned(),
        tests: findings.iter().map(one).collect(),
    }
}

/// One test of each sort, with its sentences.
fn usual_check() -> CheckReport {
    let cases = [
        ("names", "answers", Verdict::Passed),
        ("peer", "no_way_there", Verdict::Failed),
        ("address", "other", Verdict::Warning),
        ("clock", "together", Verdict::Passed),
    ];
    let mut report = check_report(&cases);
    let words = [
        ("The name service answers in 0.4 ms", ""),
        ("peer-5: no connection from here to there: refused", "Check that peer-5 runs, and its firewall"),
        ("Others see this peer at 192.0.2.7, but it says 127.0.0.1", "Start this peer with --listen"),
        ("The clocks differ by at most 1.0 ms", ""),
    ];
    for (test, (message, advice)) in report.tests.iter_mut().zip(words) {
        (test.message, test.advice) = (message.to_owned(), advice.to_owned());
    }
    report
}

/// Whether a result fits: words, and of the operators those that tests use.
fn fits(found: &Found, words: &str) -> bool {
    words.split_whitespace().all(|word| match word.split_once(':') {
        Some(("type", kind)) => FileKind::of_name(&found.name).name() == kind,
        Some(("peer", name)) => found.sources.iter().any(|source| source.peer_name == name.trim_matches('"')),
        Some(("cardume", link)) => {
            found.content.as_ref().is_some_and(|content| link.contains(&format!("h={content}")))
        }
        _ => found.name.contains(word.trim_matches('"')) || found.content.as_deref() == Some(word),
    })
}

fn facets(results: &[&Found]) -> Vec<Facet> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for found in results {
        *counts.entry(format!("type:{}", FileKind::of_name(&found.name).name())).or_default() += 1;
        let size = if found.size < 10_000_000 { "size:1M..10M" } else { "size:10M..100M" };
        *counts.entry(size.to_owned()).or_default() += 1;
        for source in &found.sources {
            *counts.entry(format!("peer:{}", source.peer_name)).or_default() += 1;
        }
    }
    counts.into_iter().map(|(term, count)| Facet { term, count }).collect()
}

/// A peer that is none: it publishes the pictures that it is given and answers searches from a list.
#[derive(Clone, Debug)]
pub(crate) struct FakePeer {
    view: Arc<watch::Sender<Arc<View>>>,
    results: Arc<Mutex<Vec<Found>>>,
    commands: Arc<Mutex<Vec<Command>>>,
}

impl FakePeer {
    /// With this picture and these files in its group.
    pub(crate) fn new(view: View, results: Vec<Found>) -> Self {
        let (view, _) = watch::channel(Arc::new(view));
        Self { view: Arc::new(view), results: Arc::new(Mutex::new(results)), commands: Arc::default() }
    }

    /// Publishes another picture.
    pub(crate) fn publish(&self, view: View) {
        self.view.send_replace(Arc::new(view));
    }

    /// From now on these files are in its group.
    pub(crate) fn set_results(&self, results: Vec<Found>) {
        *self.results.lock().unwrap_or_else(PoisonError::into_inner) = results;
    }

    /// The pictures.
    pub(crate) fn pictures(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// What it was told to do, searches and watching aside.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers a command.
    pub(crate) fn answer(&self, command: Command) -> Result<Reply, CommandError> {
        if let Command::Search { words, page } = &command {
            return self.search(words, *page);
        }
        if let Command::Browse { peer, folder, ask } = &command {
            let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            return browse::browse(&self.view.borrow(), &results, *peer, folder, ask);
        }
        if let Command::Watch(_) = command {
            return Ok(Reply::Done);
        }
        if let Command::Inspect(path) = &command {
            return inspect(path);
        }
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command.clone());
        match command {
            Command::Download { .. } => Ok(Reply::Transfer(1)),
            Command::Check => Ok(Reply::Check(usual_check())),
            Command::Rename(name) if name.ends_with("taken") || name.starts_with("taken") => {
                Err(CommandError::new(Code::NameTaken as i32, "The name belongs to another peer"))
            }
            Command::Skipped(path) => Ok(Reply::Skipped(vec![SkippedFile {
                path: path.join("to the sea").display().to_string(),
                kind: "link".to_owned(),
                reason: "it is a link".to_owned(),
            }])),
            _ => Ok(Reply::Done),
        }
    }

    fn search(&self, words: &str, page: Page) -> Result<Reply, CommandError> {
        let status = self.view.borrow().status.clone();
        if status.tracker.is_none() {
            return Err(CommandError::new(Code::NoTracker as i32, "no tracker".to_owned()));
        }
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fits: Vec<&Found> = results.iter().filter(|found| fits(found, words)).collect();
        match page.sort.key {
            SortKey::Name => fits.sort_by(|a, b| a.name.cmp(&b.name)),
            SortKey::Size => fits.sort_by_key(|found| found.size),
            SortKey::Relevance | SortKey::Sources | SortKey::Type => {}
        }
        if page.sort.direction == Direction::Descending {
            fits.reverse();
        }
        let (offset, limit) = (usize::try_from(page.offset).unwrap_or(usize::MAX), page.limit as usize);
        Ok(Reply::Search(SearchAnswer {
            epoch: status.epoch,
            complete: status.index.complete,
            total: u64::try_from(fits.len()).unwrap_or(u64::MAX),
            facets: facets(&fits),
            results: fits.into_iter().skip(offset).take(limit).cloned().collect(),
        }))
    }
}
