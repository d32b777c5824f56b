//! What is searched for, and how well a name fits.

use super::fold::fold;
use memchr::memmem::Finder;

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// More than [`Query::MAX_BYTES`].
    #[error("a search has at most {} bytes; use fewer words", Query::MAX_BYTES)]
    TooLong,
    /// More than [`Query::MAX_WORDS`].
    #[error("a search has at most {} words; use fewer words", Query::MAX_WORDS)]
    TooManyWords,
}

/// How well a name fits; the lowest is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The words are the name, or all of it but its extension.
    Exact,
    /// The name begins with the words.
    Prefix,
    /// Every word stands at the beginning of a word of the name.
    WordStart,
    /// Every word occurs somewhere.
    Inside,
}

/// A checked query: folded words, all of which must occur. It may have none: then every name fits.
#[derive(Clone, Debug)]
pub struct Query {
    /// The words as they were typed, with one space between them.
    phrase: String,
    /// The longest first: it is the rarest, and is what the names are scanned for.
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    text: String,
    finder: Finder<'static>,
}

impl Query {
    /// The most bytes of a query: more than anybody types.
    pub const MAX_BYTES: usize = 1024;
    /// The most words of a query: each one costs a scan.
    pub const MAX_WORDS: usize = 32;

    /// Folds `text` and splits it at white space. Nothing in it has a special meaning.
    ///
    /// # Errors
    /// If it is longer than the limits.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > Self::MAX_BYTES {
            return Err(QueryError::TooLong);
        }
        let folded = fold(text);
        let mut words: Vec<&str> = folded.split_whitespace().collect();
        if words.len() > Self::MAX_WORDS {
            return Err(QueryError::TooManyWords);
        }
        let phrase = words.join(" ");
        words.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        words.dedup();
        let word =
            |text: &str| Word { text: text.to_owned(), finder: Finder::new(text.as_bytes()).into_owned() };
        Ok(Self { phrase, words: words.into_iter().map(word).collect() })
    }

    /// What names are scanned for; `None` for a query of no words.
    pub(super) fn rarest(&self) -> Option<&Finder<'static>> {
        self.words.first().map(|word| &word.finder)
    }

    /// How well a folded name fits; `None` if a word is missing.
    #[must_use]
    pub fn rank(&self, folded: &str) -> Option<Rank> {
        let mut worst = Rank::Exact;
        for word in &self.words {
            worst = worst.max(word.rank(folded)?);
        }
        Some(if self.words.is_empty() {
            Rank::Inside
        } else if folded == self.phrase || stem(folded) == self.phrase {
            Rank::Exact
        } else if folded.starts_with(&self.phrase) {
            Rank::Prefix
        } else {
            worst.max(Rank::Prefix)
        })
    }
}

impl Word {
    fn rank(&self, folded: &str) -> Option<Rank> {
        let mut best = None;
        for at in self.finder.find_iter(folded.as_bytes()) {
            // Both are UTF-8, so a hit is at the border of a character.
            let rank = match folded[..at].chars().next_back() {
                None => return Some(Rank::Prefix),
                Some(before) if !before.is_alphanumeric() => return Some(Rank::WordStart),
                Some(_) => Rank::Inside,
            };
            best = Some(rank);
        }
        debug_assert!(!self.text.is_empty(), "a word has at least one character");
        best
    }
}

/// A name without its extension.
fn stem(folded: &str) -> &str {
    folded.rsplit_once('.').map_or(folded, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        use Rank::{Exact, Inside, Prefix, WordStart};
        let cases = [
            ("report", "report", Some(Exact)),
            ("report", "report.pdf", Some(Exact)),
            ("report.pdf", "report.pdf", Some(Exact)),
            ("annual report", "annual report.pdf", Some(Exact)),
            ("report annual", "annual report.pdf", Some(WordStart)),
            ("annual  rep", "annual report.pdf", Some(Prefix)),
            ("rep", "report.pdf", Some(Prefix)),
            ("report", "annual_report.pdf", Some(WordStart)),
            ("port", "report.pdf", Some(Inside)),
            ("port rep", "report.pdf", Some(Inside)),
            ("ana", "banana ana", Some(WordStart)),
            ("report x", "report.pdf", None),
            ("", "anything", Some(Inside)),
            (" \t ", "anything", Some(Inside)),
            ("\u{200b}", "anything", Some(Inside)),
            ("AÇÃO", "acao.txt", Some(Exact)),
            (".*", "a.b", None),
            (".*", "a.*b", Some(Inside)),
            ("../", "a", None),
            ("aa", "aa aa", Some(Prefix)),
        ];
        for (words, name, expected) in cases {
            let query = Query::parse(words).expect("within the limits");
            assert_eq!(query.rank(name), expected, "{words:?} in {name:?}");
        }
    }

    #[test]
    fn limits() {
        let parse = |text: &str| Query::parse(text).map(|query| query.words.len());
        assert_eq!(parse(&"x".repeat(1024)), Ok(1));
        assert_eq!(parse(&"x".repeat(1025)), Err(QueryError::TooLong));
        let words: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(parse(&words[..32].join(" ")), Ok(32));
        assert_eq!(parse(&words.join(" ")), Err(QueryError::TooManyWords));
        assert_eq!(parse("a A á"), Ok(1));
    }
}
