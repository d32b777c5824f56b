//! The window's figures, side by side with an empty eframe window on the same machine: cost of a frame,
//! start to the first frame, memory, and what windows cost that nobody touches.
//!
//! `cargo bench --bench window`, on a display (Xvfb does) with `xdotool`. Linux only.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often each window is started; the middle one counts.
const STARTS: usize = 7;
/// How long idle windows are watched.
const IDLE: Duration = Duration::from_secs(20);
/// How long somebody types and scrolls; other times with `CARDUME_TYPING_SECONDS` (600: the target's).
const TYPING: Duration = Duration::from_mins(1);
/// The longest wait for a window.
const PATIENCE: Duration = Duration::from_mins(1);
/// Clock ticks a second in `/proc`: the same on every Linux that Rust runs on.
const TICKS: u32 = 100;
/// All parts are built as this program was: `cargo bench` gives releases.
const PROFILE: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };

fn main() -> Result<(), String> {
    // `cargo test --benches` only wants to see that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    frames()?;
    let empty = empty_window()?;
    let cardume = PathBuf::from(env!("CARGO_BIN_EXE_cardume"));
    let home = tempfile::tempdir().map_err(said)?;
    let title = "Cardume - peer-1";
    let peer = ["--home", &home.path().to_string_lossy(), "--profile", "peer-1", "peer", "--no-names"]
        .map(str::to_owned);
    let mut starts = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        // In turns: whatever else the machine does meets both.
        starts.0.push(start(&empty, &[], "An empty window")?);
        starts.1.push(start(&cardume, &peer, title)?);
    }
    let (bare, own) = (middle(&mut starts.0), middle(&mut starts.1));
    say(&format!(
        "start to the window on the screen: empty {} ms, cardume {} ms, {:.2} x",
        bare.millis,
        own.millis,
        ratio(own.millis, bare.millis)
    ));
    say(&format!(
        "memory (PSS): empty {} MB, cardume {} MB, {:.2} x",
        bare.pss / 1024,
        own.pss / 1024,
        ratio(own.pss, bare.pss)
    ));
    idle_demo(&cardume)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn said(error: impl ToString) -> String {
    error.to_string()
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn ratio(one: u64, other: u64) -> f64 {
    float(one) / float(other)
}

fn say(line: &str) {
    // Nobody reads: nothing is left to do.
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// The frames' cost, measured in the window's own tests: the window is a part of the program.
fn frames() -> Result<(), String> {
    let arguments = ["--bin", "cardume", "--", "--ignored", "--nocapture", "--exact"];
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .arg("test")
        .args(PROFILE)
        .args(arguments)
        .arg("window::tests::frame_cost::frame_cost")
        .status()
        .map_err(said)?;
    if status.success() { Ok(()) } else { Err("the frames cost too much".to_owned()) }
}

fn empty_window() -> Result<PathBuf, String> {
    let status = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .arg("build")
        .args(PROFILE)
        .args(["--example", "empty_window"])
        .status()
        .map_err(said)?;
    if !status.success() {
        return Err("the empty window does not build".to_owned());
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_cardume")).parent().ok_or("a folder")?;
    Ok(folder.join("examples/empty_window"))
}

/// What one start took and cost.
#[derive(Clone, Copy)]
struct Started {
    millis: u64,
    pss: u64,
}

fn middle(starts: &mut [Started]) -> Started {
    starts.sort_by_key(|start| start.pss);
    let pss = starts[starts.len() / 2].pss;
    starts.sort_by_key(|start| start.millis);
    Started { pss, ..starts[starts.len() / 2] }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            eprintln!("a window cannot be stopped");
        }
    }
}

fn spawn(program: &Path, arguments: &[String]) -> Result<Running, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(Running).map_err(said)
}

/// Starts a window and waits until it is on the screen: eframe shows it once its first frame is drawn.
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn start(program: &Path, arguments: &[String], title: &str) -> Result<Started, String> {
    let begun = Instant::now();
    let running = spawn(program, arguments)?;
    while !is_shown(title)? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{title} never came"));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    std::thread::sleep(Duration::from_secs(2));
    let pss = pss(running.0.id())?;
    drop(running);
    while is_shown(title)? {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Started { millis, pss })
}

fn is_shown(title: &str) -> Result<bool, String> {
    let output = Command::new("xdotool")
        .args(["search", "--onlyvisible", "--name", &format!("^{title}$")])
        .output()
        .map_err(|error| format!("xdotool: {error}"))?;
    Ok(!output.stdout.is_empty())
}

/// Proportional set size in kB.
fn pss(pid: u32) -> Result<u64, String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).map_err(said)?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no PSS")?;
    line.trim().trim_end_matches(" kB").parse().map_err(said)
}

/// The ticks that a process has used, and its main thread alone, which is the one that draws.
fn ticks(pid: u32) -> Result<(u64, u64), String> {
    let read = |path: String| -> Result<u64, String> {
        let text = std::fs::read_to_string(path).map_err(said)?;
        let (_, rest) = text.rsplit_once(')').ok_or("stat")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Ok(field(11) + field(12))
    };
    Ok((read(format!("/proc/{pid}/stat"))?, read(format!("/proc/{pid}/task/{pid}/stat"))?))
}

/// Five windows of the demonstration that nobody touches.
fn idle_demo(cardume: &Path) -> Result<(), String> {
    let home = tempfile::tempdir().map_err(said)?;
    let folder = home.path().to_string_lossy().into_owned();
    let demo = ["--home", &folder, "--stop-with-stdin", "demo"].map(str::to_owned);
    let mut running = spawn(cardume, &demo)?;
    for peer in 1..=5 {
        let mut looks = 0;
        while !is_shown(&format!("Cardume - peer-{peer}"))? {
            looks += 1;
            if looks > 3_000 {
                return Err("the demonstration's windows never came".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    // Hashed, elected, and the last toast gone.
    std::thread::sleep(Duration::from_secs(15));
    let mut pids = Vec::new();
    for peer in 1..=5 {
        let status = status(cardume, &folder, peer)?;
        pids.push(status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).ok_or("no pid")?);
    }
    let before: Vec<(u64, u64)> = pids.iter().map(|pid| ticks(*pid)).collect::<Result<_, _>>()?;
    std::thread::sleep(IDLE);
    let mut shares = Vec::new();
    for (pid, before) in pids.iter().zip(before) {
        let after = ticks(*pid)?;
        let percent = |ticks: u64| float(ticks) / f64::from(TICKS) / IDLE.as_secs_f64() * 100.0;
        shares.push((percent(after.0 - before.0), percent(after.1 - before.1), pss(*pid)? / 1024));
    }
    for (peer, (all, drawing, pss)) in (1..).zip(&shares) {
        say(&format!(
            "idle, demo of five, peer-{peer}: {all:.2} % of a core, drawing {drawing:.2} %, {pss} MB PSS"
        ));
    }
    typing(cardume, &folder)?;
    drop(running.0.stdin.take());
    running.0.wait().map_err(said)?;
    Ok(())
}

/// What a running peer says of itself.
fn status(cardume: &Path, home: &str, peer: u8) -> Result<serde_json::Value, String> {
    let status = Command::new(cardume)
        .args(["--home", home, "--profile", &format!("peer-{peer}"), "status", "--json"])
        .output()
        .map_err(said)?;
    serde_json::from_slice(&status.stdout).map_err(said)
}

fn xdotool(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("xdotool").args(arguments).output().map_err(said)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Types and scrolls in two of the five windows by turns, and tells whether the group had to elect meanwhile.
#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn typing(cardume: &Path, home: &str) -> Result<(), String> {
    let seconds = std::env::var("CARDUME_TYPING_SECONDS").ok().and_then(|text| text.parse().ok());
    let limit = seconds.map_or(TYPING, Duration::from_secs);
    let windows = (1..=2)
        .map(|peer| xdotool(&["search", "--onlyvisible", "--name", &format!("^Cardume - peer-{peer}$")]))
        .collect::<Result<Vec<String>, String>>()?;
    let before = (1..=5).map(|peer| status(cardume, home, peer)).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    let mut turns = 0;
    while begun.elapsed() < limit {
        for window in &windows {
            xdotool(&["windowfocus", "--sync", window, "mousemove", "--window", window, "300", "250"])?;
            xdotool(&["key", "ctrl+1", "ctrl+l", "type", "--delay", "60", "notes sample"])?;
            xdotool(&["click", "--repeat", "20", "--delay", "25", "5"])?;
            xdotool(&["click", "--repeat", "20", "--delay", "25", "4"])?;
            // The pages in turn, the ring among them.
            xdotool(&["key", ["ctrl+2", "ctrl+3", "ctrl+4", "ctrl+5"][turns % 4]])?;
        }
        turns += 1;
    }
    let mut total = 0;
    for (peer, before) in (1..).zip(&before) {
        let after = status(cardume, home, peer)?;
        let grown = |counter: &str| {
            let count = |status: &serde_json::Value| status["counters"][counter].as_u64().unwrap_or(0);
            count(&after).saturating_sub(count(before))
        };
        let late = |field: &str| float(after["heartbeat_lateness"][field].as_u64().unwrap_or(0)) / 1_000.0;
        say(&format!(
            "{} s of typing and scrolling in two windows, peer-{peer}: epoch {} before and {} after, {} needless \
             elections, {} elections, {} timers fired, {} heartbeats, late p99 {:.1} ms, p99.9 {:.1} ms, worst {:.1} ms",
            limit.as_secs(),
            before["epoch"],
            after["epoch"],
            grown("needless_elections"),
            grown("elections_started"),
            grown("timers_fired"),
            grown("heartbeats_received"),
            late("p99_micros"),
            late("p999_micros"),
            late("worst_micros"),
        ));
        total += grown("needless_elections");
    }
    if total == 0 { Ok(()) } else { Err(format!("{total} needless elections while somebody typed")) }
}
