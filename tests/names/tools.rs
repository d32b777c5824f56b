//! The tools of the command line, as processes that ask a service that is one.

use super::process::{PROGRAM, Process, address};
use super::*;
use cardume::names::client::identity_of;
use cardume::node::config::Home;
use cardume::wire::names::{Change, What};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::time::timeout;

/// A service, and a peer in whose name the command line asks: with the key of the home.
struct Desk {
    home: PathBuf,
    address: SocketAddr,
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
        let address = address(&runtime);
        let client = peer.connect(address).await;
        Self { home: folder.to_owned(), address, service, peer, client }
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
    assert_eq!((code, printed.as_str()), (Some(2), ""));
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

#[tokio::test]
async fn changes_are_printed_as_they_come_also_after_the_service_was_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = Desk::start(folder.path()).await;
    let mut command = tokio::process::Command::new(PROGRAM);
    command.arg("--home").arg(&desk.home).args(["names", "watch", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut watching = command.spawn().expect("starts");
    let mut lines = BufReader::new(watching.stdout.take().expect("is piped")).lines();
    // Nobody knows when it begins to watch: something changes until it says so.
    let mut said = None;
    for round in 0..200 {
        desk.peer.register(&desk.client, &format!("n{}", round % 8), None).await.expect("is accepted");
        let emptied = desk.client.set_metadata(format!("n{}", round % 8), names::Metadata::new()).await;
        emptied.expect("its own");
        if let Ok(line) = timeout(Duration::from_millis(100), lines.next_line()).await {
            said = line.expect("is readable");
            break;
        }
    }
    let change: Change = serde_json::from_str(&said.expect("a line")).expect("a change in JSON");
    assert!(change.name.starts_with('n') && change.entry.is_some(), "{change:?}");

    let Desk { home, address, service, peer, .. } = desk;
    service.kill();
    let (service, _) = Process::start(&Home::at(&home), Some(address));
    let next = async |lines: &mut Lines<_>| {
        let line = timeout(DEADLINE, lines.next_line()).await.expect("in time").expect("is readable");
        line.expect("it goes on")
    };
    while next(&mut lines).await != "{\"missed\":true}" {}
    let client = peer.connect(address).await;
    peer.register(&client, "late", None).await.expect("is accepted");
    let change: Change = serde_json::from_str(&next(&mut lines).await).expect("a change in JSON");
    assert_eq!(
        (change.name.as_str(), change.what, change.entry),
        ("late", What::Registered, Some(peer.entry()))
    );
    watching.kill().await.expect("is running");
    service.kill();
}

#[tokio::test]
async fn a_service_is_stopped_and_moved_to_where_others_reach_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::start(folder.path()).await;
    let home = Home::at(folder.path());
    let lock = home.profile("peer-1").expect("a name").try_lock().expect("usable").expect("free");
    let to = SocketAddr::new([127, 0, 0, 2].into(), desk.address.port());
    let (code, _, complaint) = desk.run(&["move", &to.to_string()]).await;
    assert!(code == Some(1) && complaint.contains("peer-1 would stay"), "{code:?} {complaint}");
    drop(lock);
    for nowhere in ["203.0.113.7:7734", "0.0.0.0:7734", "127.0.0.1:0"] {
        let (code, _, complaint) = desk.run(&["move", nowhere]).await;
        assert!(code == Some(2) && complaint.contains("no address of this machine"), "{code:?} {complaint}");
    }
    assert_eq!(desk.run(&["ping"]).await.0, Some(0), "nothing was done");
    let (code, printed, complaint) = desk.run(&["move", &to.to_string(), "--json"]).await;
    assert_eq!((code, printed), (Some(0), format!("{{\"names\":\"{to}\"}}\n")), "{complaint}");
    assert!(desk.service.ends_well(), "it would hold the storage");
    assert_eq!(home.names_addresses().expect("readable"), [to]);
    let (mut service, runtime) = Process::start(&home, None);
    assert_eq!(address(&runtime), to, "the next one listens there");
    let (code, printed, complaint) = desk.run(&["stop"]).await;
    assert_eq!(
        (code, printed),
        (Some(0), format!("the name service at wss://{to}/ has stopped\n")),
        "{complaint}"
    );
    assert!(service.ends_well());
    assert_eq!(desk.run(&["stop"]).await.0, Some(3));
}
