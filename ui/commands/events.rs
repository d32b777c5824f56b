//! `cardume events`: what happened, in sentences.

use super::Outcome;
use super::asking::with_peer;
use super::output::{json, line, plain};
use crate::args::Global;
use crate::local_time::time_of_day;
use cardume::wire::codes::Code;
use cardume::wire::control::EventRecord;
use std::time::Duration;

/// How often new events are asked for.
const PAUSE: Duration = Duration::from_millis(200);

/// Prints the events, and new ones as they come.
pub(crate) fn run(global: &Global, follow: bool) -> Outcome {
    with_peer(global, async |peer| {
        let mut after = 0;
        loop {
            let events = peer.events(after).await?;
            for event in &events {
                after = after.max(event.seq);
                if global.json { json(event)? } else { line(&sentence(event))? }
            }
            if events.is_empty() && !follow {
                return Ok(());
            }
            if events.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    })
}

/// An event for a person: the time of day where the person is, what, who, more.
fn sentence(event: &EventRecord) -> String {
    let at = time_of_day(event.unix_millis);
    let peer = event.peer.as_deref().map(|peer| format!(": {}", plain(peer))).unwrap_or_default();
    let epoch = event.epoch.map(|epoch| format!(" (epoch {epoch})")).unwrap_or_default();
    let said = event.detail.as_deref().map(|detail| match (event.kind.as_str(), detail.split_once('/')) {
        ("roster_changed", Some((voters, members))) => format!("{voters} voters, {members} members"),
        ("names_refused", _) => match Code::named(detail) {
            Some(code) => code.meaning().to_owned(),
            None => detail.to_owned(),
        },
        _ => detail.to_owned(),
    });
    let detail = said.map(|detail| format!(" - {}", plain(&detail))).unwrap_or_default();
    format!("{at}  {}{peer}{epoch}{detail}", event.kind.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_sentence_with_its_time() {
        let event = EventRecord {
            seq: 1,
            unix_millis: 86_400_000 + 3_661_007,
            kind: "tracker_elected".into(),
            epoch: Some(7),
            peer: Some("peer-2".into()),
            detail: None,
        };
        assert_eq!(sentence(&event), "01:01:01.007  tracker elected: peer-2 (epoch 7)");
    }
}
