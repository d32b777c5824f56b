//! Regular expressions on names.
//!
//! Invariant: whatever is asked for, reading a pattern and looking for it in a name take a time that is bounded
//! (linear in both: Thompson's construction, no backreferences, no look-around). Absent on purpose: capture groups -
//! a name fits or does not.

use regex_automata::meta;
use regex_syntax::Parser;

/// A regular expression, anywhere in a name unless it says otherwise (`^`, `$`), as of the `regex` crate.
#[derive(Clone, Debug)]
pub struct Pattern(meta::Regex);

/// A text that is no pattern, or a too large one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is too long.
    #[error("a regular expression has at most {} bytes", Pattern::MAX_BYTES)]
    TooLong,
    /// It is malformed.
    #[error("it is no regular expression from character {at} on: {why}")]
    Malformed {
        /// At which character, from 1.
        at: usize,
        /// What is wrong there.
        why: String,
    },
    /// It asks for too much at once, mostly by repetitions.
    #[error(
        "the regular expression is too large once its repetitions are written out; ask for less of them, or \
         for [a-z0-9] instead of \\w"
    )]
    TooLarge,
}

impl Pattern {
    /// The longest text: four times the longest name.
    pub const MAX_BYTES: usize = 256;
    /// How much memory the compiled form takes at most: four times that of `\w`, which knows all alphabets.
    const MAX_COMPILED_BYTES: usize = 256 << 10;

    /// The pattern that `text` is.
    ///
    /// # Errors
    /// If it is none or too large; says where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PatternError::TooLong);
        }
        let read = Parser::new().parse(text).map_err(|error| malformed(text, &error))?;
        let config = meta::Config::new().nfa_size_limit(Some(Self::MAX_COMPILED_BYTES));
        let built = meta::Builder::new().configure(config).build_from_hir(&read);
        built.map(Self).map_err(|_| PatternError::TooLarge)
    }

    /// Whether it is found in a name.
    #[must_use]
    pub fn is_in(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

fn malformed(text: &str, error: &regex_syntax::Error) -> PatternError {
    let (offset, why) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
        other => (0, other.to_string()),
    };
    let before = text.get(..offset).unwrap_or_default();
    PatternError::Malformed { at: before.chars().count() + 1, why }
}
