//! Which part of the matches is wanted, and in which order.

use std::fmt;
use std::str::FromStr;

/// By what matches are sorted. Ties go by how well the name fits, then by the name, then by the folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SortKey {
    /// How well the name fits.
    #[default]
    Relevance,
    /// The folded name, numbers in it by their value.
    Name,
    /// Bytes.
    Size,
    /// How many peers have it.
    Sources,
    /// What kind of file it is, in the order of [`crate::base::FileKind`].
    Type,
}

/// From small to large, or the other way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The smallest first; for relevance, the best first.
    #[default]
    Ascending,
    /// The largest first.
    Descending,
}

/// An order of matches. As text: `name`, or `-name` for descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Which end first.
    pub direction: Direction,
}

/// A text that is not an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order is relevance, name, size, sources or type, with `-` before it for the largest first")]
pub struct ParseSortError;

impl SortKey {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Relevance, Self::Name, Self::Size, Self::Sources, Self::Type];

    /// How it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Name => "name",
            Self::Size => "size",
            Self::Sources => "sources",
            Self::Type => "type",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.direction == Direction::Descending { "-" } else { "" };
        write!(f, "{sign}{}", self.key.name())
    }
}

impl FromStr for Sort {
    type Err = ParseSortError;

    fn from_str(text: &str) -> Result<Self, ParseSortError> {
        let (direction, name) = match text.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, text),
        };
        let key = SortKey::ALL.into_iter().find(|key| key.name() == name).ok_or(ParseSortError)?;
        Ok(Self { key, direction })
    }
}

/// A part of the matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// How many matches are passed over.
    pub offset: u64,
    /// At most so many are wanted.
    pub limit: u32,
    /// In which order.
    pub sort: Sort,
}

impl From<u32> for Page {
    /// The best matches, at most so many.
    fn from(limit: u32) -> Self {
        Self { limit, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_are_written() {
        for key in SortKey::ALL {
            for direction in [Direction::Ascending, Direction::Descending] {
                let sort = Sort { key, direction };
                assert_eq!(sort.to_string().parse(), Ok(sort));
            }
        }
        for text in ["", "-", "--name", "Name", "age"] {
            assert_eq!(text.parse::<Sort>(), Err(ParseSortError), "{text:?}");
        }
    }
}
