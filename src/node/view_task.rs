//! Makes pictures of the peer for people: gathers what the tasks publish and sends a new [`View`] at
//! most ten times a second, and only when it differs from the last one.

use super::events::{Counters, Occurrence, Voting, role_text};
use super::faults::FaultsNow;
use super::group_state::GroupState;
use super::lateness::Histogram;
use super::transfer_task::Transfers;
use super::upload_task::Sent;
use super::view::View;
use super::view_library::Hashing;
use super::watch_task::TraceFeed;
use crate::base::{Epoch, Natural, PeerId, PeerName};
use crate::engine::election::Roster;
use crate::store::Library;
use crate::wire::control::{
    EventRecord, Founders, IndexState, Limits, MemberNote, MemberState, NamesState, PeerRef, Quorum, Status,
    Upload,
};
use crate::wire::election::IndexSummary;
use crate::wire::index::Complete;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The shortest time between two pictures.
const PICTURE_INTERVAL: Duration = Duration::from_millis(100);
/// How often things are looked at that do not tell when they change.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Everything that a picture shows.
pub(super) struct Sources {
    pub(super) profile: String,
    pub(super) name: watch::Receiver<PeerName>,
    pub(super) me: PeerId,
    pub(super) uri: String,
    pub(super) downloads: watch::Receiver<PathBuf>,
    pub(super) group: watch::Receiver<Arc<GroupState>>,
    pub(super) roster: watch::Receiver<Option<Arc<Roster>>>,
    pub(super) summary: watch::Receiver<Option<(Epoch, IndexSummary)>>,
    pub(super) contacts: watch::Receiver<BTreeMap<PeerId, u64>>,
    pub(super) names: watch::Receiver<NamesState>,
    pub(super) drill: watch::Receiver<bool>,
    pub(super) voting: watch::Receiver<Voting>,
    pub(super) moved: watch::Receiver<Option<IpAddr>>,
    pub(super) faults: watch::Receiver<FaultsNow>,
    pub(super) trace: watch::Receiver<Arc<TraceFeed>>,
    pub(super) transfers: watch::Receiver<Transfers>,
    pub(super) limits: watch::Receiver<Limits>,
    pub(super) uploads: watch::Receiver<Arc<Vec<Sent>>>,
    pub(super) library: Arc<Library>,
    pub(super) library_changed: watch::Receiver<u64>,
    pub(super) records: mpsc::Receiver<Occurrence>,
    pub(super) counters: Arc<Counters>,
    pub(super) lateness: Arc<Histogram>,
    pub(super) hashing: Hashing,
}

/// The events so far, with numbers.
#[derive(Default)]
struct EventLog {
    next: u64,
    records: VecDeque<EventRecord>,
}

impl EventLog {
    fn add(&mut self, occurrence: Occurrence, names: &BTreeMap<PeerId, String>) {
        self.next += 1;
        let peer = occurrence.peer.map(|peer| names.get(&peer).cloned().unwrap_or_else(|| peer.short()));
        self.records.push_back(EventRecord {
            seq: self.next,
            unix_millis: occurrence.unix_millis,
            kind: occurrence.kind.to_owned(),
            epoch: occurrence.epoch,
            peer,
            detail: occurrence.detail,
        });
        if self.records.len() > View::MAX_EVENTS {
            self.records.pop_front();
        }
    }
}

/// Runs until nobody looks any more or the tasks are gone.
pub(super) async fn view_task(mut sources: Sources, pictures: watch::Sender<Arc<View>>) {
    let mut log = EventLog::default();
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let occurred = tokio::select! {
            occurred = sources.records.recv() => match occurred {
                Some(occurrence) => Some(occurrence),
                None => return,
            },
            Ok(()) = sources.group.changed() => None,
            Ok(()) = sources.summary.changed() => None,
            Ok(()) = sources.names.changed() => None,
            Ok(()) = sources.name.changed() => None,
            Ok(()) = sources.downloads.changed() => None,
            Ok(()) = sources.drill.changed() => None,
            Ok(()) = sources.voting.changed() => None,
            Ok(()) = sources.moved.changed() => None,
            Ok(()) = sources.faults.changed() => None,
            Ok(()) = sources.trace.changed() => None,
            Ok(()) = sources.transfers.changed() => None,
            Ok(()) = sources.limits.changed() => None,
            Ok(()) = sources.uploads.changed() => None,
            Ok(()) = sources.library_changed.changed() => None,
            _ = look.tick() => None,
        };
        let names = sources.peer_names();
        let mut grown = false;
        let mut next = occurred;
        while let Some(occurrence) = next {
            log.add(occurrence, &names);
            grown = true;
            next = sources.records.try_recv().ok();
        }
        let last = pictures.borrow().clone();
        let view = sources.picture(&last, grown.then_some(&log));
        pictures.send_if_modified(|known| {
            let changed = **known != view;
            if changed {
                *known = Arc::new(view);
            }
            changed
        });
        tokio::time::sleep(PICTURE_INTERVAL).await;
    }
}

impl Sources {
    /// The picture of a peer that has just started.
    pub(super) fn first_picture(&mut self) -> View {
        let empty = View {
            status: Arc::new(self.status()),
            members: Arc::default(),
            shares: Arc::default(),
            transfers: Arc::default(),
            limits: Limits::default(),
            uploads: Arc::default(),
            events: Arc::default(),
            trace: Arc::default(),
            download_folder: self.downloads.borrow().display().to_string().into(),
        };
        self.picture(&empty, None)
    }

    fn peer_names(&self) -> BTreeMap<PeerId, String> {
        let mut names: BTreeMap<PeerId, String> =
            self.group.borrow().members.iter().map(|(id, member)| (*id, member.name.to_string())).collect();
        names.insert(self.me, self.name.borrow().to_string());
        names
    }

    fn picture(&mut self, last: &View, log: Option<&EventLog>) -> View {
        fn keep<T: PartialEq>(last: &Arc<T>, new: T) -> Arc<T> {
            if **last == new { Arc::clone(last) } else { Arc::new(new) }
        }
        let trace = self.trace.borrow_and_update().clone();
        let transfers = self.transfers.borrow_and_update().clone();
        let limits = *self.limits.borrow_and_update();
        View {
            trace,
            status: keep(&last.status, self.status()),
            members: keep(&last.members, self.members()),
            shares: keep(&last.shares, self.hashing.shares(&self.library)),
            transfers,
            limits,
            uploads: keep(&last.uploads, self.uploads()),
            events: log.map_or_else(
                || Arc::clone(&last.events),
                |log| Arc::new(log.records.iter().cloned().collect()),
            ),
            download_folder: {
                let folder = self.downloads.borrow_and_update().display().to_string();
                if *last.download_folder == *folder {
                    Arc::clone(&last.download_folder)
                } else {
                    folder.into()
                }
            },
        }
    }

    fn status(&mut self) -> Status {
        let group = self.group.borrow_and_update().clone();
        self.drill.borrow_and_update();
        let voting = *self.voting.borrow_and_update();
        let moved = *self.moved.borrow_and_update();
        self.faults.borrow_and_update();
        let quorum = self.quorum(&group);
        let names = self.names.borrow_and_update().clone();
        let name = self.name.borrow_and_update().to_string();
        let role = self.role(&group);
        let status = Status {
            profile: self.profile.clone(),
            pid: std::process::id(),
            peer_id: self.me.to_string(),
            name,
            role: role.to_owned(),
            epoch: group.epoch.number(),
            tracker: group.tracker.map(|tracker| self.peer_ref(&group, tracker)),
            notice: String::new(),
            moved_to: moved.map(|address| address.to_string()),
            voting: voting.code().to_owned(),
            quorum,
            names,
            index: self.index(&group),
            library: self.hashing.own_files(&self.library),
            rate_down: self.transfers.borrow().iter().map(|transfer| transfer.rate).sum(),
            rate_up: self.uploads.borrow().iter().map(|sent| sent.rate).sum(),
            counters: self.counters.all(),
            heartbeat_lateness: self.lateness.percentiles(),
        };
        Status { notice: notice(&status, voting, group.members.is_empty()), ..status }
    }

    /// What this peer is, its drills included.
    fn role(&self, group: &GroupState) -> &'static str {
        match (*self.drill.borrow(), self.faults.borrow().paused) {
            (true, _) => "silent",
            (false, true) => "paused",
            (false, false) => role_text(group.role),
        }
    }

    fn own_note(&self, group: &GroupState) -> MemberNote {
        MemberNote {
            role: self.role(group).to_owned(),
            epoch: group.epoch.number(),
            files: self.library.totals().files,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn quorum(&self, group: &GroupState) -> Quorum {
        let roster = self.roster.borrow();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let voters = group.members.values().filter(|member| member.voter);
        Quorum {
            voters: count(voters.clone().count()),
            reachable: count(voters.filter(|member| member.reachable).count()),
            needed: roster.as_ref().map_or(1, |roster| count(roster.quorum())),
        }
    }

    fn index(&mut self, group: &GroupState) -> IndexState {
        let summary = *self.summary.borrow_and_update();
        let voters = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
        // What an earlier tracker said says nothing about this one's index.
        let current = summary.filter(|(epoch, _)| *epoch == group.epoch && group.tracker.is_some());
        match current {
            Some((_, summary)) => IndexState {
                files: summary.files,
                complete: Complete { have: summary.have, of: summary.of },
                revision: summary.revision,
            },
            None => IndexState { files: 0, complete: Complete { have: 0, of: voters }, revision: 0 },
        }
    }

    fn peer_ref(&self, group: &GroupState, peer: PeerId) -> PeerRef {
        let member = group.members.get(&peer);
        let uri = member.and_then(|member| member.uri).map(|uri| uri.to_string());
        let (name, uri) = if peer == self.me {
            (self.name.borrow().to_string(), Some(self.uri.clone()))
        } else {
            (member.map_or_else(|| peer.short(), |member| member.name.to_string()), uri)
        };
        PeerRef { name, peer_id: peer.to_string(), uri: uri.unwrap_or_default() }
    }

    fn members(&self) -> Vec<MemberState> {
        let group = self.group.borrow();
        let contacts = self.contacts.borrow();
        let (trace, faults) = (self.trace.borrow(), self.faults.borrow());
        let now = super::clock::unix_millis();
        let mut members: Vec<MemberState> = group
            .members
            .iter()
            .map(|(peer, member)| MemberState {
                peer: self.peer_ref(&group, *peer),
                voter: member.voter,
                tracker: group.tracker == Some(*peer),
                me: *peer == self.me,
                connected: member.reachable,
                // In whole seconds: a picture is new when something changed, not when time goes by.
                last_contact_millis: contacts
                    .get(peer)
                    .max(trace.answered.get(peer))
                    .map(|at| now.saturating_sub(*at) / 1_000 * 1_000),
                cut: faults.cut.contains(peer),
                note: if *peer == self.me {
                    Some(self.own_note(&group))
                } else {
                    trace.notes.get(peer).cloned()
                },
            })
            .collect();
        members.sort_by(|a, b| {
            let names = Natural(a.peer.name.as_bytes()).cmp(&Natural(b.peer.name.as_bytes()));
            names.then_with(|| a.peer.peer_id.cmp(&b.peer.peer_id))
        });
        members
    }

    fn uploads(&mut self) -> Vec<Upload> {
        let names = self.peer_names();
        let sent = self.uploads.borrow_and_update();
        sent.iter().map(|sent| sent.shown(names.get(&sent.row.peer).map(String::as_str))).collect()
    }
}

/// What a person should know now; empty when all is well (R13).
fn notice(status: &Status, voting: Voting, is_outside: bool) -> String {
    if status.role == "silent" {
        return "Fault drill: this peer is silent as after a crash".to_owned();
    }
    match voting {
        Voting::Works => {}
        Voting::Waits => return "This peer does not vote: its disk is full, make room on it".to_owned(),
        Voting::Ended => {
            return "This peer does not vote: its disk failed, check it and start the peer again".to_owned();
        }
    }
    if let Some(address) = &status.moved_to {
        return format!(
            "This machine's address is {address} now: start the peer again, or the others do not find it"
        );
    }
    if is_outside {
        return match status.names.founding {
            Some(Founders { registered, expected }) => {
                format!("Waiting for the group: {registered} of {expected} peers are here")
            }
            None => "Waiting for the group".to_owned(),
        };
    }
    let Quorum { voters, reachable, needed } = status.quorum;
    if reachable < needed {
        return format!("{reachable} of {voters} peers here, {needed} needed");
    }
    if status.tracker.is_none() {
        return "Electing a tracker".to_owned();
    }
    String::new()
}
