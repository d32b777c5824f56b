//! A screen with windows on it: what is there, what a hand does, and pictures of it.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn has_display() -> bool {
    let display = std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty());
    let required = is_required();
    assert!(display || !required, "CARDUME_REQUIRE_DISPLAY is set and there is no DISPLAY");
    display
}

/// Whether a test of windows may not be skipped.
pub(crate) fn is_required() -> bool {
    std::env::var_os("CARDUME_REQUIRE_DISPLAY").is_some()
}

pub(crate) fn xdotool(arguments: &[&str]) -> Option<String> {
    let output = Command::new("xdotool").args(arguments).output().expect("xdotool is installed");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

pub(crate) fn press(window: &str, keys: &str) {
    xdotool(&["windowfocus", "--sync", window, "key", "--clearmodifiers", keys]);
}

/// Clicks as often at a place on the screen. Where no window manager does so, the keys go to the window that
/// was clicked all the same.
pub(crate) fn click((x, y): (i32, i32), times: &str) {
    let (x, y) = (x.to_string(), y.to_string());
    let location = xdotool(&["mousemove", "--sync", &x, &y, "getmouselocation", "--shell"]);
    let window =
        location.as_deref().and_then(|said| said.lines().find_map(|line| line.strip_prefix("WINDOW=")));
    if let Some(window) = window {
        xdotool(&["windowfocus", window]);
    }
    xdotool(&["click", "--repeat", times, "--delay", "40", "1"]);
}

/// Left, top, width and height of a window's contents.
pub(crate) fn place_of(window: &str) -> Option<[i32; 4]> {
    let text = xdotool(&["getwindowgeometry", "--shell", window])?;
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')?.parse::<i32>().ok())
    };
    Some([value("X")?, value("Y")?, value("WIDTH")?, value("HEIGHT")?])
}

/// Leaves a picture of the screen in `target/screenshots`.
pub(crate) fn picture(name: &str) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("a folder");
    // A picture is for people; a machine without ImageMagick runs the test all the same.
    if let Err(error) =
        Command::new("import").args(["-window", "root"]).arg(folder.join(format!("{name}.png"))).output()
    {
        println!("no picture: {error}");
    }
}
