//! `cardume group` and `cardume join`.

use super::asking::{home, with_peer};
use super::output::{json, line, plain, table};
use super::status::short;
use super::{Failure, Outcome};
use crate::args::{Global, GroupCommand};
use cardume::node::config::{Invite, InviteError, Membership, Replace};
use cardume::node::identity;
use cardume::wire::control::MemberState;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;

/// Members, invites and credentials.
pub(crate) fn run(global: &Global, command: GroupCommand) -> Outcome {
    match command {
        GroupCommand::Members => members(global),
        GroupCommand::Invite { names } => invite(global, names),
        GroupCommand::Leave => leave(global),
        GroupCommand::Credentials { out } => credentials(global, &out),
    }
}

fn members(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        let members = peer.members().await?;
        if global.json {
            return json(&members);
        }
        let rows: Vec<_> = members.iter().map(row).collect();
        line(&table(["name", "id", "part", "connection", "last contact", "address"], &rows))
    })
}

fn row(member: &MemberState) -> [String; 6] {
    let part = match (member.tracker, member.voter) {
        (true, _) => "tracker",
        (false, true) => "voter",
        (false, false) => "no vote",
    };
    let connection = match (member.me, member.connected) {
        (true, _) => "this peer",
        (false, true) => "yes",
        (false, false) => "no",
    };
    let contact = member.last_contact_millis.map_or(String::new(), |millis| format!("{millis} ms ago"));
    [
        plain(&member.peer.name),
        short(&member.peer.peer_id),
        part.to_owned(),
        connection.to_owned(),
        contact,
        plain(&member.peer.uri),
    ]
}

fn invite(global: &Global, names: Vec<SocketAddr>) -> Outcome {
    let home = home(global)?;
    let names = if names.is_empty() { home.names_addresses()? } else { names };
    let invite = Invite { group_key: home.group_key()?, names };
    if invite.is_local() {
        eprintln!(
            "This invite works on this machine only: the name service is at a loopback address.\n\
             For others stop the peers here, say `cardume names move`, and start them again"
        );
    }
    let link = invite.to_string();
    if global.json { json(&serde_json::json!({ "link": link })) } else { line(&link) }
}

/// Makes this home a member of the group of an invite.
pub(crate) fn join(global: &Global, link: &str, replace: bool) -> Outcome {
    let invite: Invite = link.parse().map_err(|error: InviteError| Failure::usage(error.to_string()))?;
    let replace = if replace { Replace::OtherGroup } else { Replace::Refuse };
    let home = home(global)?;
    let is_other = home.membership(&invite)? == Membership::Other;
    home.join(&invite, replace)?;
    if is_other && home.names_run() {
        eprintln!(
            "A name service of the group that was left still runs here, for the others of that group; stop it if \
             nobody needs it"
        );
    }
    if global.json { json(&()) } else { line("This home is a member now; start a peer with `cardume`") }
}

fn leave(global: &Global) -> Outcome {
    with_peer(global, async |peer| {
        peer.leave().await?;
        if global.json { json(&()) } else { line("The seat is given up and the peer stops") }
    })
}

fn credentials(global: &Global, out: &Path) -> Outcome {
    let home = home(global)?;
    let profile = match &global.profile {
        Some(name) => home.profile(name)?,
        None => home
            .profiles()
            .into_iter()
            .next()
            .ok_or_else(|| Failure::not_found("no peer was ever started here"))?,
    };
    if !profile.dir.is_dir() {
        return Err(Failure::not_found(format!("there is no profile {}", profile.name)));
    }
    let identity = identity(&home, &profile).map_err(anyhow::Error::from)?;
    let pem = identity.credentials_pem();
    std::fs::create_dir_all(out)?;
    for (name, text) in [("ca.pem", &pem.ca), ("cert.pem", &pem.cert), ("key.pem", &pem.key)] {
        write_secret(&out.join(name), text)?;
    }
    if global.json {
        return json(&serde_json::json!({ "peer_id": identity.peer_id().to_string(), "folder": out }));
    }
    line(&format!(
        "Wrote ca.pem, cert.pem and key.pem of {}. Who has them is this peer: keep key.pem to yourself",
        profile.name
    ))
}

/// For this account only from the first moment; an older file is replaced.
fn write_secret(path: &Path, text: &str) -> Outcome {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(options.open(path)?.write_all(text.as_bytes())?)
}
