//! Starting with the system: a `.desktop` file in the XDG autostart folder (freedesktop.org, Desktop
//! Application Autostart Specification). Only where that is how systems do it.
//!
//! Invariant: the file is there or not, as the person wants it; nothing else is written.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The autostart file of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Autostart {
    file: PathBuf,
    text: String,
}

impl Autostart {
    /// For this profile; `None` where the system has no such folder.
    pub(crate) fn of(profile: &str, home: Option<&Path>) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let folder = directories::BaseDirs::new()?.config_dir().join("autostart");
        let program = std::env::current_exe().ok()?;
        Self::in_folder(&folder, &program, profile, home)
    }

    fn in_folder(folder: &Path, program: &Path, profile: &str, home: Option<&Path>) -> Option<Self> {
        let mut command: Vec<OsString> = vec![program.into()];
        if let Some(home) = home {
            command.extend(["--home".into(), home.into()]);
        }
        command.extend(["--profile".into(), profile.into()]);
        let words: Option<Vec<String>> = command.iter().map(|word| word.to_str().map(quoted)).collect();
        let exec = words?.join(" ");
        let text = format!(
            "[Desktop Entry]\nType=Application\nName=Cardume ({profile})\nExec={exec}\nIcon=cardume\n\
             Terminal=false\nX-GNOME-Autostart-enabled=true\n"
        );
        Some(Self { file: folder.join(format!("cardume-{profile}.desktop")), text })
    }

    /// Whether the profile starts with the system.
    pub(crate) fn is_on(&self) -> bool {
        self.file.is_file()
    }

    /// Switches it on (also after the program moved) or off.
    pub(crate) fn set(&self, on: bool) -> io::Result<()> {
        if on {
            if let Some(folder) = self.file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            return std::fs::write(&self.file, &self.text);
        }
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A word of an `Exec` line (Desktop Entry Specification, the Exec key): quoted, with what is special
/// escaped twice, once for the line and once for the string.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '`' | '$' => text.extend(["\\\\", &c.to_string()]),
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_and_removes_one_file() {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().join("config/autostart");
        let home = Path::new("/srv/a b$c");
        let autostart = Autostart::in_folder(&folder, Path::new("/opt/cardume"), "peer-1", Some(home));
        let autostart = autostart.expect("plain paths");
        assert!(!autostart.is_on());
        autostart.set(false).expect("nothing to remove");
        autostart.set(true).expect("written");
        assert!(autostart.is_on());
        let text = std::fs::read_to_string(folder.join("cardume-peer-1.desktop")).expect("the file");
        let exec = "Exec=\"/opt/cardume\" \"--home\" \"/srv/a b\\\\$c\" \"--profile\" \"peer-1\"";
        assert!(text.lines().any(|line| line == exec), "{text}");
        autostart.set(false).expect("removed");
        assert!(!autostart.is_on());
    }

    #[test]
    fn what_is_special_in_an_exec_line_is_escaped() {
        assert_eq!(quoted("100%"), "\"100%%\"");
        assert_eq!(quoted("a\\b"), "\"a\\\\\\\\b\"");
        assert_eq!(quoted("a\"b"), "\"a\\\\\"b\"");
    }
}
