//! A real window on a real display, driven as a person does: type, Enter, the file is there; the tracker is
//! crashed, another one is elected. Pictures of it are left in `target/screenshots`.
//!
//! Needs a display, `xdotool` and (for the pictures) `import`. Without a display it skips and says so; with
//! `CARDUME_REQUIRE_DISPLAY` set it fails instead.
#![cfg(feature = "window")]

mod accessibility;
mod five;
mod joining;
mod links;
mod screen;
#[path = "../support/mod.rs"]
mod support;

use screen::{has_display, picture, press, xdotool};
use std::path::Path;
use support::{Group, LONG, alone, wait_for};

#[test]
fn a_person_searches_downloads_and_crashes_the_tracker_in_a_window() {
    let _alone = alone();
    if !has_display() {
        println!("skipped: there is no display");
        return;
    }
    let mut group = Group::new();
    group.start_names(Some(3));
    group.start_peer("peer-1");
    group.start_peer("peer-2");
    group.start_window("peer-3");
    let title = "Cardume - peer-3";
    let window = wait_for("the window", LONG, || xdotool(&["search", "--name", title]));
    group.wait_for_tracker(3);
    #[cfg(target_os = "linux")]
    support::check_scheduling(group.pid("peer-3"), false);
    let hashed = || {
        let found = group.json(&["--profile", "peer-1", "search", "notes of peer-1", "--json"]);
        found[0]["content"].is_string().then_some(())
    };
    wait_for("a hashed file", LONG, hashed);

    // The search field has the focus from the start; Enter takes the best result from all its sources.
    xdotool(&["windowfocus", "--sync", &window, "type", "--delay", "30", "notes peer-1"]);
    let target = group.folder.join("profiles/peer-3/downloads/notes of peer-1.txt");
    wait_for("the downloaded file", LONG, || {
        press(&window, "Return");
        // Time for one download; a second press finds it and does no harm.
        wait_for_file(&target)
    });
    assert_eq!(std::fs::read(&target).expect("readable"), b"written by peer-1\n");
    picture("search");
    press(&window, "ctrl+2");
    wait_a_frame();
    picture("transfers");

    press(&window, "ctrl+4");
    let (_, epoch) = group.wait_for_tracker(3);
    press(&window, "ctrl+shift+k");
    wait_for("a tracker of a later epoch", LONG, || {
        let status = group.status("peer-1").or_else(|| group.status("peer-2"))?;
        (status["epoch"].as_u64()? > epoch && status["tracker"].is_object()).then_some(())
    });
    wait_a_frame();
    picture("group");
    // Closing asks the peer to stop gracefully, and its process ends.
    xdotool(&["windowclose", &window]);
    wait_for("the end of the window's process", LONG, || group.has_ended("peer-3").then_some(()));
}

fn wait_for_file(path: &Path) -> Option<()> {
    for _ in 0..20 {
        if path.exists() {
            return Some(());
        }
        wait_a_frame();
    }
    None
}

/// What is drawn next shows what happened: pictures only, nothing depends on it.
fn wait_a_frame() {
    std::thread::sleep(std::time::Duration::from_millis(100));
}
