//! A link that is clicked while a window runs opens there, and nothing is downloaded before the person says so.

use crate::screen::{has_display, picture, press, xdotool};
use crate::support::{Group, LONG, alone, hash_of, wait_for};
use crate::{wait_a_frame, wait_for_file};

#[test]
fn a_link_opens_in_the_window_that_runs() {
    let _alone = alone();
    if !has_display() {
        println!("skipped: there is no display");
        return;
    }
    let mut group = Group::new();
    group.start_names(Some(2));
    group.start_peer("peer-1");
    group.start_window("peer-2");
    let window = wait_for("the window", LONG, || xdotool(&["search", "--name", "Cardume - peer-2"]));
    group.wait_for_tracker(2);
    let hash = hash_of(&group.share_of("peer-1").join("notes of peer-1.txt"));
    wait_for("a hashed file", LONG, || group.cardume(&["sources", &hash]).status.success().then_some(()));
    let link = format!("cardume:?h={hash}&n=notes%20of%20peer-1.txt");
    // The window listens a moment after it is there.
    let output = wait_for("a window that takes the link", LONG, || {
        let output = group.cardume(&["--profile", "peer-2", "open", &link]);
        output.status.success().then_some(output)
    });
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Opened in the window of peer-2\n");
    let output = group.cardume(&[&link]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Opened in the window of peer-2\n",
        "without a profile"
    );
    assert!(!group.folder.join("profiles/peer-3").exists(), "no other peer was started");

    let damaged = group.cardume(&["open", "cardume:?h=123"]);
    assert_eq!(damaged.status.code(), Some(2), "{}", String::from_utf8_lossy(&damaged.stderr));

    let target = group.folder.join("profiles/peer-2/downloads/notes of peer-1.txt");
    wait_a_frame();
    picture("opened-link");
    assert!(!target.exists(), "it is only shown");
    wait_for("the file that the person asked for", LONG, || {
        press(&window, "Return");
        wait_for_file(&target)
    });
    assert_eq!(std::fs::read(&target).expect("readable"), b"written by peer-1\n");
}
