//! What this peer is called, and what happens when the name service does not take that name.
//!
//! Invariant: a name that a person chose is never changed by the program; a default name that another
//! peer has gives way to one with the computer's name in it. A new name is used everywhere only after
//! the name service took it, or did not answer at all.

use super::because::Why;
use super::config::Profile;
use super::events::EventSink;
use super::handle::CommandError;
use crate::base::PeerName;
use crate::net::names_link::{MyRegistration, NamesLink};
use crate::wire::codes::Code;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// How long the name service may take to accept a new name; then it is used all the same, and the service
/// hears of it when it is back.
const PATIENCE: Duration = Duration::from_secs(4);
/// How many default names are tried.
const MAX_TRIES: u32 = 16;
/// The most letters of the computer's name that are used.
const MAX_HOST: usize = 24;

/// A person's wish.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) name: PeerName,
    pub(super) answer: oneshot::Sender<Result<(), CommandError>>,
}

struct Pending {
    old: PeerName,
    answer: oneshot::Sender<Result<(), CommandError>>,
    until: Instant,
}

/// Whether a person chose the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Default,
    Person,
}

/// The peer's name.
pub(super) struct Naming {
    profile: Profile,
    /// What the link to the name service registers.
    registration: watch::Sender<MyRegistration>,
    /// What everybody else uses.
    current: watch::Sender<PeerName>,
    names: NamesLink,
    sink: EventSink,
    choice: Choice,
    tries: u32,
    pending: Option<Pending>,
}

impl Naming {
    pub(super) fn new(
        profile: Profile,
        registration: watch::Sender<MyRegistration>,
        current: watch::Sender<PeerName>,
        names: NamesLink,
        sink: EventSink,
    ) -> Self {
        let choice = if profile.has_chosen_name() { Choice::Person } else { Choice::Default };
        Self { profile, registration, current, names, sink, choice, tries: 0, pending: None }
    }

    /// What the peer is called.
    pub(super) fn name(&self) -> PeerName {
        self.current.borrow().clone()
    }

    /// When [`Naming::due`] is to be called, if at all.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.until)
    }

    pub(super) fn rename(&mut self, Rename { name, answer }: Rename) {
        if self.pending.is_some() {
            let busy = "another name is just being registered; try again in a moment".to_owned();
            return reply(answer, Err(CommandError::new(Code::Busy as i32, busy).because(Why::Renaming, "")));
        }
        let old = self.name();
        self.pending = Some(Pending { old: old.clone(), answer, until: Instant::now() + PATIENCE });
        if name == old {
            return self.accept(&name);
        }
        self.registration.send_modify(|me| me.name = name);
    }

    /// The name service took this name.
    pub(super) fn named(&mut self, name: &PeerName) {
        if *name != self.name() && *name == self.registration.borrow().name {
            self.accept(name);
        }
    }

    /// Nobody answered in time: what is wished counts.
    pub(super) fn due(&mut self) {
        if self.pending.is_some() {
            let name = self.registration.borrow().name.clone();
            self.accept(&name);
        }
    }

    /// The name service refused. Gives what a person should know, if they can do something about it.
    pub(super) fn refused(&mut self, code: i32, message: String) -> Option<String> {
        if let Some(Pending { old, answer, .. }) = self.pending.take() {
            self.registration.send_modify(|me| me.name = old);
            reply(answer, Err(CommandError::new(code, message)));
            return None;
        }
        let taken = code == Code::NameTaken as i32;
        if self.choice == Choice::Default && taken && self.tries < MAX_TRIES {
            self.tries += 1;
            if let Some(name) = default_name(&self.profile.name, &host_name(), self.tries) {
                tracing::info!(%name, "the default name belongs to another peer: another one is tried");
                self.registration.send_modify(|me| me.name = name);
                return None;
            }
        }
        tracing::warn!(message, "the name service refuses this peer's name");
        Some(message)
    }

    fn accept(&mut self, name: &PeerName) {
        let pending = self.pending.take();
        let old = self.current.send_replace(name.clone());
        let kept = if pending.is_some() {
            self.choice = Choice::Person;
            self.profile.set_peer_name(name)
        } else {
            self.profile.set_default_name(name)
        };
        let kept = kept.map_err(|error| {
            let message = format!("the name holds, but only until the peer stops: {error}");
            CommandError::new(Code::Internal as i32, message)
        });
        if let Some(Pending { answer, .. }) = pending {
            reply(answer, kept);
        } else if let Err(error) = kept {
            tracing::warn!(%error, "the name is not kept");
        }
        if old == *name {
            return;
        }
        self.sink.tell("name_changed", None, None, Some(name.to_string()));
        let names = self.names.clone();
        tokio::spawn(async move {
            if let Err(error) = names.remove(&old).await {
                tracing::debug!(%error, "the old name ends with its lease");
            }
        });
    }
}

fn reply(answer: oneshot::Sender<Result<(), CommandError>>, result: Result<(), CommandError>) {
    // Whoever asked may have gone.
    drop(answer.send(result));
}

/// The default name with the computer's name in it, and a number from the second try on.
fn default_name(profile: &str, host: &str, tries: u32) -> Option<PeerName> {
    let number = if tries > 1 { format!("-{tries}") } else { String::new() };
    let host = if host.is_empty() { String::new() } else { format!("-{host}") };
    let rest = format!("{host}{number}");
    let kept = profile.len().min(PeerName::MAX_BYTES.saturating_sub(rest.len()));
    PeerName::new(&format!("{}{rest}", profile.get(..kept)?))
}

/// The computer's name, as far as it fits a peer's; empty if there is none.
fn host_name() -> String {
    let sources = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let host = sources.iter().find_map(|path| std::fs::read_to_string(path).ok());
    let host = host.or_else(|| std::env::var("COMPUTERNAME").ok()).unwrap_or_default();
    short_host(&host)
}

fn short_host(host: &str) -> String {
    let first = host.trim().split('.').next().unwrap_or_default();
    first.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(MAX_HOST).collect()
}

#[cfg(test)]
mod tests {
    use super::super::config::Home;
    use super::*;
    use crate::base::PeerUri;
    use crate::net::{GroupKey, Identity, PeerKey};

    #[tokio::test]
    async fn a_name_that_cannot_be_kept_holds_and_that_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let profile = Home::at(dir.path()).profile("peer-1").expect("a profile");
        // A file in the way of the profile's folder: nothing can be written there.
        std::fs::write(dir.path().join("profiles"), "").expect("written");
        let key = PeerKey::generate().expect("a key");
        let identity = Identity::new(&GroupKey::random(), &key).expect("an identity");
        let name = PeerName::new("ana").expect("a name");
        let uri = PeerUri::new(([127, 0, 0, 1], 1).into()).expect("an address");
        let me = MyRegistration {
            name: name.clone(),
            uri,
            election_uri: uri,
            metadata: std::collections::BTreeMap::default(),
        };
        let (registration, registered) = watch::channel(me);
        let (_roster, roster) = watch::channel(None);
        let (names, _events) = NamesLink::start(identity, Vec::new(), registered, roster);
        let (sink, _records) = EventSink::new();
        let current = watch::Sender::new(name.clone());
        let mut naming = Naming::new(profile, registration, current.clone(), names, sink);
        let (answer, answered) = oneshot::channel();
        naming.rename(Rename { name: name.clone(), answer });
        let refused = answered.await.expect("an answer").expect_err("it cannot be kept");
        assert!(refused.message.starts_with("the name holds, but only until the peer stops: "), "{refused}");
        assert_eq!(*current.borrow(), name);
    }

    #[test]
    fn default_names_have_the_computers_name_and_then_a_number() {
        let name = |profile, host, tries| default_name(profile, host, tries).map(|name| name.to_string());
        assert_eq!(name("peer-1", "lab", 1).as_deref(), Some("peer-1-lab"));
        assert_eq!(name("peer-1", "lab", 3).as_deref(), Some("peer-1-lab-3"));
        assert_eq!(name("peer-1", "", 2).as_deref(), Some("peer-1-2"));
        let long = name(&"p".repeat(64), &"h".repeat(24), 12).expect("a name");
        assert!(long.len() == 64 && long.ends_with("-hhhh-12") || long.ends_with("h-12"), "{long}");
    }

    #[test]
    fn a_computers_name_is_cut_to_what_a_peers_name_may_have() {
        assert_eq!(short_host("ana-laptop.example.org\n"), "ana-laptop");
        assert_eq!(short_host("caf\u{e9} 3"), "caf3");
        assert_eq!(short_host(&"x".repeat(80)).len(), 24);
        assert_eq!(short_host(""), "");
    }
}
