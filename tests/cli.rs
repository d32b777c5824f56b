//! The command line without a running peer: exit codes, messages that say what to do, invites.

use std::path::Path;
use std::process::{Command, Stdio};

/// How a command ended: its exit code, what it printed, what it complained about.
type Ended = (Option<i32>, String, String);

fn cardume(home: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardume"));
    command.arg("--home").arg(home).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn without_a_running_peer_commands_say_so_and_make_nothing() {
    let dir = home();
    let home = dir.path().join("not there yet");
    let none = "cardume: no peer runs here; start one with `cardume` or `cardume demo`, or name its home with --home\n";
    for command in
        [&["status"][..], &["search", "x"], &["get", "x"], &["crash"], &["stop"], &["events"], &["transfers"]]
    {
        assert_eq!(cardume(&home, command), (Some(3), String::new(), none.to_owned()), "{command:?}");
    }
    let named = "cardume: no peer runs in the profile peer-2; start one with `cardume`, or name another with --profile\n";
    assert_eq!(
        cardume(&home, &["--profile", "peer-2", "status"]),
        (Some(3), String::new(), named.to_owned())
    );
    assert!(!home.exists());
}

#[test]
fn wrong_usage_is_2_and_what_is_missing_is_4() {
    let dir = home();
    let cases: [(&[&str], i32); 12] = [
        (&["no-such-command"], 2),
        (&["open", "https://example.org"], 2),
        (&["cardume:join?key=short"], 2),
        (&["open", "cardume:join?nothing"], 2),
        (&["search"], 2),
        (&["crash", "--for", "2h"], 2),
        (&["crash", "--for", "61s"], 2),
        (&["demo", "--peers", "0"], 2),
        (&["peer", "--headless", "--expect", "8"], 2),
        (&["--profile", "../elsewhere", "status"], 2),
        (&["share", "no/such/folder"], 4),
        (&["group", "credentials", "--out", "never-made"], 4),
    ];
    for (arguments, code) in cases {
        let (ended, printed, complaint) = cardume(dir.path(), arguments);
        assert_eq!((ended, printed.as_str()), (Some(code), ""), "{arguments:?}: {complaint}");
        assert!(!complaint.is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_invite_makes_another_home_a_member_of_the_same_group() {
    let (inviting, joining, other) = (home(), home(), home());
    let invite = ["group", "invite", "--names", "192.0.2.7:7734"];
    let (code, link, complaint) = cardume(inviting.path(), &invite);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(link.starts_with("cardume:join?key=") && link.ends_with("&names=192.0.2.7:7734\n"), "{link}");

    assert_eq!(cardume(joining.path(), &["join", link.trim()]).0, Some(0));
    assert_eq!(cardume(joining.path(), &["join", link.trim()]).0, Some(0), "twice is once");
    assert_eq!(cardume(joining.path(), &["group", "invite"]), (Some(0), link.clone(), String::new()));

    let elsewhere = cardume(other.path(), &invite).1;
    assert_ne!(elsewhere, link, "each group has its own key");
    let (code, printed, complaint) = cardume(other.path(), &["join", link.trim()]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(complaint.contains("belongs to another group") && complaint.contains("--replace"), "{complaint}");
    assert_eq!(cardume(other.path(), &invite).1, elsewhere, "nothing was changed");
    assert_eq!(cardume(other.path(), &["join", link.trim(), "--replace"]).0, Some(0));
    assert_eq!(cardume(other.path(), &invite).1, link);
}

#[test]
fn a_damaged_invite_changes_nothing() {
    let dir = home();
    let home = dir.path().join("new");
    for link in ["", "cardume:join?key=abc&names=192.0.2.7:1", "https://example.org/"] {
        let (code, printed, complaint) = cardume(&home, &["join", link]);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{link}");
        assert!(complaint.contains("copy the whole link"), "{complaint}");
    }
    assert!(!home.exists());
}

#[test]
fn an_invite_to_a_loopback_address_warns() {
    let dir = home();
    let (code, link, complaint) = cardume(dir.path(), &["group", "invite"]);
    assert_eq!(code, Some(0));
    assert!(link.ends_with("&names=127.0.0.1:7734\n"), "{link}");
    assert!(complaint.contains("works on this machine only"), "{complaint}");
}

#[test]
fn help_has_examples_and_exit_codes_and_completions_know_the_commands() {
    let dir = home();
    let (code, help, _) = cardume(dir.path(), &["--help"]);
    assert_eq!(code, Some(0));
    let commands = ["demo", "peer", "names", "status", "search", "get", "share", "group", "join", "crash"];
    for expected in commands.into_iter().chain(["Examples:", "Exit codes:", "3 no running peer"]) {
        assert!(help.contains(expected), "{expected}: {help}");
    }
    for command in commands {
        assert_eq!(cardume(dir.path(), &[command, "--help"]).0, Some(0), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = cardume(dir.path(), &["completions", shell]);
        assert_eq!(code, Some(0));
        assert!(script.contains("transfers"), "{shell}");
    }
}
