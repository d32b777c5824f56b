//! Tells the voters, this peer among them, which keep a copy: whoever of them is elected starts warm.
//!
//! It gives way: one voter after the other, nothing before the tracker has been told everything by everybody,
//! one call for all changes of [`PACE`]. What is lost here costs time after an election, never truth: the new tracker
//! is told of the whole list by its digest before it counts it.

use super::announcer::{Announcer, Pause, Step, Told};
use super::{AnnouncedFiles, HeardPosition};
use crate::base::{Epoch, PeerId};
use crate::engine::index::Announcement;
use crate::net::IndexCalls;
use crate::node::GroupState;
use crate::node::search::other_target;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// The shortest time between two rounds.
const PACE: Duration = Duration::from_millis(250);
/// How long the other peers' announcements to the tracker come first.
const PATIENCE: Duration = Duration::from_secs(10);
/// More changes than this between two rounds: a folder is being read or hashed, and everything that is sent
/// now would be sent once more.
const HASTE: u64 = 1_000;
/// How long that is waited for.
const MAX_HASTE: Duration = Duration::from_mins(1);
/// How often a voter's copy is compared; its lease on being told changes.
const CHECK: Duration = Duration::from_mins(1);

/// A voter and what it has been told.
struct Voter {
    told: Option<Told>,
    pause: Pause,
    /// Not before then, after a failure.
    next: Instant,
}

/// Tells the voters; ends when nobody publishes the group any more.
pub(super) async fn tell_voters<F: AnnouncedFiles, C: IndexCalls>(
    files: &Arc<F>,
    mut group: watch::Receiver<Arc<GroupState>>,
    mut heard: watch::Receiver<Option<HeardPosition>>,
    calls: &C,
    announced: &watch::Receiver<Announcement>,
    mut settled: watch::Receiver<Option<Epoch>>,
) {
    let mut voters: BTreeMap<PeerId, Voter> = BTreeMap::new();
    let mut news = announced.clone();
    let (mut before, mut calm) = (news.borrow().position.seq, Instant::now());
    loop {
        let (state, ready) = (group.borrow_and_update().clone(), *settled.borrow_and_update());
        let seq = news.borrow_and_update().position.seq;
        let haste = seq.saturating_sub(before) > HASTE && calm.elapsed() < MAX_HASTE;
        before = seq;
        let mut next = None;
        if haste {
            next = Some(Instant::now());
        } else if let Some((epoch, tracker)) = state.target().filter(|(epoch, _)| ready == Some(*epoch)) {
            calm = Instant::now();
            keep(&mut voters, &state, tracker);
            let round = async {
                let whole =
                    |it: &Option<HeardPosition>| it.is_some_and(|it| it.epoch == epoch && it.complete);
                drop(timeout(PATIENCE, heard.wait_for(whole)).await);
                for (peer, voter) in &mut voters {
                    let to = Announcer { files, calls, announced, epoch, to: *peer, standby: true };
                    voter.tell(&to).await;
                }
            };
            tokio::select! {
                () = round => {}
                () = other_target(&mut group, (epoch, tracker)) => {}
            }
            next = voters.values().map(Voter::due).min();
        }
        sleep(PACE).await;
        tokio::select! {
            changed = group.changed() => if changed.is_err() { return },
            Ok(()) = settled.changed() => {}
            Ok(()) = news.changed() => {}
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
    }
}

/// Forgets who is no voter that answers, and takes in who is new. This peer too: its own list has to be in
/// its copy before it is elected, and a long one takes a second.
fn keep(voters: &mut BTreeMap<PeerId, Voter>, group: &GroupState, tracker: PeerId) {
    let wanted = |peer: &PeerId| {
        *peer != tracker && group.members.get(peer).is_some_and(|member| member.voter && member.reachable)
    };
    voters.retain(|peer, _| wanted(peer));
    for peer in group.members.keys().filter(|peer| wanted(peer)) {
        let new = || Voter { told: None, pause: Pause::new(), next: Instant::now() };
        voters.entry(*peer).or_insert_with(new);
    }
}

impl Voter {
    /// When it is to be told next if nothing changes.
    fn due(&self) -> Instant {
        self.told.map_or(self.next, |told| told.compared + CHECK)
    }

    async fn tell<F: AnnouncedFiles, C: IndexCalls>(&mut self, to: &Announcer<'_, F, C>) {
        let now = Instant::now();
        if self.next > now {
            return;
        }
        // Cancelled on the way: it is not known what arrived.
        let told = self.told.take().filter(|told| told.compared + CHECK > now);
        // A voter's copy is not compared after each change: nobody is shown it.
        let step = to.step(told.map(|told| Told { changed: false, ..told })).await;
        match step {
            Ok(Step::Told(told)) => (self.told, self.pause) = (Some(told), Pause::new()),
            failed => self.next = Instant::now() + self.pause.after(&failed),
        }
    }
}
