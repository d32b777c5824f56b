//! The connection check: tests every link in both directions and what else may stand in the way, and says
//! which one fails.
//!
//! Invariant: it takes a bounded time, changes nothing, and never runs on the timing thread.
//! Deliberately absent: mending; every finding that is not good has an advice for a person.

use super::address_book::Addresses;
use super::check_text::{FINDINGS, advice, message};
use super::clock::{monotonic, unix_millis};
use super::config::Home;
use super::group_state::GroupState;
use super::rhythm::Rhythm;
use crate::base::{PeerId, PeerName};
use crate::engine::election::Roster;
use crate::net::names_link::NamesLink;
use crate::net::peer_link::PeerLinks;
use crate::net::{Identity, belongs_to_others};
use crate::store::Library;
use crate::wire::check::{CheckReport, CheckTest, Verdict};
use crate::wire::control::NamesState;
use crate::wire::group::{GroupClient, Heartbeats, Pong};
use futures_util::future::join_all;
use jsonrpsee::core::ClientError;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a connection may take to be there.
const CONNECT_DEADLINE: Duration = Duration::from_millis(1_500);
/// How long an answer may take.
const PING_DEADLINE: Duration = Duration::from_secs(1);
/// How often each peer is asked: the shortest answer is the way, the others were waiting.
const PINGS: usize = 5;
/// Fewer heartbeats than this say nothing about their rhythm: two seconds.
const FEW_HEARTBEATS: u32 = 20;
/// Heartbeats that come later than this let the shortest timer (150 ms) run out.
const UNEVEN: Duration = Duration::from_millis(150);
/// Clocks that differ by more are told.
const CLOCKS_APART: Duration = Duration::from_secs(2);
/// Less free space than this is little ...
const LITTLE_SPACE: u64 = 1 << 30;
/// ... and less than this is none.
const NO_SPACE: u64 = 64 << 20;

/// What the check looks at. Cheap to clone.
#[derive(Clone)]
pub(super) struct Checker {
    pub(super) name: watch::Receiver<PeerName>,
    pub(super) here: Addresses,
    pub(super) home: Home,
    pub(super) names: NamesLink,
    pub(super) names_state: watch::Receiver<NamesState>,
    pub(super) names_address: Option<SocketAddr>,
    pub(super) identity: Identity,
    pub(super) links: PeerLinks,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) roster: watch::Receiver<Option<Arc<Roster>>>,
    pub(super) rhythm: Rhythm,
    pub(super) downloads: watch::Receiver<PathBuf>,
    pub(super) library: Arc<Library>,
}

/// What another peer said.
struct Answered {
    name: String,
    pong: Pong,
    rtt_micros: u64,
    /// How far its clock is from this one's.
    clock_millis: u64,
}

impl Checker {
    /// Makes all tests.
    pub(super) async fn check(&self) -> CheckReport {
        let begun = monotonic();
        let group = self.group.borrow().clone();
        let others = group.members.iter().filter(|(peer, _)| **peer != group.me);
        let asked = others.map(|(peer, member)| self.peer(&group, *peer, member.name.as_str()));
        let (names, peers) = tokio::join!(self.names(), join_all(asked));
        let (peers, answers): (Vec<CheckTest>, Vec<Option<Answered>>) = peers.into_iter().unzip();
        let answers: Vec<Answered> = answers.into_iter().flatten().collect();
        let mut tests = vec![names, self.tracker(&group), self.address(&answers)];
        tests.extend(peers);
        tests.extend(self.rhythms(&group, &answers));
        tests.extend(versions(&answers));
        tests.extend(clocks(&answers));
        tests.extend(self.computer().await);
        for test in &mut tests {
            test.message = message(test);
            test.advice = advice(test);
        }
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        CheckReport { unix_millis: unix_millis(), took_millis: took, version, tests }
    }

    async fn names(&self) -> CheckTest {
        let state = self.names_state.borrow().clone();
        let address = self.names_address.map(|address| address.to_string()).unwrap_or_default();
        let uri = if state.uri.is_empty() { address } else { state.uri };
        let begun = monotonic();
        let answered = self.names.ping().await;
        let rtt = micros(begun.elapsed());
        match (answered, state.refused) {
            (Err(_), _) => {
                let others = match self.names_address {
                    Some(address) => belongs_to_others(&self.identity, address).await,
                    None => false,
                };
                let silent = test("names", "silent", &uri).detail(self.home.names_origin());
                silent.with("others", u64::from(others))
            }
            (Ok(_), Some(why)) => {
                let code = state.refused_code.and_then(|code| u64::try_from(code).ok()).unwrap_or_default();
                test("names", "name_refused", &uri).detail(why).with("code", code)
            }
            (Ok(_), None) => {
                test("names", "answers", &uri).detail(self.home.names_origin()).with("rtt_micros", rtt)
            }
        }
    }

    fn tracker(&self, group: &GroupState) -> CheckTest {
        if group.members.is_empty() {
            return test("tracker", "outside", "");
        }
        if let Some(tracker) = group.tracker {
            let name = group.members.get(&tracker).map(|member| member.name.to_string());
            let name = name.unwrap_or_else(|| tracker.short());
            return test("tracker", "known", &name).with("epoch", group.epoch.number());
        }
        let voters = group.members.values().filter(|member| member.voter);
        let reachable = voters.clone().filter(|member| member.reachable).count() as u64;
        let needed = self.roster.borrow().as_ref().map_or(1, |roster| roster.quorum()) as u64;
        let finding = if reachable < needed { "no_quorum" } else { "electing" };
        let found = test("tracker", finding, "").with("reachable", reachable);
        found.with("voters", voters.count() as u64).with("needed", needed)
    }

    fn address(&self, answers: &[Answered]) -> CheckTest {
        let own = self.here.uri.address().ip();
        let mut seen = answers.iter().filter_map(|it| it.pong.address.parse::<SocketAddr>().ok());
        let other = seen.clone().find(|seen| seen.ip() != own);
        match (other, seen.next()) {
            (Some(other), _) => test("address", "other", &own.to_string()).detail(other.ip().to_string()),
            (None, None) => test("address", "unknown", &own.to_string()),
            (None, Some(_)) if own.is_loopback() => test("address", "this_machine", &own.to_string()),
            (None, Some(_)) => test("address", "seen", &own.to_string()).detail(own.to_string()),
        }
    }

    /// The ways to a peer and back.
    async fn peer(&self, group: &GroupState, peer: PeerId, name: &str) -> (CheckTest, Option<Answered>) {
        let found = |finding: &str| {
            let (general, election) =
                (self.here.uri.address().port(), self.here.election_uri.address().port());
            test("peer", finding, name).with("port", general.into()).with("election_port", election.into())
        };
        let client = match self.links.connected(peer, CONNECT_DEADLINE).await {
            Ok(client) => client,
            Err(error) => return (found("no_way_there").detail(error.to_string()), None),
        };
        let answered = match ask(client.as_ref(), name).await {
            Ok(answered) => answered,
            Err((finding, why)) => return (found(finding).detail(why), None),
        };
        let there = group.members.get(&peer).is_some_and(|member| member.reachable);
        let back = answered.pong.election_linked.unwrap_or(true);
        let tested = match (answered.pong.linked, there, back) {
            (false, ..) => found("no_way_back"),
            (true, true, true) => found("both_ways"),
            (true, true, false) => found("election_cut").detail("back"),
            (true, false, true) => found("election_cut").detail("there"),
            (true, false, false) => found("election_cut").detail("both"),
        };
        (tested.with("rtt_micros", answered.rtt_micros), Some(answered))
    }

    /// How regularly each follower hears the tracker.
    fn rhythms(&self, group: &GroupState, answers: &[Answered]) -> Vec<CheckTest> {
        let tracker = group.tracker.map(|tracker| tracker.to_string());
        let mine = (tracker.is_some() && !group.is_tracker())
            .then(|| rhythm(self.name.borrow().as_str(), self.rhythm.picture()));
        let same = answers.iter().filter(|it| tracker.is_some() && it.pong.tracker == tracker);
        let followers = same.filter(|it| it.pong.heartbeats.is_some());
        mine.into_iter().chain(followers.map(|it| rhythm(&it.name, it.pong.heartbeats))).collect()
    }

    /// What this computer has: space for downloads, watches for folders.
    async fn computer(&self) -> Vec<CheckTest> {
        let folder = self.downloads.borrow().clone();
        let library = Arc::clone(&self.library);
        let looked = tokio::task::spawn_blocking(move || {
            let mut tests = vec![disk(&folder)];
            tests.extend(watches(&library));
            tests
        });
        looked.await.unwrap_or_default()
    }
}

/// Asks a peer some times. The error is a finding with what was said.
async fn ask(client: &impl GroupClient, name: &str) -> Result<Answered, (&'static str, String)> {
    let mut best: Option<Answered> = None;
    for _ in 0..PINGS {
        let (begun, clock) = (monotonic(), unix_millis());
        let pong = match tokio::time::timeout(PING_DEADLINE, client.ping()).await {
            Ok(Ok(pong)) => pong,
            Ok(Err(ClientError::Call(error))) => return Err(("refused", error.message().to_owned())),
            Ok(Err(error)) => return Err(("no_answer", error.to_string())),
            Err(_) => return Err(("no_answer", format!("nothing within {PING_DEADLINE:?}"))),
        };
        let rtt = begun.elapsed();
        let middle = clock + u64::try_from(rtt.as_millis()).unwrap_or(0) / 2;
        let clock_millis = pong.unix_millis.abs_diff(middle);
        let answered = Answered { name: name.to_owned(), pong, rtt_micros: micros(rtt), clock_millis };
        if best.as_ref().is_none_or(|best| answered.rtt_micros < best.rtt_micros) {
            best = Some(answered);
        }
    }
    best.ok_or(("no_answer", String::new()))
}

fn rhythm(name: &str, heard: Option<Heartbeats>) -> CheckTest {
    let Some(heard) = heard.filter(|heard| heard.count >= FEW_HEARTBEATS) else {
        return test("rhythm", "few", name);
    };
    let late = u64::from(heard.p99_micros) > micros(UNEVEN);
    let found = test("rhythm", if late { "uneven" } else { "steady" }, name);
    let figures = [
        ("p50_micros", heard.p50_micros),
        ("p99_micros", heard.p99_micros),
        ("longest_micros", heard.longest_micros),
        ("count", heard.count),
    ];
    figures.into_iter().fold(found, |found, (figure, value)| found.with(figure, value.into()))
}

fn versions(answers: &[Answered]) -> Vec<CheckTest> {
    let mine = env!("CARGO_PKG_VERSION");
    let others = answers.iter().filter(|it| it.pong.version != mine);
    let different: Vec<CheckTest> =
        others.map(|it| test("version", "different", &it.name).detail(it.pong.version.as_str())).collect();
    if different.is_empty() { vec![test("version", "same", "").detail(mine)] } else { different }
}

fn clocks(answers: &[Answered]) -> Vec<CheckTest> {
    let Some(most) = answers.iter().map(|it| it.clock_millis).max() else { return Vec::new() };
    let limit = u64::try_from(CLOCKS_APART.as_millis()).unwrap_or(u64::MAX);
    if most <= limit {
        return vec![test("clock", "together", "").with("micros", most * 1_000)];
    }
    let apart = answers.iter().filter(|it| it.clock_millis > limit);
    apart
        .map(|it| test("clock", "apart", &it.name).with("micros", it.clock_millis.saturating_mul(1_000)))
        .collect()
}

fn disk(folder: &Path) -> CheckTest {
    let shown = folder.display().to_string();
    // A folder that is made with the first download: its place counts.
    let Some(place) = folder.ancestors().find(|place| place.exists()) else {
        return test("disk", "not_writable", &shown).detail("there is no such place");
    };
    if let Err(error) = rustix::fs::access(place, rustix::fs::Access::WRITE_OK) {
        return test("disk", "not_writable", &shown).detail(error.to_string());
    }
    match rustix::fs::statvfs(place) {
        Ok(state) => {
            let free = state.f_bavail.saturating_mul(state.f_frsize);
            let finding = match free {
                0..NO_SPACE => "full",
                NO_SPACE..LITTLE_SPACE => "little",
                _ => "room",
            };
            test("disk", finding, &shown).with("free_bytes", free)
        }
        Err(error) => test("disk", "not_writable", &shown).detail(error.to_string()),
    }
}

/// Only Linux has a limit that people meet.
fn watches(library: &Library) -> Option<CheckTest> {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    let limit = limit.trim().parse().ok()?;
    let watched = library.watched();
    let finding = if watched.is_exhausted { "exhausted" } else { "enough" };
    Some(test("watches", finding, "").with("limit", limit).with("used", watched.folders))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A test without its sentences.
fn test(test: &str, finding: &str, about: &str) -> CheckTest {
    let known = FINDINGS.iter().find(|(of, word, _)| *of == test && *word == finding);
    CheckTest {
        test: test.to_owned(),
        about: about.to_owned(),
        verdict: known.map_or(Verdict::Skipped, |(_, _, verdict)| *verdict),
        finding: finding.to_owned(),
        detail: String::new(),
        figures: BTreeMap::new(),
        message: String::new(),
        advice: String::new(),
    }
}

impl CheckTest {
    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    fn with(mut self, name: &str, value: u64) -> Self {
        self.figures.insert(name.to_owned(), value);
        self
    }
}
