//! Why a download is in its state: a code for programs and translations, and an English sentence.

/// Why a download does not run, or what it is doing. Everything under "waits" goes on by itself when its
/// cause is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Others come first.
    Queued,
    /// The tracker is asked for sources.
    AskingTracker,
    /// The tracker does not answer.
    NoTracker,
    /// Nobody in the group has the file now.
    NobodyHasIt,
    /// Every source is away or busy; they are asked again.
    SourcesAway,
    /// Every source changed its file since it was announced.
    FileChanged,
    /// No source shares the file any more.
    FileGone,
    /// Every source sent something wrong; another one is needed.
    NoSourceLeft,
    /// Files of the folder are still being hashed at the source.
    Hashing,
    /// The volume is full.
    DiskFull,
    /// The target folder may not be written to.
    NoPermission,
    /// The target folder cannot be used.
    FolderUnusable,
    /// The target folder is not where it was: moved, removed, or on a drive that was taken out.
    FolderGone,
    /// Something that is not Cardume's lies where the partial file should.
    InTheWay,
    /// Another process downloads the same.
    InUse,
    /// The disk fails otherwise.
    DiskError,
    /// The manifest is fetched and proven.
    Proving,
    /// What an earlier run left is read and checked.
    Checking,
    /// Pieces come in.
    Downloading,
    /// The list of the folder's files is fetched.
    Listing,
    /// The file gets its name.
    Finishing,
    /// The file is too large for the volume, for good.
    TooLarge,
    /// The volume does not take such a name, for good.
    NameRefused,
    /// Everything of a folder is there but some files that are too large for the volume, or of a name that it does
    /// not take, or in whose way something lies.
    NotTaken,
    /// Ten thousand files have that name already.
    NamesTaken,
    /// The list of a folder has no end, or goes beyond what is taken.
    ListTooLong,
    /// Something failed that should not.
    Internal,
    /// It was cancelled, and what it left could not be removed.
    NotRemoved,
    /// Finished under another name, because a file of that name existed.
    Renamed,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::Queued,
        Self::AskingTracker,
        Self::NoTracker,
        Self::NobodyHasIt,
        Self::SourcesAway,
        Self::FileChanged,
        Self::FileGone,
        Self::NoSourceLeft,
        Self::Hashing,
        Self::DiskFull,
        Self::NoPermission,
        Self::FolderUnusable,
        Self::FolderGone,
        Self::InTheWay,
        Self::InUse,
        Self::DiskError,
        Self::Proving,
        Self::Checking,
        Self::Downloading,
        Self::Listing,
        Self::Finishing,
        Self::TooLarge,
        Self::NameRefused,
        Self::NotTaken,
        Self::NamesTaken,
        Self::ListTooLong,
        Self::Internal,
        Self::NotRemoved,
        Self::Renamed,
    ];

    /// The code, and the sentence; `{}` is what it is about.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Queued => ("queued", "queued"),
            Self::AskingTracker => ("asking_tracker", "asking the tracker"),
            Self::NoTracker => ("no_tracker", "waiting for the tracker: {}"),
            Self::NobodyHasIt => ("nobody_has_it", "nobody has the file now; goes on when somebody has"),
            Self::SourcesAway => ("sources_away", "waiting for a source: {}"),
            Self::FileChanged => ("file_changed", "the file changed at the source: {}"),
            Self::FileGone => ("file_gone", "the file is not shared any more: {}"),
            Self::NoSourceLeft => {
                ("no_source_left", "no source is left: {}; goes on when another one has the file")
            }
            Self::Hashing => ("hashing", "files are still being hashed at the source: {}"),
            Self::DiskFull => {
                ("disk_full", "the disk is full; make room, and the download goes on by itself")
            }
            Self::NoPermission => ("no_permission", "the folder may not be written to: {}"),
            Self::FolderUnusable => ("folder_unusable", "the folder cannot be used: {}"),
            Self::FolderGone => {
                ("folder_gone", "the folder is not there any more: {}; goes on when it is back in its place")
            }
            Self::InTheWay => ("in_the_way", "something else lies in the target folder: {}"),
            Self::InUse => {
                ("in_use", "another peer on this machine downloads the same file into this folder")
            }
            Self::DiskError => ("disk_error", "the disk fails: {}"),
            Self::Proving => ("proving", "asking for the manifest"),
            Self::Checking => ("checking", "checking what is there already"),
            Self::Downloading => ("downloading", "downloading"),
            Self::Listing => ("listing", "asking what is in the folder"),
            Self::Finishing => ("finishing", "putting the file in its place"),
            Self::TooLarge => ("too_large", "the file is too large for this volume"),
            Self::NameRefused => ("name_refused", "this volume does not take the file's name: {}"),
            Self::NotTaken => ("not_taken", "the rest is there; this cannot be put in its place: {}"),
            Self::NamesTaken => ("names_taken", "too many files of that name exist"),
            Self::ListTooLong => (
                "list_too_long",
                "the peer's list of this folder is too long: {}; download the folders in it one by one",
            ),
            Self::Internal => ("internal", "something failed that should not: {}"),
            Self::NotRemoved => (
                "not_removed",
                "what it left could not be removed; cancel it again, or remove it yourself: {}",
            ),
            Self::Renamed => ("renamed", "a file of that name existed; this one is {}"),
        }
    }

    /// The code for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.words().0
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The English sentence.
    #[must_use]
    pub fn sentence(self, about: &str) -> String {
        self.words().1.replace("{}", about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_code() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code("other"), None);
        assert_eq!(Reason::NoPermission.sentence("/x"), "the folder may not be written to: /x");
    }
}
