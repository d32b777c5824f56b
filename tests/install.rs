//! `ui/desktop/install.sh` in a home of its own: what it writes is valid, starts the program, and goes again.
//!
//! The entry is validated where `desktop-file-validate` is; with `CARDUME_REQUIRE_DISPLAY` set it has to be.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SIZES: [&str; 8] = ["16x16", "24x24", "32x32", "48x48", "64x64", "128x128", "256x256", "512x512"];

fn install(home: &Path, more: &[(&str, &Path)], arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/desktop/install.sh");
    let mut command = Command::new(script);
    command.args(arguments).env("HOME", home).env_remove("XDG_DATA_HOME").env_remove("XDG_BIN_HOME");
    command.envs(more.iter().copied()).output().expect("bash is there")
}

fn add(home: &Path, more: &[(&str, &Path)]) {
    let output = install(home, more, &[env!("CARGO_BIN_EXE_cardume")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// All files below, as paths from there.
fn files(below: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(below).expect("below").to_owned());
            }
        }
    }
    found
}

fn validate(entry: &Path) {
    match Command::new("desktop-file-validate").arg(entry).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(_) if std::env::var_os("CARDUME_REQUIRE_DISPLAY").is_none() => {
            println!("skipped: there is no desktop-file-validate");
        }
        Err(error) => panic!("desktop-file-validate: {error}"),
    }
}

/// The values of a key, as the file has them.
fn values(entry: &str, key: &str) -> Vec<String> {
    entry.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned).collect()
}

/// The arguments of an `Exec`, read as the specification says: first the escapes of a text, then the quotes.
fn arguments(exec: &str) -> Vec<String> {
    let mut unescaped = String::new();
    let mut characters = exec.chars();
    while let Some(character) = characters.next() {
        unescaped.push(if character == '\\' { characters.next().expect("an escape") } else { character });
    }
    let mut found = vec![String::new()];
    let mut quoted = false;
    let mut characters = unescaped.chars();
    while let Some(character) = characters.next() {
        let last = found.last_mut().expect("never empty");
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => last.push(characters.next().expect("an escape")),
            ' ' if !quoted => found.push(String::new()),
            '%' => match characters.next() {
                Some('%') => last.push('%'),
                Some(field) => last.extend(['<', field, '>']),
                None => panic!("a lonely %"),
            },
            _ => last.push(character),
        }
    }
    found
}

#[test]
fn it_installs_what_a_desktop_needs_and_takes_it_away_again() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let own = home.path().join(".local/share/applications/other.desktop");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("made");
    std::fs::write(&own, "of somebody else").expect("written");
    add(home.path(), &[]);
    // Twice is an update.
    add(home.path(), &[]);
    let data = home.path().join(".local/share");
    let program = home.path().join(".local/bin/cardume");
    let entry = data.join("applications/cardume.desktop");
    validate(&entry);
    for size in SIZES {
        let icon = std::fs::read(data.join(format!("icons/hicolor/{size}/apps/cardume.png"))).expect(size);
        assert!(icon.starts_with(b"\x89PNG"), "{size}");
        let side: u32 = size.split('x').next().and_then(|side| side.parse().ok()).expect("a number");
        assert_eq!(icon[16..24], [side.to_be_bytes(), side.to_be_bytes()].concat(), "{size}");
    }
    assert!(data.join("icons/hicolor/scalable/apps/cardume.svg").is_file());

    let entry = std::fs::read_to_string(entry).expect("the entry");
    let path = program.to_str().expect("Unicode").to_owned();
    let starts: Vec<Vec<String>> = values(&entry, "Exec").iter().map(|exec| arguments(exec)).collect();
    let expected =
        [vec![path.clone(), "<u>".to_owned()], vec![path.clone()], vec![path.clone(), "demo".to_owned()]];
    assert_eq!(starts, expected);
    assert_eq!(values(&entry, "MimeType"), ["x-scheme-handler/cardume;"]);
    let version = Command::new(&program).arg("--version").output().expect("it starts");
    assert_eq!(
        String::from_utf8_lossy(&version.stdout).trim(),
        concat!("cardume ", env!("CARGO_PKG_VERSION"))
    );

    let output = install(home.path(), &[], &["--uninstall"]);
    assert!(output.status.success());
    let left = files(home.path());
    let ours: Vec<_> = left.iter().filter(|path| path.to_string_lossy().contains("cardume")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    assert_eq!(std::fs::read_to_string(own).expect("still there"), "of somebody else");
    // Once more does no harm.
    assert!(install(home.path(), &[], &["--uninstall"]).status.success());
}

#[test]
fn folders_with_unusual_names_are_quoted() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let bin = home.path().join("my \"$HOME\" `bin` & 100% | C:\\ ação");
    let data = home.path().join("share d");
    add(home.path(), &[("XDG_BIN_HOME", &bin), ("XDG_DATA_HOME", &data)]);
    let entry = data.join("applications/cardume.desktop");
    validate(&entry);
    let entry = std::fs::read_to_string(entry).expect("the entry");
    let program = bin.join("cardume");
    let exec = values(&entry, "Exec");
    assert_eq!(arguments(&exec[0]), [program.to_str().expect("Unicode"), "<u>"]);
    assert!(program.is_file());
}

#[test]
fn without_a_program_it_says_what_to_do() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = install(home.path(), &[], &["no/such/program"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cargo build --release --locked"));
    assert!(files(home.path()).is_empty());
    assert_eq!(install(home.path(), &[], &["--help"]).status.code(), Some(2));
}
