//! The library's figures: listing, hashing and restarting with a million files, side by side with `find`
//! and `b3sum` where they are installed.
//!
//! `cargo bench --bench library -- [FILES] [MEBIBYTES]`. The trees are made below the folder for temporary
//! files (`TMPDIR`) and removed afterwards. Linux only.

use cardume::store::Library;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Files, unless the command line says another number.
const FILES: u64 = 1_000_000;
/// Files in one folder of them.
const FILES_A_FOLDER: u64 = 1_000;
/// Mebibytes to be hashed, unless the command line says another number.
const MEBIBYTES: u64 = 1_024;
/// How often hashing is measured, in turns with b3sum.
const ROUNDS: usize = 5;
/// The longest wait.
const PATIENCE: Duration = Duration::from_mins(10);
/// Runs the bench in a process of its own: opens the library in the folder that follows.
const CHILD: &str = "--open";
/// The same, and ends as a kill does.
const KILLED: &str = "--open-and-be-killed";

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).map(PathBuf::from)
    };
    if let Some(home) = after(CHILD) {
        return opened(&home);
    }
    if let Some(home) = after(KILLED) {
        opened(&home)?;
        std::process::abort();
    }
    // `cargo test --benches` only wants to see that it builds.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<u64>().ok());
    let (files, mebibytes) = (numbers.next().unwrap_or(FILES), numbers.next().unwrap_or(MEBIBYTES));
    say("| what | Cardume | beside it | ratio |\n| --- | ---: | ---: | ---: |");
    if files > 0 {
        many_files(files)?;
    }
    if mebibytes > 0 {
        many_bytes(mebibytes)?;
    }
    Ok(())
}

fn say(line: &str) {
    // Nobody reads: nothing is left to do.
    drop(writeln!(std::io::stdout(), "{line}"));
}

#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn row(what: &str, own: &str, beside: &str, ratio: &str) {
    say(&format!("| {what} | {own} | {beside} | {ratio} |"));
}

fn wait(library: &Library, what: &str, is_there: impl Fn(&Library) -> bool) -> Result<(), Failed> {
    let begun = now();
    while !is_there(library) {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what} never came").into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A library of its own and a folder to share.
struct Place {
    temp: tempfile::TempDir,
}

impl Place {
    fn new() -> Result<Self, Failed> {
        let place = Self { temp: tempfile::tempdir()? };
        std::fs::create_dir(place.tree())?;
        Ok(place)
    }

    fn tree(&self) -> PathBuf {
        self.temp.path().join("tree")
    }

    fn home(&self) -> PathBuf {
        self.temp.path().join("home")
    }
}

/// Resident kibibytes of this process.
fn resident() -> Result<u64, Failed> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Runs a command line of the shell in `folder`; `None` if a program in it is not installed.
fn shell(folder: &Path, needs: &str, line: &str) -> Option<Duration> {
    let quiet = |mut command: Command| {
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let sh = |line: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    };
    if !quiet(sh(&format!("command -v {needs}"))) {
        return None;
    }
    let begun = now();
    quiet(sh(line)).then(|| begun.elapsed())
}

const B3SUM: &str = "find . -type f -print0 | xargs -0 b3sum --num-threads 1";

fn many_files(files: u64) -> Result<(), Failed> {
    let place = Place::new()?;
    for folder in 0..files.div_ceil(FILES_A_FOLDER) {
        let path = place.tree().join(format!("course {folder:04}"));
        std::fs::create_dir(&path)?;
        let first = folder * FILES_A_FOLDER;
        for number in first..files.min(first + FILES_A_FOLDER) {
            // One in ten has a content: each takes a block of the disk, and time to be removed.
            let text = if number % 10 == 0 { number.to_string() } else { String::new() };
            std::fs::write(path.join(format!("lecture {number:07}.txt")), text)?;
        }
    }
    let found = shell(&place.tree(), "find", "find . -type f -printf '%s %p\\n'");
    let library = Library::open(&place.home())?;
    library.pause_hashing(true);
    let begun = now();
    library.share(&place.tree())?;
    wait(&library, "the first file", |library| library.totals().files > 0)?;
    let first = begun.elapsed();
    wait(&library, "all files", |library| library.totals().files == files)?;
    let listed = begun.elapsed();
    wait(&library, "the end of the walk", |library| library.shares().iter().all(|share| !share.walking))?;
    let name = |what: &str| format!("{files} files: {what}");
    row(&name("first ones listed"), &seconds(first), "", "");
    let beside = found.map_or_else(|| "find: not installed".to_owned(), |it| format!("find {}", seconds(it)));
    let ratio =
        found.map_or_else(String::new, |it| format!("{:.1}", listed.as_secs_f64() / it.as_secs_f64()));
    row(&name("all listed, durably"), &seconds(listed), &beside, &ratio);

    let begun = now();
    library.pause_hashing(false);
    wait(&library, "all hashes", |library| library.totals().hashing == 0)?;
    let hashed = begun.elapsed();
    let summed = shell(&place.tree(), "b3sum", B3SUM);
    beside_b3sum(&name("all hashed, durably"), hashed, summed);
    let begun = now();
    library.rescan(&place.tree().canonicalize()?)?;
    wait(&library, "the end of the walk", |library| library.shares().iter().all(|share| !share.walking))?;
    row(&name("all looked at again"), &seconds(begun.elapsed()), "", "");
    drop(library);
    restart(&place, CHILD, &name("restart"))?;
    restart(&place, KILLED, &name("restart"))?;
    restart(&place, CHILD, &name("restart after a kill"))
}

fn beside_b3sum(what: &str, own: Duration, b3sum: Option<Duration>) {
    let beside =
        b3sum.map_or_else(|| "b3sum: not installed".to_owned(), |it| format!("b3sum {}", seconds(it)));
    let ratio = b3sum.map_or_else(String::new, |it| format!("{:.2}", own.as_secs_f64() / it.as_secs_f64()));
    row(what, &seconds(own), &beside, &ratio);
}

/// Opens the library in a process of its own, which says how that went.
fn restart(place: &Place, how: &str, what: &str) -> Result<(), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg(how).arg(place.home()).stderr(Stdio::inherit()).output()?;
    if how == KILLED {
        return Ok(());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [files, listed, walked, kibibytes, hashed] = numbers[..] else {
        return Err(format!("the restart failed: {text}").into());
    };
    row(&format!("{what}: all listed"), &seconds(Duration::from_millis(listed)), "", "");
    row(&format!("{what}: all looked at"), &seconds(Duration::from_millis(walked)), "", "");
    row(&format!("{what}: bytes hashed again"), &hashed.to_string(), "", "");
    let each = float(kibibytes) * 1024.0 / float(files);
    row(&format!("{what}: memory of a file"), &format!("{each:.0} bytes"), "", "");
    Ok(())
}

fn opened(home: &Path) -> Result<(), Failed> {
    let before = resident()?;
    let begun = now();
    let library: Arc<Library> = Library::open(home)?;
    let (files, listed) = (library.totals().files, begun.elapsed());
    // The keeper begins to walk when it has sorted what it knows.
    wait(&library, "the walk", |library| library.shares().iter().any(|share| share.walking))?;
    wait(&library, "the end of the walk", |library| library.shares().iter().all(|share| !share.walking))?;
    let walked = begun.elapsed();
    let grown = resident()?.saturating_sub(before);
    say(&format!("{files} {} {} {grown} {}", listed.as_millis(), walked.as_millis(), library.hashed_bytes()));
    Ok(())
}

/// Half of it in one file, a quarter in files of 4 MiB, an eighth each in files of 128 KiB and of 16 KiB.
fn many_bytes(mebibytes: u64) -> Result<(), Failed> {
    let place = Place::new()?;
    let total = mebibytes * 1024 * 1024;
    let classes =
        [(total / 2, total / 2), (total / 4, 4 << 20), (total / 8, 128 << 10), (total / 8, 16 << 10)];
    let mut block = vec![0_u8; 1 << 20];
    let mut state = 1_u64;
    for (class, (bytes, size)) in (0..).zip(classes) {
        for number in 0..bytes / size {
            let mut file = std::fs::File::create(place.tree().join(format!("{class} {number}")))?;
            let mut left = size;
            while left > 0 {
                // No two blocks are alike (xorshift64).
                for word in block.as_chunks_mut::<8>().0.iter_mut().step_by(64) {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    *word = state.to_le_bytes();
                }
                let part = usize::try_from(left.min(1 << 20))?;
                file.write_all(&block[..part])?;
                left -= part as u64;
            }
        }
    }
    // Warm, and written: the disk has nothing else to do.
    shell(&place.tree(), "sync", "sync; cat * >/dev/null");
    let (mut own, mut beside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let library = Library::open(&place.temp.path().join(format!("home {round}")))?;
        library.pause_hashing(true);
        library.share(&place.tree())?;
        wait(&library, "the walk", |library| {
            library.shares().iter().all(|share| !share.walking) && library.totals().files > 0
        })?;
        let begun = now();
        library.pause_hashing(false);
        wait(&library, "all hashes", |library| library.totals().hashing == 0)?;
        own.push(begun.elapsed());
        drop(library);
        beside.extend(shell(&place.tree(), "b3sum", B3SUM));
    }
    own.sort_unstable();
    beside.sort_unstable();
    let what = format!("{mebibytes} MiB hashed, the middle of {ROUNDS}");
    beside_b3sum(&what, own[ROUNDS / 2], beside.get(ROUNDS / 2).copied());
    let speed = float(mebibytes) * 1.048_576 / own[ROUNDS / 2].as_secs_f64();
    row("speed of that", &format!("{speed:.0} MB/s"), "", "");
    Ok(())
}
