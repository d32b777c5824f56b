//! Why a command was not carried out, as data: a stable word for programs and translations, and what it is about.
//!
//! The sentence of a [`super::CommandError`] says the same in English. Absent on purpose: errors that no person can do
//! anything about; those have their code and sentence only.

use crate::store::LibraryError;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a command was not carried out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Why { $($(#[$doc])* $name,)* }

        impl Why {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for programs.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    /// A folder is not given with its whole path.
    NotWhole = "not_whole",
    /// A folder cannot be read; about: what the system says.
    Unreadable = "unreadable",
    /// It is a file and no folder.
    IsFile = "is_file",
    /// A path is not text.
    NotText = "not_text",
    /// The folder is a part of a shared one; about: that one.
    Inside = "inside",
    /// A part of the folder is shared; about: that part.
    Around = "around",
    /// The folder holds this program's keys.
    OwnKeys = "own_keys",
    /// The folder is not shared.
    NotShared = "not_shared",
    /// There are too many shared folders.
    TooManyFolders = "too_many_folders",
    /// The library's database cannot be used; about: what it says.
    Database = "database",
    /// The folder for downloads cannot be used; about: what the system says.
    DownloadsUnusable = "downloads_unusable",
    /// The form of a peer's name is refused.
    PeerName = "peer_name",
    /// Another name is just being registered.
    Renaming = "renaming",
    /// A file's name is refused; about: why.
    FileName = "file_name",
    /// Limits are out of their limits.
    Limits = "limits",
    /// There is no tracker to crash.
    NobodyToCrash = "nobody_to_crash",
    /// A member is not connected.
    NotConnected = "not_connected",
    /// Too many commands run at once.
    TooManyCommands = "too_many_commands",
    /// The peer stops or has stopped.
    Stopping = "stopping",
}

/// A [`Why`] with what it is about: a path, a name, what the system says; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// Why.
    pub why: Why,
    /// About what.
    pub about: String,
}

impl Because {
    pub(super) fn new(why: Why, about: impl Into<String>) -> Self {
        Self { why, about: about.into() }
    }

    /// Why the library refuses; `None`: nobody can do anything about it.
    pub(super) fn of_library(error: &LibraryError) -> Option<Self> {
        use LibraryError as Error;
        let shown = |path: &std::path::Path| path.display().to_string();
        Some(match error {
            Error::Relative(path) => Self::new(Why::NotWhole, shown(path)),
            Error::Folder { error, .. } => Self::new(Why::Unreadable, error.to_string()),
            Error::File(path) => Self::new(Why::IsFile, shown(path)),
            Error::NotText(path) => Self::new(Why::NotText, shown(path)),
            Error::Inside { outer } => Self::new(Why::Inside, shown(outer)),
            Error::Around { inner } => Self::new(Why::Around, shown(inner)),
            Error::Own(path) => Self::new(Why::OwnKeys, shown(path)),
            Error::NotShared(path) => Self::new(Why::NotShared, shown(path)),
            Error::TooMany => Self::new(Why::TooManyFolders, ""),
            Error::Database { error, .. } => Self::new(Why::Database, error.clone()),
            Error::Stopped => Self::new(Why::Stopping, ""),
            Error::Newer { .. } | Error::Thread(_) => return None,
        })
    }
}
