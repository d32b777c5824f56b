//! What the window does beside its peer: the invite, starting with the system, joining another group.
//!
//! Invariant: every method works with files only and is called off the window's thread. A group is joined
//! by whoever opened the window, after the peer has stopped: [`Desk::joining`] says so.

use super::action::News;
use super::autostart::Autostart;
use cardume::node::config::{Home, Invite, Profile};
use std::sync::{Arc, Mutex, PoisonError};

/// What can be asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The invite to this group.
    Invite,
    /// Whether the peer starts with the system.
    LookAtAutostart,
    /// Change that.
    Autostart(bool),
    /// Get ready to join the group of this invite.
    Join(String),
}

/// The home and the profile of the window's peer. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    home: Home,
    profile: Profile,
    autostart: Option<Autostart>,
    joining: Arc<Mutex<Option<Invite>>>,
}

impl Desk {
    /// For this peer.
    pub(crate) fn new(home: Home, profile: Profile) -> Self {
        let autostart = Autostart::of(&profile.name, home.folder());
        Self { home, profile, autostart, joining: Arc::default() }
    }

    /// Does what is asked. Blocks.
    pub(crate) fn carry_out(&self, order: Order) -> News {
        match order {
            Order::Invite => News::Invite(self.invite().map_err(|error| error.to_string())),
            Order::LookAtAutostart => News::Autostart(Ok(self.autostart.as_ref().map(Autostart::is_on))),
            Order::Autostart(on) => {
                News::Autostart(self.set_autostart(on).map_err(|error| error.to_string()))
            }
            Order::Join(link) => News::MayJoin(self.prepare(&link).map_err(|error| error.to_string())),
        }
    }

    /// The invite that a person accepted, if the peer was stopped for it.
    pub(crate) fn joining(&self) -> Option<Invite> {
        self.joining.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn invite(&self) -> anyhow::Result<String> {
        let names = self.home.names_addresses()?;
        Ok(Invite { group_key: self.home.group_key()?, names }.to_string())
    }

    fn set_autostart(&self, on: bool) -> anyhow::Result<Option<bool>> {
        if let Some(autostart) = &self.autostart {
            autostart.set(on)?;
        }
        Ok(self.autostart.as_ref().map(Autostart::is_on))
    }

    fn prepare(&self, link: &str) -> anyhow::Result<()> {
        let invite: Invite = link.parse()?;
        anyhow::ensure!(
            invite.group_key != self.home.group_key()?,
            "this is the invite of the group that this peer belongs to already"
        );
        let others = self.home.profiles();
        let running = others.iter().find(|other| other.name != self.profile.name && other.is_running());
        if let Some(other) = running {
            anyhow::bail!(
                "close the window of {} first: all peers of this account change the group together",
                other.name
            );
        }
        *self.joining.lock().unwrap_or_else(PoisonError::into_inner) = Some(invite);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardume::node::config::Secret;

    fn link(key: u8) -> String {
        let names = vec!["192.0.2.7:7734".parse().expect("an address")];
        Invite { group_key: Secret::from_bytes([key; 32]), names }.to_string()
    }

    #[test]
    fn another_group_is_joined_only_when_nobody_else_of_the_home_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::at(folder.path());
        let profile = home.profile("peer-1").expect("a profile");
        let desk = Desk::new(home.clone(), profile);
        let News::Invite(Ok(own)) = desk.carry_out(Order::Invite) else { panic!("no invite") };
        assert!(own.starts_with("cardume:join?key="), "{own}");
        let refused = [own.as_str(), "cardume:join?", "https://example.org"];
        for link in refused {
            assert!(matches!(desk.carry_out(Order::Join(link.to_owned())), News::MayJoin(Err(_))), "{link}");
        }
        let other = home.profile("peer-2").expect("a profile").try_lock().expect("a lock").expect("free");
        let News::MayJoin(Err(why)) = desk.carry_out(Order::Join(link(9))) else { panic!("it may") };
        assert!(why.contains("peer-2"), "{why}");
        assert_eq!(desk.joining(), None);
        drop(other);
        assert_eq!(desk.carry_out(Order::Join(link(9))), News::MayJoin(Ok(())));
        assert_eq!(desk.joining().map(|invite| invite.group_key), Some(Secret::from_bytes([9; 32])));
    }
}
