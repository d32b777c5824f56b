//! Between the window and the running peer: effects become commands on the runtime, answers come back as
//! actions over a bounded channel.
//!
//! Invariant: nothing here blocks the window; the window is woken only when there is something new.
//! Absent on purpose: decisions (see [`super::reduce`]).

use super::action::{Action, ActivityAction, Purpose, SearchAction, Subject};
use super::desk::{Desk, Order};
use super::log::feed;
use super::orders::Orders;
use super::reduce::Effect;
use cardume::base::ContentLink;
use cardume::node::{Command, CommandError, Handle, Page, Reply, View};
use cardume::wire::codes::Code;
use cardume::wire::control::{MemberState, Status};
use eframe::egui;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;

/// The most answers that wait for the window: each belongs to a thing that a person did, and the window
/// drains them on every wake-up.
const MAX_WAITING: usize = 1_024;
/// How often the window looks for new lines of the log while it shows them.
const LOG_PAUSE: Duration = Duration::from_millis(250);
/// How late a window may show what moves all the time in a group at rest: a frame costs more than all else
/// that a peer does then.
const QUIET_PAUSE: Duration = Duration::from_secs(5);
/// How long a graceful stop may take before the window closes anyway.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(4);

/// A running peer as the window sees it: [`Handle`], or a made-up one in tests.
pub(crate) trait Peer: Clone + Send + Sync + 'static {
    /// Has the peer do something and waits for the answer.
    fn command(&self, command: Command) -> impl Future<Output = Result<Reply, CommandError>> + Send;
    /// The pictures as they come.
    fn views(&self) -> watch::Receiver<Arc<View>>;
    /// Links that are opened elsewhere; `None`: there never are any.
    fn links(&self) -> Option<broadcast::Receiver<ContentLink>> {
        None
    }
}

impl Peer for Handle {
    fn command(&self, command: Command) -> impl Future<Output = Result<Reply, CommandError>> + Send {
        Self::command(self, command)
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        Self::views(self)
    }

    fn links(&self) -> Option<broadcast::Receiver<ContentLink>> {
        Some(self.opened_links())
    }
}

/// The way back to the window.
#[derive(Clone)]
pub(super) struct Back {
    ctx: egui::Context,
    actions: SyncSender<Action>,
}

impl Back {
    pub(super) fn send(&self, action: Action) {
        match self.actions.try_send(action) {
            Ok(()) => self.ctx.request_repaint_of(egui::ViewportId::ROOT),
            Err(TrySendError::Full(_)) => {
                tracing::warn!("the window does not drain its answers; one is lost");
            }
            // The window is closed: nobody is left to be told.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

/// Carries effects to the peer and answers back.
pub(crate) struct Bridge<P: Peer> {
    peer: P,
    runtime: tokio::runtime::Handle,
    views: watch::Receiver<Arc<View>>,
    back: Back,
    orders: Orders<P>,
    answers: Receiver<Action>,
    /// The number of the last search and its parts under way.
    search: (u64, Vec<AbortHandle>),
    picking: Option<AbortHandle>,
    stopped: Arc<AtomicBool>,
    /// What is done beside the peer; `None`: nothing.
    pub(crate) desk: Option<Desk>,
}

impl<P: Peer> Bridge<P> {
    /// Connects a window to a peer and wakes it at every new picture.
    ///
    /// `stopped` tells afterwards whether the peer was stopped from here.
    pub(crate) fn new(
        peer: P,
        runtime: tokio::runtime::Handle,
        ctx: egui::Context,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        let (actions, answers) = sync_channel(MAX_WAITING);
        let back = Back { ctx, actions };
        let views = peer.views();
        runtime.spawn(watch_task(peer.views(), back.clone()));
        runtime.spawn(log_task(back.ctx.clone()));
        if let Some(links) = peer.links() {
            runtime.spawn(link_task(links, back.clone()));
        }
        let orders = Orders::new(&peer, &runtime, &back);
        Self {
            peer,
            runtime,
            orders,
            views,
            back,
            answers,
            search: (0, Vec::new()),
            picking: None,
            stopped,
            desk: None,
        }
    }

    /// Asks the desktop whether nothing shall move by itself, and for its colours; also when they change.
    pub(crate) fn follow_desktop(&self) {
        let back = self.back.clone();
        self.runtime.spawn(super::portal::watch(move |desktop| {
            if let Some(unwanted) = desktop.reduced_motion {
                back.send(Action::ReducedMotion(unwanted));
            }
            if let Some(theme) = desktop.theme {
                back.ctx.options_mut(|options| options.fallback_theme = theme);
                back.ctx.request_repaint();
            }
        }));
    }

    /// The newest picture, if it was not given yet.
    pub(crate) fn new_view(&mut self) -> Option<Arc<View>> {
        // An error means that the peer has stopped: `watch_task` tells the window.
        if !self.views.has_changed().unwrap_or(false) {
            return None;
        }
        Some(self.views.borrow_and_update().clone())
    }

    /// The answers that came since the last call.
    pub(crate) fn answers(&self) -> Vec<Action> {
        self.answers.try_iter().take(MAX_WAITING).collect()
    }

    /// Carries out what concerns the peer or the system; what concerns egui is handed back.
    pub(crate) fn carry_out(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Search { number, words, page } => {
                self.search(number, words, page);
                None
            }
            Effect::Commands(commands) => {
                self.orders.give(commands);
                None
            }
            Effect::Command(subject, command) => {
                self.orders.give(vec![(subject, command)]);
                None
            }
            Effect::PickFolder(purpose) => {
                self.pick(purpose);
                None
            }
            Effect::Desk(order) => {
                self.ask_desk(order);
                None
            }
            Effect::StopPicking => {
                if let Some(picking) = self.picking.take() {
                    picking.abort();
                }
                None
            }
            Effect::Open(path) => {
                let back = self.back.clone();
                self.runtime.spawn(open_task(path, back));
                None
            }
            Effect::Export { folder, name, text } => {
                let back = self.back.clone();
                self.runtime.spawn(export_task(folder, name, text, back));
                None
            }
            Effect::StopPeer => {
                let (peer, back) = (self.peer.clone(), self.back.clone());
                let stopped = Arc::clone(&self.stopped);
                self.runtime.spawn(async move {
                    stop(&peer).await;
                    stopped.store(true, Ordering::Relaxed);
                    back.send(Action::Stopped);
                });
                None
            }
            Effect::Copy(_)
            | Effect::FocusSearch
            | Effect::SelectWords
            | Effect::Focus(_)
            | Effect::Zoom(_)
            | Effect::WakeAfter(_)
            | Effect::Theme(_)
            | Effect::Still(_)
            | Effect::ComeForward
            | Effect::Close => Some(effect),
        }
    }

    /// Asks for a part of a search. Parts of an older search are not waited for any longer.
    fn search(&mut self, number: u64, words: String, page: Page) {
        let part = self.start_search(number, words, page);
        let (last, parts) = &mut self.search;
        if *last != number {
            *last = number;
            parts.drain(..).for_each(|older| older.abort());
        }
        parts.retain(|part| !part.is_finished());
        parts.push(part);
    }

    /// Lets the person choose a folder. A dialog that hangs is given up when another one is opened.
    fn pick(&mut self, purpose: Purpose) {
        let back = self.back.clone();
        let task = self.runtime.spawn(async move {
            let picked = rfd::AsyncFileDialog::new().pick_folder().await;
            back.send(Action::Picked(purpose, picked.map(|folder| folder.path().to_owned())));
        });
        if let Some(older) = self.picking.replace(task.abort_handle()) {
            older.abort();
        }
    }

    /// Has something done beside the peer, on a thread that may block.
    fn ask_desk(&self, order: Order) {
        let (desk, back) = (self.desk.clone(), self.back.clone());
        if let Some(desk) = desk {
            self.runtime.spawn_blocking(move || {
                back.send(Action::Activity(ActivityAction::News(desk.carry_out(order))));
            });
        }
    }

    fn start_search(&self, number: u64, words: String, page: Page) -> AbortHandle {
        let (peer, back) = (self.peer.clone(), self.back.clone());
        let task = self.runtime.spawn(async move {
            let answer = match peer.command(Command::Search { words, page }).await {
                Ok(Reply::Search(answer)) => Ok(answer),
                Ok(_) => Err(internal("the peer answered something else than a search".to_owned())),
                Err(error) => Err(error),
            };
            back.send(Action::Search(SearchAction::Answered { number, page, answer }));
        });
        task.abort_handle()
    }
}

/// Wakes the window at every new picture (the peer publishes at most ten a second; [`QUIET_PAUSE`] later when
/// nothing happened) and tells it when the peer has stopped.
async fn watch_task(mut views: watch::Receiver<Arc<View>>, back: Back) {
    let mut last = views.borrow_and_update().clone();
    while views.changed().await.is_ok() {
        let new = views.borrow_and_update().clone();
        let pause = if is_quiet(&last, &new) { QUIET_PAUSE } else { Duration::ZERO };
        back.ctx.request_repaint_after_for(pause, egui::ViewportId::ROOT);
        last = new;
    }
    back.send(Action::Stopped);
}

/// Tells the window of links that a person opens elsewhere.
async fn link_task(mut links: broadcast::Receiver<ContentLink>, back: Back) {
    loop {
        match links.recv().await {
            Ok(link) => back.send(Action::OpenLink(link)),
            Err(broadcast::error::RecvError::Lagged(lost)) => tracing::warn!(lost, "links were not shown"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Whether only that changed which changes all the time while nothing happens: counters, and how long ago the
/// others were last heard of.
pub(super) fn is_quiet(last: &View, new: &View) -> bool {
    let members = Arc::ptr_eq(&last.members, &new.members)
        || last.members.len() == new.members.len()
            && last.members.iter().zip(&*new.members).all(|(one, other)| {
                let heard = other.last_contact_millis;
                // The same without a copy where it is the same with it.
                one == other || MemberState { last_contact_millis: heard, ..one.clone() } == *other
            });
    let status = Arc::ptr_eq(&last.status, &new.status) || {
        let Status { counters, heartbeat_lateness, .. } = (*new.status).clone();
        Status { counters, heartbeat_lateness, ..(*last.status).clone() } == *new.status
    };
    let rest = View { status: Arc::clone(&new.status), members: Arc::clone(&new.members), ..last.clone() };
    members && status && rest == *new
}

/// Wakes the window for new lines of the log while somebody looks at it.
async fn log_task(ctx: egui::Context) {
    let mut known = 0;
    loop {
        tokio::time::sleep(LOG_PAUSE).await;
        let made = feed().made();
        if feed().is_watched() && made != known {
            known = made;
            ctx.request_repaint_of(egui::ViewportId::ROOT);
        }
    }
}

/// Stops a peer gracefully: until it has handed over, but not longer than [`STOP_PATIENCE`].
pub(crate) async fn stop<P: Peer>(peer: &P) {
    match tokio::time::timeout(STOP_PATIENCE, peer.command(Command::Stop)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the peer did not take the stop: it is stopping already"),
        Err(_) => tracing::warn!("the peer did not stop in time; closing the window anyway"),
    }
}

/// Writes a new file: one that is there is not overwritten.
async fn export_task(folder: PathBuf, name: String, text: String, back: Back) {
    let path = folder.join(name);
    let subject = Subject::Export(path.display().to_string());
    let writing = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        let mut file = std::fs::File::create_new(&path)?;
        std::io::Write::write_all(&mut file, text.as_bytes())
    });
    let answer = match writing.await {
        Ok(Ok(())) => Ok(Reply::Done),
        Ok(Err(error)) => Err(internal(error.to_string())),
        Err(error) => Err(internal(error.to_string())),
    };
    back.send(Action::Answered { subject, answer, at_unix_millis: unix_millis() });
}

async fn open_task(path: PathBuf, back: Back) {
    let subject = Subject::Open(path.display().to_string());
    let opened = open_with_system(&path).await;
    let answer = opened.map(|()| Reply::Done).map_err(|error| internal(error.to_string()));
    back.send(Action::Answered { subject, answer, at_unix_millis: unix_millis() });
}

/// Opens a file or folder with the program that the system has for it.
async fn open_with_system(path: &Path) -> anyhow::Result<()> {
    let program = match std::env::consts::OS {
        "windows" => "explorer",
        "macos" => "open",
        _ => "xdg-open",
    };
    let status = tokio::process::Command::new(program)
        .arg(path)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .await
        .map_err(|error| anyhow::anyhow!("{program}: {error}"))?;
    // Explorer ends with 1 also when all went well.
    anyhow::ensure!(status.success() || program == "explorer", "{program}: {status}");
    Ok(())
}

pub(super) fn internal(message: String) -> CommandError {
    CommandError::new(Code::Internal as i32, message)
}

/// The time of day, for pictures that move by it.
pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
