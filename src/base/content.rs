//! What a file is (its content) and what it is called (a name, which is only a label).

use super::peer::{ParseIdError, id};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

id! {
    /// A content: the BLAKE3 hash of all its bytes.
    ContentId, 32
}

/// Why a text is refused as a file's name. Names are refused, never repaired: a repaired name is
/// another name, and two of them can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// Empty, `.` or `..`.
    #[error("the name is empty, `.` or `..`")]
    Empty,
    /// More than 255 bytes.
    #[error("the name is longer than {} bytes", FileName::MAX_BYTES)]
    Long,
    /// Contains a separator, a reserved or a control character.
    #[error("the name contains {0:?}, which is not allowed in file names everywhere")]
    Character(char),
    /// Begins or ends with a space, or ends with a dot.
    #[error("the name begins or ends with a space or a dot")]
    Edge,
    /// A device name of Windows, as `CON` or `COM1`.
    #[error("the name is reserved for a device on Windows")]
    Device,
}

/// One validated component of a path: what a shared or downloaded file is called. Cheap to clone: lists share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Arc<str>);

impl FileName {
    /// The most bytes in a name: the limit of common file systems.
    pub const MAX_BYTES: usize = 255;

    /// Checks `text` as one component of a path on every common system.
    ///
    /// # Errors
    /// Says what is wrong with the name; it is never repaired.
    pub fn new(text: &str) -> Result<Self, FileNameError> {
        if matches!(text, "" | "." | "..") {
            return Err(FileNameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(FileNameError::Long);
        }
        if let Some(bad) = text.chars().find(|c| is_forbidden(*c)) {
            return Err(FileNameError::Character(bad));
        }
        // A leading dot is an ordinary hidden file on Unix only when something follows; PROMISES lists
        // leading dots as refused, so hidden files are not shared.
        if text.starts_with([' ', '.']) || text.ends_with([' ', '.']) {
            return Err(FileNameError::Edge);
        }
        if is_device(text) {
            return Err(FileNameError::Device);
        }
        Ok(Self(text.into()))
    }

    /// The name whose text this is: one that was checked before and kept as text.
    pub(crate) fn of_checked(text: &str) -> Self {
        debug_assert!(Self::new(text).is_ok(), "{text:?} was a name");
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_forbidden(c: char) -> bool {
    let reserved = matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    // Bidirectional controls make a name read as another one (Unicode UAX #9).
    let bidirectional =
        matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    reserved || bidirectional || c.is_control()
}

/// Device names are reserved with any extension too, and with superscript digits (Microsoft, "Naming
/// Files, Paths, and Namespaces").
fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or(text).trim_end();
    // The longest has three letters and a superscript digit; nearly every name is told by its length.
    if stem.len() > 5 {
        return false;
    }
    let stem = stem.to_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") {
        return true;
    }
    let Some(number) = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")) else {
        return false;
    };
    let mut digits = number.chars();
    matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}
