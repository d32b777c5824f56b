//! Commands keep their order, and none that is slow holds up what has nothing to do with it.

use super::super::action::{Action, Subject};
use super::super::bridge::{Bridge, Peer};
use super::super::fixtures::typical_view;
use super::super::reduce::Effect;
use super::{MOST_LOOKS, PAUSE};
use cardume::node::{BrowseAsk, Command, CommandError, Listing, Reply, View};
use eframe::egui;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// A peer that shares a folder only when it is let.
#[derive(Clone)]
struct SlowPeer {
    begun: Arc<Mutex<Vec<Command>>>,
    lets: Arc<Semaphore>,
    view: watch::Receiver<Arc<View>>,
}

impl Peer for SlowPeer {
    async fn command(&self, command: Command) -> Result<Reply, CommandError> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(command.clone());
        match command {
            Command::Share(_) => drop(self.lets.acquire().await.map(tokio::sync::SemaphorePermit::forget)),
            Command::Browse { .. } => return Ok(Reply::Listing(Listing::default())),
            _ => {}
        }
        Ok(Reply::Done)
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }
}

fn share(path: &str) -> Effect {
    Effect::Command(Subject::Share(path.to_owned()), Command::Share(PathBuf::from(path)))
}

fn unshare(path: &str) -> Effect {
    Effect::Command(Subject::Unshare(path.to_owned()), Command::Unshare(PathBuf::from(path)))
}

fn answered(bridge: &Bridge<SlowPeer>, subjects: &mut Vec<Subject>, wanted: usize) {
    for _ in 0..MOST_LOOKS {
        for action in bridge.answers() {
            if let Action::Answered { subject, answer, .. } = action {
                assert!(answer.is_ok(), "{subject:?}");
                subjects.push(subject);
            }
        }
        if subjects.len() >= wanted {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{wanted} answers never came: {subjects:?}");
}

#[test]
fn all_folders_that_are_dropped_at_once_are_shared() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime for the test");
    let (_view, view) = watch::channel(Arc::new(typical_view()));
    let peer = SlowPeer { begun: Arc::default(), lets: Arc::new(Semaphore::new(0)), view };
    let mut bridge =
        Bridge::new(peer.clone(), runtime.handle().clone(), egui::Context::default(), Arc::default());
    let folders: Vec<String> = (0..300).map(|number| format!("/{number}")).collect();
    for folder in &folders {
        assert!(bridge.carry_out(share(folder)).is_none());
    }
    peer.lets.add_permits(folders.len());
    let mut subjects = Vec::new();
    answered(&bridge, &mut subjects, folders.len());
    assert_eq!(subjects, folders.into_iter().map(Subject::Share).collect::<Vec<_>>());
}

#[test]
fn commands_about_one_thing_keep_their_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime for the test");
    let (_view, view) = watch::channel(Arc::new(typical_view()));
    let peer = SlowPeer { begun: Arc::default(), lets: Arc::new(Semaphore::new(0)), view };
    let ctx = egui::Context::default();
    let mut bridge = Bridge::new(peer.clone(), runtime.handle().clone(), ctx, Arc::default());
    let others = [
        Effect::Command(Subject::Cancel, Command::Cancel(1)),
        Effect::Command(
            Subject::Browse(1),
            Command::Browse {
                peer: cardume::base::PeerId::from_bytes([1; 32]),
                folder: cardume::base::FolderPath::default(),
                ask: BrowseAsk::default(),
            },
        ),
    ];
    let own = [share("A"), unshare("A"), share("B"), unshare("B")];
    for effect in own.into_iter().chain(others) {
        assert!(bridge.carry_out(effect).is_none());
    }
    // The first one waits; what has nothing to do with it does not.
    let mut subjects = Vec::new();
    answered(&bridge, &mut subjects, 2);
    subjects.sort_by_key(|subject| format!("{subject:?}"));
    assert_eq!(subjects, [Subject::Browse(1), Subject::Cancel]);
    peer.lets.add_permits(2);
    subjects.clear();
    answered(&bridge, &mut subjects, 4);
    let name = |text: &str| text.to_owned();
    let expected = [
        Subject::Share(name("A")),
        Subject::Unshare(name("A")),
        Subject::Share(name("B")),
        Subject::Unshare(name("B")),
    ];
    assert_eq!(subjects, expected);
    let begun = peer.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let of_library = |command: &&Command| matches!(command, Command::Share(_) | Command::Unshare(_));
    let path = |path: &str| PathBuf::from(path);
    let order: Vec<Command> = begun.iter().filter(of_library).cloned().collect();
    let expected = [
        Command::Share(path("A")),
        Command::Unshare(path("A")),
        Command::Share(path("B")),
        Command::Unshare(path("B")),
    ];
    assert_eq!(order, expected);
}
