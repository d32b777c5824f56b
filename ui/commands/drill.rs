//! `cardume crash`, `cardume drill` and `cardume stop`.

use super::asking::with_peer;
use super::output::{json, line, plain};
use super::{Failure, Outcome};
use crate::args::{CrashArgs, DrillCommand, Global};
use cardume::node::Remote;
use cardume::wire::control::MemberState;
use serde::Serialize;

/// The drill as `--json` shows it.
#[derive(Serialize)]
struct DrillShape<'a> {
    peer: &'a str,
    peer_id: &'a str,
    for_millis: u128,
}

/// Makes a peer silent as a crash does, and back.
pub(crate) fn crash(global: &Global, args: &CrashArgs) -> Outcome {
    with_peer(global, async |peer| {
        if args.recover {
            peer.recover().await?;
            return if global.json { json(&()) } else { line("The drill is over") };
        }
        let member = chosen(&peer, args.peer.as_deref()).await?;
        if member.me {
            peer.crash(args.for_time).await?;
        } else {
            peer.crash_member(&member, args.for_time).await?;
        }
        let name = &member.peer.name;
        let for_millis = args.for_time.as_millis();
        if global.json {
            return json(&DrillShape { peer: name, peer_id: &member.peer.peer_id, for_millis });
        }
        line(&format!("{} is silent for {:?}; watch it with `cardume events`", plain(name), args.for_time))
    })
}

/// Makes a peer stand still, or cuts the link to one.
pub(crate) fn drill(global: &Global, command: &DrillCommand) -> Outcome {
    with_peer(global, async |peer| {
        let (member, for_time, what) = match command {
            DrillCommand::Pause { peer: name, for_time } => {
                let member = chosen(&peer, name.as_deref()).await?;
                peer.pause(&member, *for_time).await?;
                (member, for_time, "stands still for")
            }
            DrillCommand::Cut { to, for_time } => {
                let member = chosen(&peer, Some(to)).await?;
                peer.cut(&member, *for_time).await?;
                (member, for_time, "cannot be reached from here for")
            }
        };
        let name = &member.peer.name;
        if global.json {
            let for_millis = for_time.as_millis();
            return json(&DrillShape { peer: name, peer_id: &member.peer.peer_id, for_millis });
        }
        line(&format!("{} {what} {for_time:?}; watch it with `cardume events`", plain(name)))
    })
}

/// The member with that name or id; without one: the tracker.
async fn chosen(peer: &Remote, name: Option<&str>) -> Result<MemberState, Failure> {
    let members = peer.members().await?;
    let Some(name) = name else {
        let tracker = members.into_iter().find(|member| member.tracker);
        return tracker.ok_or_else(|| {
            Failure::no_tracker("there is no tracker at the moment; name a peer with --peer")
        });
    };
    find_member(&members, name).cloned()
}

/// The member that a person means: by its name, its id or the beginning of it.
pub(crate) fn find_member<'a>(members: &'a [MemberState], name: &str) -> Result<&'a MemberState, Failure> {
    const MIN_DIGITS: usize = 6;
    let named: Vec<_> = members.iter().filter(|member| member.peer.name == name).collect();
    let by_id =
        members.iter().filter(|member| name.len() >= MIN_DIGITS && member.peer.peer_id.starts_with(name));
    let fits = if named.is_empty() { by_id.collect() } else { named };
    match fits[..] {
        [member] => Ok(member),
        [] => Err(Failure::not_found(format!(
            "no member is called {name:?}; `cardume group members` lists them"
        ))),
        _ => Err(Failure::usage(format!("several members are called {name:?}; use the id"))),
    }
}

/// Stops the running peer.
pub(crate) fn stop(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        peer.stop().await?;
        if global.json { json(&()) } else { line(&format!("{} stops", peer.profile().name)) }
    })
}
