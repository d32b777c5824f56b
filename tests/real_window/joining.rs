//! A newcomer joins a group by pasting an invite into the page of the first start: the same process goes on in the
//! other group, with the window open again.

use crate::accessibility::{BUTTON, Bus, ENTRY};
use crate::screen::{click, has_display, is_required, picture, xdotool};
use crate::support::{Group, alone, cardume, program, wait_for};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A window that is drawn without a graphics card opens twice.
const PATIENCE: Duration = Duration::from_mins(2);

/// A window in a home of its own; it ends with the test.
struct Newcomer(Child);

impl Drop for Newcomer {
    fn drop(&mut self) {
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            eprintln!("the newcomer's window cannot be stopped");
        }
    }
}

#[test]
fn a_pasted_invite_brings_a_newcomer_into_the_group() {
    // Before anything else: two accessibility buses on one display disturb each other.
    let _alone = alone();
    if !has_display() {
        println!("skipped: there is no display");
        return;
    }
    let home = tempfile::Builder::new().prefix("cardume-new-").tempdir().expect("a temporary folder");
    let Some(bus) = Bus::start(home.path()) else {
        assert!(!is_required(), "CARDUME_REQUIRE_DISPLAY is set and at-spi2-core or dbus is missing");
        println!("skipped: dbus-daemon or at-spi-bus-launcher is not installed");
        return;
    };
    let group = Group::of(2);
    let invite = group.json(&["group", "invite", "--json"]);
    let invite = invite["link"].as_str().expect("a link").to_owned();

    let own = home.path().join("home");
    let log = std::fs::File::create(home.path().join("window.log")).expect("a log file");
    let window = Command::new(program())
        .arg("--home")
        .arg(&own)
        .args(["--stop-with-stdin", "peer", "--no-names", "--name", "newcomer"])
        .args(["--position", "0,0", "--size", "1000,700"])
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .env("LC_ALL", "C.UTF-8")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a log file"))
        .stderr(log)
        .spawn()
        .expect("the program starts");
    let newcomer = Newcomer(window);
    let pid = newcomer.0.id();
    click(bus.place(pid, ENTRY, "paste an invite", PATIENCE), "1");
    xdotool(&["type", "--delay", "8", &invite]);
    picture("invite-pasted");
    let status = wait_for("the newcomer in the group", PATIENCE, || {
        // A click that comes while the window opens is lost; once it has joined there is no such button.
        if let Some(button) = bus.seen_at(pid, BUTTON, "Join") {
            click(button, "1");
        }
        let output = cardume(&own, &["--profile", "peer-1", "status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        (status["tracker"].is_object() && status["role"] != "outside").then_some(status)
    });
    assert_eq!(status["pid"].as_u64(), Some(u64::from(pid)), "the same process goes on");
    wait_for("the newcomer among the members", PATIENCE, || {
        let members = group.json(&["--profile", "peer-1", "group", "members", "--json"]);
        let names = members.as_array()?.iter().filter_map(|member| member["name"].as_str());
        names.into_iter().any(|name| name == "newcomer").then_some(())
    });
    picture("invite-joined");
}
