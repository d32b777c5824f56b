//! How a query is written.
//!
//! ```text
//! query  = { ["-"] term }            all terms hold; "-" in front: must not
//! term   = word | quoted | operator  separated by white space
//! quoted = '"' text '"'              one piece of text, spaces and all; the last quote may be missing
//! operator = ("ext" | "size" | "peer" | "type") ":" value
//! ```
//!
//! Only these very characters mean something, not what is folded to them: names have wide ones (`－`, `＂`, `：`),
//! and are pasted. So the text is cut as it was typed, and then folded. What only looks like an operator (`abc:def`)
//! is a word. A query that is a link to a content, or a hash alone, asks for that content.

use super::size::parse_range;
use super::{Filter, Operator, PeerTerm, Query, QueryError, Test, Wanted, Word};
use crate::base::{ContentLink, FileKind, bare_hash};
use crate::engine::index::fold::{fold, is_kept};

/// The most characters of a value that an error repeats.
const MAX_REPEATED: usize = 40;

/// One part of a query, folded.
struct Token {
    wanted: Wanted,
    operator: Option<Operator>,
    /// The word, or what stands behind the operator.
    text: String,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// If it is longer than the limits, or an operator or a link is malformed.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > Self::MAX_BYTES {
            return Err(QueryError::TooLong);
        }
        if ContentLink::is_meant(text) {
            let link: ContentLink = text.parse().map_err(QueryError::BadLink)?;
            return Ok(Self { content: Some(link.content), ..Self::default() });
        }
        let tokens = tokens(text);
        if tokens.len() > Self::MAX_WORDS {
            return Err(QueryError::TooManyWords);
        }
        let mut query = Self { content: bare_hash(text), ..Self::default() };
        let mut words = Vec::new();
        let mut without = Vec::new();
        for token in tokens {
            match (token.operator, token.wanted) {
                (Some(operator), wanted) => query.add(operator, &token.text, wanted)?,
                (None, Wanted::With) => words.push(token.text),
                (None, Wanted::Without) => without.push(token.text),
            }
        }
        query.phrase = words.join(" ");
        query.words = sorted(words);
        query.without = sorted(without);
        Ok(query)
    }

    fn add(&mut self, operator: Operator, value: &str, wanted: Wanted) -> Result<(), QueryError> {
        let bad = || QueryError::BadValue { operator, value: value.chars().take(MAX_REPEATED).collect() };
        let parts = || value.split(',').map(str::trim).filter(|part| !part.is_empty());
        if parts().next().is_none() {
            return Err(bad());
        }
        let test = match operator {
            Operator::Ext => Test::Extension(
                parts().map(|part| format!(".{}", part.trim_start_matches(['.', '*']))).collect(),
            ),
            Operator::Type => Test::Kind(kinds(parts()).ok_or_else(bad)?),
            Operator::Size => Test::Size(parse_range(value).ok_or_else(bad)?),
            Operator::Peer => {
                self.peers.push(PeerTerm { wanted, names: parts().map(str::to_owned).collect() });
                return Ok(());
            }
        };
        self.filters.push(Filter { wanted, test });
        Ok(())
    }
}

/// The kinds whose names begin with these; `None` if one is no beginning.
fn kinds<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Vec<FileKind>> {
    let mut kinds = Vec::new();
    for part in parts {
        let before = kinds.len();
        kinds.extend(FileKind::ALL.into_iter().filter(|kind| kind.name().starts_with(part)));
        if kinds.len() == before {
            return None;
        }
    }
    Some(kinds)
}

/// The longest first, each once.
fn sorted(mut words: Vec<String>) -> Vec<Word> {
    words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    words.iter().map(|word| Word::new(word)).collect()
}

/// Reads what was typed without a sign and quotes.
fn read(wanted: Wanted, start: Start, typed: &str, tokens: &mut Vec<Token>) {
    let operator = |(name, value)| {
        let name = fold(name);
        Some((Operator::ALL.into_iter().find(|operator| operator.name() == name)?, value))
    };
    let plain = typed.split_once(':').filter(|_| start == Start::Plain);
    if let Some((operator, value)) = plain.and_then(operator) {
        tokens.push(Token { wanted, operator: Some(operator), text: fold(value) });
        return;
    }
    let text = fold(typed);
    let mut add = |text: &str| tokens.push(Token { wanted, operator: None, text: text.to_owned() });
    // Some characters are folded to several words.
    if wanted == Wanted::With && start == Start::Plain && !typed.contains(char::is_whitespace) {
        text.split_whitespace().for_each(add);
    } else if !text.trim().is_empty() {
        add(&text);
    }
}

/// How a part begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Plain,
    /// With a quote: never an operator.
    Quote,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    // What cannot be seen is not taken for the beginning of a word.
    let mut rest = text.chars().filter(|c| is_kept(*c)).peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = rest.next() else { return tokens };
        let mut wanted = Wanted::With;
        let mut next = Some(first);
        if first == '-' && rest.peek().is_some_and(|c| !c.is_whitespace()) {
            wanted = Wanted::Without;
            next = rest.next();
        }
        let start = if next == Some('"') { Start::Quote } else { Start::Plain };
        let mut typed = String::new();
        let mut inside_quotes = false;
        while let Some(c) = next.filter(|c| inside_quotes || !c.is_whitespace()) {
            if c == '"' {
                inside_quotes = !inside_quotes;
            } else {
                typed.push(c);
            }
            next = rest.next();
        }
        read(wanted, start, &typed, &mut tokens);
    }
}
