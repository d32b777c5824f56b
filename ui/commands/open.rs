//! `cardume open LINK`, and `cardume LINK`: what a desktop calls when a link is clicked.

use super::output::line;
use super::{Failure, Outcome, asking, peer};
use crate::args::{Global, PeerArgs};
use cardume::node::Remote;
use cardume::node::config::{Home, Invite, InviteError, Membership, Profile};
use cardume::wire::codes::Code;
use std::ffi::OsString;

/// How our links begin.
const SCHEME: &str = "cardume:";
/// How those that let somebody in begin.
const INVITE: &str = "cardume:join?";
/// The longest link of a file: a hash, a size, and a name of 255 bytes written as `%XX`.
const MAX_LINK: usize = 1024;
/// The options before a command that have a value.
const WITH_VALUE: [&str; 2] = ["--home", "--profile"];

/// `cardume LINK` as `cardume open LINK`; anything else stays as it is. A link behind a command is the
/// command's.
pub(crate) fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(argument) = arguments.get(at).and_then(|argument| argument.to_str()) {
        if argument.starts_with(SCHEME) {
            arguments.insert(at, OsString::from("open"));
            break;
        }
        if !argument.starts_with("--") {
            break;
        }
        at += if WITH_VALUE.contains(&argument) { 2 } else { 1 };
    }
    arguments
}

/// Opens a link.
pub(crate) fn run(global: &Global, link: &str) -> Outcome {
    let link = link.trim();
    if link.starts_with(INVITE) {
        return invited(global, link);
    }
    if !link.starts_with(SCHEME) || link.len() > MAX_LINK {
        return Err(Failure::usage("a link begins with `cardume:`; copy the whole of it"));
    }
    if let Some(profile) = hand_over(global, link)? {
        return line(&format!("Opened in the window of {profile}"));
    }
    peer::run(global, &PeerArgs { link: Some(link.to_owned()), ..PeerArgs::default() })
}

/// Hands the link to a window that is open already; gives its profile. A peer without a window, or one that starts or
/// stops, is passed over: then a window is opened here.
fn hand_over(global: &Global, link: &str) -> Result<Option<String>, Failure> {
    let home = asking::home(global)?;
    let running: Vec<String> = match &global.profile {
        Some(name) => vec![name.clone()],
        None => home.profiles().into_iter().filter(Profile::is_running).map(|profile| profile.name).collect(),
    };
    let mut taken = None;
    asking::block_on(async {
        for profile in running {
            let Ok(peer) = Remote::connect(&home, Some(&profile)).await else { continue };
            match peer.open_link(link.to_owned()).await {
                Ok(()) => {
                    taken = Some(profile);
                    return Ok(());
                }
                Err(error) if error.code == Code::BadParameter as i32 => return Err(error.into()),
                Err(error) => tracing::debug!(profile, %error, "the link is not for this peer"),
            }
        }
        Ok(())
    })?;
    Ok(taken)
}

fn invited(global: &Global, link: &str) -> Outcome {
    let invite: Invite = link.parse().map_err(|error: InviteError| Failure::usage(error.to_string()))?;
    let home = asking::home(global)?;
    let membership = home.membership(&invite)?;
    if membership == Membership::Same || ask(home, invite, membership)? {
        return peer::run(global, &PeerArgs::default());
    }
    Ok(())
}

#[cfg(feature = "window")]
fn ask(home: Home, invite: Invite, membership: Membership) -> Result<bool, Failure> {
    use crate::window::{Question, ask_to_join};
    use cardume::node::config::Replace;
    let leaves_other = membership == Membership::Other;
    let names: Vec<String> = invite.names.iter().map(ToString::to_string).collect();
    let replace = if leaves_other { Replace::OtherGroup } else { Replace::Refuse };
    let join = Box::new(move || home.join(&invite, replace).map_err(|error| error.to_string()));
    Ok(ask_to_join(Question { names: names.join(", "), leaves_other, join })?)
}

#[cfg(not(feature = "window"))]
fn ask(_home: Home, _invite: Invite, _membership: Membership) -> Result<bool, Failure> {
    Err(Failure::usage("this program was built without windows; use `cardume join LINK`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_alone_is_opened_and_a_link_of_a_command_is_not() {
        let cases = [
            ("cardume", "cardume"),
            ("cardume cardume:?h=1", "cardume open cardume:?h=1"),
            ("cardume cardume:join?key=1", "cardume open cardume:join?key=1"),
            ("cardume --home D --json cardume:?h=1", "cardume --home D --json open cardume:?h=1"),
            ("cardume --home=D cardume:?h=1", "cardume --home=D open cardume:?h=1"),
            ("cardume --home cardume:?h=1", "cardume --home cardume:?h=1"),
            ("cardume join cardume:join?key=1", "cardume join cardume:join?key=1"),
            ("cardume open cardume:?h=1", "cardume open cardume:?h=1"),
            ("cardume search x", "cardume search x"),
            ("cardume --profile", "cardume --profile"),
        ];
        for (given, expected) in cases {
            let arguments = given.split(' ').map(OsString::from).collect();
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(with_command(arguments), expected, "{given}");
        }
    }
}
