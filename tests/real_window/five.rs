//! `cardume demo` on a screen, as a person uses it: five windows side by side; one shares a folder by its
//! path, another one searches and double-clicks; the tracker is crashed by the button, and all windows say
//! who is the new one. What the windows say is read through their accessibility, what is true from
//! `status`.

use crate::accessibility::{BUTTON, Bus, ENTRY, LIST_ITEM, TAB};
use crate::screen::{click, has_display, is_required, picture, place_of, xdotool};
use crate::support::{alone, cardume, program, wait_for};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Five windows, drawn without a graphics card, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a click gets before it is tried again.
const ONE_TRY: Duration = Duration::from_secs(8);
const PEERS: [&str; 5] = ["peer-1", "peer-2", "peer-3", "peer-4", "peer-5"];

/// The demonstration and what is seen of it.
struct Demo {
    child: Child,
    home: tempfile::TempDir,
    bus: Bus,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Its processes end with it: their standard input is its.
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            eprintln!("the demonstration cannot be stopped");
        }
    }
}

impl Demo {
    fn start(bus: Bus, home: tempfile::TempDir) -> Self {
        let log = std::fs::File::create(home.path().join("demo.log")).expect("a log file");
        let child = Command::new(program())
            .arg("--home")
            .arg(home.path())
            .args(["--stop-with-stdin", "demo"])
            .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
            .env("LC_ALL", "C.UTF-8")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Self { child, home, bus }
    }

    fn status(&self, peer: &str) -> Option<Value> {
        let output = cardume(self.home.path(), &["--profile", peer, "status", "--json"]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// The tracker's name and epoch, once all five peers agree, its index is whole, and the epoch is later.
    fn tracker_after(&self, epoch: u64) -> (String, u64) {
        wait_for("one tracker for all five", PATIENCE, || {
            let all: Vec<Value> = PEERS.iter().map(|peer| self.status(peer)).collect::<Option<_>>()?;
            let (tracker, new) = (all[0]["tracker"]["name"].as_str()?, all[0]["epoch"].as_u64()?);
            let agreed = all.iter().all(|status| {
                status["tracker"]["name"].as_str() == Some(tracker)
                    && status["epoch"].as_u64() == Some(new)
                    && status["index"]["complete"]["have"].as_u64() == Some(5)
            });
            (agreed && new > epoch).then(|| (tracker.to_owned(), new))
        })
    }

    fn pid(&self, peer: &str) -> u32 {
        let status = wait_for("the peer's status", PATIENCE, || self.status(peer));
        status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process")
    }

    /// Whether the window says this anywhere.
    fn says(&self, pid: u32, words: &str) -> bool {
        self.bus.parts(pid).iter().any(|part| part.name.contains(words))
    }

    /// Clicks on this until that is so. A click that comes while a window is still opening is lost.
    fn click_until(&self, pid: u32, role: u32, name: &str, times: &str, mut is_so: impl FnMut() -> bool) {
        wait_for(&format!("what a click on {name:?} does"), PATIENCE, || {
            click(self.bus.place(pid, role, name, PATIENCE), times);
            let begun = crate::support::now();
            while begun.elapsed() < ONE_TRY {
                if is_so() {
                    return Some(());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            None
        });
    }

    /// Types into a field, which is clicked first, and sees it there.
    fn type_into(&self, pid: u32, field: &str, words: &str) {
        click(self.bus.place(pid, ENTRY, field, PATIENCE), "1");
        xdotool(&["key", "--clearmodifiers", "ctrl+a"]);
        xdotool(&["type", "--delay", "20", words]);
    }
}

fn window_titled(title: &str) -> String {
    let found = || xdotool(&["search", "--name", &format!("^{title}$")]);
    wait_for(title, PATIENCE, found).lines().next().expect("a window").to_owned()
}

/// Whether two windows lie over each other by more than their frames.
fn overlap([x, y, width, height]: [i32; 4], [x2, y2, width2, height2]: [i32; 4]) -> bool {
    const FRAME: i32 = 8;
    x + width > x2 + FRAME && x2 + width2 > x + FRAME && y + height > y2 + FRAME && y2 + height2 > y + FRAME
}

#[test]
fn five_windows_share_search_download_and_elect_another_tracker() {
    // Before anything else: two accessibility buses on one display disturb each other.
    let _alone = alone();
    if !has_display() {
        println!("skipped: there is no display");
        return;
    }
    let home = tempfile::Builder::new().prefix("cardume-five-").tempdir().expect("a temporary folder");
    let Some(bus) = Bus::start(home.path()) else {
        assert!(!is_required(), "CARDUME_REQUIRE_DISPLAY is set and at-spi2-core or dbus is missing");
        println!("skipped: dbus-daemon or at-spi-bus-launcher is not installed");
        return;
    };
    let mut demo = Demo::start(bus, home);
    let windows: Vec<String> = PEERS.iter().map(|peer| window_titled(&format!("Cardume - {peer}"))).collect();
    let (_, epoch) = demo.tracker_after(0);
    they_are_tiled(&windows);
    share_by_path(&demo);
    picture("five-shared");
    search_and_double_click(&demo);
    picture("five-downloaded");
    crash_by_the_button(&demo, epoch);
    picture("five-new-tracker");

    // The demonstration ends, and its windows with it.
    drop(demo.child.stdin.take());
    wait_for("the end of the demonstration", PATIENCE, || demo.child.try_wait().ok().flatten());
    wait_for("the end of all windows", PATIENCE, || {
        xdotool(&["search", "--name", "^Cardume - peer-"]).is_none().then_some(())
    });
}

fn they_are_tiled(windows: &[String]) {
    wait_for("windows side by side", PATIENCE, || {
        let places: Vec<[i32; 4]> = windows.iter().map(|window| place_of(window)).collect::<Option<_>>()?;
        let apart = |one: usize| places.iter().skip(one + 1).all(|other| !overlap(places[one], *other));
        (0..places.len()).all(apart).then_some(())
    });
}

const SHARED: &str = "whale song of tonight.wav";

fn contents() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// peer-2 shares a folder by typing its path.
fn share_by_path(demo: &Demo) {
    let folder = demo.home.path().join("recordings");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join(SHARED), contents()).expect("written");
    let pid = demo.pid("peer-2");
    demo.click_until(pid, TAB, "Library", "1", || demo.bus.part(pid, ENTRY, "Path of a folder").is_some());
    demo.type_into(pid, "Path of a folder", folder.to_str().expect("Unicode"));
    xdotool(&["key", "--clearmodifiers", "Return"]);
    wait_for("the shared folder in the window", PATIENCE, || demo.says(pid, "recordings").then_some(()));
    wait_for("the file in the index", PATIENCE, || {
        let output = cardume(demo.home.path(), &["--profile", "peer-4", "search", "whale", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).ok()?;
        found[0]["content"].is_string().then_some(())
    });
}

/// peer-5 searches and double-clicks the result.
fn search_and_double_click(demo: &Demo) {
    let pid = demo.pid("peer-5");
    demo.click_until(pid, TAB, "Search", "1", || demo.bus.part(pid, ENTRY, "Search").is_some());
    demo.type_into(pid, "Search", "whale tonight");
    let target = demo.home.path().join("profiles/peer-5/downloads").join(SHARED);
    assert!(!target.exists());
    demo.click_until(pid, LIST_ITEM, SHARED, "2", || target.exists());
    assert_eq!(std::fs::read(&target).expect("readable"), contents(), "every byte");
}

/// peer-3 crashes the tracker by the button; all five windows name the next one.
fn crash_by_the_button(demo: &Demo, epoch: u64) {
    let pid = demo.pid("peer-3");
    let button = "Simulate tracker crash";
    demo.click_until(pid, TAB, "Group", "1", || demo.bus.part(pid, BUTTON, button).is_some());
    let epoch_now = || demo.status("peer-3").and_then(|status| status["epoch"].as_u64()).unwrap_or(0);
    demo.click_until(pid, BUTTON, button, "1", || epoch_now() > epoch);
    let (tracker, new) = demo.tracker_after(epoch);
    let sentence = format!("Tracker: {tracker} (epoch {new})");
    for peer in PEERS {
        let pid = demo.pid(peer);
        wait_for(&format!("{sentence:?} in the window of {peer}"), PATIENCE, || {
            demo.says(pid, &sentence).then_some(())
        });
    }
}
