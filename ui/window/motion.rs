//! Whether the system asks for less motion. At once, as far as it can be read without a connection to its
//! settings: GTK's environment variable, and the settings file that the desktops keep for its programs. The
//! [`portal`](super::portal) answers later and has the last word.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Whether things move by themselves, as a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MotionChoice {
    /// As the system asks for.
    #[default]
    System,
    /// They stand still.
    Reduced,
    /// They move.
    Full,
}

impl MotionChoice {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Reduced, Self::Full];

    /// Whether nothing shall move, where the system asks for that or not.
    pub(crate) const fn reduces(self, system: bool) -> bool {
        match self {
            Self::System => system,
            Self::Reduced => true,
            Self::Full => false,
        }
    }
}

/// Whether nothing shall move by itself.
pub(crate) fn is_unwanted() -> bool {
    if let Ok(value) = std::env::var("GTK_ENABLE_ANIMATIONS") {
        return is_off(&value);
    }
    let config = directories::BaseDirs::new().map(|dirs| dirs.config_dir().to_owned());
    let files = ["gtk-4.0/settings.ini", "gtk-3.0/settings.ini"];
    let files = config.iter().flat_map(|config| files.map(|file| config.join(file)));
    files
        .filter_map(|file: PathBuf| std::fs::read_to_string(file).ok())
        .find_map(|text| setting(&text))
        .unwrap_or(false)
}

fn is_off(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no")
}

/// Whether this settings file turns animations off; `None` if it does not say.
fn setting(text: &str) -> Option<bool> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "gtk-enable-animations").then(|| is_off(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_file_is_read() {
        assert_eq!(setting("[Settings]\ngtk-enable-animations=0\n"), Some(true));
        assert_eq!(setting("[Settings]\ngtk-enable-animations = false\n"), Some(true));
        assert_eq!(setting("[Settings]\ngtk-enable-animations=1\n"), Some(false));
        assert_eq!(setting("[Settings]\ngtk-theme-name=Adwaita\n"), None);
    }
}
