//! The one table of error codes. A base per namespace; JSON-RPC's own codes are left alone.

use jsonrpsee::types::ErrorObjectOwned;

/// A call's error as it goes over the wire: a [`Code`], a sentence and data.
pub type Refused = ErrorObjectOwned;

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $code:literal,)*) => {
        /// What went wrong, as a number that programs can rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Code { $(#[doc = $doc] $name = $code,)* }

        impl Code {
            /// Every code, for the documentation's test.
            pub const ALL: &'static [(Code, &'static str)] = &[$((Code::$name, stringify!($name)),)*];

            /// What it means, as an English sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$name => $doc.trim_ascii_start(),)* }
            }
        }
    };
}

codes! {
    /// A parameter is out of its limits.
    BadParameter = 1000,
    /// The caller is not who the call says, or may not make this call.
    NotAllowed = 1001,
    /// Too much at once; try again in a moment, or after `retry_after_millis` in the error's data.
    Busy = 1002,
    /// Something failed at this peer; its log says more.
    Internal = 1003,
    /// The election does not answer (stopping, or silenced by a fault drill).
    ElectionSilent = 1100,
    /// This peer is not the tracker; the data names the one it knows.
    NotTracker = 1200,
    /// The groups were founded separately.
    TwoGroups = 1201,
    /// The call carries an epoch that is over.
    OldEpoch = 1300,
    /// No such content is shared here.
    UnknownContent = 1400,
    /// The file changed since it was hashed; it is announced anew.
    ContentChanged = 1401,
    /// The range lies outside of the content or is too long.
    BadRange = 1402,
    /// No such name is registered.
    UnknownName = 1500,
    /// The name belongs to another key.
    NameTaken = 1501,
    /// The form of the name is refused.
    BadName = 1502,
    /// Nobody answered at the address to be registered.
    CallBackFailed = 1503,
    /// A higher (or the same) epoch was registered by somebody else; `highest` in the data.
    EpochSuperseded = 1504,
    /// The epoch is too far above the highest one.
    AbsurdEpoch = 1505,
    /// Only a voter registers as tracker.
    NotAVoter = 1506,
    /// The name service could not write its storage.
    StorageFailed = 1507,
    /// No such folder, transfer or file.
    NotFound = 1600,
    /// There is no tracker at the moment.
    NoTracker = 1601,
    /// The peer cannot be reached.
    PeerAway = 1603,
}

impl Code {
    /// The code with this number.
    #[must_use]
    pub fn of(number: i32) -> Option<Self> {
        Self::ALL.iter().map(|(code, _)| *code).find(|code| *code as i32 == number)
    }

    /// The code with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
    }

    /// Its name, as `NameTaken`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, name)| *name)
    }

    /// The error object with this code. The message says what failed, why, and what to do.
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(self as i32, message.into(), None::<()>)
    }

    /// The same with data for programs.
    #[must_use]
    pub fn error_with(self, message: impl Into<String>, data: &serde_json::Value) -> ErrorObjectOwned {
        ErrorObjectOwned::owned(self as i32, message.into(), Some(data))
    }
}
