//! The beginning of a download: its partial file goes on from its journal, or a source proves the manifest and it
//! begins.

use super::download::{Download, Stop};
use super::limits::{MAX_PROOFS, STAGGER, TICK};
use super::proof::{Proof, prove};
use super::worker::Target;
use crate::base::{PeerId, PieceLayout};
use crate::engine::transfer::have::PieceSet;
use crate::engine::transfer::manifest::piece_hash;
use crate::engine::transfer::plan::Plan;
use crate::engine::transfer::reason::Reason;
use crate::store::partial::{PartialError, PartialFile, Resumed, expect_folder};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

impl Download {
    /// What an earlier run left, if it says for certain what it is: no source is needed to go on.
    pub(super) async fn resume(&mut self) -> Result<Option<(Plan, Target)>, Stop> {
        let (to, content) = (self.request.to.clone(), self.request.content);
        let has_folder = self.has_folder;
        let opened = self.blocking(move |_| {
            if has_folder {
                expect_folder(&to)?;
            }
            PartialFile::resume(&to, content)
        });
        let Some(resumed) = opened.await? else { return Ok(None) };
        self.has_folder = true;
        let Resumed { partial, journal, layout, pieces, marked } = resumed;
        let partial = Arc::new(partial);
        self.partial = Some(partial.clone());
        self.checkpoint.begin(Some(journal));
        let target = Target::new(layout, Arc::new(pieces), partial, self.shared.room.clone());
        let plan = self.plan(&target, marked).await?;
        Ok(Some((plan, target)))
    }

    /// Whether the disk takes the content: a source is not asked for what would not find room. Of how many bytes it has
    /// only its proof is believed.
    async fn ask_disk(&mut self) -> Result<(), Stop> {
        let claimed = self.progress.shown().size.min(u64::from(PieceLayout::MIN_PIECE_BYTES));
        let bytes = self.proven_bytes.unwrap_or(claimed);
        let (to, content, has_folder) = (self.request.to.clone(), self.request.content, self.has_folder);
        let asking = self.blocking(move |_| {
            make_folder(&to, has_folder)?;
            PartialFile::ask(&to, content, bytes)
        });
        asking.await
    }

    /// Begins the partial file of a proven content. What an earlier run left without a journal is read.
    pub(super) async fn create(&mut self, source: PeerId, proof: Proof) -> Result<(Plan, Target), Stop> {
        let Proof { layout, pieces, last } = proof;
        let (to, content, hashes) = (self.request.to.clone(), self.request.content, pieces.clone());
        let has_folder = self.has_folder;
        let opened = self.blocking(move |_| {
            make_folder(&to, has_folder)?;
            let partial = PartialFile::create(&to, content, layout)?;
            // One piece is there or not: a journal would only cost.
            let journal = (layout.count() > 1).then(|| partial.begin_journal(&hashes)).transpose()?;
            Ok((partial, journal))
        });
        let (partial, journal) = opened.await?;
        self.has_folder = true;
        let partial = Arc::new(partial);
        self.partial = Some(partial.clone());
        self.checkpoint.begin(journal);
        let target = Target::new(layout, pieces, partial, self.shared.room.clone());
        let mut plan = self.plan(&target, PieceSet::empty(layout)).await?;
        if !plan.is_length_proven() {
            let (partial, bytes) = (target.partial.clone(), last.len() as u64);
            let written = tokio::task::spawn_blocking(move || partial.write_piece(layout.last(), &last));
            written.await.map_err(Stop::internal)??;
            plan.add_source(source);
            plan.arrived(source, layout.last(), self.now());
            self.peers.succeeded(source, bytes);
            self.checkpoint.written(layout.last(), bytes);
        }
        Ok((plan, target))
    }

    /// The plan, with what is there already: the marked pieces, and those that are in doubt and turn out
    /// right.
    async fn plan(&mut self, target: &Target, marked: PieceSet) -> Result<Plan, Stop> {
        let layout = target.layout;
        self.progress.update(|transfer| transfer.size = layout.size());
        if target.partial.is_resumed() {
            self.progress.state("running", Reason::Checking, "");
        }
        let (checking, known) = (target.clone(), marked.clone());
        let doubtful = self.blocking(move |stop| verified_pieces(&checking, &known, stop)).await?;
        let mut plan = Plan::new(layout);
        marked.iter().for_each(|piece| plan.found(piece));
        for piece in doubtful.iter() {
            plan.found(piece);
            let range = layout.range(piece);
            self.checkpoint.written(piece, range.end - range.start);
        }
        for (peer, fault) in self.peers.dropped() {
            plan.fail_source(peer, fault);
        }
        Ok(plan)
    }

    /// Runs what may block on a thread for it. Dropped, it has that stop, as far as it looks at the token; the next
    /// attempt begins when it has.
    pub(super) async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&CancellationToken) -> Result<T, PartialError> + Send + 'static,
    ) -> Result<T, Stop> {
        let (stop, busy) = (CancellationToken::new(), self.blocked.clone());
        let _stops = stop.clone().drop_guard();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&stop);
            drop(busy);
            done
        });
        Ok(done.await.map_err(Stop::internal)?.inspect_err(|error| self.heed(error))?)
    }

    /// Asks sources for the manifest, one after the other, the next one when the ones before take too
    /// long. The first one that proves it wins.
    pub(super) async fn prove(&mut self) -> Result<(PeerId, Proof), Stop> {
        let mut attempts = JoinSet::new();
        let mut asked: Vec<PeerId> = Vec::new();
        let mut is_disk_asked = false;
        let (mut next_at, hurry) = (Instant::now(), self.hurry.clone());
        loop {
            let free = attempts.is_empty() || (attempts.len() < MAX_PROOFS && next_at <= Instant::now());
            let next =
                self.peers.usable(Instant::now()).into_iter().find(|peer| free && !asked.contains(peer));
            if next.is_some() && !std::mem::replace(&mut is_disk_asked, true) {
                self.ask_disk().await?;
            }
            if let Some(known) = next.and_then(|peer| self.peers.get_mut(peer)) {
                let source = known.address.clone();
                let (network, content, way) = (self.network.clone(), self.request.content, self.way());
                let throttle = self.shared.throttle.clone();
                asked.push(source.peer);
                next_at = Instant::now() + STAGGER;
                attempts.spawn(
                    async move { (source.peer, prove(network, source, content, way, throttle).await) },
                );
                self.progress.state("running", Reason::Proving, "");
            }
            if attempts.is_empty() {
                self.show_waiting();
            }
            let wake = if attempts.is_empty() {
                Instant::now() + TICK
            } else {
                next_at.max(Instant::now() + TICK / 10)
            };
            tokio::select! {
                found = self.search.next() => self.merge(found),
                Some(attempt) = attempts.join_next(), if !attempts.is_empty() => {
                    let Ok((peer, result)) = attempt else { continue };
                    asked.retain(|known| *known != peer);
                    match result {
                        Ok((proof, connection)) => {
                            if let Some(known) = self.peers.get_mut(peer) {
                                known.keep(connection);
                            }
                            return Ok((peer, proof));
                        }
                        Err(fault) => self.source_failed(peer, fault),
                    }
                }
                () = hurry.notified() => self.peers.hurry(Instant::now()),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }
}

/// Makes the target folder, if it is not to be there already.
fn make_folder(to: &Path, is_expected: bool) -> Result<(), PartialError> {
    if is_expected {
        return expect_folder(to);
    }
    std::fs::create_dir_all(to).map_err(|error| PartialError::Folder(to.to_owned(), error))
}

/// The pieces in doubt that have their hash. Blocks, for about a second per GB of them, until it is to stop.
fn verified_pieces(
    target: &Target,
    known: &PieceSet,
    stop: &CancellationToken,
) -> Result<PieceSet, PartialError> {
    let mut verified = PieceSet::empty(target.layout);
    if !target.partial.is_resumed() {
        return Ok(verified);
    }
    let (mut bytes, mut is_of_disk) = (Vec::new(), false);
    for piece in target.layout.pieces().filter(|piece| !known.contains(*piece)) {
        if stop.is_cancelled() {
            break;
        }
        if target.partial.is_hole(piece) {
            continue;
        }
        if !std::mem::replace(&mut is_of_disk, true) {
            target.partial.read_from_disk()?;
        }
        if target.partial.read_piece(piece, &mut bytes).is_err() {
            continue;
        }
        let expected = target.pieces.get(piece.number() as usize);
        if expected == piece_hash(target.layout, piece, &bytes).as_ref() {
            verified.insert(piece);
        }
    }
    Ok(verified)
}
