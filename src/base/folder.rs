//! Where a shared file lies, as others see it: a path of names below nothing.

use super::{FileName, FileNameError};
use std::fmt;
use std::sync::Arc;

/// Why a text is refused as a folder's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderPathError {
    /// More bytes than [`FolderPath::MAX_BYTES`].
    #[error("the folder's path is longer than {} bytes", FolderPath::MAX_BYTES)]
    Long,
    /// More names than [`FolderPath::MAX_DEPTH`].
    #[error("the folder lies deeper than {} folders", FolderPath::MAX_DEPTH)]
    Deep,
    /// A component is not a valid name.
    #[error("a folder's name is refused: {0}")]
    Name(#[from] FileNameError),
}

/// A folder of a peer: names separated by `/`, as `Music/Albums`, each of which is a valid [`FileName`]; so it
/// never leads out of the folder that it is put into. The empty path says nothing of the folder. Cheap to clone:
/// the files of one folder share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderPath(Option<Arc<str>>);

impl FolderPath {
    /// The most bytes: bounds what a list of files takes.
    pub const MAX_BYTES: usize = 1024;
    /// The most names.
    pub const MAX_DEPTH: usize = 32;

    /// Checks every name of `text`; an empty text is the empty path.
    ///
    /// # Errors
    /// Says what is wrong; a path is never repaired.
    pub fn new(text: &str) -> Result<Self, FolderPathError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() > Self::MAX_BYTES {
            return Err(FolderPathError::Long);
        }
        if text.split('/').count() > Self::MAX_DEPTH {
            return Err(FolderPathError::Deep);
        }
        for name in text.split('/') {
            FileName::new(name)?;
        }
        Ok(Self(Some(text.into())))
    }

    /// Its text; empty for the empty path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Its names, the outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.as_deref().into_iter().flat_map(|text| text.split('/'))
    }

    /// Its own name.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.names().last()
    }

    /// The path from this folder to `inner`: empty for itself, `None` if `inner` lies elsewhere.
    #[must_use]
    pub fn to_inner(&self, inner: &Self) -> Option<Self> {
        let (outer, whole) = (self.as_str(), inner.as_str());
        let rest = whole.strip_prefix(outer)?;
        if rest.is_empty() {
            return Some(Self::default());
        }
        let rest = if outer.is_empty() { rest } else { rest.strip_prefix('/')? };
        Some(Self(Some(rest.into())))
    }
}

impl fmt::Display for FolderPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FolderPath {
        FolderPath::new(text).expect("a valid path")
    }

    #[test]
    fn paths_are_names() {
        let long = "x".repeat(200);
        let deep = vec!["x"; FolderPath::MAX_DEPTH + 1].join("/");
        let table = [
            ("", Ok(0)),
            ("Music", Ok(1)),
            ("Music/Álbuns/1", Ok(3)),
            ("/", Err(FolderPathError::Name(FileNameError::Empty))),
            ("/etc", Err(FolderPathError::Name(FileNameError::Empty))),
            ("a//b", Err(FolderPathError::Name(FileNameError::Empty))),
            ("a/", Err(FolderPathError::Name(FileNameError::Empty))),
            ("a/..", Err(FolderPathError::Name(FileNameError::Empty))),
            ("../a", Err(FolderPathError::Name(FileNameError::Empty))),
            (".ssh", Err(FolderPathError::Name(FileNameError::Edge))),
            ("a\\b", Err(FolderPathError::Name(FileNameError::Character('\\')))),
            ("a/CON", Err(FolderPathError::Name(FileNameError::Device))),
            (&[long.as_str(); 6].join("/"), Err(FolderPathError::Long)),
            (&deep, Err(FolderPathError::Deep)),
        ];
        for (text, expected) in table {
            assert_eq!(FolderPath::new(text).map(|path| path.names().count()), expected, "{text}");
        }
    }

    #[test]
    fn what_lies_below() {
        let table = [
            ("Music", "Music", Some("")),
            ("Music", "Music/A/1", Some("A/1")),
            ("Music/A", "Music/A/1", Some("1")),
            ("Music", "Musical", None),
            ("Music/A", "Music", None),
            ("", "Music/A", Some("Music/A")),
            ("", "", Some("")),
        ];
        for (outer, inner, expected) in table {
            assert_eq!(path(outer).to_inner(&path(inner)), expected.map(path), "{outer} {inner}");
        }
        assert_eq!(path("Music/A").last(), Some("A"));
        assert_eq!(path("").last(), None);
    }
}
