//! The tools of the command line, as processes that ask a service that is one.

use super::process::{PROGRAM, Process, address};
use super::*;
use cardume::names::client::identity_of;
use cardume::node::config::Home;
use std::path::PathBuf;
use std::process::Command;

/// A service, and a peer in whose name the command line asks: with the key of the home.
struct Desk {
    home: PathBuf,
    service: Process,
    peer: Peer,
    client: Client,
}

impl Desk {
    async fn start(folder: &Path) -> Self {
        let home = Home::at(folder);
        let (service, runtime) = Process::start(&home, Some(ANY_PORT));
        let (group, key) = (home.group_key().expect("a key"), home.names_key().expect("a key"));
        let identity = identity_of(group.as_bytes(), key.as_bytes()).expect("valid keys");
        let (general, election) = (listen(&identity).await, listen(&identity).await);
        let peer = Peer { identity, general, election };
        let client = peer.connect(address(&runtime)).await;
        Self { home: folder.to_owned(), service, peer, client }
    }

    /// What `cardume names …` says: the code, the output, the complaint.
    async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(PROGRAM);
        command.arg("--home").arg(&self.home).arg("names").args(arguments);
        // The peer answers meanwhile.
        let running = tokio::task::spawn_blocking(move || command.output());
        let output = running.await.expect("no panic").expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

#[tokio::test]
async fn a_list_is_asked_for_by_beginning_pattern_and_metadata() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(folder.path()).await;
    for name in ["printer-1", "printer-2", "scanner-1"] {
        desk.peer.register(&desk.client, name, None).await.expect("is accepted");
    }
    let entry = desk.peer.entry();
    let asked = ["list", "printer", "--pattern", "-[1-9]$", "--metadata", "version=1", "--json"];
    let (code, printed, _) = desk.run(&asked).await;
    let listed: std::collections::BTreeMap<String, Entry> = serde_json::from_str(&printed).expect("JSON");
    let expected = [("printer-1".to_owned(), entry.clone()), ("printer-2".to_owned(), entry)].into();
    assert_eq!((code, listed), (Some(0), expected));
    assert_eq!(desk.run(&["list", "--metadata", "version=2", "--json"]).await.1, "{}\n");
    let (code, printed, _) = desk.run(&["list", "--pattern", "^s"]).await;
    assert_eq!((code, printed.lines().count()), (Some(0), 2), "a heading and a line: {printed}");
    let (code, printed, complaint) = desk.run(&["list", "--pattern", "peer-("]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains("from character 6 on: unclosed group"), "{complaint}");
    assert_eq!(desk.run(&["list", "--metadata", "version"]).await.0, Some(2));
    desk.service.kill();
}

#[tokio::test]
async fn what_a_name_carries_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(folder.path()).await;
    desk.peer.register(&desk.client, "scanner", None).await.expect("is accepted");
    let room = [("room".to_owned(), "2".to_owned()), ("state".to_owned(), "a=b".to_owned())].into();
    let expected = Entry { metadata: room, ..desk.peer.entry() };
    let (code, printed, _) = desk.run(&["set-metadata", "scanner", "room=2", "state=a=b", "--json"]).await;
    let printed: Entry = serde_json::from_str(&printed).expect("JSON");
    assert_eq!((code, &printed), (Some(0), &expected));
    assert_eq!(desk.client.lookup("scanner".to_owned()).await.expect("is found"), expected);
    let (code, printed, complaint) = desk.run(&["set-metadata", "printer", "room=2"]).await;
    assert_eq!((code, printed.as_str()), (Some(4), ""), "{complaint}");
    assert_eq!(desk.run(&["set-metadata", "scanner", "room"]).await.0, Some(2));
    let (code, printed, _) = desk.run(&["set-metadata", "scanner"]).await;
    assert!(code == Some(0) && !printed.contains("room"), "{printed}");
    desk.service.kill();
}
