//! `cardume demo`: a name service and peers as real processes, with sample files, until it is stopped.

mod children;
mod samples;
mod table;

use super::asking::block_on;
use super::lifeline::{asked_to_stop, stdin_end};
use super::output::line;
use super::{Failure, Outcome};
use crate::args::{DemoArgs, Global};
use cardume::engine::election::Roster;
use cardume::node::config::Home;
use children::Children;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::Table;

/// How often the table is brought up to date.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs the demonstration.
pub(crate) fn run(global: &Global, args: &DemoArgs) -> Outcome {
    let folder = Folder::choose(global.home.as_deref())?;
    let home = Home::at(&folder.path);
    block_on(async {
        let stdin = if global.stop_with_stdin { Some(stdin_end()?) } else { None };
        let windows = !args.headless && has_display();
        let mut children = Children::new(&home, &folder.path)?;
        let ended = tokio::select! {
            ended = show(&mut children, &home, args, windows, global.json) => ended,
            () = asked_to_stop(stdin) => Ok(()),
        };
        children.stop().await;
        ended
    })
}

/// Starts everything and keeps the table up to date until all peers have ended.
async fn show(children: &mut Children, home: &Home, args: &DemoArgs, windows: bool, json: bool) -> Outcome {
    let names: Vec<String> = (1..=args.peers).map(|number| format!("peer-{number}")).collect();
    let expect = usize::from(args.peers).min(Roster::MAX_VOTERS);
    let address = children.start_names(home, expect).await?;
    home.set_names_addresses(&[address])?;
    let mut shares = Vec::new();
    for name in &names {
        // Beside the profiles: those hold keys and are never shared.
        shares.push(children.folder().join("shared").join(name));
    }
    if !args.no_samples {
        let folders = shares.clone();
        let written = tokio::task::spawn_blocking(move || samples::write(&folders)).await;
        written.map_err(|error| Failure::failed(error.to_string()))??;
    }
    let places = windows.then(|| tiles(names.len()));
    for (number, (name, share)) in names.iter().zip(&shares).enumerate() {
        children.start_peer(name, share, places.as_ref().map(|places| places[number]))?;
    }
    if !json {
        line(&how_to_talk(children.folder(), address, windows))?;
    }
    let mut table = Table::new(home, &names, json);
    while children.any_peer_lives() {
        table.refresh(children).await;
        table.show()?;
        tokio::time::sleep(PAUSE).await;
    }
    if json { Ok(()) } else { line("All peers have ended") }
}

fn how_to_talk(folder: &Path, names: std::net::SocketAddr, windows: bool) -> String {
    let home = folder.display();
    let stop = if windows { "Close the windows or press Ctrl+C to stop" } else { "Ctrl+C stops everything" };
    format!(
        "Home: {home}\nName service: wss://{names}/\nIn another terminal:\n  \
         cardume --home {home} --profile peer-2 status\n  \
         cardume --home {home} search reef\n  \
         cardume --home {home} --profile peer-5 get \"Reef recording.wav\"\n  \
         cardume --home {home} crash\n  \
         cardume --home {home} names list\n\
         {stop}\n"
    )
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(feature = "window") && (!cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY"))
}

/// Where a window stands and how large it is, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    position: (u32, u32),
    size: (u32, u32),
}

/// Windows side by side: a grid over the screen, as square as it goes.
fn tiles(count: usize) -> Vec<Place> {
    let screen = screen().or_else(|| connected_screen(Path::new("/sys/class/drm")));
    tiles_on(screen.unwrap_or((1920, 1080)), u32::try_from(count).unwrap_or(u32::MAX))
}

fn tiles_on((width, height): (u32, u32), count: u32) -> Vec<Place> {
    /// What a window's title bar takes, in points.
    const TITLE: u32 = 36;
    let rows = (1..=count).find(|rows| rows * (rows + 1) >= count).unwrap_or(1);
    let columns = count.div_ceil(rows).max(1);
    let (cell_width, cell_height) = (width / columns, height / rows);
    let place = |number: u32| Place {
        position: (number % columns * cell_width, number / columns * cell_height),
        size: (cell_width, cell_height.saturating_sub(TITLE)),
    };
    (0..count).map(place).collect()
}

/// The screen's size, where `xrandr` tells it.
fn screen() -> Option<(u32, u32)> {
    let output = std::process::Command::new("xrandr").arg("--current").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = text.split_once("current ")?;
    let (width, rest) = rest.split_once(" x ")?;
    let (height, _) = rest.split_once(',')?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// The size of the first screen that Linux knows to be connected: not everybody has `xrandr`.
fn connected_screen(folder: &Path) -> Option<(u32, u32)> {
    let mut outputs: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    outputs.sort();
    outputs.iter().find_map(|output| {
        let read = |name| std::fs::read_to_string(output.join(name)).ok();
        read("status").filter(|status| status.trim() == "connected")?;
        let modes = read("modes")?;
        // The preferred one comes first: `1366x768`.
        let (width, height) = modes.lines().next()?.split_once('x')?;
        let height = height.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        Some((width.parse().ok()?, height.parse().ok()?))
    })
}

/// Where the demonstration keeps everything: the folder given, or a temporary one that goes with it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn choose(given: Option<&Path>) -> Result<Self, Failure> {
        let (path, temporary) = match given {
            Some(path) => (std::path::absolute(path)?, false),
            None => (std::env::temp_dir().join(format!("cardume-demo-{}", std::process::id())), true),
        };
        if temporary {
            let mut builder = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            // Not `recursive`: a folder that somebody else put there is refused.
            builder.create(&path)?;
        } else {
            std::fs::create_dir_all(&path)?;
        }
        Ok(Self { path, temporary })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!("The temporary folder stays: {} ({error})", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_tiled_without_overlap() {
        let size = (640, 504);
        let at = |x, y| Place { position: (x, y), size };
        assert_eq!(tiles_on((1920, 1080), 5), [at(0, 0), at(640, 0), at(1280, 0), at(0, 540), at(640, 540)]);
        assert_eq!(tiles_on((800, 600), 1), [Place { position: (0, 0), size: (800, 564) }]);
    }

    #[test]
    fn the_first_connected_screen_is_found() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(connected_screen(folder.path()), None);
        for (name, status, modes) in [
            ("card0-DP-1", "disconnected\n", ""),
            ("card0-HDMI-A-1", "connected\n", ""),
            ("card0-eDP-1", "connected\n", "1366x768\n1024x768\n"),
            ("card0-eDP-2", "connected\n", "1920x1080i\n"),
        ] {
            std::fs::create_dir(folder.path().join(name))?;
            std::fs::write(folder.path().join(name).join("status"), status)?;
            std::fs::write(folder.path().join(name).join("modes"), modes)?;
        }
        std::fs::write(folder.path().join("version"), "drm 1.1.0")?;
        assert_eq!(connected_screen(folder.path()), Some((1366, 768)));
        std::fs::remove_dir_all(folder.path().join("card0-eDP-1"))?;
        assert_eq!(connected_screen(folder.path()), Some((1920, 1080)));
        Ok(())
    }
}
