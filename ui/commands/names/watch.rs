//! `cardume names watch`: a line for each change, until it is interrupted; also after the service was away.

use super::super::output::{json, line, plain};
use super::super::{Failure, Outcome};
use cardume::names::client::{NamesTool, ToolError};
use cardume::net::Identity;
use cardume::node::config::Home;
use cardume::wire::names::{Change, What};
use std::time::Duration;

/// How long one call waits.
const WAIT: Duration = Duration::from_secs(10);
/// How often a service that went away is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints changes as they come.
pub(super) async fn watch(home: &Home, identity: &Identity, as_json: bool) -> Outcome {
    let mut tool = NamesTool::connect(identity, &home.names_addresses()?).await?;
    let mut after = None;
    loop {
        match tool.watch(after, WAIT).await {
            Ok(watched) => {
                if watched.missed {
                    tell_missed(as_json)?;
                }
                for change in &watched.changes {
                    if as_json { json(change)? } else { line(&sentence(change))? }
                }
                after = Some(watched.newest);
            }
            Err(ToolError::NoAnswer(reason)) => {
                eprintln!("the name service is away, and looked for: {}", plain(&reason));
                tool = found_again(home, identity).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn found_again(home: &Home, identity: &Identity) -> Result<NamesTool, Failure> {
    loop {
        tokio::time::sleep(PAUSE).await;
        match NamesTool::connect(identity, &home.names_addresses()?).await {
            Err(ToolError::Unreachable(_)) => {}
            found => return Ok(found?),
        }
    }
}

fn tell_missed(as_json: bool) -> Outcome {
    if as_json {
        return json(&serde_json::json!({ "missed": true }));
    }
    line("changes were missed; `cardume names list` says what is registered now")
}

/// A change for a person: what happened, to which name, what is registered since then.
fn sentence(change: &Change) -> String {
    let what = match change.what {
        What::Registered => "registered",
        What::Removed => "removed",
        What::Expired => "expired",
        What::Metadata => "metadata",
    };
    let mut words = vec![format!("{what:10}"), change.name.clone()];
    if let Some(entry) = &change.entry {
        words.push(entry.uri.clone());
        let metadata: Vec<_> = entry.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        words.push(metadata.join(", "));
    }
    plain(words.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardume::wire::names::Entry;

    #[test]
    fn a_change_is_a_line() {
        let entry = |metadata: &[(&str, &str)]| Entry {
            uri: "wss://127.0.0.1:1/".to_owned(),
            election_uri: None,
            peer_id: "0123456789abcdef".to_owned(),
            metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        let change = |what, entry| Change { number: 1, name: "peer-1".to_owned(), what, entry };
        let table = [
            (change(What::Registered, Some(entry(&[]))), "registered  peer-1  wss://127.0.0.1:1/"),
            (
                change(What::Metadata, Some(entry(&[("room", "2"), ("state", "\u{1b}[2J")]))),
                "metadata    peer-1  wss://127.0.0.1:1/  room=2, state=\u{FFFD}[2J",
            ),
            (change(What::Removed, None), "removed     peer-1"),
            (change(What::Expired, None), "expired     peer-1"),
        ];
        for (change, expected) in table {
            assert_eq!(sentence(&change), expected);
        }
    }
}
